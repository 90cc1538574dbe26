/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/report/figures.h"

#include "base/file.h"
#include "base/memory.h"
#include "eval/report/report_tables.h"

#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Colours that differ for every kind of colour vision (Okabe and Ito 2008). */
static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                      "#E69F00", "#56B4E9", "#000000"};
enum { COLOUR_COUNT = sizeof colours / sizeof colours[0] };

/* A gnuplot string: single quotes, in which nothing is substituted. */
static void add_string(const char *text, struct mdp_text *out)
{
    mdp_text_add(out, "'");
    for (const char *c = text; *c; c++) {
        if (*c == '\'')
            mdp_text_add(out, "''");
        else
            mdp_text_add_bytes(out, (unsigned char)*c < 0x20 ? " " : c, 1);
    }
    mdp_text_add(out, "'");
}

/* The script draws the same commands to SVG and PDF. */
static void add_head(const char *stem, const char *title, double width, double height, struct mdp_text *out)
{
    mdp_text_add(out,
                 "# gnuplot %s.gp draws %s.svg and %s.pdf from %s.csv\n"
                 "set datafile separator comma\nset encoding utf8\nset termoption noenhanced\nset grid lc "
                 "rgb '#d0d0d0'\n"
                 "set border lc rgb '#606060'\nset style fill transparent solid 0.15 noborder\nset title ",
                 stem, stem, stem, stem);
    add_string(title, out);
    mdp_text_add(
        out,
        "\ndo for [format in 'svg pdf'] {\n"
        "if (format eq 'svg') { set terminal svg size %d,%d font 'Helvetica,Arial,sans-serif' fontscale 1.0 "
        "background '#ffffff' noenhanced name '%s' } else "
        "{ set terminal pdfcairo size %.1f,%.1f font 'Helvetica,11' noenhanced }\n"
        "set output '%s.'.format\n",
        (int)(width * 100), (int)(height * 100), stem, width, height, stem);
}

static mdp_status write_in(const char *folder, const char *stem, const char *ending,
                           const struct mdp_text *text, struct mdp_error *err)
{
    struct mdp_text path = {0};
    mdp_status st = mdp_text_status(text, err);

    mdp_text_add(&path, "%s/figures/%s.%s", folder, stem, ending);
    if (st == MDP_OK)
        st = mdp_text_status(&path, err);
    if (st == MDP_OK)
        st = mdp_file_write(path.at, text->at ? text->at : "", text->n, err);
    mdp_text_release(&path);
    return st;
}

extern char **environ;

/* Runs gnuplot in folder/figures. SOURCE_DATE_EPOCH keeps the day out of the PDF. False when it is missing or
 * fails. */
static bool run_gnuplot(const char *folder, const char *stem)
{
    struct mdp_text command = {0};
    pid_t pid = 0;
    int status = 0;
    bool ok = false;
    char script[64];

    snprintf(script, sizeof script, "%s.gp", stem);
    mdp_text_add(&command, "%s/figures", folder);
    /* The folder and the script are arguments, not part of the shell's text. */
    char *const words[] = {
        "sh",       "-c",       "cd -- \"$1\" && SOURCE_DATE_EPOCH=0 exec gnuplot -d \"$2\" >/dev/null 2>&1",
        "medprobe", command.at, script,
        NULL};
    if (!command.failed && posix_spawnp(&pid, "sh", NULL, NULL, words, environ) == 0) {
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
        ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    mdp_text_release(&command);
    return ok;
}

static void add_point(struct mdp_text *out, const struct mdp_result *r)
{
    if (isnan(r->ci_low))
        mdp_text_add(out, ",%.17g,,", r->mean);
    else
        mdp_text_add(out, ",%.17g,%.17g,%.17g", r->mean, r->ci_low, r->ci_high);
}

/* --- accuracy and AUC over shots --- */
static void csv_text(const char *text, struct mdp_text *out)
{
    mdp_text_add(out, "\"");
    for (const char *c = text; *c; c++)
        mdp_text_add(out, *c == '"' ? "\"\"" : "%c", *c);
    mdp_text_add(out, "\"");
}

static size_t most_shots(const struct mdp_results *r)
{
    size_t most = 0;

    for (size_t i = 0; i < r->n_results; i++)
        if (r->results[i].shots > most)
            most = r->results[i].shots;
    return most;
}

/* One line of the plot: rows [first, last] of the data file. */
static void add_curve(const char *name, const char *style, size_t colour, size_t first, size_t last,
                      struct mdp_text *out)
{
    mdp_text_add(out, "%s'shots.csv' using 4:6:7 every ::%zu::%zu with filledcurves lc rgb '%s' notitle, ",
                 out->n && out->at[out->n - 1] == '\n' ? "plot " : "", first, last,
                 colours[colour % COLOUR_COUNT]);
    mdp_text_add(out, "'shots.csv' using 4:5 every ::%zu::%zu with %s lw 2 lc rgb '%s' title ", first, last,
                 style, colours[colour % COLOUR_COUNT]);
    add_string(name, out);
    mdp_text_add(out, ", ");
}

/* The data rows and the plot commands of one metric for all runs. Zero-shot has no shots: a level line over
   the whole width, as two points. `row` counts the rows of the data file. */
static mdp_status add_metric(const struct mdp_report_run runs[], size_t n, const char *metric, size_t widest,
                             struct mdp_pool *pool, size_t *row, struct mdp_text *data, struct mdp_text *plot,
                             struct mdp_error *err)
{
    size_t colour = 0;

    for (size_t i = 0; i < n; i++) {
        struct mdp_series *series = NULL;
        size_t n_series = 0;
        mdp_status st = mdp_report_series(runs[i].results, pool, &series, &n_series, err);
        if (st != MDP_OK)
            return st;
        for (size_t k = 0; k < n_series;) {
            size_t first = *row, end = k;
            struct mdp_text name = {0};
            for (; end < n_series && strcmp(series[end].method, series[k].method) == 0; end++) {
                const struct mdp_result *r =
                    mdp_results_find(runs[i].results, series[end].method, series[end].shots, metric);
                if (!r || isnan(r->mean))
                    continue;
                for (size_t twice = 0; twice < (series[end].shots ? 1U : 2U); twice++, ++*row) {
                    csv_text(runs[i].name, data);
                    mdp_text_add(data, ",%s,%s,%zu", series[end].method, metric,
                                 series[end].shots ? series[end].shots
                                 : twice           ? widest
                                                   : 1);
                    add_point(data, r);
                    mdp_text_add(data, "\n");
                }
            }
            mdp_text_add(&name, "%s%s%s", n > 1 ? runs[i].name : "", n > 1 ? ": " : "", series[k].method);
            if (*row > first)
                add_curve(name.failed ? "" : name.at,
                          series[k].shots ? "linespoints pt 7 ps 0.6" : "lines dt 2", colour, first, *row - 1,
                          plot);
            colour++;
            mdp_text_release(&name);
            k = end;
        }
    }
    mdp_text_add(plot, "NaN notitle\n");
    return MDP_OK;
}

static mdp_status draw_shots(const char *folder, const struct mdp_report_run runs[], size_t n,
                             struct mdp_pool *pool, struct mdp_figure *figure, struct mdp_error *err)
{
    struct mdp_text data = {0}, script = {0};
    size_t widest = 1, row = 0;
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < n; i++)
        if (most_shots(runs[i].results) > widest)
            widest = most_shots(runs[i].results);
    *figure =
        (struct mdp_figure){.stem = "shots", .title = "Accuracy and AUC over shots, with 95 % intervals"};
    mdp_text_add(&data, "run,method,metric,shots,mean,ci_low,ci_high\n");
    add_head("shots", "", 8.4, 3.9, &script);
    mdp_text_add(
        &script,
        "set multiplot layout 1,2\nset logscale x 2\nset xrange [0.9:%zu*1.1]\nset xlabel 'shots (pictures a "
        "class)'\nset key bottom right\nset title 'accuracy'\n",
        widest);
    /* every ::n counts from the line after the header, which gnuplot skips by itself with columnheaders. */
    mdp_text_add(&script, "set datafile columnheaders\n");
    st = add_metric(runs, n, "accuracy", widest, pool, &row, &data, &script, err);
    mdp_text_add(&script, "set title 'AUC'\n");
    if (st == MDP_OK)
        st = add_metric(runs, n, "auc_ovr_macro", widest, pool, &row, &data, &script, err);
    mdp_text_add(&script, "unset multiplot\nunset output\n}\n");
    if (st == MDP_OK)
        st = write_in(folder, "shots", "csv", &data, err);
    if (st == MDP_OK)
        st = write_in(folder, "shots", "gp", &script, err);
    if (st == MDP_OK)
        figure->drawn = row > 0 && run_gnuplot(folder, "shots");
    mdp_text_release(&data);
    mdp_text_release(&script);
    return st;
}

/* --- ROC --- */
/* roc.csv was written by the evaluation: MDP_ROC_POINTS rows a curve, by method, shots, class. A report in
   another folder takes a copy. */
static mdp_status have_roc_data(const char *folder, const struct mdp_report_run *run, struct mdp_error *err)
{
    struct mdp_text from = {0}, to = {0};
    char *bytes = NULL;
    size_t n = 0;

    mdp_text_add(&from, "%s/figures/roc.csv", run->folder);
    mdp_text_add(&to, "%s/figures/roc.csv", folder);
    mdp_status st = mdp_text_status(&from, err);
    if (st == MDP_OK)
        st = mdp_text_status(&to, err);
    if (st == MDP_OK && strcmp(folder, run->folder) != 0) {
        st = mdp_file_read(from.at, (size_t)1 << 30, &bytes, &n, err);
        if (st == MDP_OK)
            st = mdp_file_write(to.at, bytes, n, err);
    }
    free(bytes);
    mdp_text_release(&from);
    mdp_text_release(&to);
    return st;
}

/* Zero-shot and every fitted method at its largest number of shots; one curve a class (two classes: the
 * second). */
static size_t add_roc_curves(const struct mdp_results *r, const struct mdp_series series[], size_t n,
                             struct mdp_text *plot)
{
    size_t classes = r->n_classes == 2 ? 1 : r->n_classes, drawn = 0;

    for (size_t k = 0; k < n; k++) {
        bool last_of_method = k + 1 == n || strcmp(series[k + 1].method, series[k].method) != 0;
        for (size_t c = 0; last_of_method && c < classes; c++) {
            size_t first = (k * classes + c) * MDP_ROC_POINTS, last = first + MDP_ROC_POINTS - 1;
            struct mdp_text name = {0};
            const char *colour = colours[drawn % COLOUR_COUNT];
            if (series[k].shots)
                mdp_text_add(&name, "%s, %zu shots", series[k].method, series[k].shots);
            else
                mdp_text_add(&name, "%s", series[k].method);
            if (classes > 1)
                mdp_text_add(&name, ": %s", r->class_names[c]);
            mdp_text_add(plot,
                         "'roc.csv' using 4:6:7 every ::%zu::%zu with filledcurves lc rgb '%s' notitle, "
                         "'roc.csv' using 4:5 every ::%zu::%zu with lines lw 2 %slc rgb '%s' title ",
                         first, last, colour, first, last, series[k].shots ? "" : "dt 2 ", colour);
            add_string(name.failed ? "" : name.at, plot);
            mdp_text_add(plot, ", ");
            mdp_text_release(&name);
            drawn++;
        }
    }
    return drawn;
}

static mdp_status draw_roc(const char *folder, const struct mdp_report_run *run, struct mdp_pool *pool,
                           struct mdp_figure *figure, struct mdp_error *err)
{
    struct mdp_text script = {0};
    struct mdp_series *series = NULL;
    size_t n = 0, drawn = 0;

    *figure = (struct mdp_figure){
        .stem = "roc", .title = "ROC curves: mean over episodes, with the band of 95 % of episodes"};
    mdp_status st = have_roc_data(folder, run, err);
    if (st == MDP_OK)
        st = mdp_report_series(run->results, pool, &series, &n, err);
    if (st == MDP_OK) {
        add_head("roc", "ROC", 5.2, 5.0, &script);
        mdp_text_add(&script,
                     "set datafile columnheaders\nset size square\nset xrange [0:1]\nset yrange [0:1]\n"
                     "set xlabel 'false positive rate (1 - specificity)'\nset ylabel 'true positive rate "
                     "(sensitivity)'\nset key bottom right\nplot ");
        drawn = add_roc_curves(run->results, series, n, &script);
        mdp_text_add(&script, "x with lines lc rgb '#909090' dt 3 notitle\nunset output\n}\n");
        st = write_in(folder, "roc", "gp", &script, err);
    }
    if (st == MDP_OK)
        figure->drawn = drawn > 0 && run_gnuplot(folder, "roc");
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
    add_string(label.failed || !label.at ? "" : label.at, out);
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
                       const unsigned long long *counts, struct mdp_text *data)
{
    size_t k = r->n_classes;

    for (size_t i = 0; i < k; i++) {
        unsigned long long total = 0;
        for (size_t j = 0; j < k; j++)
            total += counts[i * k + j];
        for (size_t j = 0; j < k; j++) {
            mdp_text_add(data, "%s,%zu,", s->method, s->shots);
            csv_text(r->class_names[i], data);
            mdp_text_add(data, ",");
            csv_text(r->class_names[j], data);
            mdp_text_add(data, ",%zu,%zu,%llu,%.17g\n", i, j, counts[i * k + j],
                         total ? (double)counts[i * k + j] / (double)total : 0);
        }
    }
}

/* Zero-shot and every fitted method at its largest number of shots, side by side. */
static mdp_status draw_confusion(const char *folder, const struct mdp_report_run *run, struct mdp_pool *pool,
                                 struct mdp_figure *figure, struct mdp_error *err)
{
    const struct mdp_results *r = run->results;
    struct mdp_text data = {0}, script = {0};
    struct mdp_series *series = NULL;
    size_t n = 0, row = 0, k = r->n_classes, panels = 0;

    *figure = (struct mdp_figure){.stem = "confusion",
                                  .title = "Confusion matrices: pictures and shares of the true class"};
    mdp_status st = mdp_report_series(r, pool, &series, &n, err);
    if (st != MDP_OK)
        return st;
    unsigned long long *counts = mdp_pool_array(pool, k * k, sizeof *counts, err, &st);
    if (!counts)
        return st;
    mdp_text_add(&data, "method,shots,true,predicted,row,column,count,share\n");
    for (size_t s = 0; s < n; s++)
        panels += s + 1 == n || strcmp(series[s + 1].method, series[s].method) != 0;
    add_head("confusion", "", 4.2 * (double)(panels ? panels : 1), 3.8, &script);
    mdp_text_add(
        &script,
        "set datafile columnheaders\nset multiplot layout 1,%zu\nunset grid\nunset key\nunset colorbox\n"
        "set cbrange [0:1]\nset palette defined (0 '#f7fbff', 1 '#6baed6')\nset xrange [-0.5:%zu.5]\n"
        "set yrange [%zu.5:-0.5]\nset xlabel 'predicted'\nset ylabel 'true'\n",
        panels ? panels : 1, k - 1, k - 1);
    add_class_axis("x", r, &script);
    add_class_axis("y", r, &script);
    for (size_t s = 0; s < n; s++) {
        if (s + 1 < n && strcmp(series[s + 1].method, series[s].method) == 0)
            continue;
        mdp_report_confusion(r, series[s].method, series[s].shots, counts);
        add_matrix(r, &series[s], counts, &data);
        mdp_text_add(&script, series[s].shots ? "set title '%s, %zu shots'\n" : "set title '%s'\n",
                     series[s].method, series[s].shots);
        mdp_text_add(&script,
                     "plot 'confusion.csv' using 6:5:8 every ::%zu::%zu with image pixels, '' using "
                     "6:5:(sprintf('%%d (%%.0f %%%%)', $7, 100 * $8)) every ::%zu::%zu with labels\n",
                     row, row + k * k - 1, row, row + k * k - 1);
        row += k * k;
    }
    mdp_text_add(&script, "unset multiplot\nunset output\n}\n");
    st = write_in(folder, "confusion", "csv", &data, err);
    if (st == MDP_OK)
        st = write_in(folder, "confusion", "gp", &script, err);
    if (st == MDP_OK)
        figure->drawn = row > 0 && run_gnuplot(folder, "confusion");
    mdp_text_release(&data);
    mdp_text_release(&script);
    return st;
}

mdp_status mdp_figures_draw(const char *folder, const struct mdp_report_run runs[], size_t n,
                            struct mdp_figure figures[MDP_FIGURES], struct mdp_text *notes,
                            struct mdp_error *err)
{
    struct mdp_text path = {0};
    mdp_status st = MDP_OK;
    struct mdp_pool *pool = mdp_pool_new(err, &st);

    memset(figures, 0, MDP_FIGURES * sizeof *figures);
    mdp_text_add(&path, "%s/figures", folder);
    if (st == MDP_OK)
        st = mdp_text_status(&path, err);
    if (st == MDP_OK)
        st = mdp_path_make_folders(path.at, err);
    if (st == MDP_OK)
        st = draw_shots(folder, runs, n, pool, &figures[0], err);
    if (st == MDP_OK && n == 1)
        st = draw_roc(folder, runs, pool, &figures[1], err);
    if (st == MDP_OK && n == 1)
        st = draw_confusion(folder, runs, pool, &figures[2], err);
    for (size_t i = 0; i < MDP_FIGURES; i++)
        if (st == MDP_OK && figures[i].stem && !figures[i].drawn)
            mdp_text_add(
                notes,
                "figure '%s' was not drawn: gnuplot is missing or failed (data and script: figures/%s.*)\n",
                figures[i].stem, figures[i].stem);
    mdp_pool_free(pool);
    mdp_text_release(&path);
    return st;
}
