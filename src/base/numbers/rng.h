/* SPDX-License-Identifier: BSD-3-Clause */
/* Random numbers: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2,
   3", SC 2011), a counter-based generator. A stream is named by (seed, stream, purpose); different names give
   streams that share no block, so what one stream is used for never moves another.

   key = seed (low word, high word); counter = block number (low, high), stream, purpose. A block gives four
   32-bit words, used in order; a 64-bit number is two of them, the low word first. */
#ifndef MDP_BASE_RNG_H
#define MDP_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* What a stream is for, and what its number is then: shots of a draw, the number of a resample. The purposes are part of
   the format of draws: never renumber. */
enum mdp_rng_purpose { MDP_RNG_DRAW = 0, MDP_RNG_RESAMPLE = 1 };

struct mdp_rng {
    uint32_t key[2], counter[4];
    uint32_t block[4]; /* the current block */
    unsigned used;     /* of its words */
};

/* One block, as the paper defines it. */
void mdp_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* The stream of (seed, stream, purpose), at its beginning. */
void mdp_rng_init(struct mdp_rng *rng, uint64_t seed, uint32_t stream, uint32_t purpose);
/* The next word, or two of them with the low word first. */
uint32_t mdp_rng_u32(struct mdp_rng *rng);
uint64_t mdp_rng_u64(struct mdp_rng *rng);

/* Uniform in [0, n), n > 0, without bias: x mod n of the first 64-bit x that is at least 2^64 mod n. */
uint64_t mdp_rng_below(struct mdp_rng *rng, uint64_t n);

/* items[n] in random order, by Fisher and Yates: for i = n-1 ... 1, j = below(i + 1), swap. Every order is
   equally likely. */
void mdp_rng_shuffle(struct mdp_rng *rng, size_t items[], size_t n);

#endif
