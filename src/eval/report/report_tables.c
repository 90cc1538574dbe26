/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/report/report_tables.h"

#include "base/try.h"
#include "eval/metrics/metric_table.h"
#include "eval/provenance_keys.h"
#include "eval/statistics/intervals.h"

#include <math.h>
#include <string.h>

/* --- facts --- */

const char *mdp_report_fact(const struct mdp_results *results, const char *key, struct mdp_pool *pool)
{
    const struct mdp_fact *f = mdp_results_fact(results, key);
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
    const struct mdp_fact *f = mdp_results_fact(results, key);

    return f && f->kind == MDP_FACT_COUNT ? f->count : 0;
}

size_t mdp_report_fewest_pictures(const struct mdp_results *results, size_t shots)
{
    const struct mdp_fact *of = mdp_results_fact(results, MDP_FACT_KEY_SHOTS);
    const struct mdp_fact *fewest = mdp_results_fact(results, MDP_FACT_KEY_SUPPORT_FEWEST);

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

void mdp_text_add_interval(struct mdp_text *t, bool sign, double value, double low, double high)
{
    mdp_text_add(t, sign ? "%+.3f" : "%.3f", value);
    if (!isnan(low))
        mdp_text_add(t, sign ? " [%+.3f, %+.3f]" : " [%.3f, %.3f]", low, high);
}

void mdp_text_add_p(struct mdp_text *t, const struct mdp_comparison *c)
{
    if (isnan(c->p_adjusted))
        return;
    if (mdp_report_has_no_spread(c) && c->difference != 0)
        mdp_text_add(t, "no spread");
    else if (c->p_adjusted < 0.0005)
        mdp_text_add(t, "< 0.001");
    else
        mdp_text_add(t, "%.3f", c->p_adjusted);
}

bool mdp_report_has_no_spread(const struct mdp_comparison *c)
{
    return c->ci_low == c->ci_high; /* not of NaN */
}

/* What was written, in the pool; the text is released. */
static const char *take_text(struct mdp_text *t, struct mdp_pool *pool, struct mdp_error *err, mdp_status *st)
{
    if (*st == MDP_OK)
        *st = mdp_text_status(t, err);
    const char *kept = *st == MDP_OK && t->at ? mdp_pool_string(pool, t->at, err, st) : NULL;
    mdp_text_release(t);
    return kept ? kept : "";
}

static const char *with_interval(const struct mdp_result *r, struct mdp_pool *pool, struct mdp_error *err,
                                 mdp_status *st)
{
    struct mdp_text t = {0};

    if (!r || isnan(r->mean))
        return "not defined";
    mdp_text_add_interval(&t, false, r->mean, r->ci_low, r->ci_high);
    return take_text(&t, pool, err, st);
}

static const char *difference(const struct mdp_comparison *c, struct mdp_pool *pool, struct mdp_error *err,
                              mdp_status *st)
{
    struct mdp_text t = {0};

    if (c && !isnan(c->difference))
        mdp_text_add_interval(&t, true, c->difference, c->ci_low, c->ci_high);
    return take_text(&t, pool, err, st);
}

static const char *p_value(const struct mdp_comparison *c, struct mdp_pool *pool, struct mdp_error *err,
                           mdp_status *st)
{
    struct mdp_text t = {0};

    if (c)
        mdp_text_add_p(&t, c);
    return take_text(&t, pool, err, st);
}

/* "4", "4 (AUC: 3)": episodes, and those in which a metric of the headline is defined where it is not in all. */
static const char *episodes_cell(const struct mdp_results *r, const struct mdp_series *s,
                                 struct mdp_pool *pool, struct mdp_error *err, mdp_status *st)
{
    struct mdp_text t = {0};

    mdp_text_add(&t, "%zu", s->n_episodes);
    for (size_t m = 0; m < mdp_metric_kind_count; m++) {
        const struct mdp_metric_kind *kind = &mdp_metric_kinds[m];
        const struct mdp_result *x =
            kind->headline ? mdp_results_find(r, s->method, s->shots, kind->name) : NULL;
        if (x && x->n_defined && x->n_defined < x->n_episodes)
            mdp_text_add(&t, " (%s: %zu of %zu)", kind->headline, x->n_defined, x->n_episodes);
    }
    return take_text(&t, pool, err, st);
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
static mdp_status headline_row(const struct mdp_results *r, const struct mdp_series *s, bool compared,
                               struct mdp_pool *pool, const char **row, struct mdp_error *err)
{
    const char *leading = mdp_metric_leading()->name;
    const struct mdp_comparison *c = s ? mdp_results_find_comparison(r, s->method, s->shots, leading) : NULL;
    mdp_status st = MDP_OK;
    size_t n = 0;

    row[n++] = s ? s->method : "method";
    row[n++] = s ? mdp_table_cell(pool, err, &st, "%s%zu", at_most(r, s), s->shots) : "shots";
    row[n++] = s ? s->is_baseline ? "" : mdp_report_fact(r, MDP_FACT_KEY_C_RULE, pool) : MDP_COLUMN_RULE;
    for (size_t m = 0; m < mdp_metric_kind_count; m++)
        if (mdp_metric_kinds[m].headline)
            row[n++] = s ? with_interval(mdp_results_find(r, s->method, s->shots, mdp_metric_kinds[m].name),
                                         pool, err, &st)
                         : mdp_metric_kinds[m].headline;
    if (compared) {
        row[n++] =
            s ? difference(c, pool, err, &st)
              : mdp_table_cell(pool, err, &st, "%s minus %s", mdp_metric_leading()->headline, r->baseline);
        row[n++] = s ? p_value(c, pool, err, &st) : "p (Holm)";
    }
    row[n++] = s ? episodes_cell(r, s, pool, err, &st) : MDP_COLUMN_EPISODES;
    row[n++] = s ? range_cell(s->over.rows, pool, err, &st) : MDP_COLUMN_PICTURES;
    row[n++] = s ? range_cell(s->over.patients, pool, err, &st) : MDP_COLUMN_PATIENTS;
    return st;
}

bool mdp_report_has_intervals(const struct mdp_results *r)
{
    for (size_t i = 0; i < r->n_results; i++)
        if (!isnan(r->results[i].ci_low))
            return true;
    return false;
}

/* What the numbers of a run are, and what their intervals are over. */
static void add_numbers_are(struct mdp_text *t, const struct mdp_results *r)
{
    const char *units =
        r->over.patients.most ? "test patients" : "test pictures, each taken for a patient of its own";
    const bool resampled = mdp_report_fact_count(r, MDP_FACT_KEY_RESAMPLES) > 0;
    bool several = false, single = false;

    for (size_t i = 0; i < r->n_series; i++) {
        several |= r->series[i].n_episodes > 1;
        single |= r->series[i].n_episodes == 1;
    }
    mdp_text_add(t, several ? "Mean over episodes" : "Of one episode");
    if (!mdp_report_has_intervals(r))
        mdp_text_add(t, ", without intervals");
    else if (several && resampled)
        mdp_text_add(t, " with %s interval over draws and %s%s%s", MDP_LEVEL_TEXT, units,
                     single ? "; without draws: over " : "", single ? units : "");
    else if (several)
        mdp_text_add(t, " with %s interval over draws only%s", MDP_LEVEL_TEXT,
                     single ? "; without draws: no interval" : "");
    else
        mdp_text_add(t, " with %s interval over %s only", MDP_LEVEL_TEXT, units);
    mdp_text_add(t, ".");
}

/* Said once where the same holds of all runs. */
static void add_intervals_are(struct mdp_text *out, const struct mdp_report_run runs[], size_t n)
{
    bool alike = true;
    struct mdp_text first = {0}, other = {0};

    add_numbers_are(&first, runs[0].results);
    for (size_t i = 1; i < n; i++) {
        mdp_text_clear(&other);
        add_numbers_are(&other, runs[i].results);
        alike = alike && first.at && other.at && strcmp(first.at, other.at) == 0;
    }
    for (size_t i = 0; i < (alike ? 1 : n); i++) {
        if (!alike)
            mdp_text_add(out, "%s%s: ", i ? " " : "", runs[i].name);
        add_numbers_are(out, runs[i].results);
    }
    mdp_text_release(&first);
    mdp_text_release(&other);
}

/* What AUC and shots mean in it. */
static void add_headline_notes(struct mdp_text *t, const struct mdp_report_run runs[], size_t n,
                               bool any_short)
{
    const struct mdp_results *r = runs[0].results;

    if (n > 1)
        mdp_text_add(t, " AUC of two classes is that of the second; of more classes, the one-vs-rest macro "
                        "average.");
    else if (r->n_classes == 2)
        mdp_text_add(t, " AUC is that of the positive class, '%s'.", r->class_names[1]);
    else
        mdp_text_add(t, " AUC is the one-vs-rest macro average.");
    mdp_text_add(t, " Shots are pictures a class%s.", any_short ? " (≤: some class had fewer to give)" : "");
}

mdp_status mdp_table_headline(const struct mdp_report_run runs[], size_t n, struct mdp_pool *pool,
                              struct mdp_table *table, struct mdp_error *err)
{
    enum { COLUMNS_BESIDE_METRICS = 6, COLUMNS_OF_COMPARISON = 2 };
    size_t rows = 0, at = 0, columns = COLUMNS_BESIDE_METRICS;
    const size_t lead = n > 1; /* a column for the run, when there are several */
    bool any_short = false, compared = false;

    *table = (struct mdp_table){.name = "headline",
                                .title = "Few-shot probe against zero-shot",
                                .text_columns = 1 + lead,
                                .pool = pool};
    for (size_t m = 0; m < mdp_metric_kind_count; m++)
        columns += mdp_metric_kinds[m].headline != NULL;
    for (size_t i = 0; i < n; i++) {
        rows += runs[i].results->n_series;
        compared |= runs[i].results->n_comparisons > 0;
    }
    if (!compared)
        table->title = "Few-shot probe";
    columns += compared ? COLUMNS_OF_COMPARISON : 0;
    TRY(mdp_table_make(table, rows, columns + lead, err));
    if (lead)
        table->header[0] = "run";
    TRY(headline_row(runs[0].results, NULL, compared, pool, table->header + lead, err));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < runs[i].results->n_series; k++, at++) {
            const struct mdp_series *s = &runs[i].results->series[k];
            const char **row = table->cells + at * table->columns;
            if (lead)
                row[0] = runs[i].name;
            any_short |= mdp_report_fewest_pictures(runs[i].results, s->shots) > 0;
            TRY(headline_row(runs[i].results, s, compared, pool, row + lead, err));
        }
    mdp_status st = MDP_OK;
    struct mdp_text caption = {0};
    add_intervals_are(&caption, runs, n);
    add_headline_notes(&caption, runs, n, any_short);
    mdp_text_add(&caption, compared ? " The difference is taken on the test pictures of each episode." : "");
    table->caption = take_text(&caption, pool, err, &st);
    return st;
}

/* --- all metrics, confusion, provenance --- */

/* "0.640 ± 0.020 (3 of 4)" */
static const char *with_spread(const struct mdp_result *v, struct mdp_pool *pool, struct mdp_error *err,
                               mdp_status *st)
{
    struct mdp_text t = {0};

    mdp_text_add(&t, "%.3f", v->mean);
    if (!isnan(v->std))
        mdp_text_add(&t, " ± %.3f", v->std);
    if (v->n_defined && v->n_defined < v->n_episodes)
        mdp_text_add(&t, " (%zu of %zu)", v->n_defined, v->n_episodes);
    return take_text(&t, pool, err, st);
}

mdp_status mdp_table_metrics(const struct mdp_report_run *run, struct mdp_pool *pool, struct mdp_table *table,
                             struct mdp_error *err)
{
    const struct mdp_results *r = run->results;
    const size_t n = r->n_series;
    mdp_status st = MDP_OK;

    *table = (struct mdp_table){.name = "metrics", .title = "All metrics", .text_columns = 1, .pool = pool};
    table->caption = "Mean over episodes, ± standard deviation over episodes where there are several.";
    for (size_t i = 0; i < r->n_results; i++)
        if (r->results[i].n_defined && r->results[i].n_defined < r->results[i].n_episodes)
            table->caption =
                "Mean over episodes, ± standard deviation over episodes where there are several. "
                "(3 of 4): of three episodes, undefined in the fourth.";
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
            else
                row[k + 1] = with_spread(v, pool, err, &st);
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
        const char *metric = NULL;
        for (size_t i = 0; i < n; i++)
            for (size_t m = 0; m < runs[i].results->n_metrics && !metric; m++)
                if (mdp_metric_kind_find(runs[i].results->metrics[m]) == kind)
                    metric = runs[i].results->metrics[m];
        if (!metric)
            continue;
        mdp_status st = MDP_OK;
        const size_t name = strlen(kind->name), parameter = strcspn(metric + name, ":");
        table->cells[2 * rows] = mdp_table_cell(pool, err, &st, "%.*s%s", (int)(name + parameter), metric,
                                                kind->of_class ? ":<class>" : "");
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

static const char *provenance_cell(const struct mdp_results *r, const struct mdp_fact *f,
                                   struct mdp_pool *pool)
{
    const char *value = mdp_report_fact(r, f->key, pool);
    const bool is_list = f->kind == MDP_FACT_TEXTS || f->kind == MDP_FACT_COUNTS;

    if (*value)
        return value;
    if (strcmp(f->key, MDP_FACT_KEY_SUPPORT_PATIENTS) == 0)
        return "not looked at";
    return is_list ? "none" : "not known";
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
        table->cells[2 * i + 1] = provenance_cell(r, &r->provenance[i], pool);
    }
    return MDP_OK;
}
