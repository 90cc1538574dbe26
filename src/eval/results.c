/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/results.h"

#include "eval/provenance_keys.h"

#include <string.h>

static mdp_status copy_fact(struct mdp_pool *pool, const struct mdp_fact *from, struct mdp_fact *to,
                            struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const char **texts = NULL;
    size_t *counts = NULL;

    *to = *from;
    to->key = mdp_pool_string(pool, from->key, err, &st);
    if (st == MDP_OK)
        to->text = mdp_pool_string(pool, from->text, err, &st);
    if (st == MDP_OK && from->kind == MDP_FACT_TEXTS) {
        texts = mdp_pool_array(pool, from->n, sizeof *texts, err, &st);
        for (size_t i = 0; st == MDP_OK && i < from->n; i++)
            texts[i] = mdp_pool_string(pool, from->texts[i], err, &st);
    }
    if (st == MDP_OK && from->kind == MDP_FACT_COUNTS) {
        counts = mdp_pool_array(pool, from->n, sizeof *counts, err, &st);
        if (counts && from->n)
            memcpy(counts, from->counts, from->n * sizeof *counts);
    }
    to->texts = texts;
    to->counts = counts;
    return st;
}

mdp_status mdp_pool_facts(struct mdp_pool *pool, const struct mdp_fact facts[], size_t n,
                          struct mdp_fact **copy, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *copy = mdp_pool_array(pool, n, sizeof **copy, err, &st);
    for (size_t i = 0; st == MDP_OK && i < n; i++)
        st = copy_fact(pool, &facts[i], &(*copy)[i], err);
    return st;
}

void mdp_results_release(struct mdp_results *results)
{
    mdp_pool_free(results->pool);
    *results = (struct mdp_results){0};
}

const struct mdp_result *mdp_results_find(const struct mdp_results *results, const char *method, size_t shots,
                                          const char *metric)
{
    for (size_t i = 0; i < results->n_results; i++) {
        const struct mdp_result *r = &results->results[i];
        if (r->shots == shots && strcmp(r->metric, metric) == 0 && strcmp(r->method, method) == 0)
            return r;
    }
    return NULL;
}

const struct mdp_comparison *mdp_results_find_comparison(const struct mdp_results *results, const char *a,
                                                         size_t shots, const char *metric)
{
    for (size_t i = 0; i < results->n_comparisons; i++) {
        const struct mdp_comparison *c = &results->comparisons[i];
        if (c->shots == shots && strcmp(c->a, a) == 0 && strcmp(c->metric, metric) == 0)
            return c;
    }
    return NULL;
}

const struct mdp_fact *mdp_results_fact(const struct mdp_results *r, const char *key)
{
    for (size_t i = 0; i < r->n_provenance; i++)
        if (strcmp(r->provenance[i].key, key) == 0)
            return &r->provenance[i];
    return NULL;
}

/* --- series --- */

void mdp_range_widen(struct mdp_range *range, bool first, size_t n)
{
    range->least = first || n < range->least ? n : range->least;
    range->most = first || n > range->most ? n : range->most;
}

void mdp_text_add_range(struct mdp_text *t, struct mdp_range range, const char *what, const char *rest)
{
    mdp_text_add(t, "%zu", range.least);
    if (range.least != range.most)
        mdp_text_add(t, " to %zu", range.most);
    mdp_text_add(t, " %s%s%s", what, range.most == 1 ? "" : "s", rest);
}

static void widen(struct mdp_over *over, bool first, const struct mdp_over *by)
{
    mdp_range_widen(&over->rows, first, by->rows.least);
    mdp_range_widen(&over->rows, false, by->rows.most);
    mdp_range_widen(&over->patients, first, by->patients.least);
    mdp_range_widen(&over->patients, false, by->patients.most);
}

static struct mdp_series *find_series(const struct mdp_results *r, const char *method, size_t shots)
{
    for (size_t i = 0; i < r->n_series; i++)
        if (r->series[i].shots == shots && strcmp(r->series[i].method, method) == 0)
            return &r->series[i];
    return NULL;
}

/* What all series are over. As many pictures in every episode are the same ones unless the provenance says that they
   are not. */
static void note_over(struct mdp_results *r)
{
    size_t fitted = 0;

    r->over = r->fitted = (struct mdp_over){0};
    for (size_t i = 0; i < r->n_series; i++) {
        widen(&r->over, i == 0, &r->series[i].over);
        if (!r->series[i].is_baseline)
            widen(&r->fitted, fitted++ == 0, &r->series[i].over);
    }
    r->fitted = fitted ? r->fitted : r->over;
    r->same_rows = r->over.rows.least == r->over.rows.most && !mdp_results_fact(r, MDP_FACT_KEY_TEST_ROWS);
}

mdp_status mdp_results_find_series(struct mdp_results *r, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    r->n_series = 0;
    r->series = mdp_pool_array(r->pool, r->n_results, sizeof *r->series, err, &st);
    for (size_t i = 0; st == MDP_OK && i < r->n_results; i++) {
        const struct mdp_result *x = &r->results[i];
        if (!find_series(r, x->method, x->shots))
            r->series[r->n_series++] = (struct mdp_series){.method = x->method,
                                                           .shots = x->shots,
                                                           .is_baseline = strcmp(x->method, r->baseline) == 0,
                                                           .is_largest = true};
    }
    for (size_t i = 0; i < r->n_series; i++)
        for (size_t k = 0; k < r->n_series; k++)
            if (r->series[k].shots > r->series[i].shots &&
                strcmp(r->series[k].method, r->series[i].method) == 0)
                r->series[i].is_largest = false;
    for (size_t e = 0; st == MDP_OK && e < r->n_episodes; e++) {
        const struct mdp_episode *x = &r->episodes[e];
        struct mdp_series *s = find_series(r, x->method, x->shots);
        if (!s)
            continue;
        s->n_episodes++;
        const struct mdp_over over = {{x->n_test, x->n_test}, {x->n_patients, x->n_patients}};
        widen(&s->over, s->n_episodes == 1, &over);
    }
    note_over(r);
    return st;
}

const struct mdp_series *mdp_results_leading(const struct mdp_results *r)
{
    const struct mdp_series *best = NULL;

    for (size_t i = 0; i < r->n_series; i++)
        if (!r->series[i].is_baseline && (!best || r->series[i].shots > best->shots))
            best = &r->series[i];
    return best;
}

const struct mdp_series *mdp_results_baseline(const struct mdp_results *r)
{
    for (size_t i = 0; i < r->n_series; i++)
        if (r->series[i].is_baseline)
            return &r->series[i];
    return NULL;
}
