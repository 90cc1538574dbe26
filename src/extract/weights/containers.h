/* SPDX-License-Identifier: BSD-3-Clause */
/* Containers of weights. A new one is a file with its struct, an `extern` at the end of this header and a row in
   weights.c, at the place that the comment there asks for. tests/unit/test_weights.c and fuzz_weights.c walk the table.
   Private to src/extract/weights. */
#ifndef MDP_EXTRACT_CONTAINERS_H
#define MDP_EXTRACT_CONTAINERS_H

#include "base/formats/json.h"
#include "extract/weights/tensor_list.h"

struct mdp_container {
    const char *name;  /* what mdp_weights_format says */
    const char *words; /* what users call it, in messages and help; rows with the same words stand together */
    /* Whether the file is one, by its first bytes; n may be 0. Says no to what another container's file can be. */
    bool (*is)(const unsigned char *bytes, size_t n);
    /* A whole file, of any bytes: those that is() refuses too. `list` is empty at first. Messages do not name the
       file. */
    mdp_status (*parse)(const unsigned char *bytes, size_t n, struct mdp_tensor_list *list,
                        struct mdp_error *err);
};

extern const struct mdp_container *const mdp_containers[]; /* ends with NULL */

extern const struct mdp_container mdp_torch_zip_container;
extern const struct mdp_container mdp_torch_legacy_container;
extern const struct mdp_container mdp_safetensors_container;

/* Whether the beginning is that of safetensors, and the bytes of the header it speaks of, which may pass the end. */
bool mdp_safetensors_header(const unsigned char *bytes, size_t n, size_t *header);

/* The JSON object at the beginning of a weight file; sizes that would cost much memory are refused. `what` is for messages. */
mdp_status mdp_header_json_parse(const char *text, size_t n, const char *what, struct mdp_json **header,
                                 struct mdp_error *err);

/* A whole file by the container that it is: its tensors into `list`, which is empty at first, and the container's name. Tensors that
   repeat the file's bytes too often are refused. Messages do not name the file. */
mdp_status mdp_container_parse(const unsigned char *bytes, size_t n, struct mdp_tensor_list *list,
                               const char **format, struct mdp_error *err);

#endif
