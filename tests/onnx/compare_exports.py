#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares what simclrc makes of real exports with PyTorch in float64.

    compare_exports.py FOLDER [--models M,...] [--as WAY,...] [--seeds N] [--build B] [--json F]

FOLDER holds what export_models.py wrote. Each file is compiled with the nonlinear
head and NT-Xent for 4 images (8 rows); weights are those of the file. Images and
head come from the random streams of a seed (tests/train/reference). Per file:

compile     wall time of `taskset -c 0 simclrc --dump=plan`, the best of 3, and its peak memory
forward     h and z with BatchNormalization in inference form: |ours - theirs| / |theirs|, over 1e-4
double      the gradients of the training graph, run by the interpreter, over 1e-8 |g| + 1e-12 max|g|;
            g has the constants of the file, which are float32
plain       the same with PyTorch's own constants
strict,     those of the float32 kernels, --conv strict and fast, over the largest of 1e-3 |g|, 3 |g32 - g|
fast        and 1e-6 max|g|, where g32 is PyTorch's own float32

Norms are of parameter tensors; each figure is the worst tensor's and passes at 1.

A ReLU's input within float32's rounding of zero may be on the other side in another's
float32, and gradients jump with it. `near` counts the inputs of ReLUs and their like
that lie closer to a kink than the largest error of PyTorch's float32 at the same
place. With --seeds the images are those that have the fewest of as many seeds; our
own results have no say in it.

Exports for inference are compiled and their h is compared; their folded weights are
not PyTorch's. Needs PyTorch, torchvision, timm and onnx, of any recent version.
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import export_models

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests' / 'train' / 'reference'))
import simclr_torch  # noqa: E402
import tensors  # noqa: E402

N_ROWS = 8
FORWARD = 1e-4


class Kinks(TorchDispatchMode):
    """Collects what every ReLU and its like saw, and where each has its kinks."""

    SIX = {'hardswish': (-3, 3), 'hardsigmoid': (-3, 3)}

    def __init__(self):
        super().__init__()
        self.inputs, self.at = [], []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__.rstrip('_')
        if name in ('relu', 'hardtanh', 'hardswish', 'hardsigmoid'):
            self.inputs.append(args[0].detach().clone())
            self.at.append((0,) if name == 'relu' else self.SIX.get(name) or (args[1], args[2]))
        return function(*args, **(kwargs or {}))


def count_near(exact, rounded):
    """How many inputs of kinks PyTorch's float32 could see on the other side."""
    n = 0
    for x, y, at in zip(exact.inputs, rounded.inputs, exact.at):
        error = (x - y).abs().max()
        n += sum(int(((x - kink).abs() < error).sum()) for kink in at)
    return n


def single(number):
    return float(np.float32(number))


@contextlib.contextmanager
def stored_constants(exporter):
    """PyTorch computing with the constants of an exported graph, which are float32.

    1/6 and the square root of 2 are none: with them as they are, float64 would be no
    closer than 1e-8 to what a graph says. Epsilons are attributes, which simclrc reads
    as the decimals that were meant.
    """
    functional = torch.nn.functional
    kept = functional.gelu, functional.hardsigmoid, functional.scaled_dot_product_attention

    def gelu(x, approximate='none'):
        assert approximate == 'none'
        # TorchScript divides; simclrc multiplies where it finds the operator Gelu.
        inner = x / single(2 ** 0.5) if exporter == 'torchscript' else x * single(0.5 ** 0.5)
        return x * (torch.erf(inner) + 1) * 0.5

    def hardsigmoid(x, inplace=False):
        return (x * single(1 / 6) + 0.5).clamp(0, 1)

    def attention(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None):
        assert attn_mask is None and dropout_p == 0.0 and not is_causal
        root = single((scale or q.shape[-1] ** -0.5) ** 0.5)  # exporters scale both factors
        return torch.softmax((q * root) @ (k * root).transpose(-2, -1), -1) @ v

    functional.gelu, functional.hardsigmoid, functional.scaled_dot_product_attention = gelu, hardsigmoid, attention
    try:
        yield
    finally:
        functional.gelu, functional.hardsigmoid, functional.scaled_dot_product_attention = kept


class Reference:
    """A model of export_models.py in PyTorch, on the images of the best of n seeds."""

    def __init__(self, name, n_seeds, first=0):
        self.model, self.size = export_models.build(name)
        self.initial = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.parameters = {name: p.detach().numpy().copy() for name, p in self.model.named_parameters()}
        self.near, self.seed = min((self.count_near(seed), seed) for seed in range(first, first + n_seeds))
        self.x = simclr_torch.batch(N_ROWS, self.size, self.seed)
        self.rounded, _ = self.step(torch.float32)

    def count_near(self, seed):
        x = simclr_torch.batch(N_ROWS, self.size, seed)
        seen = []
        for dtype in torch.float64, torch.float32:
            with torch.no_grad(), Kinks() as kinks:
                h = self.as_type(dtype).train()(torch.tensor(x, dtype=dtype))
                self.project(h, self.head(h.shape[1], dtype))
            seen.append(kinks)
        return count_near(*seen)

    def as_type(self, dtype):
        """The model with its initial weights and statistics."""
        self.model.to(dtype).load_state_dict(self.initial)
        return self.model

    def differentiate(self, constants):
        """With the constants that an exporter stores, or with PyTorch's own."""
        with stored_constants(constants) if constants else contextlib.nullcontext():
            self.gradients, self.loss = self.step(torch.float64)
        self.largest = max(np.linalg.norm(g) for g in self.gradients.values())

    def head(self, width, dtype):
        shapes = {'head.0.weight': (width, width), 'head.2.weight': (simclr_torch.N_OUTPUTS, width)}
        head = {}
        for name, shape in shapes.items():
            weight = simclr_torch.normal(name, shape, 0.05, 0)  # the compiler's seed, not that of the images
            head[name] = torch.tensor(weight, dtype=dtype, requires_grad=True)
            head[name.replace('weight', 'bias')] = torch.zeros(shape[0], dtype=dtype, requires_grad=True)
        return head

    @staticmethod
    def project(h, head):
        z = torch.relu(torch.nn.functional.linear(h, head['head.0.weight'], head['head.0.bias']))
        return torch.nn.functional.linear(z, head['head.2.weight'], head['head.2.bias'])

    def forward(self, stored):
        """h and z with statistics taken from a file, by name: an export for training has moved them."""
        model = self.as_type(torch.float64).eval()
        with torch.no_grad():
            for name, statistic in model.named_buffers():
                if name in stored:
                    statistic.copy_(torch.tensor(onnx.numpy_helper.to_array(stored[name])))
            h = model(torch.tensor(self.x, dtype=torch.float64))
            return h.numpy(), self.project(h, self.head(h.shape[1], torch.float64)).numpy()

    def step(self, dtype):
        model = self.as_type(dtype).train()
        model.zero_grad()
        h = model(torch.tensor(self.x, dtype=dtype))
        head = self.head(h.shape[1], dtype)
        loss = simclr_torch.nt_xent(self.project(h, head))
        loss.backward()
        gradients = {name: p.grad for name, p in [*model.named_parameters(), *head.items()]}
        return {name: g.double().numpy().copy() for name, g in gradients.items() if g is not None}, loss.item()


class Names:
    """Which parameter of PyTorch one of ours is, and how its gradient is turned."""

    def __init__(self, path, parameters):
        model = onnx.load(path)
        self.stored = {t.name: t for t in model.graph.initializer}
        for node in model.graph.node:
            if node.op_type == 'Constant' and node.attribute[0].name == 'value':
                self.stored[node.output[0]] = node.attribute[0].t
        self.parameters = parameters
        self.by_values = {}
        for name, value in parameters.items():
            self.by_values.setdefault((value.size, np.sort(value, axis=None)[:8].tobytes()), []).append(name)

    def find(self, name, gradient):
        """The parameter's name and the gradient in its shape; None if there is no such parameter."""
        if name.startswith('head.') and name not in self.parameters:
            return name, gradient
        if name in self.parameters and self.parameters[name].shape == gradient.shape:
            return name, gradient
        if name not in self.stored:
            return None
        value = onnx.numpy_helper.to_array(self.stored[name])
        for other in self.by_values.get((value.size, np.sort(value, axis=None)[:8].tobytes()), []):
            theirs = self.parameters[other]
            if np.array_equal(value.reshape(-1), theirs.reshape(-1)):
                return other, gradient.reshape(theirs.shape)
            if value.ndim == 2 and np.array_equal(value.T.reshape(-1), theirs.reshape(-1)):
                return other, gradient.T.reshape(theirs.shape)
        return None


def relative(a, b):
    return float(np.linalg.norm(a.astype(np.float64) - b) / np.linalg.norm(b))


def bound_in_double(norm, own_error, largest):
    return 1e-8 * norm + 1e-12 * largest


def bound_in_float(norm, own_error, largest):
    return max(1e-3 * norm, 3 * own_error, 1e-6 * largest)


def compare_gradients(found, names, reference, bound):
    """The worst ratio of an error to its bound, and whose it is; complaints about names."""
    ratios, complaints, seen = {}, [], set()
    for name, gradient in found.items():
        if not name.startswith('grad/'):
            continue
        match = names.find(name[5:], gradient)
        if match is None:
            complaints.append(f"'{name[5:]}' is nobody's")
            continue
        theirs, gradient = match
        exact = reference.gradients.get(theirs)
        if exact is None:
            exact = np.zeros_like(reference.parameters[theirs], np.float64)
        seen.add(theirs)
        own_error = np.linalg.norm(reference.rounded[theirs] - exact) if theirs in reference.rounded else 0
        allowed = bound(np.linalg.norm(exact), own_error, reference.largest)
        ratios[theirs] = float(np.linalg.norm(gradient.astype(np.float64) - exact) / allowed)
    missing = reference.gradients.keys() - seen
    if missing:
        complaints.append(f'{len(missing)} have no gradient: {sorted(missing)[:3]}')
    worst = max(ratios, key=lambda name: ratios[name] if ratios[name] == ratios[name] else float('inf'))
    return ratios[worst], worst, complaints


# Runs a command and prints its exit code, seconds and peak of resident KiB. A small process does it: what the one
# that forks holds counts as the child's.
LAUNCHER = """
import os, sys, time
start = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, '/dev/null', 1, 0)])
_, status, usage = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), time.perf_counter() - start, usage.ru_maxrss)
"""


class Tools:
    def __init__(self, build):
        self.simclrc, self.step = build / 'simclrc', build / 'tests' / 'onnx' / 'step_export'

    def compile(self, path):
        """(exit code, messages, best seconds, peak bytes) of a compilation that writes nothing."""
        best, peak = float('inf'), 0
        for _ in range(3):
            run = subprocess.run([sys.executable, '-S', '-c', LAUNCHER, 'taskset', '-c', '0', str(self.simclrc),
                                  '--encoder', str(path), '--dump=plan'], capture_output=True, text=True, check=True)
            code, seconds, kib = run.stdout.split()
            best, peak = min(best, float(seconds)), max(peak, int(kib) * 1024)
            if code != '0':
                break
        return int(code), run.stderr.replace(f'{path}: ', ''), best, peak

    def run(self, *command):
        """The tensors that a run wrote, and its seconds."""
        with tempfile.TemporaryDirectory() as folder:
            out = f'{folder}/out.safetensors'
            start = time.perf_counter()
            subprocess.run([str(self.step), *map(str, command), out], check=True)
            seconds = time.perf_counter() - start
            return {name: value.copy() for name, value in tensors.read(out)[0].items()}, seconds

    def run_program(self, path, images, conv):
        with tempfile.TemporaryDirectory() as folder:
            program = f'{folder}/p.scp'
            subprocess.run([str(self.simclrc), '--encoder', str(path), '--batch', str(N_ROWS // 2), '--conv', conv,
                            '-o', program], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return self.run('kernels', program, images)


def summary(messages):
    """Messages without the names of nodes, each kind once, with how often it came."""
    kinds = {}
    for line in messages.splitlines():
        place, _, text = line.partition(': ')
        operator = place[place.rfind('('):] if place.startswith('node') else ''
        text = f'{operator} {text}'.strip() if operator else line
        kinds[text] = kinds.get(text, 0) + 1
    return [f'{n} x {text}' if n > 1 else text for text, n in kinds.items()]


def compare(path, way, reference, tools, does_double):
    code, messages, seconds, peak = tools.compile(path)
    row = {'file': path.name, 'compiles': code == 0, 'seconds': seconds, 'messages': summary(messages),
           'file_mb': path.stat().st_size / 1e6, 'peak_mb': peak / 1e6}
    if code or reference is None:
        return row
    reference.differentiate(way.split('-')[0])
    row |= {'seed': reference.seed, 'near': reference.near, 'n_parameters': sum(p.size for p in reference.parameters.values())}
    with tempfile.NamedTemporaryFile(suffix='.npy') as images:
        np.save(images, reference.x)
        images.flush()
        names = Names(path, reference.parameters)
        for conv in 'strict', 'fast':
            found, row[f'{conv}_s'] = tools.run_program(path, images.name, conv)
            h, z = reference.forward(names.stored)
            row['forward'] = max(row.get('forward', 0), relative(found['h'], h) / FORWARD,
                                 relative(found['z'], z) / FORWARD)
            if not way.endswith('training'):
                break
            row[conv], row[f'{conv}_at'], row['names'] = compare_gradients(found, names, reference, bound_in_float)
        if does_double and way.endswith('training'):
            found, row['double_s'] = tools.run('double', path, images.name)
            row['double'], row['double_at'], _ = compare_gradients(found, names, reference, bound_in_double)
            row['loss'] = abs(float(found['loss']) - reference.loss) / reference.loss
            reference.differentiate(None)
            row['plain'], row['plain_at'], _ = compare_gradients(found, names, reference, bound_in_double)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('--models', default=','.join(export_models.MODELS))
    parser.add_argument('--as', dest='ways', default=','.join(export_models.WAYS))
    parser.add_argument('--seeds', type=int, default=1, help='choose among so many')
    parser.add_argument('--build', type=pathlib.Path, default=ROOT / 'build' / 'release')
    parser.add_argument('--compile-only', action='store_true')
    parser.add_argument('--no-double', action='store_true', help='leave out the interpreter, which is slow')
    parser.add_argument('--json', type=pathlib.Path, help='append the rows to this file, one to a line')
    arguments = parser.parse_args()
    tools = Tools(arguments.build)
    for name in arguments.models.split(','):
        reference = None
        for way in arguments.ways.split(','):
            path = arguments.folder / f'{name}.{way}.onnx'
            if not path.exists():
                continue
            if reference is None and not arguments.compile_only and name in export_models.MODELS:
                reference = Reference(name, arguments.seeds)
            row = compare(path, way, reference, tools, not arguments.no_double)
            print(json.dumps(row, indent=1), flush=True)
            if arguments.json:
                with arguments.json.open('a') as file:
                    file.write(json.dumps(row) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
