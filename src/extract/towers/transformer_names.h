/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tensors of a pre-norm transformer block are called, a row a layout: the card's key `layout`. Structure is the
   tower's, names are the row's. Names are relative to the block's own (`block`, with its number in place of %zu), without
   ".weight" and ".bias" where those follow; NULL where the layout has no such tensor. */
#ifndef MDP_EXTRACT_TRANSFORMER_NAMES_H
#define MDP_EXTRACT_TRANSFORMER_NAMES_H

#include <stddef.h>

struct mdp_block_names {
    const char *layout; /* "openai" */
    const char *block;  /* "transformer.resblocks.%zu." */
    const char *norm1, *norm2;
    /* Query, key, value in one tensor [3C, C], or a tensor each; full names. */
    const char *qkv_weight, *qkv_bias;
    const char *q_weight, *k_weight, *v_weight;
    const char *q_bias, *k_bias, *v_bias; /* a bias that is NULL beside others that are not is 0 */
    const char *output;                   /* projection behind the attention */
    const char *inner_norm;               /* of what attention gives, before `output` */
    const char *mlp_in, *mlp_out;
    const char *mlp_gate; /* gated MLP: activation(gate x) * (mlp_in x); NULL: the first half of mlp_in */
    const char *mlp_norm; /* of the hidden values, before mlp_out */
    const char *scale1, *scale2; /* layer scale [C], full names */
};

extern const struct mdp_block_names mdp_block_names[]; /* ends with a row whose layout is NULL */

#endif
