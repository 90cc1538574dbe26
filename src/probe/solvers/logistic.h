/* SPDX-License-Identifier: BSD-3-Clause */
/* Logistic regression with an L2 penalty, solved to its optimum.

   Letters: n rows, K classes, q = features + 1 columns (the last is 1: the intercept), m = 1 model row for
   two classes (positive = class 1), K for more.

   Objective, with scikit-learn's meaning of C (the intercept is free):

       f(W) = C sum_i loss(y_i, W x_i) + |coefficients|^2 / 2

   loss: log(1 + exp(-t z)), t = +-1, for two classes; log sum_k exp(z_k) - z_y for more. Both are solved by
   Newton's method with a backtracking line search: two classes by Cholesky factors of the Hessian, more by
   conjugate gradients on Hessian products (truncated Newton; Nocedal and Wright, Numerical Optimization, 2nd
   ed., algorithm 7.1), so that nothing of size (K q)^2 is ever made. */
#ifndef MDP_PROBE_LOGISTIC_H
#define MDP_PROBE_LOGISTIC_H

#include "probe/solvers/objective.h"

/* How a fit went. */
struct mdp_logistic_report {
    size_t steps;    /* Newton steps */
    size_t products; /* Hessian products of all steps; 0 for two classes */
    double gradient; /* |g| / (|coefficients| + C sum_i |residual_i| |x_i|), Euclidean norms */
};

/* A fit has converged when report.gradient is at most this. Objectives are 1-strongly convex in the
   coefficients, so that these are then within |g| of the optimum. */
#define MDP_LOGISTIC_TOLERANCE 1e-10

/* Minimises f from the start w[m, q] (zeros will do) and leaves the optimum there. With more than two classes
   intercepts and every column of coefficients sum to zero over the classes.
   Errors: a class without rows (the optimum does not exist); no convergence. */
mdp_status mdp_logistic_fit(const struct mdp_fit_problem *problem, double c, double w[],
                            struct mdp_logistic_report *report, struct mdp_error *err);

/* Probabilities [n, K] from logits z[n, m]; every row sums to 1. */
void mdp_logistic_probabilities(const double z[], size_t n, size_t k, double probabilities[]);

/* Mean of -log p(y) from logits z[n, m], without clipping. */
double mdp_logistic_loss(const double z[], size_t n, size_t k, const int32_t y[]);

/* The two solvers behind mdp_logistic_fit, with its w[m, q]; classes are checked by it. */
mdp_status mdp_logistic_fit_binary(const struct mdp_fit_problem *problem, double c, double w[],
                                   struct mdp_logistic_report *report, struct mdp_error *err);
mdp_status mdp_logistic_fit_multinomial(const struct mdp_fit_problem *problem, double c, double w[],
                                        struct mdp_logistic_report *report, struct mdp_error *err);

#endif
