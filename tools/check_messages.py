#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every message of the importer has a test. Prints each that has none and exits 1 if there is one.

    python3 tools/check_messages.py [ROOT]

The messages are the format strings given to the functions in CALLS, in the files of
compiler/onnx; the tests are the files below tests/. A message is tested if a test holds
the longest piece of it between conversions.
"""

import pathlib
import re
import sys

CALLS = re.compile(r'\b(?:sc_bad_node|sc_hint_node|sc_note_node|sc_link_fail|sc_link_hint|sc_report|sc_fail|'
                   r'sc_text_fail|fail)\s*\(')
LITERAL = r'"(?:\\.|[^"\\])*"'
STRING = re.compile(rf'{LITERAL}(?:\s*(?:{LITERAL}|PRI\w+))*')
CONVERSION = re.compile(r'%[-+ #0-9.*]*(?:hh|h|ll|l|z|j)?[diuoxXcsfgeGp]')
TESTS = {'.c', '.py', '.onnxtxt', '.ir', '.txt', '.sh'}
LEAST = 10  # characters that tell one message from another


def unescape(text):
    return re.sub(r'\\(.)', lambda m: {'n': '\n', 't': '\t'}.get(m.group(1), m.group(1)), text)


def end_of_call(code, at):
    """Where the parenthesis closes that is open at `at`."""
    depth = 1
    for token in re.compile(rf'{LITERAL}|[()]').finditer(code, at):
        depth += {'(': 1, ')': -1}.get(token.group(), 0)
        if depth == 0:
            return token.start()
    return len(code)


def formats(source):
    """The format string of each call in a C file, with the number of its line."""
    code = re.sub(r'(?m)^\s*//.*$', '', source)
    for call in CALLS.finditer(code):
        string = STRING.search(code, call.end(), end_of_call(code, call.end()))
        if not string:
            continue
        parts = re.findall(rf'({LITERAL})|PRI(\w)\w*', string.group())
        text = ''.join(unescape(part[1:-1]) if part else conversion for part, conversion in parts)
        yield code.count('\n', 0, call.start()) + 1, text


def pieces(text):
    return [piece.replace('\0', '%') for piece in CONVERSION.split(text.replace('%%', '\0'))]


def read_tests(folder):
    """All tests in one text, with the literals of C and Python joined as the compilers do."""
    texts = []
    for path in sorted(folder.rglob('*')):
        if path.suffix not in TESTS or not path.is_file():
            continue
        text = path.read_text(errors='replace')
        if path.suffix in ('.c', '.py'):
            text = unescape(re.sub(r'(["\'])\s*\n\s*\1', '', text))
        texts.append(text)
    return '\n'.join(texts)


def is_tested(text, tests):
    literal = pieces(text)
    longest = max(literal, key=len)
    if len(longest) < LEAST:
        return len(''.join(literal)) < LEAST or re.search('.*'.join(map(re.escape, literal)), tests)
    return longest in tests or longest.strip() in tests


def main(root):
    tests = read_tests(root / 'tests')
    complaints = []
    for path in sorted((root / 'compiler/onnx').glob('*.c')):
        for line, text in formats(path.read_text()):
            if not is_tested(text, tests):
                complaints.append(f"{path.relative_to(root)}:{line}: error: no test has the message '{text}'")
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else '.')))
