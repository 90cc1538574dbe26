/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/results_json.h"

#include "base/formats/json.h"
#include "eval/metrics/metric_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One entry a line, so that two runs can be compared by diff. */

/* A null number and its sentence. */
static void put_reason(struct mdp_json_writer *w, double x, const char *reason)
{
    if (isnan(x))
        mdp_json_put_text(w, "reason", reason ? reason : "not defined");
}

/* Only where there is something to say: the same numbers have the same bytes as ever. */
static void put_defined(struct mdp_json_writer *w, size_t n_defined, size_t n_episodes)
{
    if (n_defined && n_defined < n_episodes)
        mdp_json_put_size(w, "n_defined", n_defined);
}

/* The row of the table whose key has this place in `metrics`; NULL past the last. */
static const struct mdp_metric_kind *summary_metric(int place)
{
    for (size_t i = 0; i < mdp_metric_kind_count; i++)
        if (mdp_metric_kinds[i].summary_key && mdp_metric_kinds[i].summary_place == place)
            return &mdp_metric_kinds[i];
    return NULL;
}

/* The means of one series under their keys; "lp_acc1" with the prefix "lp_". */
static void put_means(struct mdp_json_writer *w, const struct mdp_results *r, const struct mdp_series *s,
                      const char *prefix)
{
    const struct mdp_metric_kind *kind;

    for (int place = 1; (kind = summary_metric(place)); place++) {
        const struct mdp_result *x = mdp_results_find(r, s->method, s->shots, kind->name);
        char key[64];
        snprintf(key, sizeof key, "%s%s", prefix, kind->summary_key);
        if (x)
            mdp_json_put_number(w, key, x->mean);
    }
}

/* What CLIP_benchmark's `build` makes a row of: its own keys first, then more of the same kind. */
static void put_metrics(struct mdp_json_writer *w, const struct mdp_results *r)
{
    const struct mdp_series *leading = mdp_results_leading(r), *baseline = mdp_results_baseline(r);

    mdp_json_begin(w, "metrics", '{', NULL);
    if (leading) {
        put_means(w, r, leading, "lp_");
        mdp_json_put_size(w, "fewshot_k", leading->shots);
    }
    if (baseline)
        put_means(w, r, baseline, "");
    mdp_json_end(w, NULL);
}

static void put_result(struct mdp_json_writer *w, const struct mdp_result *r)
{
    mdp_json_begin(w, NULL, '{', NULL);
    mdp_json_put_text(w, "method", r->method);
    mdp_json_put_size(w, "shots", r->shots);
    mdp_json_put_text(w, "metric", r->metric);
    mdp_json_put_number(w, "mean", r->mean);
    mdp_json_put_number(w, "std", r->std);
    mdp_json_put_number(w, "ci_low", r->ci_low);
    mdp_json_put_number(w, "ci_high", r->ci_high);
    mdp_json_put_size(w, "n_episodes", r->n_episodes);
    put_defined(w, r->n_defined, r->n_episodes);
    mdp_json_put_size(w, "n_test", r->n_test);
    mdp_json_put_size(w, "n_patients", r->n_patients);
    mdp_json_put_text(w, "definition", r->definition);
    put_reason(w, r->mean, r->reason);
    mdp_json_end(w, NULL);
}

static void put_confusion(struct mdp_json_writer *w, const uint64_t counts[], size_t k)
{
    mdp_json_begin(w, "confusion", '[', NULL);
    for (size_t i = 0; i < k; i++) {
        mdp_json_begin(w, NULL, '[', NULL);
        for (size_t j = 0; j < k; j++)
            mdp_json_put_size(w, NULL, (size_t)counts[i * k + j]);
        mdp_json_end(w, NULL);
    }
    mdp_json_end(w, NULL);
}

static void put_tests(struct mdp_json_writer *w, const struct mdp_episode *e)
{
    mdp_json_begin(w, "tests", '[', "\n       ");
    for (size_t i = 0; i < e->n_tests; i++) {
        const struct mdp_episode_test *x = &e->tests[i];
        mdp_json_begin(w, NULL, '{', NULL);
        mdp_json_put_text(w, "against", x->against);
        mdp_json_put_text(w, "metric", x->metric);
        mdp_json_put_text(w, "test", x->test);
        mdp_json_put_number(w, "difference", x->difference);
        mdp_json_put_number(w, "ci_low", x->ci_low);
        mdp_json_put_number(w, "ci_high", x->ci_high);
        mdp_json_put_number(w, "p", x->p);
        mdp_json_put_number(w, "p_adjusted", x->p_adjusted);
        mdp_json_end(w, NULL);
    }
    mdp_json_end(w, NULL);
}

static void put_episode(struct mdp_json_writer *w, const struct mdp_results *r, const struct mdp_episode *e)
{
    mdp_json_begin(w, NULL, '{', NULL);
    mdp_json_put_text(w, "method", e->method);
    mdp_json_put_size(w, "shots", e->shots);
    mdp_json_put_size(w, "seed", e->seed);
    mdp_json_put_number(w, "c", e->c);
    for (size_t m = 0; m < r->n_metrics; m++)
        mdp_json_put_number(w, r->metrics[m], e->values[m]);
    put_confusion(w, e->confusion, r->n_classes);
    mdp_json_begin(w, "reasons", '{', NULL);
    for (size_t m = 0; m < r->n_metrics; m++)
        if (isnan(e->values[m]))
            mdp_json_put_text(w, r->metrics[m], e->reasons[m]);
    mdp_json_end(w, NULL);
    mdp_json_put_text(w, "group", e->group);
    mdp_json_put_size(w, "n_test", e->n_test);
    mdp_json_put_size(w, "n_patients", e->n_patients);
    put_tests(w, e);
    mdp_json_end(w, NULL);
}

static void put_comparison(struct mdp_json_writer *w, const struct mdp_comparison *c)
{
    mdp_json_begin(w, NULL, '{', NULL);
    mdp_json_put_text(w, "a", c->a);
    mdp_json_put_text(w, "b", c->b);
    mdp_json_put_size(w, "shots", c->shots);
    mdp_json_put_text(w, "metric", c->metric);
    put_defined(w, c->n_defined, c->n_episodes);
    mdp_json_put_number(w, "difference", c->difference);
    mdp_json_put_number(w, "ci_low", c->ci_low);
    mdp_json_put_number(w, "ci_high", c->ci_high);
    mdp_json_put_number(w, "p", c->p);
    mdp_json_put_number(w, "p_adjusted", c->p_adjusted);
    mdp_json_put_text(w, "test", c->test);
    put_reason(w, c->difference, c->reason);
    mdp_json_end(w, NULL);
}

static void put_fact(struct mdp_json_writer *w, const char *key, const struct mdp_fact *f)
{
    switch (f->kind) {
    case MDP_FACT_TEXT:
        mdp_json_put_text(w, key, f->text);
        return;
    case MDP_FACT_NUMBER:
        mdp_json_put_number(w, key, f->number);
        return;
    case MDP_FACT_COUNT:
        mdp_json_put_size(w, key, f->count);
        return;
    case MDP_FACT_TEXTS:
    case MDP_FACT_COUNTS:
        break;
    }
    mdp_json_begin(w, key, '[', NULL);
    for (size_t i = 0; i < f->n; i++)
        if (f->kind == MDP_FACT_TEXTS)
            mdp_json_put_text(w, NULL, f->texts[i]);
        else
            mdp_json_put_size(w, NULL, f->counts[i]);
    mdp_json_end(w, NULL);
}

/* Bytes before the point of "section.key"; 0 without one. */
static size_t section_length(const char *key)
{
    const char *point = strchr(key, '.');

    return point ? (size_t)(point - key) : 0;
}

/* Facts with the same part before a point, one after the other, stand together in one object. */
static void put_facts(struct mdp_json_writer *w, const char *name, const struct mdp_fact facts[], size_t n)
{
    mdp_json_begin(w, name, '{', "\n  ");
    for (size_t i = 0; i < n;) {
        const char *key = facts[i].key;
        const size_t length = section_length(key);
        char section[64];
        if (length == 0) {
            put_fact(w, key, &facts[i++]);
            continue;
        }
        snprintf(section, sizeof section, "%.*s", (int)length, key);
        mdp_json_begin(w, section, '{', NULL);
        for (; i < n && strncmp(facts[i].key, key, length + 1) == 0; i++)
            put_fact(w, facts[i].key + length + 1, &facts[i]);
        mdp_json_end(w, NULL);
    }
    mdp_json_end(w, n ? "\n" : NULL);
}

static void put_names(struct mdp_json_writer *w, const char *key, const char *const names[], size_t n)
{
    mdp_json_begin(w, key, '[', NULL);
    for (size_t i = 0; i < n; i++)
        mdp_json_put_text(w, NULL, names[i]);
    mdp_json_end(w, NULL);
}

mdp_status mdp_results_to_json(const struct mdp_results *r, struct mdp_text *t, struct mdp_error *err)
{
    struct mdp_json_writer writer = {.out = t}, *w = &writer;

    mdp_json_begin(w, NULL, '{', "\n");
    mdp_json_put_text(w, "model", r->model);
    mdp_json_put_text(w, "pretrained", r->pretrained);
    mdp_json_put_text(w, "dataset", r->dataset);
    mdp_json_put_text(w, "task", r->task);
    put_metrics(w, r);
    mdp_json_begin(w, "results", '[', "\n  ");
    for (size_t i = 0; i < r->n_results; i++)
        put_result(w, &r->results[i]);
    mdp_json_end(w, "\n");
    mdp_json_begin(w, "episodes", '[', "\n  ");
    for (size_t i = 0; i < r->n_episodes; i++)
        put_episode(w, r, &r->episodes[i]);
    mdp_json_end(w, "\n");
    mdp_json_begin(w, "comparisons", '[', "\n  ");
    for (size_t i = 0; i < r->n_comparisons; i++)
        put_comparison(w, &r->comparisons[i]);
    mdp_json_end(w, "\n");
    put_names(w, "classes", r->class_names, r->n_classes);
    put_names(w, "metric_names", r->metrics, r->n_metrics);
    mdp_json_put_text(w, "baseline", r->baseline);
    put_facts(w, "provenance", r->provenance, r->n_provenance);
    put_facts(w, "environment", r->environment, r->n_environment);
    mdp_json_end(w, "\n");
    mdp_text_add(t, "\n");
    return mdp_text_status(t, err);
}
