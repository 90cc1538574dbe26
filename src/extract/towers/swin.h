/* SPDX-License-Identifier: BSD-3-Clause */
/* Swin Transformer (Liu et al., ICCV 2021) as transformers' SwinModel runs it: patch embedding, stages of
   window attention blocks with patch merging between them, final norm, mean over tokens; then, where the
   model has one, a head (head.h).

   Letters: H x W map of a stage in tokens, C channels of a stage, M window side, N = M^2 tokens of a window,
   F hidden width of the MLP, D width of the embedding.

   A map that is no multiple of M is padded with zero tokens, right and below, after the first norm of a
   block; a map of odd size is padded with one zero row or column before merging; a picture that is no
   multiple of the patch with zero pixels. Padded tokens take part in attention, as in the original. */
#ifndef MDP_EXTRACT_SWIN_H
#define MDP_EXTRACT_SWIN_H

#include "extract/kernels/linear.h"
#include "extract/towers/head.h"
#include "extract/towers/layers.h"
#include "extract/towers/tower_common.h"

#include <stdint.h>

enum { MDP_SWIN_PADDING = UINT32_MAX };

struct mdp_swin_config {
    const char *prefix; /* of the tensors' names; owned by the YAML and not used after loading */
    struct mdp_patches patches;
    size_t embed_dim; /* C of the first stage */
    size_t stages, depths[MDP_MAX_STAGES], heads[MDP_MAX_STAGES];
    size_t window; /* M */
    double mlp_ratio;
    double layer_norm_eps;
    bool qkv_bias;
};

/* One block. */
struct mdp_swin_block {
    struct mdp_norm before, after; /* [C] */
    struct mdp_linear qkv;         /* [3C, C] */
    struct mdp_linear output;      /* [C, C] */
    struct mdp_linear mlp_in;      /* [F, C] */
    struct mdp_linear mlp_out;     /* [C, F] */
    float *bias;                   /* relative position bias [heads, N, ld_bias] */
};

/* One stage and its geometry. */
struct mdp_swin_stage {
    size_t height, width, dim, heads, hidden; /* H, W, C, heads, F */
    size_t window_rows, window_columns;       /* windows of the padded map */
    bool shifts;                              /* odd blocks are shifted */
    uint32_t *order[2]; /* without and with shift: [windows * N] token of a window row, or MDP_SWIN_PADDING */
    size_t group;       /* windows that pass through a block together */
    size_t merge_rows;  /* rows of the smaller map that are merged together */
    size_t depth;
    struct mdp_swin_block *blocks; /* [depth] */
    struct mdp_norm merge_norm;    /* [4C]; all stages but the last */
    struct mdp_linear merge;       /* [2C, 4C]; all stages but the last */
};

struct mdp_swin {
    const struct mdp_kernels *kernels;
    struct mdp_swin_config config;
    float eps;
    size_t window_size, ld_bias; /* N; N rounded up to MDP_SCORE_STEP */
    struct mdp_linear patch;     /* [C of the first stage, channels * patch * patch] */
    struct mdp_norm patch_norm;  /* [C of the first stage] */
    struct mdp_norm final_norm;  /* [C of the last stage] */
    size_t stages;
    struct mdp_swin_stage stage[MDP_MAX_STAGES];
    /* Shift masks [N, ld_bias]: bit 0 = window at the right edge, bit 1 = at the lower; [0] is NULL. */
    float *mask[4];
    struct mdp_head head;          /* C of the last stage -> D */
    size_t tokens_size, work_size; /* floats of scratch: the map; what a group of windows needs */
};

/* The `image` map of a model's YAML; errors have its line. */
mdp_status mdp_swin_config_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                     struct mdp_swin *swin, struct mdp_error *err);

/* Geometry, masks and sizes of scratch from the configuration; no weights. */
mdp_status mdp_swin_plan(struct mdp_swin *swin, struct mdp_error *err);

/* Weights, after the plan. */
mdp_status mdp_swin_load(struct mdp_swin *swin, const struct mdp_weights *weights, struct mdp_error *err);

/* Of any state: also planned only, or half loaded. */
void mdp_swin_release(struct mdp_swin *swin);

#endif
