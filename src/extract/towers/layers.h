/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading layers of a tower from a weight file: every tensor by its full name and exact shape. */
#ifndef MDP_EXTRACT_LAYERS_H
#define MDP_EXTRACT_LAYERS_H

#include "extract/kernels/linear.h"
#include "extract/weights/weights.h"
#include "medprobe/status.h"

#include <stdbool.h>

/* Where names begin: a file and what stands before every name ("vision_model.model."). */
struct mdp_layer_source {
    const struct mdp_weights *weights;
    const char *prefix;
};

/* The affine part of a layer norm. */
struct mdp_norm {
    float *gain, *bias; /* [C] */
};

/* The tensor of exactly shape[rank] as a new float32 array, *values[product of shape]; the name is prefix, format and
   arguments. A missing one, or one of another shape, is an error that names it. */
mdp_status mdp_tensor_load(const struct mdp_layer_source *source, float **values, size_t rank,
                           const size_t shape[], struct mdp_error *err, const char *format, ...)
    MDP_PRINTF(6, 7);

/* The tensor itself, of exactly shape[rank]: for a look before memory for what is made of it is taken. Errors as above. */
mdp_status mdp_tensor_find(const struct mdp_layer_source *source, const struct mdp_tensor **tensor,
                           size_t rank, const size_t shape[], struct mdp_error *err, const char *format, ...)
    MDP_PRINTF(6, 7);

/* A table of rows, as [rows, columns] with any number of ones before it ([1, 1, C] is one row, so is [C]): *values[*rows,
   columns]. */
mdp_status mdp_table_load(const struct mdp_layer_source *source, const char *name, size_t columns,
                          float **values, size_t *rows, struct mdp_error *err);

/* <name>.weight[C] and <name>.bias[C]. */
mdp_status mdp_norm_load(const struct mdp_layer_source *source, const char *name, size_t columns,
                         struct mdp_norm *norm, struct mdp_error *err);
void mdp_norm_release(struct mdp_norm *norm);

enum { MDP_LAYER_STACK = 3 }; /* most layers that are read as one: query, key, value */

/* <name>.weight[O, I] and, with_bias, <name>.bias[O]. Several names are stacked: one product for query, key
   and value. */
mdp_status mdp_linear_load(const struct mdp_layer_source *source, const char *const names[], size_t n,
                           size_t out, size_t in, bool with_bias, struct mdp_linear *linear,
                           struct mdp_error *err);

#endif
