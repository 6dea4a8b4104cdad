# SPDX-License-Identifier: Apache-2.0
"""The random numbers of runtime/base/rng.h, written a second time from their definition."""

import numpy as np


def fnv1a64(text):
    """The stream id of a name."""
    value = 0xcbf29ce484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001b3 % 2**64
    return value


def philox4x32(counter, key):
    """Philox4x32-10 of counters uint32[n, 4]: words uint32[n, 4]."""
    x = [counter[:, i].astype(np.uint64) for i in range(4)]
    k0, k1 = key
    low = np.uint64(0xffffffff)
    for _ in range(10):
        p0, p1 = np.uint64(0xd2511f53) * x[0], np.uint64(0xcd9e8d57) * x[2]
        x = [(p1 >> np.uint64(32)) ^ x[1] ^ np.uint64(k0), p1 & low,
             (p0 >> np.uint64(32)) ^ x[3] ^ np.uint64(k1), p0 & low]
        k0, k1 = (k0 + 0x9e3779b9) % 2**32, (k1 + 0xbb67ae85) % 2**32
    return np.stack(x, axis=1).astype(np.uint32)


def words(n, seed, a, b=0):
    """The first n words of the stream (seed, a, b)."""
    n_blocks = (n + 3) // 4
    counter = np.empty((n_blocks, 4), np.uint32)
    counter[:, 0] = np.arange(n_blocks)
    counter[:, 1:] = b, a % 2**32, a >> 32
    return philox4x32(counter, (seed % 2**32, seed >> 32)).reshape(-1)[:n]


def uniforms(n, seed, a, b=0):
    """Uniform in [0, 1): multiples of 2^-24."""
    return (words(n, seed, a, b) >> np.uint32(8)) * 2.0**-24


def normals(n, seed, a, b=0):
    """Standard normals by Box-Muller: number i from words 2i and 2i+1, the cosine only."""
    u, v = ((words(2 * n, seed, a, b).reshape(n, 2) + 0.5) * 2.0**-32).T
    return np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)


def signs(n, seed, a, b):
    """n signs: bit i % 32 of word i / 32, the lowest bit first; 1 is +1, 0 is -1."""
    bits = np.unpackbits(words((n + 31) // 32, seed, a, b).astype('<u4').view(np.uint8), bitorder='little')
    return bits[:n] * 2.0 - 1
