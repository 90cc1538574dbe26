/* SPDX-License-Identifier: BSD-3-Clause */
/* Paired tests of two methods on the same rows, two-sided; and Holm's adjustment. docs/METHODS.md has the
   formulas and papers. */
#ifndef MDP_EVAL_HYPOTHESIS_H
#define MDP_EVAL_HYPOTHESIS_H

#include "eval/statistics/intervals.h"
#include "medprobe/status.h"

#include <stddef.h>

struct mdp_comparison_test {
    double difference, low, high, p; /* p is NaN when there is no test */
};

/* McNemar's exact test of n rows: `only_a` rows right in a alone, `only_b` in b alone. p = 1 without such
   rows. The difference is of accuracies, a - b; its interval is the exact one given the number of such rows,
   so that it leaves out 0 exactly when p < 1 - level. */
struct mdp_comparison_test mdp_mcnemar_exact(size_t only_a, size_t only_b, size_t n, double level);

/* difference / sqrt(variance) against the normal distribution; interval cut to [-1, 1]. Without variance p =
   1 for no difference and 0 for any; NaN variance: no interval, no p. */
struct mdp_comparison_test mdp_z_test(double difference, double variance, double level);

/* difference / nested standard error against Student's t; interval cut to [-range, range]. */
struct mdp_comparison_test mdp_nested_t_test(double difference, const struct mdp_nested *parts, double level,
                                             double range);

/* Holm 1979: adjusted[n] of p[n]; NaN entries stay NaN and do not count. */
mdp_status mdp_holm(const double p[], size_t n, double adjusted[], struct mdp_error *err);

#endif
