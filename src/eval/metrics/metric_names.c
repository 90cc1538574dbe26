/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of metrics: made for the classes of a run, and read as a user writes them. */
#include "base/memory.h"
#include "base/names.h"
#include "base/text.h"
#include "eval/metrics/metric_table.h"
#include "eval/metrics/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_parameter(const struct mdp_metric_kind *kind)
{
    return kind->name[strlen(kind->name) - 1] == '=';
}

/* Appends the metric of one class (or of all), unless it is there. */
static mdp_status append(struct mdp_metric_list *list, struct mdp_metric metric, const char *class_name,
                         struct mdp_pool *pool, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_text name = {0};

    mdp_text_add(&name, "%s", metric.kind->name);
    if (has_parameter(metric.kind)) {
        const bool two_digits = fabs(metric.parameter * 100 - round(metric.parameter * 100)) < 1e-9;
        mdp_text_add(&name, two_digits ? "%.2f" : "%.15g", metric.parameter);
    }
    if (metric.kind->of_class)
        mdp_text_add(&name, ":%s", class_name);
    st = mdp_text_status(&name, err);
    if (st == MDP_OK)
        metric.name = mdp_pool_string(pool, name.at, err, &st);
    mdp_text_release(&name);
    for (size_t i = 0; st == MDP_OK && i < list->n; i++)
        if (strcmp(list->at[i].name, metric.name) == 0)
            return MDP_OK;
    if (st == MDP_OK)
        list->at[list->n++] = metric;
    return st;
}

/* All classes that `kind` is given for. */
static mdp_status append_kind(struct mdp_metric_list *list, const struct mdp_metric_kind *kind,
                              double parameter, const char *const class_names[], size_t k,
                              struct mdp_pool *pool, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_metric metric = {.kind = kind, .parameter = parameter};

    if (!kind->of_class)
        return append(list, metric, NULL, pool, err);
    for (size_t c = mdp_first_scored_class(k); st == MDP_OK && c < k; c++) {
        metric.class_index = c;
        st = append(list, metric, class_names[c], pool, err);
    }
    return st;
}

static mdp_status make_room(struct mdp_metric_list *list, size_t n, size_t k, struct mdp_pool *pool,
                            struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t most = 0;

    *list = (struct mdp_metric_list){0};
    if (!mdp_mul_size(n, k, &most))
        return mdp_fail(err, MDP_ERR_LIMIT, "%zu metrics of %zu classes are too many", n, k);
    list->at = mdp_pool_array(pool, most, sizeof *list->at, err, &st);
    return st;
}

mdp_status mdp_metric_list_of_run(const char *const class_names[], size_t k, bool all, struct mdp_pool *pool,
                                  struct mdp_metric_list *list, struct mdp_error *err)
{
    mdp_status st = make_room(list, mdp_metric_kind_count, k, pool, err);

    for (size_t i = 0; st == MDP_OK && i < mdp_metric_kind_count; i++)
        if (all || mdp_metric_kinds[i].in_run)
            st = append_kind(list, &mdp_metric_kinds[i], mdp_metric_kinds[i].parameter, class_names, k, pool,
                             err);
    return st;
}

static mdp_status unknown_metric(const char *name, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const char **names = mdp_new_array(mdp_metric_kind_count, sizeof *names, err, &st);

    for (size_t i = 0; names && i < mdp_metric_kind_count; i++)
        names[i] = mdp_metric_kinds[i].name;
    if (st == MDP_OK)
        st = mdp_fail(err, MDP_ERR_USAGE, "no metric '%s' (%s)", name,
                      mdp_name_hint(name, names, mdp_metric_kind_count).text);
    free(names);
    return st;
}

/* The row of the table whose name `text` begins with; *rest is what follows. */
static const struct mdp_metric_kind *find_kind(const char *text, const char **rest)
{
    for (size_t i = 0; i < mdp_metric_kind_count; i++) {
        const size_t n = strlen(mdp_metric_kinds[i].name);
        if (strncmp(text, mdp_metric_kinds[i].name, n) != 0)
            continue;
        *rest = text + n;
        if (has_parameter(&mdp_metric_kinds[i]) || **rest == '\0' || **rest == ':')
            return &mdp_metric_kinds[i];
    }
    return NULL;
}

const struct mdp_metric_kind *mdp_metric_kind_find(const char *name)
{
    const char *rest;

    return find_kind(name, &rest);
}

static mdp_status parse_parameter(const char *text, const char **rest, double *value, struct mdp_error *err)
{
    char *end = NULL;

    *value = strtod(*rest, &end);
    if (end == *rest || !(*value > 0 && *value <= 1) || (*end != '\0' && *end != ':'))
        return mdp_fail(err, MDP_ERR_USAGE, "metric '%s': expected a number above 0 and at most 1 after '='",
                        text);
    *rest = end;
    return MDP_OK;
}

static mdp_status parse_one(const char *text, const char *const class_names[], size_t k,
                            struct mdp_pool *pool, struct mdp_metric_list *list, struct mdp_error *err)
{
    const char *rest = NULL;
    const struct mdp_metric_kind *kind = find_kind(text, &rest);
    struct mdp_metric metric = {.kind = kind};

    if (!kind)
        return unknown_metric(text, err);
    metric.parameter = kind->parameter;
    if (has_parameter(kind) && parse_parameter(text, &rest, &metric.parameter, err) != MDP_OK)
        return MDP_ERR_USAGE;
    if (*rest == '\0')
        return append_kind(list, kind, metric.parameter, class_names, k, pool, err);
    if (!kind->of_class)
        return mdp_fail(err, MDP_ERR_USAGE, "metric '%s': '%s' is of all classes, expected no class", text,
                        kind->name);
    for (size_t c = 0; c < k; c++) {
        if (strcmp(rest + 1, class_names[c]) != 0)
            continue;
        if (c < mdp_first_scored_class(k))
            return mdp_fail(err, MDP_ERR_USAGE,
                            "metric '%s': of two classes it is given for the second, '%s'", text,
                            class_names[1]);
        metric.class_index = c;
        return append(list, metric, class_names[c], pool, err);
    }
    return mdp_fail(err, MDP_ERR_USAGE, "metric '%s': no class '%s' (%s)", text, rest + 1,
                    mdp_name_hint(rest + 1, class_names, k).text);
}

mdp_status mdp_metrics_parse(const char *const names[], size_t n, const char *const class_names[], size_t k,
                             struct mdp_pool *pool, struct mdp_metric_list *list, struct mdp_error *err)
{
    mdp_status st = make_room(list, n, k, pool, err);

    for (size_t i = 0; st == MDP_OK && i < n; i++)
        st = parse_one(names[i], class_names, k, pool, list, err);
    return st;
}
