/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/statistics/hypothesis.h"

#include "base/memory.h"
#include "base/numbers/distributions.h"

#include <math.h>
#include <stdlib.h>

struct mdp_comparison_test mdp_mcnemar_exact(size_t only_a, size_t only_b, size_t n, double level)
{
    const size_t discordant = only_a + only_b;
    const double rows = (double)n, share = (double)discordant / rows;
    struct mdp_comparison_test t = {((double)only_a - (double)only_b) / rows, 0, 0, 1};

    if (n == 0)
        return (struct mdp_comparison_test){NAN, NAN, NAN, NAN};
    if (discordant == 0)
        return t;
    const size_t fewer = only_a < only_b ? only_a : only_b;
    t.p = fmin(1, 2 * mdp_binomial_cdf((double)fewer, (double)discordant, 0.5));
    const struct mdp_interval of_a = mdp_interval_clopper_pearson(only_a, discordant, level);
    t.low = (2 * of_a.low - 1) * share;
    t.high = (2 * of_a.high - 1) * share;
    return t;
}

static double p_without_variance(double difference)
{
    return difference == 0 ? 1 : 0;
}

struct mdp_comparison_test mdp_z_test(double difference, double variance, double level)
{
    const struct mdp_interval i = mdp_interval_normal(difference, variance, level, -1, 1);
    double p = NAN;

    if (!isnan(i.low))
        p = variance > 0 ? mdp_normal_two_sided(difference / sqrt(variance)) : p_without_variance(difference);
    return (struct mdp_comparison_test){difference, i.low, i.high, p};
}

struct mdp_comparison_test mdp_nested_t_test(double difference, const struct mdp_nested *parts, double level,
                                             double range)
{
    double df, p = NAN;
    const struct mdp_interval i = mdp_interval_nested(difference, parts, level, -range, range);
    const double variance = mdp_nested_variance(parts, &df);

    if (!isnan(i.low))
        p = variance > 0 ? mdp_t_two_sided(difference / sqrt(variance), df) : p_without_variance(difference);
    return (struct mdp_comparison_test){difference, i.low, i.high, p};
}

struct ranked {
    double p;
    size_t at;
};

static int by_p(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    return (x->p > y->p) - (x->p < y->p);
}

mdp_status mdp_holm(const double p[], size_t n, double adjusted[], struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct ranked *ranked = mdp_new_array(n, sizeof *ranked, err, &st);
    size_t m = 0;
    double largest = 0;

    if (!ranked)
        return st;
    for (size_t i = 0; i < n; i++) {
        adjusted[i] = NAN;
        if (!isnan(p[i]))
            ranked[m++] = (struct ranked){p[i], i};
    }
    qsort(ranked, m, sizeof *ranked, by_p);
    for (size_t i = 0; i < m; i++) {
        largest = fmax(largest, fmin(1, (double)(m - i) * ranked[i].p));
        adjusted[ranked[i].at] = largest;
    }
    free(ranked);
    return MDP_OK;
}
