#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports well-known encoders as their users do, by each exporter, for training and for inference.

    export_models.py FOLDER [--models M,...] [--as A,...]

FOLDER/MODEL.WAY.onnx is written for each model and each WAY it can be exported:

torchscript-training    TorchScript, TrainingMode.TRAINING, no constant folding
torchscript-inference   TorchScript, its defaults: BatchNormalization is folded into convolutions
dynamo-training         torch.export, optimize=False, of the model in eval()
dynamo-inference        torch.export, its defaults
keras                   Keras through tf2onnx, which has one way only (needs tensorflow, tf2onnx)

All end at h: the last layer is an Identity, auxiliary classifiers are off, dropout and
stochastic depth are zero. The batch is symbolic, images are small. Weights are
PyTorch's initial ones for seed 0, except that a tensor which starts as one number
everywhere (biases, scales, statistics) gets normal numbers around it: no two are
equal then, and none hides another's error. What cannot be exported is said in a
line. The files are made to be compared and thrown away.
"""

import argparse
import contextlib
import functools
import io
import pathlib
import sys
import warnings

WAYS = ['torchscript-training', 'torchscript-inference', 'dynamo-training', 'dynamo-inference', 'keras']
OPSET = 17


def identity():
    import torch
    return torch.nn.Identity()


def torchvision_model(name, size, last, **options):
    """A torchvision model whose layer `last`, a dotted path, is an Identity."""
    import torchvision
    model = getattr(torchvision.models, name)(weights=None, **options)
    *path, leaf = last.split('.')
    parent = functools.reduce(getattr, path, model)
    setattr(parent, leaf, identity())
    return model, size


def timm_model(name, size, **options):
    import timm
    return timm.create_model(name, pretrained=False, num_classes=0, exportable=True, **options), size


# Name: how it is built. The size of images is the smallest that leaves something to pool.
MODELS = {
    'resnet18': functools.partial(torchvision_model, 'resnet18', 64, 'fc'),
    'resnet50': functools.partial(torchvision_model, 'resnet50', 64, 'fc'),
    'wide_resnet50_2': functools.partial(torchvision_model, 'wide_resnet50_2', 64, 'fc'),
    'resnext50_32x4d': functools.partial(torchvision_model, 'resnext50_32x4d', 64, 'fc'),
    'mobilenet_v2': functools.partial(torchvision_model, 'mobilenet_v2', 64, 'classifier'),
    'mobilenet_v3_small': functools.partial(torchvision_model, 'mobilenet_v3_small', 64, 'classifier.3'),
    'efficientnet_b0': functools.partial(torchvision_model, 'efficientnet_b0', 64, 'classifier.1'),
    'convnext_tiny': functools.partial(torchvision_model, 'convnext_tiny', 64, 'classifier.2'),
    'vgg11_bn': functools.partial(torchvision_model, 'vgg11_bn', 64, 'classifier.6'),
    'densenet121': functools.partial(torchvision_model, 'densenet121', 64, 'classifier'),
    'regnet_y_400mf': functools.partial(torchvision_model, 'regnet_y_400mf', 64, 'fc'),
    'vit_b_16': functools.partial(torchvision_model, 'vit_b_16', 64, 'heads', image_size=64),
    'swin_t': functools.partial(torchvision_model, 'swin_t', 64, 'head'),
    'googlenet': functools.partial(torchvision_model, 'googlenet', 64, 'fc', aux_logits=False, init_weights=True),
    'inception_v3': functools.partial(torchvision_model, 'inception_v3', 107, 'fc', aux_logits=False,
                                      init_weights=True),
    'timm_resnet50d': functools.partial(timm_model, 'resnet50d', 64),
    'timm_efficientnetv2_s': functools.partial(timm_model, 'efficientnetv2_rw_s', 64),
    'timm_tf_efficientnetv2_s': functools.partial(timm_model, 'tf_efficientnetv2_s', 64),
    'timm_vit_small_patch16': functools.partial(timm_model, 'vit_small_patch16_224', 64, img_size=64),
}
KERAS_MODELS = {'keras_mobilenet_v2': 'MobileNetV2', 'keras_resnet50': 'ResNet50'}


def spread(model):
    """Gives tensors of one number everywhere normal numbers of deviation 0.1 around it."""
    import torch
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.dtype == torch.float32 and tensor.numel() > 0 and tensor.min() == tensor.max():
                tensor += torch.randn(tensor.shape, generator=generator).clamp(-4, 4) * 0.1


def build(name):
    """A model of MODELS, as float32, and the size of its images."""
    import torch
    torch.manual_seed(0)
    model, size = MODELS[name]()
    for module in model.modules():
        if type(module).__name__.startswith('Dropout') or type(module).__name__ == 'StochasticDepth':
            module.p = 0.0
        # Attention of torch.nn holds the probability as a number.
        if isinstance(module, torch.nn.MultiheadAttention):
            module.dropout = 0.0
    for module in model.modules():
        for attribute in ('dropout', 'attention_dropout'):
            if isinstance(getattr(module, attribute, None), float):
                setattr(module, attribute, 0.0)
    spread(model)
    return model, size


def export_torch(name, way, path):
    import torch
    model, size = build(name)
    exporter, purpose = way.split('-')
    trains = purpose == 'training'
    x = torch.zeros(4, 3, size, size)
    names = {'input_names': ['x'], 'output_names': ['h']}
    if exporter == 'torchscript':
        # The exporter puts the model into the mode that is asked for.
        options = {'training': torch.onnx.TrainingMode.TRAINING, 'do_constant_folding': False} if trains else {}
        torch.onnx.export(model, (x,), str(path), dynamo=False, opset_version=OPSET,
                          dynamic_axes={'x': {0: 'N'}, 'h': {0: 'N'}}, **names, **options)
    else:
        options = {'optimize': False} if trains else {}
        torch.onnx.export(model.eval(), (x,), str(path), dynamo=True, dynamic_shapes=({0: torch.export.Dim('N')},),
                          external_data=False, verbose=False, **names, **options)


def export_keras(name, path):
    import keras
    import numpy
    import tensorflow
    import tf2onnx
    keras.utils.set_random_seed(0)
    model = getattr(keras.applications, KERAS_MODELS[name])(weights=None, include_top=False, pooling='avg',
                                                           input_shape=(64, 64, 3))
    numbers = numpy.random.default_rng(1)
    weights = model.get_weights()
    model.set_weights([w + 0.1 * numbers.standard_normal(w.shape).clip(-4, 4) if w.min() == w.max() else w
                       for w in weights])
    signature = [tensorflow.TensorSpec((None, 64, 64, 3), tensorflow.float32, name='x')]
    tf2onnx.convert.from_keras(model, input_signature=signature, opset=OPSET, output_path=str(path))


def export(name, way, path):
    """Writes one file; returns None, or why there is none."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # exporters print graphs
            if way == 'keras':
                export_keras(name, path)
            else:
                export_torch(name, way, path)
    except Exception as error:  # whatever an exporter throws is its answer
        path.unlink(missing_ok=True)
        first = next((line for line in str(error).splitlines() if line.strip()), '')
        return f'{type(error).__name__}: {first.strip()}'
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('--models', default=','.join([*MODELS, *KERAS_MODELS]))
    parser.add_argument('--as', dest='ways', default=','.join(WAYS))
    arguments = parser.parse_args()
    warnings.simplefilter('ignore')
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in arguments.models.split(','):
        for way in arguments.ways.split(','):
            if (way == 'keras') != (name in KERAS_MODELS):
                continue
            path = arguments.folder / f'{name}.{way}.onnx'
            reason = export(name, way, path)
            print(f'{path}: {reason or f"{path.stat().st_size / 1e6:.1f} MB"}', flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
