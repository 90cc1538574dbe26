/* SPDX-License-Identifier: BSD-3-Clause */
/* What a table is, in a line or two, and what about it is probably not meant: said before any picture is read, because a
   column under another name would be missed only after hours, by `probe`. */
#ifndef MDP_EXTRACT_MANIFEST_SUMMARY_H
#define MDP_EXTRACT_MANIFEST_SUMMARY_H

#include "base/text.h"
#include "extract/job/manifest.h"

#include <stdbool.h>

/* Lines, each ended by a line break; names in them are printable. */
struct mdp_manifest_summary {
    struct mdp_text facts; /* rows, classes with counts, patients, splits; columns that are carried along */
    struct mdp_text warnings; /* empty where nothing looks odd */
};

/* Looks only; nothing here is an error but memory. */
mdp_status mdp_manifest_summary_init(struct mdp_manifest_summary *summary,
                                     const struct mdp_manifest *manifest, struct mdp_error *err);
void mdp_manifest_summary_release(struct mdp_manifest_summary *summary);

/* Whether the second of two classes is called as what nobody looks for is ("normal", "no finding", "control", ...) and the
   first is not: then the other one is probably meant to be the positive one. */
bool mdp_manifest_positive_sounds_normal(const struct mdp_manifest *manifest);

#endif
