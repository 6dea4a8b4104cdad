# SPDX-License-Identifier: Apache-2.0
"""Safetensors files, with numpy and json alone."""

import json
import struct

import numpy as np

DTYPES = {'F32': '<f4', 'F64': '<f8', 'I64': '<i8'}


def read(path):
    """The tensors of a file by name, and its metadata."""
    with open(path, 'rb') as file:
        data = file.read()
    n = struct.unpack_from('<Q', data)[0]
    header = json.loads(data[8:8 + n])
    metadata = header.pop('__metadata__', {})
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + n + offset for offset in entry['data_offsets'])
        tensors[name] = np.frombuffer(data[begin:end], DTYPES[entry['dtype']]).reshape(entry['shape'])
    return tensors, metadata


def write(path, tensors, metadata):
    """Writes float64 tensors; metadata maps text to text."""
    header, offset = {'__metadata__': metadata}, 0
    for name, tensor in tensors.items():
        size = 8 * tensor.size
        header[name] = {'dtype': 'F64', 'shape': list(tensor.shape), 'data_offsets': [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text)
        for tensor in tensors.values():
            file.write(np.ascontiguousarray(tensor, '<f8').tobytes())
