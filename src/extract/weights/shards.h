/* SPDX-License-Identifier: BSD-3-Clause */
/* A checkpoint in several files, by the index that transformers writes beside them (model.safetensors.index.json,
   pytorch_model.bin.index.json): JSON with a map `weight_map` from the name of a tensor to the file it lies in, in the index's folder.
   Private to src/extract/weights, but for the digest (weights.h). */
#ifndef MDP_EXTRACT_SHARDS_H
#define MDP_EXTRACT_SHARDS_H

#include "base/file.h"
#include "base/formats/json.h"
#include "extract/weights/tensor_list.h"

enum { MDP_MAX_SHARDS = 4096 };

struct mdp_shards {
    struct mdp_json *doc; /* owns every string below */
    const char **files;   /* [n_files] sorted, each once; plain names */
    size_t n_files;
    struct mdp_shard_tensor *tensors; /* [n_tensors] sorted by name */
    size_t n_tensors;
};

struct mdp_shard_tensor {
    const char *name, *file;
    bool found;            /* in this file */
    const char *elsewhere; /* another file that has a tensor of this name, or NULL */
};

/* Whether the beginning is that of a JSON object, of which an index is the only kind that is read as weights. */
bool mdp_shards_is_index(const unsigned char *bytes, size_t n);

/* Reads an index. Refuses names of files that lead elsewhere ('/', '.', '..'), more files than MDP_MAX_SHARDS, more tensors
   than MDP_MAX_TENSORS. Messages do not name the file. */
mdp_status mdp_shards_parse(const unsigned char *bytes, size_t n, struct mdp_shards *shards,
                            struct mdp_error *err);
void mdp_shards_release(struct mdp_shards *shards);

/* Maps the files beside the index `path` and lists the tensors that it names, each from the file it names: files in order, tensors in
   the order of their file. What else the files hold is left out, as transformers does it; a tensor that is not where it should be is an
   error. maps[shards->n_files], empty at first, are closed by the caller, after a failure too. *format is the container of the first. */
mdp_status mdp_shards_read(struct mdp_shards *shards, const char *path, struct mdp_map maps[],
                           struct mdp_tensor_list *list, const char **format, struct mdp_error *err);

#endif
