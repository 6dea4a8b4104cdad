#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What options do to parameters and statistics, from simclrc to what simclr trains and exports."""

import unittest

from simclr_files import COMPILE, DATA, CommandTest, checkpoints, read_safetensors


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


if __name__ == '__main__':
    unittest.main()
