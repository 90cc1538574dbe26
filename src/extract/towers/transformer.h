/* SPDX-License-Identifier: BSD-3-Clause */
/* The transformer of CLIP-like towers, for pictures and texts: L blocks over a sequence x[T, C],

       y  = x + output(attention(norm1 x)),      x' = y + mlp_out(activation(mlp_in(norm2 y))),

   pre-norm as in Radford et al. 2021 and Dosovitskiy et al. 2021. Options: a gated MLP, activation(gate z) * (mlp_in z) (SwiGLU,
   Shazeer 2020); norms inside, before the projections `output` and `mlp_out` (sub-LN, EVA-02: Fang et al. 2023); norms behind
   instead of before, y = x + norm1(attention(x)) (EVA02-CLIP-E); layer scale (Touvron et al. 2021), which is folded into the
   projections; rotary positions (rope.h). Tensor names: transformer_names.h.

   Letters: T tokens, C width, F hidden values of the MLP, d = C / heads. */
#ifndef MDP_EXTRACT_TRANSFORMER_H
#define MDP_EXTRACT_TRANSFORMER_H

#include "base/formats/yaml.h"
#include "extract/kernels/linear.h"
#include "extract/towers/layers.h"
#include "extract/towers/scratch.h"
#include "extract/towers/tower_common.h"
#include "extract/towers/transformer_names.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

enum mdp_mlp { MDP_MLP_PLAIN, MDP_MLP_GATED, MDP_MLP_COUNT };
enum mdp_block_norms { MDP_NORMS_BEFORE, MDP_NORMS_BEHIND, MDP_NORMS_COUNT };

struct mdp_transformer_config {
    const struct mdp_block_names *names;
    size_t layers, width, heads, hidden; /* blocks, C, heads, F */
    enum mdp_activation activation;      /* of the MLP */
    enum mdp_mlp mlp;
    enum mdp_block_norms norms;
    bool qkv_bias, mlp_bias;
    bool inner_norms; /* before `output` and `mlp_out` */
    bool layer_scale;
    double eps; /* of every layer norm */
};

struct mdp_transformer_block {
    struct mdp_norm norm1, norm2;         /* [C] */
    struct mdp_norm inner_norm, mlp_norm; /* [C], [F]; empty without inner_norms */
    struct mdp_linear qkv, output;        /* [3C, C], [C, C] */
    struct mdp_linear gate;               /* [F, C]; gated only */
    struct mdp_linear mlp_in, mlp_out;    /* [F, C], [C, F] */
};

struct mdp_transformer {
    const struct mdp_kernels *kernels;
    struct mdp_transformer_config config;
    struct mdp_transformer_block *blocks; /* [layers] */
};

/* The keys of a section that describe a transformer; for the list of its known keys. */
#define MDP_TRANSFORMER_KEYS                                                                                 \
    "layout", "layers", "width", "heads", "intermediate", "activation", "layer_norm_eps", "qkv_bias",        \
        "mlp_bias", "mlp", "block_norms", "inner_norms", "layer_scale"

/* From a tower's section; errors have the line. */
mdp_status mdp_transformer_config_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                            struct mdp_transformer_config *config, struct mdp_error *err);

/* Packs the weights of all blocks; transformer->config is set. */
mdp_status mdp_transformer_load(struct mdp_transformer *transformer, const struct mdp_layer_source *source,
                                struct mdp_error *err);
/* Of any state: also half loaded. */
void mdp_transformer_release(struct mdp_transformer *transformer);

/* What a run looks at besides the tokens. */
struct mdp_transformer_run {
    size_t tokens; /* T */
    const float *
        mask; /* [T, ld_mask], added to the scores of every head, or NULL; ld_mask as struct mdp_attention's ld_bias */
    size_t ld_mask;
    const float
        *rotary; /* [T - rotary_from, 2, d] cosines and sines of every token from rotary_from on, or NULL */
    size_t rotary_from;
    float *x; /* [T, C], changed in place */
};

/* Floats of working memory for `tokens` tokens. */
size_t mdp_transformer_scratch_size(const struct mdp_transformer *transformer, size_t tokens);

/* x goes through all blocks. Taps: "layers.<i>" after every block. */
void mdp_transformer_run(const struct mdp_transformer *transformer, const struct mdp_transformer_run *run,
                         float *scratch, const struct mdp_tapped *tapped);

/* Rows of a causal mask: mask[rows, ld], row r sees columns 0..r. */
void mdp_causal_mask(size_t rows, size_t ld, float *mask);
/* Floats from row to row of a mask over `keys` keys. */
size_t mdp_mask_stride(size_t keys);

#endif
