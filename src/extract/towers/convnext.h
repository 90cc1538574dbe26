/* SPDX-License-Identifier: BSD-3-Clause */
/* ConvNeXt (Liu et al., CVPR 2022) and its second version (Woo et al., CVPR 2023) as timm and transformers run them. Patches and a
   norm; stages of blocks x + scale * out(activation(in(norm(depthwise7x7(x))))), between them norm and a 2x2 convolution of
   stride 2; the mean over the map; a head, whose first step is the last norm. The second version has a global response norm
   behind the activation, and no scale.

   Letters: H x W map, C channels of a stage, F = 4C hidden values, D width of the embedding. */
#ifndef MDP_EXTRACT_CONVNEXT_H
#define MDP_EXTRACT_CONVNEXT_H

#include "base/formats/yaml.h"
#include "extract/kernels/conv.h"
#include "extract/kernels/depthwise_conv.h"
#include "extract/towers/head.h"
#include "extract/towers/tower_common.h"

struct mdp_convnext_config {
    const char *prefix; /* of the tensors' names; owned by the YAML and not used after loading */
    size_t layout;      /* row of the table of names in convnext_load.c */
    size_t patch;       /* side of the stem's squares, pixels */
    size_t stages, depths[MDP_MAX_STAGES], widths[MDP_MAX_STAGES]; /* blocks; C */
    double eps;        /* of the norms of stem, stages and blocks */
    size_t activation; /* enum mdp_activation */
    bool layer_scale, response_norm;
    bool head_first; /* the head is for every pixel, then comes the mean */
};

struct mdp_convnext_block {
    struct mdp_depthwise depthwise;
    struct mdp_norm norm;      /* [C] */
    struct mdp_linear in, out; /* [F, C], [C, F]; the scale is in `out` */
    struct mdp_norm response;  /* [F], or empty */
};

struct mdp_convnext_stage {
    size_t pixels;        /* H * W */
    struct mdp_norm norm; /* of the map before it; all stages but the first */
    struct mdp_conv conv; /* the stem, or 2x2 of stride 2 */
    struct mdp_convnext_block *blocks;
};

struct mdp_convnext {
    const struct mdp_kernels *kernels;
    struct mdp_convnext_config config;
    struct mdp_image_sizes input;
    struct mdp_norm stem_norm;
    struct mdp_convnext_stage stage[MDP_MAX_STAGES];
    struct mdp_head head;
    size_t map_size, hidden_size,
        gathered_size; /* floats of working memory: a map, hidden values, gathered rows */
};

enum { MDP_CONVNEXT_ROWS = 192 }; /* pixels that pass a block's products together */

/* The `image` map of a model's YAML: configuration, geometry and sizes of working memory; no weights. Errors have its line. */
mdp_status mdp_convnext_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                  struct mdp_convnext *convnext, struct mdp_error *err);

/* Weights, after that. */
mdp_status mdp_convnext_load(struct mdp_convnext *convnext, const struct mdp_weights *weights,
                             struct mdp_error *err);

/* Of any state: also planned only, or half loaded. */
void mdp_convnext_release(struct mdp_convnext *convnext);

/* The `layout`s of the `image` map, NULL-ended: who called the tensors so. */
extern const char *const mdp_convnext_layouts[];

#endif
