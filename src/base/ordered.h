/* SPDX-License-Identifier: BSD-3-Clause */
/* Items made by several threads and handed over one by one, in order: what the taker sees does not depend on
   the number of threads. At most `window` items wait to be taken, so that memory does not grow with n. */
#ifndef MDP_BASE_ORDERED_H
#define MDP_BASE_ORDERED_H

#include "medprobe/status.h"

#include <signal.h>
#include <stddef.h>

/* Makes one item into its slot; `worker` is in [0, threads). */
typedef mdp_status mdp_make_item(void *context, size_t item, size_t worker, void *slot,
                                 struct mdp_error *err);
/* Takes one item; called by one thread at a time, in the order of items. */
typedef mdp_status mdp_take_item(void *context, size_t item, void *slot, struct mdp_error *err);

struct mdp_ordered {
    size_t first, n; /* items [first, n) */
    size_t threads, window;
    void *slots; /* [window, slot_size], the caller's */
    size_t slot_size;
    mdp_make_item *make;
    mdp_take_item *take;
    void *context;
    const volatile sig_atomic_t *stop; /* not 0: no more items; NULL: never */
};

/* When an item fails, the items before it are still taken and its failure is returned. When `stop` is set,
   the items that were begun are finished and taken and MDP_ERR_INTERRUPTED is returned. Workers treat
   denormal floats as zero, as those of base/parallel.h do. */
mdp_status mdp_ordered_run(const struct mdp_ordered *loop, struct mdp_error *err);

#endif
