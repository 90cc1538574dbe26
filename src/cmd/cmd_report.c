/* SPDX-License-Identifier: BSD-3-Clause */
/* report: one or many run folders -> tables, figures and pages. */
#include "base/file.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/options/options.h"
#include "cmd/commands.h"
#include "cmd/project.h"
#include "cmd/run_folder.h"
#include "eval/report/report.h"
#include "eval/results_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report_options {
    const char *out;
    struct mdp_list formats;
    struct mdp_common common;
};

static const struct mdp_usage usage = {
    .command = "report",
    .synopsis = "RUN... [-o FOLDER] [options]",
    .summary =
        "Writes the report of one or many run folders (results/<run>): HTML, Markdown, CSV and LaTeX tables, "
        "figures.",
    .example = "  medprobe report results/tb\n  medprobe report results/tb results/pneumonia -o report/ "
               "--format html,tex",
    .least_operands = 1,
    .most_operands = 1000,
    .operands = {"a run folder"},
    .file_operand = "results",
    .project_out = "report",
    .project_keys = mdp_project_keys,
};

static mdp_status read_formats(const struct mdp_list *list, unsigned *formats, struct mdp_error *err)
{
    const char *names[32];

    *formats = list->n ? 0 : MDP_REPORT_ALL;
    for (size_t i = 0; i < mdp_report_format_count; i++)
        names[i] = mdp_report_formats[i].name;
    for (size_t i = 0; i < list->n; i++) {
        const size_t k = mdp_name_index(list->at[i], names, mdp_report_format_count);
        if (k == mdp_report_format_count)
            return mdp_fail(err, MDP_ERR_USAGE, "--format: no format '%s' (%s)", list->at[i],
                            mdp_name_hint(list->at[i], names, mdp_report_format_count).text);
        *formats |= 1U << k;
    }
    return MDP_OK;
}

/* "results/tb/" and "results/tb" are the same run, "tb". */
static void trim_slashes(char *path)
{
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        path[n - 1] = '\0';
}

static mdp_status read_run(const char *folder, struct mdp_results *results, struct mdp_error *err)
{
    struct mdp_text path = {0};
    mdp_status st = MDP_OK;

    mdp_text_add(&path, "%s/results.json", folder);
    st = mdp_text_status(&path, err);
    if (st == MDP_OK && !mdp_path_exists(path.at))
        st = mdp_fail(err, MDP_ERR_MISSING,
                      "%s: is no finished run: no results.json in it (medprobe probe makes one)", folder);
    if (st == MDP_OK)
        st = mdp_results_read(path.at, results, err);
    mdp_text_release(&path);
    return st;
}

static void note(void *log, const char *line)
{
    mdp_log(log, MDP_LOG_WARN, "%s", line);
}

static mdp_status write_report(const char *folder, const struct mdp_report_run runs[], size_t n,
                               unsigned formats, struct mdp_log *log, struct mdp_error *err)
{
    mdp_status st = mdp_report_write(folder, runs, n, formats, note, log, err);

    for (size_t i = 0; st == MDP_OK && i < mdp_report_format_count; i++)
        if ((formats >> i & 1) && mdp_report_formats[i].page) {
            printf("%s/%s\n", folder, mdp_report_formats[i].page);
            break;
        }
    return st;
}

static mdp_status report_runs(struct report_options *opt, char **folders, size_t n, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    unsigned formats = 0;
    struct mdp_report_run *runs = mdp_new_array(n, sizeof *runs, err, &st);
    struct mdp_results *results = mdp_new_array(n, sizeof *results, err, &st);

    if (st == MDP_OK)
        st = read_formats(&opt->formats, &formats, err);
    if (st == MDP_OK && opt->out)
        st = mdp_run_folder_check_report(opt->out, n == 1 ? folders[0] : NULL, err);
    for (size_t i = 0; i < n && st == MDP_OK; i++) {
        trim_slashes(folders[i]);
        for (size_t k = 0; k < i && st == MDP_OK; k++)
            if (strcmp(folders[k], folders[i]) == 0)
                st = mdp_fail(err, MDP_ERR_USAGE, "%s: stands twice", folders[i]);
        if (st != MDP_OK)
            break;
        st = read_run(folders[i], &results[i], err);
        runs[i] = (struct mdp_report_run){
            .name = mdp_path_base(folders[i]), .folder = folders[i], .results = &results[i]};
    }
    if (st == MDP_OK)
        st = write_report(opt->out ? opt->out : folders[0], runs, n, formats, &opt->common.log, err);
    for (size_t i = 0; results && i < n; i++)
        mdp_results_release(&results[i]);
    free(results);
    free(runs);
    return st;
}

static size_t fill_options(struct report_options *o, struct mdp_option options[MDP_MOST_OPTIONS])
{
    const struct mdp_option rows[] = {
        {.name = "out",
         .letter = 'o',
         .argument = "FOLDER",
         .string = &o->out,
         .help = "where the report goes; one run: the run's own folder"},
        {.name = "format",
         .argument = "LIST",
         .list = &o->formats,
         .help = "html, md, csv, tex; all of them when not given"},
    };

    memcpy(options, rows, sizeof rows);
    return sizeof rows / sizeof rows[0];
}

size_t mdp_report_keys(const char *keys[MDP_MOST_OPTIONS])
{
    struct report_options none = {0};
    struct mdp_option options[MDP_MOST_OPTIONS];

    return mdp_option_names(options, fill_options(&none, options), keys);
}

mdp_status mdp_cmd_report(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    struct report_options opt = {0};
    struct mdp_arguments args = {0};
    char **folders = NULL;
    struct mdp_option options[MDP_MOST_OPTIONS];
    const size_t n = fill_options(&opt, options);

    (void)exit_code;
    mdp_status st = mdp_options_parse(&usage, options, n, argc, argv, &opt.common, &args, err);
    if (st != MDP_OK || args.help)
        goto out;
    if (args.n > 1 && !opt.out) {
        st = mdp_fail(err, MDP_ERR_USAGE, "%zu runs need a folder for their common report (-o FOLDER)",
                      args.n);
        goto out;
    }
    folders = mdp_new_array(args.n, sizeof *folders, err, &st);
    for (size_t i = 0; i < args.n && st == MDP_OK; i++)
        folders[i] = mdp_copy_string(args.operands[i], err, &st);
    if (st == MDP_OK)
        st = report_runs(&opt, folders, args.n, err);
out:
    for (size_t i = 0; folders && i < args.n; i++)
        free(folders[i]);
    free(folders);
    mdp_list_release(&opt.formats);
    mdp_arguments_release(&args);
    return st;
}
