/* SPDX-License-Identifier: BSD-3-Clause */
/* y = epilogue(x W^T + b): the product that towers are made of. Weights are packed once, when a model is
   loaded; bias, activation and residual are added where the product is still in the cache. Single-threaded:
   threads each take whole pictures or texts. The same x gives the same bytes; with the avx2 and avx512
   kernels a row of y depends on its row of x alone, whatever the number of rows.

   Letters: R rows, I inputs, O outputs. */
#ifndef MDP_EXTRACT_LINEAR_H
#define MDP_EXTRACT_LINEAR_H

#include "extract/kernels/kernels.h"
#include "medprobe/status.h"

#include <stddef.h>

struct mdp_linear {
    size_t in, out;
    const struct mdp_kernels *kernels; /* whose order `packed` has */
    float *packed;                     /* the weights, in the order that the kernel reads them */
    float *bias;                       /* [O], or NULL */
};

/* weight[O, I] row-major, bias[O] or NULL; both are copied. */
mdp_status mdp_linear_init(struct mdp_linear *linear, const float *weight, const float *bias, size_t out,
                           size_t in, struct mdp_error *err);
void mdp_linear_release(struct mdp_linear *linear);

/* x[R, I] with row stride ldx -> y[R, O] with row stride ldy; residual[R, O] with row stride ldy, or NULL, is
   added after the activation. y overlaps neither x nor the residual. */
void mdp_linear_run(const struct mdp_linear *linear, const float *x, size_t rows, size_t ldx,
                    enum mdp_activation activation, const float *residual, float *y, size_t ldy);

#endif
