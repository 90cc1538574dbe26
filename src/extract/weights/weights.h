/* SPDX-License-Identifier: BSD-3-Clause */
/* Weight files through one interface: name -> dtype, shape, bytes.

   Torch zip files, legacy torch files and safetensors are told apart by their first bytes and mapped; a
   tensor points into the map. Nothing in a file is executed; every offset, size and stride is checked against
   the file before a tensor is listed. */
#ifndef MDP_EXTRACT_WEIGHTS_H
#define MDP_EXTRACT_WEIGHTS_H

#include "base/hash.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mdp_dtype { MDP_F32, MDP_F16, MDP_BF16, MDP_F64, MDP_I64, MDP_I32, MDP_I16, MDP_I8, MDP_U8, MDP_BOOL };

enum { MDP_MAX_RANK = 8 };

/* One tensor of a file; a view that lives as long as its struct mdp_weights. */
struct mdp_tensor {
    const char *name;
    enum mdp_dtype dtype;
    size_t rank;
    size_t shape[MDP_MAX_RANK];
    size_t
        stride[MDP_MAX_RANK]; /* elements; row-major files have the usual ones, saved transposes have not */
    size_t count;             /* elements: the product of the shape */
    bool contiguous;
    const unsigned char *bytes; /* of element [0, ..., 0], little-endian; not aligned */
};

struct mdp_weights; /* a mapped file and its tensors */

mdp_status mdp_weights_open(const char *path, struct mdp_weights **weights, struct mdp_error *err);
void mdp_weights_free(struct mdp_weights *weights);

const char *mdp_weights_path(const struct mdp_weights *weights);
const char *mdp_weights_format(
    const struct mdp_weights *weights); /* "torch zip", "legacy torch", "safetensors" */

/* Tensors in the file's own order (dictionary order of a state dict). */
size_t mdp_weights_count(const struct mdp_weights *weights);
const struct mdp_tensor *mdp_weights_at(const struct mdp_weights *weights, size_t index);

/* By name; NULL when absent. */
const struct mdp_tensor *mdp_weights_find(const struct mdp_weights *weights, const char *name);

/* The tensor of exactly this name and shape, else an error that names file, tensor, shape found and expected.
 */
mdp_status mdp_weights_get(const struct mdp_weights *weights, const char *name, size_t rank,
                           const size_t shape[], const struct mdp_tensor **tensor, struct mdp_error *err);

/* All elements in row-major order as float32 (widened or rounded), into out[count]. */
void mdp_tensor_to_f32(const struct mdp_tensor *tensor, float *out);

/* SHA-256 over the elements in row-major order, in the file's dtype: equal for a transposed view and its
 * copy. */
mdp_status mdp_tensor_digest(const struct mdp_tensor *tensor, uint8_t digest[MDP_SHA256_SIZE],
                             struct mdp_error *err);

/* Names every tensor was asked for by mdp_weights_get/find are marked; this gives the first one that no tower
   asked for and that no pattern of `ignorable[n]` matches (patterns are names with * for any run of
   characters), or NULL. */
const struct mdp_tensor *mdp_weights_first_unused(const struct mdp_weights *weights,
                                                  const char *const ignorable[], size_t n);

const char *mdp_dtype_name(enum mdp_dtype dtype); /* "float32", ... */
size_t mdp_dtype_size(enum mdp_dtype dtype);      /* bytes */

#endif
