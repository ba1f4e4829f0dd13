"""Philox4x32-10 as runtime/base/philox.h defines it, so that recordings need not store what they were drawn from."""
import numpy as np


def philox(counter, key):
    """counter: four arrays, key: two ints, all modulo 2^32 -> word 0."""
    c = list(np.broadcast_arrays(*[np.asarray(x, dtype=np.uint64) for x in counter]))
    k0, k1 = key
    mask = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & mask,
             (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & mask]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c[0]


def uniform(seed, op_id, rows, elements):
    """[rows, elements] of u in [0, 1), row = draw position: the first word of block `element`."""
    row = np.arange(rows, dtype=np.uint64)[:, None]
    element = np.arange(elements, dtype=np.uint64)[None, :]
    word = philox([element, row, 0, 0], [(seed ^ (op_id * 0x9E3779B9)) & 0xFFFFFFFF, 0])
    return (word >> np.uint64(8)).astype(np.float64) * 2.0**-24


assert philox([0, 0, 0, 0], [0, 0]) == 0x6627E8D5
