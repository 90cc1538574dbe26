/* SPDX-License-Identifier: BSD-3-Clause */
/* ROC curves of the episodes of a method at a number of shots, averaged: at every false-positive rate of a
   fixed grid the mean of the true-positive rates (vertical averaging, Fawcett 2006, alg. 3) and their
   percentiles. */
#ifndef MDP_EVAL_CURVES_H
#define MDP_EVAL_CURVES_H

#include "eval/metrics/rows.h"
#include "eval/results.h"

struct mdp_curve_set {
    size_t n, capacity;
    struct mdp_curve_episodes *at;
};

/* The curves of one episode, of every class with rows on both sides; of two classes of the second. method and
   class_names must outlive the set. */
mdp_status mdp_curves_add(struct mdp_curve_set *set, const char *method, size_t shots,
                          const struct mdp_rows *rows, const char *const class_names[],
                          struct mdp_error *err);
/* Into results->curves, in the order of results->series, which must be there, and of classes. */
mdp_status mdp_curves_results(const struct mdp_curve_set *set, struct mdp_results *results,
                              struct mdp_error *err);
void mdp_curves_release(struct mdp_curve_set *set);

#endif
