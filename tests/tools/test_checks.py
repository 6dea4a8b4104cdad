#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the programs that check the house rules: each must find what it is there to find."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / 'tools'
HEAD = '// SPDX-License-Identifier: Apache-2.0\n'


class Checks(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def run_tool(self, tool, *arguments):
        result = subprocess.run([sys.executable, TOOLS / tool, *arguments], text=True, check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return result.returncode, result.stderr

    def assert_includes(self, path, include, complaint):
        self.write(path, f'{HEAD}#include {include}\n')
        status, messages = self.run_tool('check_includes.py', self.root)
        self.assertEqual(status, 1 if complaint else 0, messages)
        self.assertIn(f'{path}:2: error: {complaint}' if complaint else '', messages)

    def test_arrows_may_be_followed(self):
        self.write('runtime/base/str.h', HEAD)
        self.assert_includes('runtime/core/program.c', '"runtime/base/str.h"', None)

    def test_arrows_may_not_be_reversed(self):
        self.write('runtime/core/program.h', HEAD)
        self.assert_includes('runtime/base/str.c', '"runtime/core/program.h"',
                             "'runtime/core/program.h' belongs to runtime/core")

    def test_siblings_do_not_know_each_other(self):
        self.write('compiler/passes/passes.h', HEAD)
        self.assert_includes('compiler/ops/relu.c', '"compiler/passes/passes.h"',
                             "'compiler/passes/passes.h' belongs to compiler/passes")

    def test_commands_see_public_headers_only(self):
        self.write('runtime/base/str.h', HEAD)
        self.assert_includes('compiler/cli/main.c', '"runtime/base/str.h"',
                             "'runtime/base/str.h' belongs to runtime/base")

    def test_blas_has_one_home(self):
        self.assert_includes('runtime/cpu/ops/matmul.c', '<cblas.h>', "'cblas.h' may be included only in")

    def test_headers_are_included_from_the_root(self):
        self.write('runtime/base/str.h', HEAD)
        self.assert_includes('runtime/base/str.c', '"str.h"', "'str.h' is not a path from the root")

    def test_style_names_blanks_and_heads(self):
        file = self.write('a.py', 'x = 1 \n')
        status, messages = self.run_tool('check_style.py', file)
        self.assertEqual(status, 1)
        self.assertIn('a.py:1: blank at the end of the line', messages)
        self.assertIn('a.py:1: no SPDX-License-Identifier', messages)

    def test_style_wants_a_final_newline(self):
        status, messages = self.run_tool('check_style.py', self.write('a.md', 'text'))
        self.assertEqual(status, 1)
        self.assertIn('a.md:1: no newline at the end of the file', messages)

    def test_symbols_without_prefix_are_found(self):
        source = self.write('a.c', 'int sc_good(void);\nint sc_good(void) { return 1; }\n'
                                   'int bad(void);\nint bad(void) { return 1; }\n'
                                   'int simclr_unknown(void);\nint simclr_unknown(void) { return 1; }\n')
        subprocess.run(['cc', '-c', source, '-o', self.root / 'a.o'], check=True)
        status, messages = self.run_tool('check_symbols.py', self.root / 'a.o')
        self.assertEqual(status, 1)
        self.assertIn("'bad' does not start with simclr_ or sc_", messages)
        self.assertIn("'simclr_unknown' is public by name", messages)
        self.assertNotIn('sc_good', messages)

    def assert_messages(self, call, test, complaint):
        self.write('compiler/onnx/import.c', f'{HEAD}void f(void)\n{{\n    {call};\n}}\n')
        self.write('tests/onnx/golden/error.onnxtxt', f'# ! {test}\n')
        status, messages = self.run_tool('check_messages.py', self.root)
        self.assertEqual((status, messages), (1 if complaint else 0, complaint))

    def test_a_message_may_be_tested(self):
        call = '(void)sc_bad_node(s, "axis %" PRId64 " is outside "\n"a (%s) tensor; sorry", g(")"), t)'
        self.assert_messages(call, 'axis 3 is outside a (good) tensor; sorry', '')

    def test_a_message_without_a_test_is_found(self):
        self.assert_messages('sc_report(d, SIMCLR_ERROR, file, "axis %d is outside", axis)', 'axis 3 is inside',
                             "compiler/onnx/import.c:4: error: no test has the message 'axis %d is outside'\n")


if __name__ == '__main__':
    unittest.main()
