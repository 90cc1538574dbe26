/* SPDX-License-Identifier: BSD-3-Clause */
/* Distribution functions by Boost.Math; distributions.cpp is the one file that knows it. Arguments outside a
   distribution's domain give NaN. Lower tails: cdf(x) = P(X <= x); quantile is its inverse. */
#ifndef MDP_BASE_DISTRIBUTIONS_H
#define MDP_BASE_DISTRIBUTIONS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Quantile of the standard normal distribution at p in (0, 1). */
double mdp_normal_quantile(double p);
/* P(|Z| >= |z|). */
double mdp_normal_two_sided(double z);

/* Student's t with df > 0 degrees of freedom, which need not be whole. */
double mdp_t_quantile(double p, double df);
/* P(|T| >= |t|). */
double mdp_t_two_sided(double t, double df);

/* Quantile of the Beta(a, b) distribution at p in [0, 1], a and b above 0. */
double mdp_beta_quantile(double p, double a, double b);

/* P(X <= k) for X ~ Binomial(n, p). */
double mdp_binomial_cdf(double k, double n, double p);

#ifdef __cplusplus
}
#endif
#endif
