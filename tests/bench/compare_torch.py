#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One training step, ours and PyTorch's, alternating in one run on the same threads.

    compare_torch.py [--encoder E] [--rows N] [--repeats N] [--threads N]

Needs bench_ops and simclrc on the PATH (build/release, build/release/tests/bench)
and python3-torch. Both sides run forward, backward and SGD with momentum on
made-up images of 3x32x32, augmentation off, the nonlinear head and NT-Xent. A
machine is noisy: what counts is the ratio of the fastest steps, and the spread
is printed beside it. PyTorch runs twice, as installed and with a malloc that
keeps its blocks, which it gains from.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

REFERENCE = pathlib.Path(__file__).resolve().parents[1] / 'train' / 'reference'
TUNED = 'glibc.malloc.mmap_threshold=4000000000:glibc.malloc.trim_threshold=8000000000'
N_STEPS = 3


def torch_steps(encoder, rows, threads):
    """Runs in a process of its own: prints milliseconds, one step to a line."""
    import time
    sys.path.insert(0, str(REFERENCE))
    import torch
    import simclr_torch
    torch.set_num_threads(threads)
    parameters = {name: torch.tensor(value, requires_grad=not name.endswith(('_mean', '_var')))
                  for name, value in simclr_torch.initial_parameters(encoder, 0).items()}
    parameters = {name: value.detach().contiguous(memory_format=torch.channels_last).requires_grad_(value.requires_grad)
                  if value.dim() == 4 else value for name, value in parameters.items()}
    x = torch.tensor(simclr_torch.batch(rows, 32, 0)).contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD([p for p in parameters.values() if p.requires_grad], 0.1, momentum=0.9)
    for i in range(N_STEPS + 1):
        start = time.perf_counter()
        network = simclr_torch.Network(parameters)
        loss = simclr_torch.nt_xent(network.head(network.encoder(x)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if i > 0:  # the first makes its buffers
            print((time.perf_counter() - start) * 1e3, flush=True)


def run_torch(arguments, tunables):
    command = [sys.executable, __file__, '--torch', '--encoder', arguments.encoder,
               '--rows', str(arguments.rows), '--threads', str(arguments.threads)]
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE='1', **tunables)
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    return [float(line) for line in output.split()]


def run_ours(program, threads):
    output = subprocess.run(['bench_ops', program, 'train', str(N_STEPS), str(threads)],
                            check=True, capture_output=True, text=True).stdout
    return [float(re.search(r'([0-9.]+) ms  fastest run', output).group(1))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--encoder', default='resnet18-cifar')
    parser.add_argument('--rows', type=int, default=64)
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--torch', action='store_true', help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.torch:
        torch_steps(arguments.encoder, arguments.rows, arguments.threads)
        return 0
    times = {'ours': [], 'PyTorch': [], 'PyTorch, tuned malloc': []}
    with tempfile.TemporaryDirectory() as folder:
        program = str(pathlib.Path(folder) / 'p.scp')
        subprocess.run(['simclrc', '--encoder', arguments.encoder, '--batch', str(arguments.rows // 2), '-o', program],
                       check=True, stdout=subprocess.DEVNULL)
        for _ in range(arguments.repeats):
            times['ours'] += run_ours(program, arguments.threads)
            times['PyTorch'] += run_torch(arguments, {})
            times['PyTorch, tuned malloc'] += run_torch(arguments, {'GLIBC_TUNABLES': TUNED})
    print(f'{arguments.encoder}, {arguments.rows} rows, {arguments.threads} threads: milliseconds a step')
    for name, measured in times.items():
        print(f'{name:24} best {min(measured):8.1f}  worst {max(measured):8.1f}  '
              f'ratio to ours {min(measured) / min(times["ours"]):5.2f}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
