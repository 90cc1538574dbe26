/* SPDX-License-Identifier: BSD-3-Clause */
/* The Mersenne Twister as CPython's `random` and NumPy's legacy `RandomState` use it, so that draws and
   prompt samples that were published by seed can be made again. medprobe's own draws do not come from here.

   Generator: Matsumoto and Nishimura, ACM TOMACS 8(1), 1998, with init_genrand and init_by_array of the 2002
   version. The functions named py_ and np_ give what the Python functions of the same name give
   (CPython 3.11, NumPy 1.17 and later), and leave the generator in the same state. */
#ifndef MDP_BASE_MT19937_H
#define MDP_BASE_MT19937_H

#include "medprobe/status.h"

#include <stddef.h>
#include <stdint.h>

enum { MDP_MT_STATE = 624 };

/* Plain data: a copy is an independent generator in the same state. */
struct mdp_mt19937 {
    uint32_t state[MDP_MT_STATE];
    size_t at; /* next word of the state to be given out, MDP_MT_STATE: none is left */
};

/* init_genrand, and init_by_array of key[n], n >= 1. */
void mdp_mt_seed(struct mdp_mt19937 *mt, uint32_t seed);
void mdp_mt_seed_by_array(struct mdp_mt19937 *mt, const uint32_t key[], size_t n);

/* The next word of the generator (genrand_uint32). */
uint32_t mdp_mt_u32(struct mdp_mt19937 *mt);
/* In [0, 1) with 53 random bits from two outputs: random.random(), RandomState.random_sample(). */
double mdp_mt_double(struct mdp_mt19937 *mt);

/* --- CPython --- */

/* random.seed(seed); the sign of an int is dropped there. */
void mdp_py_seed(struct mdp_mt19937 *mt, uint64_t seed);

/* random.getrandbits(bits), bits in [0, 64]. */
uint64_t mdp_py_getrandbits(struct mdp_mt19937 *mt, unsigned bits);

/* random.randrange(n), n >= 1: bits of the length of n, drawn until they are below n. */
uint64_t mdp_py_below(struct mdp_mt19937 *mt, uint64_t n);

/* random.sample(range(n), k) into out[k]. k > n is an error (MDP_ERR_VALUE). */
mdp_status mdp_py_sample(struct mdp_mt19937 *mt, size_t n, size_t k, size_t out[], struct mdp_error *err);

/* random.shuffle(items) of items[n]. */
void mdp_py_shuffle(struct mdp_mt19937 *mt, size_t items[], size_t n);

/* --- NumPy legacy --- */

/* RandomState(seed), numpy.random.seed(seed). */
void mdp_np_seed(struct mdp_mt19937 *mt, uint32_t seed);

/* A whole number in [0, most] by masked rejection; no output is spent on most = 0. */
uint64_t mdp_np_interval(struct mdp_mt19937 *mt, uint64_t most);

/* RandomState.shuffle(items) of a one-dimensional array items[n]. */
void mdp_np_shuffle(struct mdp_mt19937 *mt, size_t items[], size_t n);

/* RandomState.permutation(n) into out[n]. */
void mdp_np_permutation(struct mdp_mt19937 *mt, size_t n, size_t out[]);

/* RandomState.choice(n, k, replace=False) into out[k]. k > n is an error (MDP_ERR_VALUE). */
mdp_status mdp_np_choice(struct mdp_mt19937 *mt, size_t n, size_t k, size_t out[], struct mdp_error *err);

#endif
