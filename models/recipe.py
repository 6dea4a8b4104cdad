#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the models that come with us: encoders, heads and losses, one .onnxtxt file each.

    python3 models/recipe.py            write the files beside this script
    python3 models/recipe.py --check    write nothing; exit 1 if a file is stale

The files are ONNX in its textual syntax. Weights are described, not stored: a
RandomNormal or ConstantOfShape node that feeds a weight slot says how that
parameter starts, so a ResNet-50 fits in a few screens. Topology and parameter
names are torchvision's (the stride of a bottleneck on its 3x3 convolution, a
projection only where the shape changes); convolutions start as He et al. 2015
propose, fan-out mode, which is torchvision's choice too. A width multiplies every
number of channels, the stem's included, as in the SimCLR paper.
"""

import math
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent


class Text:
    """The body of one graph: lines of nodes, and a count of what is trained."""

    def __init__(self):
        self.constants, self.parameters, self.nodes = [], [], []
        self.shapes = set()
        self.n_trained = 0

    def conv_parameter(self, conv, c_out, c_in, k):
        scale = math.sqrt(2 / (c_out * k * k))
        self.parameters.append(
            f'"{conv}.weight" = RandomNormal <shape = [{c_out}, {c_in}, {k}, {k}], scale = {scale:.6f}> ()')
        self.n_trained += c_out * c_in * k * k

    def bn_parameters(self, bn, c):
        if c not in self.shapes:
            self.shapes.add(c)
            self.constants.append(f'c{c} = Constant <value_ints = [{c}]> ()')
        one = f'ConstantOfShape <value = float[1] {{1.0}}> (c{c})'
        zero = f'ConstantOfShape (c{c})'
        for part, value in ('weight', one), ('bias', zero), ('running_mean', zero), ('running_var', one):
            self.parameters.append(f'"{bn}.{part}" = {value}')
        self.n_trained += 2 * c

    def conv_bn(self, conv, bn, x, c_out, c_in, k, stride=1, pad=None):
        """Appends a convolution without bias and its BatchNormalization; returns the output's name."""
        self.conv_parameter(conv, c_out, c_in, k)
        self.bn_parameters(bn, c_out)
        p = k // 2 if pad is None else pad
        statistics = ', '.join(f'"{bn}.{part}"' for part in ('weight', 'bias', 'running_mean', 'running_var'))
        self.nodes.append(f'{quoted(conv)} = Conv <kernel_shape = [{k}, {k}], strides = [{stride}, {stride}], '
                          f'pads = [{p}, {p}, {p}, {p}]> ({quoted(x)}, "{conv}.weight")')
        self.nodes.append(f'{quoted(bn)} = BatchNormalization ({quoted(conv)}, {statistics})')
        return bn

    def node(self, output, op, *inputs, attributes=''):
        self.nodes.append(f'{quoted(output)} = {op} {attributes}({", ".join(quoted(i) for i in inputs)})')
        return output


def quoted(name):
    """A name as the syntax wants it: bare if it is an identifier."""
    return name if name.isidentifier() else f'"{name}"'


def basic_block(text, block, x, c_in, c, stride):
    """Two 3x3 convolutions. Returns the output's name and its channels."""
    y = text.conv_bn(f'{block}.conv1', f'{block}.bn1', x, c, c_in, 3, stride)
    y = text.node(f'{block}.relu1', 'Relu', y)
    y = text.conv_bn(f'{block}.conv2', f'{block}.bn2', y, c, c, 3)
    return add_shortcut(text, block, x, y, c_in, c, stride), c


def bottleneck_block(text, block, x, c_in, c, stride):
    """1x1 down, 3x3, 1x1 up to four times the channels. Returns the output's name and its channels."""
    y = text.conv_bn(f'{block}.conv1', f'{block}.bn1', x, c, c_in, 1)
    y = text.node(f'{block}.relu1', 'Relu', y)
    y = text.conv_bn(f'{block}.conv2', f'{block}.bn2', y, c, c, 3, stride)
    y = text.node(f'{block}.relu2', 'Relu', y)
    y = text.conv_bn(f'{block}.conv3', f'{block}.bn3', y, 4 * c, c, 1)
    return add_shortcut(text, block, x, y, c_in, 4 * c, stride), 4 * c


def add_shortcut(text, block, x, y, c_in, c_out, stride):
    if stride != 1 or c_in != c_out:
        x = text.conv_bn(f'{block}.downsample.0', f'{block}.downsample.1', x, c_out, c_in, 1, stride)
    return text.node(f'{block}.relu', 'Relu', text.node(f'{block}.add', 'Add', y, x))


# Name, block, blocks per stage, channels of the stem, whether it has an ImageNet stem too.
ENCODERS = [
    ('ResNet-8', basic_block, [1, 1, 1], 16, False),
    ('ResNet-18', basic_block, [2, 2, 2, 2], 64, True),
    ('ResNet-34', basic_block, [3, 4, 6, 3], 64, True),
    ('ResNet-50', bottleneck_block, [3, 4, 6, 3], 64, True),
]


def encoder(title, block, depths, channels, width, cifar):
    """One residual network: its text and the line that tells what it is."""
    text = Text()
    c = channels * width
    if cifar:
        y = text.conv_bn('conv1', 'bn1', 'x', c, 3, 3)
        y = text.node('relu', 'Relu', y)
    else:
        y = text.conv_bn('conv1', 'bn1', 'x', c, 3, 7, 2)
        y = text.node('relu', 'Relu', y)
        y = text.node('maxpool', 'MaxPool', y,
                      attributes='<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]> ')
    c_in = c
    for stage, depth in enumerate(depths):
        for i in range(depth):
            stride = 2 if stage > 0 and i == 0 else 1
            y, c_in = block(text, f'layer{stage + 1}.{i}', y, c_in, c << stage, stride)
    text.node('h', 'Flatten', text.node('avgpool', 'GlobalAveragePool', y))
    images = '32x32' if cifar else '224x224'
    times = ', twice as wide' if width == 2 else ''
    about = (f'{title} for {images} images{times}: {count_text(text.n_trained)} parameters, '
             f'h has {c_in} values')
    return text, about, c_in


def count_text(n):
    return f'{n / 1e6:.1f} M' if n >= 1e6 else f'{n / 1e3:.0f} k'


def file_text(about, name, signature, sections):
    """A whole file; `sections` are a title (or None) and lines of nodes each."""
    lines = [f'# {about}', '# SPDX-License-Identifier: Apache-2.0',
             '# Written by models/recipe.py: change it there.', '',
             '<', '  ir_version: 8,', '  opset_import: ["" : 17]', '>', f'{quoted(name)} {signature}', '{']
    for i, (title, nodes) in enumerate(sections):
        lines += [''] * (i > 0) + [f'  # {title}'] * bool(title) + [f'  {node}' for node in nodes]
    return '\n'.join(lines + ['}', ''])


def encoder_files():
    for title, block, depths, channels, imagenet in ENCODERS:
        for cifar in (False, True) if imagenet else (True,):
            for width in (1, 2) if imagenet else (1,):
                # ResNet-8 exists for small images only, so its name need not say so.
                name = title.lower().replace('-', '') + '-cifar' * (cifar and imagenet)
                name += f'-w{width}' * (width > 1)
                text, about, n_h = encoder(title, block, depths, channels, width, cifar)
                size = 32 if cifar else 224
                yield name, file_text(about, name, f'(float[N,3,{size},{size}] x) => (float[N,{n_h}] h)', [
                    ('Parameters, and how they start.', text.constants + text.parameters),
                    ('The network.', text.nodes)])


def normal(name, shape):
    """A weight of a head: N(0, 0.05^2), its shape the value `shape` of this graph.

    The deviation is He's for 800 inputs and serves widths from 64 to 2048. Much
    less, such as the 0.01 of heads whose BatchNormalization undoes it, makes z
    so short that the first steps turn all of them the same way.
    """
    return [f'{quoted(name + ".like")} = ConstantOfShape ({shape})',
            f'"{name}" = RandomNormalLike <scale = 0.05> ({quoted(name + ".like")})']


def constant_vectors(bn, shape, parts):
    one, zero = f'ConstantOfShape <value = float[1] {{1.0}}> ({shape})', f'ConstantOfShape ({shape})'
    value = {'weight': one, 'bias': zero, 'running_mean': zero, 'running_var': one}
    return [f'"{bn}.{part}" = {value[part]}' for part in parts]


# The shapes heads are made of: D is whatever the encoder delivers.
WIDTH = 'width = Shape <start = 1, end = 2> (h)'


def outputs(n):
    return f'outputs = Constant <value_ints = [{n}]> ()'


HIDDEN_SHAPE = 'hidden_shape = Concat <axis = 0> (width, width)'
OUTPUT_SHAPE = 'output_shape = Concat <axis = 0> (outputs, width)'
ALL_BN = ('weight', 'bias', 'running_mean', 'running_var')


def one_layer(name, n, output):
    parameters = [WIDTH, outputs(n), OUTPUT_SHAPE, *normal(f'{name}.weight', 'output_shape'),
                  f'"{name}.bias" = ConstantOfShape (outputs)']
    return parameters, [f'{output} = Gemm <transB = 1> (h, "{name}.weight", "{name}.bias")']


def nonlinear():
    parameters = [WIDTH, outputs(128), HIDDEN_SHAPE, OUTPUT_SHAPE,
                  *normal('head.0.weight', 'hidden_shape'), '"head.0.bias" = ConstantOfShape (width)',
                  *normal('head.2.weight', 'output_shape'), '"head.2.bias" = ConstantOfShape (outputs)']
    return parameters, ['"head.0" = Gemm <transB = 1> (h, "head.0.weight", "head.0.bias")',
                        '"head.1" = Relu ("head.0")',
                        'z = Gemm <transB = 1> ("head.1", "head.2.weight", "head.2.bias")']


def nonlinear_bn():
    parameters = [WIDTH, outputs(128), HIDDEN_SHAPE, OUTPUT_SHAPE,
                  *normal('head.0.weight', 'hidden_shape'), *constant_vectors('head.1', 'width', ALL_BN),
                  *normal('head.3.weight', 'output_shape'), *constant_vectors('head.4', 'outputs', ALL_BN)]
    bn1, bn4 = (', '.join(f'"head.{i}.{part}"' for part in ALL_BN) for i in (1, 4))
    return parameters, ['"head.0" = Gemm <transB = 1> (h, "head.0.weight")',
                        f'"head.1" = BatchNormalization ("head.0", {bn1})',
                        '"head.2" = Relu ("head.1")',
                        '"head.3" = Gemm <transB = 1> ("head.2", "head.3.weight")',
                        f'z = BatchNormalization ("head.3", {bn4})']


def head_files():
    def head(name, about, output, parameters, nodes):
        sections = [('Parameters, and how they start.', parameters), ('The network.', nodes)]
        return name, file_text(about, name, f'(float[N,D] h) => ({output})',
                               sections if parameters else [(None, nodes)])

    yield head('none', 'Head: nothing, z is h', 'float[N,D] z', [], ['z = Identity (h)'])
    yield head('linear', 'Head: one linear layer to 128 values', 'float[N,128] z', *one_layer('head', 128, 'z'))
    yield head('nonlinear', "Head: two linear layers with a ReLU between them, 128 values (SimCLR's)",
               'float[N,128] z', *nonlinear())
    yield head('nonlinear-bn',
               'Head: two linear layers, each with BatchNormalization, a ReLU between them, 128 values',
               'float[N,128] z', *nonlinear_bn())
    yield head('classifier10', 'Head: one linear layer to 10 classes, for supervised training',
               'float[N,10] logits', *one_layer('fc', 10, 'logits'))


NT_XENT = [
    ('Rows of z on the unit sphere; a row of zeros stays zero.', [
        'norm = ReduceL2 <axes = [1], keepdims = 1> (z)',
        'least_norm = Constant <value_float = 1.0e-12> ()',
        'safe_norm = Max (norm, least_norm)',
        'u = Div (z, safe_norm)']),
    ('Cosine similarity of all pairs over the temperature.', [
        'temperature = Constant <value_float = 0.5> ()',
        'u_transposed = Transpose <perm = [1, 0]> (u)',
        'similarity = MatMul (u, u_transposed)',
        'logits = Div (similarity, temperature)']),
    ('No row is its own candidate: the diagonal gets -1e9.', [
        'rows = Shape <start = 0, end = 1> (z)',
        'square = Concat <axis = 0> (rows, rows)',
        'zeros = ConstantOfShape (square)',
        'eye = EyeLike (zeros)',
        'minus_large = Constant <value_float = -1.0e9> ()',
        'mask = Mul (eye, minus_large)',
        'candidates = Add (logits, mask)']),
    ('Column of the positive of each row: 1, 0, 3, 2, 5, 4, ...', [
        'first = Constant <value_int = 0> ()',
        'one = Constant <value_int = 1> ()',
        'n_rows = Gather <axis = 0> (rows, first)',
        'row = Range (first, n_rows, one)',
        'pairs = Constant <value_ints = [-1, 2]> ()',
        'row_pairs = Reshape (row, pairs)',
        'swap = Constant <value_ints = [1, 0]> ()',
        'swapped_pairs = Gather <axis = 1> (row_pairs, swap)',
        'column = Constant <value_ints = [-1, 1]> ()',
        'positive = Reshape (swapped_pairs, column)']),
    ('Cross-entropy with the positive as the class, mean over all rows.', [
        'log_p = LogSoftmax <axis = 1> (candidates)',
        'log_p_positive = GatherElements <axis = 1> (log_p, positive)',
        'mean_log_p = ReduceMean <axes = [0, 1], keepdims = 0> (log_p_positive)',
        'loss = Neg (mean_log_p)']),
]


def loss_files():
    yield 'nt_xent', file_text('Loss: NT-Xent at temperature 0.5; rows 2k and 2k+1 are the views of image k',
                               'nt_xent', '(float[M,P] z) => (float loss)', NT_XENT)
    yield 'cross_entropy', file_text(
        'Loss: softmax cross-entropy with integer labels, mean over rows (supervised)', 'cross_entropy',
        '(float[N,K] logits, int64[N] labels) => (float loss)',
        [(None, ['loss = SoftmaxCrossEntropyLoss <reduction = "mean"> (logits, labels)'])])


def main(arguments):
    if arguments not in ([], ['--check']):
        print(__doc__, file=sys.stderr)
        return 2
    files = {f'{name}.onnxtxt': text
             for make in (encoder_files, head_files, loss_files) for name, text in make()}
    if not arguments:
        for name, text in files.items():
            (FOLDER / name).write_text(text)
        return 0
    present = {path.name: path.read_text() for path in FOLDER.glob('*.onnxtxt')}
    stale = sorted(name for name in files.keys() | present.keys() if files.get(name) != present.get(name))
    for name in stale:
        print(f'models/{name} is stale: run python3 models/recipe.py', file=sys.stderr)
    return 1 if stale else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
