#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What simclr says when it is called wrongly: text and exit code."""

import shutil
import unittest

from simclr_files import DATA, CommandTest, write_npy, write_png, write_safetensors

HINT = "simclr: hint: 'simclr {} --help' says more\n"


class UsageTest(CommandTest):
    def refuse(self, code, messages, *arguments):
        result = self.simclr(*arguments)
        self.assertEqual(result.stderr, messages)
        self.assertEqual((result.returncode, result.stdout), (code, ''))


class Usage(UsageTest):
    def test_commands(self):
        hint = "simclr: hint: 'simclr --help' lists the commands\n"
        self.refuse(2, 'simclr: error: a command is missing\n' + hint)
        self.refuse(2, "simclr: error: unknown command 'evaluate'\n" + hint, 'evaluate')
        self.refuse(2, "simclr: error: unknown command 'trian'\nsimclr: hint: the nearest is 'train'\n" + hint, 'trian')

    def test_help_goes_to_stdout(self):
        for command in ('train', 'eval', 'embed', 'export', 'step', 'info'):
            text = self.succeed(command, '--help')
            self.assertTrue(text.startswith(f'usage: simclr {command} '))
            self.assertIn('\nExamples:\n  simclr ' + command, text)
        self.assertTrue(self.succeed('--help').startswith('usage: simclr COMMAND'))

    def test_missing_arguments(self):
        for command, messages in {
            'train': "simclr: error: option '--out' is missing\n",
            'eval': "simclr: error: argument RUN is missing\nsimclr: error: option '--data' is missing\n",
            'embed': "simclr: error: argument RUN is missing\nsimclr: error: option '--data' is missing\n"
                     "simclr: error: option '--out' is missing\n",
            'export': "simclr: error: argument RUN is missing\nsimclr: error: option '--out' is missing\n",
            'step': "simclr: error: argument P.scp is missing\nsimclr: error: option '--input' is missing\n",
            'info': 'simclr: error: argument P.scp is missing\n',
        }.items():
            self.refuse(2, messages + HINT.format(command), command)

    def test_eval_choices(self):
        self.refuse(2, "simclr: error: option '--probe': found 'tree', expected linear, knn or linear,knn\n"
                       "simclr: error: option '--on': found 'h,', expected h, z or h,z\n",
                    'eval', 'r', '--data', DATA, '--probe', 'tree', '--on', 'h,')

    def test_what_is_no_run(self):
        (self.root / 'empty').mkdir()
        for command in (['export', 'empty', '-o', 'x.onnx'], ['eval', 'empty', '--data', DATA],
                        ['embed', 'empty', '--data', DATA, '-o', 'x.npy']):
            self.refuse(2, "simclr: error: 'empty' is no run: it has no config.json\n", *command)
        self.refuse(3, "simclr: error: cannot open 'none.scp': No such file or directory\n", 'info', 'none.scp')
        self.refuse(2, "simclr: error: output 'x.txt' is of unknown kind, expected .npy or .safetensors\n",
                    'embed', 'empty', '--data', DATA, '-o', 'x.txt')


class TrainUsage(UsageTest):
    def setUp(self):
        super().setUp()
        self.compile('p.scp')

    def refuse_train(self, code, messages, *arguments):
        self.refuse(code, messages, 'train', 'p.scp', '--data', DATA, '--out', 'a', *arguments)
        self.assertFalse((self.root / 'a').exists())

    def test_missing_parts(self):
        self.refuse(2, 'simclr: error: argument P.scp is missing\n', 'train', '--out', 'a', '--resume')
        self.refuse(2, "simclr: error: option '--data' is missing\n", 'train', 'p.scp', '--out', 'a')

    def test_lengths(self):
        self.refuse_train(2, "simclr: error: option '--epochs' or '--steps' is missing\n")
        self.refuse_train(2, "simclr: error: options '--epochs' and '--steps' exclude each other\n", '--epochs', 1,
                          '--steps', 1)
        self.refuse_train(2, "simclr: error: option '--epochs': more steps than can be counted\n", '--epochs', 2**62)
        self.refuse_train(2, "simclr: error: option '--warmup': 2ep is 16 steps, the whole run has 8\n", '--epochs', 1,
                          '--warmup', '2ep')
        self.refuse_train(2, "simclr: error: option '--warmup': found '2', expected epochs as in '10ep' or steps as in "
                             "'500it'\n", '--epochs', 1, '--warmup', 2)
        self.refuse_train(2, "simclr: error: option '--checkpoint-every': found '0it', expected at least one step\n",
                          '--epochs', 1, '--checkpoint-every', '0it')
        self.refuse_train(2, "simclr: error: option '--seed': found 9007199254740993, expected 0 to 9007199254740992\n",
                          '--epochs', 1, '--seed', 2**53 + 1)

    def test_a_batch_must_fit_into_the_data(self):
        self.refuse(2, "simclr: error: 'synthetic:n=3,size=16' has 3 images, expected at least one batch of 8\n",
                    'train', 'p.scp', '--data', 'synthetic:n=3,size=16', '--out', 'a', '--epochs', 1)

    def test_programs_without_a_loss(self):
        (self.root / 'bad.scp').write_bytes(b'no program')
        result = self.simclr('train', 'bad.scp', '--data', DATA, '--out', 'a', '--steps', 1)
        self.assertEqual(result.returncode, 1)
        self.assertTrue(result.stderr.startswith('bad.scp: error: '), result.stderr)

    def test_supervised_programs_want_labels_they_know(self):
        self.compile('s.scp', '--encoder', 'resnet8', '--head', 'classifier10', '--loss', 'cross_entropy',
                     '--batch', '8', '--image-size', '16')
        for i in range(8):
            write_png(self.root / f'flat/{i}.png', 16, i)
        self.refuse(1, "simclr: error: images of 'flat' have no labels, the program's loss wants them\n",
                    'train', 's.scp', '--data', 'flat', '--out', 'a', '--steps', 1)
        data = 'synthetic:n=64,size=16,classes=12'
        self.refuse(1, f"simclr: error: images of '{data}' have 12 classes, the program's loss has 10\n",
                    'train', 's.scp', '--data', data, '--out', 'a', '--steps', 1)


class RunUsage(UsageTest):
    def setUp(self):
        super().setUp()
        self.compile('p.scp')
        self.succeed('train', 'p.scp', '--data', DATA, '--out', 'a', '--steps', 2)

    def test_a_run_is_not_overwritten(self):
        self.refuse(2, "simclr: error: 'a' holds a run already\n"
                       'simclr: hint: --resume continues it; another --out starts a new one\n',
                    'train', 'p.scp', '--data', DATA, '--out', 'a', '--steps', 2)

    def test_a_resumed_run_keeps_its_recipe(self):
        hint = 'simclr: hint: a resumed run keeps its recipe: leave the option out, or start a new run\n'
        self.refuse(2, "simclr: error: option '--steps': found 3, the run to resume was started with 2\n"
                       "simclr: error: option '--seed': found 1, the run to resume was started with 0\n"
                       "simclr: error: option '--lr-scaling': found 'sqrt', the run to resume was started with "
                       "'linear'\n"
                       "simclr: error: option '--warmup': found '1it', the run to resume was started with '0it'\n"
                       "simclr: error: option '--augment': found 'none', the run to resume was started with "
                       "'simclr-cifar'\n"
                       "simclr: error: option '--lr': found 0.5, the run to resume was started with 0.12\n" + hint,
                    'train', '--out', 'a', '--resume', '--steps', 3, '--seed', 1, '--lr-scaling', 'sqrt', '--warmup',
                    '1it', '--augment', 'none', '--lr', '0.5')

    def test_a_resumed_run_keeps_its_data_and_program(self):
        data = DATA.replace('n=64', 'n=72')
        self.refuse(1, f"simclr: error: '{data}' has 72 images, the run was started on 64\n", 'train', '--out', 'a',
                    '--resume', '--data', data)
        self.compile('q.scp', '--encoder', 'resnet8', '--batch', '4', '--image-size', '16')
        self.refuse(1, "q.scp: error: is not the program that run 'a' was started with\n", 'train', 'q.scp', '--out',
                    'a', '--resume')
        shutil.copy(self.root / 'q.scp', self.root / 'a/program.scp')
        self.refuse(1, 'a: error: config.json and program.scp do not belong together\n', 'train', '--out', 'a',
                    '--resume')

    def test_damaged_runs(self):
        config = self.root / 'a/config.json'
        text = config.read_text()
        for damaged, message in (
            ('[]', 'is no recipe of a training'),
            (text.replace('"version": 1', '"version": 2'), 'version is 2, expected 1'),
            (text.replace('"lr": ', '"rl": '), "'lr' is missing, expected a number"),
            (text.replace('"seed": 0', '"seed": "0"'), "'seed' is something else, expected a whole number"),
            (text.replace('"batch": 8', '"batch": 0'), 'its numbers are no recipe of a training'),
        ):
            config.write_text(damaged)
            self.refuse(1, f'a/config.json: error: {message}\n', 'export', 'a', '-o', 'e.onnx')
        config.write_text(text.replace('"total_steps": 2', '"total_steps": 1'))
        self.refuse(1, 'a: error: the checkpoint is of step 2, the run ends at step 1\n', 'train', '--out', 'a',
                    '--resume')
        config.write_text(text)
        shutil.rmtree(self.root / 'a/checkpoints')
        self.refuse(1, 'a: error: the run has no checkpoint yet\n', 'export', 'a', '-o', 'e.onnx')

    def test_parameters_of_another_program(self):
        write_npy(self.root / 'x.npy', '<f4', [16, 3, 16, 16], [0] * 12288)
        write_safetensors(self.root / 'p.safetensors', {})
        result = self.simclr('step', 'p.scp', '--input', 'x.npy', '--params', 'p.safetensors')
        self.assertEqual(result.returncode, 1)
        self.assertIn("p.safetensors: error: tensor '", result.stderr)
        self.assertIn("' is missing\n", result.stderr)

    def test_probes_want_labels(self):
        for i in range(16):
            write_png(self.root / f'flat/{i}.png', 16, i)
        result = self.simclr('eval', 'a', '--data', 'flat')
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, "simclr: error: images of 'flat' have no labels, which probes want\n")

    def test_probes_want_labels_of_the_same_classes(self):
        other = DATA.replace('classes=10', 'classes=12')
        result = self.simclr('eval', 'a', '--data', DATA, '--test-data', other)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, 'simclr: error: test images have 12 classes, training images 10\n')
        for i in range(20):
            for part, classes in (('one', 'ab'), ('other', 'ac')):
                write_png(self.root / f'{part}/{classes[i % 2]}/{i}.png', 16, i)
        result = self.simclr('eval', 'a', '--data', 'one', '--test-data', 'other')
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, "simclr: error: class 1 of the test images is 'c', of the training images "
                                        "'b'\n")

    def test_export_says_why_it_cannot_write(self):
        self.refuse(3, "simclr: error: cannot write 'none/e.onnx': No such file or directory\n", 'export', 'a', '-o',
                    'none/e.onnx')


if __name__ == '__main__':
    unittest.main()
