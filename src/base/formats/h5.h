/* SPDX-License-Identifier: BSD-3-Clause */
/* HDF5; hdf5.h itself is known to h5_internal.h and the files h5*.c alone. Files are written without time stamps and
   in a fixed layout, so that the same values are the same bytes; read with every size checked before memory is asked
   for. HDF5's own error stack never reaches the user's screen.

   Names of objects are paths ("/texts/class_names"), "/" is the root. Unless said otherwise a function fails with
   MDP_ERR_MISSING when there is no such object, MDP_ERR_FORMAT when it is of another kind, MDP_ERR_LIMIT when it
   promises more than the file holds, MDP_ERR_UNSUPPORTED for soft and external links and filters that are not read,
   and MDP_ERR_IO when HDF5 cannot read or write. */
#ifndef MDP_BASE_H5_H
#define MDP_BASE_H5_H

#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mdp_h5; /* an open file */

enum mdp_h5_type {
    MDP_H5_F32,
    MDP_H5_F64,
    MDP_H5_I8,
    MDP_H5_I32,
    MDP_H5_I64,
    MDP_H5_U8,
    MDP_H5_U64,
    MDP_H5_STRING
};

enum { MDP_H5_MAX_RANK = 4 };

struct mdp_h5_shape {
    enum mdp_h5_type type; /* the nearest of ours to what is in the file */
    size_t rank;
    size_t dims[MDP_H5_MAX_RANK]; /* [rank] */
};

/* --- open ---------------------------------------------------------------------------------------------------- */

mdp_status mdp_h5_open(const char *path, struct mdp_h5 **file, struct mdp_error *err); /* for reading */
/* A file that appears under its name only when it is complete: it is written as "PATH.tmp". */
mdp_status mdp_h5_create(const char *path, struct mdp_h5 **file, struct mdp_error *err);
/* Closes, syncs and gives the file its name; closes, and leaves nothing, when that fails. The error of a failed
   write shows here at the latest. */
MDP_MUST_USE mdp_status mdp_h5_commit(struct mdp_h5 *file, struct mdp_error *err);
/* Closes; of a file that was created and not committed nothing is left. NULL is fine. */
void mdp_h5_close(struct mdp_h5 *file);

/* --- ask: soft and external links count as absent ------------------------------------------------------------- */

/* Whether a dataset, group or attribute of this name is there. */
bool mdp_h5_has(const struct mdp_h5 *file, const char *name);
bool mdp_h5_attr_has(const struct mdp_h5 *file, const char *object, const char *name);
/* Type and dimensions of a dataset. */
mdp_status mdp_h5_shape_of(const struct mdp_h5 *file, const char *name, struct mdp_h5_shape *shape,
                           struct mdp_error *err);
/* Names of the members of a group in byte order; free with mdp_h5_strings_free. */
mdp_status mdp_h5_members(const struct mdp_h5 *file, const char *group, char ***names, size_t *n,
                          struct mdp_error *err);
/* An error when `name` is reached by a soft or external link; none when it is absent. */
mdp_status mdp_h5_refuse_link(const struct mdp_h5 *file, const char *name, struct mdp_error *err);

/* --- read: values are converted to `type`, but never from floating-point numbers to whole ones ------------------ */

/* Rows [row, row + rows) of a dataset into out[rows, ...]; rows that are not there are MDP_ERR_VALUE. */
mdp_status mdp_h5_read_rows(const struct mdp_h5 *file, const char *name, enum mdp_h5_type type, size_t row,
                            size_t rows, void *out, struct mdp_error *err);
/* All strings of a rank-1 dataset, UTF-8; free with mdp_h5_strings_free. */
mdp_status mdp_h5_read_strings(const struct mdp_h5 *file, const char *name, char ***strings, size_t *n,
                               struct mdp_error *err);
/* The attribute `name` of `object`: exactly n numbers; one string, for free(); all strings, for
   mdp_h5_strings_free. */
mdp_status mdp_h5_attr_read(const struct mdp_h5 *file, const char *object, const char *name,
                            enum mdp_h5_type type, size_t n, void *out, struct mdp_error *err);
mdp_status mdp_h5_attr_read_string(const struct mdp_h5 *file, const char *object, const char *name,
                                   char **value, struct mdp_error *err);
mdp_status mdp_h5_attr_read_strings(const struct mdp_h5 *file, const char *object, const char *name,
                                    char ***strings, size_t *n, struct mdp_error *err);
void mdp_h5_strings_free(char **strings, size_t n); /* NULL is fine */

/* --- write: groups on the way to a dataset are made when needed -------------------------------------------------- */

/* A whole dataset. data: the type's C array in row-major order; strings: const char *const[n], UTF-8. */
MDP_MUST_USE mdp_status mdp_h5_write(struct mdp_h5 *file, const char *name, enum mdp_h5_type type,
                                     size_t rank, const size_t dims[], const void *data,
                                     struct mdp_error *err);
/* A chunked dataset [0.., columns] that grows by rows; columns 0 means rank 1. */
mdp_status mdp_h5_create_growing(struct mdp_h5 *file, const char *name, enum mdp_h5_type type, size_t columns,
                                 struct mdp_error *err);
/* The same [0.., depth, columns], both above 0: a table a row. */
mdp_status mdp_h5_create_growing_tables(struct mdp_h5 *file, const char *name, enum mdp_h5_type type,
                                        size_t depth, size_t columns, struct mdp_error *err);
MDP_MUST_USE mdp_status mdp_h5_append(struct mdp_h5 *file, const char *name, size_t rows, const void *data,
                                      struct mdp_error *err);
/* A second name for a dataset. */
mdp_status mdp_h5_hard_link(struct mdp_h5 *file, const char *existing, const char *name,
                            struct mdp_error *err);
/* An attribute of `object`, which must be there already: [n], a scalar, a string. */
MDP_MUST_USE mdp_status mdp_h5_attr_write(struct mdp_h5 *file, const char *object, const char *name,
                                          enum mdp_h5_type type, size_t n, const void *data,
                                          struct mdp_error *err);
MDP_MUST_USE mdp_status mdp_h5_attr_write_scalar(struct mdp_h5 *file, const char *object, const char *name,
                                                 enum mdp_h5_type type, const void *value,
                                                 struct mdp_error *err);
MDP_MUST_USE mdp_status mdp_h5_attr_write_string(struct mdp_h5 *file, const char *object, const char *name,
                                                 const char *value, struct mdp_error *err);

/* --- rest ---------------------------------------------------------------------------------------------------- */

/* SHA-256 over names, types, shapes and values of all datasets and attributes in fixed order, not over the
   file: a repacked file has the same. 64 hexadecimal digits. */
mdp_status mdp_h5_content_sha256(const struct mdp_h5 *file, char hex[65], struct mdp_error *err);

/* HDF5's own version, "1.10.8". */
void mdp_h5_version(char text[32]);

#endif
