/* SPDX-License-Identifier: BSD-3-Clause */
/* The image side of BLIP-2's query transformer (Li et al., ICML 2023), as transformers' Blip2QFormerModel runs it: Q learned
   queries go through BERT's blocks, attend to each other, and in every `cross_every`-th block, from the first on, to the
   picture's tokens; queries have an MLP of their own. Its text side is the family bert. Keys of a card's `qformer`:

       layout, prefix, layers, width, heads, intermediate, activation, layer_norm_eps   as the family bert has them
       queries: 32                 rows of `query_tokens`
       cross_every: 2
       token_norm: "ln_vision"     a norm of the tokens before they are looked at (LAVIS); full name, optional
       token_norm_eps: 1.0e-5

   Letters: Q queries, C width, N tokens of a picture, W their width. */
#ifndef MDP_EXTRACT_QFORMER_H
#define MDP_EXTRACT_QFORMER_H

#include "base/formats/yaml.h"
#include "extract/towers/bert_block.h"
#include "extract/towers/tower_common.h"
#include "medprobe/status.h"

#include <stddef.h>

struct mdp_qformer_config {
    const struct mdp_bert_names *names;
    const char
        *prefix; /* of the blocks' names; owned by the YAML and not used after loading, as token_norm */
    const char *token_norm;                           /* full name, or NULL */
    size_t layers, queries, cross_every, token_width; /* blocks, Q, every how many blocks, W */
    float token_eps;
};

struct mdp_qformer {
    struct mdp_qformer_config config;
    struct mdp_bert_shape shape;
    float *queries;                /* [Q, C], behind the norm */
    struct mdp_norm token_norm;    /* [W], or empty */
    struct mdp_bert_block *blocks; /* [layers] */
};

/* The map `qformer`; tokens have token_width values. Errors have the line. */
mdp_status mdp_qformer_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                 size_t token_width, struct mdp_qformer *qformer, struct mdp_error *err);
/* Weights, after the configuration. */
mdp_status mdp_qformer_load(struct mdp_qformer *qformer, const struct mdp_weights *weights,
                            struct mdp_error *err);
/* Of any state: also half loaded. */
void mdp_qformer_release(struct mdp_qformer *qformer);

/* Floats of working memory for a picture of `tokens` tokens. */
size_t mdp_qformer_scratch_size(const struct mdp_qformer *qformer, size_t tokens);
/* x[tokens, W] -> out[Q, C]. Taps: "queries" (behind the norm), "queries.<i>" after every block. */
void mdp_qformer_run(const struct mdp_qformer *qformer, const float *x, size_t tokens, float *scratch,
                     float *out, const struct mdp_tapped *tapped);

#endif
