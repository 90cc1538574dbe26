/* SPDX-License-Identifier: BSD-3-Clause */
/* One function a subcommand. argv[0] is the command's name. Returns MDP_OK or writes one message into *err;
 *exit_code is set where success has another code than 0 (3: some inputs failed). */
#ifndef MDP_CMD_COMMANDS_H
#define MDP_CMD_COMMANDS_H

#include "medprobe/status.h"

enum mdp_exit {
    MDP_EXIT_OK = 0,
    MDP_EXIT_ERROR = 1,
    MDP_EXIT_USAGE = 2,
    MDP_EXIT_SOME_FAILED = 3,
    MDP_EXIT_CHECK = 4,
    MDP_EXIT_INTERRUPTED = 75,
};

typedef mdp_status mdp_command(int argc, char **argv, int *exit_code, struct mdp_error *err);

mdp_command mdp_cmd_doctor;
mdp_command mdp_cmd_eval;
mdp_command mdp_cmd_extract;
mdp_command mdp_cmd_init;
mdp_command mdp_cmd_models;
mdp_command mdp_cmd_probe;
mdp_command mdp_cmd_report;
mdp_command mdp_cmd_version;

#endif
