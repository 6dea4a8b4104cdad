#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports a torchvision model as users do: the right way for training, and the wrong ones.

    export_torchvision.py OUT.onnx [--model resnet18] [--as training|inference] [--classifier]

--as training     TrainingMode.TRAINING and no constant folding: BatchNormalization survives (default)
--as inference    PyTorch's defaults: BatchNormalization is folded into the convolutions
--classifier      keep the last layer; without it the output is h
"""

import argparse

import torch
import torchvision


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('output')
    parser.add_argument('--model', default='resnet18')
    parser.add_argument('--as', dest='mode', choices=['training', 'inference'], default='training')
    parser.add_argument('--classifier', action='store_true')
    arguments = parser.parse_args()

    torch.manual_seed(0)
    model = getattr(torchvision.models, arguments.model)(weights=None)
    if not arguments.classifier:
        model.fc = torch.nn.Identity()
    output = 'logits' if arguments.classifier else 'h'
    options = {}
    if arguments.mode == 'training':
        options = {'training': torch.onnx.TrainingMode.TRAINING, 'do_constant_folding': False}
    torch.onnx.export(model, torch.zeros(2, 3, 64, 64), arguments.output, input_names=['x'], output_names=[output],
                      dynamic_axes={'x': {0: 'N'}, output: {0: 'N'}}, opset_version=17, **options)


if __name__ == '__main__':
    main()
