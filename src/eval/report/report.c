/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/report/report.h"

#include "base/file.h"
#include "eval/report/report_html.h"
#include "eval/report/report_markdown.h"

#include <math.h>
#include <string.h>

static mdp_status write_at(const char *folder, const char *name, const struct mdp_text *text,
                           struct mdp_error *err)
{
    struct mdp_text path = {0};
    mdp_status st = mdp_text_status(text, err);

    mdp_text_add(&path, "%s/%s", folder, name);
    if (st == MDP_OK)
        st = mdp_text_status(&path, err);
    if (st == MDP_OK)
        st = mdp_file_write(path.at, text->at ? text->at : "", text->n, err);
    mdp_text_release(&path);
    return st;
}

/* --- tables --- */
typedef void table_writer(const struct mdp_table *table, struct mdp_text *out);

static mdp_status write_table(const char *folder, const struct mdp_table *table, const char *run,
                              const char *ending, table_writer *writer, struct mdp_error *err)
{
    struct mdp_text name = {0}, text = {0};

    mdp_text_add(&name, "tables/%s%s%s.%s", table->name, run ? "-" : "", run ? run : "", ending);
    writer(table, &text);
    mdp_status st = mdp_text_status(&name, err);
    if (st == MDP_OK)
        st = write_at(folder, name.at, &text, err);
    mdp_text_release(&name);
    mdp_text_release(&text);
    return st;
}

static mdp_status write_tables(const char *folder, const struct mdp_report_content *content,
                               const char *ending, table_writer *writer, struct mdp_error *err)
{
    mdp_status st = write_table(folder, &content->comparison, NULL, ending, writer, err);

    for (size_t i = 0; i < content->n_sections && st == MDP_OK; i++) {
        const struct mdp_report_section *s = &content->sections[i];
        const char *run = content->n_sections > 1 ? s->name : NULL;
        for (size_t k = 0; k < s->n_confusions && st == MDP_OK; k++)
            st = write_table(folder, &s->confusions[k], run, ending, writer, err);
        if (st == MDP_OK)
            st = write_table(folder, &s->metrics, run, ending, writer, err);
    }
    return st;
}

/* --- the door --- */
static mdp_status write_formats(const char *folder, const struct mdp_report_content *content,
                                unsigned formats, struct mdp_error *err)
{
    struct mdp_text text = {0};
    mdp_status st = MDP_OK;

    if (formats & MDP_REPORT_CSV)
        st = write_tables(folder, content, "csv", mdp_table_to_csv, err);
    if (st == MDP_OK && (formats & MDP_REPORT_TEX))
        st = write_tables(folder, content, "tex", mdp_table_to_latex, err);
    if (st == MDP_OK && (formats & MDP_REPORT_MD)) {
        mdp_report_to_markdown(content, &text);
        st = write_at(folder, "report.md", &text, err);
    }
    mdp_text_clear(&text);
    if (st == MDP_OK && (formats & MDP_REPORT_HTML)) {
        st = mdp_report_to_html(content, folder, &text, err);
        if (st == MDP_OK)
            st = write_at(folder, "report.html", &text, err);
    }
    mdp_text_release(&text);
    return st;
}

mdp_status mdp_report_write(const char *folder, const struct mdp_report_run runs[], size_t n,
                            unsigned formats, struct mdp_text *notes, struct mdp_error *err)
{
    struct mdp_report_content content = {0};
    struct mdp_text path = {0};
    mdp_status st = mdp_report_content_init(runs, n, &content, err);

    mdp_text_add(&path, "%s/tables", folder);
    if (st == MDP_OK)
        st = mdp_text_status(&path, err);
    if (st == MDP_OK)
        st = mdp_path_make_folders(path.at, err);
    if (st == MDP_OK && (formats & (MDP_REPORT_HTML | MDP_REPORT_MD)))
        st = mdp_figures_draw(folder, runs, n, content.figures, notes, err);
    if (st == MDP_OK)
        st = write_formats(folder, &content, formats, err);
    mdp_text_release(&path);
    mdp_report_content_release(&content);
    return st;
}

/* What the numbers of the table are over. */
static void add_summary(const struct mdp_results *r, const struct mdp_result *any, const char *rule,
                        struct mdp_text *out)
{
    bool intervals = false;

    for (size_t i = 0; i < r->n_results; i++)
        intervals = intervals || !isnan(r->results[i].ci_low);
    mdp_text_add(out, "%zu test pictures, ", any->n_test);
    if (any->n_patients)
        mdp_text_add(out, "%zu patients, ", any->n_patients);
    mdp_text_add(out, "%zu episode%s, rule for C: %s; means%s\n", any->n_episodes,
                 any->n_episodes == 1 ? "" : "s", rule,
                 intervals ? " with 95 % intervals" : ", no intervals");
}

mdp_status mdp_report_to_summary(const struct mdp_report_run *run, struct mdp_text *out,
                                 struct mdp_error *err)
{
    enum { MOST_ROWS = 11, COLUMN_RULE = 2, COLUMN_EPISODES = 7 };
    mdp_status st = MDP_OK;
    struct mdp_table table;
    struct mdp_pool *pool = mdp_pool_new(err, &st);
    const struct mdp_results *r = run->results;

    if (!pool)
        return st;
    st = mdp_table_headline(run, 1, pool, &table, err);
    if (st == MDP_OK) {
        const struct mdp_result *any = r->n_results ? &r->results[r->n_results - 1] : NULL;
        mdp_table_drop_column(&table, COLUMN_EPISODES);
        mdp_table_drop_column(&table, COLUMN_RULE);
        if (any)
            add_summary(r, any, mdp_report_fact(r, "c_rule", pool), out);
        mdp_table_to_text(&table, MOST_ROWS, out);
        st = mdp_text_status(out, err);
    }
    mdp_pool_free(pool);
    return st;
}
