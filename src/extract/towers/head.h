/* SPDX-License-Identifier: BSD-3-Clause */
/* What stands behind a pooled vector, as data: a list of steps, each a row operation x[R, in] -> y[R, out]. In a tower's
   section, either the short form

       projection: "visual.proj"          the matrix [D, width] without bias; full name of the tensor
       projection_order: input-output     it is stored [width, D], for use from the right; left out: output-input
       output_width: 512

   or the long one, whose names are full names too, without ".weight" and ".bias":

       head:
         - {linear: "text.proj.0", width: 640, bias: false, activation: gelu}
         - {norm: "text.norm", eps: 1.0e-5}          layer norm over the row
         - {batch_norm: "proj.bn", eps: 1.0e-5, relu: true}   by running mean and variance; then ReLU, if asked for
         - {append: "missing", width: 256}           the tensor's values behind those of the row
         - {linear: "text.proj.2", width: 512}
       output_width: 512

   or neither: the pooled vector is the embedding. A bias is there unless `bias: false`; activations by their names in
   kernels.h. A 1x1 convolution is a linear step (a weight [O, I, 1, 1] is read as [O, I]).

   Letters: R rows, D width of the embedding. */
#ifndef MDP_EXTRACT_HEAD_H
#define MDP_EXTRACT_HEAD_H

#include "base/formats/yaml.h"
#include "extract/kernels/linear.h"
#include "extract/towers/layers.h"
#include "extract/weights/weights.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

enum mdp_head_kind { MDP_HEAD_LINEAR, MDP_HEAD_MATRIX, MDP_HEAD_NORM, MDP_HEAD_BATCH_NORM, MDP_HEAD_APPEND };

struct mdp_head_step {
    enum mdp_head_kind kind;
    const char *name;               /* of its tensors; owned by the YAML and not used after loading */
    size_t in, out;                 /* values of a row */
    bool bias;                      /* LINEAR: it has one */
    bool input_first;               /* MATRIX: stored [in, out] */
    enum mdp_activation activation; /* LINEAR */
    float eps;                      /* NORM, BATCH_NORM */
    bool relu;                      /* BATCH_NORM: ReLU behind it */
    struct mdp_linear linear;       /* LINEAR, MATRIX */
    struct mdp_norm norm;           /* NORM; BATCH_NORM: folded, y = gain x + bias; APPEND: bias */
};

struct mdp_head {
    const struct mdp_kernels *kernels;
    struct mdp_head_step *steps; /* [n], none: features are the pooled vector */
    size_t n;
    size_t in, out; /* width of the pooled vector; D */
    size_t widest;  /* values of the widest row between steps */
};

/* The keys of a tower's section that describe a head; for the list of its known keys. */
#define MDP_HEAD_KEYS "projection", "projection_order", "output_width", "head"

/* From a tower's section; `width` is that of the pooled vector, D is at most `most`. Errors have the line. */
mdp_status mdp_head_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, size_t width,
                              size_t most, struct mdp_head *head, struct mdp_error *err);
/* Packs the weights, by full names. */
mdp_status mdp_head_load(struct mdp_head *head, const struct mdp_weights *weights, struct mdp_error *err);
/* Of any state: also half loaded. */
void mdp_head_release(struct mdp_head *head);

/* Floats of working memory for `rows` rows. */
size_t mdp_head_scratch_size(const struct mdp_head *head, size_t rows);
/* x[rows, in] with row stride ldx -> y[rows, D], row stride D. y overlaps neither x nor scratch. */
void mdp_head_run(const struct mdp_head *head, const float *x, size_t rows, size_t ldx, float *scratch,
                  float *y);

#endif
