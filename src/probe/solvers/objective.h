/* SPDX-License-Identifier: BSD-3-Clause */
/* What a fitted linear probe minimises, so that strengths are chosen and rows gathered in the same way for every one:

       f(W) = C sum_i loss(y_i, W x_i) + |coefficients|^2 / 2     (intercepts are free)

   Letters: n rows, K classes, q = features + 1 columns (the last is 1: the intercept),
   m = 1 model row for two classes (positive = the second class), K for more. */
#ifndef MDP_PROBE_OBJECTIVE_H
#define MDP_PROBE_OBJECTIVE_H

#include "medprobe/status.h"

#include <stddef.h>
#include <stdint.h>

/* m of K classes: the rows of a model. */
static inline size_t mdp_linear_rows(size_t k)
{
    return k == 2 ? 1 : k;
}

struct mdp_fit_problem {
    size_t n, q, k;
    const double *x;  /* [n, q]; the last column is 1 */
    const int32_t *y; /* [n], in [0, K) */
};

struct mdp_objective {
    /* Minimises f from the start w[m, q] (zeros will do) and leaves the optimum there. Every class has a row. */
    mdp_status (*fit)(const struct mdp_fit_problem *problem, double c, double w[], struct mdp_error *err);
    /* Mean loss of logits z[n, m]: by that of rows held out, C is chosen. */
    double (*loss)(const double z[], size_t n, size_t k, const int32_t y[]);
};

#endif
