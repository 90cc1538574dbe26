/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/results_file.h"

#include "base/file.h"
#include "base/formats/json.h"
#include "base/try.h"
#include "eval/results_csv.h"
#include "eval/results_json.h"

#include <math.h>
#include <string.h>

/* --- writing --- */

mdp_status mdp_results_write(const char *folder, const struct mdp_results *results, struct mdp_error *err)
{
    struct mdp_text text = {0};
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < mdp_results_csv_count; i++) {
        mdp_text_clear(&text);
        mdp_results_csv[i].write(results, &text);
        OR_OUT(mdp_file_write_text(folder, mdp_results_csv[i].name, &text, err));
    }
    mdp_text_clear(&text);
    OR_OUT(mdp_results_to_json(results, &text, err));
    OR_OUT(mdp_file_write_text(folder, "results.json", &text, err));
out:
    mdp_text_release(&text);
    return st;
}

/* --- reading --- */

struct reader {
    const struct mdp_json *doc;
    struct mdp_results *to;
    struct mdp_error *err;
    mdp_status st; /* of the first failure; what follows does nothing */
};

static const struct mdp_json_value *need(struct reader *r, const struct mdp_json_value *map, const char *key,
                                         enum mdp_json_kind kind)
{
    const struct mdp_json_value *value = NULL;

    if (r->st == MDP_OK)
        r->st = mdp_json_get(r->doc, map, key, kind, &value, r->err);
    return r->st == MDP_OK ? value : NULL;
}

static void *new_array(struct reader *r, size_t n, size_t size)
{
    return r->st == MDP_OK ? mdp_pool_array(r->to->pool, n, size, r->err, &r->st) : NULL;
}

static const char *keep(struct reader *r, const char *text)
{
    return r->st == MDP_OK ? mdp_pool_string(r->to->pool, text, r->err, &r->st) : NULL;
}

static const char *get_text(struct reader *r, const struct mdp_json_value *map, const char *key)
{
    return keep(r, mdp_json_text(need(r, map, key, MDP_JSON_STRING)));
}

static const char *optional_text(struct reader *r, const struct mdp_json_value *map, const char *key)
{
    return keep(r, mdp_json_text(mdp_json_find(map, key)));
}

/* A number or null, which is NaN. */
static double get_number(struct reader *r, const struct mdp_json_value *map, const char *key)
{
    const struct mdp_json_value *value = mdp_json_find(map, key);

    if (value && mdp_json_kind(value) == MDP_JSON_NULL)
        return NAN;
    return mdp_json_number(need(r, map, key, MDP_JSON_NUMBER));
}

static size_t get_count(struct reader *r, const struct mdp_json_value *map, const char *key)
{
    const struct mdp_json_value *value = need(r, map, key, MDP_JSON_NUMBER);
    size_t n = 0;

    if (value && !mdp_json_to_size(value, &n))
        r->st = mdp_fail(r->err, MDP_ERR_FORMAT, "key '%s' is no count", key);
    return n;
}

/* "n_defined", which stands where some of the n episodes do not have the number. */
static size_t get_defined(struct reader *r, const struct mdp_json_value *map, double number, size_t n)
{
    if (isnan(number))
        return 0;
    return mdp_json_find(map, "n_defined") ? get_count(r, map, "n_defined") : n;
}

static const char *const *get_texts(struct reader *r, const struct mdp_json_value *map, const char *key,
                                    size_t *n)
{
    const struct mdp_json_value *list = need(r, map, key, MDP_JSON_LIST);
    const size_t count = list ? mdp_json_count(list) : 0;
    const char **texts = new_array(r, count, sizeof *texts);

    for (size_t i = 0; texts && i < count; i++) {
        texts[i] = keep(r, mdp_json_text(mdp_json_at(list, i)));
        if (r->st == MDP_OK && !texts[i])
            r->st = mdp_fail(r->err, MDP_ERR_FORMAT, "key '%s': entry %zu is no string", key, i);
    }
    *n = r->st == MDP_OK ? count : 0;
    return texts;
}

static void read_results(struct reader *r, const struct mdp_json_value *root)
{
    const struct mdp_json_value *list = need(r, root, "results", MDP_JSON_LIST);
    const size_t n = list ? mdp_json_count(list) : 0;

    r->to->results = new_array(r, n, sizeof *r->to->results);
    for (size_t i = 0; r->st == MDP_OK && i < n; i++) {
        const struct mdp_json_value *x = mdp_json_at(list, i);
        r->to->results[i] = (struct mdp_result){.method = get_text(r, x, "method"),
                                                .shots = get_count(r, x, "shots"),
                                                .metric = get_text(r, x, "metric"),
                                                .mean = get_number(r, x, "mean"),
                                                .std = get_number(r, x, "std"),
                                                .ci_low = get_number(r, x, "ci_low"),
                                                .ci_high = get_number(r, x, "ci_high"),
                                                .n_episodes = get_count(r, x, "n_episodes"),
                                                .n_test = get_count(r, x, "n_test"),
                                                .n_patients = get_count(r, x, "n_patients"),
                                                .definition = get_text(r, x, "definition"),
                                                .reason = optional_text(r, x, "reason")};
        struct mdp_result *at = &r->to->results[i];
        at->n_defined = get_defined(r, x, at->mean, at->n_episodes);
        r->to->n_results = i + 1;
    }
}

static void read_comparisons(struct reader *r, const struct mdp_json_value *root)
{
    const struct mdp_json_value *list = need(r, root, "comparisons", MDP_JSON_LIST);
    const size_t n = list ? mdp_json_count(list) : 0;

    r->to->comparisons = new_array(r, n, sizeof *r->to->comparisons);
    for (size_t i = 0; r->st == MDP_OK && i < n; i++) {
        const struct mdp_json_value *x = mdp_json_at(list, i);
        r->to->comparisons[i] = (struct mdp_comparison){.a = get_text(r, x, "a"),
                                                        .b = get_text(r, x, "b"),
                                                        .shots = get_count(r, x, "shots"),
                                                        .metric = get_text(r, x, "metric"),
                                                        .difference = get_number(r, x, "difference"),
                                                        .ci_low = get_number(r, x, "ci_low"),
                                                        .ci_high = get_number(r, x, "ci_high"),
                                                        .p = get_number(r, x, "p"),
                                                        .p_adjusted = get_number(r, x, "p_adjusted"),
                                                        .test = get_text(r, x, "test"),
                                                        .reason = optional_text(r, x, "reason")};
        struct mdp_comparison *at = &r->to->comparisons[i];
        const struct mdp_result *of_a =
            r->st == MDP_OK ? mdp_results_find(r->to, at->a, at->shots, at->metric) : NULL;
        at->n_episodes = of_a ? of_a->n_episodes : 0;
        at->n_defined = get_defined(r, x, at->difference, at->n_episodes);
        r->to->n_comparisons = i + 1;
    }
}

static void read_tests(struct reader *r, const struct mdp_json_value *episode, struct mdp_episode *e)
{
    const struct mdp_json_value *list = need(r, episode, "tests", MDP_JSON_LIST);
    const size_t n = list ? mdp_json_count(list) : 0;

    e->tests = new_array(r, n, sizeof *e->tests);
    for (size_t i = 0; r->st == MDP_OK && i < n; i++) {
        const struct mdp_json_value *x = mdp_json_at(list, i);
        e->tests[i] = (struct mdp_episode_test){.against = get_text(r, x, "against"),
                                                .metric = get_text(r, x, "metric"),
                                                .test = get_text(r, x, "test"),
                                                .difference = get_number(r, x, "difference"),
                                                .ci_low = get_number(r, x, "ci_low"),
                                                .ci_high = get_number(r, x, "ci_high"),
                                                .p = get_number(r, x, "p"),
                                                .p_adjusted = get_number(r, x, "p_adjusted")};
        e->n_tests = i + 1;
    }
}

static void read_confusion(struct reader *r, const struct mdp_json_value *episode, struct mdp_episode *e)
{
    const size_t k = r->to->n_classes;
    const struct mdp_json_value *rows = need(r, episode, "confusion", MDP_JSON_LIST);

    e->confusion = new_array(r, k * k, sizeof *e->confusion);
    for (size_t i = 0; r->st == MDP_OK && i < k * k; i++) {
        size_t count = 0;
        if (!mdp_json_to_size(mdp_json_at(mdp_json_at(rows, i / k), i % k), &count))
            r->st =
                mdp_fail(r->err, MDP_ERR_FORMAT, "key 'confusion': expected %zu rows of %zu counts", k, k);
        e->confusion[i] = count;
    }
}

static void read_episode(struct reader *r, const struct mdp_json_value *x, struct mdp_episode *e)
{
    const size_t m = r->to->n_metrics;
    const struct mdp_json_value *reasons = need(r, x, "reasons", MDP_JSON_MAP);

    *e = (struct mdp_episode){.method = get_text(r, x, "method"),
                              .shots = get_count(r, x, "shots"),
                              .seed = get_count(r, x, "seed"),
                              .c = get_number(r, x, "c"),
                              .group = get_text(r, x, "group"),
                              .n_test = get_count(r, x, "n_test"),
                              .n_patients = get_count(r, x, "n_patients"),
                              .values = new_array(r, m, sizeof *e->values),
                              .reasons = new_array(r, m, sizeof *e->reasons)};
    for (size_t i = 0; r->st == MDP_OK && i < m; i++) {
        e->values[i] = get_number(r, x, r->to->metrics[i]);
        e->reasons[i] = optional_text(r, reasons, r->to->metrics[i]);
    }
    read_confusion(r, x, e);
    read_tests(r, x, e);
}

static void read_episodes(struct reader *r, const struct mdp_json_value *root)
{
    const struct mdp_json_value *list = need(r, root, "episodes", MDP_JSON_LIST);
    const size_t n = list ? mdp_json_count(list) : 0;

    r->to->episodes = new_array(r, n, sizeof *r->to->episodes);
    for (size_t i = 0; r->st == MDP_OK && i < n; i++) {
        read_episode(r, mdp_json_at(list, i), &r->to->episodes[i]);
        r->to->n_episodes = i + 1;
    }
}

/* Facts being read: entries of an object, one level of objects inside it. */
struct fact_list {
    struct reader *reader;
    const char *section; /* NULL outside */
    struct mdp_fact *at;
    size_t n, capacity;
};

static mdp_status read_fact_list(struct reader *r, const struct mdp_json_value *list, struct mdp_fact *fact)
{
    const size_t n = mdp_json_count(list);
    size_t first = 0;
    const bool counts = n && mdp_json_to_size(mdp_json_at(list, 0), &first);
    const char **texts = new_array(r, n, sizeof *texts);
    size_t *numbers = new_array(r, n, sizeof *numbers);

    for (size_t i = 0; r->st == MDP_OK && i < n; i++) {
        const struct mdp_json_value *x = mdp_json_at(list, i);
        texts[i] = keep(r, mdp_json_text(x));
        const bool whole = mdp_json_to_size(x, &numbers[i]);
        if (r->st == MDP_OK && (counts ? !whole : !texts[i]))
            r->st = mdp_fail(r->err, MDP_ERR_FORMAT, "key '%s': entry %zu is of another kind", fact->key, i);
    }
    fact->kind = counts ? MDP_FACT_COUNTS : MDP_FACT_TEXTS;
    fact->n = n;
    fact->texts = texts;
    fact->counts = numbers;
    return r->st;
}

static mdp_status read_fact(void *context, const char *key, const struct mdp_json_value *value,
                            struct mdp_error *err)
{
    struct fact_list *list = context;
    struct reader *r = list->reader;
    const enum mdp_json_kind kind = mdp_json_kind(value);
    struct mdp_text name = {0};
    size_t count = 0;

    if (kind == MDP_JSON_MAP && !list->section) {
        list->section = key;
        mdp_status st = mdp_json_each(value, read_fact, list, err);
        list->section = NULL;
        return st;
    }
    if (list->n == list->capacity)
        return r->st = mdp_fail(err, MDP_ERR_FORMAT, "key '%s': too many entries", key);
    struct mdp_fact *fact = &list->at[list->n++];
    mdp_text_add(&name, "%s%s%s", list->section ? list->section : "", list->section ? "." : "", key);
    r->st = mdp_text_status(&name, err);
    *fact = (struct mdp_fact){.kind = MDP_FACT_TEXT, .key = keep(r, name.at)};
    mdp_text_release(&name);
    if (r->st != MDP_OK || kind == MDP_JSON_NULL)
        return r->st;
    if (kind == MDP_JSON_LIST)
        return read_fact_list(r, value, fact);
    if (kind == MDP_JSON_STRING)
        fact->text = keep(r, mdp_json_text(value));
    else if (mdp_json_to_size(value, &count))
        *fact = (struct mdp_fact){.kind = MDP_FACT_COUNT, .key = fact->key, .count = count};
    else if (kind == MDP_JSON_NUMBER)
        *fact =
            (struct mdp_fact){.kind = MDP_FACT_NUMBER, .key = fact->key, .number = mdp_json_number(value)};
    else
        r->st = mdp_fail(err, MDP_ERR_FORMAT, "key '%s' is neither text, number nor list", key);
    return r->st;
}

static mdp_status count_fact(void *context, const char *key, const struct mdp_json_value *value,
                             struct mdp_error *err)
{
    (void)key;
    (void)err;
    *(size_t *)context += 1 + (mdp_json_kind(value) == MDP_JSON_MAP ? mdp_json_count(value) : 0);
    return MDP_OK;
}

static struct mdp_fact *read_facts(struct reader *r, const struct mdp_json_value *root, const char *key,
                                   size_t *n)
{
    struct fact_list list = {.reader = r};
    const struct mdp_json_value *map = need(r, root, key, MDP_JSON_MAP);

    *n = 0;
    if (!map)
        return NULL;
    r->st = mdp_json_each(map, count_fact, &list.capacity, r->err);
    list.at = new_array(r, list.capacity, sizeof *list.at);
    if (r->st == MDP_OK)
        r->st = mdp_json_each(map, read_fact, &list, r->err);
    *n = list.n;
    return list.at;
}

mdp_status mdp_results_read(const char *path, struct mdp_results *results, struct mdp_error *err)
{
    struct mdp_json *doc = NULL;
    struct reader r = {.to = results, .err = err};

    *results = (struct mdp_results){0};
    r.st = mdp_json_read(path, &doc, err);
    if (r.st != MDP_OK)
        return r.st;
    r.doc = doc;
    results->pool = mdp_pool_new(err, &r.st);
    const struct mdp_json_value *root = mdp_json_root(doc);
    results->model = get_text(&r, root, "model");
    results->pretrained = get_text(&r, root, "pretrained");
    results->dataset = get_text(&r, root, "dataset");
    results->task = get_text(&r, root, "task");
    results->baseline = get_text(&r, root, "baseline");
    results->class_names = get_texts(&r, root, "classes", &results->n_classes);
    results->metrics = get_texts(&r, root, "metric_names", &results->n_metrics);
    read_results(&r, root);
    read_episodes(&r, root);
    read_comparisons(&r, root);
    results->provenance = read_facts(&r, root, "provenance", &results->n_provenance);
    results->environment = read_facts(&r, root, "environment", &results->n_environment);
    mdp_json_free(doc);
    if (r.st == MDP_OK)
        r.st = mdp_results_find_series(results, err);
    if (r.st == MDP_OK)
        return MDP_OK;
    mdp_results_release(results);
    return !err || strstr(err->message, path) ? r.st : mdp_fail_at(err, r.st, "%s", path);
}
