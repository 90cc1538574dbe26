/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/c_rule.h"

#include "base/memory.h"
#include "base/numbers/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const mdp_c_rule_names[] = {"fixed", "support-cv", "val-shots", "oracle", NULL};

double mdp_c_candidate(size_t i)
{
    static const double candidates[MDP_C_COUNT] = {1e-3, 0.0031622776601683794, 1e-2, 0.03162277660168379,
                                                   1e-1, 0.31622776601683794,   1e0,  3.1622776601683795,
                                                   1e1,  31.622776601683793,    1e2,  316.22776601683796,
                                                   1e3};
    return candidates[i];
}

size_t mdp_c_choose(const double loss[MDP_C_COUNT])
{
    size_t best = 0;

    for (size_t i = 1; i < MDP_C_COUNT; i++)
        if (isfinite(loss[i]) && (!isfinite(loss[best]) || loss[i] < loss[best] * (1.0 - 1e-9)))
            best = i;
    return best;
}

/* Rows of the support inside (`held` false) or outside a fold's training part. */
struct part {
    double *x;  /* [n, q] */
    int32_t *y; /* [n] */
    size_t n;
};

static void take_part(const struct mdp_span *support, const int32_t labels[], const size_t fold[],
                      size_t which, bool held, struct part *part)
{
    size_t q = support->r + 1;

    part->n = 0;
    for (size_t i = 0; i < support->n; i++) {
        if ((fold[i] == which) != held)
            continue;
        memcpy(part->x + part->n * q, support->z + i * q, q * sizeof *part->x);
        part->y[part->n++] = labels[i];
    }
}

static bool has_every_class(const struct part *part, size_t k)
{
    for (size_t c = 0; c < k; c++) {
        bool found = false;
        for (size_t i = 0; i < part->n && !found; i++)
            found = (size_t)part->y[i] == c;
        if (!found)
            return false;
    }
    return part->n > 0;
}

/* Adds the held-out loss of every candidate; fits go from the smallest C up, each starting at the one before.
 */
static mdp_status add_fold_losses(const struct part *train, const struct part *held, size_t q, size_t k,
                                  double w[], double z[], double loss[MDP_C_COUNT], struct mdp_error *err)
{
    const struct mdp_logistic problem = {.n = train->n, .q = q, .k = k, .x = train->x, .y = train->y};
    struct mdp_logistic_report report;
    size_t m = mdp_logistic_rows(k);
    mdp_status st = MDP_OK;

    memset(w, 0, m * q * sizeof *w);
    for (size_t i = 0; i < MDP_C_COUNT && st == MDP_OK; i++) {
        st = mdp_logistic_fit(&problem, mdp_c_candidate(i), w, &report, err);
        if (st != MDP_OK)
            break;
        mdp_blas_dgemm(false, true, held->n, m, q, 1.0, held->x, q, w, q, 0.0, z, m);
        loss[i] += mdp_logistic_loss(z, held->n, k, held->y);
    }
    return st;
}

mdp_status mdp_c_losses_by_folds(const struct mdp_span *support, const int32_t labels[], size_t k,
                                 const size_t fold[], size_t n_folds, double loss[MDP_C_COUNT], size_t *used,
                                 struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t n = support->n, q = support->r + 1, m = mdp_logistic_rows(k);
    struct part train = {0}, held = {0};

    *used = 0;
    memset(loss, 0, MDP_C_COUNT * sizeof *loss);
    train.x = mdp_new_array(n * q, sizeof *train.x, err, &st);
    train.y = mdp_new_array(n, sizeof *train.y, err, &st);
    held.x = mdp_new_array(n * q, sizeof *held.x, err, &st);
    held.y = mdp_new_array(n, sizeof *held.y, err, &st);
    double *w = mdp_new_array(m * q, sizeof *w, err, &st);
    double *z = mdp_new_array(n * m, sizeof *z, err, &st);
    for (size_t f = 0; f < n_folds && st == MDP_OK; f++) {
        take_part(support, labels, fold, f, false, &train);
        take_part(support, labels, fold, f, true, &held);
        if (held.n == 0 || !has_every_class(&train, k))
            continue;
        ++*used;
        st = add_fold_losses(&train, &held, q, k, w, z, loss, err);
    }
    for (size_t i = 0; i < MDP_C_COUNT && *used; i++)
        loss[i] /= (double)*used;
    free(train.x);
    free(train.y);
    free(held.x);
    free(held.y);
    free(w);
    free(z);
    return st;
}

mdp_status mdp_c_losses_held_out(const struct mdp_span *support, const int32_t labels[], size_t k,
                                 const float x[], const int32_t held_labels[], size_t n_held,
                                 double loss[MDP_C_COUNT], struct mdp_error *err)
{
    const struct mdp_logistic problem = {
        .n = support->n, .q = support->r + 1, .k = k, .x = support->z, .y = labels};
    struct mdp_logistic_report report;
    mdp_status st = MDP_OK;
    size_t m = mdp_logistic_rows(k);
    double *w = mdp_new_array(m * problem.q, sizeof *w, err, &st);
    double *coef = mdp_new_array(m * support->d, sizeof *coef, err, &st);
    double *intercept = mdp_new_array(m, sizeof *intercept, err, &st);
    double *z = mdp_new_array(n_held * m, sizeof *z, err, &st);

    for (size_t i = 0; i < MDP_C_COUNT && st == MDP_OK; i++) {
        st = mdp_logistic_fit(&problem, mdp_c_candidate(i), w, &report, err);
        if (st != MDP_OK)
            break;
        mdp_span_lift(support, w, m, coef, intercept);
        st = mdp_linear_logits(x, NULL, n_held, support->d, coef, intercept, m, z, err);
        loss[i] = st == MDP_OK ? mdp_logistic_loss(z, n_held, k, held_labels) : NAN;
    }
    free(w);
    free(coef);
    free(intercept);
    free(z);
    return st;
}
