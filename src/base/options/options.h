/* SPDX-License-Identifier: BSD-3-Clause */
/* Command-line options as a table: parsing, --config files, --help with live defaults, all from the same
   rows.

   Every command also has --help, --config FILE.yaml, --threads N, --quiet, --log-level LEVEL (struct
   mdp_common). Flags win over the file, the file over defaults. --some-name and --some_name are the same
   option. */
#ifndef MDP_BASE_OPTIONS_H
#define MDP_BASE_OPTIONS_H

#include "base/list.h"
#include "base/log.h"
#include "base/text.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

/* A row: either a heading of the help page, or an option with a name, a line of help and exactly one target, which is of
   the option's type. The caller sets the target to the default before parsing.

       {.heading = "model"},
       {.name = "model", .argument = "NAME", .string = &o.model, .help = "which model"},
       {.name = "force", .letter = 'f', .flag = &o.force, .help = "start anew"}, */
struct mdp_option {
    const char *heading;  /* the rows below are about this: one or two words */
    const char *name;     /* without dashes: "batch-size" */
    char letter;          /* short form; 0: none */
    const char *argument; /* "FILE", "N"; NULL for flags, which take none */
    const char *help;     /* one line */
    /* one of: */
    bool *flag;          /* the file says true or false */
    const char **string; /* NULL when never given */
    size_t *size;        /* a whole number in [least, most] */
    double *number;      /* finite; NAN: no default */
    struct mdp_list
        *list; /* comma-separated, or a YAML list; given again, it replaces. The strings belong to struct
                              mdp_arguments; a default is given by filling it before parsing */
    struct mdp_list *each; /* one entry each time it is given */
    /* what is allowed */
    size_t least, most;         /* of a size; most 0 means SIZE_MAX */
    const char *const *choices; /* of a string and of a list's entries, NULL-terminated; NULL: anything */
};

enum { MDP_MOST_NAMED_OPERANDS = 3 };
enum { MDP_MOST_OPTIONS = 64, MDP_MOST_PROJECT_KEYS = 4 * MDP_MOST_OPTIONS }; /* rows of a command; of all */

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
    /* What each operand is, for messages: {"a store", "an id"}; the last name is for all that follow. */
    const char *operands[MDP_MOST_NAMED_OPERANDS];
    const char
        *file_operand; /* the key under which an operand stands in a config file: "store"; NULL: in none */
    const char *project_out; /* how the project file calls this command's `out`: "store", "results"; NULL: the
                                command does not read the project file */
    size_t (*project_keys)(
        const char *keys[MDP_MOST_PROJECT_KEYS]); /* with project_out: what may stand in that file,
                                                                       for this command or another */
};

/* The project file that `init` writes and that some commands read from the working folder when no --config is given: one
   flat map for all of them. Each takes the keys that are options of its own and passes over the others of
   usage.project_keys; a key outside them is an error. */
#define MDP_PROJECT_FILE "medprobe.yaml"

/* Operands, which options were given, and the strings that targets point to. */
struct mdp_arguments {
    size_t n;
    const char **operands; /* [n] */
    const char **given;    /* [n_given] names of options on the command line or in the file */
    size_t n_given;
    char **owned;
    size_t n_owned, owned_capacity;
    bool help; /* --help was asked for and printed to stdout: the command returns at once */
};

/* Parses argv[1..argc) into the targets of options[n]. Wrong use is MDP_ERR_USAGE with one line that names
   the option, what was found and what is allowed. argv[argc] is NULL. --help anywhere before "--" prints the page, with
   defaults, and nothing else is looked at. */
mdp_status mdp_options_parse(const struct mdp_usage *usage, const struct mdp_option options[], size_t n,
                             int argc, char **argv, struct mdp_common *common, struct mdp_arguments *args,
                             struct mdp_error *err);
void mdp_arguments_release(struct mdp_arguments *args);

/* `text`, from malloc, is freed with the arguments; at once where that fails. */
mdp_status mdp_arguments_keep(struct mdp_arguments *args, char *text, struct mdp_error *err);

/* Whether the option `name` was on the command line or in the file. */
bool mdp_option_given(const struct mdp_arguments *args, const char *name);

/* Appends rows[n_rows] to options[*n]: a long table is written in parts. */
void mdp_options_add(struct mdp_option options[MDP_MOST_OPTIONS], size_t *n, const struct mdp_option rows[],
                     size_t n_rows);

/* The names of the rows that are options into names[]; returns how many there are. */
size_t mdp_option_names(const struct mdp_option options[], size_t n, const char *names[]);

/* MDP_ERR_FORMAT with what is wrong with a table: a row without help, two rows of one name or letter (those of every
   command, too), no target or several, an argument that is missing or unused. mdp_options_parse asserts it. */
mdp_status mdp_options_check(const struct mdp_option options[], size_t n, struct mdp_error *err);

/* The help page, as --help prints it. */
void mdp_options_to_help(const struct mdp_usage *usage, const struct mdp_option options[], size_t n,
                         const struct mdp_common *common, struct mdp_text *out);

/* Every option and its value as YAML, valid for --config: the run's config.yaml. Strings and lists that hold nothing are
   left out. */
mdp_status mdp_options_to_yaml(const struct mdp_option options[], size_t n, struct mdp_text *out,
                               struct mdp_error *err);

#endif
