/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/score_table.h"

#include "base/formats/json.h"
#include "base/memory.h"
#include "eval/aggregate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mdp_status fill_values(const struct mdp_sorted_scores *scores, const char *const class_names[],
                              struct mdp_score_table *s, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    s->values = mdp_pool_array(s->pool, s->asked.n, sizeof *s->values, err, &st);
    if (st == MDP_OK)
        s->reasons = mdp_pool_array(s->pool, s->asked.n, sizeof *s->reasons, err, &st);
    if (st == MDP_OK)
        st = mdp_metrics_explained(scores, &s->asked, class_names, s->pool, s->values, s->reasons, err);
    return st;
}

static mdp_status fill_tests(const struct mdp_sorted_scores *scores, const struct mdp_metric_list *all,
                             const struct mdp_rival rivals[], size_t n, struct mdp_score_table *s,
                             struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t most = 0;

    if (!mdp_mul_size(n, 2 * all->n, &most))
        return mdp_fail(err, MDP_ERR_LIMIT, "%zu tables are too many", n);
    s->tests = mdp_pool_array(s->pool, most, sizeof *s->tests, err, &st);
    for (size_t i = 0; st == MDP_OK && i < n; i++) {
        struct mdp_sorted_scores *other = NULL;
        size_t found = 0;
        st = mdp_sorted_scores_new(&rivals[i].rows, &other, err);
        if (st == MDP_OK)
            st = mdp_paired_tests(scores, other, all, rivals[i].name, s->tests + s->n_tests, &found, err);
        s->n_tests += found;
        mdp_sorted_scores_free(other);
    }
    if (st == MDP_OK)
        st = mdp_adjust_tests(s->tests, s->n_tests, err);
    return st;
}

mdp_status mdp_score_table_init(const struct mdp_scored_what *what, const struct mdp_rows *rows,
                                const char *const class_names[], const struct mdp_rival rivals[],
                                size_t n_rivals, const char *const names[], size_t n_names,
                                struct mdp_score_table *s, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_metric_list all; /* intervals and tests are given whatever was asked for */
    struct mdp_sorted_scores *scores = NULL;

    *s = (struct mdp_score_table){.what = *what,
                                  .n = rows->n,
                                  .n_patients = what->has_patients ? rows->n_patients : 0,
                                  .positive_class = rows->k == 2 ? class_names[1] : NULL};
    s->pool = mdp_pool_new(err, &st);
    if (!s->pool)
        return st;
    st = mdp_metric_list_of_run(class_names, rows->k, true, s->pool, &all, err);
    s->asked = all;
    if (st == MDP_OK && n_names)
        st = mdp_metrics_parse(names, n_names, class_names, rows->k, s->pool, &s->asked, err);
    if (st == MDP_OK)
        st = mdp_sorted_scores_new(rows, &scores, err);
    if (st == MDP_OK)
        st = fill_values(scores, class_names, s, err);
    if (st == MDP_OK)
        s->intervals = mdp_pool_array(s->pool, 2 * all.n, sizeof *s->intervals, err, &st);
    if (st == MDP_OK)
        st = mdp_intervals_of(scores, &all, s->intervals, &s->n_intervals, err);
    if (st == MDP_OK)
        st = fill_tests(scores, &all, rivals, n_rivals, s, err);
    mdp_sorted_scores_free(scores);
    if (st != MDP_OK)
        mdp_score_table_release(s);
    return st;
}

void mdp_score_table_release(struct mdp_score_table *s)
{
    mdp_pool_free(s->pool);
    *s = (struct mdp_score_table){0};
}

/* --- as JSON --- */

static void put_what(struct mdp_json_writer *w, const struct mdp_score_table *s)
{
    mdp_json_put_text(w, "predictions", s->what.predictions);
    mdp_json_put_text(w, "probe", s->what.probe);
    mdp_json_put_text(w, "store", s->what.store);
    mdp_json_put_size(w, "n", s->n);
    if (s->what.has_patients)
        mdp_json_put_size(w, "n_patients", s->n_patients);
    else
        mdp_json_put_null(w, "n_patients");
    mdp_json_put_text(w, "positive_class", s->positive_class);
    mdp_json_put_size(w, "left_out", s->what.left_out);
}

static void put_values(struct mdp_json_writer *w, const struct mdp_score_table *s)
{
    mdp_json_begin(w, "metrics", '{', "\n  ");
    for (size_t m = 0; m < s->asked.n; m++)
        mdp_json_put_number(w, s->asked.at[m].name, s->values[m]);
    mdp_json_end(w, "\n");
    mdp_json_begin(w, "reasons", '{', "\n  ");
    for (size_t m = 0; m < s->asked.n; m++)
        if (s->reasons[m])
            mdp_json_put_text(w, s->asked.at[m].name, s->reasons[m]);
    mdp_json_end(w, NULL);
}

void mdp_score_table_to_json(const struct mdp_score_table *s, struct mdp_text *t)
{
    struct mdp_json_writer writer = {.out = t}, *w = &writer;

    mdp_json_begin(w, NULL, '{', "\n");
    put_what(w, s);
    put_values(w, s);
    mdp_json_begin(w, "intervals", '[', "\n  ");
    for (size_t i = 0; i < s->n_intervals; i++) {
        const struct mdp_named_interval *x = &s->intervals[i];
        mdp_json_begin(w, NULL, '{', NULL);
        mdp_json_put_text(w, "metric", x->metric);
        mdp_json_put_text(w, "method", x->method);
        mdp_json_put_number(w, "estimate", x->interval.estimate);
        mdp_json_put_number(w, "variance", x->interval.variance);
        mdp_json_put_number(w, "ci_low", x->interval.low);
        mdp_json_put_number(w, "ci_high", x->interval.high);
        if (x->remark)
            mdp_json_put_text(w, "remark", x->remark);
        mdp_json_end(w, NULL);
    }
    mdp_json_end(w, NULL);
    mdp_json_begin(w, "comparisons", '[', "\n  ");
    for (size_t i = 0; i < s->n_tests; i++) {
        const struct mdp_episode_test *x = &s->tests[i];
        mdp_json_begin(w, NULL, '{', NULL);
        mdp_json_put_text(w, "metric", x->metric);
        mdp_json_put_text(w, "test", x->test);
        mdp_json_put_text(w, "against", x->against);
        mdp_json_put_number(w, "difference", x->difference);
        mdp_json_put_number(w, "ci_low", x->ci_low);
        mdp_json_put_number(w, "ci_high", x->ci_high);
        mdp_json_put_number(w, "p", x->p);
        mdp_json_put_number(w, "p_adjusted", x->p_adjusted);
        mdp_json_end(w, NULL);
    }
    mdp_json_end(w, NULL);
    mdp_json_end(w, NULL);
    mdp_text_add(t, "\n");
}

/* --- as a table --- */

/* Columns that a terminal needs for a name. */
static size_t width_of(const char *name)
{
    struct mdp_text safe = {0};

    mdp_text_add_printable(&safe, name);
    const size_t n = safe.n;
    mdp_text_release(&safe);
    return n;
}

static void put_name(struct mdp_text *t, const char *name, size_t width)
{
    const size_t before = t->n;

    mdp_text_add_printable(t, name);
    mdp_text_add(t, "%*s", t->n - before < width ? (int)(width - (t->n - before)) : 0, "");
}

/* " 0.1234"; "-" for what is not defined. */
static void put_value(struct mdp_text *t, double x)
{
    if (isnan(x))
        mdp_text_add(t, "        -");
    else
        mdp_text_add(t, " %8.4f", x);
}

static void put_what_for_readers(const struct mdp_score_table *s, struct mdp_text *t)
{
    mdp_text_add_printable(t, s->what.predictions);
    if (s->what.probe)
        mdp_text_add(t, ", %s", s->what.probe);
    if (s->what.store) {
        mdp_text_add(t, ", on ");
        mdp_text_add_printable(t, s->what.store);
    }
    mdp_text_add(t, ": %zu pictures", s->n);
    if (s->what.has_patients)
        mdp_text_add(t, " of %zu patients", s->n_patients);
    else
        mdp_text_add(t, ", patients not known");
    if (s->positive_class) {
        mdp_text_add(t, "; positive class: ");
        mdp_text_add_printable(t, s->positive_class);
    }
    mdp_text_add(t, "\n\n");
}

static void put_tests(const struct mdp_score_table *s, size_t width, struct mdp_text *t)
{
    if (s->n_tests) {
        mdp_text_add(t, "\n");
        put_name(t, "difference to the other", width);
        mdp_text_add(t, " %-16s %8s %8s %8s %8s %8s  %s\n", "test", "a - b", "low", "high", "p", "Holm", "b");
    }
    for (size_t i = 0; i < s->n_tests; i++) {
        const struct mdp_episode_test *x = &s->tests[i];
        put_name(t, x->metric, width);
        mdp_text_add(t, " %-16s", x->test);
        put_value(t, x->difference);
        put_value(t, x->ci_low);
        put_value(t, x->ci_high);
        put_value(t, x->p);
        put_value(t, x->p_adjusted);
        mdp_text_add(t, "  ");
        mdp_text_add_printable(t, x->against);
        mdp_text_add(t, "\n");
    }
}

/* Whether intervals of accuracy, which was asked for, rest on several pictures of a patient. */
static bool takes_pictures_for_patients(const struct mdp_score_table *s)
{
    bool asked = false;

    for (size_t m = 0; m < s->asked.n; m++)
        asked = asked || s->asked.at[m].kind->inference == MDP_INFERENCE_RATE;
    return asked && s->n_patients && s->n_patients < s->n;
}

void mdp_score_table_to_text(const struct mdp_score_table *s, struct mdp_text *t)
{
    size_t width = 36;
    const char *remark = NULL;

    for (size_t m = 0; m < s->asked.n; m++)
        if (width_of(s->asked.at[m].name) > width)
            width = width_of(s->asked.at[m].name);
    put_what_for_readers(s, t);
    for (size_t m = 0; m < s->asked.n; m++) {
        put_name(t, s->asked.at[m].name, width);
        put_value(t, s->values[m]);
        if (s->reasons[m]) {
            mdp_text_add(t, "  ");
            mdp_text_add_printable(t, s->reasons[m]);
        }
        mdp_text_add(t, "\n");
    }
    mdp_text_add(t, "\n");
    put_name(t, "interval", width);
    mdp_text_add(t, " %-16s %8s %8s %8s\n", "method", "estimate", "low", "high");
    for (size_t i = 0; i < s->n_intervals; i++) {
        const struct mdp_named_interval *x = &s->intervals[i];
        put_name(t, x->metric, width);
        mdp_text_add(t, " %-16s", x->method);
        put_value(t, x->interval.estimate);
        put_value(t, x->interval.low);
        put_value(t, x->interval.high);
        mdp_text_add(t, "%s\n", x->remark ? "  *" : "");
        remark = x->remark ? x->remark : remark;
    }
    if (remark)
        mdp_text_add(t, "* %s\n", remark);
    if (takes_pictures_for_patients(s))
        mdp_text_add(t,
                     "wilson and clopper-pearson take pictures for independent: with %zu pictures of %zu "
                     "patients they are too "
                     "narrow\n",
                     s->n, s->n_patients);
    put_tests(s, width, t);
}

/* "42", or "42 to 46" where episodes differ; "-" for none. */
static void put_range(struct mdp_text *t, struct mdp_range range)
{
    char cell[48] = "-";

    if (range.least < range.most)
        snprintf(cell, sizeof cell, "%zu to %zu", range.least, range.most);
    else if (range.most)
        snprintf(cell, sizeof cell, "%zu", range.most);
    mdp_text_add(t, " %12s", cell);
}

void mdp_results_to_text(const struct mdp_results *results, struct mdp_text *t)
{
    size_t width = 36;

    for (size_t m = 0; m < results->n_metrics; m++)
        if (width_of(results->metrics[m]) > width)
            width = width_of(results->metrics[m]);
    mdp_text_add(t, "%-16s %6s ", "method", "shots");
    put_name(t, "metric", width);
    mdp_text_add(t, " %8s %8s %8s %12s %12s\n", "mean", "low", "high", "pictures", "patients");
    for (size_t i = 0; i < results->n_results; i++) {
        const struct mdp_result *r = &results->results[i];
        put_name(t, r->method, 16);
        mdp_text_add(t, " %6zu ", r->shots);
        put_name(t, r->metric, width);
        put_value(t, r->mean);
        put_value(t, r->ci_low);
        put_value(t, r->ci_high);
        struct mdp_over over = {{r->n_test, r->n_test}, {r->n_patients, r->n_patients}};
        for (size_t j = 0; j < results->n_series; j++)
            if (results->series[j].shots == r->shots && strcmp(results->series[j].method, r->method) == 0)
                over = results->series[j].over;
        put_range(t, over.rows);
        put_range(t, over.patients);
        if (r->n_defined && r->n_defined < r->n_episodes)
            mdp_text_add(t, "  defined in %zu of %zu episodes", r->n_defined, r->n_episodes);
        mdp_text_add(t, "\n");
    }
}
