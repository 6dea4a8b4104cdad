#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What options do to parameters and statistics, from simclrc to what simclr trains and exports."""

import json
import math
import unittest

from simclr_files import COMPILE, DATA, SIMCLRC, CommandTest, checkpoints, read_npy, read_safetensors, write_npy


class PolicyTest(CommandTest):
    def trained(self, name, *arguments, steps=1):
        """The parameters after some steps of a program compiled with the arguments."""
        self.compile(f'{name}.scp', *COMPILE, *arguments)
        self.succeed('train', f'{name}.scp', '--data', DATA, '--out', name, '--steps', steps)
        folder = self.root / name / 'checkpoints'
        return read_safetensors(folder / checkpoints(self.root / name)[-1] / 'params.safetensors')


class RunningVariance(PolicyTest):
    def test_unbiased_divides_by_one_less(self):
        """A channel has 16 rows of so many pixels; the old value 1 weighs 0.9."""
        population = self.trained('population')
        unbiased = self.trained('unbiased', '--bn-var', 'unbiased')
        for name, pixels in (('bn1.running_var', 16 * 16), ('layer3.0.bn2.running_var', 4 * 4)):
            n = 16 * pixels
            for old, new in zip(population[name][1], unbiased[name][1]):
                self.assertAlmostEqual(new, 0.9 + (old - 0.9) * n / (n - 1), delta=2e-7)
            self.assertNotEqual(population[name][1], unbiased[name][1])
        for name, tensor in population.items():  # nothing else depends on it in the first step
            if not name.endswith('running_var'):
                self.assertEqual(tensor, unbiased[name])


class Selection(PolicyTest):
    def table(self, *arguments):
        """Name to row of --dump=params."""
        result = self.run_program(SIMCLRC, *COMPILE, '--dump=params', '--dump-format', 'json', *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = json.loads(result.stdout)['parameters']
        return {row['name']: row for row in rows}

    def roles(self, *arguments):
        return {name: row['role'] for name, row in self.table(*arguments).items()}

    def refuse(self, messages, *arguments):
        result = self.run_program(SIMCLRC, *COMPILE, '--dump=params', *arguments)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (2, '', messages))

    def test_the_table_says_what_becomes_of_each_parameter(self):
        table = self.table()
        self.assertEqual(table['conv1.weight'],
                         {'name': 'conv1.weight', 'dtype': 'f32', 'shape': [16, 3, 3, 3], 'elements': 432,
                          'role': 'trainable', 'part': 'encoder', 'init': 'normal(0,0.117851)', 'decay': True,
                          'lars': True})
        for name, role, part, decay in (('bn1.bias', 'trainable', 'encoder', False),
                                        ('bn1.running_var', 'statistic', 'encoder', False),
                                        ('head.2.weight', 'trainable', 'head', True),
                                        ('temperature', 'constant', 'loss', False)):
            row = table[name]
            self.assertEqual((row['role'], row['part'], row['decay']), (role, part, decay))

    def test_the_table_adds_up(self):
        result = self.run_program(SIMCLRC, *COMPILE, '--dump=params')
        lines = result.stdout.splitlines()
        self.assertEqual(lines[0].split(), ['name', 'shape', 'elements', 'role', 'part', 'starts', 'as', 'decay',
                                            'lars'])
        self.assertIn('trainable  89872 elements in 31 tensors, 0.34 MiB', lines)
        self.assertIn('statistic  672 elements in 18 tensors, 0.00 MiB', lines)

    def test_the_last_that_matches_decides(self):
        roles = self.roles('--freeze', '*', '--train', 'layer3.*', '--freeze=layer3.0.bn?.*')
        self.assertEqual(roles['conv1.weight'], 'frozen')
        self.assertEqual(roles['layer3.0.conv2.weight'], 'trainable')
        self.assertEqual(roles['layer3.0.bn2.weight'], 'frozen')
        self.assertEqual(roles['layer3.0.downsample.1.bias'], 'trainable')
        self.assertEqual(roles['layer3.0.bn2.running_mean'], 'statistic')
        self.assertEqual(roles['head.0.weight'], 'frozen')
        self.assertEqual(self.roles('--train', 'conv1*', '--freeze', 'conv1.weight')['conv1.weight'], 'frozen')

    def test_a_pattern_finds_no_constants_but_a_name_does(self):
        self.assertEqual(self.roles('--train', '*')['temperature'], 'constant')
        self.assertEqual(self.roles('--train', 'temperature')['temperature'], 'trainable')
        self.assertEqual(self.roles('--train', 'temperature')['minus_large'], 'constant')

    def test_what_matches_nothing_is_refused_with_names_like_it(self):
        self.refuse("simclrc: error: --freeze 'conv1.weigth' matches no parameter\n"
                    "simclrc: hint: the nearest: 'conv1.weight', 'bn1.weight'\n", '--freeze', 'conv1.weigth')
        self.refuse("simclrc: error: --train 'temprature' matches no parameter\n"
                    "simclrc: hint: the nearest: 'temperature'\n", '--train', 'temprature')
        self.refuse("simclrc: error: --freeze 'nothing.like.*' matches no parameter\n"
                    'simclrc: hint: --dump=params lists the names\n', '--freeze', 'nothing.like.*')
        self.refuse("simclrc: error: --train '*.running_mean' matches no parameter\n"
                    'simclrc: hint: running statistics are not trained: --bn freeze keeps them as they are\n',
                    '--train', '*.running_mean')

    def test_nothing_left_to_train_is_refused(self):
        self.refuse('simclrc: error: there is nothing to train: --freeze matches every parameter\n'
                    'simclrc: hint: what is to be trained can be said by --train PATTERN behind it\n', '--freeze', '*')

    def test_the_table_has_two_formats(self):
        self.refuse("simclrc: error: parameters cannot be printed as 'dot', expected text or json\n",
                    '--dump-format', 'dot')
        self.refuse('simclrc: error: --dump=params is printed: it takes no --dump-dir\n', '--dump-dir', 'd')


class Frozen(PolicyTest):
    def initial(self, name):
        """The value a parameter is compiled with, from a program whose optimizer moves nothing."""
        return self.trained('still', '--freeze', '*', '--train', 'head.2.bias')[name]

    def test_frozen_parameters_stay_through_training_and_export(self):
        arguments = ['--optimizer', 'lars:weight_decay=0.1', '--freeze', '*', '--train', 'layer3.*', '--train', 'head.*']
        after = self.trained('run', *arguments, steps=4)
        before = self.trained('one', *arguments, steps=1)
        for name in after:
            is_moved = name.startswith(('layer3.', 'head.')) or '.running_' in name
            self.assertEqual(after[name] != before[name], is_moved, name)
        self.succeed('export', 'run', '-o', 'e.onnx')
        exported = (self.root / 'e.onnx').read_bytes()
        for name in ('conv1.weight', 'layer2.0.conv2.weight', 'layer3.0.conv1.weight'):
            self.assertIn(after[name][1].tobytes(), exported)
        self.assertEqual(after['conv1.weight'], self.initial('conv1.weight'))

    def test_resuming_keeps_them(self):
        arguments = ['--freeze', 'conv1.*', '--freeze', 'bn1.*']
        before = self.trained('a', *arguments, steps=2)
        self.succeed('train', 'a.scp', '--data', DATA, '--out', 'b', '--steps', 4, '--checkpoint-every', '2it')
        folder = self.root / 'b' / 'checkpoints'
        after = read_safetensors(folder / checkpoints(self.root / 'b')[-1] / 'params.safetensors')
        self.assertEqual(after['conv1.weight'], before['conv1.weight'])
        self.assertNotEqual(after['layer1.0.conv1.weight'], before['layer1.0.conv1.weight'])

    def test_no_gradient_is_computed_for_them(self):
        self.compile('p.scp', *COMPILE, '--freeze', 'conv1.weight', '--freeze', 'bn1.*')
        write_npy(self.root / 'x.npy', '<f4', (16, 3, 16, 16), [i % 7 - 3 for i in range(16 * 3 * 256)])
        self.succeed('step', 'p.scp', '--input', 'x.npy', '--grads', 'g.safetensors')
        names = read_safetensors(self.root / 'g.safetensors').keys()
        self.assertNotIn('conv1.weight', names)
        self.assertIn('layer1.0.conv1.weight', names)
        result = self.run_program(SIMCLRC, *COMPILE, '--freeze', 'conv1.*', '--freeze', 'bn1.*', '--dump=train')
        self.assertEqual(result.stdout.count(' = conv2d_grad_weight('), 8)  # of 9
        self.assertEqual(result.stdout.count(' = batch_norm_train_grad('), 8)

    def test_a_temperature_can_be_trained(self):
        after = self.trained('run', '--train', 'temperature', steps=3)
        shape, values = after['temperature']
        self.assertEqual(shape, [])
        self.assertNotEqual(values[0], 0.5)
        self.assertAlmostEqual(values[0], 0.5, delta=0.1)


# What an exporter leaves of four convolutions with BatchNormalization.
MERGED = """
<ir_version: 8, opset_import: ["": 17], producer_name: "an exporter">
merged (float[N,3,16,16] x) => (float[N,8] h)
<float[8] b1 = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8}, float[8] b2 = {0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1},
 float[8] b3 = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8}, float[8] b4 = {0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1}%s>
{
  ["/conv1/Conv"] c1 = Conv <pads = [1, 1, 1, 1]> (x, w1, b1)
  r1 = Relu (c1)
  c2 = Conv <pads = [1, 1, 1, 1]> (r1, w2, b2)
  r2 = Relu (c2)
  c3 = Conv <pads = [1, 1, 1, 1]> (r2, w3, b3)
  r3 = Relu (c3)
  c4 = Conv <pads = [1, 1, 1, 1]> (r3, w4, b4)
  pooled = GlobalAveragePool (c4)
  h = Flatten (pooled)
}
"""


def merged_model():
    weights = ''
    for i, channels in enumerate((3, 8, 8, 8), 1):
        n = 8 * channels * 9
        values = ', '.join(f'{math.sin(7 * k + i) * math.sqrt(4 / (9 * channels)):.6f}' for k in range(n))
        weights += f',\n float[8,{channels},3,3] w{i} = {{{values}}}'
    return MERGED % weights


class InsertedNorms(PolicyTest):
    def embed(self, run):
        self.succeed('embed', run, '--data', DATA, '-o', 'h.npy')
        return read_npy(self.root / 'h.npy')

    def run_of(self, name, model, *arguments):
        """A run of one step."""
        self.compile(f'{name}.scp', '--encoder', model, '--batch', '8', '--image-size', '16', *arguments)
        self.succeed('train', f'{name}.scp', '--data', DATA, '--out', name, '--steps', 1)
        return self.embed(name)

    def test_they_are_trained_and_exported(self):
        (self.root / 'merged.onnxtxt').write_text(merged_model())
        trained = self.run_of('a', 'merged.onnxtxt', '--insert-bn')
        params = read_safetensors(self.root / 'a/checkpoints/step-00000001/params.safetensors')
        for name in ('/conv1/Conv.bn', 'c2.bn', 'c3.bn', 'c4.bn'):
            self.assertEqual(params[f'{name}.scale'][0], [8])
            for part, start in (('scale', 1), ('bias', 0), ('mean', 0), ('var', 1)):
                self.assertNotEqual(list(params[f'{name}.{part}'][1]), [start] * 8)
        self.succeed('export', 'a', '-o', 'e.onnx')
        # The exported encoder, frozen: its features are those of the run.
        exported = self.run_of('b', 'e.onnx', '--bn', 'freeze', '--freeze', '*', '--train', 'head.*')
        self.assertEqual(trained[:2], exported[:2])
        self.assertEqual(trained[2], exported[2])

    def test_at_first_they_change_next_to_nothing(self):
        (self.root / 'merged.onnxtxt').write_text(merged_model())
        still = ('--bn', 'freeze', '--freeze', '*', '--train', 'head.*')
        for a, b in zip(self.run_of('a', 'merged.onnxtxt', *still)[2],
                        self.run_of('b', 'merged.onnxtxt', '--insert-bn', *still)[2]):
            self.assertAlmostEqual(a, b, delta=1e-4 * max(1, abs(a)))  # four times epsilon / 2, and what follows


if __name__ == '__main__':
    unittest.main()
