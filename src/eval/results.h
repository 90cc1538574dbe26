/* SPDX-License-Identifier: BSD-3-Clause */
/* What an evaluation found: the content of results.json as a struct, for the writers of tables, figures and
   reports.

   Letters: K classes, M metrics, E episodes. A value that is not defined is NaN and has a sentence beside it
   that says why; it is null in every file. */
#ifndef MDP_EVAL_RESULTS_H
#define MDP_EVAL_RESULTS_H

#include "base/pool.h"
#include "base/text.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One line of `provenance` or `environment`. A key "libraries.hdf5" stands in the object "libraries". */
enum mdp_fact_kind {
    MDP_FACT_TEXT,   /* text; NULL is null */
    MDP_FACT_NUMBER, /* number; NaN is null */
    MDP_FACT_COUNT,  /* count */
    MDP_FACT_TEXTS,  /* texts[n] */
    MDP_FACT_COUNTS, /* counts[n] */
};

struct mdp_fact {
    enum mdp_fact_kind kind;
    const char *key;
    const char *text;
    double number;
    size_t count;
    size_t n;
    const char *const *texts; /* [n] */
    const size_t *counts;     /* [n] */
};

/* Mean over the episodes of one method at one number of shots. */
struct mdp_result {
    const char *method; /* "logreg"; shots is 0 for "zero-shot" */
    size_t shots;
    const char *metric;     /* "accuracy", "auc:edema" */
    double mean, std;       /* std over episodes (n - 1), NaN with fewer than two */
    double ci_low, ci_high; /* NaN when not defined */
    size_t n_episodes;      /* of the method at these shots */
    size_t n_defined;       /* of them those in which the metric is defined: the numbers are over these */
    size_t n_test;          /* rows scored in an episode; the smallest when episodes differ */
    size_t n_patients;      /* their patients, counted in the same way; 0 when the store has none */
    const char *definition; /* a sentence: what the metric and the interval are */
    const char *reason;     /* a sentence when mean is NaN, else NULL */
};

/* A paired test of one episode against another method on the same rows. */
struct mdp_episode_test {
    const char *against; /* "zero-shot" */
    const char *metric;  /* "accuracy", "auc:edema" */
    const char *test;    /* "mcnemar-exact", "delong", "delong-clustered" */
    double difference, ci_low, ci_high, p, p_adjusted;
};

struct mdp_episode {
    const char *method;
    const char *group; /* its group in predictions.h5: "k16/s1" */
    size_t shots, seed;
    double c; /* NaN: the method has none */
    size_t n_test, n_patients;
    double *values;       /* [M] */
    const char **reasons; /* [M]; NULL where the value is defined */
    uint64_t *confusion;  /* [K, K]: rows true, columns predicted */
    size_t n_tests;
    struct mdp_episode_test *tests; /* [n_tests] */
};

struct mdp_comparison {
    const char *a, *b; /* methods; difference = a - b */
    size_t shots;      /* of a */
    const char *metric;
    size_t n_episodes, n_defined; /* of a at its shots; those in which the difference is defined */
    double difference, ci_low, ci_high, p, p_adjusted;
    const char *test;   /* "nested-t" */
    const char *reason; /* a sentence when difference is NaN, else NULL */
};

/* One ROC curve: the mean over episodes of the true-positive rate at fixed false-positive rates. */
enum { MDP_ROC_POINTS = 101 }; /* false-positive rates 0, 0.01, ..., 1 */

struct mdp_roc_curve {
    const char *method;
    size_t shots;
    const char *class_name;
    double tpr[MDP_ROC_POINTS]; /* mean */
    double low[MDP_ROC_POINTS]; /* 2.5th and 97.5th percentile over episodes */
    double high[MDP_ROC_POINTS];
};

/* How often something is there, from episode to episode. */
struct mdp_range {
    size_t least, most;
};

/* Takes n in; the first one sets both ends. */
void mdp_range_widen(struct mdp_range *range, bool first, size_t n);
/* "1 test picture", "12 test pictures", "12 to 15 test pictures"; `rest` follows. */
void mdp_text_add_range(struct mdp_text *t, struct mdp_range range, const char *what, const char *rest);

/* What numbers are over. */
struct mdp_over {
    struct mdp_range rows, patients; /* test pictures and patients of an episode; patients 0: not looked at */
};

/* A method at a number of shots: a line of a report's table, and what its numbers are over. */
struct mdp_series {
    const char *method;
    size_t shots;
    bool is_baseline;
    bool is_largest; /* the method's largest number of shots */
    size_t n_episodes;
    struct mdp_over over;
};

/* All strings and arrays are owned by the pool and go with mdp_results_release; {0} is empty. */
struct mdp_results {
    const char *model, *pretrained, *dataset, *task;
    const char *baseline;           /* the method that others are compared with */
    size_t n_classes;               /* K */
    const char *const *class_names; /* [K] */
    size_t n_metrics;               /* M */
    const char *const *metrics;     /* [M], names in table order */
    size_t n_results, n_episodes, n_comparisons, n_curves;
    struct mdp_result *results;         /* by method, shots, metric */
    struct mdp_episode *episodes;       /* in the order of the predictions */
    struct mdp_comparison *comparisons; /* by a, shots, metric */
    struct mdp_roc_curve *curves;       /* by method, shots, class; empty after mdp_results_read */
    size_t n_series;
    struct mdp_series *series; /* in the order of results; these and what follows: mdp_results_find_series */
    struct mdp_over over;      /* of all series */
    struct mdp_over fitted;    /* of all but the baseline's; of that where there is no other */
    bool same_rows;            /* every number is over the very same test pictures */
    size_t n_provenance, n_environment;
    struct mdp_fact *provenance, *environment;
    struct mdp_pool *pool; /* owns what the pointers point to */
};

/* Leaves it empty; an empty one is fine. */
void mdp_results_release(struct mdp_results *results);

/* The entry of (method, shots, metric), or NULL. */
const struct mdp_result *mdp_results_find(const struct mdp_results *results, const char *method, size_t shots,
                                          const char *metric);

/* The comparison of method a at its shots in a metric, or NULL. */
const struct mdp_comparison *mdp_results_find_comparison(const struct mdp_results *results, const char *a,
                                                         size_t shots, const char *metric);

/* The line of the provenance with this key (eval/provenance_keys.h), or NULL. */
const struct mdp_fact *mdp_results_fact(const struct mdp_results *results, const char *key);

/* Fills results->series and what they are over from results, episodes and provenance, in the results' pool. */
mdp_status mdp_results_find_series(struct mdp_results *results, struct mdp_error *err);
/* What a run is about: of the methods that are compared with the baseline the one at the largest number of shots, of equal
   ones the first. NULL without one. */
const struct mdp_series *mdp_results_leading(const struct mdp_results *results);
/* The baseline's, or NULL. */
const struct mdp_series *mdp_results_baseline(const struct mdp_results *results);

/* Copies facts[n] and what they point to. */
mdp_status mdp_pool_facts(struct mdp_pool *pool, const struct mdp_fact facts[], size_t n,
                          struct mdp_fact **copy, struct mdp_error *err);

#endif
