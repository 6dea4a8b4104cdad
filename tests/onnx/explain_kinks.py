#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Says whether inputs of ReLUs next to zero explain how a float32 gradient differs.

    explain_kinks.py FOLDER MODEL [--as WAY] [--seed S] [--most N] [--first R] [--last R] [--build B]

Where compare_exports.py finds a float32 gradient over its bound, this takes the N inputs
of ReLUs (and their like) that lie closest to a kink, in units of the error that
PyTorch's float32 has in their channel. It puts each on the kink's other side in
PyTorch's float64, one at a time, which gives by how much the gradient jumps. Our
error is then fitted by a sum of these jumps: a coefficient is 1 if we were on the
other side, 0 if not, and neither if something else is wrong. Those above 1/2 are put on the
other side together, and the gradient is compared again, with all of its tensors.
"""

import argparse
import pathlib
import tempfile

import numpy as np
import torch

import compare_exports
from compare_exports import Kinks, Names, Reference, bound_in_float

NEAR = 6      # errors away from a kink: farther ones are no candidates
SAMPLE = 500  # elements of each tensor that the fit looks at


class Forced(Kinks):
    """Puts inputs, {call: {flat index: kink}}, on the other side.

    A ReLU's backward looks at its result, the one of hardtanh (ReLU6) at what went in.
    """

    def __init__(self, flips):
        super().__init__()
        self.flips = flips

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.overloadpacket.__name__ == 'hardtanh_backward':
            call = next(n for n, x in enumerate(self.inputs) if x.shape == args[1].shape and torch.equal(x, args[1]))
            args = (args[0], self.cross(call, args[1].clone()), *args[2:])
        n = len(self.inputs)
        y = super().__torch_dispatch__(function, types, args, kwargs)
        return self.cross(n, y) if len(self.inputs) > n else y

    def cross(self, call, y):
        flat, x = y.view(-1), self.inputs[call].reshape(-1)
        for i, kink in self.flips.get(call, {}).items():
            inwards = 1e-15 if kink == 0 else -1e-15 * kink
            flat[i] = kink + inwards if (x[i] - kink) * inwards <= 0 else kink
        return y


def candidates(reference, most, first, last):
    """The inputs closest to a kink: (distance in errors, call, flat index, kink, whether PyTorch's float32 crossed it)."""
    seen = []
    for dtype in torch.float64, torch.float32:
        with Kinks() as kinks:
            reference.step(dtype)
        seen.append(kinks)
    found = []
    for call, (x, y, at) in enumerate(zip(seen[0].inputs, seen[1].inputs, seen[0].at)):
        if not first <= call <= last:
            continue
        assert x.is_contiguous()
        over = [d for d in range(x.ndim) if d != 1]
        error = (x - y).pow(2).mean(over, keepdim=True).sqrt().clamp_min(1e-30)
        for kink in at:
            distance = ((x - kink).abs() / error).reshape(-1)
            for i in (distance < NEAR).nonzero().reshape(-1).tolist():
                crossed = bool((x.reshape(-1)[i] > kink) != (y.reshape(-1)[i] > kink))
                found.append((float(distance[i]), call, i, kink, crossed))
    return sorted(found)[:most], len(found)


class Errors:
    """Our gradients minus others, over their bounds, at sampled elements."""

    def __init__(self, reference, found, names):
        self.ours, self.exact, self.bounds, self.at = {}, reference.gradients, {}, {}
        numbers = np.random.default_rng(0)
        for name, gradient in found.items():
            match = names.find(name[5:], gradient) if name.startswith('grad/') else None
            if match is None or match[0] not in self.exact:
                continue
            theirs, gradient = match
            exact = self.exact[theirs]
            self.ours[theirs] = gradient.astype(np.float64)
            self.bounds[theirs] = bound_in_float(np.linalg.norm(exact),
                                                 np.linalg.norm(reference.rounded[theirs] - exact), reference.largest)
            self.at[theirs] = numbers.choice(exact.size, min(exact.size, SAMPLE), replace=False)

    def sample(self, a, b):
        return np.concatenate([(a[t] - b[t]).reshape(-1)[at] * (a[t].size / at.size) ** 0.5 / self.bounds[t]
                               for t, at in self.at.items()])

    def worst(self, exact):
        ratios = {t: float(np.linalg.norm(g - exact[t]) / self.bounds[t]) for t, g in self.ours.items()}
        worst = max(ratios, key=ratios.get)
        return f'{ratios[worst]:.2g} ({worst})'


def forced(reference, chosen):
    flips = {}
    for _, call, i, kink, _ in chosen:
        flips.setdefault(call, {})[i] = kink
    with Forced(flips):
        return reference.step(torch.float64)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('model')
    parser.add_argument('--as', dest='way', default='torchscript-training')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--most', type=int, default=30)
    parser.add_argument('--first', type=int, default=0, help='leave out ReLUs before this one')
    parser.add_argument('--last', type=int, default=1 << 30, help='and those after this one')
    parser.add_argument('--build', type=pathlib.Path, default=compare_exports.ROOT / 'build' / 'release')
    arguments = parser.parse_args()
    path = arguments.folder / f'{arguments.model}.{arguments.way}.onnx'
    reference = Reference(arguments.model, 1, arguments.seed)
    reference.differentiate(None)
    with tempfile.NamedTemporaryFile(suffix='.npy') as images:
        np.save(images, reference.x)
        images.flush()
        found, _ = compare_exports.Tools(arguments.build).run_program(path, images.name, 'strict')
    errors = Errors(reference, found, Names(path, reference.parameters))
    chosen, n = candidates(reference, arguments.most, arguments.first, arguments.last)
    print(f'{n} inputs within {NEAR} errors of a kink; tried {len(chosen)}, the farthest at {chosen[-1][0]:.2g} errors')
    jumps = np.stack([errors.sample(forced(reference, [one]), reference.gradients) for one in chosen], axis=1)
    ours = errors.sample(errors.ours, errors.exact)
    share, *_ = np.linalg.lstsq(jumps, ours, rcond=None)
    for one, a in zip(chosen, share):
        print(f'ReLU {one[1]} input {one[2]}, {one[0]:.2g} errors from {one[3]}: {a:.3f}'
              + (", and PyTorch's float32 crossed" if one[4] else ''))
    print(f'of the error that was sampled {np.linalg.norm(ours - jumps @ share) / np.linalg.norm(ours):.2g} is left')
    crossed = [one for one, a in zip(chosen, share) if a > 0.5]
    print(f'worst ratio to the bound: {errors.worst(reference.gradients)}; '
          f'with {len(crossed)} on our side of the kink: {errors.worst(forced(reference, crossed))}')


if __name__ == '__main__':
    main()
