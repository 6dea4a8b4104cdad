#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a program can say about style: blanks, newlines, file heads, sizes, and the format.

    python3 tools/check_style.py [FILE...]

Without arguments, all source files of the tree. clang-format decides the format
of .c and .h files, if its version 14 is at hand: other versions disagree.
Prints each complaint and exits 1 if there is one.
"""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ['include', 'compiler', 'runtime', 'tests', 'models', 'tools', 'cmake', 'docs', 'shaders']
SUFFIXES = {'.c', '.h', '.def', '.py', '.cmake', '.txt', '.md', '.onnxtxt', '.comp', '.glsl', ''}
SPDX = 'SPDX-License-Identifier: Apache-2.0'
NEEDS_SPDX = {'.c', '.h', '.py', '.comp', '.glsl'}
MAX_LINES = 800


def sources():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob('*')):
            if path.is_file() and path.suffix in SUFFIXES and '__pycache__' not in path.parts:
                yield path
    yield from (path for path in sorted(ROOT.glob('*')) if path.suffix in {'.md', '.txt', '.json'})


def complaints_about(path):
    try:
        text = path.read_text(encoding='utf-8')
    except UnicodeDecodeError:
        return  # binary test data without a suffix
    # A file of expected output may end as it must.
    if 'golden' not in path.parts and 'goldens' not in path.parts:
        for i, line in enumerate(text.split('\n'), 1):
            if re.search(r'[ \t\r]$', line):
                yield f'{i}: blank at the end of the line'
            if '\t' in line and path.suffix in {'.c', '.h', '.py'}:
                yield f'{i}: tab'
        if text and not text.endswith('\n'):
            yield f'{text.count(chr(10)) + 1}: no newline at the end of the file'
        if text.endswith('\n\n'):
            yield f'{text.count(chr(10))}: blank line at the end of the file'
    if path.suffix in NEEDS_SPDX and SPDX not in '\n'.join(text.splitlines()[:2]):
        yield f'1: no {SPDX} in the first two lines'
    if path.suffix in NEEDS_SPDX and text.count('\n') > MAX_LINES:
        yield f'{MAX_LINES}: {text.count(chr(10))} lines; one idea, or several?'


def find_clang_format():
    for name in ('clang-format-14', 'clang-format'):
        program = shutil.which(name)
        if program:
            version = subprocess.run([program, '--version'], stdout=subprocess.PIPE, text=True, check=True)
            if 'version 14.' in version.stdout:
                return program
    return None


def format_complaints(files):
    program = find_clang_format()
    if not program:
        print('check_style: note: clang-format 14 is not installed; the format is not checked')
        return []
    lines = {}
    for i in range(0, len(files), 50):
        result = subprocess.run([program, '--dry-run', '--Werror', *files[i:i + 50]], check=False,
                                stderr=subprocess.PIPE, text=True)
        for file, line in re.findall(r'^(\S+?):(\d+):\d+: error:', result.stderr, re.MULTILINE):
            lines.setdefault(file, set()).add(int(line))
    return [f'{file}:{min(found)}: {len(found)} lines not as clang-format writes them'
            for file, found in lines.items()]


def main(arguments):
    files = [pathlib.Path(argument) for argument in arguments] or list(sources())
    complaints = [f'{path}:{text}' for path in files for text in complaints_about(path)]
    complaints += format_complaints([str(path) for path in files if path.suffix in {'.c', '.h'}])
    for complaint in complaints:
        print(complaint.replace(f'{ROOT}/', ''), file=sys.stderr)
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
