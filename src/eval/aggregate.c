/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/aggregate.h"

#include "base/memory.h"
#include "eval/statistics/hypothesis.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Values of episodes, and their sums in every resample, of one quantity: a method's metrics, or the
   differences of its metrics to the baseline's. */
struct series {
    double *values;       /* [episodes, M] */
    size_t capacity;      /* of values */
    double *sums;         /* [R, M] over the episodes in which the metric is defined */
    size_t *defined;      /* [M] such episodes */
    const char **reasons; /* [M]: why a metric was not defined where it first was not; not owned */
};

/* Rows and patients of an episode. */
struct scored {
    size_t rows, patients;
};

struct group {
    const char *method; /* not owned */
    size_t shots;
    size_t order;          /* of the method's first appearance */
    size_t n, capacity;    /* episodes */
    struct scored *scored; /* [n] */
    bool compared;
    struct series own, difference;
};

struct mdp_aggregate {
    struct mdp_metric_list list;
    size_t resamples;
    size_t n, capacity, methods;
    struct group *groups; /* [n], in order of appearance */
};

mdp_status mdp_aggregate_new(const struct mdp_metric_list *list, size_t resamples,
                             struct mdp_aggregate **aggregate, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *aggregate = mdp_new_array(1, sizeof **aggregate, err, &st);
    if (*aggregate)
        **aggregate = (struct mdp_aggregate){.list = *list, .resamples = resamples};
    return st;
}

static void release_series(struct series *s)
{
    free(s->values);
    free(s->sums);
    free(s->defined);
    free(s->reasons);
}

void mdp_aggregate_free(struct mdp_aggregate *a)
{
    if (!a)
        return;
    for (size_t g = 0; g < a->n; g++) {
        release_series(&a->groups[g].own);
        release_series(&a->groups[g].difference);
        free(a->groups[g].scored);
    }
    free(a->groups);
    free(a);
}

static mdp_status init_series(struct series *s, size_t resamples, size_t m, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t n = 0;

    if (!mdp_mul_size(resamples, m, &n))
        return mdp_fail(err, MDP_ERR_LIMIT, "%zu resamples of %zu metrics are too many", resamples, m);
    s->sums = mdp_new_array(n, sizeof *s->sums, err, &st);
    if (st == MDP_OK)
        s->defined = mdp_new_array(m, sizeof *s->defined, err, &st);
    if (st == MDP_OK)
        s->reasons = mdp_new_array(m, sizeof *s->reasons, err, &st);
    return st;
}

/* The group of a method at a number of shots, made when it is not there. */
static mdp_status find_group(struct mdp_aggregate *a, const struct mdp_episode *e, struct group **group,
                             struct mdp_error *err)
{
    size_t order = a->methods;
    struct group g = {.method = e->method, .shots = e->shots};

    for (size_t i = 0; i < a->n; i++) {
        if (strcmp(a->groups[i].method, e->method) != 0)
            continue;
        order = a->groups[i].order;
        if (a->groups[i].shots == e->shots) {
            *group = &a->groups[i];
            return MDP_OK;
        }
    }
    mdp_status st = mdp_grow(&a->groups, &a->capacity, a->n + 1, sizeof *a->groups, err);
    if (st == MDP_OK)
        st = init_series(&g.own, a->resamples, a->list.n, err);
    if (st == MDP_OK)
        st = init_series(&g.difference, a->resamples, a->list.n, err);
    if (st != MDP_OK) {
        release_series(&g.own);
        release_series(&g.difference);
        return st;
    }
    g.order = order;
    a->methods += order == a->methods;
    a->groups[a->n] = g;
    *group = &a->groups[a->n++];
    return MDP_OK;
}

/* One more episode: of the method's own metrics, or of the differences to the baseline's. */
static mdp_status add_to_series(const struct mdp_aggregate *a, struct series *s, size_t n,
                                const struct mdp_episode_values *v, bool minus, struct mdp_error *err)
{
    const size_t m = a->list.n;
    size_t need = 0;
    mdp_status st = MDP_OK;

    if (!mdp_mul_size(n + 1, m, &need))
        return mdp_fail(err, MDP_ERR_LIMIT, "%zu episodes are too many", n);
    st = mdp_grow(&s->values, &s->capacity, need, sizeof *s->values, err);
    if (st != MDP_OK)
        return st;
    for (size_t i = 0; i < m; i++) {
        const double own = v->episode->values[i], value = minus ? own - v->baseline[i] : own;
        s->values[n * m + i] = value;
        if (isnan(value)) {
            if (!s->reasons[i])
                s->reasons[i] = isnan(own) ? v->episode->reasons[i] : v->baseline_reasons[i];
            continue;
        }
        s->defined[i]++;
        for (size_t r = 0; r < a->resamples; r++)
            s->sums[r * m + i] += v->resampled[r * m + i] - (minus ? v->baseline_resampled[r * m + i] : 0);
    }
    return MDP_OK;
}

mdp_status mdp_aggregate_add(struct mdp_aggregate *a, const struct mdp_episode_values *v,
                             struct mdp_error *err)
{
    struct group *g = NULL;
    const struct mdp_episode *e = v->episode;
    mdp_status st = find_group(a, e, &g, err);

    if (st == MDP_OK)
        st = mdp_grow(&g->scored, &g->capacity, g->n + 1, sizeof *g->scored, err);
    if (st == MDP_OK)
        st = add_to_series(a, &g->own, g->n, v, false, err);
    if (st == MDP_OK && v->baseline)
        st = add_to_series(a, &g->difference, g->n, v, true, err);
    if (st != MDP_OK)
        return st;
    assert(g->n == 0 || g->compared == (v->baseline != NULL));
    g->compared = v->baseline != NULL;
    g->scored[g->n++] = (struct scored){e->n_test, e->n_patients};
    return MDP_OK;
}

/* --- what a series says --- */

struct summary {
    double mean, std;
    size_t defined;                  /* episodes in which the metric is; what follows is of these */
    struct mdp_range rows, patients; /* of an episode */
    struct mdp_nested parts;
    size_t resamples; /* in which the mean over episodes is defined */
};

/* Variance over resamples of the mean over episodes; NaN when fewer than two are defined. */
static double resampled_variance(const struct mdp_aggregate *a, const struct series *s, size_t metric,
                                 size_t *used)
{
    const size_t m = a->list.n;
    const double episodes = (double)s->defined[metric];
    double mean = 0, squares = 0, first = NAN;

    *used = 0;
    for (size_t r = 0; r < a->resamples; r++) {
        const double x = s->sums[r * m + metric] / episodes;
        if (isnan(x))
            continue;
        /* Relative to the first one, so that equal values give a variance of exactly zero. */
        first = ++*used == 1 ? x : first;
        const double d = x - first, step = d - mean;
        mean += step / (double)*used;
        squares += step * (d - mean);
    }
    return *used > 1 ? squares / (double)(*used - 1) : NAN;
}

static mdp_status summarise(const struct mdp_aggregate *a, const struct group *g, const struct series *s,
                            size_t metric, struct summary *out, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const size_t m = a->list.n;
    double variance = NAN;
    double *values = mdp_new_array(g->n, sizeof *values, err, &st);

    if (!values)
        return st;
    *out = (struct summary){0};
    for (size_t e = 0; e < g->n; e++) {
        values[e] = s->values[e * m + metric];
        if (isnan(values[e]))
            continue;
        mdp_range_widen(&out->rows, out->defined == 0, g->scored[e].rows);
        mdp_range_widen(&out->patients, out->defined++ == 0, g->scored[e].patients);
    }
    const size_t units = out->patients.least ? out->patients.least : out->rows.least;
    mdp_mean_variance(values, g->n, &out->mean, &variance, &out->defined);
    free(values);
    out->std = sqrt(variance);
    out->parts = (struct mdp_nested){.draws = variance / (double)out->defined,
                                     .draws_df = (double)out->defined - 1,
                                     .patients = NAN,
                                     .patients_df = (double)units - 1};
    if (out->defined && units > 1)
        out->parts.patients = resampled_variance(a, s, metric, &out->resamples);
    return MDP_OK;
}

/* What the number and its interval are, as a sentence. */
static void describe(const struct mdp_aggregate *a, const struct group *g, size_t metric,
                     const struct summary *s, struct mdp_text *t)
{
    const bool draws = !isnan(s->parts.draws), patients = !isnan(s->parts.patients);
    double df;

    mdp_text_add(t, "%s; ", a->list.at[metric].kind->definition);
    if (s->defined > 1)
        mdp_text_add(t, "mean over %zu episodes", s->defined);
    else if (s->defined == 1)
        mdp_text_add(t, "one episode");
    else if (g->n > 1)
        mdp_text_add(t, "undefined in all %zu episodes", g->n);
    else
        mdp_text_add(t, "undefined in the one episode");
    if (s->defined && s->defined < g->n)
        mdp_text_add(t, " of %zu, undefined in the others", g->n);
    mdp_text_add(t, "; ");
    if (!draws && !patients) {
        mdp_text_add(t, "no interval");
        return;
    }
    mdp_text_add(t, "%s interval over ", MDP_LEVEL_TEXT);
    if (draws)
        mdp_text_add(t, "draws%s", patients ? " and " : " only");
    if (patients && s->patients.least)
        mdp_text_add_range(t, s->patients, "test patient", "");
    else if (patients)
        mdp_text_add_range(t, s->rows, "test picture", ", each as its own patient");
    if (patients && !draws)
        mdp_text_add(t, " only");
    mdp_text_add(t, " (");
    if (draws)
        mdp_text_add(t, "variance over episodes / %zu", s->defined);
    if (patients) {
        mdp_text_add(t, "%spatient bootstrap of the mean, %zu resamples", draws ? " + " : "", a->resamples);
        if (s->resamples < a->resamples)
            mdp_text_add(t, ", defined in %zu", s->resamples);
    }
    mdp_nested_variance(&s->parts, &df);
    if (!isnan(df))
        mdp_text_add(t, "; t with %.1f degrees of freedom", df);
    mdp_text_add(t, ")");
}

static mdp_status fill_result(const struct mdp_aggregate *a, const struct group *g, size_t metric,
                              struct mdp_results *results, struct mdp_error *err)
{
    struct summary s;
    struct mdp_text text = {0};
    double least, most;
    mdp_status st = summarise(a, g, &g->own, metric, &s, err);

    if (st != MDP_OK)
        return st;
    struct mdp_range rows = {0}, patients = {0};
    for (size_t e = 0; e < g->n; e++) {
        mdp_range_widen(&rows, e == 0, g->scored[e].rows);
        mdp_range_widen(&patients, e == 0, g->scored[e].patients);
    }
    mdp_metric_range(&a->list.at[metric], &least, &most);
    const struct mdp_interval i = mdp_interval_nested(s.mean, &s.parts, MDP_LEVEL, least, most);
    describe(a, g, metric, &s, &text);
    struct mdp_result *r = &results->results[results->n_results];
    *r = (struct mdp_result){.method = g->method,
                             .shots = g->shots,
                             .metric = a->list.at[metric].name,
                             .mean = s.mean,
                             .std = s.std,
                             .ci_low = i.low,
                             .ci_high = i.high,
                             .n_episodes = g->n,
                             .n_defined = s.defined,
                             .n_test = rows.least,
                             .n_patients = patients.least,
                             .reason = isnan(s.mean) ? g->own.reasons[metric] : NULL};
    st = mdp_text_status(&text, err);
    if (st == MDP_OK)
        r->definition = mdp_pool_string(results->pool, text.at, err, &st);
    mdp_text_release(&text);
    results->n_results += st == MDP_OK;
    return st;
}

static mdp_status fill_comparison(const struct mdp_aggregate *a, const struct group *g, size_t metric,
                                  const char *baseline, struct mdp_results *results, struct mdp_error *err)
{
    struct summary s;
    double least, most;
    mdp_status st = summarise(a, g, &g->difference, metric, &s, err);

    if (st != MDP_OK)
        return st;
    mdp_metric_range(&a->list.at[metric], &least, &most);
    const struct mdp_comparison_test t = mdp_nested_t_test(s.mean, &s.parts, MDP_LEVEL, most - least);
    results->comparisons[results->n_comparisons++] =
        (struct mdp_comparison){.a = g->method,
                                .b = baseline,
                                .shots = g->shots,
                                .metric = a->list.at[metric].name,
                                .n_episodes = g->n,
                                .n_defined = s.defined,
                                .difference = s.mean,
                                .ci_low = t.low,
                                .ci_high = t.high,
                                .p = t.p,
                                .p_adjusted = NAN,
                                .test = "nested-t",
                                .reason = isnan(s.mean) ? g->difference.reasons[metric] : NULL};
    return MDP_OK;
}

static int by_method_and_shots(const void *x, const void *y)
{
    const struct group *const *a = x, *const *b = y;

    if ((*a)->order != (*b)->order)
        return (*a)->order < (*b)->order ? -1 : 1;
    return ((*a)->shots > (*b)->shots) - ((*a)->shots < (*b)->shots);
}

/* --- Holm's adjustment --- */

/* A p value, the family it is adjusted in, and where the adjusted one goes. */
struct member {
    const char *metric, *test;
    double p;
    double *adjusted;
    size_t order;
};

static int by_family(const void *x, const void *y)
{
    const struct member *a = x, *b = y;
    int c = strcmp(a->metric, b->metric);

    c = c ? c : strcmp(a->test, b->test);
    return c ? c : (a->order > b->order) - (a->order < b->order);
}

static mdp_status adjust_families(struct member members[], size_t n, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    double *p = mdp_new_array(n, sizeof *p, err, &st), *adjusted = NULL;

    if (st == MDP_OK)
        adjusted = mdp_new_array(n, sizeof *adjusted, err, &st);
    qsort(members, n, sizeof *members, by_family);
    for (size_t i = 0; st == MDP_OK && i < n; i++)
        p[i] = members[i].p;
    for (size_t begin = 0, end; st == MDP_OK && begin < n; begin = end) {
        for (end = begin + 1; end < n && strcmp(members[end].metric, members[begin].metric) == 0 &&
                              strcmp(members[end].test, members[begin].test) == 0;)
            end++;
        st = mdp_holm(p + begin, end - begin, adjusted + begin, err);
    }
    for (size_t i = 0; st == MDP_OK && i < n; i++)
        *members[i].adjusted = adjusted[i];
    free(adjusted);
    free(p);
    return st;
}

/* Over all entries with the same metric and test, whatever the shots, methods and episodes. */
static mdp_status adjust(struct mdp_results *r, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t n = r->n_comparisons, at = 0;

    for (size_t e = 0; e < r->n_episodes; e++)
        n += r->episodes[e].n_tests;
    struct member *members = mdp_new_array(n, sizeof *members, err, &st);
    if (!members)
        return st;
    for (size_t i = 0; i < r->n_comparisons; i++, at++) {
        struct mdp_comparison *c = &r->comparisons[i];
        members[at] = (struct member){c->metric, c->test, c->p, &c->p_adjusted, at};
    }
    for (size_t e = 0; e < r->n_episodes; e++)
        for (size_t i = 0; i < r->episodes[e].n_tests; i++, at++) {
            struct mdp_episode_test *t = &r->episodes[e].tests[i];
            members[at] = (struct member){t->metric, t->test, t->p, &t->p_adjusted, at};
        }
    st = adjust_families(members, n, err);
    free(members);
    return st;
}

mdp_status mdp_adjust_tests(struct mdp_episode_test tests[], size_t n, struct mdp_error *err)
{
    struct mdp_episode all = {.n_tests = n, .tests = tests};
    struct mdp_results results = {.n_episodes = 1, .episodes = &all};

    return adjust(&results, err);
}

mdp_status mdp_aggregate_results(const struct mdp_aggregate *a, const char *baseline,
                                 struct mdp_results *results, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const size_t most = a->n * a->list.n;
    const struct group **sorted = mdp_new_array(a->n, sizeof *sorted, err, &st);

    if (!sorted)
        return st;
    for (size_t g = 0; g < a->n; g++)
        sorted[g] = &a->groups[g];
    qsort(sorted, a->n, sizeof *sorted, by_method_and_shots);
    results->results = mdp_pool_array(results->pool, most, sizeof *results->results, err, &st);
    if (st == MDP_OK)
        results->comparisons = mdp_pool_array(results->pool, most, sizeof *results->comparisons, err, &st);
    for (size_t g = 0; st == MDP_OK && g < a->n; g++)
        for (size_t m = 0; st == MDP_OK && m < a->list.n; m++) {
            st = fill_result(a, sorted[g], m, results, err);
            if (st == MDP_OK && sorted[g]->compared)
                st = fill_comparison(a, sorted[g], m, baseline, results, err);
        }
    if (st == MDP_OK)
        st = adjust(results, err);
    free(sorted);
    return st;
}
