/* SPDX-License-Identifier: BSD-3-Clause */
/* The rule for C: where a probe's strength of regularisation comes from (docs/METHODS.md, "The rule for C").

   Letters: n rows of the support, D features, K classes. */
#ifndef MDP_PROBE_SELECT_H
#define MDP_PROBE_SELECT_H

#include "probe/solvers/logistic.h"
#include "probe/solvers/span.h"

#include <stdbool.h>

enum mdp_c_rule {
    MDP_C_FIXED,      /* the user's C */
    MDP_C_SUPPORT_CV, /* folds inside the support */
    MDP_C_VAL_SHOTS,  /* the val set drawn with the episode */
    MDP_C_ORACLE,     /* the whole val split: more labels than the shots say */
};

/* The names of the rules in this order, then NULL. */
extern const char *const mdp_c_rule_names[];

/* C of a rule that has nothing to choose by. */
#define MDP_C_DEFAULT 1.0

enum { MDP_C_COUNT = 13 };
/* Candidate i of [0, MDP_C_COUNT): 10^(-3 + i / 2). */
double mdp_c_candidate(size_t i);

/* The candidate with the smallest loss. Losses that differ by at most one part in 10^9 are equal; of equal
   ones the smallest C. A loss that is not finite is never chosen unless all are. */
size_t mdp_c_choose(const double loss[MDP_C_COUNT]);

/* Mean over folds of the mean log loss of the rows held out, for every candidate. Folds whose training part
   lacks a class are left out; *used is how many were not. */
mdp_status mdp_c_losses_by_folds(const struct mdp_span *support, const int32_t labels[], size_t k,
                                 const size_t fold[], size_t n_folds, double loss[MDP_C_COUNT], size_t *used,
                                 struct mdp_error *err);

/* Mean log loss of held-out rows x[n_held, D] of a fit on the whole support, for every candidate. */
mdp_status mdp_c_losses_held_out(const struct mdp_span *support, const int32_t labels[], size_t k,
                                 const float x[], const int32_t held_labels[], size_t n_held,
                                 double loss[MDP_C_COUNT], struct mdp_error *err);

#endif
