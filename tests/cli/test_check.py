#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""simclrc --check: what it says of models that compile and of models that do not."""

import json
import unittest

from simclr_files import SIMCLRC, CommandTest

SMALL = """
<ir_version: 8, opset_import: ["": 17], producer_name: "pytorch", producer_version: "2.1">
small (float[N,3,S,S] x) => (float[N,4] h)
{
  w = RandomNormal <scale = 0.1, shape = [4, 3, 3, 3]> ()
  y = Conv <pads = [1, 1, 1, 1]> (x, w)
  r = Relu (y)
  pooled = GlobalAveragePool (r)
  h = Flatten (pooled)
}
"""

SMALL_REPORT = """\
encoder small.onnxtxt
  file        IR version 8, opset 17, made by pytorch 2.1
  graph       'small': 5 nodes, 0 initializers of 0 bytes
  input       'x' float[N,3,S,S], here f32[8,3,8,8] with N = 8, S = 8
  output      'h' float[N,4], here f32[8,4] with N = 8
    operator            nodes  support    gradient
    Conv                    1  supported  yes
    Flatten                 1  supported  yes
    GlobalAveragePool       1  supported  yes
    RandomNormal            1  supported  -
    Relu                    1  supported  yes
head none (comes with simclrc)
  input       'h' float[N,D], here f32[8,4] with N = 8, D = 4
  output      'z' float[N,D], here f32[8,4] with N = 8, D = 4
loss nt_xent (comes with simclrc)
  input       'z' float[M,P], here f32[8,4] with M = 8, P = 4
  output      'loss' float[], here f32[]
parameters
  trainable   108 elements in 1 tensor, 432 bytes
features
  h           'h', 4 wide
"""

BROKEN = """
<ir_version: 8, opset_import: ["": 17, "com.microsoft": 1]>
broken (float[N,3,8,8] x) => (float[N,4] h)
<float[4,3,3,3] w = {%s}, int64[2] odd = {1, 2}>
{
  y = Conv <pads = [1, 1, 1, 1]> (x, w)
  k = NonMaxSuppression (y)
  q = Gelu (y)
  s = com.microsoft.FusedGelu (y)
  t = Conv (x, w, w, w)
  all = Concat <axis = 1> (k, q, s, t)
  h = Flatten (all)
}
"""


class CheckTest(CommandTest):
    def setUp(self):
        super().setUp()
        (self.root / 'small.onnxtxt').write_text(SMALL)
        (self.root / 'broken.onnxtxt').write_text(BROKEN % ', '.join('0.1' for _ in range(4 * 27)))

    def check(self, code, *arguments):
        result = self.run_program(SIMCLRC, '--check', *arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        return result

    def facts(self, code, *arguments):
        return json.loads(self.check(code, '--json', *arguments).stdout)

    SMALL_OPTIONS = ('--encoder', 'small.onnxtxt', '--head', 'none', '--batch', 4, '--image-size', 8)


class Report(CheckTest):
    def test_a_model_that_can_be_trained(self):
        result = self.check(0, *self.SMALL_OPTIONS)
        self.assertEqual(result.stderr, '')
        self.assertTrue(result.stdout.startswith(SMALL_REPORT), result.stdout)
        self.assertTrue(result.stdout.endswith('verdict\n  compiles and can be trained\n'))

    def test_what_a_step_costs_by_hand(self):
        facts = self.facts(0, *self.SMALL_OPTIONS)
        conv = 4 * 8 * 8 * 3 * 3 * 3  # of one image
        self.assertEqual(facts['h_of_one_image'], {'macs': conv, 'flops': 2 * conv + 2 * 4 * 8 * 8})
        rows, d = 8, 4
        similarities = rows * rows * d
        self.assertEqual(facts['forward']['macs'], rows * conv + 2 * similarities)  # of the loss and of its metrics
        # Images have no gradient; that of the loss takes two products.
        self.assertEqual(facts['training']['macs'], 2 * rows * conv + 4 * similarities)
        self.assertEqual((facts['batch'], facts['rows']), (4, 8))

    def test_resnet50_as_everybody_counts_it(self):
        """4.09 G multiplications and additions (torchvision's documentation), 2 M of them in its classifier."""
        facts = self.facts(0, 'resnet50', '--batch', 2)
        self.assertEqual(round(facts['h_of_one_image']['macs'] / 1e9, 2), 4.09)
        self.assertEqual(facts['parameters']['trainable']['elements'], 27966656)
        self.assertLess(2.9, facts['training']['macs'] / facts['forward']['macs'])
        self.assertLess(facts['training']['macs'] / facts['forward']['macs'], 3)

    def test_roles_follow_the_selection(self):
        facts = self.facts(0, 'resnet8', '--batch', 2, '--freeze', '*', '--train', 'head.*')
        roles = facts['parameters']
        self.assertEqual((roles['frozen']['tensors'], roles['trainable']['tensors']), (27, 4))
        self.assertEqual(roles['statistic'], {'tensors': 18, 'elements': 672, 'bytes': 2688})

    def test_memory_is_the_plan_of_the_program(self):
        facts = self.facts(0, *self.SMALL_OPTIONS)
        self.assertGreaterEqual(facts['memory']['persistent_bytes'], 2 * 4 * 108)  # and momentum
        self.assertGreater(facts['memory']['arena_bytes'], 4 * 8 * 3 * 8 * 8)

    def test_a_model_as_it_is(self):
        facts = self.facts(0, 'small.onnxtxt', '--loss', 'none', '--batch', 1, '--bind', 'S=8')
        self.assertTrue(facts['compiles'])
        self.assertFalse(facts['trainable'])
        self.assertEqual(facts['models'][0]['part'], 'model')
        self.assertEqual((facts['forward']['macs'], facts['training']), (4 * 8 * 8 * 27, None))


class Broken(CheckTest):
    def test_everything_that_is_wrong_is_told_and_the_rest_described(self):
        result = self.check(1, 'broken.onnxtxt', '--json')
        facts = json.loads(result.stdout)
        self.assertFalse(facts['compiles'])
        self.assertEqual(facts['errors'], 4)
        self.assertEqual([m['text'] for m in facts['messages']], result.stderr.splitlines())
        model = facts['models'][0]
        self.assertEqual((model['opsets'], model['initializers'], model['initializer_bytes']),
                         ('17, com.microsoft 1', 2, 4 * 108 + 16))
        rows = {o['name']: (o['nodes'], o['support'], o['why_refused'], o['gradient']) for o in model['operators']}
        self.assertEqual(rows['Conv'], (2, 'supported', None, True))
        self.assertEqual(rows['NonMaxSuppression'], (1, 'refused', '', None))
        self.assertEqual(rows['Gelu'], (1, 'refused', 'opset 17, expected at least 20', None))
        self.assertEqual(rows['FusedGelu'], (1, 'refused', "its domain is not ONNX's", None))
        self.assertEqual((facts['h'], facts['h_width'], facts['training']), ('h', None, None))

    def test_external_data_that_is_not_there(self):
        (self.root / 'm.onnxtxt').write_text(
            '<ir_version: 8, opset_import: ["": 17]>\nm (float[N,3,1,1] x) => (float[N,3] h)\n'
            '<float[3,3] w = ["location": "w.bin"]>\n{\n  f = Flatten (x)\n  h = MatMul (f, w)\n}\n')
        result = self.check(1, 'm.onnxtxt')
        self.assertIn("  external    'w.bin', missing\n", result.stdout)
        self.assertIn("error: the weights are not in the model: cannot open external data 'w.bin'", result.stderr)
        self.assertTrue(result.stdout.endswith('does not compile and cannot be trained: 1 error\n'))
        (self.root / 'w.bin').write_bytes(bytes(36))
        self.assertIn("  external    'w.bin', 36 bytes\n", self.check(0, 'm.onnxtxt').stdout)

    def test_a_file_that_is_no_model(self):
        (self.root / 'cut.onnx').write_bytes(b'\x08\x08\x3a\xff\x01')
        result = self.check(1, 'cut.onnx')
        self.assertEqual(result.stdout, 'verdict\n  does not compile and cannot be trained: 1 error\n')
        self.assertIn('cut.onnx: error: ', result.stderr)

    def test_warnings_count(self):
        (self.root / 'c.onnxtxt').write_text(SMALL.replace('[4, 3, 3, 3]', '[10, 3, 3, 3]').replace(
            'N,4', 'N,10').replace('h = Flatten (pooled)', 'f = Flatten (pooled)\n  h = Softmax (f)'))
        result = self.check(0, 'c.onnxtxt', '--image-size', 8)
        self.assertIn('warning: the encoder ends in Softmax', result.stderr)
        self.assertTrue(result.stdout.endswith('compiles and can be trained, 1 warning\n'), result.stdout)

    def test_called_wrongly(self):
        for message, *arguments in (
                ('--check prints a report alone: it takes no -o', '--check', 'resnet8', '-o', 'a.scp'),
                ('--check prints a report alone: it takes no --dump', '--check', 'resnet8', '--dump'),
                ('--json is given without --check', '--json', 'resnet8', '-o', 'a.scp'),
                ('batch is 2000000, expected 1 to 1048576', '--check', 'resnet8', '--batch', 2000000)):
            result = self.run_program(SIMCLRC, *arguments)
            self.assertEqual((result.returncode, result.stdout, result.stderr), (2, '', f'simclrc: error: {message}\n'))


if __name__ == '__main__':
    unittest.main()
