#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""simclr train, from end to end: the same losses whatever happens, and nothing bad kept."""

import json
import math
import re
import resource
import signal
import time
import unittest

from simclr_files import DATA, CommandTest, checkpoints, losses, read_safetensors


class Train(CommandTest):
    def setUp(self):
        super().setUp()
        self.compile('p.scp')

    def train(self, run, *arguments, **options):
        self.succeed('train', 'p.scp', '--data', DATA, '--out', run, *arguments, **options)
        return self.root / run

    def wait_for_rows(self, process, run, n):
        """Waits until the run has n rows of metrics, or the process has ended."""
        file = self.root / run / 'metrics.jsonl'
        while process.poll() is None and not (file.exists() and file.read_text().count('\n') >= n):
            time.sleep(0.002)
        self.assertIsNone(process.poll(), 'ended before it could be interrupted')

    def assert_resumes_to(self, run, expected):
        self.succeed('train', '--out', run, '--resume')
        self.assertEqual(losses(self.root / run), losses(expected))
        newest = checkpoints(expected)[-1]
        for file in ('params.safetensors', 'optimizer.safetensors'):
            self.assertEqual((self.root / run / 'checkpoints' / newest / file).read_bytes(),
                             (expected / 'checkpoints' / newest / file).read_bytes())

    def test_a_run_explains_itself(self):
        run = self.train('a', '--epochs', 2, '--seed', 7)
        config = json.loads((run / 'config.json').read_text())
        self.assertEqual(config['data'], DATA)
        self.assertEqual((config['n_images'], config['batch'], config['steps_per_epoch']), (64, 8, 8))
        self.assertEqual((config['total_steps'], config['warmup_steps'], config['seed']), (16, 1, 7))
        self.assertEqual((config['lr'], config['lr_scaling'], config['peak_lr']), (0.12, 'linear', 0.12 * 8 / 256))
        self.assertEqual(config['augment'], 'simclr-cifar')
        self.assertEqual((run / 'program.scp').read_bytes(), (self.root / 'p.scp').read_bytes())
        self.assertEqual(checkpoints(run), ['step-00000016'])
        rows = [json.loads(line) for line in (run / 'metrics.jsonl').read_text().splitlines()]
        self.assertEqual([row['step'] for row in rows], list(range(1, 17)))
        self.assertEqual([row['epoch'] for row in rows], [1] * 8 + [2] * 8)
        self.assertEqual(list(rows[0]), ['step', 'epoch', 'loss', 'lr', 'accuracy', 'entropy', 'images_per_s'])
        self.assertAlmostEqual(rows[0]['loss'], math.log(15), delta=1.5)

    def test_threads_change_nothing(self):
        one = self.train('one', '--steps', 12, '--threads', 1)
        two = self.train('two', '--steps', 12, '--threads', 2)
        self.assertEqual(losses(one), losses(two))

    def test_another_seed_changes_everything(self):
        a = self.train('a', '--steps', 3)
        b = self.train('b', '--steps', 3, '--seed', 1)
        self.assertNotEqual(losses(a), losses(b))

    def test_a_killed_run_resumes_with_the_same_losses(self):
        expected = self.train('whole', '--steps', 200, '--checkpoint-every', '3it')
        process = self.start('train', 'p.scp', '--data', DATA, '--out', 'killed', '--steps', 200,
                             '--checkpoint-every', '3it')
        self.wait_for_rows(process, 'killed', 10)
        process.kill()
        process.communicate()
        self.assertLess(len(losses(self.root / 'killed')), 200)
        # Whatever the last moment was, there are whole checkpoints and perhaps left-overs.
        whole = [name for name in checkpoints(self.root / 'killed') if name.startswith('step-')]
        self.assertGreaterEqual(len(whole), 1)
        self.assert_resumes_to('killed', expected)

    def test_a_run_killed_before_its_first_checkpoint_starts_again(self):
        expected = self.train('whole', '--steps', 100)
        process = self.start('train', 'p.scp', '--data', DATA, '--out', 'killed', '--steps', 100)
        self.wait_for_rows(process, 'killed', 2)
        process.kill()
        process.communicate()
        self.assert_resumes_to('killed', expected)

    def test_an_interrupted_run_ends_clean_and_resumes(self):
        expected = self.train('whole', '--steps', 200)
        for number in (signal.SIGINT, signal.SIGTERM):
            run = f'stopped-{number}'
            process = self.start('train', 'p.scp', '--data', DATA, '--out', run, '--steps', 200)
            self.wait_for_rows(process, run, 5)
            process.send_signal(number)
            output, messages = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0)
            self.assertIn('simclr: note: stopping after this step; again to stop now\n', messages)
            n = len(losses(self.root / run))
            self.assertEqual(output, f'{run}: stopped at step {n} of 200; --resume goes on\n')
            self.assertEqual(checkpoints(self.root / run), [f'step-{n:08}'])
            self.assert_resumes_to(run, expected)

    def test_resume_starts_what_is_not_there_and_leaves_what_is_complete(self):
        arguments = ('train', 'p.scp', '--data', DATA, '--out', 'a', '--steps', 4, '--resume')
        self.assertEqual(self.succeed(*arguments), 'a: complete at step 4\n')
        before = (self.root / 'a/metrics.jsonl').read_bytes()
        self.assertEqual(self.succeed(*arguments), 'a: complete at step 4\n')
        self.assertEqual((self.root / 'a/metrics.jsonl').read_bytes(), before)

    def test_the_newest_checkpoints_are_kept(self):
        run = self.train('a', '--steps', 7, '--checkpoint-every', '2it', '--keep', 3)
        self.assertEqual(checkpoints(run), ['step-00000004', 'step-00000006', 'step-00000007'])

    def test_a_full_disk_leaves_the_old_checkpoint(self):
        run = self.train('a', '--steps', 3, '--checkpoint-every', '2it')
        config = run / 'config.json'
        text = config.read_text()
        config.write_text(text.replace('"total_steps": 3', '"total_steps": 9').replace('"steps": 3', '"steps": 9'))
        before = (run / 'checkpoints/step-00000003/params.safetensors').read_bytes()

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))

        result = self.simclr('train', '--out', 'a', '--resume', preexec_fn=limit)
        self.assertEqual(result.returncode, 3)
        errors = [line for line in result.stderr.splitlines() if 'error' in line]
        self.assertEqual(errors, ["simclr: error: cannot write 'a/checkpoints/unfinished-00000004/"
                                  "optimizer.safetensors': File too large"])
        self.assertEqual(checkpoints(run), ['step-00000002', 'step-00000003'])
        self.assertEqual((run / 'checkpoints/step-00000003/params.safetensors').read_bytes(), before)

    def test_nothing_that_is_not_finite_is_kept(self):
        result = self.simclr('train', 'p.scp', '--data', DATA, '--out', 'a', '--steps', 9, '--lr', '1e38',
                             '--lr-scaling', 'none', '--warmup', '0it', '--checkpoint-every', '1it')
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"simclr: error: (the loss of step \d is -?(nan|inf)|"
                                        r"after step \d, '.*' is not finite)\n")
        for name in checkpoints(self.root / 'a'):
            for _, values in read_safetensors(self.root / 'a/checkpoints' / name / 'params.safetensors').values():
                self.assertTrue(all(map(math.isfinite, values)))

    def test_a_loss_that_is_not_finite_names_its_step(self):
        result = self.simclr('train', 'p.scp', '--data', DATA, '--out', 'a', '--steps', 9, '--lr', '1e38',
                             '--lr-scaling', 'none', '--warmup', '0it')
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r'simclr: error: the loss of step [2-9] is -?(nan|inf)\n'
                                        r'simclr: hint: a lower --lr or a longer --warmup may help\n')
        self.assertEqual(checkpoints(self.root / 'a'), [])

    def test_two_trainings_do_not_share_a_run(self):
        process = self.start('train', 'p.scp', '--data', DATA, '--out', 'a', '--steps', 10000)
        self.wait_for_rows(process, 'a', 2)
        result = self.simclr('train', '--out', 'a', '--resume')
        process.kill()
        process.communicate()
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr, "simclr: error: 'a/metrics.jsonl' is in use by another training\n")

    def test_progress_shows_the_loss_beside_its_chance_level(self):
        result = self.simclr('train', 'p.scp', '--data', DATA, '--out', 'a', '--steps', 2)
        self.assertRegex(result.stderr, re.compile(
            r'^step 1/2  loss \d\.\d{4} \(chance 2\.7081\)  ETA \d+s  accuracy \d+\.\d%  entropy \d\.\d{3}  '
            r'lr \S+  \d+\.\d images/s  epoch 1/1$', re.MULTILINE))
        self.assertRegex(result.stderr, re.compile(r'^  total +\d+\.\d MiB$', re.MULTILINE))

    def test_json(self):
        result = json.loads(self.succeed('train', 'p.scp', '--data', DATA, '--out', 'a', '--steps', 2, '--json'))
        self.assertEqual((result['run'], result['step'], result['complete']), ('a', 2, True))

    def test_supervised_programs_take_one_view_and_labels(self):
        self.compile('s.scp', '--encoder', 'resnet8', '--head', 'classifier10', '--loss', 'cross_entropy',
                     '--batch', '8', '--image-size', '16')
        self.succeed('train', 's.scp', '--data', DATA, '--out', 's', '--steps', 100)
        rows = [json.loads(line) for line in (self.root / 's/metrics.jsonl').read_text().splitlines()]
        self.assertNotIn('accuracy', rows[0])
        first, last = (sum(row['loss'] for row in part) for part in (rows[:8], rows[-8:]))
        self.assertLess(last, first)
        (self.root / 'plain').mkdir()

    def test_a_model_of_two_inputs_trains_as_its_parts_do(self):
        """Without normalisation, a branch for each view computes what one pass over both does."""
        w = 'w = RandomNormal <shape = [4, 3, 3, 3], scale = 0.2> ()\n'
        p = 'p = RandomNormal <shape = [4, 8], scale = 0.3> ()\n'

        def branch(x, h):
            return (f'{h}c = Conv <strides = [2, 2]> ({x}, w) {h}r = Relu ({h}c) {h}p = GlobalAveragePool ({h}r)\n'
                    f'{h} = Flatten ({h}p)\n')

        def loss(a, b):
            return f'd = Sub ({a}, {b}) s = Mul (d, d) loss = ReduceMean <keepdims = 0> (s)\n'

        def write(name, signature, body):
            text = f'<ir_version: 8, opset_import: ["": 17]>\nm {signature}\n{{\n{body}}}\n'
            (self.root / f'{name}.onnxtxt').write_text(text)

        write('whole', '(float[N,3,16,16] x, float[N,3,16,16] y) => (float loss, float[N,4] h, float[N,8] z)',
              w + p + branch('x', 'h') + 'z = MatMul (h, p)\n' + branch('y', 'g') + 'u = MatMul (g, p)\n' + loss('z', 'u'))
        write('f', '(float[N,3,16,16] x) => (float[N,4] h)', w + branch('x', 'h'))
        write('g', '(float[N,4] h) => (float[N,8] z)', p + 'z = MatMul (h, p)\n')
        write('l', '(float[N,8] a, float[N,8] b) => (float loss)', loss('a', 'b'))
        self.compile('whole.scp', 'whole.onnxtxt', '--batch', 8)
        self.compile('parts.scp', '--encoder', 'f.onnxtxt', '--head', 'g.onnxtxt', '--loss', 'l.onnxtxt', '--batch', 8)
        found, sizes = [], []
        for name in ('whole', 'parts'):
            self.succeed('train', f'{name}.scp', '--data', DATA, '--out', name, '--steps', 12)
            self.succeed('embed', name, '--data', DATA, '-o', f'{name}.npy')
            sizes.append((self.root / f'{name}.npy').stat().st_size)
            rows = (self.root / name / 'metrics.jsonl').read_text().splitlines()
            found.append([json.loads(row)['loss'] for row in rows])
        self.assertEqual(len(found[0]), 12)
        # Gradients are sums over rows in float32, of two orders.
        for whole, parts in zip(*found):
            self.assertAlmostEqual(whole / parts, 1, delta=1e-4)
        self.assertEqual(*sizes)
        self.assertIn('the encoder of step 12', self.succeed('export', 'whole', '-o', 'whole.onnx'))


if __name__ == '__main__':
    unittest.main()
