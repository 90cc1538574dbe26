/* SPDX-License-Identifier: BSD-3-Clause */
/* The metrics, in one table (metrics.c): a new metric is one row. docs/METHODS.md has the definitions.

   Everything is computed on weighted rows: a row counts as often as its patient was drawn, so that a resample
   of patients is a vector of counts and copies nothing. MDP_LANES resamples go through the sorted rows
   together. The value itself is the resample in which every patient stands once.

   Letters: n scored rows, K classes, G patients, M metrics, L = MDP_LANES. */
#ifndef MDP_EVAL_METRICS_H
#define MDP_EVAL_METRICS_H

#include "base/text.h"
#include "eval/results.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MDP_LANES = 8 };

struct mdp_metric_kind; /* a row of the table */

struct mdp_metric {
    const struct mdp_metric_kind *kind;
    const char *name;   /* "accuracy", "auc:edema", "sensitivity@specificity=0.90:edema" */
    double parameter;   /* what stands after '=' */
    size_t class_index; /* the metric's class; 0 for metrics of all classes */
};

struct mdp_metric_list {
    size_t n;
    struct mdp_metric *at; /* [n], owned by the pool that they were made with */
};

/* The metrics of a run (all == false) or all of the table, in its order. */
mdp_status mdp_metrics_of_run(const char *const class_names[], size_t k, bool all, struct mdp_pool *pool,
                              struct mdp_metric_list *list, struct mdp_error *err);
/* names[n] as a user writes them; a name without a class asks for all of them. Unknown names are wrong use
   (MDP_ERR_USAGE) with the nearest one. */
mdp_status mdp_metrics_parse(const char *const names[], size_t n, const char *const class_names[], size_t k,
                             struct mdp_pool *pool, struct mdp_metric_list *list, struct mdp_error *err);

/* What a metric is, as a clause: "share of rows whose predicted class is their label". */
const char *mdp_metric_definition(const struct mdp_metric *metric);
/* Its least and largest possible value (INFINITY: none). */
void mdp_metric_range(const struct mdp_metric *metric, double *least, double *most);
bool mdp_metric_is_auc(const struct mdp_metric *metric);      /* "auc:<class>" */
bool mdp_metric_is_accuracy(const struct mdp_metric *metric); /* "accuracy" */

/* Rows to be scored; all arrays stay the caller's and must outlive the struct mdp_scored made of them. */
struct mdp_rows {
    size_t n, k, n_patients;
    const double *scores;     /* [n, K] */
    const int32_t *labels;    /* [n], in [0, K) */
    const uint32_t *patients; /* [n], in [0, G) */
    const int64_t *numbers;   /* [n] row numbers: the order among equal confidences in ece_15_mass */
};

/* Rows with everything sorted and looked up that no resample changes. */
struct mdp_scored;

/* A score that is not finite is an error (MDP_ERR_VALUE, names row number and class number). */
mdp_status mdp_scored_new(const struct mdp_rows *rows, struct mdp_scored **scored, struct mdp_error *err);
void mdp_scored_free(struct mdp_scored *scored);

const struct mdp_rows *mdp_scored_rows(const struct mdp_scored *scored);
/* [n]: the first of equal largest scores. */
const int32_t *mdp_scored_predicted(const struct mdp_scored *scored);
/* counts[K, K]: rows true, columns predicted. */
void mdp_scored_confusion(const struct mdp_scored *scored, uint64_t counts[]);

/* Scratch memory of one thread, for up to k classes. */
struct mdp_metric_work;
mdp_status mdp_metric_work_new(size_t k, struct mdp_metric_work **work, struct mdp_error *err);
void mdp_metric_work_free(struct mdp_metric_work *work);

/* All metrics in L resamples: weights[G][L] are whole numbers, values[M][L]; NaN where a metric is not
   defined. */
void mdp_metrics_weighted(const struct mdp_scored *scored, const struct mdp_metric_list *list,
                          const double (*weights)[MDP_LANES], struct mdp_metric_work *work,
                          double (*values)[MDP_LANES]);

/* All metrics of the rows themselves, values[M]. */
mdp_status mdp_metrics_of(const struct mdp_scored *scored, const struct mdp_metric_list *list,
                          double values[], struct mdp_error *err);

/* A sentence that says why a metric of these rows is not defined. */
void mdp_metric_reason(const struct mdp_metric *metric, const struct mdp_scored *scored,
                       const char *const class_names[], struct mdp_text *reason);

#endif
