/* SPDX-License-Identifier: BSD-3-Clause */
/* What a report's tables hold. */
#ifndef MDP_EVAL_REPORT_TABLES_H
#define MDP_EVAL_REPORT_TABLES_H

#include "eval/report/report.h"
#include "eval/report/table.h"

#define MDP_COLUMN_RULE "rule for C"
#define MDP_COLUMN_EPISODES "episodes"
#define MDP_COLUMN_PICTURES "test pictures"
#define MDP_COLUMN_PATIENTS "test patients"

/* Every method at every number of shots of all runs: the metrics of the headline with intervals, the difference of the
   leading one to the baseline with interval and p, the rule for C, and what the numbers are over. */
mdp_status mdp_table_headline(const struct mdp_report_run runs[], size_t n, struct mdp_pool *pool,
                              struct mdp_table *table, struct mdp_error *err);
/* Every metric of one run, a column for every method and number of shots: mean and standard deviation. */
mdp_status mdp_table_metrics(const struct mdp_report_run *run, struct mdp_pool *pool, struct mdp_table *table,
                             struct mdp_error *err);
/* What the metrics of the runs are, in words. */
mdp_status mdp_table_definitions(const struct mdp_report_run runs[], size_t n, struct mdp_pool *pool,
                                 struct mdp_table *table, struct mdp_error *err);
/* Confusion of a series, counts summed over episodes; rows true, columns predicted. */
mdp_status mdp_table_confusion(const struct mdp_results *results, const struct mdp_series *series,
                               struct mdp_pool *pool, struct mdp_table *table, struct mdp_error *err);
/* The counts behind it, into counts[K, K]; gives the number of episodes. */
size_t mdp_report_confusion(const struct mdp_results *results, const struct mdp_series *series,
                            unsigned long long *counts);
/* What the run was made with: every line of `provenance`. */
mdp_status mdp_table_provenance(const struct mdp_report_run *run, struct mdp_pool *pool,
                                struct mdp_table *table, struct mdp_error *err);

/* "0.970 [0.949, 0.991]", "+0.102 [+0.004, +0.200]" with `sign`; without brackets where there is no interval. */
void mdp_text_add_interval(struct mdp_text *t, bool sign, double value, double low, double high);
/* Holm's p: "0.247", "< 0.001"; "no spread" for a difference that nothing can be tested by; nothing without one. */
void mdp_text_add_p(struct mdp_text *t, const struct mdp_comparison *c);
/* Whether the difference is the same in every episode and resample: its interval has no width, and its p is that of the
   formula only. */
bool mdp_report_has_no_spread(const struct mdp_comparison *c);

/* Whether any number of the run has an interval. */
bool mdp_report_has_intervals(const struct mdp_results *results);

/* The text of a provenance fact with this key, or "" (numbers: formatted). The result lives in `pool`. */
const char *mdp_report_fact(const struct mdp_results *results, const char *key, struct mdp_pool *pool);
/* The count of a fact that is one; 0 without it. */
size_t mdp_report_fact_count(const struct mdp_results *results, const char *key);
/* The labelled pictures of the episode that had the fewest, where some class had fewer than `shots` to give
   (--allow-short); 0 where every class gave them. */
size_t mdp_report_fewest_pictures(const struct mdp_results *results, size_t shots);

#endif
