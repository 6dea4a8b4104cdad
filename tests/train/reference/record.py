#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what PyTorch, in float64, says about one SimCLR training step.

    record.py [--encoder E] [--seed S] [-o FILE]   write the fixture (default: E.safetensors beside this script)
    record.py [--encoder E] --search N             print the margin at ReLUs for seeds 0 to N-1; write nothing
    record.py [--encoder E] [--seed S] --full G.safetensors
                                                   compare gradients written by `simclr step --grads` with all of PyTorch's
    record.py [--encoder E] [--seed S] --input X.npy
                                                   write the images that go with the seed, for `simclr step --input`

The step: encoder E of models/ (resnet18-cifar) or an .onnx file with torchvision's
names, the nonlinear head, NT-Xent at temperature 0.5, two images, so four rows of
3x32x32 (--size), BatchNormalization with statistics of the batch. Weights are those
of `simclrc --seed S`. Images are (u - 0.5) * 4 where u are the uniform numbers of
the stream (S, fnv1a64("batch"), 0).

The fixture is a safetensors file of float64. "loss" is the loss. For each
parameter a tensor of its name holds 1 + 64 numbers: the Euclidean norm of its
gradient, then the sums of its elements with signs, projection k with the signs
of the stream (S, fnv1a64(name), 1 + k): bit i % 32 of word i / 32 for element i,
lowest bit first, 1 for +1 and 0 for -1. Metadata: encoder, seed, margin.

The margin is how far the inputs of all ReLUs stay from zero, measured in the
error that PyTorch's own float32 makes at the same ReLU: at 1 or more no rounding
of that size turns a ReLU on or off, and gradients may be compared closely.
"""

import argparse
import pathlib
import sys

import numpy as np
import torch

import philox
import simclr_torch
import tensors

N_PROJECTIONS = 64
N_ROWS = 4


def margin_of(exact, rounded):
    """The least |input of a ReLU| in units of the largest error at that ReLU."""
    return min((a.abs().min() / (a - b).abs().max()).item() for a, b in zip(exact, rounded))


def steps(encoder, seed, size):
    """Loss and gradients in float64, gradients in float32, and the margin."""
    parameters = simclr_torch.initial_parameters(encoder, seed)
    x = simclr_torch.batch(N_ROWS, size, seed)
    loss, gradients, exact = simclr_torch.step(parameters, x)
    _, gradients32, rounded = simclr_torch.step(parameters, x, torch.float32)
    return loss, gradients, gradients32, margin_of(exact, rounded)


def record(encoder, seed, size, path):
    loss, gradients, _, margin = steps(encoder, seed, size)
    fixture = {'loss': np.array(loss)}
    for name, gradient in gradients.items():
        g = gradient.reshape(-1)
        projections = [philox.signs(g.size, seed, philox.fnv1a64(name), 1 + k) @ g for k in range(N_PROJECTIONS)]
        fixture[name] = np.array([np.linalg.norm(g), *projections])
    tensors.write(path, fixture, {'encoder': encoder, 'seed': str(seed), 'margin': f'{margin:.2g}'})
    print(f'{path}: loss {loss:.9f}, {len(gradients)} gradients, margin {margin:.2g}')


def search(encoder, size, n):
    for seed in range(n):
        print(f'seed {seed}: margin {steps(encoder, seed, size)[3]:.3f}', flush=True)


def compare(encoder, seed, size, path, tolerance):
    """Prints |g - G| / |G| for each parameter, worst last; 1 if it exceeds the tolerance or names differ."""
    ours, _ = tensors.read(path)
    _, gradients, gradients32, margin = steps(encoder, seed, size)
    if ours.keys() != gradients.keys():
        print(f'{path}: missing {sorted(gradients.keys() - ours.keys())}, '
              f'unexpected {sorted(ours.keys() - gradients.keys())}')
        return 1

    def error(g, name):
        exact = gradients[name]
        return np.linalg.norm(g.reshape(exact.shape).astype(np.float64) - exact) / np.linalg.norm(exact)

    table = sorted((error(ours[name], name), error(gradients32[name], name), name) for name in gradients)
    print('relative error of the gradient: ours, PyTorch in float32')
    for mine, theirs, name in table:
        print(f'{mine:9.2e} {theirs:9.2e}  {name}')
    worst, _, name = table[-1]
    print(f'margin {margin:.2g}; worst {worst:.2e} ({name}), {tolerance:.0e} allowed')
    return 0 if worst <= tolerance else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--encoder', default='resnet18-cifar')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--size', type=int, default=32)
    parser.add_argument('-o', dest='output', type=pathlib.Path)
    parser.add_argument('--search', type=int)
    parser.add_argument('--full')
    parser.add_argument('--tolerance', type=float, default=1e-4)
    parser.add_argument('--input')
    arguments = parser.parse_args()
    encoder, seed, size = arguments.encoder, arguments.seed, arguments.size
    if arguments.search:
        search(encoder, size, arguments.search)
    elif arguments.full:
        return compare(encoder, seed, size, arguments.full, arguments.tolerance)
    elif arguments.input:
        np.save(arguments.input, simclr_torch.batch(N_ROWS, size, seed))
    else:
        here = pathlib.Path(__file__).parent
        record(encoder, seed, size, arguments.output or here / f'{encoder}.safetensors')
    return 0


if __name__ == '__main__':
    sys.exit(main())
