/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/c_rule.h"

#include "base/memory.h"
#include "base/numbers/blas.h"
#include "probe/folds.h"
#include "probe/linear_scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double candidates[MDP_C_COUNT] = {1e-3, 0.0031622776601683794, 1e-2, 0.03162277660168379,
                                               1e-1, 0.31622776601683794,   1e0,  3.1622776601683795,
                                               1e1,  31.622776601683793,    1e2,  316.22776601683796,
                                               1e3};

double mdp_c_candidate(size_t i)
{
    return candidates[i];
}

size_t mdp_c_smallest(const double loss[MDP_C_COUNT])
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
static mdp_status add_fold_losses(const struct mdp_objective *objective, const struct part *train,
                                  const struct part *held, size_t q, size_t k, double w[], double z[],
                                  double loss[MDP_C_COUNT], struct mdp_error *err)
{
    const struct mdp_fit_problem problem = {.n = train->n, .q = q, .k = k, .x = train->x, .y = train->y};
    size_t m = mdp_linear_rows(k);
    mdp_status st = MDP_OK;

    memset(w, 0, m * q * sizeof *w);
    for (size_t i = 0; i < MDP_C_COUNT && st == MDP_OK; i++) {
        st = objective->fit(&problem, candidates[i], w, err);
        if (st != MDP_OK)
            break;
        mdp_blas_dgemm(false, true, held->n, m, q, 1.0, held->x, q, w, q, 0.0, z, m);
        loss[i] += objective->loss(z, held->n, k, held->y);
    }
    return st;
}

/* Mean over folds of the mean loss of the rows held out, for every candidate. Folds whose training part lacks a class are
   left out; *used is how many were not. */
static mdp_status losses_of_folds(const struct mdp_c_question *in, const size_t fold[], size_t n_folds,
                                  double loss[MDP_C_COUNT], size_t *used, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t n = in->support->n, q = in->support->r + 1, m = mdp_linear_rows(in->k);
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
        take_part(in->support, in->labels, fold, f, false, &train);
        take_part(in->support, in->labels, fold, f, true, &held);
        if (held.n == 0 || !has_every_class(&train, in->k))
            continue;
        ++*used;
        st = add_fold_losses(in->objective, &train, &held, q, in->k, w, z, loss, err);
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

/* loss[n]: mean loss of the rows held out of a fit on the whole support, for every one of c[n], best ascending: each fit
   starts at the one before. */
static mdp_status losses_held_out(const struct mdp_c_question *in, const double c[], size_t n, double loss[],
                                  struct mdp_error *err)
{
    const struct mdp_span *span = in->support;
    const struct mdp_fit_problem problem = {
        .n = span->n, .q = span->r + 1, .k = in->k, .x = span->z, .y = in->labels};
    mdp_status st = MDP_OK;
    size_t m = mdp_linear_rows(in->k);
    double *w = mdp_new_array(m * problem.q, sizeof *w, err, &st);
    double *coef = mdp_new_array(m * span->d, sizeof *coef, err, &st);
    double *intercept = mdp_new_array(m, sizeof *intercept, err, &st);
    double *z = mdp_new_array(in->n_held * m, sizeof *z, err, &st);

    for (size_t i = 0; i < n && st == MDP_OK; i++) {
        st = in->objective->fit(&problem, c[i], w, err);
        if (st != MDP_OK)
            break;
        mdp_span_lift(span, w, m, coef, intercept);
        st = mdp_linear_logits(in->held, NULL, in->n_held, span->d, coef, intercept, m, z, err);
        if (st == MDP_OK)
            loss[i] = in->objective->loss(z, in->n_held, in->k, in->held_labels);
    }
    free(w);
    free(coef);
    free(intercept);
    free(z);
    return st;
}

/* --- the rules --- */

/* Where there is nothing to choose by. */
static const struct mdp_c_choice not_chosen = {.c = 1.0, .by_default = true};

/* One picture a class: no rule chooses C by so little, be there val rows or not (docs/METHODS.md). */
static bool has_one_row_a_class(const struct mdp_c_question *in)
{
    return in->support->n == in->k; /* every class has a row */
}

static struct mdp_c_choice best_of(const double loss[MDP_C_COUNT])
{
    const size_t i = mdp_c_smallest(loss);

    return (struct mdp_c_choice){
        .c = candidates[i], .at_smallest = i == 0, .at_largest = i == MDP_C_COUNT - 1};
}

static mdp_status choose_given(const struct mdp_c_rule *rule, const struct mdp_c_question *in,
                               struct mdp_c_choice *choice, struct mdp_error *err)
{
    (void)rule;
    (void)err;
    *choice = (struct mdp_c_choice){.c = in->given};
    return MDP_OK;
}

static mdp_status choose_by_folds(const struct mdp_c_rule *rule, const struct mdp_c_question *in,
                                  struct mdp_c_choice *choice, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    double loss[MDP_C_COUNT];
    size_t n = in->support->n, n_folds = 0, used = 0;

    (void)rule;
    *choice = not_chosen;
    if (has_one_row_a_class(in))
        return MDP_OK;
    size_t *fold = mdp_new_array(n, sizeof *fold, err, &st);
    if (st == MDP_OK)
        st = mdp_folds(in->labels, in->patients, n, in->k, fold, &n_folds, err);
    if (st == MDP_OK)
        st = losses_of_folds(in, fold, n_folds, loss, &used, err);
    if (st == MDP_OK && used)
        *choice = best_of(loss);
    free(fold);
    return st;
}

static mdp_status choose_by_rows_held_out(const struct mdp_c_rule *rule, const struct mdp_c_question *in,
                                          struct mdp_c_choice *choice, struct mdp_error *err)
{
    double loss[MDP_C_COUNT];

    *choice = not_chosen;
    if (has_one_row_a_class(in))
        return MDP_OK;
    if (in->n_held == 0)
        return mdp_fail(err, MDP_ERR_MISSING, "no val rows (the rule %s chooses C by them)", rule->name);
    mdp_status st = losses_held_out(in, candidates, MDP_C_COUNT, loss, err);
    if (st == MDP_OK)
        *choice = best_of(loss);
    return st;
}

const struct mdp_c_rule mdp_c_rules[] = {
    {.name = "support-cv",
     .summary = "sees the labelled pictures only",
     .rows = MDP_C_ROWS_SUPPORT,
     .choose = choose_by_folds},
    {.name = "val-shots",
     .summary = "sees a few further labelled pictures a class",
     .rows = MDP_C_ROWS_VAL_DRAWN,
     .choose = choose_by_rows_held_out},
    {.name = "oracle",
     .summary = "sees the whole validation split",
     .warning =
         "C was chosen on the full validation split (oracle): a user with so few labels would not have it",
     .rows = MDP_C_ROWS_VAL_SPLIT,
     .choose = choose_by_rows_held_out},
    {.name = "fixed",
     .summary = "is the C that was asked for",
     .rows = MDP_C_ROWS_NONE,
     .choose = choose_given},
    {0},
};

const struct mdp_c_rule *mdp_c_rule_find(const char *name)
{
    for (const struct mdp_c_rule *rule = mdp_c_rules; rule->name; rule++)
        if (strcmp(rule->name, name) == 0)
            return rule;
    return NULL;
}
