/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of metrics. The metrics themselves stand in one table, metric_table.h.

   Everything is computed on weighted rows: a row counts as often as its patient was drawn, so that a resample
   of patients is a vector of counts and copies nothing. MDP_RESAMPLES_AT_ONCE resamples go through the sorted rows
   together. The value itself is the resample in which every patient stands once.

   Letters: n scored rows, K classes, G patients, M metrics, L = MDP_RESAMPLES_AT_ONCE. */
#ifndef MDP_EVAL_METRICS_H
#define MDP_EVAL_METRICS_H

#include "base/text.h"
#include "eval/metrics/metric_table.h"
#include "eval/metrics/sorted_scores.h"

enum { MDP_RESAMPLES_AT_ONCE = 8 };

/* Scratch memory of one thread, for up to k classes. */
struct mdp_metric_work;
mdp_status mdp_metric_work_new(size_t k, struct mdp_metric_work **work, struct mdp_error *err);
void mdp_metric_work_free(struct mdp_metric_work *work);

/* All metrics in L resamples: weights[G][L] are whole numbers, values[M][L]; NaN where what a metric needs does not hold. */
void mdp_metrics_weighted(const struct mdp_sorted_scores *scores, const struct mdp_metric_list *list,
                          const double (*weights)[MDP_RESAMPLES_AT_ONCE], struct mdp_metric_work *work,
                          double (*values)[MDP_RESAMPLES_AT_ONCE]);

/* All metrics of the rows themselves, values[M]. */
mdp_status mdp_metrics_of(const struct mdp_sorted_scores *scores, const struct mdp_metric_list *list,
                          double values[], struct mdp_error *err);

/* A sentence that says why a metric of these rows is not defined. */
void mdp_metric_reason(const struct mdp_metric *metric, const struct mdp_sorted_scores *scores,
                       const char *const class_names[], struct mdp_text *reason);

/* The values of these rows and, in the pool, the sentence of every one that is NaN: values[M], reasons[M] (NULL where
   the value is defined). */
mdp_status mdp_metrics_explained(const struct mdp_sorted_scores *scores, const struct mdp_metric_list *list,
                                 const char *const class_names[], struct mdp_pool *pool, double values[],
                                 const char *reasons[], struct mdp_error *err);

#endif
