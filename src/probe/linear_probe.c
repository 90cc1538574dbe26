/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/linear_probe.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows of an episode, gathered. */
struct gathered {
    size_t n;
    float *x;          /* [n, D] */
    int32_t *labels;   /* [n] */
    uint32_t *patient; /* [n] */
};

static void gathered_release(struct gathered *g)
{
    free(g->x);
    free(g->labels);
    free(g->patient);
}

static mdp_status gather(const struct mdp_probe_data *data, const int64_t rows[], size_t n,
                         struct gathered *g, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t d = data->info->d;

    *g = (struct gathered){.n = n};
    g->x = mdp_new_array(n * d, sizeof *g->x, err, &st);
    g->labels = mdp_new_array(n, sizeof *g->labels, err, &st);
    g->patient = mdp_new_array(n, sizeof *g->patient, err, &st);
    for (size_t i = 0; i < n && st == MDP_OK; i++) {
        memcpy(g->x + i * d, data->x + data->slot[rows[i]] * d, d * sizeof *g->x);
        g->labels[i] = data->info->labels[rows[i]];
        g->patient[i] = data->patient[rows[i]];
    }
    return st;
}

static mdp_status check_classes(const struct mdp_method *method, const struct mdp_store_info *info,
                                const struct mdp_draw *draw, const struct gathered *support,
                                struct mdp_error *err)
{
    for (size_t c = 0; c < info->n_classes; c++) {
        size_t count = 0;
        for (size_t i = 0; i < support->n; i++)
            count += (size_t)support->labels[i] == c;
        if (count == 0)
            return mdp_fail(err, MDP_ERR_VALUE,
                            "%s: the support has no row of class '%s' (%s needs every class)", draw->key.name,
                            info->class_names[c], method->name);
    }
    return MDP_OK;
}

/* The rows beside the support that the rule chooses C by. */
static mdp_status gather_held(const struct mdp_probe_data *data, const struct mdp_draw *draw,
                              const struct mdp_method_options *options, struct gathered *held,
                              struct mdp_error *err)
{
    switch (options->c_rule->rows) {
    case MDP_C_ROWS_VAL_DRAWN:
        return gather(data, draw->val, draw->n_val, held, err);
    case MDP_C_ROWS_VAL_SPLIT:
        return gather(data, options->held, options->n_held, held, err);
    case MDP_C_ROWS_NONE:
    case MDP_C_ROWS_SUPPORT:
        break;
    }
    *held = (struct gathered){0};
    return MDP_OK;
}

static mdp_status choose_c(const struct mdp_objective *objective, const struct mdp_probe_data *data,
                           const struct mdp_draw *draw, const struct mdp_method_options *options,
                           const struct mdp_span *span, const struct gathered *support,
                           struct mdp_c_choice *choice, struct mdp_error *err)
{
    struct gathered held;
    mdp_status st = gather_held(data, draw, options, &held, err);
    const struct mdp_c_question question = {
        .given = options->c,
        .objective = objective,
        .support = span,
        .labels = support->labels,
        .patients = support->patient,
        .k = data->info->n_classes,
        .held = held.x,
        .held_labels = held.labels,
        .n_held = held.n,
    };

    if (st == MDP_OK)
        st = options->c_rule->choose(options->c_rule, &question, choice, err);
    gathered_release(&held);
    return st;
}

static mdp_status fit(const struct mdp_objective *objective, size_t k, const struct mdp_span *span,
                      const struct gathered *support, struct mdp_outcome *outcome, struct mdp_error *err)
{
    const struct mdp_fit_problem problem = {
        .n = span->n, .q = span->r + 1, .k = k, .x = span->z, .y = support->labels};
    mdp_status st = MDP_OK;

    outcome->m = mdp_linear_rows(k);
    double *w = mdp_new_array(outcome->m * problem.q, sizeof *w, err, &st);
    outcome->coef = mdp_new_array(outcome->m * span->d, sizeof *outcome->coef, err, &st);
    outcome->intercept = mdp_new_array(outcome->m, sizeof *outcome->intercept, err, &st);
    if (st == MDP_OK)
        st = objective->fit(&problem, outcome->c.c, w, err);
    if (st == MDP_OK)
        mdp_span_lift(span, w, outcome->m, outcome->coef, outcome->intercept);
    free(w);
    return st;
}

static mdp_status score_query(const struct mdp_method *method, const struct mdp_probe_data *data,
                              const struct mdp_draw *draw, struct mdp_outcome *outcome, struct mdp_error *err)
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
        mdp_link_scores(method->link, z, n, info->n_classes, outcome->scores);
    free(z);
    free(slots);
    return st;
}

mdp_status mdp_linear_probe_run(const struct mdp_method *method, const struct mdp_probe_data *data,
                                const struct mdp_draw *draw, const struct mdp_method_options *options,
                                struct mdp_outcome *outcome, struct mdp_error *err)
{
    const size_t k = data->info->n_classes;
    struct mdp_span span = {0};
    struct gathered support;

    *outcome = (struct mdp_outcome){.c = {.c = NAN}};
    mdp_status st = gather(data, draw->support, draw->n_support, &support, err);
    if (st == MDP_OK)
        st = check_classes(method, data->info, draw, &support, err);
    if (st != MDP_OK)
        goto out;
    st = mdp_span_init(support.x, support.n, data->info->d, &span, err);
    if (st == MDP_OK)
        st = choose_c(method->objective, data, draw, options, &span, &support, &outcome->c, err);
    if (st == MDP_OK)
        st = fit(method->objective, k, &span, &support, outcome, err);
    if (st == MDP_OK)
        st = score_query(method, data, draw, outcome, err);
    if (st != MDP_OK)
        mdp_fail_at(err, st, "%s: %s", method->name, draw->key.name);
out:
    mdp_span_release(&span);
    gathered_release(&support);
    if (st != MDP_OK)
        mdp_outcome_release(outcome);
    return st;
}
