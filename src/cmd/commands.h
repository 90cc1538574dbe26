/* SPDX-License-Identifier: BSD-3-Clause */
/* The program's commands. A new one is:

   - src/cmd/cmd_NAME.c with mdp_cmd_NAME (start from cmd_version.c, the smallest): options, then the order of steps. What it
     computes stands elsewhere; what it prints goes through print.h,
   - its declaration below and its row in commands.c,
   - where it shall work as `NAME` alone, .short_name in the row and the name in the Makefile's LINKS,
   - `make docs`, which writes its man page and its shell completion from --help,
   - a script in tests/cli/ and a line in CHANGELOG.md or the guide.

   `make lint` and tests/cli/house.sh say what of this was forgotten. */
#ifndef MDP_CMD_COMMANDS_H
#define MDP_CMD_COMMANDS_H

#include "cmd/dispatch.h"
#include "medprobe/status.h"

enum mdp_exit {
    MDP_EXIT_OK = 0,
    MDP_EXIT_ERROR = 1,
    MDP_EXIT_USAGE = 2,
    MDP_EXIT_SOME_FAILED = 3,
    MDP_EXIT_CHECK = 4,
    MDP_EXIT_INTERRUPTED = 75,
};

extern const struct mdp_command_table mdp_commands;

mdp_command_run mdp_cmd_doctor;
mdp_command_run mdp_cmd_eval;
mdp_command_run mdp_cmd_extract;
mdp_command_run mdp_cmd_init;
mdp_command_run mdp_cmd_models;
mdp_command_run mdp_cmd_probe;
mdp_command_run mdp_cmd_report;
mdp_command_run mdp_cmd_version;

#endif
