/* SPDX-License-Identifier: BSD-3-Clause */
/* ResNets (He et al., CVPR 2016) as torchvision, transformers and timm run them, and the modified ones of CLIP (Radford et al.,
   ICML 2021; clip/model.py). A stem, stages of blocks relu(shortcut(x) + convolutions(x)), a pool, a head. Every
   convolution has a batch norm behind it and no bias.

   Letters: H x W map of a stage, C channels of a map, D width of the embedding. */
#ifndef MDP_EXTRACT_RESNET_H
#define MDP_EXTRACT_RESNET_H

#include "base/formats/yaml.h"
#include "extract/kernels/conv.h"
#include "extract/towers/clip_pool.h"
#include "extract/towers/head.h"
#include "extract/towers/tower_common.h"

enum { MDP_RESNET_CONVS = 3 };

/* `plain`: 7x7 of stride 2, largest of 3x3 of stride 2. `deep`: 3x3 of stride 2, two more 3x3, mean of 2x2. */
enum mdp_resnet_stem { MDP_STEM_PLAIN, MDP_STEM_DEEP };
/* What makes a stage's map smaller, in its first block: the stride of the 3x3 convolution (the first of a basic block),
   of the first 1x1, or a mean of 2x2 before the last convolution and before the shortcut's. */
enum mdp_resnet_stride { MDP_STRIDE_3X3, MDP_STRIDE_1X1, MDP_STRIDE_AVERAGE };
/* The mean over the map, CLIP's attention pool, or the mean of what the head makes of every pixel. */
enum mdp_resnet_pool { MDP_POOL_MEAN, MDP_POOL_ATTENTION, MDP_POOL_HEAD_MEAN };

struct mdp_resnet_config {
    const char *prefix; /* of the tensors' names; owned by the YAML and not used after loading */
    size_t layout;      /* row of the table of names in resnet_load.c */
    bool bottleneck;    /* blocks of 1x1, 3x3, 1x1; else of two 3x3 */
    size_t stem_width;  /* C behind the stem */
    size_t stages, depths[MDP_MAX_STAGES], widths[MDP_MAX_STAGES]; /* blocks; C */
    size_t first_stride;       /* of the first stage, 1 or 2; all others have 2 */
    size_t stem, stride, pool; /* enums above */
    double eps;                /* of batch norms */
};

struct mdp_resnet_block {
    size_t convs; /* 3 of a bottleneck, 2 of a basic block */
    struct mdp_conv conv[MDP_RESNET_CONVS];
    struct mdp_conv shortcut; /* out is 0 where x itself is added */
    struct mdp_window mean;   /* before the last convolution; side is 0 without */
    struct mdp_window shortcut_mean;
};

struct mdp_resnet {
    struct mdp_resnet_config config;
    struct mdp_image_sizes input; /* embedding is D */
    size_t stem_convs;            /* 1 or 3 */
    struct mdp_conv stem[3];
    struct mdp_window stem_pool;
    struct mdp_resnet_block *blocks[MDP_MAX_STAGES]; /* [depth] each */
    size_t height, width; /* of the last map; its channels are the last of widths */
    struct mdp_clip_pool attention;
    struct mdp_head head;
    size_t map_size, inner_size,
        gathered_size; /* floats: the largest map between blocks, inside one, of gathered rows */
};

/* The `layout`s of the `image` map, NULL-ended: who called the tensors so. */
extern const char *const mdp_resnet_layouts[];

/* The `image` map of a model's YAML: configuration, geometry and sizes of working memory; no weights. Errors have its line. */
mdp_status mdp_resnet_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                struct mdp_resnet *resnet, struct mdp_error *err);

/* Weights, after that. */
mdp_status mdp_resnet_load(struct mdp_resnet *resnet, const struct mdp_weights *weights,
                           struct mdp_error *err);

/* Of any state: also planned only, or half loaded. */
void mdp_resnet_release(struct mdp_resnet *resnet);

#endif
