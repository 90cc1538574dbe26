/* SPDX-License-Identifier: BSD-3-Clause */
/* The door of the eval stage: predictions and labels in, results out.

       struct mdp_eval_input in = {.source = ..., .n_rows = info->n, .labels = info->labels, ...};
       TRY(mdp_evaluate(&in, &mdp_eval_defaults, &results, err));
       TRY(mdp_results_write("results/tb", &results, err));          eval/results_file.h

   Letters: N rows of the store, K classes, P predictions (a method in an episode). */
#ifndef MDP_EVAL_EVALUATE_H
#define MDP_EVAL_EVALUATE_H

#include "base/exchange/predictions.h"
#include "eval/results.h"

#include <signal.h>

/* Gives prediction i of [0, n). What it gives stays valid until the next call; it is asked for every
   prediction twice, in order, and in between for the first zero-shot one once more, so that a file can be read piece by piece. */
struct mdp_prediction_source {
    size_t n;
    mdp_status (*get)(void *context, size_t i, const struct mdp_prediction **prediction,
                      struct mdp_error *err);
    void *context;
};

/* The method that the others are compared with, where there are predictions of it. */
#define MDP_BASELINE "zero-shot"

struct mdp_eval_input {
    struct mdp_prediction_source source;
    size_t n_rows;         /* N */
    const int32_t *labels; /* [N], -1 = none: such a row among the scored ones is an error */
    const uint32_t
        *patients;    /* [N] below N: number of the row's patient. NULL: patients are not looked at, every row
                                 stands for itself, and n_patients of the results is 0 */
    size_t n_classes; /* K, at least 2 */
    const char *const *class_names; /* [K] */
    const char *model, *pretrained, *dataset;
    size_t n_provenance;
    const struct mdp_fact *provenance; /* [n_provenance], copied, in this order */
    size_t n_environment;
    const struct mdp_fact *environment; /* [n_environment], copied */
};

struct mdp_eval_options {
    size_t resamples; /* of patients, for the intervals; 0: no intervals */
    uint64_t seed;    /* of the resamples */
    size_t threads;
    const volatile sig_atomic_t *stop; /* not 0: end in order with MDP_ERR_INTERRUPTED; may be NULL */
};

extern const struct mdp_eval_options mdp_eval_defaults; /* 1000 resamples of seed 0, one thread */

/* Scores every prediction and fills *results. Errors (MDP_ERR_VALUE) name the prediction and row: a row outside the
   store, one without a label, a score that is not finite; MDP_ERR_INTERRUPTED when options->stop asked for it. */
mdp_status mdp_evaluate(const struct mdp_eval_input *in, const struct mdp_eval_options *options,
                        struct mdp_results *results, struct mdp_error *err);

#endif
