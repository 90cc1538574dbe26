/* SPDX-License-Identifier: BSD-3-Clause */
/* The two inner loops of a resize, portable and for AVX2. Integer sums: every variant gives the same bytes.
 */
#ifndef MDP_EXTRACT_RESIZE_KERNELS_H
#define MDP_EXTRACT_RESIZE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum {
    MDP_RESIZE_BITS = 22,    /* of fraction in a weight */
    MDP_RESIZE_GROUP = 16,   /* weights of an output are padded with zeros to a multiple of this */
    MDP_RESIZE_COLUMNS = 64, /* lengths of rows that go through `vertical` are padded to a multiple of this */
};

/* The weights of one axis: output i is the sum over t < count[i] of weights[i, t] * input[first[i] + t]. */
struct mdp_taps {
    size_t n;         /* outputs */
    size_t stride;    /* weights kept an output: the largest count, padded */
    size_t *first;    /* [n], never decreasing */
    size_t *count;    /* [n]; 0 where an output sees nothing but black */
    int32_t *weights; /* [n, stride], zeros after count */
};

struct mdp_resize_kernels {
    /* One channel of a row: in[] may be read MDP_RESIZE_GROUP bytes past its end; out[i * step]. */
    void (*horizontal)(const struct mdp_taps *taps, const uint8_t *in, uint8_t *out, size_t step);
    /* Sum over t < n of weights[t] * rows[t][i], for i < length (a multiple of MDP_RESIZE_COLUMNS). */
    void (*vertical)(const uint8_t *const rows[], const int32_t weights[], size_t n, size_t length,
                     uint8_t *out);
};

extern const struct mdp_resize_kernels mdp_resize_portable;
extern const struct mdp_resize_kernels mdp_resize_avx2; /* x86 with AVX2 only */

/* The fastest of this machine. */
const struct mdp_resize_kernels *mdp_resize_best(void);

#endif
