/* SPDX-License-Identifier: BSD-3-Clause */
/* DenseNet (Huang et al., CVPR 2017) as torchvision and torchxrayvision run it: a stem, dense blocks with transitions between them, a
   last norm and ReLU, the mean over the map, a head. A layer of a block puts `growth` channels behind those that are there:
   conv3x3(relu(norm(conv1x1(relu(norm(x)))))). A transition is conv1x1(relu(norm(x))) to half the channels, then a mean of 2x2.

   Letters: H x W map, C channels of a map, D width of the embedding. */
#ifndef MDP_EXTRACT_DENSENET_H
#define MDP_EXTRACT_DENSENET_H

#include "base/formats/yaml.h"
#include "extract/kernels/conv.h"
#include "extract/towers/head.h"
#include "extract/towers/tower_common.h"

enum { MDP_DENSENET_ROWS = 192 }; /* pixels whose norm and product follow each other in the cache */

struct mdp_densenet_layer {
    struct mdp_norm norm;    /* [C], as gain and bias */
    struct mdp_conv squeeze; /* 1x1, C to inner_width; the second norm is folded in */
    struct mdp_conv grow;    /* 3x3, inner_width to growth */
};

/* A dense block and what follows it: a transition, or behind the last one the last norm alone. */
struct mdp_densenet_stage {
    size_t depth, channels, pixels; /* layers; C behind the block; H * W */
    struct mdp_densenet_layer *layers;
    struct mdp_norm norm;   /* [C] */
    struct mdp_conv halve;  /* 1x1 */
    struct mdp_window mean; /* of 2x2 */
};

struct mdp_densenet {
    const char *prefix; /* of the tensors' names; owned by the YAML and not used after loading */
    double eps;         /* of batch norms */
    struct mdp_image_sizes input;
    size_t stem_width, growth, inner_width;
    struct mdp_conv stem; /* 7x7 of stride 2 */
    struct mdp_window stem_pool;
    size_t stages;
    struct mdp_densenet_stage stage[MDP_MAX_STAGES];
    struct mdp_head head;
    /* Floats of working memory: a block's map, what is inside a layer, a map before it is widened, gathered rows, normed rows. */
    size_t map_size, inner_size, small_size, gathered_size, normed_size;
};

/* The `image` map of a model's YAML: configuration, geometry and sizes of working memory; no weights. Errors have its line. */
mdp_status mdp_densenet_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                  struct mdp_densenet *densenet, struct mdp_error *err);

/* Weights, after that. */
mdp_status mdp_densenet_load(struct mdp_densenet *densenet, const struct mdp_weights *weights,
                             struct mdp_error *err);

/* Of any state: also planned only, or half loaded. */
void mdp_densenet_release(struct mdp_densenet *densenet);

#endif
