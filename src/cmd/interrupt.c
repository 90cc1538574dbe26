/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/interrupt.h"

#include <stddef.h>

static volatile sig_atomic_t asked; /* a signal handler can reach nothing else */

static void ask(int signal_number)
{
    (void)signal_number;
    asked = 1;
}

const volatile sig_atomic_t *mdp_interrupt_catch(void)
{
    struct sigaction once = {.sa_handler = ask, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGINT, &once, NULL);
    sigaction(SIGTERM, &once, NULL);
    sigaction(SIGXFSZ, &ignore, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    return &asked;
}
