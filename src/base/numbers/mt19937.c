/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/numbers/mt19937.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { N = MDP_MT_STATE, M = 397 };

void mdp_mt_seed(struct mdp_mt19937 *mt, uint32_t seed)
{
    mt->state[0] = seed;
    for (uint32_t i = 1; i < N; i++)
        mt->state[i] = 1812433253u * (mt->state[i - 1] ^ (mt->state[i - 1] >> 30)) + i;
    mt->at = N;
}

void mdp_mt_seed_by_array(struct mdp_mt19937 *mt, const uint32_t key[], size_t n)
{
    uint32_t *s = mt->state;
    uint32_t i = 1;
    size_t j = 0;

    assert(n >= 1);
    mdp_mt_seed(mt, 19650218u);
    for (size_t left = n > N ? n : N; left > 0; left--) {
        s[i] = (s[i] ^ ((s[i - 1] ^ (s[i - 1] >> 30)) * 1664525u)) + key[j] + (uint32_t)j;
        if (++i == N) {
            s[0] = s[N - 1];
            i = 1;
        }
        if (++j == n)
            j = 0;
    }
    for (size_t left = N - 1; left > 0; left--) {
        s[i] = (s[i] ^ ((s[i - 1] ^ (s[i - 1] >> 30)) * 1566083941u)) - i;
        if (++i == N) {
            s[0] = s[N - 1];
            i = 1;
        }
    }
    s[0] = 0x80000000u;
}

static void next_state(struct mdp_mt19937 *mt)
{
    uint32_t *s = mt->state;

    for (size_t i = 0; i < N; i++) {
        uint32_t y = (s[i] & 0x80000000u) | (s[(i + 1) % N] & 0x7fffffffu);
        s[i] = s[(i + M) % N] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    mt->at = 0;
}

uint32_t mdp_mt_u32(struct mdp_mt19937 *mt)
{
    if (mt->at >= N)
        next_state(mt);

    uint32_t y = mt->state[mt->at++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

double mdp_mt_double(struct mdp_mt19937 *mt)
{
    uint32_t high = mdp_mt_u32(mt) >> 5; /* 27 bits */
    uint32_t low = mdp_mt_u32(mt) >> 6;  /* 26 bits */
    return (high * 67108864.0 + low) / 9007199254740992.0;
}

/* --- CPython --- */

void mdp_py_seed(struct mdp_mt19937 *mt, uint64_t seed)
{
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    mdp_mt_seed_by_array(mt, key, key[1] ? 2 : 1);
}

uint64_t mdp_py_getrandbits(struct mdp_mt19937 *mt, unsigned bits)
{
    assert(bits <= 64);
    if (bits == 0)
        return 0;
    if (bits <= 32)
        return mdp_mt_u32(mt) >> (32 - bits);

    uint64_t low = mdp_mt_u32(mt);
    return low | (uint64_t)(mdp_mt_u32(mt) >> (64 - bits)) << 32;
}

uint64_t mdp_py_below(struct mdp_mt19937 *mt, uint64_t n)
{
    unsigned bits = 0;
    uint64_t r;

    assert(n >= 1);
    while (bits < 64 && n >> bits)
        bits++;
    do
        r = mdp_py_getrandbits(mt, bits);
    while (r >= n);
    return r;
}

/* Draws without a second look at what was drawn: the last live entry of the pool fills the hole. */
static mdp_status sample_from_pool(struct mdp_mt19937 *mt, size_t n, size_t k, size_t out[],
                                   struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t *pool = mdp_new_array(n, sizeof *pool, err, &st); /* [n] */

    if (!pool)
        return st;
    for (size_t i = 0; i < n; i++)
        pool[i] = i;
    for (size_t i = 0; i < k; i++) {
        size_t j = (size_t)mdp_py_below(mt, n - i);
        out[i] = pool[j];
        pool[j] = pool[n - i - 1];
    }
    free(pool);
    return MDP_OK;
}

/* Draws again what was drawn before. */
static mdp_status sample_with_redraws(struct mdp_mt19937 *mt, size_t n, size_t k, size_t out[],
                                      struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    uint8_t *taken = mdp_new_array(n / 8 + 1, 1, err, &st); /* a bit an item */

    if (!taken)
        return st;
    for (size_t i = 0; i < k; i++) {
        size_t j;
        do
            j = (size_t)mdp_py_below(mt, n);
        while (taken[j / 8] >> (j % 8) & 1);
        taken[j / 8] |= (uint8_t)(1u << (j % 8));
        out[i] = j;
    }
    free(taken);
    return MDP_OK;
}

mdp_status mdp_py_sample(struct mdp_mt19937 *mt, size_t n, size_t k, size_t out[], struct mdp_error *err)
{
    /* The size above which CPython expects a set to be smaller than the pool. */
    double set_size = 21;

    if (k > n)
        return mdp_fail(err, MDP_ERR_VALUE, "a sample of %zu from %zu items without replacement", k, n);
    if (k > 5)
        set_size += pow(4, ceil(log((double)k * 3) / log(4)));
    return (double)n <= set_size ? sample_from_pool(mt, n, k, out, err)
                                 : sample_with_redraws(mt, n, k, out, err);
}

static void swap(size_t items[], size_t i, size_t j)
{
    size_t held = items[i];
    items[i] = items[j];
    items[j] = held;
}

void mdp_py_shuffle(struct mdp_mt19937 *mt, size_t items[], size_t n)
{
    for (size_t i = n; i-- > 1;)
        swap(items, i, (size_t)mdp_py_below(mt, i + 1));
}

/* --- NumPy legacy --- */

void mdp_np_seed(struct mdp_mt19937 *mt, uint32_t seed)
{
    mdp_mt_seed(mt, seed);
}

uint64_t mdp_np_interval(struct mdp_mt19937 *mt, uint64_t most)
{
    uint64_t mask = most;
    uint64_t value;

    if (most == 0)
        return 0;
    for (unsigned shift = 1; shift < 64; shift *= 2)
        mask |= mask >> shift;
    do {
        value = mdp_mt_u32(mt);
        if (most > UINT32_MAX)
            value = value << 32 | mdp_mt_u32(mt);
        value &= mask;
    } while (value > most);
    return value;
}

void mdp_np_shuffle(struct mdp_mt19937 *mt, size_t items[], size_t n)
{
    for (size_t i = n; i-- > 1;)
        swap(items, i, (size_t)mdp_np_interval(mt, i));
}

void mdp_np_permutation(struct mdp_mt19937 *mt, size_t n, size_t out[])
{
    for (size_t i = 0; i < n; i++)
        out[i] = i;
    mdp_np_shuffle(mt, out, n);
}

mdp_status mdp_np_choice(struct mdp_mt19937 *mt, size_t n, size_t k, size_t out[], struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    if (k > n)
        return mdp_fail(err, MDP_ERR_VALUE, "a choice of %zu from %zu items without replacement", k, n);

    size_t *all = mdp_new_array(n, sizeof *all, err, &st); /* [n] */
    if (!all)
        return st;
    mdp_np_permutation(mt, n, all);
    memcpy(out, all, k * sizeof *all);
    free(all);
    return MDP_OK;
}
