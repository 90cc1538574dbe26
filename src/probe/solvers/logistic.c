/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/solvers/logistic.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static mdp_status check_classes(const struct mdp_fit_problem *p, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    bool *present = mdp_new_array(p->k, sizeof *present, err, &st);

    if (!present)
        return st;
    for (size_t i = 0; i < p->n; i++) {
        assert(p->y[i] >= 0 && (size_t)p->y[i] < p->k);
        present[p->y[i]] = true;
    }
    for (size_t k = 0; k < p->k && st == MDP_OK; k++)
        if (!present[k])
            st = mdp_fail(err, MDP_ERR_VALUE, "no row of class %zu of %zu: there is no best fit", k, p->k);
    free(present);
    return st;
}

mdp_status mdp_logistic_fit(const struct mdp_fit_problem *problem, double c, double w[],
                            struct mdp_logistic_report *report, struct mdp_error *err)
{
    assert(problem->k >= 2 && problem->q >= 1 && c > 0);
    *report = (struct mdp_logistic_report){.gradient = NAN};
    mdp_status st = check_classes(problem, err);
    if (st != MDP_OK)
        return st;
    return problem->k == 2 ? mdp_logistic_fit_binary(problem, c, w, report, err)
                           : mdp_logistic_fit_multinomial(problem, c, w, report, err);
}

static double logistic(double z)
{
    return z >= 0 ? 1.0 / (1.0 + exp(-z)) : exp(z) / (1.0 + exp(z));
}

static double softplus(double z)
{
    return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
}

/* -log p(y): log sum_j exp(z_j - z_y), to its last digits also when it is near 0. */
static double class_loss(const double z[], size_t k, size_t y)
{
    double largest = z[y], sum = 0.0;

    for (size_t j = 0; j < k; j++)
        largest = fmax(largest, z[j]);
    for (size_t j = 0; j < k; j++)
        if (j != y)
            sum += exp(z[j] - largest);
    return largest > z[y] ? largest - z[y] + log(sum + exp(z[y] - largest)) : log1p(sum);
}

void mdp_logistic_probabilities(const double z[], size_t n, size_t k, double probabilities[])
{
    for (size_t i = 0; i < n; i++) {
        double *row = probabilities + i * k;
        if (k == 2) {
            row[0] = logistic(-z[i]);
            row[1] = logistic(z[i]);
            continue;
        }
        const double *logits = z + i * k;
        double largest = logits[0], sum = 0.0;
        for (size_t j = 1; j < k; j++)
            largest = fmax(largest, logits[j]);
        for (size_t j = 0; j < k; j++)
            sum += row[j] = exp(logits[j] - largest);
        for (size_t j = 0; j < k; j++)
            row[j] /= sum;
    }
}

double mdp_logistic_loss(const double z[], size_t n, size_t k, const int32_t y[])
{
    double sum = 0.0;

    for (size_t i = 0; i < n; i++)
        sum += k == 2 ? softplus(y[i] ? -z[i] : z[i]) : class_loss(z + i * k, k, (size_t)y[i]);
    return sum / (double)n;
}
