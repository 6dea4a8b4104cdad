#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Models without training: simclrc --loss none, and simclr run."""

import array
import json
import math
import unittest

from simclr_files import (COMPILE, SIMCLRC, CommandTest, read_npy, write_npy, write_safetensors)

HEAD = '<ir_version: 8, opset_import: ["": 17]>\n'
SUM = HEAD + '''m (float[2,3] x, float[3] y) => (float[2,3] sum, bool[2,3] is_less) {
  sum = Add (x, y)
  is_less = Less (x, y)
}
'''
RESHAPE = HEAD + 'm (float[2,3] x, int64[n] shape) => (float[a,b] y) { y = Reshape (x, shape) }\n'
X, Y = [1, 2, 3, 4, 5, 6], [10, 2.5, -1]
SUMS = [11, 4.5, 2, 14, 7.5, 5]


class AsIsTest(CommandTest):
    def model(self, text, *arguments, name='m'):
        """Compiles `text` into NAME.scp."""
        (self.root / f'{name}.onnxtxt').write_text(text)
        return self.compile(f'{name}.scp', f'{name}.onnxtxt', '--loss', 'none', *arguments)

    def refuse_compile(self, code, messages, *arguments):
        result = self.run_program(SIMCLRC, *arguments, '-o', 'no.scp')
        self.assertEqual((result.returncode, result.stdout), (code, ''))
        self.assertEqual(result.stderr, messages)
        self.assertFalse((self.root / 'no.scp').exists())

    def refuse(self, code, messages, *arguments):
        result = self.simclr('run', *arguments)
        self.assertEqual((result.returncode, result.stdout), (code, ''))
        self.assertEqual(result.stderr, messages)

    def npy(self, name, descr, shape, values, **how):
        write_npy(self.root / name, descr, shape, values, **how)
        return name


class Run(AsIsTest):
    def setUp(self):
        super().setUp()
        self.model(SUM)
        self.npy('x.npy', '<f4', (2, 3), X)
        self.npy('y.npy', '<f4', (3,), Y)

    def test_outputs_are_summed_up(self):
        self.assertEqual(self.succeed('run', 'm.scp', '--input', 'x.npy', '--input', 'y.npy'),
                         'sum f32[2,3]  min 2, max 14, mean 7.33333\n'
                         'is_less bool[2,3]  min 0, max 1, mean 0.5\n')

    def test_inputs_by_name_leave_the_others_their_order(self):
        text = self.succeed('run', 'm.scp', '--input', 'y=y.npy', '--input', 'x.npy', '--json', '--threads', 2)
        self.assertEqual(json.loads(text)['outputs'][0],
                         {'name': 'sum', 'type': 'f32', 'shape': [2, 3], 'numbers': 6, 'min': 2, 'max': 14,
                          'mean': 7.33333333})

    def test_outputs_are_written(self):
        text = self.succeed('run', 'm.scp', '--input', 'x.npy', '--input', 'y.npy', '-o', 'out')
        self.assertIn('  out/sum.npy\n', text)
        self.assertEqual(sorted(path.name for path in (self.root / 'out').iterdir()), ['is_less.npy', 'sum.npy'])
        descr, shape, values = read_npy(self.root / 'out/sum.npy')
        self.assertEqual((descr, shape, list(values)), ('<f4', (2, 3), SUMS))
        self.assertEqual(read_npy(self.root / 'out/is_less.npy'),
                         ('|b1', (2, 3), [True, True, False, True, False, False]))
        self.refuse(2, "simclr: error: 'out' is there already, expected a new folder\n", 'm.scp', '--input', 'x.npy',
                    '--input', 'y.npy', '-o', 'out')

    def test_a_folder_that_cannot_be_made_leaves_nothing(self):
        result = self.simclr('run', 'm.scp', '--input', 'x.npy', '--input', 'y.npy', '-o', '/proc/no/out')
        self.assertEqual(result.returncode, 3)
        self.assertEqual(result.stdout, '')

    def test_what_is_expected_is_compared(self):
        self.npy('sum.npy', '<f8', (2, 3), SUMS)
        text = self.succeed('run', 'm.scp', '--input', 'x.npy', '--input', 'y.npy', '--expect', 'sum.npy')
        self.assertIn('mean 7.33333  as expected\n', text)
        self.npy('less.npy', '|u1', (2, 3), [1, 1, 0, 1, 0, 1])
        self.npy('near.npy', '<f4', (2, 3), [11, 4.5, 2.5, 14, 7.5, 5.001])
        result = self.simclr('run', 'm.scp', '--input', 'x.npy', '--input', 'y.npy', '--expect', 'is_less=less.npy',
                             '--expect', 'near.npy', '--json', '-o', 'out')
        self.assertEqual(result.returncode, 4)
        self.assertEqual(result.stderr,
                         "simclr: error: output 'sum' is wrong: element [0,2] is 2, expected 2.5; 1 of 6 elements are "
                         "out of tolerance\n"
                         "simclr: error: output 'is_less' is wrong: element [1,2] is 0, expected 1; 1 of 6 elements "
                         "are out of tolerance\n")
        first = json.loads(result.stdout)['outputs'][0]
        self.assertEqual((first['wrong'], first['element'], first['found'], first['expected']), (1, 2, 2, 2.5))
        self.assertTrue((self.root / 'out/sum.npy').exists())
        self.succeed('run', 'm.scp', '--input', 'x.npy', '--input', 'y.npy', '--expect', 'near.npy', '--atol', 0.5)

    def test_not_a_number_equals_itself(self):
        self.npy('x.npy', '<f4', (2, 3), [math.nan, math.inf, -math.inf, 4, 5, 6])
        self.npy('sum.npy', '<f4', (2, 3), [math.nan, math.inf, -math.inf, 14, 7.5, 5])
        text = self.succeed('run', 'm.scp', '--input', 'x.npy', '--input', 'y.npy', '--expect', 'sum.npy')
        self.assertIn('sum f32[2,3]  min -inf, max inf, mean nan  1 NaN  as expected\n', text)
        self.npy('sum.npy', '<f4', (2, 3), [0, -math.inf, -math.inf, 14, 7.5, 5])
        result = self.simclr('run', 'm.scp', '--input', 'x.npy', '--input', 'y.npy', '--expect', 'sum.npy')
        self.assertEqual(result.returncode, 4)
        self.assertIn('expected 0; 2 of 6 elements', result.stderr)

    def test_other_types_are_converted(self):
        for descr in ('<f2', '<f8', '<i8', '<i4', '<i2', '|i1', '|u1', '<u8'):
            self.npy('x.npy', descr, (2, 3), X)
            text = self.succeed('run', 'm.scp', '--input', 'x.npy', '--input', 'y.npy')
            self.assertTrue(text.startswith('sum f32[2,3]  min 2, max 14, mean 7.33333\n'), descr)
        self.npy('x.npy', '<f8', (2, 3), [1, 4, 2, 5, 3, 6], is_fortran=True)
        self.assertIn('sum f32[2,3]  min 2, max 14, mean 7.33333\n',
                      self.succeed('run', 'm.scp', '--input', 'x.npy', '--input', 'y.npy'))
        self.npy('x.npy', '<i4', (2, 3), [0, 0, 0, 0, 2 ** 24 + 1, 0])
        self.refuse(1, "x.npy: error: element 4 is 16777217, which input 'x', f32, does not hold\n", 'm.scp',
                    '--input', 'x.npy', '--input', 'y.npy')

    def test_all_files_that_do_not_fit_are_named(self):
        self.npy('x.npy', '<f4', (3, 2), X)
        self.npy('y.npy', '<f8', (), [1])
        self.npy('e.npy', '<f4', (2, 3), SUMS)
        self.refuse(1, "x.npy: error: is f32[3,2], input 'x' is f32[2,3]\n"
                       "y.npy: error: is f64[], input 'y' is f32[3]\n"
                       "e.npy: error: is f32[2,3], output 'is_less' is bool[2,3]\n",
                    'm.scp', '--input', 'x.npy', '--input', 'y.npy', '--expect', 'is_less=e.npy')

    def test_files_and_ports_that_do_not_match(self):
        self.refuse(2, "simclr: error: input 'x' is missing, expected --input with f32[2,3]\n"
                       "simclr: error: input 'y' is missing, expected --input with f32[3]\n", 'm.scp')
        self.refuse(2, 'simclr: error: 3 input files are given, the program has 2 inputs\n', 'm.scp', '--input',
                    'x.npy', '--input', 'y.npy', '--input', 'x.npy')
        self.refuse(2, "simclr: error: 'z=x.npy' is no file and names no input, expected 'x', 'y'\n", 'm.scp',
                    '--input', 'z=x.npy', '--input', 'y.npy')
        self.refuse(2, "simclr: error: input 'x' is given twice: 'x.npy' and 'y.npy'\n", 'm.scp', '--input',
                    'x=x.npy', '--input', 'x=y.npy')
        self.refuse(3, "simclr: error: cannot open 'no.npy': No such file or directory\n", 'm.scp', '--input', 'x.npy',
                    '--input', 'no.npy')

    def test_programs_of_the_other_kind(self):
        self.compile('t.scp', *COMPILE)
        self.refuse(1, "t.scp: error: the program has no entry 'run': it was compiled for training\n"
                       "t.scp: hint: compile the model with 'simclrc --loss none' to run it as it is\n",
                    't.scp', '--input', 'x.npy')
        for command, entry in ((['train', 'm.scp', '--data', 'synthetic:', '--epochs', 1, '--out', 'r'], 'train'),
                               (['step', 'm.scp', '--input', 'x.npy'], 'grad')):
            result = self.simclr(*command)
            self.assertEqual(result.returncode, 1)
            self.assertEqual(result.stderr, f"m.scp: error: the program has no entry '{entry}': it was compiled "
                                            "without a loss, to be run with 'simclr run'\n")

    def test_info_lists_the_ports(self):
        text = self.succeed('info', 'm.scp')
        for row in ('input        x f32[2,3]\n', 'input        y f32[3]\n', 'output       is_less bool[2,3]\n'):
            self.assertIn(row, text)
        entry, = json.loads(self.succeed('info', 'm.scp', '--json'))['entries']
        self.assertEqual((entry['name'], entry['inputs'][1], entry['outputs'][0]),
                         ('run', {'name': 'y', 'type': 'f32', 'shape': [3]},
                          {'name': 'sum', 'type': 'f32', 'shape': [2, 3]}))


class Ports(AsIsTest):
    def test_values_that_no_node_computes(self):
        self.model(HEAD + 'm (float x, int64[0,2] e) => (float x, int64[0,2] e, float[2] w, float x) '
                          '<float[2] w = {1.0, 2.0}> { }\n')
        self.npy('x.npy', '<f4', (), [3])
        self.npy('e.npy', '<i8', (0, 2), [])
        self.assertEqual(self.succeed('run', 'm.scp', '--input', 'x.npy', '--input', 'e.npy', '-o', 'out'),
                         'x f32[]  min 3, max 3, mean 3  out/x.npy\n'
                         'e i64[0,2]  out/e.npy\n'
                         'w f32[2]  min 1, max 2, mean 1.5  out/w.npy\n'
                         'x f32[]  min 3, max 3, mean 3  out/x-2.npy\n')
        self.assertEqual(read_npy(self.root / 'out/e.npy')[:2], ('<i8', (0, 2)))

    def test_names_that_are_no_file_names(self):
        self.model(HEAD + 'm (float[1] "../x", float[1] "a=b") => (float[1] "/y/0", float[1] "_y_0") {\n'
                          '  "/y/0" = Relu ("../x")\n  "_y_0" = Neg ("a=b")\n}\n')
        self.npy('x.npy', '<f4', (1,), [3])
        self.succeed('run', 'm.scp', '--input', '../x=x.npy', '--input', 'a=b=x.npy', '-o', 'out')
        self.assertEqual(sorted(path.name for path in (self.root / 'out').iterdir()), ['_y_0-2.npy', '_y_0.npy'])

    def test_parameters_are_initialised(self):
        self.model(HEAD + 'm (float[2] x) => (float[2] y) <float[2] w = {1.0, 2.0}> { y = Add (x, w) }\n')
        write_safetensors(self.root / 'w.safetensors', {'w': ([2], array.array('f', [5, 7]))})
        self.npy('x.npy', '<f4', (2,), [0, 0])
        self.assertIn('min 1, max 2', self.succeed('run', 'm.scp', '--input', 'x.npy'))
        self.compile('m.scp', 'm.onnxtxt', '--loss', 'none', '--init', 'w.safetensors')
        self.assertIn('min 5, max 7', self.succeed('run', 'm.scp', '--input', 'x.npy'))

    def test_an_encoder_of_ours(self):
        self.compile('e.scp', 'resnet8', '--loss', 'none', '--batch', 2)
        self.npy('x.npy', '<f4', (2, 3, 32, 32), [0.01 * (i % 97) for i in range(2 * 3 * 32 * 32)])
        outputs = json.loads(self.succeed('run', 'e.scp', '--input', 'x.npy', '--json'))['outputs']
        self.assertEqual([(o['name'], o['shape']) for o in outputs], [('h', [2, 64])])
        self.assertTrue(outputs[0]['max'] > 0)


class Fixed(AsIsTest):
    def test_an_input_becomes_a_constant(self):
        self.npy('s.npy', '<i4', (2,), [3, -1])
        self.model(RESHAPE, '--input', 'shape=s.npy')
        self.npy('x.npy', '<f4', (2, 3), X)
        self.assertEqual(self.succeed('run', 'm.scp', '--input', 'x.npy'), 'y f32[3,2]  min 1, max 6, mean 3.5\n')

    def test_what_cannot_be(self):
        (self.root / 'm.onnxtxt').write_text(RESHAPE)
        where = "m.onnxtxt: node 'y' (Reshape)"
        self.refuse_compile(1, f"{where}: error: 'shape' must be known at compile time, but 'shape' is computed\n"
                               f'{where}: hint: fix what it depends on at compile time: --input shape=FILE.npy\n',
                            'm.onnxtxt', '--loss', 'none', '--bind', 'n=2')
        self.npy('f.npy', '<f4', (2,), [3, 2])
        self.npy('d.npy', '<i8', (2, 1), [3, 2])
        self.npy('b.npy', '<u8', (1,), [2 ** 63])
        for file, message in (('f.npy', "f.npy: error: is f32[2], input 'shape' is i64[n]"),
                              ('d.npy', "d.npy: error: is i64[2,1], input 'shape' is i64[n]"),
                              ('b.npy', "b.npy: error: element 0 is 9.2233720368547758e+18, which input 'shape', i64, "
                                        'does not hold'),
                              ('no.npy', "simclrc: error: cannot open 'no.npy': No such file or directory")):
            self.refuse_compile(3 if file == 'no.npy' else 1, message + '\n', 'm.onnxtxt', '--loss', 'none', '--input', f'shape={file}')
        self.npy('s.npy', '<i8', (2,), [3, 2])
        self.refuse_compile(1, 'm.onnxtxt: error: --input size=s.npy: there is no input of that name\n', 'm.onnxtxt',
                            '--loss', 'none', '--input', 'shape=s.npy', '--input', 'size=s.npy')

    def test_an_input_that_is_fixed_twice(self):
        (self.root / 'm.onnxtxt').write_text(RESHAPE)
        for name in ('a.npy', 'b.npy'):
            self.npy(name, '<i8', (2,), [3, 2])
        self.refuse_compile(1, "m.onnxtxt: error: input 'shape' is fixed twice: 'a.npy' and 'b.npy'\n", 'm.onnxtxt',
                            '--loss', 'none', '--input', 'shape=a.npy', '--input', 'shape=b.npy')

    def test_options_without_a_meaning(self):
        for option, *value in (('--head', 'linear'), ('--h', 'y'), ('--image-size', 8), ('--optimizer', 'sgd'),
                               ('--bn', 'train'), ('--bn-var', 'unbiased'), ('--insert-bn',), ('--train', '*'),
                               ('--freeze', '*'), ('--normalize', 'none'), ('--set', 'temperature=1')):
            name = '--set temperature' if option == '--set' else option
            self.refuse_compile(2, f'simclrc: error: {name} has no meaning with --loss none, which compiles the model '
                                   'as it is\n', 'resnet8', '--loss', 'none', option, *value)
        self.refuse_compile(2, 'simclrc: error: --input is given without --loss none: what is trained has no other '
                               'inputs than images and labels\n', 'resnet8', '--input', 'x=x.npy')
        for text in ('x', '=x.npy', 'x='):
            self.refuse_compile(2, f"simclrc: error: --input '{text}' is not NAME=FILE.npy\n", 'resnet8', '--loss',
                                'none', '--input', text)

    def test_stages_are_dumped(self):
        (self.root / 'm.onnxtxt').write_text(SUM)
        for stage in ('onnx', 'graph', 'train', 'opt', 'lower', 'plan'):
            result = self.run_program(SIMCLRC, 'm.onnxtxt', '--loss', 'none', f'--dump={stage}')
            self.assertEqual((result.returncode, result.stderr), (0, ''))
            self.assertIn('sum', result.stdout)
        self.refuse_compile(2, "simclrc: error: there is no entry 'train', expected one of run\n", 'm.onnxtxt',
                            '--loss', 'none', '--dump', '--entry', 'train')
        self.refuse_compile(2, "simclrc: error: there is no entry 'run', expected one of train, grad, embed, project, "
                               'recalibrate\n', *COMPILE, '--dump', '--entry', 'run')


if __name__ == '__main__':
    unittest.main()
