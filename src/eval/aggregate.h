/* SPDX-License-Identifier: BSD-3-Clause */
/* Episodes in, results and comparisons out: means over the episodes of a method at a number of shots, with
   the nested interval over draws and test patients. docs/METHODS.md has the formulas.

   Letters: M metrics, R resamples. */
#ifndef MDP_EVAL_AGGREGATE_H
#define MDP_EVAL_AGGREGATE_H

#include "eval/metrics/metrics.h"
#include "eval/results.h"

/* One episode. Values of a metric that is not defined are NaN. */
struct mdp_episode_values {
    const struct mdp_episode *episode; /* method, shots, values, reasons, n_test, n_patients */
    const double *resampled;           /* [R, M]; not read when R is 0 */
    const double *baseline; /* [M] of the baseline on the same rows; NULL: the method is not compared */
    const double *baseline_resampled;    /* [R, M] */
    const char *const *baseline_reasons; /* [M] */
};

struct mdp_aggregate;

/* For the metrics of `list` (borrowed), with intervals at MDP_LEVEL from `resamples` of patients (0: over draws only). */
mdp_status mdp_aggregate_new(const struct mdp_metric_list *list, size_t resamples,
                             struct mdp_aggregate **aggregate, struct mdp_error *err);
void mdp_aggregate_free(struct mdp_aggregate *aggregate);

/* Keeps what it needs; sums are taken in the order of the calls. */
mdp_status mdp_aggregate_add(struct mdp_aggregate *aggregate, const struct mdp_episode_values *values,
                             struct mdp_error *err);

/* Fills results, comparisons (against `baseline`, p_adjusted included) and p_adjusted of the episodes' tests.
   Memory comes from the results' pool. */
mdp_status mdp_aggregate_results(const struct mdp_aggregate *aggregate, const char *baseline,
                                 struct mdp_results *results, struct mdp_error *err);

/* Holm's p_adjusted of tests[n], over those with the same metric and test. */
mdp_status mdp_adjust_tests(struct mdp_episode_test tests[], size_t n, struct mdp_error *err);

#endif
