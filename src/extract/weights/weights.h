/* SPDX-License-Identifier: BSD-3-Clause */
/* Weight files through one interface: name -> dtype, shape, bytes.

   Containers (containers.h) are told apart by their first bytes and mapped; a tensor points into the map. Nothing in a file is executed; every offset, size and stride is checked against
   the file before a tensor is listed.

   Names. Those of a bare state dict are its keys. A dictionary inside the state dict gives its members' names
   a prefix: a Lightning checkpoint {"state_dict": {"fc.weight": ...}} lists "state_dict.fc.weight", and
   mdp_weights_narrow by "state_dict." leaves what a model card calls "fc.weight". */
#ifndef MDP_EXTRACT_WEIGHTS_H
#define MDP_EXTRACT_WEIGHTS_H

#include "base/hash.h"
#include "base/text.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Name (torch's), name in safetensors, bytes of an element. */
#define MDP_DTYPE_LIST(X)                                                                                    \
    X(F32, "float32", "F32", 4)                                                                              \
    X(F16, "float16", "F16", 2)                                                                              \
    X(BF16, "bfloat16", "BF16", 2)                                                                           \
    X(F64, "float64", "F64", 8)                                                                              \
    X(I64, "int64", "I64", 8)                                                                                \
    X(I32, "int32", "I32", 4)                                                                                \
    X(I16, "int16", "I16", 2)                                                                                \
    X(I8, "int8", "I8", 1)                                                                                   \
    X(U8, "uint8", "U8", 1)                                                                                  \
    X(BOOL, "bool", "BOOL", 1)                                                                               \
    X(U16, "uint16", "U16", 2)                                                                               \
    X(U32, "uint32", "U32", 4)                                                                               \
    X(U64, "uint64", "U64", 8)                                                                               \
    X(F8_E4M3, "float8_e4m3fn", "F8_E4M3", 1)                                                                \
    X(F8_E5M2, "float8_e5m2", "F8_E5M2", 1)

enum mdp_dtype {
#define MDP_DTYPE_ENUM(id, torch, safetensors, size) MDP_##id,
    MDP_DTYPE_LIST(MDP_DTYPE_ENUM)
#undef MDP_DTYPE_ENUM
};

#define MDP_DTYPE_ONE(id, torch, safetensors, size) +1
enum { MDP_DTYPE_COUNT = 0 MDP_DTYPE_LIST(MDP_DTYPE_ONE) }; /* how many there are */
#undef MDP_DTYPE_ONE

enum { MDP_MAX_RANK = 8, MDP_MAX_TENSORS = 1 << 18, MDP_MAX_TENSOR_NAME = 1024 };

/* One tensor of a file; a view that lives as long as its struct mdp_weights. */
struct mdp_tensor {
    const char *name;
    enum mdp_dtype dtype;
    size_t rank;
    size_t shape[MDP_MAX_RANK];  /* elements */
    size_t stride[MDP_MAX_RANK]; /* elements; saved transposes have others than row-major files */
    size_t count;                /* elements: the product of the shape */
    bool contiguous;
    const unsigned char *bytes; /* of element [0, ..., 0], little-endian; not aligned */
};

struct mdp_weights; /* a mapped file and its tensors */

/* Maps a regular file, or all those of a checkpoint whose index (*.index.json) it is. Errors name it and say what was found; *weights
   is NULL then. Nothing of the tensors is read, or copied: their pages come when they are used. */
mdp_status mdp_weights_open(const char *path, struct mdp_weights **weights, struct mdp_error *err);
/* The same of bytes[n] in memory, which must outlive it; `path` stands for the file in messages. */
mdp_status mdp_weights_parse(const unsigned char *bytes, size_t n, const char *path,
                             struct mdp_weights **weights, struct mdp_error *err);
void mdp_weights_close(struct mdp_weights *weights);
/* The files' pages need not stay in memory: what is wanted again is read again. For when the towers have packed theirs. */
void mdp_weights_forget(const struct mdp_weights *weights);

/* As it was opened, for messages. */
const char *mdp_weights_path(const struct mdp_weights *weights);
/* The container's name, as its row in weights.c has it. */
const char *mdp_weights_format(const struct mdp_weights *weights);
/* Whether the file begins as one that is read, an index among them; false where it cannot be opened. */
bool mdp_weights_known(const char *path);
/* The kinds of files that are read, in the words of their rows: "A, B and C" where `joint` is "and". */
void mdp_text_add_weight_formats(struct mdp_text *out, const char *joint);

/* Tensors in the file's own order (dictionary order of a state dict). */
size_t mdp_weights_count(const struct mdp_weights *weights);
const struct mdp_tensor *mdp_weights_at(const struct mdp_weights *weights, size_t index);

/* Takes the first of prefixes[n] that a tensor's name begins with; keeps the tensors that do and takes it off them. "" is the
   beginning of every name. An error, which leaves all as it was, when no name begins with any. */
mdp_status mdp_weights_narrow(struct mdp_weights *weights, const char *const prefixes[], size_t n,
                              struct mdp_error *err);

/* How many files there are: more than 1 where an index names several. */
size_t mdp_weights_files(const struct mdp_weights *weights);

/* SHA-256 of a weight file's bytes; of an index, of a line "<sha256>  <name>\n" a file that it names, in order of bytes: what sha256sum
   prints for them. */
mdp_status mdp_weights_sha256_of_file(const char *path, uint8_t digest[MDP_SHA256_SIZE],
                                      struct mdp_error *err);

/* By name; NULL when absent. */
const struct mdp_tensor *mdp_weights_find(const struct mdp_weights *weights, const char *name);

/* The tensor of exactly this name and shape[rank], else an error that names file, tensor, shape found and expected. */
mdp_status mdp_weights_get(const struct mdp_weights *weights, const char *name, size_t rank,
                           const size_t shape[], const struct mdp_tensor **tensor, struct mdp_error *err);

/* All elements in row-major order as float32 (widened or rounded), into out[count]. */
void mdp_tensor_to_f32(const struct mdp_tensor *tensor, float *out);

/* SHA-256 over the elements in row-major order, in the file's dtype: equal for a transposed view and its copy. */
mdp_status mdp_tensor_sha256(const struct mdp_tensor *tensor, uint8_t digest[MDP_SHA256_SIZE],
                             struct mdp_error *err);

/* Tensors that mdp_weights_get or mdp_weights_find gave are marked; this gives the first unmarked one that no
   pattern of `ignorable[n]` matches (patterns are names with * for any run of characters), or NULL. */
const struct mdp_tensor *mdp_weights_first_unused(const struct mdp_weights *weights,
                                                  const char *const ignorable[], size_t n);

/* Whether the tensor mdp_weights_at(weights, i) is marked. */
bool mdp_weights_is_used(const struct mdp_weights *weights, size_t i);

/* Whether `name` fits `pattern`, a name with * for any run of characters. */
bool mdp_name_matches(const char *name, const char *pattern);

/* "[512, 768]", "[]" */
void mdp_shape_to_text(size_t rank, const size_t shape[], struct mdp_text *out);

const char *mdp_dtype_name(enum mdp_dtype dtype); /* "float32", ... */
size_t mdp_dtype_size(enum mdp_dtype dtype);      /* bytes */

#endif
