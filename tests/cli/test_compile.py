#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""simclrc as users run it: programs, dumps, and what it says when it is called wrongly."""

import array
import json
import unittest

from simclr_files import SIMCLRC, CommandTest, write_safetensors

SMALL = ['resnet8', '--batch', '4', '--image-size', '16']
STAGES = ['onnx', 'graph', 'train', 'opt', 'lower', 'plan']
ENTRIES = ['train', 'grad', 'embed', 'project', 'recalibrate']


class CompileTest(CommandTest):
    def simclrc(self, *arguments):
        return self.run_program(SIMCLRC, *arguments)

    def output(self, *arguments):
        result = self.simclrc(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def refuse(self, code, messages, *arguments):
        result = self.simclrc(*arguments)
        self.assertEqual(result.stderr, messages)
        self.assertEqual((result.returncode, result.stdout), (code, ''))


class Programs(CompileTest):
    def test_the_same_model_gives_the_same_bytes(self):
        for name in ('a.scp', 'b.scp'):
            self.output(*SMALL, '-o', name)
        self.assertEqual((self.root / 'a.scp').read_bytes(), (self.root / 'b.scp').read_bytes())

    def test_the_plan_is_printed(self):
        text = self.output(*SMALL, '-o', 'a.scp')
        for row in ('a.scp\n', 'parameters', 'optimizer state', 'running statistics', 'arena', 'scratch'):
            self.assertIn(row, text)

    def test_a_refused_model_leaves_the_old_program(self):
        (self.root / 'a.scp').write_text('old')
        self.assertEqual(self.simclrc('resnet8', '--h', 'nowhere', '-o', 'a.scp').returncode, 1)
        self.assertEqual((self.root / 'a.scp').read_text(), 'old')

    def test_every_optimizer_compiles(self):
        for optimizer in ('lars', 'sgd:nesterov=1,momentum=0.8', 'adam:beta2=0.99', 'adamw'):
            self.output(*SMALL, '--optimizer', optimizer, '-o', 'a.scp')

    def test_our_models_are_listed_and_compile(self):
        names = [line.split()[0] for line in self.output('--list-models').splitlines()]
        encoders = [name for name in names if name.startswith('resnet')]
        self.assertEqual(len(encoders), 13)
        for encoder in encoders:
            self.output('--encoder', encoder, '--batch', 2, '--image-size', 32, '-o', 'a.scp')

    def test_stages_and_passes_are_listed(self):
        stages, passes = self.output('--list-stages').split('\nPasses, in order:\n')
        self.assertEqual([line.split()[0] for line in stages.splitlines()], STAGES)
        names = [line.split()[0] for line in passes.splitlines()]
        self.assertEqual((names[0], names[-1]), ('fuse-nt-xent', 'plan-memory'))
        self.assertIn('differentiate', names)

    def test_initial_values_come_from_a_file(self):
        write_safetensors(self.root / 'w.safetensors', {'bn1.weight': ([16], array.array('f', [0.5] * 16)),
                                                        'nobody': ([1], array.array('f', [0]))})
        result = self.simclrc(*SMALL, '--init', 'w.safetensors', '-o', 'a.scp')
        self.assertEqual(result.stderr, "w.safetensors: warning: 'nobody' is no parameter of the model\n")
        self.assertIn('init=stored', self.output(*SMALL, '--init', 'w.safetensors', '--dump=graph'))

    def test_initial_values_of_another_shape_are_refused(self):
        write_safetensors(self.root / 'w.safetensors', {'bn1.weight': ([8], array.array('f', [0.5] * 8))})
        self.refuse(1, "w.safetensors: error: 'bn1.weight' is f32[8], the model has f32[16]\n", *SMALL, '--init',
                    'w.safetensors', '-o', 'a.scp')

    def test_the_temperature_can_be_set(self):
        self.assertIn('{temperature=0.1}', self.output(*SMALL, '--set', 'temperature=0.1', '--dump=graph'))


class Dumps(CompileTest):
    def test_every_stage_of_every_entry_prints_the_same_twice(self):
        for stage in STAGES:
            for entry in ENTRIES:
                arguments = [*SMALL, f'--dump={stage}', '--entry', entry]
                text = self.output(*arguments)
                self.assertTrue(text)
                self.assertEqual(text, self.output(*arguments))

    def test_json_is_json_and_dot_is_a_digraph(self):
        for stage in STAGES:
            graph = json.loads(self.output(*SMALL, f'--dump={stage}', '--dump-format', 'json'))
            self.assertEqual(graph['version'], 1)
            self.assertTrue(self.output(*SMALL, f'--dump={stage}', '--dump-format', 'dot').startswith('digraph'))

    def test_json_of_the_models_lists_their_nodes(self):
        models = json.loads(self.output('--dump=onnx', '--dump-format', 'json', 'resnet8'))['models']
        self.assertEqual([model['model'] for model in models], ['resnet8', 'nonlinear', 'nt_xent'])
        conv = next(node for node in models[0]['nodes'] if node['op'] == 'Conv')
        self.assertEqual((conv['in'], conv['out']), (['x', 'conv1.weight'], ['conv1']))
        self.assertEqual(conv['attrs']['pads'], [1, 1, 1, 1])

    def test_a_bare_dump_is_the_lowered_training_graph(self):
        self.assertEqual(self.output('--dump', *SMALL), self.output('--dump=lower', '--entry', 'train', *SMALL))

    def test_all_stages_go_to_a_folder(self):
        self.output(*SMALL, '--dump=all', '--dump-dir', 'stages', '-o', 'a.scp')
        names = sorted(path.name for path in (self.root / 'stages').iterdir())
        self.assertEqual(names, [f'{i}-{stage}.txt' for i, stage in enumerate(STAGES)])
        self.assertTrue((self.root / 'a.scp').exists())

    def test_strict_convolutions_are_plain_sums(self):
        model = ['resnet18-cifar', '--batch', '2', '--dump=lower']
        self.assertIn('kernel=winograd', self.output(*model))
        self.assertNotIn('kernel=winograd', self.output(*model, '--conv', 'strict'))

    def test_a_pass_can_be_skipped_and_timed(self):
        self.assertNotIn('pointwise(', self.output(*SMALL, '--dump=opt', '--skip-pass', 'fuse-pointwise'))
        result = self.simclrc(*SMALL, '--dump=opt', '--time-passes', '--verify-each')
        self.assertIn('simclrc: note: pass fold-constants on train: ', result.stderr)

    def test_what_is_dumped_onnx_compiles_again(self):
        models = self.output('--dump=onnx', 'resnet8')
        (self.root / 'mine.onnxtxt').write_text(models[:models.index('\n}\n') + 3])  # the encoder comes first
        self.output('--encoder', 'mine.onnxtxt', '--batch', 4, '-o', 'a.scp')


class Mistakes(CompileTest):
    def refuse_usage(self, message, *arguments):
        self.refuse(2, f'simclrc: error: {message}\n', *arguments)

    def test_missing_and_contradicting_arguments(self):
        self.refuse_usage('there is no model: give MODEL or --encoder')
        self.refuse_usage('nothing to do: give -o P.scp, --dump or --check', 'resnet8')
        self.refuse_usage('both --encoder and MODEL are given', 'resnet8', '--encoder', 'resnet8', '-o', 'a.scp')

    def test_numbers_out_of_range(self):
        self.refuse_usage('batch is 1, expected at least 2: a contrastive loss compares images', 'resnet8', '--batch',
                          1, '-o', 'a.scp')
        self.refuse_usage('batch is 2000000, expected 1 to 1048576', 'resnet8', '--batch', 2000000, '-o', 'a.scp')
        self.refuse_usage('image size is 20000, expected 1 to 16384', 'resnet8', '--image-size', 20000, '-o', 'a.scp')

    def test_values_that_make_no_sense(self):
        for text in ('foo', '1,2,3/1,0,1', '1,2/1,2'):
            self.refuse_usage(f"--normalize '{text}' is not none, imagenet, cifar10 or M,M,M/S,S,S with positive "
                              'deviations', 'resnet8', '--normalize', text, '-o', 'a.scp')
        for text in ('tau=3', 'temperature=0', 'temperature=x', 'temperature='):
            self.refuse_usage(f"--set '{text}' is not temperature=T with T more than 0", 'resnet8', '--set', text,
                              '-o', 'a.scp')
        for text in ('H', 'H=', '=3', 'H=0', 'H=3x'):
            self.refuse_usage(f"--bind '{text}' is not DIM=N with N at least 1", 'resnet8', '--bind', text, '-o',
                              'a.scp')

    def test_stages_and_formats(self):
        self.refuse_usage("there is no stage 'foo', expected onnx, graph, train, opt, lower, plan, params or all",
                          'resnet8', '--dump=foo')
        self.refuse_usage('--dump=all needs --dump-dir', 'resnet8', '--dump=all')

    def test_passes(self):
        self.refuse_usage("there is no pass 'nosuch'", 'resnet8', '--skip-pass', 'nosuch', '-o', 'a.scp')
        self.refuse_usage("pass 'schedule' is required and cannot be skipped", 'resnet8', '--skip-pass', 'schedule',
                          '-o', 'a.scp')

    def test_a_temperature_without_nt_xent(self):
        self.refuse_usage("the temperature cannot be set: the loss 'cross_entropy' is not recognised as NT-Xent",
                          '--encoder', 'resnet8', '--head', 'classifier10', '--loss', 'cross_entropy', '--set',
                          'temperature=0.1', '-o', 'a.scp')

    def test_files_that_cannot_be_written(self):
        self.refuse(3, "simclrc: error: cannot write '/dev/full': No space left on device\n", *SMALL, '-o', '/dev/full')
        self.refuse(3, "simclrc: error: cannot write 'no/a.scp': No such file or directory\n", *SMALL, '-o', 'no/a.scp')
        self.refuse(3, "simclrc: error: cannot write 'no/such/0-onnx.txt': No such file or directory\n", *SMALL,
                    '--dump=all', '--dump-dir', 'no/such')

    def test_models_that_are_not_there_are_all_named(self):
        hint = 'simclrc: hint: --list-models lists the models that come with simclrc\n'
        self.refuse(3, f"simclrc: error: there is no file 'g' and no model of that name\n{hint}"
                       f"simclrc: error: there is no file 'l' and no model of that name\n{hint}",
                    '--encoder', 'resnet8', '--head', 'g', '--loss', 'l', '-o', 'a.scp')


if __name__ == '__main__':
    unittest.main()
