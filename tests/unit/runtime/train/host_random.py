"""Prints the table of host_random_test.cpp: the draws of runtime/train/host_random.h, written down a second time."""
import math

MASK = 0xFFFFFFFF


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(q >> 32) ^ c[1] ^ k[0], q & MASK, (p >> 32) ^ c[3] ^ k[1], p & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def words(field, seed, step, draw, part):
    hashed = 0xCBF29CE484222325
    for byte in field.encode():
        hashed = (hashed ^ byte) * 0x100000001B3 & (1 << 64) - 1
    key = seed ^ hashed
    return philox([draw, step, part, 0x484F5354], [key & MASK, key >> 32])


def unit(word):
    return (word + 0.5) / 2**32


def uniform(field, seed, step):
    return (words(field, seed, step, 0, 0)[0] >> 8) / 2**24


def log_gamma(alpha, field, seed, step, part):
    d = (alpha if alpha >= 1 else alpha + 1) - 1 / 3
    c = 1 / math.sqrt(9 * d)
    draw = 0
    while True:
        w = words(field, seed, step, draw, part)
        z = math.sqrt(-2 * math.log(unit(w[0]))) * math.cos(2 * math.pi * unit(w[1]))
        v = (1 + c * z) ** 3
        if v > 0 and math.log(unit(w[2])) < z * z / 2 + d - d * v + d * math.log(v):
            return math.log(d * v) + (0 if alpha >= 1 else math.log(unit(w[3])) / alpha)
        draw += 1


def beta(alpha, field, seed, step):
    a, b = (log_gamma(alpha, field, seed, step, part) for part in (0, 1))
    return 1 / (1 + math.exp(b - a))


if __name__ == "__main__":
    for seed in (0, 0x1122334455667788):
        for step in (0, 1, 2, 1000):
            values = [uniform("corner", seed, step)] + [beta(a, "lambda", seed, step) for a in (0.2, 1.0, 4.0)]
            print("    {%du, %d, %s}," % (seed, step, ", ".join(repr(v) for v in values)))
