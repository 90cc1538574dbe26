/* SPDX-License-Identifier: BSD-3-Clause */
/* Two ways to pass a failure on, so that a list of steps reads as one.

       TRY(mdp_store_open(path, &store, err));      in a function that has nothing to release: returns the status
       OR_OUT(mdp_store_open(path, &store, err));   where there is: sets the local `st` and goes to the label `out`

   Where only some steps depend on each other, plain `if (st == MDP_OK)` says so. */
#ifndef MDP_BASE_TRY_H
#define MDP_BASE_TRY_H

#include "medprobe/status.h"

#define TRY(call)                                                                                            \
    do {                                                                                                     \
        mdp_status try_status = (call);                                                                      \
        if (try_status != MDP_OK)                                                                            \
            return try_status;                                                                               \
    } while (0)

#define OR_OUT(call)                                                                                         \
    do {                                                                                                     \
        st = (call);                                                                                         \
        if (st != MDP_OK)                                                                                    \
            goto out;                                                                                        \
    } while (0)

#endif
