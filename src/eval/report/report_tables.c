/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/report/report_tables.h"

#include "base/formats/csv.h"
#include "base/memory.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A formatted string in the pool; an allocation that fails is remembered in *st. */
static const char *cell(struct mdp_pool *pool, struct mdp_error *err, mdp_status *st, const char *format, ...)
    MDP_PRINTF(4, 5);

static const char *cell(struct mdp_pool *pool, struct mdp_error *err, mdp_status *st, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *kept = *st == MDP_OK ? mdp_pool_string(pool, text, err, st) : NULL;
    return kept ? kept : "";
}

static mdp_status table_make(struct mdp_table *table, size_t rows, size_t columns, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    table->rows = rows;
    table->columns = columns;
    table->header = mdp_pool_array(table->pool, columns, sizeof *table->header, err, &st);
    if (st == MDP_OK)
        table->cells = mdp_pool_array(table->pool, rows * columns, sizeof *table->cells, err, &st);
    for (size_t i = 0; st == MDP_OK && i < rows * columns; i++)
        table->cells[i] = "";
    return st;
}

static const char *with_interval(const struct mdp_result *r, struct mdp_pool *pool, struct mdp_error *err,
                                 mdp_status *st)
{
    if (!r || isnan(r->mean))
        return "not defined";
    if (isnan(r->ci_low))
        return cell(pool, err, st, "%.3f", r->mean);
    return cell(pool, err, st, "%.3f [%.3f, %.3f]", r->mean, r->ci_low, r->ci_high);
}

static const struct mdp_comparison *find_comparison(const struct mdp_results *r, const char *a, size_t shots,
                                                    const char *metric)
{
    for (size_t i = 0; i < r->n_comparisons; i++) {
        const struct mdp_comparison *c = &r->comparisons[i];
        if (c->shots == shots && strcmp(c->a, a) == 0 && strcmp(c->metric, metric) == 0)
            return c;
    }
    return NULL;
}

mdp_status mdp_report_series(const struct mdp_results *results, struct mdp_pool *pool,
                             struct mdp_series **series, size_t *n, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *n = 0;
    *series = mdp_pool_array(pool, results->n_results + 1, sizeof **series, err, &st);
    if (!*series)
        return st;
    for (size_t i = 0; i < results->n_results; i++) {
        const struct mdp_result *r = &results->results[i];
        size_t k = 0;
        while (k < *n && !((*series)[k].shots == r->shots && strcmp((*series)[k].method, r->method) == 0))
            k++;
        if (k == *n)
            (*series)[(*n)++] = (struct mdp_series){.method = r->method, .shots = r->shots};
    }
    return MDP_OK;
}

const char *mdp_report_fact(const struct mdp_results *results, const char *key, struct mdp_pool *pool)
{
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < results->n_provenance; i++) {
        const struct mdp_fact *f = &results->provenance[i];
        struct mdp_text text = {0};
        if (strcmp(f->key, key) != 0)
            continue;
        switch (f->kind) {
        case MDP_FACT_TEXT:
            mdp_text_add(&text, "%s", f->text ? f->text : "");
            break;
        case MDP_FACT_NUMBER:
            mdp_text_add(&text, "%.17g", f->number);
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
    return "";
}

/* --- headline --- */
enum { HEADLINE_COLUMNS = 8 };

static mdp_status headline_row(const struct mdp_report_run *run, const struct mdp_series *s,
                               struct mdp_pool *pool, const char **row, struct mdp_error *err)
{
    const struct mdp_results *r = run->results;
    mdp_status st = MDP_OK;
    const struct mdp_result *accuracy = mdp_results_find(r, s->method, s->shots, "accuracy");
    const struct mdp_result *auc = mdp_results_find(r, s->method, s->shots, "auc_ovr_macro");
    const struct mdp_comparison *c = find_comparison(r, s->method, s->shots, "auc_ovr_macro");

    row[0] = s->method;
    row[1] = cell(pool, err, &st, "%zu", s->shots);
    row[2] = s->shots ? mdp_report_fact(r, "c_rule", pool) : "";
    row[3] = with_interval(accuracy, pool, err, &st);
    row[4] = with_interval(auc, pool, err, &st);
    if (c && !isnan(c->difference)) {
        row[5] = isnan(c->ci_low)
                     ? cell(pool, err, &st, "%+.3f", c->difference)
                     : cell(pool, err, &st, "%+.3f [%+.3f, %+.3f]", c->difference, c->ci_low, c->ci_high);
        row[6] = isnan(c->p_adjusted)     ? ""
                 : c->p_adjusted < 0.0005 ? "< 0.001"
                                          : cell(pool, err, &st, "%.3f", c->p_adjusted);
    }
    if (accuracy)
        row[7] = cell(pool, err, &st, "%zu", accuracy->n_episodes);
    return st;
}

mdp_status mdp_table_headline(const struct mdp_report_run runs[], size_t n, struct mdp_pool *pool,
                              struct mdp_table *table, struct mdp_error *err)
{
    size_t rows = 0, at = 0, lead = n > 1; /* a column for the run, when there are several */
    struct mdp_series *series = NULL;
    size_t n_series = 0;
    mdp_status st = MDP_OK;
    static const char *const header[HEADLINE_COLUMNS] = {
        "method", "shots", "rule for C", "accuracy", "AUC", "AUC minus zero-shot", "p (Holm)", "episodes"};

    *table = (struct mdp_table){.name = "headline",
                                .title = "Few-shot probe against zero-shot",
                                .text_columns = 1 + lead,
                                .pool = pool};
    table->caption =
        "Mean over episodes with 95 % interval over draws and test patients; zero-shot: over test "
        "patients. AUC of two classes is that of the second; of more classes, the one-vs-rest macro "
        "average. Shots are pictures a class.";
    for (size_t i = 0; i < n && st == MDP_OK; i++) {
        st = mdp_report_series(runs[i].results, pool, &series, &n_series, err);
        rows += n_series;
    }
    if (st == MDP_OK)
        st = table_make(table, rows, HEADLINE_COLUMNS + lead, err);
    if (st != MDP_OK)
        return st;
    if (lead)
        table->header[0] = "run";
    memcpy(table->header + lead, header, sizeof header);
    for (size_t i = 0; i < n && st == MDP_OK; i++) {
        st = mdp_report_series(runs[i].results, pool, &series, &n_series, err);
        for (size_t k = 0; k < n_series && st == MDP_OK; k++, at++) {
            const char **row = table->cells + at * table->columns;
            if (lead)
                row[0] = runs[i].name;
            st = headline_row(&runs[i], &series[k], pool, row + lead, err);
        }
    }
    return st;
}

/* --- all metrics, confusion, provenance --- */
mdp_status mdp_table_metrics(const struct mdp_report_run *run, struct mdp_pool *pool, struct mdp_table *table,
                             struct mdp_error *err)
{
    const struct mdp_results *r = run->results;
    struct mdp_series *series = NULL;
    size_t n = 0;
    mdp_status st = mdp_report_series(r, pool, &series, &n, err);

    *table = (struct mdp_table){.name = "metrics", .title = "All metrics", .text_columns = 1, .pool = pool};
    table->caption =
        "Mean over episodes, ± standard deviation over episodes where there are several. Definitions: "
        "results.json and docs/METHODS.md.";
    if (st == MDP_OK)
        st = table_make(table, r->n_metrics, n + 1, err);
    if (st != MDP_OK)
        return st;
    table->header[0] = "metric";
    for (size_t k = 0; k < n; k++)
        table->header[k + 1] = series[k].shots
                                   ? cell(pool, err, &st, "%s %zu", series[k].method, series[k].shots)
                                   : series[k].method;
    for (size_t m = 0; m < r->n_metrics; m++) {
        const char **row = table->cells + m * (n + 1);
        row[0] = r->metrics[m];
        for (size_t k = 0; k < n; k++) {
            const struct mdp_result *v =
                mdp_results_find(r, series[k].method, series[k].shots, r->metrics[m]);
            if (!v || isnan(v->mean))
                row[k + 1] = "not defined";
            else if (isnan(v->std))
                row[k + 1] = cell(pool, err, &st, "%.3f", v->mean);
            else
                row[k + 1] = cell(pool, err, &st, "%.3f ± %.3f", v->mean, v->std);
        }
    }
    return st;
}

size_t mdp_report_confusion(const struct mdp_results *r, const char *method, size_t shots,
                            unsigned long long *counts)
{
    size_t episodes = 0, cells = r->n_classes * r->n_classes;

    memset(counts, 0, cells * sizeof *counts);
    for (size_t e = 0; e < r->n_episodes; e++) {
        if (r->episodes[e].shots != shots || strcmp(r->episodes[e].method, method) != 0)
            continue;
        episodes++;
        for (size_t i = 0; i < cells; i++)
            counts[i] += r->episodes[e].confusion[i];
    }
    return episodes;
}

mdp_status mdp_table_confusion(const struct mdp_report_run *run, const char *method, size_t shots,
                               struct mdp_pool *pool, struct mdp_table *table, struct mdp_error *err)
{
    const struct mdp_results *r = run->results;
    size_t k = r->n_classes;
    mdp_status st = MDP_OK;
    unsigned long long *sum = mdp_pool_array(pool, k * k, sizeof *sum, err, &st);

    *table = (struct mdp_table){.text_columns = 1, .pool = pool};
    if (st == MDP_OK)
        st = table_make(table, k, k + 1, err);
    if (st != MDP_OK)
        return st;
    size_t episodes = mdp_report_confusion(r, method, shots, sum);
    table->name = cell(pool, err, &st, "confusion-%s-k%zu", method, shots);
    table->title = shots ? cell(pool, err, &st, "Confusion, %s with %zu shots", method, shots)
                         : cell(pool, err, &st, "Confusion, %s", method);
    table->caption =
        episodes > 1 ? cell(pool, err, &st, "Pictures, summed over %zu episodes.", episodes) : "Pictures.";
    table->header[0] = "true \\ predicted";
    for (size_t i = 0; i < k; i++) {
        table->header[i + 1] = r->class_names[i];
        table->cells[i * (k + 1)] = r->class_names[i];
        for (size_t j = 0; j < k; j++)
            table->cells[i * (k + 1) + j + 1] = cell(pool, err, &st, "%llu", sum[i * k + j]);
    }
    return st;
}

mdp_status mdp_table_provenance(const struct mdp_report_run *run, struct mdp_pool *pool,
                                struct mdp_table *table, struct mdp_error *err)
{
    const struct mdp_results *r = run->results;

    *table = (struct mdp_table){
        .name = "provenance", .title = "What it was made with", .text_columns = 2, .pool = pool};
    mdp_status st = table_make(table, r->n_provenance, 2, err);
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

void mdp_table_drop_column(struct mdp_table *t, size_t column)
{
    size_t to = 0;

    for (size_t j = 0, k = 0; j < t->columns; j++)
        if (j != column)
            t->header[k++] = t->header[j];
    for (size_t i = 0; i < t->rows; i++)
        for (size_t j = 0; j < t->columns; j++)
            if (j != column)
                t->cells[to++] = t->cells[i * t->columns + j];
    t->text_columns -= column < t->text_columns;
    t->columns--;
}

/* --- formats --- */
void mdp_html_escape(const char *text, struct mdp_text *out)
{
    for (const char *c = text; *c; c++) {
        switch (*c) {
        case '&':
            mdp_text_add(out, "&amp;");
            break;
        case '<':
            mdp_text_add(out, "&lt;");
            break;
        case '>':
            mdp_text_add(out, "&gt;");
            break;
        case '"':
            mdp_text_add(out, "&quot;");
            break;
        case '\'':
            mdp_text_add(out, "&#39;");
            break;
        default:
            mdp_text_add_bytes(out, (unsigned char)*c < 0x20 ? " " : c, 1);
        }
    }
}

void mdp_markdown_escape(const char *text, struct mdp_text *out)
{
    for (const char *c = text; *c; c++) {
        if (strchr("\\`*_{}[]<>#|~&!", *c))
            mdp_text_add(out, "\\%c", *c);
        else
            mdp_text_add_bytes(out, (unsigned char)*c < 0x20 ? " " : c, 1);
    }
}

static void latex_escape(const char *text, struct mdp_text *out)
{
    for (const char *c = text; *c; c++) {
        if (strchr("&%$#_{}", *c))
            mdp_text_add(out, "\\%c", *c);
        else if (*c == '\\')
            mdp_text_add(out, "\\textbackslash{}");
        else if (*c == '~')
            mdp_text_add(out, "\\textasciitilde{}");
        else if (*c == '^')
            mdp_text_add(out, "\\textasciicircum{}");
        else if (*c == '<' || *c == '>')
            mdp_text_add(out, "\\text%s{}", *c == '<' ? "less" : "greater");
        else if (strncmp(c, "±", 2) == 0) {
            mdp_text_add(out, "$\\pm$");
            c++;
        } else
            mdp_text_add_bytes(out, (unsigned char)*c < 0x20 ? " " : c, 1);
    }
}

void mdp_table_to_html(const struct mdp_table *t, struct mdp_text *out)
{
    mdp_text_add(out, "<div class=\"wide\"><table>\n<caption>");
    mdp_html_escape(t->title, out);
    mdp_text_add(out, "</caption>\n<thead><tr>");
    for (size_t j = 0; j < t->columns; j++) {
        mdp_text_add(out, "<th scope=\"col\"%s>", j < t->text_columns ? "" : " class=\"n\"");
        mdp_html_escape(t->header[j], out);
        mdp_text_add(out, "</th>");
    }
    mdp_text_add(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < t->rows; i++) {
        mdp_text_add(out, "<tr>");
        for (size_t j = 0; j < t->columns; j++) {
            mdp_text_add(out, j == 0                ? "<th scope=\"row\">"
                              : j < t->text_columns ? "<td>"
                                                    : "<td class=\"n\">");
            mdp_html_escape(t->cells[i * t->columns + j], out);
            mdp_text_add(out, j == 0 ? "</th>" : "</td>");
        }
        mdp_text_add(out, "</tr>\n");
    }
    mdp_text_add(out, "</tbody></table></div>\n");
    if (t->caption) {
        mdp_text_add(out, "<p class=\"note\">");
        mdp_html_escape(t->caption, out);
        mdp_text_add(out, "</p>\n");
    }
}

void mdp_table_to_markdown(const struct mdp_table *t, struct mdp_text *out)
{
    for (size_t j = 0; j < t->columns; j++) {
        mdp_text_add(out, "| ");
        mdp_markdown_escape(t->header[j], out);
        mdp_text_add(out, " ");
    }
    mdp_text_add(out, "|\n");
    for (size_t j = 0; j < t->columns; j++)
        mdp_text_add(out, j < t->text_columns ? "|---" : "|---:");
    mdp_text_add(out, "|\n");
    for (size_t i = 0; i < t->rows; i++) {
        for (size_t j = 0; j < t->columns; j++) {
            mdp_text_add(out, "| ");
            mdp_markdown_escape(t->cells[i * t->columns + j], out);
            mdp_text_add(out, " ");
        }
        mdp_text_add(out, "|\n");
    }
    if (t->caption) {
        mdp_text_add(out, "\n");
        mdp_markdown_escape(t->caption, out);
        mdp_text_add(out, "\n");
    }
}

static void latex_row(const struct mdp_table *t, const char **row, struct mdp_text *out)
{
    for (size_t j = 0; j < t->columns; j++) {
        mdp_text_add(out, "%s", j ? " & " : "");
        latex_escape(row[j], out);
    }
    mdp_text_add(out, " \\\\\n");
}

void mdp_table_to_latex(const struct mdp_table *t, struct mdp_text *out)
{
    mdp_text_add(out, "%% ");
    latex_escape(t->title, out);
    mdp_text_add(out, "; needs \\usepackage{booktabs}\n\\begin{tabular}{");
    for (size_t j = 0; j < t->columns; j++)
        mdp_text_add(out, j < t->text_columns ? "l" : "r");
    mdp_text_add(out, "}\n\\toprule\n");
    latex_row(t, t->header, out);
    mdp_text_add(out, "\\midrule\n");
    for (size_t i = 0; i < t->rows; i++)
        latex_row(t, t->cells + i * t->columns, out);
    mdp_text_add(out, "\\bottomrule\n\\end{tabular}\n");
}

static void csv_row(const struct mdp_table *t, const char **row, struct mdp_text *out)
{
    for (size_t j = 0; j < t->columns; j++) {
        mdp_text_add(out, "%s", j ? "," : "");
        mdp_text_add_csv(out, row[j]);
    }
    mdp_text_add(out, "\n");
}

void mdp_table_to_csv(const struct mdp_table *t, struct mdp_text *out)
{
    csv_row(t, t->header, out);
    for (size_t i = 0; i < t->rows; i++)
        csv_row(t, t->cells + i * t->columns, out);
}

/* Columns a terminal needs: bytes that do not continue a UTF-8 character. */
static size_t width_of(const char *text)
{
    size_t n = 0;

    for (const char *c = text; *c; c++)
        n += ((unsigned char)*c & 0xC0) != 0x80;
    return n;
}

static void text_row(const struct mdp_table *t, const char **row, const size_t width[], struct mdp_text *out)
{
    for (size_t j = 0; j < t->columns; j++) {
        size_t pad = width[j] - width_of(row[j]);
        bool last_text = j < t->text_columns && j + 1 == t->columns;
        mdp_text_add(out, "%s", j ? "  " : "");
        if (j >= t->text_columns)
            mdp_text_add(out, "%*s", (int)pad, "");
        mdp_text_add_printable(out, row[j]);
        if (j < t->text_columns && !last_text)
            mdp_text_add(out, "%*s", (int)pad, "");
    }
    mdp_text_add(out, "\n");
}

void mdp_table_to_text(const struct mdp_table *t, size_t most_rows, struct mdp_text *out)
{
    enum { MOST_COLUMNS = 16 };
    size_t width[MOST_COLUMNS] = {0};
    /* Too many rows: the first (zero-shot) and the last ones (most shots) are the ones to see. */
    size_t skip = t->rows > most_rows ? t->rows - most_rows : 0;

    if (t->columns > MOST_COLUMNS)
        return;
    for (size_t j = 0; j < t->columns; j++) {
        width[j] = width_of(t->header[j]);
        for (size_t i = 0; i < t->rows; i++)
            if (width_of(t->cells[i * t->columns + j]) > width[j])
                width[j] = width_of(t->cells[i * t->columns + j]);
    }
    text_row(t, t->header, width, out);
    for (size_t i = 0; i < t->rows; i++)
        if (i == 0 || i > skip)
            text_row(t, t->cells + i * t->columns, width, out);
    if (skip)
        mdp_text_add(out, "(%zu more rows in the report)\n", skip);
}
