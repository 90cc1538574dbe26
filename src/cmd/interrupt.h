/* SPDX-License-Identifier: BSD-3-Clause */
/* SIGINT and SIGTERM as a request to end in order: the command finishes what it holds, keeps it, and exits
   with 75. The second signal ends the program at once. A file that grows beyond a limit (SIGXFSZ) and a
   reader that went away (SIGPIPE) become errors of the call. */
#ifndef MDP_CMD_INTERRUPT_H
#define MDP_CMD_INTERRUPT_H

#include <signal.h>

/* Catches them from now on; gives what becomes not 0 with the first. */
const volatile sig_atomic_t *mdp_interrupt_catch(void);

#endif
