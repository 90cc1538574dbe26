/* SPDX-License-Identifier: BSD-3-Clause */
/* One learned query that attends to all tokens and becomes the pooled vector:

       a = output(attention(q, k(norm x), v(norm x)));      pooled = a + mlp(norm a), or a

   SigLIP's and timm's MAP head (Zhai et al. 2022; with the MLP), CoCa's attentional pooler (Yu et al. 2022; with norms of query
   and tokens, without MLP; of its 256 queries the first is the pooled one). The query is projected once, when weights are packed.

   Letters: T tokens of W values, E values of the query and the result. */
#ifndef MDP_EXTRACT_ATTENTION_POOL_H
#define MDP_EXTRACT_ATTENTION_POOL_H

#include "extract/kernels/linear.h"
#include "extract/towers/layers.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

/* A layout's names, full ones below the tower's prefix; NULL where it has no such tensor. */
struct mdp_pool_names {
    const char *query;                          /* [.., queries, E] */
    const char *query_norm, *token_norm;        /* CoCa */
    const char *in_weight;                      /* [3E, E]: query, key, value, where W = E */
    const char *q_weight, *k_weight, *v_weight; /* [E, E], [E, W], [E, W], where in_weight is not there */
    const char *in_bias;                        /* [3E] */
    const char *q, *kv;                         /* layers of timm, in place of the above */
    const char *output;
    const char *norm, *mlp_in, *mlp_out;
};

struct mdp_attention_pool {
    const struct mdp_kernels *kernels;
    size_t in, width, heads, hidden; /* W, E, heads, values of the MLP (0: none) */
    enum mdp_activation activation;
    float eps;
    float *query;                      /* [E], projected */
    struct mdp_norm token_norm;        /* [W], or empty */
    struct mdp_linear kv, output;      /* [2E, W], [E, E] */
    struct mdp_norm norm;              /* [E], or empty */
    struct mdp_linear mlp_in, mlp_out; /* or empty */
};

/* Packs the weights; in, width, heads, hidden, activation and eps are set. */
mdp_status mdp_attention_pool_load(struct mdp_attention_pool *pool, const struct mdp_layer_source *source,
                                   const struct mdp_pool_names *names, struct mdp_error *err);
/* Of any state: also half loaded. */
void mdp_attention_pool_release(struct mdp_attention_pool *pool);

/* Floats of working memory for `tokens` tokens. */
size_t mdp_attention_pool_scratch_size(const struct mdp_attention_pool *pool, size_t tokens);
/* x[tokens, W] -> pooled[E]. */
void mdp_attention_pool_run(const struct mdp_attention_pool *pool, const float *x, size_t tokens,
                            float *scratch, float *pooled);

#endif
