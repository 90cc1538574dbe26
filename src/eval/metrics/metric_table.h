/* SPDX-License-Identifier: BSD-3-Clause */
/* The metrics: a row of mdp_metric_kinds each. A new metric is one row, its function (metric_work.h) in the file of its
   kind, its twin in tests/reference/test_metrics.py and its line in docs/METHODS.md; tests miss each of them. */
#ifndef MDP_EVAL_METRIC_TABLE_H
#define MDP_EVAL_METRIC_TABLE_H

#include "base/pool.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

struct mdp_metric;
struct mdp_metric_work;

/* What must hold of the rows for a metric to be defined; checked for every row set and resample before its function is
   asked. */
enum mdp_metric_needs {
    MDP_NEEDS_NOTHING,
    MDP_NEEDS_EVERY_CLASS,               /* rows of every class */
    MDP_NEEDS_POSITIVES,                 /* rows of its class */
    MDP_NEEDS_BOTH_SIDES,                /* rows of its class and of others */
    MDP_NEEDS_PROBABILITIES,             /* scores that are probabilities */
    MDP_NEEDS_TRUE_AND_PREDICTED_SPREAD, /* more than one class among labels and among predictions */
    MDP_NEEDS_DISAGREEMENT_BY_CHANCE,    /* labels and predictions that are not all one class */
};

/* The intervals and paired tests of one set of rows, without resamples. */
enum mdp_metric_inference {
    MDP_INFERENCE_NONE,
    MDP_INFERENCE_RATE, /* a share of rows: Wilson, Clopper-Pearson; McNemar */
    MDP_INFERENCE_AUC,  /* an area of one class: DeLong, also with patients as clusters */
};

struct mdp_metric_kind {
    const char *name; /* ends in '=' when a parameter follows */
    bool of_class;    /* one for each class, "auc:<class>" */
    enum mdp_metric_needs needs;
    bool in_run;            /* among the metrics of a run; all are given by `eval` */
    double parameter;       /* unless the name gives another */
    double least, most;     /* of its values; INFINITY: no end */
    bool most_is_parameter; /* the parameter instead of `most` */
    enum mdp_metric_inference inference;
    const char *
        headline; /* its title in the table, figure and sentence of a report's result; NULL: it is not there */
    bool leads;   /* of those: the one whose difference to the baseline is shown; one row */
    /* Its key in results.json's `metrics`, and its place there: what CLIP_benchmark's `build` makes a row of. */
    const char *summary_key;
    int summary_place;
    void (*compute)(struct mdp_metric_work *work, const struct mdp_metric *metric, double out[]);
    const char *definition; /* a clause: "share of rows whose predicted class is their label" */
};

extern const struct mdp_metric_kind mdp_metric_kinds[];
extern const size_t mdp_metric_kind_count;

/* The row whose `leads` is set. */
const struct mdp_metric_kind *mdp_metric_leading(void);
/* The row that a metric's full name belongs to ("auc:edema"), or NULL. */
const struct mdp_metric_kind *mdp_metric_kind_find(const char *name);

/* A metric as it is computed. */
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
mdp_status mdp_metric_list_of_run(const char *const class_names[], size_t k, bool all, struct mdp_pool *pool,
                                  struct mdp_metric_list *list, struct mdp_error *err);
/* names[n] as a user writes them; a name without a class asks for all of them. Unknown names are wrong use
   (MDP_ERR_USAGE) with the nearest one. */
mdp_status mdp_metrics_parse(const char *const names[], size_t n, const char *const class_names[], size_t k,
                             struct mdp_pool *pool, struct mdp_metric_list *list, struct mdp_error *err);

/* Its least and largest possible value (INFINITY: none). */
void mdp_metric_range(const struct mdp_metric *metric, double *least, double *most);

#endif
