/* SPDX-License-Identifier: BSD-3-Clause */
/* Intervals. docs/METHODS.md has the formulas and papers.

   `level` is the coverage; low and high are NaN where the interval is not defined. A variance of zero
   gives an interval of zero width. */
#ifndef MDP_EVAL_INTERVALS_H
#define MDP_EVAL_INTERVALS_H

#include <stddef.h>

/* The coverage of everything that is written, as number, as words and as quantiles. */
#define MDP_LEVEL 0.95
#define MDP_LEVEL_TEXT "95 %"
#define MDP_LEVEL_LOW 0.025
#define MDP_LEVEL_HIGH 0.975

struct mdp_interval {
    double estimate, variance, low, high;
};

/* A rate of `hits` in `n` rows. Wilson 1927; Clopper and Pearson 1934. variance: p (1 - p) / n. */
struct mdp_interval mdp_interval_wilson(size_t hits, size_t n, double level);
struct mdp_interval mdp_interval_clopper_pearson(size_t hits, size_t n, double level);

/* estimate -+ z sqrt(variance), cut to [least, most]; not defined when variance is NaN. */
struct mdp_interval mdp_interval_normal(double estimate, double variance, double level, double least,
                                        double most);

/* Mean and sample variance (n - 1; NaN when n < 2) of values[n]; NaN entries are left out, *used counts the
   others. */
void mdp_mean_variance(const double values[], size_t n, double *mean, double *variance, size_t *used);

/* Two independent parts of a variance, each with its degrees of freedom; NaN variance: the part is not there.
 */
struct mdp_nested {
    double draws, draws_df;       /* variance over episodes / E; E - 1 */
    double patients, patients_df; /* patient bootstrap of the mean over episodes; patients - 1 */
};

/* The sum of the parts, its degrees of freedom by Satterthwaite 1946; NaN when no part is there. */
double mdp_nested_variance(const struct mdp_nested *parts, double *df);

/* estimate -+ t sqrt(variance), cut to [least, most]. */
struct mdp_interval mdp_interval_nested(double estimate, const struct mdp_nested *parts, double level,
                                        double least, double most);

/* The q quantile of sorted values[n], n > 0, by straight lines between order statistics (NumPy's default). */
double mdp_quantile_sorted(const double values[], size_t n, double q);

#endif
