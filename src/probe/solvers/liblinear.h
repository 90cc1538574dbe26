/* SPDX-License-Identifier: BSD-3-Clause */
/* A start for two classes from LIBLINEAR (Fan, Chang, Hsieh, Wang and Lin, JMLR 9, 2008; trust-region Newton
   in the primal, solver L2R_LR). It penalises the intercept, so that it is near the optimum and not at it.
   The dual solvers draw from the process's rand() and are not used. */
#ifndef MDP_PROBE_LIBLINEAR_H
#define MDP_PROBE_LIBLINEAR_H

#include "probe/solvers/logistic.h"

/* The largest n * q that is handed over: LIBLINEAR copies every value into 16 bytes. */
enum { MDP_LIBLINEAR_MAX_VALUES = 1 << 20 };

/* w[q] for a problem of two classes, both present, of at most MDP_LIBLINEAR_MAX_VALUES values. */
mdp_status mdp_liblinear_start(const struct mdp_fit_problem *problem, double c, double w[],
                               struct mdp_error *err);

/* LIBLINEAR's own version, "2.30". */
void mdp_liblinear_version(char text[16]);

#endif
