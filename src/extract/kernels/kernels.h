/* SPDX-License-Identifier: BSD-3-Clause */
/* The dense float32 work of towers, in one table a variant: portable (any CPU; products by OpenBLAS), avx2,
   avx512. All are single-threaded and pure. The variant may change last bits (portable against the others;
   avx2 and avx512 agree to the byte); within one, results depend on the arguments alone.

       const struct mdp_kernels *kernels = NULL;
       TRY(mdp_kernels_choose(&kernels, err));
       kernels->layer_norm(x, rows, columns, columns, gain, bias, 1e-12f, y, columns);

   Strides (ld...) are floats from row to row. */
#ifndef MDP_EXTRACT_KERNELS_H
#define MDP_EXTRACT_KERNELS_H

#include "extract/kernels/window.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Applied to a product's outputs, in body/epilogue.h. tests/unit/test_linear.c compares each with its twin. */
enum mdp_activation {
    MDP_ACTIVATION_NONE,
    MDP_ACTIVATION_GELU, /* the exact one, x (1 + erf(x / sqrt 2)) / 2; error at most 1.2e-7 |x| + 1e-11 */
    MDP_ACTIVATION_QUICK_GELU, /* x sigmoid(1.702 x): OpenAI's CLIP */
    MDP_ACTIVATION_GELU_TANH,  /* x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 */
    MDP_ACTIVATION_RELU,
    MDP_ACTIVATION_SILU, /* x sigmoid(x), also called swish */
    MDP_ACTIVATION_SIGMOID,
    MDP_ACTIVATION_TANH,
    MDP_ACTIVATION_COUNT, /* how many there are */
};
/* "none", "gelu", "quick-gelu", "gelu-tanh", ...: what a card calls them, by value. */
extern const char *const mdp_activation_names[MDP_ACTIVATION_COUNT];

/* One call of a product; see linear.h for what users call. */
struct mdp_product {
    const float *packed; /* by pack() of the same variant */
    size_t out, in;      /* O, I */
    const float *bias;   /* [O], or NULL */
    enum mdp_activation activation;
    const float *x; /* [rows, I] */
    size_t rows, ldx;
    const float *residual; /* [rows, O], row stride ldy, or NULL; does not overlap y */
    float *y;              /* [rows, O] */
    size_t ldy;
};

/* bias and mask rows are read in steps: their stride is a multiple of this, at least the number of keys; what
   stands beyond the keys is ignored. */
enum { MDP_SCORE_STEP = 32 };

/* out = softmax(scale q k^T + bias + mask) v, a head at a time; exp(d) is 0 for d < -80. Head h uses columns
   [h * dim, (h + 1) * dim) of q, k, v and out. */
struct mdp_attention {
    const float *q;           /* [queries, heads * dim] */
    const float *k, *v;       /* [keys, heads * dim]; only keys that are attended to */
    size_t queries, keys, ld; /* one row stride for q, k and v; keys >= 1 */
    size_t heads, dim;
    float scale;       /* 1 / sqrt(dim) */
    const float *bias; /* [heads, queries, ld_bias], or NULL */
    const float *mask; /* [queries, ld_bias], one for all heads, or NULL */
    size_t ld_bias;
    float *out; /* [queries, heads * dim]; does not overlap q, k, v */
    size_t ld_out;
};

/* One call of a convolution of every channel by itself; see depthwise_conv.h for what users call. C channels, k side of
   the window, P places of it. */
struct mdp_depthwise_call {
    const struct mdp_window *window;
    size_t channels;     /* C */
    const float *weight; /* [k * k, ldw] */
    const float *bias;   /* [ldw] */
    size_t ldw;          /* a multiple of MDP_SCORE_STEP, at least C; what stands beyond C is finite */
    enum mdp_activation activation;
    const float *x; /* [H * W, C] */
    float *y;       /* [P, C]; does not overlap x */
};

struct mdp_kernels {
    const char *name; /* "portable", "avx2", "avx512": what MEDPROBE_KERNEL says */
    bool by_blas;     /* products are OpenBLAS's, whose code depends on the core it sees */

    /* y = (x - mean) / sqrt(variance + eps) * gain + bias by row; the variance divides by `columns`. y may be x. */
    void (*layer_norm)(const float *x, size_t rows, size_t columns, size_t ldx, const float *gain,
                       const float *bias, float eps, float *y, size_t ldy);

    /* scratch: attention_scratch(keys, dim) floats. */
    void (*attention)(const struct mdp_attention *attention, float *scratch);
    size_t (*attention_scratch)(size_t keys, size_t dim);

    /* weight[O, I] -> packed[packed_size(O, I)]. */
    size_t (*packed_size)(size_t out, size_t in);
    void (*pack)(const float *weight, size_t out, size_t in, float *packed);
    void (*product)(const struct mdp_product *product);

    void (*depthwise)(const struct mdp_depthwise_call *call);
};

/* The variants in this program, the best first; `runs_here` (may be NULL) says whether this CPU has what it needs.
   i is below mdp_kernels_count(). */
size_t mdp_kernels_count(void);
const struct mdp_kernels *mdp_kernels_at(size_t i, bool *runs_here);

/* The best variant for this CPU, or the one that MEDPROBE_KERNEL names (an unknown name, or one that this CPU
   cannot run, is an error). Where its products are OpenBLAS's, OpenBLAS is set to one thread for the whole process. */
mdp_status mdp_kernels_choose(const struct mdp_kernels **kernels, struct mdp_error *err);

#endif
