/* SPDX-License-Identifier: BSD-3-Clause */
/* One set of scored rows judged by itself, and against other scores of the same rows: what `eval` prints. */
#ifndef MDP_EVAL_SCORE_TABLE_H
#define MDP_EVAL_SCORE_TABLE_H

#include "eval/metrics/metrics.h"
#include "eval/results.h"
#include "eval/statistics/paired.h"

/* Scores of the same rows by another method. */
struct mdp_rival {
    const char *name; /* stands in the output */
    struct mdp_rows rows;
};

/* What was scored, for the output; NULL and 0: not so. */
struct mdp_scored_what {
    const char *predictions; /* the file of scores, or of probes */
    const char *probe;       /* "logreg/k16/s1" */
    const char *store;
    bool has_patients; /* false: every row stands for itself */
    size_t left_out;   /* rows of the store that the probe has learnt from, and others of their patients */
};

struct mdp_score_table {
    struct mdp_scored_what what; /* its strings are the caller's */
    size_t n, n_patients;
    const char *positive_class;   /* of two classes the second, else NULL; the caller's */
    struct mdp_metric_list asked; /* the metrics that were asked for */
    double *values;               /* [asked.n] */
    const char **reasons;         /* [asked.n]; NULL where the value is defined */
    size_t n_intervals, n_tests;
    struct mdp_named_interval *intervals; /* of accuracy and every auc: */
    struct mdp_episode_test *tests; /* of accuracy and every auc:, against every rival, p_adjusted included */
    struct mdp_pool *pool;
};

/* names[n_names]: metrics as a user writes them; none of them: all of the table. class_names[K] must outlive the
   result, as must the rivals' names and what `what` points to. */
mdp_status mdp_score_table_init(const struct mdp_scored_what *what, const struct mdp_rows *rows,
                                const char *const class_names[], const struct mdp_rival rivals[],
                                size_t n_rivals, const char *const names[], size_t n_names,
                                struct mdp_score_table *table, struct mdp_error *err);
void mdp_score_table_release(struct mdp_score_table *table);

/* {"predictions": ..., "probe": ..., "store": ..., "n": ..., "n_patients": ..., "positive_class": ..., "left_out": ...,
   "metrics": {...}, "reasons": {...}, "intervals": [...], "comparisons": [...]}; null for what is not there. An interval
   of no width has a "remark". */
void mdp_score_table_to_json(const struct mdp_score_table *table, struct mdp_text *out);
/* The same for a reader. */
void mdp_score_table_to_text(const struct mdp_score_table *table, struct mdp_text *out);
/* The results of a run in the same manner: a line a method, number of shots and metric. */
void mdp_results_to_text(const struct mdp_results *results, struct mdp_text *out);

#endif
