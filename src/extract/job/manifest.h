/* SPDX-License-Identifier: BSD-3-Clause */
/* The manifest: which pictures, and what is known of them (docs/FORMATS.md, "Manifest"). It stays in memory
   as a whole; strings point into the text of its file.

   Letters: N rows, T targets, K classes. */
#ifndef MDP_EXTRACT_MANIFEST_H
#define MDP_EXTRACT_MANIFEST_H

#include "base/hash.h"
#include "base/list.h"
#include "base/text.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values of struct mdp_manifest.targets beside 1 (present) and 0 (absent). */
enum { MDP_TARGET_UNCERTAIN = -1, MDP_TARGET_BLANK = -2 };

/* A column that medprobe does not use itself: sex, age, view, site, ... Numbers when every value that is not
   blank is one (blank is NaN), else strings. One of the two arrays is NULL. */
struct mdp_attribute {
    const char *name; /* of the column, with '/' as '_' */
    double *numbers;  /* [N] */
    const char **strings;
};

struct mdp_manifest {
    size_t n;
    const char *file;         /* as it was named */
    char *folder;             /* what relative paths are relative to */
    const char **paths;       /* [N], as in the file */
    const char **ids;         /* [N], unique; the paths without a column `id` */
    const char **patient_ids; /* [N], "" for none; NULL without the column */
    const char **splits;      /* [N], "" for none; NULL without the column */
    int32_t *labels;          /* [N], -1 for none; NULL without a column `label` */
    size_t n_classes;
    const char **class_names; /* [K] */
    int8_t *targets;          /* [N, T]; NULL without --labels */
    size_t n_targets;
    const char **target_names; /* [T] */
    size_t n_attributes;
    struct mdp_attribute *attributes;
    void *owned;
};

struct mdp_manifest_options {
    const char *root;        /* put before relative paths; NULL: the manifest's folder */
    struct mdp_list labels;  /* columns of 1, 0, -1, blank; empty: none */
    struct mdp_list classes; /* order of the classes of `label`; empty: sorted by bytes */
    const char *positive;    /* the class to put second of two, or NULL */
    size_t limit;            /* rows used, from the first; 0: all */
};

/* Reads and checks the whole file. Errors name file, line, column and value. */
mdp_status mdp_manifest_read(const char *path, const struct mdp_manifest_options *options,
                             struct mdp_manifest *manifest, struct mdp_error *err);
void mdp_manifest_release(struct mdp_manifest *manifest);

/* Where the picture of a row lies. */
mdp_status mdp_manifest_locate(const struct mdp_manifest *manifest, size_t row, struct mdp_text *path,
                               struct mdp_error *err);

/* Line of the file where a row begins. */
size_t mdp_manifest_line(const struct mdp_manifest *manifest, size_t row);

/* SHA-256 over everything above but the folder: equal manifests make equal stores. Of one row, and of all. */
mdp_status mdp_manifest_row_sha256(const struct mdp_manifest *manifest, size_t row,
                                   uint8_t digest[MDP_SHA256_SIZE], struct mdp_error *err);
mdp_status mdp_manifest_sha256(const struct mdp_manifest *manifest, char hex[MDP_SHA256_HEX],
                               struct mdp_error *err);

#endif
