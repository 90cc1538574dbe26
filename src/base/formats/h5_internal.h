/* SPDX-License-Identifier: BSD-3-Clause */
/* What the h5_*.c files share, and the only place that knows hdf5.h. Handles (hid_t) never leave these files. */
#ifndef MDP_BASE_H5_INTERNAL_H
#define MDP_BASE_H5_INTERNAL_H

#include "base/formats/h5.h"
#include "base/text.h"

/* The calls as HDF5 1.10 (Debian 12) has them; later versions keep them under this macro. */
#define H5_USE_110_API
#include <hdf5.h>

struct mdp_map;
struct mdp_h5_heaps; /* h5_heaps.c */

enum {
    MDP_H5_BLOCK = 1 << 20, /* bytes read or hashed at once */
    MDP_H5_SLACK = 1 << 20, /* bytes that a file may declare without holding them: unwritten chunks */
};

/* A dataset that is being appended to, or that was read last. */
struct mdp_h5_dataset {
    char *name;
    hid_t id; /* -1: none */
    enum mdp_h5_type type;
    int rank;          /* of one that grows, as the next */
    hsize_t extent[3]; /* rows so far first */
};

struct mdp_h5 {
    hid_t id;
    char *path;
    char *
        temporary; /* where a file that is being made is written, until commit gives it its name; else NULL */
    size_t size;   /* bytes of the file when it was opened for reading */
    struct mdp_h5_dataset *growing; /* [n_growing] */
    size_t n_growing, growing_capacity;
    struct mdp_h5_heaps *heaps;  /* strings of variable length, once some were read */
    struct mdp_h5_dataset *last; /* the dataset read last stays open: rows are often asked for one by one */
};

/* --- h5.c --- */

/* "FILE: cannot WHAT NAME (HDF5's reason)"; name may be NULL. Clears HDF5's error stack. */
mdp_status mdp_h5_fail(const struct mdp_h5 *file, const char *what, const char *name, struct mdp_error *err);

/* --- h5_types.c: ours and HDF5's; every hid_t is for H5Tclose --- */

hid_t mdp_h5_file_type(enum mdp_h5_type type);   /* little-endian, in files and content hashes */
hid_t mdp_h5_memory_type(enum mdp_h5_type type); /* the machine's own */
size_t mdp_h5_type_size(enum mdp_h5_type type);  /* bytes of an element in the file */
bool mdp_h5_is_float(enum mdp_h5_type type);     /* 16, 32 or 64 bits */
/* The nearest of our types that holds every value of an HDF5 type; false for compounds, references, ... */
bool mdp_h5_nearest_type(hid_t type, enum mdp_h5_type *out);

/* --- h5_dataset.c: opening, everything that a hostile file could promise checked --- */

/* Every link on the way to `name` must be a hard link: soft and external ones can lead out of the file. */
mdp_status mdp_h5_check_links(const struct mdp_h5 *file, const char *name, struct mdp_error *err);
/* An open handle, which stays with file->last, and its shape. */
mdp_status mdp_h5_dataset_open(const struct mdp_h5 *file, const char *name, hid_t *dataset,
                               struct mdp_h5_shape *shape, struct mdp_error *err);
/* False when HDF5 could not write what was left; an empty one may be closed. */
bool mdp_h5_dataset_close(struct mdp_h5_dataset *dataset);
/* Type and dimensions of a dataset or attribute (`name`, for messages); *bytes: all elements as stored. */
mdp_status mdp_h5_shape_from_space(const struct mdp_h5 *file, const char *name, hid_t space, hid_t type,
                                   struct mdp_h5_shape *shape, size_t *bytes, struct mdp_error *err);
/* dims[0] (1 for a scalar), the product of the other dimensions, and of all. */
size_t mdp_h5_row_count(const struct mdp_h5_shape *shape);
size_t mdp_h5_row_elements(const struct mdp_h5_shape *shape);
size_t mdp_h5_element_count(const struct mdp_h5_shape *shape);

/* --- h5_read.c --- */

/* Rows [row, row + rows) as `memory`, an HDF5 type, with `transfer` options, into out[rows, ...]. */
mdp_status mdp_h5_read_block(const struct mdp_h5 *file, const char *name, hid_t dataset,
                             const struct mdp_h5_shape *shape, hid_t memory, hid_t transfer, size_t row,
                             size_t rows, void *out, struct mdp_error *err);
/* Names of the members of a group, or of the attributes of an object, in byte order; for mdp_h5_strings_free. */
mdp_status mdp_h5_list_names(const struct mdp_h5 *file, const char *object, bool attributes, char ***names,
                             size_t *n, struct mdp_error *err);

/* --- h5_strings.c --- */

/* Strings one after the other in one block; the array given out has one entry more, which owns the block. */
struct mdp_h5_strings {
    struct mdp_text bytes; /* each with its NUL */
    size_t *at;            /* [n] places in bytes */
    size_t n, capacity;
    bool any_bytes; /* not only UTF-8 */
};

/* Leaves it empty; an empty one is fine. */
void mdp_h5_strings_release(struct mdp_h5_strings *strings);
/* text[n] as the next string. */
mdp_status mdp_h5_strings_add(struct mdp_h5_strings *strings, const char *text, size_t n,
                              struct mdp_error *err);
/* `count` elements of `block`, read as the HDF5 type `type`. A content hash takes any bytes, readers get UTF-8. */
mdp_status mdp_h5_strings_add_block(const struct mdp_h5 *file, const char *name, hid_t type,
                                    const void *block, size_t count, struct mdp_h5_strings *out,
                                    struct mdp_error *err);
/* All of a dataset of rank 0 or 1. */
mdp_status mdp_h5_strings_read(const struct mdp_h5 *file, const char *name, hid_t dataset,
                               const struct mdp_h5_shape *shape, struct mdp_h5_strings *out,
                               struct mdp_error *err);
/* Moves them to an array for mdp_h5_strings_free. */
mdp_status mdp_h5_strings_give(struct mdp_h5_strings *strings, char ***out, size_t *n, struct mdp_error *err);

/* --- h5_heaps.c: what the file says of strings of variable length, checked before HDF5 believes it --- */

/* No heap promises more bytes than the file has. */
mdp_status mdp_h5_heaps_check(const char *path, const struct mdp_map *map, struct mdp_error *err);
/* Every string of a dataset of rank 1 is in a heap of the file. */
mdp_status mdp_h5_heaps_check_references(const struct mdp_h5 *file, const char *name, hid_t dataset,
                                         size_t rows, struct mdp_error *err);
/* Every heap of the file is whole: asked for attributes, whose strings cannot be seen from outside. */
mdp_status mdp_h5_heaps_check_whole(const struct mdp_h5 *file, const char *label, struct mdp_error *err);
void mdp_h5_heaps_free(struct mdp_h5_heaps *heaps); /* NULL is fine */

/* --- h5_attr.c --- */

/* Opens an attribute (for H5Aclose; -1 on failure); `label` becomes "attribute NAME of OBJECT" for messages. */
mdp_status mdp_h5_attr_open(const struct mdp_h5 *file, const char *object, const char *name, hid_t *attribute,
                            struct mdp_h5_shape *shape, struct mdp_text *label, struct mdp_error *err);
/* All strings of an open attribute. */
mdp_status mdp_h5_attr_strings(const struct mdp_h5 *file, const char *label, hid_t attribute,
                               const struct mdp_h5_shape *shape, struct mdp_h5_strings *list,
                               struct mdp_error *err);

#endif
