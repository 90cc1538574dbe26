/* SPDX-License-Identifier: BSD-3-Clause */
/* Command-line options as a table: parsing, --config files, --help with live defaults, all from the same
   rows.

   Every command also has --help, --config FILE.yaml, --threads N, --quiet, --log-level LEVEL (struct
   mdp_common). Flags win over the file, the file over defaults. --some-name and --some_name are the same
   option. */
#ifndef MDP_BASE_OPTIONS_H
#define MDP_BASE_OPTIONS_H

#include "base/log.h"
#include "base/text.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

enum mdp_option_kind {
    MDP_OPTION_FLAG,   /* target: bool; the file says true or false */
    MDP_OPTION_STRING, /* target: const char *; NULL when never given */
    MDP_OPTION_SIZE,   /* target: size_t, a whole number in [least, most] */
    MDP_OPTION_NUMBER, /* target: double, finite */
    MDP_OPTION_LIST,   /* target: struct mdp_list, comma-separated or a YAML list; given again, it replaces */
    MDP_OPTION_REPEAT, /* target: struct mdp_list, one entry each time it is given */
};

/* Strings of a LIST or REPEAT option. The strings belong to struct mdp_arguments, the array to whoever
   declared the list: release it. A default is given by filling it before parsing (with malloc'ed `at`). */
struct mdp_list {
    size_t n;
    const char **at; /* [n] */
};

void mdp_list_release(struct mdp_list *list);

struct mdp_option {
    const char *name; /* without dashes: "batch-size" */
    char letter;      /* short form, or 0 */
    enum mdp_option_kind kind;
    void *target;
    const char *argument;       /* "FILE", "N"; NULL for flags */
    const char *help;           /* one line */
    size_t least, most;         /* MDP_OPTION_SIZE; most 0 means SIZE_MAX */
    const char *const *choices; /* MDP_OPTION_STRING: NULL-terminated list of what is allowed, or NULL */
    bool given;                 /* out: on the command line or in the file */
};

struct mdp_common {
    const char *config;
    size_t threads; /* default: usable cores */
    struct mdp_log log;
};

struct mdp_usage {
    const char *command;  /* "probe" */
    const char *synopsis; /* "STORE [options]" */
    const char *summary;  /* one sentence */
    const char *example;  /* one or more command lines */
    size_t least_operands, most_operands;
    const char *operand;     /* what an operand is: "a store", for messages */
    const char *project_out; /* how the project file calls this command's `out`: "store", "results"; NULL: the
                                command does not read the project file */
};

/* The project file that `init` writes and that extract, probe and report read from the working folder when no
   --config is given: one flat map for all of them. Each takes the keys that are options of its own and passes
   over the others in this list; a key outside it is an error. */
#define MDP_PROJECT_FILE "medprobe.yaml"
extern const char *const mdp_project_keys[]; /* NULL-terminated */

/* Strings that options point to, and the operands. */
struct mdp_arguments {
    size_t n;
    const char **operands; /* [n] */
    char **owned;
    size_t n_owned, owned_capacity;
    bool help; /* --help was asked for and printed to stdout: the command returns at once */
};

/* Parses argv[1..argc) into the targets of options[n]. Wrong use is MDP_ERR_USAGE with one line that names
   the option, what was found and what is allowed. A config file may hold keys of options; operands stand in
   it under `config_operand` (NULL: not at all), e.g. "store" for probe. */
mdp_status mdp_options_parse(const struct mdp_usage *usage, struct mdp_option options[], size_t n, int argc,
                             char **argv, struct mdp_common *common, struct mdp_arguments *args,
                             const char *config_operand, struct mdp_error *err);
void mdp_arguments_release(struct mdp_arguments *args);

/* The help page, as --help prints it. */
void mdp_options_to_help(const struct mdp_usage *usage, const struct mdp_option options[], size_t n,
                         const struct mdp_common *common, struct mdp_text *out);

/* Every option and its value as YAML, valid for --config: the run's config.yaml. */
mdp_status mdp_options_to_yaml(const struct mdp_option options[], size_t n, struct mdp_text *out,
                               struct mdp_error *err);

/* Whether `options[n]` has `name` and it was given. */
bool mdp_option_given(const struct mdp_option options[], size_t n, const char *name);

#endif
