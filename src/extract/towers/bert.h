/* SPDX-License-Identifier: BSD-3-Clause */
/* BERT (Devlin et al., NAACL 2019) as transformers' BertModel runs it: the sum of word, position and token
   type (0) embeddings, layer norm; then blocks with the norm after each residual sum,

       y = norm(x + attention(x)),   x' = norm(y + W2 gelu(W1 y)),

   where padding is not attended to but is itself computed, because MedCLIP's pooled vector is the mean over
   all positions, padding included, of the outputs of the first, second and last block. Pooling `pooler` is
   tanh(Wp x + b) of the first position instead. Then, where the model has one, a linear projection without
   bias.

   Letters: L positions of a padded text, C width, F width of the MLP, V size of the vocabulary, D width of the
   embedding. */
#ifndef MDP_EXTRACT_BERT_H
#define MDP_EXTRACT_BERT_H

#include "base/formats/yaml.h"
#include "extract/kernels/linear.h"
#include "extract/towers/layers.h"
#include "extract/towers/tower_common.h"
#include "medprobe/status.h"

#include <stddef.h>

enum mdp_bert_pooling { MDP_BERT_LAYERS_1_2_LAST, MDP_BERT_POOLER, MDP_BERT_POOLINGS };
extern const char *const mdp_bert_pooling_names[MDP_BERT_POOLINGS]; /* in YAML and --text-pooling */

struct mdp_bert_config {
    struct mdp_common_keys common; /* its strings are owned by the YAML and not used after loading */
    size_t layers, width, heads, intermediate, vocab_size, positions, token_types;
    double layer_norm_eps;
    enum mdp_bert_pooling pooling;
};

struct mdp_bert_block {
    struct mdp_linear qkv;                       /* [3C, C] */
    struct mdp_linear output;                    /* [C, C] */
    struct mdp_linear mlp_in;                    /* [F, C] */
    struct mdp_linear mlp_out;                   /* [C, F] */
    struct mdp_norm attention_norm, output_norm; /* [C] */
};

struct mdp_bert {
    const struct mdp_kernels *kernels;
    struct mdp_bert_config config;
    float eps;
    float *words;                  /* [V, C] */
    float *positions;              /* [positions, C] */
    float *types;                  /* [token_types, C], of which row 0 is used */
    struct mdp_norm norm;          /* [C] */
    struct mdp_bert_block *blocks; /* [layers] */
    struct mdp_linear pooler;      /* [C, C]; pooling `pooler` only, else empty */
    struct mdp_linear projection;  /* [D, C], or empty */
};

/* The `text` map of a model's YAML; `pooling` ("layers-1-2-last", "pooler") overrides its own when not NULL. */
mdp_status mdp_bert_config_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                     const char *pooling, struct mdp_bert_config *config,
                                     struct mdp_error *err);

/* Weights, after the configuration. */
mdp_status mdp_bert_load(struct mdp_bert *bert, const struct mdp_weights *weights, struct mdp_error *err);
/* Of any state: also half loaded. */
void mdp_bert_release(struct mdp_bert *bert);

#endif
