/* SPDX-License-Identifier: BSD-3-Clause */
/* A block of BERT (Devlin et al., NAACL 2019) as transformers' BertLayer runs it, with the norm after each residual sum:

       y = norm(x + O attention(x)),   x' = norm(y + W2 act(W1 y)),

   and between them, in a block of a query transformer (BLIP-2, Li et al., ICML 2023; transformers' Blip2QFormerLayer)
   that looks at a picture's tokens m,

       y' = norm(y + O' attention(queries of y, keys and values of m)).

   Letters: L positions, C width, F width of the MLP, M tokens of a picture, E their width. */
#ifndef MDP_EXTRACT_BERT_BLOCK_H
#define MDP_EXTRACT_BERT_BLOCK_H

#include "base/formats/yaml.h"
#include "extract/kernels/linear.h"
#include "extract/towers/layers.h"
#include "extract/towers/scratch.h"
#include "medprobe/status.h"

#include <stddef.h>

/* What a layout calls its tensors, behind the tower's prefix. Whatever is not here is called the same everywhere. */
struct mdp_bert_names {
    const char *name;   /* of the layout */
    const char *norm;   /* of the sum of embeddings */
    const char *blocks; /* a block's names begin with it and its number */
    const char *inner;  /* "attention.<inner>.query" */
};

enum { MDP_BERT_LAYOUTS = 2 };
/* "bert": transformers' BERT, RoBERTa, XLM-R and BLIP, LAVIS' Q-Former. "hf-blip2": transformers' BLIP-2. */
extern const struct mdp_bert_names mdp_bert_layouts[MDP_BERT_LAYOUTS];

/* `layout` (left out: "bert") and `activation` ("gelu") of a section. */
mdp_status mdp_bert_names_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                    const struct mdp_bert_names **names, enum mdp_activation *activation,
                                    struct mdp_error *err);

/* What all blocks of a tower have in common. */
struct mdp_bert_shape {
    const struct mdp_kernels *kernels;
    size_t width, heads, intermediate; /* C, heads, F */
    float eps;
    enum mdp_activation activation;
};

/* x -> norm(x + W from). */
struct mdp_bert_sum {
    struct mdp_linear dense;
    struct mdp_norm norm; /* [C] */
};

struct mdp_bert_block {
    struct mdp_linear qkv;         /* [3C, C] */
    struct mdp_bert_sum attention; /* [C, C] */
    struct mdp_linear cross_query; /* [C, C], or empty: the block looks at nothing else */
    struct mdp_linear cross_kv;    /* [2C, E] */
    struct mdp_bert_sum cross;     /* [C, C] */
    struct mdp_linear mlp_in;      /* [F, C] */
    struct mdp_bert_sum mlp;       /* [C, F] */
};

/* Which block to read. */
struct mdp_bert_place {
    const struct mdp_bert_names *names;
    size_t index;
    size_t cross_width; /* E; 0: no cross-attention */
    const char *mlp;    /* "", or "_query" for the MLP that queries have of their own */
};

/* All tensors of the block that `place` says, by names and exact shapes; on failure it may be half loaded. */
mdp_status mdp_bert_block_load(const struct mdp_layer_source *source, const struct mdp_bert_shape *shape,
                               const struct mdp_bert_place *place, struct mdp_bert_block *block,
                               struct mdp_error *err);
/* Of any state: also half loaded. */
void mdp_bert_block_release(struct mdp_bert_block *block);

/* Working memory of blocks; x holds the stream. */
struct mdp_bert_room {
    float *x;         /* [L, C] */
    float *sum;       /* [L, C] before a norm */
    float *qkv;       /* [L, 3C] */
    float *context;   /* [L, C] what attention gives */
    float *hidden;    /* [L, F] */
    float *memory;    /* [M, 2C] keys and values of a picture's tokens; NULL where M is 0 */
    float *attention; /* the kernel's own */
};

/* Divides memory for L = positions and M = tokens (0 where no block looks at a picture); see scratch.h. */
void mdp_bert_room_take(struct mdp_scratch *scratch, const struct mdp_bert_shape *shape, size_t positions,
                        size_t tokens, struct mdp_bert_room *room);

/* room->x[rows, C] after the norm of `sum`. */
void mdp_bert_norm_run(const struct mdp_bert_shape *shape, const struct mdp_norm *norm, size_t rows,
                       const struct mdp_bert_room *room);

/* room->x[rows, C] through the block. The first `keys` positions are attended to. tokens[n_tokens, E] with row stride ld,
   for a block with cross-attention. */
void mdp_bert_block_run(const struct mdp_bert_shape *shape, const struct mdp_bert_block *block, size_t keys,
                        size_t rows, const float *tokens, size_t n_tokens, size_t ld,
                        const struct mdp_bert_room *room);

#endif
