/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/report/figures.h"

#include "base/file.h"
#include "base/formats/csv.h"
#include "base/memory.h"
#include "eval/metrics/metric_table.h"
#include "eval/metrics/rows.h"
#include "eval/report/report_tables.h"
#include "eval/statistics/intervals.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Colours that differ for every kind of colour vision (Okabe and Ito 2008). */
static const char *colour_of(size_t i)
{
    static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                          "#E69F00", "#56B4E9", "#000000"};

    return colours[i % (sizeof colours / sizeof colours[0])];
}

/* "logreg, 16 shots" */
static void add_series_name(struct mdp_text *t, const struct mdp_series *s)
{
    mdp_text_add(t, "%s", s->method);
    if (s->shots)
        mdp_text_add(t, ", %zu shot%s", s->shots, s->shots == 1 ? "" : "s");
}

static mdp_status add_title(struct mdp_text *script, const struct mdp_text *title, struct mdp_error *err)
{
    mdp_gnuplot_add_string(script, title->at ? title->at : "");
    return mdp_text_status(title, err);
}

/* --- accuracy and AUC over shots --- */

/* The data file and the script of a figure as they grow, and how many curves they have. */
struct drawing {
    struct mdp_text data, script;
    size_t curves;
};

static void drawing_release(struct drawing *d)
{
    mdp_text_release(&d->data);
    mdp_text_release(&d->script);
}

static void add_shots_row(struct drawing *d, const struct mdp_report_run *run, const struct mdp_result *r,
                          size_t shots)
{
    mdp_text_add_csv(&d->data, run->name);
    mdp_text_add(&d->data, ",");
    mdp_text_add_csv(&d->data, r->method);
    mdp_text_add(&d->data, ",");
    mdp_text_add_csv(&d->data, r->metric);
    mdp_text_add(&d->data, ",%zu,%.17g", shots, r->mean);
    if (isnan(r->ci_low))
        mdp_text_add(&d->data, ",,");
    else
        mdp_text_add(&d->data, ",%.17g,%.17g", r->ci_low, r->ci_high);
    mdp_text_add(&d->data, ",%zu\n", d->curves);
}

/* The rows of one method, as the next curve; how many. The baseline has no shots: a level line over the whole width. */
static size_t add_shots_rows(struct drawing *d, const struct mdp_report_run *run, const char *method,
                             const char *metric, size_t widest)
{
    size_t rows = 0;

    for (size_t k = 0; k < run->results->n_series; k++) {
        const struct mdp_series *s = &run->results->series[k];
        const struct mdp_result *r = mdp_results_find(run->results, s->method, s->shots, metric);
        if (strcmp(s->method, method) != 0 || !r || isnan(r->mean))
            continue;
        add_shots_row(d, run, r, s->shots ? s->shots : 1);
        if (!s->shots)
            add_shots_row(d, run, r, widest);
        rows += s->shots ? 1 : 2;
    }
    return rows;
}

static mdp_status add_shots_curve(struct drawing *d, const struct mdp_report_run *run, bool several,
                                  const struct mdp_series *s, size_t colour, struct mdp_error *err)
{
    struct mdp_text title = {0};

    mdp_text_add(&title, "%s%s%s", several ? run->name : "", several ? ": " : "", s->method);
    mdp_text_add(&d->script,
                 "'shots.csv' using ($8==%zu?$4:NaN):6:7 with filledcurves lc rgb '%s' notitle, '' using "
                 "($8==%zu?$4:NaN):5 with %s lw 2 lc rgb '%s' title ",
                 d->curves, colour_of(colour), d->curves, s->shots ? "linespoints pt 7 ps 0.6" : "lines dt 2",
                 colour_of(colour));
    mdp_status st = add_title(&d->script, &title, err);
    mdp_text_add(&d->script, ", ");
    mdp_text_release(&title);
    return st;
}

/* The panel of one metric, all runs; nothing where no method has a value. */
static mdp_status add_shots_panel(struct drawing *d, const struct mdp_report_run runs[], size_t n,
                                  const struct mdp_metric_kind *metric, size_t widest, size_t *panels,
                                  struct mdp_error *err)
{
    const size_t before = d->curves;
    size_t colour = 0;
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; st == MDP_OK && k < runs[i].results->n_series; k++) {
            const struct mdp_series *s = &runs[i].results->series[k];
            if (!s->is_largest) /* once a method */
                continue;
            if (add_shots_rows(d, &runs[i], s->method, metric->name, widest)) {
                if (d->curves == before)
                    mdp_text_add(&d->script, "set title '%s'\nplot ", metric->headline);
                st = add_shots_curve(d, &runs[i], n > 1, s, colour, err);
                d->curves++;
            }
            colour++;
        }
    if (d->curves > before)
        mdp_text_add(&d->script, "NaN notitle\n");
    *panels += d->curves > before;
    return st;
}

/* A tick at every number of shots, so that each can be read off. */
static void add_shots_ticks(const struct mdp_report_run runs[], size_t n, struct mdp_text *script)
{
    const char *before = "set xtics (";

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < runs[i].results->n_series; k++) {
            if (!runs[i].results->series[k].shots)
                continue;
            mdp_text_add(script, "%s%zu", before, runs[i].results->series[k].shots);
            before = ", ";
        }
    mdp_text_add(script, *before == ',' ? ")\n" : "");
}

static mdp_status draw_shots(const char *folder, const struct mdp_report_run runs[], size_t n,
                             struct mdp_figure *figure, struct mdp_error *err)
{
    struct drawing d = {0};
    struct mdp_text script = {0};
    size_t widest = 1, panels = 0;
    mdp_status st = MDP_OK;

    *figure = (struct mdp_figure){.stem = "shots",
                                  .title = "Results over shots, with " MDP_LEVEL_TEXT " intervals"};
    for (size_t i = 0; i < n; i++) {
        const struct mdp_series *leading = mdp_results_leading(runs[i].results);
        widest = leading && leading->shots > widest ? leading->shots : widest;
    }
    mdp_text_add(&d.data, "run,method,metric,shots,mean,ci_low,ci_high,curve\n");
    for (size_t m = 0; st == MDP_OK && m < mdp_metric_kind_count; m++)
        if (mdp_metric_kinds[m].headline)
            st = add_shots_panel(&d, runs, n, &mdp_metric_kinds[m], widest, &panels, err);
    mdp_gnuplot_begin(&script, figure, 4.2 * (double)(panels ? panels : 1), 3.9);
    mdp_text_add(&script,
                 "set multiplot layout 1,%zu\nset logscale x 2\nset xrange [0.9:%zu*1.1]\n"
                 "set xlabel 'shots (pictures a class)'\nset key bottom right\n",
                 panels, widest);
    add_shots_ticks(runs, n, &script);
    mdp_text_add(&script, "%sunset multiplot\n", d.script.at ? d.script.at : "");
    mdp_gnuplot_end(&script);
    if (st == MDP_OK)
        st = mdp_text_status(&d.script, err);
    if (st == MDP_OK && panels)
        st = mdp_gnuplot_draw(folder, figure, &d.data, &script, err);
    else
        snprintf(figure->why_not, sizeof figure->why_not, "neither accuracy nor AUC is defined");
    mdp_text_release(&script);
    drawing_release(&d);
    return st;
}

/* --- ROC --- */

/* figures/roc.csv, which the evaluation wrote, with the columns that tell curves apart. */
struct roc_data {
    struct mdp_csv *csv;
    size_t method, shots, class_name, curve;
};

static mdp_status read_roc(const char *path, struct roc_data *d, struct mdp_error *err)
{
    mdp_status st = mdp_csv_read(path, &d->csv, err);

    if (st == MDP_OK)
        st = mdp_csv_get(d->csv, "method", &d->method, err);
    if (st == MDP_OK)
        st = mdp_csv_get(d->csv, "shots", &d->shots, err);
    if (st == MDP_OK)
        st = mdp_csv_get(d->csv, "class", &d->class_name, err);
    if (st == MDP_OK)
        st = mdp_csv_get(d->csv, "curve", &d->curve, err);
    return st;
}

/* What stands in column `curve` for this one; NULL: it is not there, because it is not defined. */
static const char *find_curve(const struct roc_data *d, const struct mdp_series *s, const char *class_name)
{
    char shots[32];

    snprintf(shots, sizeof shots, "%zu", s->shots);
    for (size_t i = 0; i < mdp_csv_row_count(d->csv); i++)
        if (strcmp(mdp_csv_field(d->csv, i, d->method), s->method) == 0 &&
            strcmp(mdp_csv_field(d->csv, i, d->shots), shots) == 0 &&
            strcmp(mdp_csv_field(d->csv, i, d->class_name), class_name) == 0)
            return mdp_csv_field(d->csv, i, d->curve);
    return NULL;
}

/* The methods at their largest numbers of shots; one curve a class. */
static mdp_status add_roc_curves(const struct mdp_results *r, const struct roc_data *data,
                                 struct mdp_text *script, size_t *drawn, struct mdp_error *err)
{
    const size_t first = mdp_first_scored_class(r->n_classes);
    struct mdp_text title = {0};
    mdp_status st = MDP_OK;

    for (size_t k = 0; k < r->n_series; k++)
        for (size_t c = first; st == MDP_OK && r->series[k].is_largest && c < r->n_classes; c++) {
            const char *curve = find_curve(data, &r->series[k], r->class_names[c]);
            double number = 0;
            if (!curve || !mdp_csv_number(curve, &number))
                continue;
            mdp_text_clear(&title);
            add_series_name(&title, &r->series[k]);
            if (r->n_classes - first > 1)
                mdp_text_add(&title, ": %s", r->class_names[c]);
            mdp_text_add(script,
                         "'roc.csv' using ($8==%.0f?$4:NaN):6:7 with filledcurves lc rgb '%s' notitle, '' "
                         "using ($8==%.0f?$4:NaN):5 with lines lw 2 %slc rgb '%s' title ",
                         number, colour_of(*drawn), number, r->series[k].shots ? "" : "dt 2 ",
                         colour_of(*drawn));
            st = add_title(script, &title, err);
            mdp_text_add(script, ", ");
            ++*drawn;
        }
    mdp_text_release(&title);
    return st;
}

/* A report in another folder takes a copy of the data. */
static mdp_status copy_roc(const char *folder, const struct mdp_report_run *run, const char *from,
                           struct mdp_error *err)
{
    struct mdp_text text = {0};
    char *bytes = NULL;
    size_t n = 0;

    if (strcmp(folder, run->folder) == 0)
        return MDP_OK;
    mdp_status st = mdp_file_read(from, (size_t)1 << 30, &bytes, &n, err);
    if (st == MDP_OK) {
        mdp_text_add_bytes(&text, bytes, n);
        st = mdp_file_write_text(folder, "figures/roc.csv", &text, err);
    }
    free(bytes);
    mdp_text_release(&text);
    return st;
}

/* Of two classes the curve is that of the positive one. */
static void add_roc_title(const struct mdp_results *r, struct mdp_text *script)
{
    struct mdp_text title = {0};

    mdp_text_add(&title, "ROC");
    if (r->n_classes == 2)
        mdp_text_add(&title, ", positive: %s", r->class_names[1]);
    mdp_text_add(script, "set title ");
    mdp_gnuplot_add_string(script, title.failed ? "ROC" : title.at);
    mdp_text_add(script, "\n");
    mdp_text_release(&title);
}

static mdp_status draw_roc(const char *folder, const struct mdp_report_run *run, struct mdp_figure *figure,
                           struct mdp_error *err)
{
    struct mdp_text script = {0}, path = {0};
    struct mdp_error why = MDP_ERROR_INIT;
    struct roc_data data = {0};
    size_t drawn = 0;

    *figure = (struct mdp_figure){.stem = "roc",
                                  .title = "ROC curves: mean over episodes, with the band of " MDP_LEVEL_TEXT
                                           " of episodes"};
    mdp_text_add(&path, "%s/figures/roc.csv", run->folder);
    mdp_status st = mdp_text_status(&path, err);
    if (st != MDP_OK)
        goto out;
    if (read_roc(path.at, &data, &why) != MDP_OK) {
        snprintf(figure->why_not, sizeof figure->why_not, "%.200s", why.message);
        goto out;
    }
    mdp_gnuplot_begin(&script, figure, 5.2, 5.0);
    add_roc_title(run->results, &script);
    mdp_text_add(&script,
                 "set size square\nset xrange [0:1]\nset yrange [0:1]\n"
                 "set xlabel 'false positive rate (1 - specificity)'\nset ylabel 'true positive rate "
                 "(sensitivity)'\nset key bottom right\nplot ");
    st = add_roc_curves(run->results, &data, &script, &drawn, err);
    mdp_text_add(&script, "x with lines lc rgb '#909090' dt 3 notitle\n");
    mdp_gnuplot_end(&script);
    if (!drawn)
        snprintf(figure->why_not, sizeof figure->why_not,
                 "no ROC curve is defined: no class has test pictures of its own and of others");
    if (st == MDP_OK && drawn)
        st = copy_roc(folder, run, path.at, err);
    if (st == MDP_OK && drawn)
        st = mdp_gnuplot_draw(folder, figure, NULL, &script, err);
out:
    mdp_csv_free(data.csv);
    mdp_text_release(&path);
    mdp_text_release(&script);
    return st;
}

/* --- confusion --- */

/* Tick labels are printf formats to gnuplot: a percent sign is doubled. */
static void add_tick_label(const char *name, struct mdp_text *out)
{
    struct mdp_text label = {0};

    for (const char *c = name; *c; c++)
        mdp_text_add(&label, *c == '%' ? "%%%%" : "%c", *c);
    mdp_gnuplot_add_string(out, label.failed || !label.at ? "" : label.at);
    mdp_text_release(&label);
}

static void add_class_axis(const char *axis, const struct mdp_results *r, struct mdp_text *out)
{
    mdp_text_add(out, "set %stics (", axis);
    for (size_t i = 0; i < r->n_classes; i++) {
        mdp_text_add(out, "%s", i ? ", " : "");
        add_tick_label(r->class_names[i], out);
        mdp_text_add(out, " %zu", i);
    }
    mdp_text_add(out, ")%s\n", axis[0] == 'x' && r->n_classes > 3 ? " rotate by -30" : "");
}

/* The data rows of one matrix: count and share of the true class. */
static void add_matrix(const struct mdp_results *r, const struct mdp_series *s,
                       const unsigned long long *counts, struct drawing *d)
{
    const size_t k = r->n_classes;

    for (size_t i = 0; i < k; i++) {
        unsigned long long total = 0;
        for (size_t j = 0; j < k; j++)
            total += counts[i * k + j];
        for (size_t j = 0; j < k; j++) {
            mdp_text_add_csv(&d->data, s->method);
            mdp_text_add(&d->data, ",%zu,", s->shots);
            mdp_text_add_csv(&d->data, r->class_names[i]);
            mdp_text_add(&d->data, ",");
            mdp_text_add_csv(&d->data, r->class_names[j]);
            mdp_text_add(&d->data, ",%zu,%zu,%llu,", i, j, counts[i * k + j]);
            if (total) /* a class without pictures has no shares */
                mdp_text_add(&d->data, "%.17g", (double)counts[i * k + j] / (double)total);
            mdp_text_add(&d->data, ",%zu\n", d->curves);
        }
    }
}

static mdp_status add_confusion_panel(const struct mdp_series *s, struct drawing *d, struct mdp_error *err)
{
    struct mdp_text title = {0};

    add_series_name(&title, s);
    mdp_text_add(&d->script, "set title ");
    mdp_status st = add_title(&d->script, &title, err);
    mdp_text_add(&d->script,
                 "\nplot 'confusion.csv' using ($9==%zu?$6:NaN):5:(0.5):(0.5):8 with boxxyerror fill solid 1 "
                 "noborder lc palette, '' using ($9==%zu?$6:NaN):5:(strlen(strcol(8)) ? sprintf('%%d (%%.0f "
                 "%%%%)', $7, "
                 "100 * real(strcol(8))) : strcol(7)) with labels\n",
                 d->curves, d->curves);
    mdp_text_release(&title);
    d->curves++;
    return st;
}

/* The methods at their largest numbers of shots, side by side. */
static mdp_status draw_confusion(const char *folder, const struct mdp_results *r, struct mdp_figure *figure,
                                 struct mdp_error *err)
{
    struct drawing d = {0};
    struct mdp_text script = {0};
    const size_t k = r->n_classes;
    mdp_status st = MDP_OK;
    unsigned long long *counts = mdp_new_array(k * k, sizeof *counts, err, &st);

    *figure = (struct mdp_figure){.stem = "confusion",
                                  .title = "Confusion matrices: pictures and shares of the true class"};
    mdp_text_add(&d.data, "method,shots,true,predicted,row,column,count,share,panel\n");
    for (size_t s = 0; st == MDP_OK && s < r->n_series; s++) {
        if (!r->series[s].is_largest)
            continue;
        mdp_report_confusion(r, &r->series[s], counts);
        add_matrix(r, &r->series[s], counts, &d);
        st = add_confusion_panel(&r->series[s], &d, err);
    }
    mdp_gnuplot_begin(&script, figure, 4.2 * (double)(d.curves ? d.curves : 1), 3.8);
    mdp_text_add(
        &script,
        "set multiplot layout 1,%zu\nunset grid\nunset key\nunset colorbox\n"
        "set cbrange [0:1]\nset palette defined (0 '#f7fbff', 1 '#6baed6')\nset xrange [-0.5:%zu.5]\n"
        "set yrange [%zu.5:-0.5]\nset xlabel 'predicted'\nset ylabel 'true'\n",
        d.curves, k - 1, k - 1);
    add_class_axis("x", r, &script);
    add_class_axis("y", r, &script);
    mdp_text_add(&script, "%sunset multiplot\n", d.script.at ? d.script.at : "");
    mdp_gnuplot_end(&script);
    if (st == MDP_OK && d.curves)
        st = mdp_gnuplot_draw(folder, figure, &d.data, &script, err);
    else
        snprintf(figure->why_not, sizeof figure->why_not, "there are no results");
    free(counts);
    mdp_text_release(&script);
    drawing_release(&d);
    return st;
}

mdp_status mdp_figures_draw(const char *folder, const struct mdp_report_run runs[], size_t n,
                            struct mdp_figure figures[MDP_FIGURES], struct mdp_error *err)
{
    mdp_status st = draw_shots(folder, runs, n, &figures[0], err);

    if (st == MDP_OK && n == 1)
        st = draw_roc(folder, runs, &figures[1], err);
    if (st == MDP_OK && n == 1)
        st = draw_confusion(folder, runs[0].results, &figures[2], err);
    return st;
}
