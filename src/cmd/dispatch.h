/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of commands and how a command line chooses one: for medprobe itself and for `medprobe models`. The listing in
   --help, the answer to an unknown name and the short names all come from the table's rows. */
#ifndef MDP_CMD_DISPATCH_H
#define MDP_CMD_DISPATCH_H

#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

/* One command. argv[0] is its name. Returns MDP_OK or writes one message into *err; *exit_code is set where success has
   another code than 0 (3: some inputs failed). */
typedef mdp_status mdp_command_run(int argc, char **argv, int *exit_code, struct mdp_error *err);

struct mdp_command {
    const char *name;
    const char *summary; /* one line: lower case, no full stop */
    mdp_command_run *run;
    bool short_name; /* a link of this name to the program is this command */
};

struct mdp_command_table {
    const char *program; /* "medprobe models" */
    const char *summary; /* one sentence */
    const char *example; /* one or more command lines; NULL: none */
    const struct mdp_command *rows;
    size_t n;
};

/* The row of that name, or NULL. */
const struct mdp_command *mdp_command_find(const struct mdp_command_table *table, const char *name);

/* The command that (*argv)[1] names; *argc and *argv then begin with its name. "--help", "-h" and "help" alone print the
   listing to stdout: MDP_OK, and *command is NULL; before a name they mean that command's --help. No name, or an unknown
   one, is MDP_ERR_USAGE with the nearest name or all of them. */
mdp_status mdp_dispatch(const struct mdp_command_table *table, int *argc, char ***argv,
                        const struct mdp_command **command, struct mdp_error *err);

#endif
