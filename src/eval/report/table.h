/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of a report as cells of text, made once (report_tables.h) and written in every format: the same numbers
   everywhere. */
#ifndef MDP_EVAL_TABLE_H
#define MDP_EVAL_TABLE_H

#include "base/pool.h"
#include "base/text.h"

#include <stddef.h>

struct mdp_table {
    const char *name;    /* of its files: "headline" */
    const char *title;   /* a line above it */
    const char *caption; /* a sentence below it, or NULL */
    size_t rows, columns;
    size_t text_columns;   /* the first ones are set left, the others are numbers, set right */
    const char **header;   /* [columns] */
    const char **cells;    /* [rows, columns] */
    struct mdp_pool *pool; /* owns the strings; not the table's */
};

/* Room for cells, all of them "", in the table's pool. */
mdp_status mdp_table_make(struct mdp_table *table, size_t rows, size_t columns, struct mdp_error *err);
/* A formatted string in the pool, cut at 511 bytes; an allocation that fails is remembered in *st, and "" given. */
const char *mdp_table_cell(struct mdp_pool *pool, struct mdp_error *err, mdp_status *st, const char *format,
                           ...) MDP_PRINTF(4, 5);
/* Removes the column with this header in place. */
void mdp_table_drop_column(struct mdp_table *table, const char *header);

/* The formats (table_formats.c). */
void mdp_table_to_html(const struct mdp_table *table, struct mdp_text *out);
void mdp_table_to_markdown(const struct mdp_table *table, struct mdp_text *out);
void mdp_table_to_latex(const struct mdp_table *table, struct mdp_text *out);
void mdp_table_to_csv(const struct mdp_table *table, struct mdp_text *out);
/* For a terminal; of more than most_rows rows the first and the last ones. */
void mdp_table_to_text(const struct mdp_table *table, size_t most_rows, struct mdp_text *out);

#endif
