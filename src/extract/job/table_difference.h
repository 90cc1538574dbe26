/* SPDX-License-Identifier: BSD-3-Clause */
/* In what the table that a finished store was made of differs from the one of this command, told from the store's own
   columns: by line and column where it is a value, by name where it is the classes, targets or columns themselves. */
#ifndef MDP_EXTRACT_TABLE_DIFFERENCE_H
#define MDP_EXTRACT_TABLE_DIFFERENCE_H

#include "base/formats/h5.h"
#include "base/text.h"
#include "extract/job/manifest.h"
#include "medprobe/status.h"

#include <stddef.h>
#include <stdint.h>

/* Which rows of its table a store has a row of: those of failures have none. */
struct mdp_store_rows {
    size_t n;        /* rows of the store */
    size_t *at;      /* [n]: row of the table, ascending */
    size_t n_failed; /* rows of the table that could not be used */
    int64_t *failed; /* [n_failed], ascending */
};

/* Errors: not a store's, out of memory. */
mdp_status mdp_store_rows_init(struct mdp_store_rows *rows, const struct mdp_h5 *store,
                               struct mdp_error *err);
void mdp_store_rows_release(struct mdp_store_rows *rows);

/* Appends to `out` the first difference so that it goes on after "made ": "with another table: line 4 of data.csv: path was
   'a', is 'b'". To be asked when the digests of the tables differ: something is always said. */
mdp_status mdp_table_difference(const struct mdp_h5 *store, const struct mdp_store_rows *rows,
                                const struct mdp_manifest *now, struct mdp_text *out, struct mdp_error *err);

#endif
