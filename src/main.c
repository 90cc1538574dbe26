/* SPDX-License-Identifier: BSD-3-Clause */
/* The program: chooses the command by the first word, or by the name under which it was called; turns a status into an
   exit code and a message into one line on stderr. */
#include "base/file.h"
#include "base/log.h"
#include "base/numbers/blas.h"
#include "cmd/commands.h"

#include <stdio.h>
#include <string.h>

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

int main(int argc, char **argv)
{
    static char version_word[] = "version";
    const struct mdp_command *command = mdp_command_find(&mdp_commands, mdp_path_base(argv[0]));
    struct mdp_error err = MDP_ERROR_INIT;
    int exit_code = MDP_EXIT_OK;
    mdp_status st = MDP_OK;

    mdp_blas_restart_if_slow(argv);
    mdp_blas_one_thread();
    if (!command || !command->short_name) {
        if (argc > 1 && strcmp(argv[1], "--version") == 0)
            argv[1] = version_word;
        st = mdp_dispatch(&mdp_commands, &argc, &argv, &command, &err);
    }
    if (st == MDP_OK && command)
        st = command->run(argc, argv, &exit_code, &err);
    if (st == MDP_OK && (fflush(stdout) != 0 || ferror(stdout)))
        st = mdp_fail_errno(&err, MDP_ERR_IO, "standard output");
    if (st == MDP_OK)
        return exit_code;
    const struct mdp_log log = {.level = MDP_LOG_ERROR, .command = command ? command->name : NULL};
    mdp_log(&log, MDP_LOG_ERROR, "%s", err.message);
    return exit_code_of(st);
}
