/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/statistics/intervals.h"

#include "base/numbers/distributions.h"

#include <math.h>

static const struct mdp_interval undefined = {NAN, NAN, NAN, NAN};

static double cut(double x, double least, double most)
{
    return x < least ? least : x > most ? most : x;
}

struct mdp_interval mdp_interval_wilson(size_t hits, size_t n, double level)
{
    if (n == 0)
        return undefined;
    const double count = (double)n, p = (double)hits / count;
    const double z = mdp_normal_quantile(0.5 + level / 2), z2 = z * z;
    const double centre = (p + z2 / (2 * count)) / (1 + z2 / count);
    const double half = z / (1 + z2 / count) * sqrt(p * (1 - p) / count + z2 / (4 * count * count));

    /* At the ends the formula gives exactly 0 or 1, but for rounding. */
    return (struct mdp_interval){p, p * (1 - p) / count, hits == 0 ? 0 : cut(centre - half, 0, 1),
                                 hits == n ? 1 : cut(centre + half, 0, 1)};
}

struct mdp_interval mdp_interval_clopper_pearson(size_t hits, size_t n, double level)
{
    if (n == 0)
        return undefined;
    const double count = (double)n, k = (double)hits, p = k / count, tail = (1 - level) / 2;

    return (struct mdp_interval){p, p * (1 - p) / count,
                                 hits == 0 ? 0 : mdp_beta_quantile(tail, k, count - k + 1),
                                 hits == n ? 1 : mdp_beta_quantile(1 - tail, k + 1, count - k)};
}

static struct mdp_interval around(double estimate, double variance, double factor, double least, double most)
{
    if (isnan(estimate) || isnan(variance))
        return (struct mdp_interval){estimate, NAN, NAN, NAN};
    const double half = variance > 0 ? factor * sqrt(variance) : 0;
    return (struct mdp_interval){estimate, variance, cut(estimate - half, least, most),
                                 cut(estimate + half, least, most)};
}

struct mdp_interval mdp_interval_normal(double estimate, double variance, double level, double least,
                                        double most)
{
    return around(estimate, variance, mdp_normal_quantile(0.5 + level / 2), least, most);
}

void mdp_mean_variance(const double values[], size_t n, double *mean, double *variance, size_t *used)
{
    double first = NAN, sum = 0, squares = 0;

    /* Relative to the first value, so that equal values have exactly that mean and no variance. */
    *used = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(values[i]))
            continue;
        first = ++*used == 1 ? values[i] : first;
        sum += values[i] - first;
    }
    *mean = *used ? first + sum / (double)*used : NAN;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            squares += (values[i] - *mean) * (values[i] - *mean);
    *variance = *used > 1 ? squares / (double)(*used - 1) : NAN;
}

double mdp_nested_variance(const struct mdp_nested *parts, double *df)
{
    const double a = isnan(parts->draws) ? 0 : parts->draws;
    const double b = isnan(parts->patients) ? 0 : parts->patients;

    *df = NAN;
    if (isnan(parts->draws) && isnan(parts->patients))
        return NAN;
    const double down = (a > 0 ? a * a / parts->draws_df : 0) + (b > 0 ? b * b / parts->patients_df : 0);
    if (down > 0)
        *df = (a + b) * (a + b) / down;
    return a + b;
}

struct mdp_interval mdp_interval_nested(double estimate, const struct mdp_nested *parts, double level,
                                        double least, double most)
{
    double df;
    const double variance = mdp_nested_variance(parts, &df);

    return around(estimate, variance, isnan(df) ? 0 : mdp_t_quantile(0.5 + level / 2, df), least, most);
}

double mdp_quantile_sorted(const double values[], size_t n, double q)
{
    const double at = q * (double)(n - 1);
    const size_t low = (size_t)at;

    return low + 1 < n ? values[low] + (at - (double)low) * (values[low + 1] - values[low]) : values[n - 1];
}
