/* SPDX-License-Identifier: BSD-3-Clause */
/* BERT (Devlin et al., NAACL 2019) as transformers' BertModel runs it, and what is made like it: RoBERTa, XLM-R, BLIP's
   text encoder, the text side of BLIP-2's query transformer. The sum of word, position and token type (0) embeddings,
   layer norm; then the blocks of bert_block.h, where padding is not attended to; then a pooling (bert_pooling.h) and a
   head (head.h).

   Padding is computed only where the pooling looks at it, or where the model attends to it.

   Letters: L positions of a padded text, C width, F width of the MLP, V size of the vocabulary, D width of the
   embedding. */
#ifndef MDP_EXTRACT_BERT_H
#define MDP_EXTRACT_BERT_H

#include "base/formats/yaml.h"
#include "extract/towers/bert_block.h"
#include "extract/towers/bert_pooling.h"
#include "extract/towers/head.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

struct mdp_bert_config {
    const char *prefix; /* of the tensors' names; owned by the YAML and not used after loading */
    const struct mdp_bert_names *names;
    size_t layers, width, heads, intermediate, vocab_size;
    size_t positions;   /* rows of the table */
    size_t token_types; /* rows of the table, of which row 0 is used; 0: there is none (BLIP) */
    double layer_norm_eps;
    enum mdp_activation activation;
    const struct mdp_bert_pooling *pooling;
    bool attend_padding; /* as where a model is called without a mask */
    bool
        counts_positions; /* RoBERTa: ids other than pad_id have the positions pad_id + 1, pad_id + 2, ...; it has pad_id */
    size_t pad_id;
};

struct mdp_bert {
    struct mdp_bert_config config;
    struct mdp_bert_shape shape;
    float *words;                  /* [V, C] */
    float *positions;              /* [positions, C] */
    float *types;                  /* [token_types, C], or NULL */
    struct mdp_norm norm;          /* [C] */
    struct mdp_bert_block *blocks; /* [layers] */
    struct mdp_linear pooler;      /* [C, C]; pooling `pooler` only, else empty */
    struct mdp_head head;          /* C -> D */
};

/* The `text` map of a model's YAML; `pooling` (a name of bert_pooling.h) overrides its own when not NULL. */
mdp_status mdp_bert_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                              const char *pooling, struct mdp_bert *bert, struct mdp_error *err);

/* Weights, after the configuration. */
mdp_status mdp_bert_load(struct mdp_bert *bert, const struct mdp_weights *weights, struct mdp_error *err);
/* Of any state: also half loaded. */
void mdp_bert_release(struct mdp_bert *bert);

#endif
