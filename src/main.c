/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of subcommands. `extract`, `probe` and `report` work by those names too, as links to this
 * program. */
#include "base/file.h"
#include "base/log.h"
#include "base/names.h"
#include "base/numbers/blas.h"
#include "base/text.h"
#include "cmd/commands.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    mdp_command *run;
    const char *summary;
    bool own_name; /* a link of this name runs it */
} commands[] = {
    {"extract", mdp_cmd_extract, "reads pictures and prompts through a model; writes a store", true},
    {"init", mdp_cmd_init, "looks at a folder and writes medprobe.yaml and, if needed, manifest.csv", false},
    {"probe", mdp_cmd_probe, "store -> few-shot episodes, probes, statistics, report", true},
    {"eval", mdp_cmd_eval, "scores given predictions, or applies a saved probe to another store", false},
    {"report", mdp_cmd_report, "one or many runs -> HTML, Markdown, CSV, LaTeX, figures", true},
    {"doctor", mdp_cmd_doctor, "looks at this machine and says what to do about each problem", false},
    {"models", mdp_cmd_models, "list, show, pull, check models; inspect weight files", false},
    {"version", mdp_cmd_version, "version, compiler, flags, library versions", false},
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void print_usage(void)
{
    printf("usage: medprobe COMMAND [options]\n"
           "       medprobe COMMAND --help\n\n"
           "few-shot linear probes on frozen medical image-text encoders; research use only\n\ncommands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].summary);
}

static int exit_code_of(mdp_status st)
{
    switch (st) {
    case MDP_OK:
        return MDP_EXIT_OK;
    case MDP_ERR_USAGE:
        return MDP_EXIT_USAGE;
    case MDP_ERR_CHECK:
        return MDP_EXIT_CHECK;
    case MDP_ERR_INTERRUPTED:
        return MDP_EXIT_INTERRUPTED;
    default:
        return MDP_EXIT_ERROR;
    }
}

static int find_command(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return i;
    return -1;
}

/* No name, or an unknown one: one line with the nearest command, or all of them. */
static int no_command(const char *name)
{
    const char *names[COMMAND_COUNT];
    const struct mdp_log log = {.level = MDP_LOG_ERROR};
    char all[256] = "there are ";

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        size_t used = strlen(all);
        names[i] = commands[i].name;
        snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", names[i]);
    }
    const char *nearest = name ? mdp_nearest_name(name, names, COMMAND_COUNT) : NULL;
    if (!name)
        mdp_log(&log, MDP_LOG_ERROR, "a command is missing (%s; medprobe --help says what they do)", all);
    else if (nearest)
        mdp_log(&log, MDP_LOG_ERROR, "no command '%s' (did you mean '%s'?)", name, nearest);
    else
        mdp_log(&log, MDP_LOG_ERROR, "no command '%s' (%s; medprobe --help says what they do)", name, all);
    return MDP_EXIT_USAGE;
}

static int run_command(int index, int argc, char **argv)
{
    struct mdp_error err = MDP_ERROR_INIT;
    const struct mdp_log log = {.level = MDP_LOG_ERROR, .command = commands[index].name};
    int exit_code = MDP_EXIT_OK;

    mdp_status st = commands[index].run(argc, argv, &exit_code, &err);
    if (st == MDP_OK && fflush(stdout) != 0)
        st = mdp_fail_errno(&err, MDP_ERR_IO, "standard output");
    if (st == MDP_OK)
        return exit_code;
    mdp_log(&log, MDP_LOG_ERROR, "%s", err.message);
    return exit_code_of(st);
}

int main(int argc, char **argv)
{
    int own = find_command(mdp_path_base(argv[0]));

    mdp_blas_restart_if_slow(argv);
    if (own >= 0 && commands[own].own_name)
        return run_command(own, argc, argv);
    if (argc < 2)
        return no_command(NULL);
    bool help = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0;
    if (help && argc == 2) {
        print_usage();
        return fflush(stdout) == 0 ? MDP_EXIT_OK : MDP_EXIT_ERROR;
    }
    if (help) { /* medprobe help COMMAND */
        char *words[] = {argv[2], "--help", NULL};
        int asked = find_command(argv[2]);
        return asked < 0 ? no_command(argv[2]) : run_command(asked, 2, words);
    }
    int index = find_command(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    return index < 0 ? no_command(argv[1]) : run_command(index, argc - 1, argv + 1);
}
