/* SPDX-License-Identifier: BSD-3-Clause */
/* Newton's method with a backtracking line search on a convex objective of logits: what the solvers for two classes and for
   more share. Each says what its logits, value, derivatives and steps are.

   Letters: n rows of the problem, q columns, m rows of the model. */
#ifndef MDP_PROBE_NEWTON_H
#define MDP_PROBE_NEWTON_H

#include "probe/solvers/logistic.h"

#include <stdbool.h>

struct mdp_newton {
    const struct mdp_fit_problem *problem;
    double c;
    size_t size, n_logits;           /* m q; n m */
    double *gradient, *step, *trial; /* [m, q] */
    double *z, *z_trial, *along;     /* [n, m]: logits of w, of the trial, of the step */
    double *norms;                   /* [n]: |x_i| */
};

/* What a solver adds; `fit` is its own struct, which begins with a struct mdp_newton. */
struct mdp_newton_steps {
    size_t most;                                                                  /* steps */
    void (*logits)(const struct mdp_newton *fit, const double v[], double out[]); /* out[n, m] = X v^T */
    double (*objective)(const struct mdp_newton *fit, const double w[], const double z[]);
    /* Gradient at w with the logits fit->z; returns its size as mdp_logistic_report means it. */
    double (*differentiate)(struct mdp_newton *fit, const double w[]);
    /* fit->step from fit->gradient, whose relative size is given; false: there is none. */
    bool (*find_step)(struct mdp_newton *fit, double gradient, struct mdp_logistic_report *report);
    /* Slope of the objective along the step, at w and its logits z. */
    double (*slope)(struct mdp_newton *fit, const double w[], const double z[]);
};

/* m: mdp_linear_rows of the problem's classes. On failure nothing is left to release. */
mdp_status mdp_newton_init(struct mdp_newton *newton, const struct mdp_fit_problem *problem, double c,
                           struct mdp_error *err);
void mdp_newton_release(struct mdp_newton *newton);

/* From w[m, q] to the optimum. MDP_ERR_VALUE when the gradient is not at most MDP_LOGISTIC_TOLERANCE after the last step that
   can be made. */
mdp_status mdp_newton_minimise(struct mdp_newton *fit, const struct mdp_newton_steps *steps, double w[],
                               struct mdp_logistic_report *report, struct mdp_error *err);

#endif
