/* SPDX-License-Identifier: BSD-3-Clause */
/* EfficientNet (Tan and Le, ICML 2019) as transformers runs it in ALIGN (AlignVisionModel) and alone (EfficientNetModel). A stem; stages of
   blocks, each of which widens its pixels, convolves every channel by itself, weighs the channels by what their means say
   (squeeze and excite), and narrows again; the mean over the map; a head. All but a stage's first block add their input.
   Every convolution of the map has a batch norm behind it; the activation is SiLU.

   Letters: H x W map, C channels of a map, E = C * expansion channels inside a block, D width of the embedding. */
#ifndef MDP_EXTRACT_EFFICIENTNET_H
#define MDP_EXTRACT_EFFICIENTNET_H

#include "base/formats/yaml.h"
#include "extract/kernels/conv.h"
#include "extract/kernels/depthwise_conv.h"
#include "extract/towers/head.h"
#include "extract/towers/tower_common.h"

struct mdp_efficientnet_block {
    struct mdp_conv expand;         /* 1x1, C to E; out is 0 where E = C */
    struct mdp_depthwise depthwise; /* k x k */
    struct mdp_conv reduce, excite; /* of one pixel, the means: E to C / 4, and back */
    struct mdp_conv project;        /* 1x1, E to C of the next block */
    bool adds;                      /* its input to its output */
};

struct mdp_efficientnet_stage {
    size_t depth, width, stride, kernel, expansion; /* blocks; C behind it; of the first block; k; E / C */
    struct mdp_efficientnet_block *blocks;
};

struct mdp_efficientnet {
    const char *prefix; /* of the tensors' names; owned by the YAML and not used after loading */
    double eps;         /* of batch norms */
    double squeeze;     /* channels of `reduce`, in parts of C */
    size_t symmetric;   /* the block whose stride-2 window has the same padding on both sides, or SIZE_MAX */
    struct mdp_image_sizes input;
    struct mdp_conv stem; /* 3x3 of stride 2, padded below and right */
    size_t stages;
    struct mdp_efficientnet_stage stage[MDP_MAX_STAGES];
    struct mdp_conv top;  /* 1x1 before the mean; out is 0 without (ALIGN) */
    size_t pixels, width; /* of the last map: H * W, C */
    struct mdp_head head;
    /* Floats of working memory: a map between blocks, one inside a block, gathered rows, a vector of channels. */
    size_t map_size, inner_size, gathered_size, vector_size;
};

/* The `image` map of a model's YAML: configuration, geometry and sizes of working memory; no weights. Errors have its line. */
mdp_status mdp_efficientnet_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                      struct mdp_efficientnet *net, struct mdp_error *err);

/* Weights, after that. */
mdp_status mdp_efficientnet_load(struct mdp_efficientnet *net, const struct mdp_weights *weights,
                                 struct mdp_error *err);

/* Of any state: also planned only, or half loaded. */
void mdp_efficientnet_release(struct mdp_efficientnet *net);

#endif
