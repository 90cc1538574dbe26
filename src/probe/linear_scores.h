/* SPDX-License-Identifier: BSD-3-Clause */
/* From the weights of a linear model to scores: logits, and what a method makes of them (its link).

   Letters: n rows, D features, K classes, m = 1 model row for two classes (positive = the second class), K for more. */
#ifndef MDP_PROBE_LINEAR_SCORES_H
#define MDP_PROBE_LINEAR_SCORES_H

#include "probe/solvers/objective.h"

/* Logits z[n, m] = coef[m, D] x + intercept, in double, of the rows x[slots[0]], x[slots[1]], ... of x[.., D], or of the
   first n when slots is NULL. */
mdp_status mdp_linear_logits(const float x[], const size_t slots[], size_t n, size_t d, const double coef[],
                             const double intercept[], size_t m, double z[], struct mdp_error *err);

/* What becomes of logits. A new one is a row of the table in linear_scores.c. */
enum mdp_link {
    MDP_LINK_LOGISTIC, /* probabilities: logistic function, softmax */
    MDP_LINK_NONE,     /* the logits themselves; -z and z for two classes */
    MDP_LINK_COUNT
};

/* The word for a link in probes.h5: "logistic", "none". */
const char *mdp_link_name(enum mdp_link link);
/* MDP_ERR_UNSUPPORTED for a word that is none of them, with those there are. */
mdp_status mdp_link_find(const char *name, enum mdp_link *link, struct mdp_error *err);

/* Scores [n, K] of logits z[n, m]. */
void mdp_link_scores(enum mdp_link link, const double z[], size_t n, size_t k, double scores[]);

#endif
