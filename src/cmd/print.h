/* SPDX-License-Identifier: BSD-3-Clause */
/* How commands write what was asked for; messages go to stderr through base/log.h. */
#ifndef MDP_CMD_PRINT_H
#define MDP_CMD_PRINT_H

#include "base/text.h"
#include "medprobe/status.h"

/* `text` as it is to stdout. The text's own remembered failure, or MDP_ERR_IO where standard output cannot be written. */
MDP_MUST_USE mdp_status mdp_print_text(const struct mdp_text *text, struct mdp_error *err);

#endif
