/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/commands.h"

#include <stdio.h>

mdp_status mdp_cmd_version(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    (void)argv;
    (void)exit_code;
    if (argc > 1)
        return mdp_fail(err, MDP_ERR_USAGE, "takes no options");
    printf("medprobe %s\nflavour %s\ncompiler %s\n", MDP_VERSION, MDP_FLAVOUR, __VERSION__);
    return MDP_OK;
}
