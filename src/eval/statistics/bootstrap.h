/* SPDX-License-Identifier: BSD-3-Clause */
/* The patient-cluster bootstrap: patients are drawn with replacement, as many as there are; their rows come
   with them (Field and Welsh 2007, the cluster bootstrap). A resample is a vector of counts. Resample r is
   drawn from the stream (seed, r) alone, so that all methods and episodes meet the same resamples, and the
   bytes do not depend on the number of threads.

   Letters: R resamples in B blocks of L = MDP_RESAMPLES_AT_ONCE (the last one may be used in part), G patients, M
   metrics. */
#ifndef MDP_EVAL_BOOTSTRAP_H
#define MDP_EVAL_BOOTSTRAP_H

#include "eval/metrics/metrics.h"

#include <signal.h>

struct mdp_resamples {
    size_t n, blocks, g; /* R, B, G */
    uint64_t seed;
    const volatile sig_atomic_t *stop; /* not 0: the work ends with MDP_ERR_INTERRUPTED; may be NULL */
    uint8_t
        *kept; /* [B, G, L] counts; NULL when they would take too much memory and are drawn again each time */
};

/* n resamples of g patients. Counts are kept when they take little memory, else drawn again each time. Errors:
   memory, too many. */
mdp_status mdp_resamples_init(struct mdp_resamples *resamples, size_t n, size_t g, uint64_t seed,
                              size_t threads, struct mdp_error *err);
/* Leaves it empty; an empty one is fine. */
void mdp_resamples_release(struct mdp_resamples *resamples);
/* One set of scored rows and what its metrics are in every resample. */
struct mdp_bootstrap_set {
    const struct mdp_sorted_scores *scores; /* its patients are in [0, G) */
    double *values; /* [B * L, M], out; NaN where a metric is not defined in a resample */
};

/* Fills the values of sets[n] in the same resamples. */
mdp_status mdp_bootstrap(const struct mdp_resamples *resamples, const struct mdp_metric_list *list,
                         struct mdp_bootstrap_set sets[], size_t n, size_t threads, struct mdp_error *err);

#endif
