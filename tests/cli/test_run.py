#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is done with a run: eval, embed, export; and with a program: step, info."""

import array
import json
import math
import struct
import unittest

from simclr_files import (DATA, CommandTest, read_npy, read_safetensors, write_npy, write_png, write_safetensors)


class Program:
    """The parts of a .scp file that the tests look at, by include/simclr/program.h."""

    PARAMS, STRINGS, SEGMENTS, BYTES = 2, 1, 10, 11

    def __init__(self, path):
        self.data = path.read_bytes()

    def section(self, kind):
        """(record size, offset, count)."""
        return struct.unpack_from('<4xIQQ', self.data, 32 + 24 * kind)

    def param_name(self, i):
        size, offset, _ = self.section(self.PARAMS)
        start = self.section(self.STRINGS)[1] + struct.unpack_from('<I', self.data, offset + i * size)[0]
        return self.data[start:self.data.index(b'\0', start)].decode()

    def segments(self):
        """Literal bytes, or the name of the parameter that belongs there."""
        size, offset, count = self.section(self.SEGMENTS)
        literals = self.section(self.BYTES)[1]
        for i in range(count):
            param, at, n = struct.unpack_from('<I4xQQ', self.data, offset + i * size)
            yield self.data[literals + at:literals + at + n] if param == 0xffffffff else self.param_name(param)


class Run(CommandTest):
    def setUp(self):
        super().setUp()
        self.compile('p.scp')
        self.succeed('train', 'p.scp', '--data', DATA, '--out', 'run', '--steps', 8, '--checkpoint-every', '4it')

    def test_export_fills_the_template(self):
        for source, step in (('run', 8), ('run/checkpoints/step-00000004', 4)):
            result = json.loads(self.succeed('export', source, '-o', 'e.onnx', '--json'))
            params = read_safetensors(self.root / f'run/checkpoints/step-{step:08}/params.safetensors')
            parts = list(Program(self.root / 'p.scp').segments())
            self.assertTrue(any(isinstance(part, str) for part in parts))
            expected = b''.join(params[part][1].tobytes() if isinstance(part, str) else part for part in parts)
            self.assertEqual((self.root / 'e.onnx').read_bytes(), expected)
            self.assertEqual(result, {'file': 'e.onnx', 'step': step, 'bytes': len(expected)})

    def test_embed_writes_the_same_features_in_both_formats(self):
        self.succeed('embed', 'run', '--data', DATA, '-o', 'h.npy')
        self.assertEqual(self.succeed('embed', 'run', '--data', DATA, '-o', 'h.safetensors', '--threads', 1),
                         'h.safetensors: 64 images, 64 features each, of step 8\n')
        descr, shape, values = read_npy(self.root / 'h.npy')
        tensors = read_safetensors(self.root / 'h.safetensors')
        self.assertEqual((descr, shape), ('<f4', (64, 64)))
        self.assertEqual(tensors['h'], ([64, 64], values))
        self.assertEqual(tensors['labels'][0], [64])
        self.assertTrue(set(tensors['labels'][1]) <= set(range(10)))
        self.succeed('embed', 'run', '--data', DATA, '-o', 'z.npy', '--on', 'z')
        self.assertEqual(read_npy(self.root / 'z.npy')[1], (64, 128))

    # 16 rows a batch: 70 images leave a rest of 6, whose features must not depend on it.
    def test_a_short_last_batch_has_the_same_features(self):
        data = DATA.replace('n=64', 'n=70')
        self.succeed('embed', 'run', '--data', DATA, '-o', 'a.npy')
        self.succeed('embed', 'run', '--data', data, '-o', 'b.npy')
        self.assertEqual(read_npy(self.root / 'b.npy')[1], (70, 64))
        self.assertEqual(read_npy(self.root / 'b.npy')[2][:64 * 64], read_npy(self.root / 'a.npy')[2])

    def test_eval_compares_with_raw_pixels_and_the_untrained_encoder(self):
        result = json.loads(self.succeed('eval', 'run', '--data', DATA, '--on', 'h,z', '--json'))
        self.assertEqual([row['features'] for row in result['rows']],
                         ['raw pixels, 16x16', 'untrained encoder, h', 'untrained encoder, z', 'trained encoder, h',
                          'trained encoder, z'])
        self.assertEqual([row['dim'] for row in result['rows']], [768, 64, 128, 64, 128])
        self.assertEqual((result['n_train'], result['n_test'], result['k'], result['step']), (64, 32, 64, 8))
        self.assertAlmostEqual(result['chance'], 0.1)
        for row in result['rows']:
            self.assertTrue(0 <= row['knn'] <= 1 and 0 <= row['linear'] <= 1)

    def test_eval_is_the_same_for_any_number_of_threads(self):
        arguments = ('eval', 'run', '--data', DATA, '--json', '--threads')
        self.assertEqual(self.succeed(*arguments, 1), self.succeed(*arguments, 2))

    # A folder of one part holds out a fifth of each class, unless there is --test-data.
    def test_eval_uses_all_of_a_folder_where_it_may(self):
        for i in range(40):
            for folder in ('some', 'more'):
                write_png(self.root / f'{folder}/{"ab"[i % 2]}/{i:02}.png', 16, i)
        for arguments, counts in (([], (32, 8)), (['--test-data', 'more'], (40, 40))):
            result = json.loads(self.succeed('eval', 'run', '--data', 'some', '--json', *arguments))
            self.assertEqual((result['n_train'], result['n_test']), counts)

    def test_eval_prints_a_table(self):
        lines = self.succeed('eval', 'run', '--data', DATA, '--probe', 'knn', '--k', 5).splitlines()
        self.assertEqual(len(lines), 5)
        self.assertEqual(lines[1], 'features                    dim  fitted on  kNN    5    linear')
        self.assertRegex(lines[4], r'^trained encoder, h           64         64   +\d+\.\d\d%         -$')


STEP = 5e-4


class Step(CommandTest):
    SHAPE = [16, 3, 16, 16]

    def setUp(self):
        super().setUp()
        self.compile('p.scp')
        pixels = [math.sin(0.37 * i) + math.cos(0.011 * i) for i in range(math.prod(self.SHAPE))]
        write_npy(self.root / 'x.npy', '<f4', self.SHAPE, pixels)

    def loss(self, *arguments):
        return json.loads(self.succeed('step', 'p.scp', '--input', 'x.npy', '--json', *arguments))['loss']

    # Along the gradient, the loss rises by its length: the slope between two points
    # around the parameters, in float32, is within 0.3 % of that (0.07 % measured).
    def test_gradients_are_the_slope_of_the_loss(self):
        self.succeed('train', 'p.scp', '--data', DATA, '--out', 'run', '--steps', 1, '--lr', '0')
        params = read_safetensors(self.root / 'run/checkpoints/step-00000001/params.safetensors')
        self.assertEqual(self.loss('--params', 'run/checkpoints/step-00000001/params.safetensors', '--grads', 'g.st'),
                         self.loss())
        grads = read_safetensors(self.root / 'g.st')
        self.assertTrue(set(grads) <= set(params))
        length = math.sqrt(math.fsum(g * g for _, values in grads.values() for g in values))
        found = []
        for move in (-STEP, STEP):
            moved = dict(params)
            for name, (shape, values) in grads.items():
                self.assertEqual(shape, params[name][0])
                moved[name] = (shape, array.array('f', (p + move * g / length
                                                        for p, g in zip(params[name][1], values))))
            write_safetensors(self.root / 'm.safetensors', moved)
            found.append(self.loss('--params', 'm.safetensors'))
        self.assertAlmostEqual((found[1] - found[0]) / (2 * STEP) / length, 1, delta=0.003)

    def test_the_loss_is_printed_with_every_digit(self):
        lines = self.succeed('step', 'p.scp', '--input', 'x.npy').splitlines()
        self.assertEqual(lines[0], f'loss {self.loss():.9g}')
        self.assertEqual([line.split()[0] for line in lines], ['loss', 'accuracy', 'entropy'])

    def test_a_wrong_input_is_named(self):
        write_npy(self.root / 'y.npy', '<f8', [2, 3], [0] * 6)
        result = self.simclr('step', 'p.scp', '--input', 'y.npy')
        self.assertEqual((result.returncode, result.stdout), (1, ''))
        self.assertEqual(result.stderr, 'y.npy: error: is f64[2,3], the program takes f32[16,3,16,16]\n')

    def test_labels_belong_to_supervised_losses(self):
        write_npy(self.root / 'l.npy', '<i8', [16], [0] * 16)
        result = self.simclr('step', 'p.scp', '--input', 'x.npy', '--labels', 'l.npy')
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr, "simclr: error: option '--labels': the program's loss takes none\n")
        self.compile('s.scp', '--encoder', 'resnet8', '--head', 'classifier10', '--loss', 'cross_entropy',
                     '--batch', '16', '--image-size', '16')
        result = self.simclr('step', 's.scp', '--input', 'x.npy')
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr, "simclr: error: option '--labels' is missing: the program's loss wants them\n")
        self.succeed('step', 's.scp', '--input', 'x.npy', '--labels', 'l.npy')
        write_npy(self.root / 'l.npy', '<i8', [16], [0] * 15 + [10])
        result = self.simclr('step', 's.scp', '--input', 'x.npy', '--labels', 'l.npy')
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, 'l.npy: error: label 15 is 10, expected 0 to 9\n')

    def test_info(self):
        info = json.loads(self.succeed('info', 'p.scp', '--json'))
        self.assertEqual((info['encoder'], info['batch'], info['rows'], info['h_dim']), ('resnet8', 8, 16, 64))
        self.assertEqual([entry['name'] for entry in info['entries']],
                         ['train', 'grad', 'embed', 'project', 'recalibrate'])
        trainable = info['parameters']['trainable']
        self.assertEqual(info['parameters']['optimizer'], trainable)
        text = self.succeed('info', 'p.scp')
        self.assertIn(f"trainable    {trainable['elements']} elements in {trainable['tensors']} tensors\n", text)


if __name__ == '__main__':
    unittest.main()
