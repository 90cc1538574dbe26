/* SPDX-License-Identifier: BSD-3-Clause */
/* What a reader of one format hands to the door (weights.c): tensors with names of their own, every one
   checked against the bytes it lies in. Private to src/extract/weights. */
#ifndef MDP_EXTRACT_TENSOR_LIST_H
#define MDP_EXTRACT_TENSOR_LIST_H

#include "extract/weights/weights.h"

/* Bytes of one storage: a ZIP entry, a piece of a legacy file, a range of a safetensors file. */
struct mdp_storage {
    const unsigned char *bytes;
    size_t count; /* elements */
};

struct mdp_tensor_list {
    struct mdp_tensor *at; /* [n] */
    size_t n, capacity;
    size_t name_bytes; /* of all names */
};

/* Adds a copy of `tensor` under a copy of name[name_n]; of `tensor`, dtype, rank, shape and stride count. It
   lies in `storage`, `offset` elements from its begin. Refuses: names that are too long, hold a NUL or are
   not UTF-8; sizes whose product overflows; any element outside the storage; too many tensors. */
mdp_status mdp_tensor_list_add(struct mdp_tensor_list *list, const char *name, size_t name_n,
                               const struct mdp_tensor *tensor, const struct mdp_storage *storage,
                               size_t offset, struct mdp_error *err);
void mdp_tensor_list_release(struct mdp_tensor_list *list);

/* stride[rank], in elements, of a row-major tensor of shape[rank]; false when a product overflows. */
bool mdp_row_major(size_t rank, const size_t shape[], size_t stride[]);

#endif
