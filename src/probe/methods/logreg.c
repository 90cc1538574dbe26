/* SPDX-License-Identifier: BSD-3-Clause */
/* Logistic regression on the support's unit embeddings, C by the rule. */
#include "base/memory.h"
#include "probe/folds.h"
#include "probe/method.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows of an episode, gathered. */
struct rows {
    size_t n;
    float *x;        /* [n, D] */
    int32_t *labels; /* [n] */
};

static void rows_release(struct rows *r)
{
    free(r->x);
    free(r->labels);
}

static mdp_status rows_init(const struct mdp_probe_data *data, const int64_t rows[], size_t n, struct rows *r,
                            struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t d = data->info->d;

    *r = (struct rows){.n = n};
    r->x = mdp_new_array(n * d, sizeof *r->x, err, &st);
    r->labels = mdp_new_array(n, sizeof *r->labels, err, &st);
    for (size_t i = 0; i < n && st == MDP_OK; i++) {
        memcpy(r->x + i * d, data->x + data->slot[rows[i]] * d, d * sizeof *r->x);
        r->labels[i] = data->info->labels[rows[i]];
    }
    return st;
}

static mdp_status check_classes(const struct mdp_store_info *info, const struct mdp_draw *draw,
                                const struct rows *support, size_t *largest, struct mdp_error *err)
{
    *largest = 0;
    for (size_t c = 0; c < info->n_classes; c++) {
        size_t count = 0;
        for (size_t i = 0; i < support->n; i++)
            count += (size_t)support->labels[i] == c;
        if (count == 0)
            return mdp_fail(err, MDP_ERR_VALUE,
                            "%s: the support has no row of class '%s' (logreg needs every class)",
                            draw->key.name, info->class_names[c]);
        *largest = count > *largest ? count : *largest;
    }
    return MDP_OK;
}

static mdp_status losses_by_folds(const struct mdp_probe_data *data, const struct mdp_draw *draw,
                                  const struct mdp_span *span, const struct rows *support,
                                  double loss[MDP_C_COUNT], size_t *used, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t n_folds = 0, k = data->info->n_classes;
    uint32_t *patient = mdp_new_array(support->n, sizeof *patient, err, &st);
    size_t *fold = mdp_new_array(support->n, sizeof *fold, err, &st);

    for (size_t i = 0; i < support->n && st == MDP_OK; i++)
        patient[i] = data->patient[draw->support[i]];
    if (st == MDP_OK)
        st = mdp_folds(support->labels, patient, support->n, k, fold, &n_folds, err);
    if (st == MDP_OK)
        st = mdp_c_losses_by_folds(span, support->labels, k, fold, n_folds, loss, used, err);
    free(patient);
    free(fold);
    return st;
}

static mdp_status losses_held_out(const struct mdp_probe_data *data, const struct mdp_span *span,
                                  const struct rows *support, const int64_t held[], size_t n_held,
                                  double loss[MDP_C_COUNT], struct mdp_error *err)
{
    struct rows val;
    mdp_status st = rows_init(data, held, n_held, &val, err);

    if (st == MDP_OK)
        st = mdp_c_losses_held_out(span, support->labels, data->info->n_classes, val.x, val.labels, n_held,
                                   loss, err);
    rows_release(&val);
    return st;
}

/* C of the episode. With one picture a class, or one patient a class under support-cv, there is nothing to
   choose by: MDP_C_DEFAULT. */
static mdp_status choose_c(const struct mdp_probe_data *data, const struct mdp_draw *draw,
                           const struct mdp_method_options *options, const struct mdp_span *span,
                           const struct rows *support, size_t largest_class, struct mdp_outcome *outcome,
                           struct mdp_error *err)
{
    double loss[MDP_C_COUNT];
    size_t used = 1;
    mdp_status st = MDP_OK;

    outcome->c = options->c;
    if (options->c_rule == MDP_C_FIXED)
        return MDP_OK;
    if (largest_class == 1)
        used = 0;
    else if (options->c_rule == MDP_C_SUPPORT_CV)
        st = losses_by_folds(data, draw, span, support, loss, &used, err);
    else if (options->c_rule == MDP_C_ORACLE)
        st = losses_held_out(data, span, support, options->held, options->n_held, loss, err);
    else if (draw->n_val > 0)
        st = losses_held_out(data, span, support, draw->val, draw->n_val, loss, err);
    else
        st = mdp_fail(err, MDP_ERR_MISSING, "no val rows (the rule val-shots chooses C by them)");
    if (st != MDP_OK)
        return st;
    outcome->c_by_default = used == 0;
    outcome->c = used ? mdp_c_candidate(mdp_c_choose(loss)) : MDP_C_DEFAULT;
    return MDP_OK;
}

static mdp_status score_query(const struct mdp_probe_data *data, const struct mdp_draw *draw,
                              struct mdp_outcome *outcome, struct mdp_error *err)
{
    const struct mdp_store_info *info = data->info;
    mdp_status st = MDP_OK;
    size_t n = draw->n_query;
    double *z = mdp_new_array(n * outcome->m, sizeof *z, err, &st);
    size_t *slots = mdp_new_array(n, sizeof *slots, err, &st);

    outcome->scores = mdp_new_array(n * info->n_classes, sizeof *outcome->scores, err, &st);
    for (size_t i = 0; i < n && st == MDP_OK; i++)
        slots[i] = data->slot[draw->query[i]];
    if (st == MDP_OK)
        st = mdp_linear_logits(data->x, slots, n, info->d, outcome->coef, outcome->intercept, outcome->m, z,
                               err);
    if (st == MDP_OK)
        mdp_logistic_probabilities(z, n, info->n_classes, outcome->scores);
    free(z);
    free(slots);
    return st;
}

static mdp_status fit(const struct mdp_probe_data *data, const struct mdp_span *span,
                      const struct rows *support, struct mdp_outcome *outcome, struct mdp_error *err)
{
    const struct mdp_store_info *info = data->info;
    const struct mdp_logistic problem = {
        .n = span->n, .q = span->r + 1, .k = info->n_classes, .x = span->z, .y = support->labels};
    struct mdp_logistic_report report;
    mdp_status st = MDP_OK;

    outcome->m = mdp_logistic_rows(info->n_classes);
    double *w = mdp_new_array(outcome->m * problem.q, sizeof *w, err, &st);
    outcome->coef = mdp_new_array(outcome->m * info->d, sizeof *outcome->coef, err, &st);
    outcome->intercept = mdp_new_array(outcome->m, sizeof *outcome->intercept, err, &st);
    if (st == MDP_OK)
        st = mdp_logistic_fit(&problem, outcome->c, w, &report, err);
    if (st == MDP_OK)
        mdp_span_lift(span, w, outcome->m, outcome->coef, outcome->intercept);
    free(w);
    return st;
}

static mdp_status logreg_check(const struct mdp_store_info *info, struct mdp_error *err)
{
    (void)info;
    (void)err;
    return MDP_OK;
}

static mdp_status logreg_run(const struct mdp_probe_data *data, const struct mdp_draw *draw,
                             const struct mdp_method_options *options, struct mdp_outcome *outcome,
                             struct mdp_error *err)
{
    struct mdp_span span = {0};
    struct rows support;
    size_t largest_class = 0;

    *outcome = (struct mdp_outcome){.c = NAN};
    mdp_status st = rows_init(data, draw->support, draw->n_support, &support, err);
    if (st == MDP_OK)
        st = check_classes(data->info, draw, &support, &largest_class, err);
    if (st != MDP_OK)
        goto out;
    st = mdp_span_init(support.x, support.n, data->info->d, &span, err);
    if (st == MDP_OK)
        st = choose_c(data, draw, options, &span, &support, largest_class, outcome, err);
    if (st == MDP_OK)
        st = fit(data, &span, &support, outcome, err);
    if (st == MDP_OK)
        st = score_query(data, draw, outcome, err);
    if (st != MDP_OK)
        mdp_fail_at(err, st, "logreg: %s", draw->key.name);
out:
    mdp_span_release(&span);
    rows_release(&support);
    if (st != MDP_OK)
        mdp_outcome_release(outcome);
    return st;
}

const struct mdp_method mdp_logreg = {
    .name = "logreg",
    .summary = "logistic regression on the support",
    .fitted = true,
    .check = logreg_check,
    .run = logreg_run,
};
