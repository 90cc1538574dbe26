# SPDX-License-Identifier: BSD-3-Clause
"""Protects: base/numbers/mt19937.c, against CPython's random and NumPy's legacy RandomState: the same numbers, and the same state
afterwards (every case draws once more at its end).

Planted fault: `n <= set_size` as `n < set_size` in mdp_py_sample; the sizes at the border in SIZES saw it."""
import ctypes as c
import random

import numpy as np
import pytest

from medprobe_lib import lib


class Mt(c.Structure):
    _fields_ = [("state", c.c_uint32 * 624), ("at", c.c_size_t)]


L = lib()
for name, result, arguments in [
    ("mdp_mt_u32", c.c_uint32, [c.POINTER(Mt)]),
    ("mdp_mt_double", c.c_double, [c.POINTER(Mt)]),
    ("mdp_py_seed", None, [c.POINTER(Mt), c.c_uint64]),
    ("mdp_py_getrandbits", c.c_uint64, [c.POINTER(Mt), c.c_uint]),
    ("mdp_py_below", c.c_uint64, [c.POINTER(Mt), c.c_uint64]),
    ("mdp_py_sample", c.c_int, [c.POINTER(Mt), c.c_size_t, c.c_size_t, c.POINTER(c.c_size_t), c.c_void_p]),
    ("mdp_py_shuffle", None, [c.POINTER(Mt), c.POINTER(c.c_size_t), c.c_size_t]),
    ("mdp_np_seed", None, [c.POINTER(Mt), c.c_uint32]),
    ("mdp_np_interval", c.c_uint64, [c.POINTER(Mt), c.c_uint64]),
    ("mdp_np_permutation", None, [c.POINTER(Mt), c.c_size_t, c.POINTER(c.c_size_t)]),
    ("mdp_np_choice", c.c_int, [c.POINTER(Mt), c.c_size_t, c.c_size_t, c.POINTER(c.c_size_t), c.c_void_p]),
]:
    f = getattr(L, name)
    f.restype, f.argtypes = result, arguments

# Borders of the two methods of random.sample: 21, and 21 + 4^m for k just around (4^m) / 3.
SIZES = [(n, k) for k in (0, 1, 4, 5, 6, 10, 21, 22, 85, 86, 341, 342)
         for n in (k, k + 1, 20, 21, 22, 84, 85, 86, 276, 277, 278, 1044, 1045, 1046, 4116, 4117, 4118) if k <= n]


def seeds(count):
    r = random.Random(20261124)
    return [0, 1, 42, 2**32 - 1] + [r.getrandbits(32) for _ in range(count)]


def test_python_seeds_of_every_length():
    mt = Mt()
    for seed in seeds(100) + [2**32, 2**32 + 1, 2**63, 2**64 - 1]:
        L.mdp_py_seed(mt, seed)
        version, state, _ = random.Random(seed).getstate()
        assert version == 3 and tuple(mt.state) == state[:624] and mt.at == state[624]


def test_python_bits_doubles_and_below():
    mt = Mt()
    draw = random.Random(1)
    for seed in seeds(300):
        L.mdp_py_seed(mt, seed)
        r = random.Random(seed)
        for _ in range(10):
            bits = draw.randrange(65)
            assert L.mdp_py_getrandbits(mt, bits) == r.getrandbits(bits)
            assert L.mdp_mt_double(mt) == r.random()
            n = draw.randrange(1, 2 ** draw.choice([1, 4, 31, 32, 33, 63]))
            assert L.mdp_py_below(mt, n) == r.randrange(n)


@pytest.mark.parametrize("offset", range(3))
def test_python_sample(offset):
    mt = Mt()
    draw = random.Random(offset)
    cases = SIZES + [(n, draw.randrange(n + 1)) for n in (draw.randrange(2000) for _ in range(200))]
    for n, k in cases:
        seed = draw.getrandbits(32)
        L.mdp_py_seed(mt, seed)
        r = random.Random(seed)
        for _ in range(2):
            out = (c.c_size_t * max(k, 1))()
            assert L.mdp_py_sample(mt, n, k, out, None) == 0
            assert list(out)[:k] == r.sample(range(n), k), (n, k)
        assert L.mdp_mt_u32(mt) == r.getrandbits(32)


def test_python_shuffle():
    mt = Mt()
    for n, seed in enumerate(seeds(200)):
        L.mdp_py_seed(mt, seed)
        r = random.Random(seed)
        items = list(range(n))
        r.shuffle(items)
        out = (c.c_size_t * max(n, 1))(*range(n))
        L.mdp_py_shuffle(mt, out, n)
        assert list(out)[:n] == items
        assert L.mdp_mt_u32(mt) == r.getrandbits(32)


def test_numpy_permutation_choice_and_state():
    mt = Mt()
    draw = random.Random(3)
    for seed in seeds(600):
        L.mdp_np_seed(mt, seed)
        r = np.random.RandomState(seed)
        state = r.get_state()
        assert np.array_equal(np.array(mt.state, np.uint32), state[1]) and mt.at == state[2]
        for _ in range(2):
            n = draw.choice([0, 1, 2, 3, 31, 32, 33, draw.randrange(3000)])
            out = (c.c_size_t * max(n, 1))()
            L.mdp_np_permutation(mt, n, out)
            assert list(out)[:n] == r.permutation(n).tolist()
            if n:
                k = draw.randrange(n + 1)
                assert L.mdp_np_choice(mt, n, k, out, None) == 0
                assert list(out)[:k] == r.choice(n, k, replace=False).tolist()
        assert L.mdp_mt_double(mt) == r.random_sample()


def test_numpy_choice_of_values_is_a_choice_of_indices():
    mt = Mt()
    values = np.array([100, 7, 55, 3, 21, 80])
    L.mdp_np_seed(mt, 5)
    out = (c.c_size_t * 4)()
    assert L.mdp_np_choice(mt, 6, 4, out, None) == 0
    assert values[list(out)].tolist() == np.random.RandomState(5).choice(values, 4, replace=False).tolist()
