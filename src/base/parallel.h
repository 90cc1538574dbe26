/* SPDX-License-Identifier: BSD-3-Clause */
/* Independent items shared among threads. What an item computes must not depend on which thread runs it or on
   the number of threads; then the result has the same bytes for any number of threads. */
#ifndef MDP_BASE_PARALLEL_H
#define MDP_BASE_PARALLEL_H

#include "medprobe/status.h"

#include <stddef.h>

/* One item. `worker` is in [0, threads): for scratch memory of a thread. */
typedef mdp_status mdp_work(void *context, size_t item, size_t worker, struct mdp_error *err);

/* Calls work for every item of [0, n) on `threads` threads (the caller's among them); items are handed out in
   order. When items fail, no new ones are begun and the failure of the smallest failed item is returned.
   Inside, with any number of threads, denormal numbers are zero, and the caller's setting is as before afterwards:
   masked attention scores would make exp() produce them, at twenty times the cost of normal numbers. All towers, fits
   and resamples run inside; what is computed outside (means, metrics of one set of scores) is far above the least
   normal double. CPUs without SSE have no such switch here: they compute with denormal numbers, more slowly. */
MDP_MUST_USE mdp_status mdp_parallel(size_t n, size_t threads, mdp_work *work, void *context,
                                     struct mdp_error *err);

/* Cores this process may use (affinity and cgroup limits counted), at least 1. */
size_t mdp_usable_cores(void);

#endif
