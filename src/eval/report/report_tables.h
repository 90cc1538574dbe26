/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of a report as cells of text, made once and written in every format: the same numbers
 * everywhere. */
#ifndef MDP_EVAL_REPORT_TABLES_H
#define MDP_EVAL_REPORT_TABLES_H

#include "base/text.h"
#include "eval/report/report.h"

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

/* Zero-shot and every method at every number of shots of all runs: accuracy and AUC with intervals, the
   difference of AUC to zero-shot with interval and p, the rule for C. */
mdp_status mdp_table_headline(const struct mdp_report_run runs[], size_t n, struct mdp_pool *pool,
                              struct mdp_table *table, struct mdp_error *err);
/* Every metric of one run, a column for every method and number of shots: mean and standard deviation. */
mdp_status mdp_table_metrics(const struct mdp_report_run *run, struct mdp_pool *pool, struct mdp_table *table,
                             struct mdp_error *err);
/* Confusion of a method at its largest number of shots, counts summed over episodes; rows true, columns
 * predicted. */
mdp_status mdp_table_confusion(const struct mdp_report_run *run, const char *method, size_t shots,
                               struct mdp_pool *pool, struct mdp_table *table, struct mdp_error *err);
/* The counts behind it, into counts[K, K]; gives the number of episodes. */
size_t mdp_report_confusion(const struct mdp_results *results, const char *method, size_t shots,
                            unsigned long long *counts);
/* What the run was made with: every line of `provenance`. */
mdp_status mdp_table_provenance(const struct mdp_report_run *run, struct mdp_pool *pool,
                                struct mdp_table *table, struct mdp_error *err);

/* Removes a column in place. */
void mdp_table_drop_column(struct mdp_table *table, size_t column);

void mdp_table_to_html(const struct mdp_table *table, struct mdp_text *out);
void mdp_table_to_markdown(const struct mdp_table *table, struct mdp_text *out);
void mdp_table_to_latex(const struct mdp_table *table, struct mdp_text *out);
void mdp_table_to_csv(const struct mdp_table *table, struct mdp_text *out);
void mdp_table_to_text(const struct mdp_table *table, size_t most_rows, struct mdp_text *out);

/* `text` escaped for a format; line breaks become spaces. */
void mdp_html_escape(const char *text, struct mdp_text *out);
void mdp_markdown_escape(const char *text, struct mdp_text *out);

/* The text of a provenance or environment fact with this key, or "" (numbers: formatted). The result lives in
 * `pool`. */
const char *mdp_report_fact(const struct mdp_results *results, const char *key, struct mdp_pool *pool);

/* The methods and numbers of shots of a run in the order of its results, without repetition. */
struct mdp_series {
    const char *method;
    size_t shots;
};
mdp_status mdp_report_series(const struct mdp_results *results, struct mdp_pool *pool,
                             struct mdp_series **series, size_t *n, struct mdp_error *err);

#endif
