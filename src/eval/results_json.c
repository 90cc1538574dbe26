/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/results_json.h"

#include "base/formats/json.h"
#include "eval/metrics/metric_table.h"

#include <math.h>
#include <string.h>

/* One entry a line, so that two runs can be compared by diff. */

/* ", " before every entry of an object or list but the first. */
static void begin_entry(struct mdp_text *t, bool *first)
{
    mdp_text_add(t, *first ? "" : ", ");
    *first = false;
}

static void put_key(struct mdp_text *t, bool *first, const char *key)
{
    begin_entry(t, first);
    mdp_text_add_json(t, key);
    mdp_text_add(t, ": ");
}

static void put_text(struct mdp_text *t, bool *first, const char *key, const char *text)
{
    put_key(t, first, key);
    mdp_text_add_json(t, text);
}

static void put_number(struct mdp_text *t, bool *first, const char *key, double x)
{
    put_key(t, first, key);
    mdp_text_add_json_number(t, x);
}

static void put_count(struct mdp_text *t, bool *first, const char *key, size_t n)
{
    put_key(t, first, key);
    mdp_text_add(t, "%zu", n);
}

/* A null number and its sentence. */
static void put_reason(struct mdp_text *t, bool *first, double x, const char *reason)
{
    if (isnan(x))
        put_text(t, first, "reason", reason ? reason : "not defined");
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
static void put_means(struct mdp_text *t, bool *first, const struct mdp_results *r,
                      const struct mdp_series *s, const char *prefix)
{
    const struct mdp_metric_kind *kind;

    for (int place = 1; (kind = summary_metric(place)); place++) {
        const struct mdp_result *x = mdp_results_find(r, s->method, s->shots, kind->name);
        if (!x)
            continue;
        begin_entry(t, first);
        mdp_text_add(t, "\"%s%s\": ", prefix, kind->summary_key);
        mdp_text_add_json_number(t, x->mean);
    }
}

/* What CLIP_benchmark's `build` makes a row of: its own keys first, then more of the same kind. */
static void put_metrics(struct mdp_text *t, const struct mdp_results *r)
{
    const struct mdp_series *leading = mdp_results_leading(r), *baseline = mdp_results_baseline(r);
    bool first = true;

    mdp_text_add(t, "\"metrics\": {");
    if (leading) {
        put_means(t, &first, r, leading, "lp_");
        put_count(t, &first, "fewshot_k", leading->shots);
    }
    if (baseline)
        put_means(t, &first, r, baseline, "");
    mdp_text_add(t, "}");
}

static void put_result(struct mdp_text *t, const struct mdp_result *r)
{
    bool first = true;

    mdp_text_add(t, "{");
    put_text(t, &first, "method", r->method);
    put_count(t, &first, "shots", r->shots);
    put_text(t, &first, "metric", r->metric);
    put_number(t, &first, "mean", r->mean);
    put_number(t, &first, "std", r->std);
    put_number(t, &first, "ci_low", r->ci_low);
    put_number(t, &first, "ci_high", r->ci_high);
    put_count(t, &first, "n_episodes", r->n_episodes);
    put_count(t, &first, "n_test", r->n_test);
    put_count(t, &first, "n_patients", r->n_patients);
    put_text(t, &first, "definition", r->definition);
    put_reason(t, &first, r->mean, r->reason);
    mdp_text_add(t, "}");
}

static void put_confusion(struct mdp_text *t, const uint64_t counts[], size_t k)
{
    mdp_text_add(t, "[");
    for (size_t i = 0; i < k; i++) {
        mdp_text_add(t, i ? ", [" : "[");
        for (size_t j = 0; j < k; j++)
            mdp_text_add(t, "%s%llu", j ? ", " : "", (unsigned long long)counts[i * k + j]);
        mdp_text_add(t, "]");
    }
    mdp_text_add(t, "]");
}

static void put_tests(struct mdp_text *t, const struct mdp_episode *e)
{
    mdp_text_add(t, "[");
    for (size_t i = 0; i < e->n_tests; i++) {
        const struct mdp_episode_test *x = &e->tests[i];
        bool first = true;
        mdp_text_add(t, i ? ",\n       {" : "\n       {");
        put_text(t, &first, "against", x->against);
        put_text(t, &first, "metric", x->metric);
        put_text(t, &first, "test", x->test);
        put_number(t, &first, "difference", x->difference);
        put_number(t, &first, "ci_low", x->ci_low);
        put_number(t, &first, "ci_high", x->ci_high);
        put_number(t, &first, "p", x->p);
        put_number(t, &first, "p_adjusted", x->p_adjusted);
        mdp_text_add(t, "}");
    }
    mdp_text_add(t, "]");
}

static void put_episode(struct mdp_text *t, const struct mdp_results *r, const struct mdp_episode *e)
{
    bool first = true, first_reason = true;

    mdp_text_add(t, "{");
    put_text(t, &first, "method", e->method);
    put_count(t, &first, "shots", e->shots);
    put_count(t, &first, "seed", e->seed);
    put_number(t, &first, "c", e->c);
    for (size_t m = 0; m < r->n_metrics; m++)
        put_number(t, &first, r->metrics[m], e->values[m]);
    put_key(t, &first, "confusion");
    put_confusion(t, e->confusion, r->n_classes);
    put_key(t, &first, "reasons");
    mdp_text_add(t, "{");
    for (size_t m = 0; m < r->n_metrics; m++)
        if (isnan(e->values[m]))
            put_text(t, &first_reason, r->metrics[m], e->reasons[m]);
    mdp_text_add(t, "}");
    put_text(t, &first, "group", e->group);
    put_count(t, &first, "n_test", e->n_test);
    put_count(t, &first, "n_patients", e->n_patients);
    put_key(t, &first, "tests");
    put_tests(t, e);
    mdp_text_add(t, "}");
}

static void put_comparison(struct mdp_text *t, const struct mdp_comparison *c)
{
    bool first = true;

    mdp_text_add(t, "{");
    put_text(t, &first, "a", c->a);
    put_text(t, &first, "b", c->b);
    put_count(t, &first, "shots", c->shots);
    put_text(t, &first, "metric", c->metric);
    put_number(t, &first, "difference", c->difference);
    put_number(t, &first, "ci_low", c->ci_low);
    put_number(t, &first, "ci_high", c->ci_high);
    put_number(t, &first, "p", c->p);
    put_number(t, &first, "p_adjusted", c->p_adjusted);
    put_text(t, &first, "test", c->test);
    put_reason(t, &first, c->difference, c->reason);
    mdp_text_add(t, "}");
}

static void put_fact(struct mdp_text *t, bool *first, const char *key, const struct mdp_fact *f)
{
    put_key(t, first, key);
    switch (f->kind) {
    case MDP_FACT_TEXT:
        mdp_text_add_json(t, f->text);
        return;
    case MDP_FACT_NUMBER:
        mdp_text_add_json_number(t, f->number);
        return;
    case MDP_FACT_COUNT:
        mdp_text_add(t, "%zu", f->count);
        return;
    case MDP_FACT_TEXTS:
    case MDP_FACT_COUNTS:
        break;
    }
    mdp_text_add(t, "[");
    for (size_t i = 0; i < f->n; i++) {
        mdp_text_add(t, i ? ", " : "");
        if (f->kind == MDP_FACT_TEXTS)
            mdp_text_add_json(t, f->texts[i]);
        else
            mdp_text_add(t, "%zu", f->counts[i]);
    }
    mdp_text_add(t, "]");
}

/* Facts with the same part before a point stand together in one object. */
static size_t section_length(const char *key)
{
    const char *point = strchr(key, '.');

    return point ? (size_t)(point - key) : 0;
}

static void put_facts(struct mdp_text *t, const char *name, const struct mdp_fact facts[], size_t n)
{
    bool first = true, first_inside = true;
    size_t open = 0; /* length of the open section's name, which facts[i - 1] has */

    mdp_text_add_json(t, name);
    mdp_text_add(t, ": {");
    for (size_t i = 0; i < n; i++) {
        const size_t length = section_length(facts[i].key);
        if (open && (length != open || memcmp(facts[i].key, facts[i - 1].key, open) != 0)) {
            mdp_text_add(t, "}");
            open = 0;
        }
        if (length && !open) {
            mdp_text_add(t, "%s\n  \"%.*s\": {", first ? "" : ",", (int)length, facts[i].key);
            first = false;
            first_inside = true;
            open = length;
        }
        if (!open)
            mdp_text_add(t, "%s\n  ", first ? "" : ",");
        bool alone = true;
        if (open)
            put_fact(t, &first_inside, facts[i].key + length + 1, &facts[i]);
        else
            put_fact(t, &alone, facts[i].key, &facts[i]);
        if (!open)
            first = false;
    }
    mdp_text_add(t, open ? "}\n}" : n ? "\n}" : "}");
}

mdp_status mdp_results_to_json(const struct mdp_results *r, struct mdp_text *t, struct mdp_error *err)
{
    const char *const texts[][2] = {
        {"model", r->model}, {"pretrained", r->pretrained}, {"dataset", r->dataset}, {"task", r->task}};

    mdp_text_add(t, "{\n");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        bool alone = true;
        put_text(t, &alone, texts[i][0], texts[i][1]);
        mdp_text_add(t, ",\n");
    }
    put_metrics(t, r);
    mdp_text_add(t, ",\n\"results\": [");
    for (size_t i = 0; i < r->n_results; i++) {
        mdp_text_add(t, i ? ",\n  " : "\n  ");
        put_result(t, &r->results[i]);
    }
    mdp_text_add(t, "\n],\n\"episodes\": [");
    for (size_t i = 0; i < r->n_episodes; i++) {
        mdp_text_add(t, i ? ",\n  " : "\n  ");
        put_episode(t, r, &r->episodes[i]);
    }
    mdp_text_add(t, "\n],\n\"comparisons\": [");
    for (size_t i = 0; i < r->n_comparisons; i++) {
        mdp_text_add(t, i ? ",\n  " : "\n  ");
        put_comparison(t, &r->comparisons[i]);
    }
    mdp_text_add(t, "\n],\n\"classes\": [");
    for (size_t c = 0; c < r->n_classes; c++) {
        mdp_text_add(t, c ? ", " : "");
        mdp_text_add_json(t, r->class_names[c]);
    }
    mdp_text_add(t, "],\n\"metric_names\": [");
    for (size_t m = 0; m < r->n_metrics; m++) {
        mdp_text_add(t, m ? ", " : "");
        mdp_text_add_json(t, r->metrics[m]);
    }
    mdp_text_add(t, "],\n\"baseline\": ");
    mdp_text_add_json(t, r->baseline);
    mdp_text_add(t, ",\n");
    put_facts(t, "provenance", r->provenance, r->n_provenance);
    mdp_text_add(t, ",\n");
    put_facts(t, "environment", r->environment, r->n_environment);
    mdp_text_add(t, "\n}\n");
    return mdp_text_status(t, err);
}
