/* SPDX-License-Identifier: BSD-3-Clause */
/* version: what this program is and was built from; the first thing to put into a problem report. */
#include "base/numbers/blas.h"
#include "base/options/options.h"
#include "cmd/commands.h"
#include "extract/text/sentencepiece.h"

#include <stdio.h>

static const struct mdp_usage usage = {
    .command = "version",
    .synopsis = "[options]",
    .summary = "Prints version, compiler, flags, the kernels' library and the tokenizers'.",
    .example = "  medprobe version",
};

mdp_status mdp_cmd_version(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    struct mdp_common common;
    struct mdp_arguments args = {0};

    (void)exit_code;
    mdp_status st = mdp_options_parse(&usage, NULL, 0, argc, argv, &common, &args, err);
    if (st == MDP_OK && !args.help)
        printf("medprobe %s\nflavour %s\ncompiler %s\nopenblas core %s\nsentencepiece %s\n", MDP_VERSION,
               MDP_FLAVOUR, __VERSION__, mdp_blas_core(), mdp_sentencepiece_library());
    mdp_arguments_release(&args);
    return st;
}
