/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/report/report.h"

#include "base/file.h"
#include "base/try.h"
#include "eval/metrics/metric_table.h"
#include "eval/provenance_keys.h"
#include "eval/report/report_html.h"
#include "eval/report/report_markdown.h"
#include "eval/statistics/intervals.h"

#include <math.h>
#include <string.h>

const struct mdp_report_format mdp_report_formats[] = {
    {.name = "html", .page = "report.html", .write = mdp_report_to_html},
    {.name = "md", .page = "report.md", .write = mdp_report_to_markdown},
    {.name = "csv", .ending = "csv", .write_table = mdp_table_to_csv},
    {.name = "tex", .ending = "tex", .write_table = mdp_table_to_latex},
};
const size_t mdp_report_format_count = sizeof mdp_report_formats / sizeof mdp_report_formats[0];

/* --- the files of a format --- */

static mdp_status write_table(const struct mdp_report_format *format, const char *folder,
                              const struct mdp_table *table, const char *run, struct mdp_error *err)
{
    struct mdp_text name = {0}, text = {0};

    mdp_text_add(&name, "tables/%s%s%s.%s", table->name, run ? "-" : "", run ? run : "", format->ending);
    format->write_table(table, &text);
    mdp_status st = mdp_text_status(&name, err);
    if (st == MDP_OK)
        st = mdp_file_write_text(folder, name.at, &text, err);
    mdp_text_release(&name);
    mdp_text_release(&text);
    return st;
}

static mdp_status write_tables(const struct mdp_report_format *format, const char *folder,
                               const struct mdp_report_content *content, struct mdp_error *err)
{
    TRY(write_table(format, folder, &content->headline, NULL, err));
    for (size_t i = 0; i < content->n_sections; i++) {
        const struct mdp_report_section *s = &content->sections[i];
        const char *run = content->n_sections > 1 ? s->name : NULL;
        for (size_t k = 0; k < s->n_confusions; k++)
            TRY(write_table(format, folder, &s->confusions[k], run, err));
        TRY(write_table(format, folder, &s->metrics, run, err));
    }
    return MDP_OK;
}

static mdp_status write_page(const struct mdp_report_format *format, const char *folder,
                             const struct mdp_report_content *content, struct mdp_error *err)
{
    struct mdp_text text = {0};
    mdp_status st = format->write(content, folder, &text, err);

    if (st == MDP_OK)
        st = mdp_file_write_text(folder, format->page, &text, err);
    mdp_text_release(&text);
    return st;
}

/* --- the door --- */

static mdp_status write_formats(const char *folder, const struct mdp_report_content *content,
                                unsigned formats, struct mdp_error *err)
{
    for (size_t i = 0; i < mdp_report_format_count; i++) {
        const struct mdp_report_format *format = &mdp_report_formats[i];
        if (formats >> i & 1)
            TRY(format->page ? write_page(format, folder, content, err)
                             : write_tables(format, folder, content, err));
    }
    return MDP_OK;
}

static void note_figures(const struct mdp_figure figures[MDP_FIGURES], mdp_report_note *note, void *context)
{
    for (size_t i = 0; i < MDP_FIGURES; i++) {
        struct mdp_text line = {0};
        if (!figures[i].stem || figures[i].drawn)
            continue;
        mdp_text_add(&line, "figure '%s' was not drawn: ", figures[i].stem);
        mdp_text_add_printable(&line, figures[i].why_not);
        if (!line.failed)
            note(context, line.at);
        mdp_text_release(&line);
    }
}

mdp_status mdp_report_write(const char *folder, const struct mdp_report_run runs[], size_t n,
                            unsigned formats, mdp_report_note *note, void *context, struct mdp_error *err)
{
    struct mdp_report_content content = {0};
    bool pages = false;
    mdp_status st = mdp_report_content_init(runs, n, &content, err);

    for (size_t i = 0; i < mdp_report_format_count; i++)
        pages |= (formats >> i & 1) && mdp_report_formats[i].page;
    if (st == MDP_OK && pages)
        st = mdp_figures_draw(folder, runs, n, content.figures, err);
    if (st == MDP_OK)
        note_figures(content.figures, note, context);
    if (st == MDP_OK)
        st = write_formats(folder, &content, formats, err);
    mdp_report_content_release(&content);
    return st;
}

/* --- the terminal --- */

/* What the numbers of the table are over: those of the baseline apart where they are others. */
static void add_over(struct mdp_text *out, const struct mdp_results *r, struct mdp_pool *pool)
{
    const struct mdp_series *leading = mdp_results_leading(r), *baseline = mdp_results_baseline(r);
    const struct mdp_series *any = leading ? leading : baseline;
    const char *rule = mdp_report_fact(r, MDP_FACT_KEY_C_RULE, pool);

    mdp_text_add_range(out, r->fitted.rows, "test picture", "");
    mdp_text_add(out, r->fitted.patients.most ? ", " : "");
    if (r->fitted.patients.most)
        mdp_text_add_range(out, r->fitted.patients, "patient", "");
    mdp_text_add(out, ", %zu episode%s", any->n_episodes, any->n_episodes == 1 ? "" : "s");
    if (leading && *rule)
        mdp_text_add(out, ", rule for C: %s", rule);
    mdp_text_add(out, "; means%s\n",
                 mdp_report_has_intervals(r) ? " with " MDP_LEVEL_TEXT " intervals" : ", no intervals");
    if (leading && baseline && !r->same_rows) {
        mdp_text_add(out, "%s: over all ", baseline->method);
        mdp_text_add_range(out, baseline->over.rows, "test picture",
                           "; the difference is over those of each episode\n");
    }
}

/* Where the leading metric is not defined in every episode; the others are in the report. */
static void add_partly_defined(struct mdp_text *out, const struct mdp_results *r)
{
    bool any = false;

    for (size_t i = 0; i < r->n_results; i++) {
        const struct mdp_result *x = &r->results[i];
        if (!x->n_defined || x->n_defined == x->n_episodes ||
            strcmp(x->metric, mdp_metric_leading()->name) != 0)
            continue;
        mdp_text_add(out, any ? ", " : "%s is defined in ", mdp_metric_leading()->headline);
        mdp_text_add(out, "%zu of %zu episodes at %zu shot%s", x->n_defined, x->n_episodes, x->shots,
                     x->shots == 1 ? "" : "s");
        any = true;
    }
    mdp_text_add(out, any ? "\n" : "");
}

static void add_short_classes(struct mdp_text *out, const struct mdp_results *r)
{
    const struct mdp_series *leading = mdp_results_leading(r);
    const size_t fewest = leading ? mdp_report_fewest_pictures(r, leading->shots) : 0;

    if (fewest)
        mdp_text_add(out, "≤: some class had fewer labelled pictures: %zu in all at ≤ %zu shots, not %zu\n",
                     fewest, leading->shots, leading->shots * r->n_classes);
}

mdp_status mdp_report_to_summary(const struct mdp_report_run *run, struct mdp_text *out,
                                 struct mdp_error *err)
{
    enum { MOST_ROWS = 11 };
    static const char *const left_out[] = {MDP_COLUMN_RULE, MDP_COLUMN_EPISODES, MDP_COLUMN_PICTURES,
                                           MDP_COLUMN_PATIENTS};
    mdp_status st = MDP_OK;
    struct mdp_table table;
    struct mdp_pool *pool = mdp_pool_new(err, &st);

    if (!pool)
        return st;
    st = mdp_table_headline(run, 1, pool, &table, err);
    for (size_t i = 0; st == MDP_OK && i < sizeof left_out / sizeof *left_out; i++)
        mdp_table_drop_column(&table, left_out[i]);
    if (st == MDP_OK) {
        if (run->results->n_series)
            add_over(out, run->results, pool);
        mdp_table_to_text(&table, MOST_ROWS, out);
        add_short_classes(out, run->results);
        add_partly_defined(out, run->results);
        st = mdp_text_status(out, err);
    }
    mdp_pool_free(pool);
    return st;
}
