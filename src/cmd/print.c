/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/print.h"

#include "base/try.h"

#include <stdio.h>

mdp_status mdp_print_text(const struct mdp_text *text, struct mdp_error *err)
{
    TRY(mdp_text_status(text, err));
    if (fwrite(text->at, 1, text->n, stdout) != text->n)
        return mdp_fail_errno(err, MDP_ERR_IO, "standard output");
    return MDP_OK;
}
