/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/numbers/rng.h"

#include <assert.h>

enum { PHILOX_ROUNDS = 10 };

static void multiply(uint32_t a, uint32_t b, uint32_t *high, uint32_t *low)
{
    uint64_t product = (uint64_t)a * b;

    *high = (uint32_t)(product >> 32);
    *low = (uint32_t)product;
}

void mdp_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];

    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint32_t high0, low0, high1, low1;
        multiply(0xD2511F53U, c0, &high0, &low0);
        multiply(0xCD9E8D57U, c2, &high1, &low1);
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += 0x9E3779B9U; /* golden ratio */
        k1 += 0xBB67AE85U; /* sqrt(3) - 1 */
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void mdp_rng_init(struct mdp_rng *rng, uint64_t seed, uint32_t stream, uint32_t purpose)
{
    *rng = (struct mdp_rng){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, 0, stream, purpose},
        .used = 4,
    };
}

uint32_t mdp_rng_u32(struct mdp_rng *rng)
{
    if (rng->used == 4) {
        mdp_philox4x32(rng->counter, rng->key, rng->block);
        rng->used = 0;
        if (++rng->counter[0] == 0)
            rng->counter[1]++;
    }
    return rng->block[rng->used++];
}

uint64_t mdp_rng_u64(struct mdp_rng *rng)
{
    uint64_t low = mdp_rng_u32(rng);

    return low | (uint64_t)mdp_rng_u32(rng) << 32;
}

uint64_t mdp_rng_below(struct mdp_rng *rng, uint64_t n)
{
    assert(n > 0);
    uint64_t refused = (0 - n) % n; /* 2^64 mod n */
    uint64_t x;

    do
        x = mdp_rng_u64(rng);
    while (x < refused);
    return x % n;
}

void mdp_rng_shuffle(struct mdp_rng *rng, size_t items[], size_t n)
{
    for (size_t i = n; i-- > 1;) {
        size_t j = (size_t)mdp_rng_below(rng, i + 1);
        size_t item = items[i];
        items[i] = items[j];
        items[j] = item;
    }
}
