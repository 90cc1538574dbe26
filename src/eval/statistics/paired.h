/* SPDX-License-Identifier: BSD-3-Clause */
/* What the scores of one set of rows say by themselves, without resamples: intervals of accuracy and AUC; and
   tests of two methods on the same rows. */
#ifndef MDP_EVAL_PAIRED_H
#define MDP_EVAL_PAIRED_H

#include "eval/metrics/metrics.h"
#include "eval/results.h"
#include "eval/statistics/intervals.h"

/* "wilson" and "clopper-pearson" of accuracy, "delong" and "delong-clustered" of an AUC. */
struct mdp_named_interval {
    const char *metric, *method;
    struct mdp_interval interval;
    const char *remark; /* a sentence on an interval of no width, else NULL */
};

/* The intervals of every metric of the list whose row of the table has some, into out[2 * M]; *n counts them. */
mdp_status mdp_intervals_of(const struct mdp_sorted_scores *scores, const struct mdp_metric_list *list,
                            struct mdp_named_interval out[], size_t *n, struct mdp_error *err);

/* "mcnemar-exact" of a rate, "delong" and "delong-clustered" of an area, for every such metric of the list, into out[2 * M], a
   minus b; `against` is copied as it is, p_adjusted is NaN. Both must hold the same rows in the same order.
 */
mdp_status mdp_paired_tests(const struct mdp_sorted_scores *a, const struct mdp_sorted_scores *b,
                            const struct mdp_metric_list *list, const char *against,
                            struct mdp_episode_test out[], size_t *n, struct mdp_error *err);

#endif
