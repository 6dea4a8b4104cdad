# SPDX-License-Identifier: Apache-2.0
"""SimCLR's training loss in PyTorch: the models of models/, on weights and images of our making.

The network is built in torch.nn.functional from a dictionary of parameters, so
that nothing but their names is shared with the program under test. Weights and
images come from the streams of philox.py, which are those of the runtime.
"""

import pathlib
import re

import numpy as np
import torch
import torch.nn.functional as F

import philox

MODELS = pathlib.Path(__file__).resolve().parents[3] / 'models'
N_OUTPUTS = 128


def initial_parameters(encoder, seed):
    """Parameters and statistics, as float32, of an encoder with the nonlinear head.

    The encoder is the name of a file in models/, or the path of an .onnx file,
    whose stored weights are taken.
    """
    parameters = stored_parameters(encoder) if encoder.endswith('.onnx') else described_parameters(encoder, seed)
    # Statistics stand in the order of layers: the last are those of h.
    n_h = [value for name, value in parameters.items() if name.endswith('.running_var')][-1].size
    for layer, n in (0, n_h), (2, N_OUTPUTS):
        parameters[f'head.{layer}.weight'] = normal(f'head.{layer}.weight', [n, n_h], 0.05, seed)
        parameters[f'head.{layer}.bias'] = np.zeros(n, np.float32)
    return parameters


def stored_parameters(path):
    import onnx
    import onnx.numpy_helper
    initializers = onnx.load(path).graph.initializer
    return {tensor.name: onnx.numpy_helper.to_array(tensor).copy() for tensor in initializers}


def described_parameters(encoder, seed):
    text = (MODELS / f'{encoder}.onnxtxt').read_text()
    parameters = {}
    for name, shape, scale in re.findall(r'"(\S+)" = RandomNormal <shape = \[(.*?)\], scale = (\S+)>', text):
        parameters[name] = normal(name, [int(n) for n in shape.split(',')], float(scale), seed)
    for name, value, width in re.findall(r'"(\S+)" = ConstantOfShape (<.*>)? ?\(c(\d+)\)', text):
        parameters[name] = np.full(int(width), 1 if value else 0, np.float32)
    return parameters


def normal(name, shape, scale, seed):
    # An attribute counts as the decimal it was written as; the product is rounded once.
    numbers = scale * philox.normals(int(np.prod(shape)), seed, philox.fnv1a64(name))
    return numbers.astype(np.float32).reshape(shape)


def batch(n_rows, size, seed):
    """Normalised images float32[n_rows, 3, size, size], uniform in [-2, 2)."""
    uniforms = philox.uniforms(n_rows * 3 * size * size, seed, philox.fnv1a64('batch'))
    return ((uniforms - 0.5) * 4).astype(np.float32).reshape(n_rows, 3, size, size)


class Network:
    """The forward pass. `inputs_of_relus` collects what every ReLU saw, in order."""

    def __init__(self, parameters):
        self.p = parameters
        self.inputs_of_relus = []

    def relu(self, x):
        self.inputs_of_relus.append(x.detach())
        return F.relu(x)

    def conv_bn(self, conv, bn, x, stride=1):
        weight = self.p[f'{conv}.weight']
        y = F.conv2d(x, weight, stride=stride, padding=weight.shape[2] // 2)
        return F.batch_norm(y, None, None, self.p[f'{bn}.weight'], self.p[f'{bn}.bias'], training=True, eps=1e-5)

    def block(self, name, x, stride):
        n_convs = 3 if f'{name}.conv3.weight' in self.p else 2
        strided = n_convs - 1  # the 3x3 of a bottleneck, the first of a basic block
        y = x
        for i in range(1, n_convs + 1):
            y = self.conv_bn(f'{name}.conv{i}', f'{name}.bn{i}', y, stride if i == strided else 1)
            y = self.relu(y) if i < n_convs else y
        if f'{name}.downsample.0.weight' in self.p:
            x = self.conv_bn(f'{name}.downsample.0', f'{name}.downsample.1', x, stride)
        return self.relu(y + x)

    def encoder(self, x):
        is_cifar = self.p['conv1.weight'].shape[2] == 3
        x = self.relu(self.conv_bn('conv1', 'bn1', x, 1 if is_cifar else 2))
        if not is_cifar:
            x = F.max_pool2d(x, 3, 2, 1)
        stage = 1
        while f'layer{stage}.0.conv1.weight' in self.p:
            i = 0
            while f'layer{stage}.{i}.conv1.weight' in self.p:
                x = self.block(f'layer{stage}.{i}', x, 2 if stage > 1 and i == 0 else 1)
                i += 1
            stage += 1
        return x.mean(dim=(2, 3))

    def head(self, h):
        z = self.relu(F.linear(h, self.p['head.0.weight'], self.p['head.0.bias']))
        return F.linear(z, self.p['head.2.weight'], self.p['head.2.bias'])


def nt_xent(z, temperature=0.5):
    """Mean over all rows; rows 2k and 2k+1 are the views of image k (Algorithm 1 of the paper)."""
    u = F.normalize(z, dim=1, eps=1e-12)
    logits = u @ u.T / temperature
    logits = logits.masked_fill(torch.eye(len(z), dtype=torch.bool), float('-inf'))
    return F.cross_entropy(logits, torch.arange(len(z)) ^ 1)


def step(parameters, x, dtype=torch.float64):
    """Loss, gradient by name, and the inputs of all ReLUs, computed in `dtype`."""
    tensors = {name: torch.tensor(value, dtype=dtype, requires_grad=not name.endswith(('_mean', '_var')))
               for name, value in parameters.items()}
    network = Network(tensors)
    loss = nt_xent(network.head(network.encoder(torch.tensor(x, dtype=dtype))))
    loss.backward()
    gradients = {name: tensor.grad.numpy() for name, tensor in tensors.items() if tensor.requires_grad}
    return loss.item(), gradients, network.inputs_of_relus
