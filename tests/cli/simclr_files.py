# SPDX-License-Identifier: Apache-2.0
"""What the tests of the commands share: running them, and reading and writing their files.

The programs are named by the environment: SIMCLR and SIMCLRC.
"""

import array
import json
import os
import pathlib
import struct
import subprocess
import tempfile
import unittest
import zlib

SIMCLR = os.environ.get('SIMCLR', 'build/release/simclr')
SIMCLRC = os.environ.get('SIMCLRC', 'build/release/simclrc')

# The smallest that trains: 16x16 images, 16 rows a step.
COMPILE = ['--encoder', 'resnet8', '--batch', '8', '--image-size', '16']
DATA = 'synthetic:n=64,test=32,size=16,classes=10'


class CommandTest(unittest.TestCase):
    """A test with a folder of its own, `self.root`, in which commands run."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def run_program(self, program, *arguments, **options):
        return subprocess.run([os.path.abspath(program), *map(str, arguments)], cwd=self.root, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, check=False, **options)

    def simclr(self, *arguments, **options):
        return self.run_program(SIMCLR, *arguments, **options)

    def succeed(self, *arguments, **options):
        """Runs simclr, which must succeed; returns its standard output."""
        result = self.simclr(*arguments, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def compile(self, name, *arguments):
        result = self.run_program(SIMCLRC, *(arguments or COMPILE), '-o', name)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.root / name

    def start(self, *arguments):
        """simclr in the background."""
        return subprocess.Popen([os.path.abspath(SIMCLR), *map(str, arguments)], cwd=self.root, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def losses(run):
    """The rows of metrics.jsonl without what depends on the clock, as text."""
    lines = (run / 'metrics.jsonl').read_text().splitlines()
    return [line.split(',"images_per_s"')[0] for line in lines]


def checkpoints(run):
    return sorted(path.name for path in (run / 'checkpoints').iterdir())


TYPES = {'F32': 'f', 'F64': 'd', 'I64': 'q', 'I32': 'i', 'U8': 'B'}


def read_safetensors(path):
    """Name to (shape, array)."""
    data = path.read_bytes()
    size, = struct.unpack_from('<Q', data)
    tensors = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name == '__metadata__':
            continue
        begin, end = (8 + size + offset for offset in entry['data_offsets'])
        values = array.array(TYPES[entry['dtype']])
        values.frombytes(data[begin:end])
        tensors[name] = (entry['shape'], values)
    return tensors


def write_safetensors(path, tensors):
    """Of f32 tensors, as read_safetensors gives them."""
    header, parts, offset = {}, [], 0
    for name, (shape, values) in tensors.items():
        size = 4 * len(values)
        header[name] = {'dtype': 'F32', 'shape': shape, 'data_offsets': [offset, offset + size]}
        parts.append(values.tobytes())
        offset += size
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    path.write_bytes(struct.pack('<Q', len(text)) + text + b''.join(parts))


# NumPy's types by struct's letters.
CODES = {'<f2': 'e', '<f4': 'f', '<f8': 'd', '<i8': 'q', '<i4': 'i', '<i2': 'h', '|i1': 'b', '<u8': 'Q', '|u1': 'B',
         '|b1': '?'}


def write_npy(path, descr, shape, values, is_fortran=False):
    text = f"{{'descr': '{descr}', 'fortran_order': {is_fortran}, 'shape': {tuple(shape)}, }}".encode()
    text += b' ' * (-(len(text) + 11) % 64) + b'\n'
    path.write_bytes(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(text)) + text +
                     struct.pack(f'<{len(values)}{CODES[descr]}', *values))


def read_npy(path):
    """(descr, shape, array) of a file of format 1."""
    data = path.read_bytes()
    size, = struct.unpack_from('<H', data, 8)
    header = eval(data[10:10 + size], {'__builtins__': {}})  # a literal, by the format's definition
    if header['descr'] == '|b1':
        return header['descr'], header['shape'], [byte != 0 for byte in data[10 + size:]]
    values = array.array(CODES[header['descr']])
    values.frombytes(data[10 + size:])
    return header['descr'], header['shape'], values


def write_png(path, size, seed):
    """A square RGB picture of a gradient that depends on `seed`."""
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    rows = b''.join(b'\0' + bytes((seed * 40 + 5 * x + 3 * y * c) % 256 for x in range(size) for c in range(3))
                    for y in range(size))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', size, size, 8, 2, 0, 0, 0)) +
                     chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
