/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernels for any CPU: vectors of four floats, products by OpenBLAS, which chooses its own code for the CPU.
   OpenBLAS may take another path for another number of rows, so the bytes of a row are fixed for a fixed
   number of rows: callers give whole pictures, texts or groups of windows. */
#define MDP_VECTOR_LANES 4
#include "base/numbers/blas.h"
#include "extract/kernels/body/attention.h"
#include "extract/kernels/body/depthwise.h"
#include "extract/kernels/body/epilogue.h"
#include "extract/kernels/body/layer_norm.h"
#include "extract/kernels/variants.h"

static size_t plain_size(size_t out, size_t in)
{
    return out * in;
}

static void copy_weight(const float *weight, size_t out, size_t in, float *packed)
{
    memcpy(packed, weight, out * in * sizeof *weight);
}

static void blas_product(const struct mdp_product *t)
{
    mdp_blas_sgemm_nt(t->rows, t->out, t->in, t->x, t->ldx, t->packed, t->in, t->y, t->ldy);
    finish(t->y, t->ldy, t->rows, t->out, t->bias, t->activation, t->residual);
}

const struct mdp_kernels mdp_kernels_portable = {
    .name = "portable",
    .by_blas = true,
    .layer_norm = layer_norm,
    .attention = attention,
    .attention_scratch = attention_scratch,
    .packed_size = plain_size,
    .pack = copy_weight,
    .product = blas_product,
    .depthwise = depthwise,
};
