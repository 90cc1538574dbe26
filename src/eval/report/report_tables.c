/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/report/report_tables.h"

#include "base/try.h"
#include "eval/metrics/metric_table.h"
#include "eval/statistics/intervals.h"

#include <math.h>
#include <string.h>

/* --- facts --- */

static const struct mdp_fact *find_fact(const struct mdp_results *results, const char *key)
{
    for (size_t i = 0; i < results->n_provenance; i++)
        if (strcmp(results->provenance[i].key, key) == 0)
            return &results->provenance[i];
    return NULL;
}

const char *mdp_report_fact(const struct mdp_results *results, const char *key, struct mdp_pool *pool)
{
    const struct mdp_fact *f = find_fact(results, key);
    struct mdp_text text = {0};
    mdp_status st = MDP_OK;

    if (!f)
        return "";
    switch (f->kind) {
    case MDP_FACT_TEXT:
        mdp_text_add(&text, "%s", f->text ? f->text : "");
        break;
    case MDP_FACT_NUMBER:
        mdp_text_add(&text, "%.15g", f->number); /* as it was given: 0.95 */
        break;
    case MDP_FACT_COUNT:
        mdp_text_add(&text, "%zu", f->count);
        break;
    case MDP_FACT_TEXTS:
        for (size_t k = 0; k < f->n; k++)
            mdp_text_add(&text, "%s%s", k ? ", " : "", f->texts[k]);
        break;
    case MDP_FACT_COUNTS:
        for (size_t k = 0; k < f->n; k++)
            mdp_text_add(&text, "%s%zu", k ? ", " : "", f->counts[k]);
    }
    const char *kept = text.at && !text.failed ? mdp_pool_string(pool, text.at, NULL, &st) : NULL;
    mdp_text_release(&text);
    return kept ? kept : "";
}

size_t mdp_report_fact_count(const struct mdp_results *results, const char *key)
{
    const struct mdp_fact *f = find_fact(results, key);

    return f && f->kind == MDP_FACT_COUNT ? f->count : 0;
}

size_t mdp_report_fewest_pictures(const struct mdp_results *results, size_t shots)
{
    const struct mdp_fact *of = find_fact(results, "shots");
    const struct mdp_fact *fewest = find_fact(results, "support_pictures_fewest");

    for (size_t i = 0; of && fewest && i < of->n && i < fewest->n; i++)
        if (of->counts[i] == shots && fewest->counts[i] < shots * results->n_classes)
            return fewest->counts[i];
    return 0;
}

/* "≤ " before a number of shots that some class did not have. */
static const char *at_most(const struct mdp_results *r, const struct mdp_series *s)
{
    return mdp_report_fewest_pictures(r, s->shots) ? "≤ " : "";
}

/* --- headline --- */

static const char *with_interval(const struct mdp_result *r, struct mdp_pool *pool, struct mdp_error *err,
                                 mdp_status *st)
{
    if (!r || isnan(r->mean))
        return "not defined";
    if (isnan(r->ci_low))
        return mdp_table_cell(pool, err, st, "%.3f", r->mean);
    return mdp_table_cell(pool, err, st, "%.3f [%.3f, %.3f]", r->mean, r->ci_low, r->ci_high);
}

static const char *difference(const struct mdp_comparison *c, struct mdp_pool *pool, struct mdp_error *err,
                              mdp_status *st)
{
    if (!c || isnan(c->difference))
        return "";
    if (isnan(c->ci_low))
        return mdp_table_cell(pool, err, st, "%+.3f", c->difference);
    return mdp_table_cell(pool, err, st, "%+.3f [%+.3f, %+.3f]", c->difference, c->ci_low, c->ci_high);
}

static const char *p_value(const struct mdp_comparison *c, struct mdp_pool *pool, struct mdp_error *err,
                           mdp_status *st)
{
    if (!c || isnan(c->p_adjusted))
        return "";
    return c->p_adjusted < 0.0005 ? "< 0.001" : mdp_table_cell(pool, err, st, "%.3f", c->p_adjusted);
}

/* "40", "13 to 18"; "" for none. */
static const char *range_cell(struct mdp_range range, struct mdp_pool *pool, struct mdp_error *err,
                              mdp_status *st)
{
    if (!range.most)
        return "";
    if (range.least == range.most)
        return mdp_table_cell(pool, err, st, "%zu", range.least);
    return mdp_table_cell(pool, err, st, "%zu to %zu", range.least, range.most);
}

/* The cells of one series, or, without one, the header. */
static mdp_status headline_row(const struct mdp_results *r, const struct mdp_series *s, struct mdp_pool *pool,
                               const char **row, struct mdp_error *err)
{
    const char *leading = mdp_metric_leading()->name;
    const struct mdp_comparison *c = s ? mdp_results_find_comparison(r, s->method, s->shots, leading) : NULL;
    mdp_status st = MDP_OK;
    size_t n = 0;

    row[n++] = s ? s->method : "method";
    row[n++] = s ? mdp_table_cell(pool, err, &st, "%s%zu", at_most(r, s), s->shots) : "shots";
    row[n++] = s ? s->is_baseline ? "" : mdp_report_fact(r, "c_rule", pool) : MDP_COLUMN_RULE;
    for (size_t m = 0; m < mdp_metric_kind_count; m++)
        if (mdp_metric_kinds[m].headline)
            row[n++] = s ? with_interval(mdp_results_find(r, s->method, s->shots, mdp_metric_kinds[m].name),
                                         pool, err, &st)
                         : mdp_metric_kinds[m].headline;
    row[n++] = s ? difference(c, pool, err, &st)
                 : mdp_table_cell(pool, err, &st, "%s minus %s", mdp_metric_leading()->headline, r->baseline);
    row[n++] = s ? p_value(c, pool, err, &st) : "p (Holm)";
    row[n++] = s ? mdp_table_cell(pool, err, &st, "%zu", s->n_episodes) : MDP_COLUMN_EPISODES;
    row[n++] = s ? range_cell(s->rows, pool, err, &st) : MDP_COLUMN_PICTURES;
    row[n++] = s ? range_cell(s->patients, pool, err, &st) : MDP_COLUMN_PATIENTS;
    return st;
}

mdp_status mdp_table_headline(const struct mdp_report_run runs[], size_t n, struct mdp_pool *pool,
                              struct mdp_table *table, struct mdp_error *err)
{
    enum { COLUMNS_BESIDE_METRICS = 8 };
    size_t rows = 0, at = 0, columns = COLUMNS_BESIDE_METRICS;
    const size_t lead = n > 1; /* a column for the run, when there are several */
    bool any_short = false;

    *table = (struct mdp_table){.name = "headline",
                                .title = "Few-shot probe against zero-shot",
                                .text_columns = 1 + lead,
                                .pool = pool};
    for (size_t m = 0; m < mdp_metric_kind_count; m++)
        columns += mdp_metric_kinds[m].headline != NULL;
    for (size_t i = 0; i < n; i++)
        rows += runs[i].results->n_series;
    TRY(mdp_table_make(table, rows, columns + lead, err));
    if (lead)
        table->header[0] = "run";
    TRY(headline_row(runs[0].results, NULL, pool, table->header + lead, err));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < runs[i].results->n_series; k++, at++) {
            const struct mdp_series *s = &runs[i].results->series[k];
            const char **row = table->cells + at * table->columns;
            if (lead)
                row[0] = runs[i].name;
            any_short |= mdp_report_fewest_pictures(runs[i].results, s->shots) > 0;
            TRY(headline_row(runs[i].results, s, pool, row + lead, err));
        }
    mdp_status st = MDP_OK;
    table->caption = mdp_table_cell(
        pool, err, &st,
        "Mean over episodes with %s interval over draws and test patients; without draws: over "
        "test patients. AUC of two classes is that of the second; of more classes, the one-vs-rest macro "
        "average. Shots are pictures a class%s. The difference is taken on the test pictures of each "
        "episode.",
        MDP_LEVEL_TEXT, any_short ? " (≤: some class had fewer to give)" : "");
    return st;
}

/* --- all metrics, confusion, provenance --- */

mdp_status mdp_table_metrics(const struct mdp_report_run *run, struct mdp_pool *pool, struct mdp_table *table,
                             struct mdp_error *err)
{
    const struct mdp_results *r = run->results;
    const size_t n = r->n_series;
    mdp_status st = MDP_OK;

    *table = (struct mdp_table){.name = "metrics", .title = "All metrics", .text_columns = 1, .pool = pool};
    table->caption = "Mean over episodes, ± standard deviation over episodes where there are several.";
    TRY(mdp_table_make(table, r->n_metrics, n + 1, err));
    table->header[0] = "metric";
    for (size_t k = 0; k < n; k++)
        table->header[k + 1] = r->series[k].is_baseline
                                   ? r->series[k].method
                                   : mdp_table_cell(pool, err, &st, "%s %s%zu", r->series[k].method,
                                                    at_most(r, &r->series[k]), r->series[k].shots);
    for (size_t m = 0; m < r->n_metrics; m++) {
        const char **row = table->cells + m * (n + 1);
        row[0] = r->metrics[m];
        for (size_t k = 0; k < n; k++) {
            const struct mdp_result *v =
                mdp_results_find(r, r->series[k].method, r->series[k].shots, r->metrics[m]);
            if (!v || isnan(v->mean))
                row[k + 1] = "not defined";
            else if (isnan(v->std))
                row[k + 1] = mdp_table_cell(pool, err, &st, "%.3f", v->mean);
            else
                row[k + 1] = mdp_table_cell(pool, err, &st, "%.3f ± %.3f", v->mean, v->std);
        }
    }
    return st;
}

mdp_status mdp_table_definitions(const struct mdp_report_run runs[], size_t n, struct mdp_pool *pool,
                                 struct mdp_table *table, struct mdp_error *err)
{
    size_t rows = 0;

    *table = (struct mdp_table){
        .name = "definitions", .title = "What the metrics are", .text_columns = 2, .pool = pool};
    TRY(mdp_table_make(table, mdp_metric_kind_count, 2, err));
    table->header[0] = "metric";
    table->header[1] = "definition";
    for (size_t k = 0; k < mdp_metric_kind_count; k++) {
        const struct mdp_metric_kind *kind = &mdp_metric_kinds[k];
        bool shown = false;
        for (size_t i = 0; i < n; i++)
            for (size_t m = 0; m < runs[i].results->n_metrics; m++)
                shown = shown || mdp_metric_kind_find(runs[i].results->metrics[m]) == kind;
        if (!shown)
            continue;
        mdp_status st = MDP_OK;
        table->cells[2 * rows] =
            mdp_table_cell(pool, err, &st, "%s%s", kind->name, kind->of_class ? ":<class>" : "");
        table->cells[2 * rows++ + 1] = kind->definition;
        TRY(st);
    }
    table->rows = rows;
    return MDP_OK;
}

size_t mdp_report_confusion(const struct mdp_results *r, const struct mdp_series *s,
                            unsigned long long *counts)
{
    size_t episodes = 0, cells = r->n_classes * r->n_classes;

    memset(counts, 0, cells * sizeof *counts);
    for (size_t e = 0; e < r->n_episodes; e++) {
        if (r->episodes[e].shots != s->shots || strcmp(r->episodes[e].method, s->method) != 0)
            continue;
        episodes++;
        for (size_t i = 0; i < cells; i++)
            counts[i] += r->episodes[e].confusion[i];
    }
    return episodes;
}

mdp_status mdp_table_confusion(const struct mdp_results *r, const struct mdp_series *s, struct mdp_pool *pool,
                               struct mdp_table *table, struct mdp_error *err)
{
    size_t k = r->n_classes;
    mdp_status st = MDP_OK;
    unsigned long long *sum = mdp_pool_array(pool, k * k, sizeof *sum, err, &st);

    *table = (struct mdp_table){.text_columns = 1, .pool = pool};
    if (st == MDP_OK)
        st = mdp_table_make(table, k, k + 1, err);
    if (st != MDP_OK)
        return st;
    size_t episodes = mdp_report_confusion(r, s, sum);
    table->name = mdp_table_cell(pool, err, &st, "confusion-%s-k%zu", s->method, s->shots);
    table->title = s->shots ? mdp_table_cell(pool, err, &st, "Confusion, %s with %s%zu shots", s->method,
                                             at_most(r, s), s->shots)
                            : mdp_table_cell(pool, err, &st, "Confusion, %s", s->method);
    table->caption = episodes > 1
                         ? mdp_table_cell(pool, err, &st, "Pictures, summed over %zu episodes.", episodes)
                         : "Pictures.";
    table->header[0] = "true \\ predicted";
    for (size_t i = 0; i < k; i++) {
        table->header[i + 1] = r->class_names[i];
        table->cells[i * (k + 1)] = r->class_names[i];
        for (size_t j = 0; j < k; j++)
            table->cells[i * (k + 1) + j + 1] = mdp_table_cell(pool, err, &st, "%llu", sum[i * k + j]);
    }
    return st;
}

mdp_status mdp_table_provenance(const struct mdp_report_run *run, struct mdp_pool *pool,
                                struct mdp_table *table, struct mdp_error *err)
{
    const struct mdp_results *r = run->results;

    *table = (struct mdp_table){
        .name = "provenance", .title = "What it was made with", .text_columns = 2, .pool = pool};
    mdp_status st = mdp_table_make(table, r->n_provenance, 2, err);
    if (st != MDP_OK)
        return st;
    table->header[0] = "what";
    table->header[1] = "value";
    for (size_t i = 0; i < r->n_provenance; i++) {
        table->cells[2 * i] = r->provenance[i].key;
        const char *value = mdp_report_fact(r, r->provenance[i].key, pool);
        table->cells[2 * i + 1] = *value ? value : "not known";
    }
    return MDP_OK;
}
