/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run tells its user on stderr: lines that begin with "medprobe: ", and progress. Only src/cmd and
   main.c hold a log; library code never prints. No escape codes where stderr is no terminal. */
#ifndef MDP_BASE_LOG_H
#define MDP_BASE_LOG_H

#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mdp_log_level { MDP_LOG_ERROR, MDP_LOG_WARN, MDP_LOG_INFO, MDP_LOG_DEBUG };

struct mdp_log {
    enum mdp_log_level level; /* what is more detailed than this is not printed; --quiet is MDP_LOG_ERROR */
    const char *command;      /* "extract", "probe", ...: stands before every message */
};

/* One line; control characters in it are printed as \n, \x1b, ... */
void mdp_log(const struct mdp_log *log, enum mdp_log_level level, const char *format, ...) MDP_PRINTF(3, 4);

/* Progress of `total` items: a redrawn line on a terminal, one line every 30 s elsewhere, nothing under
 * --quiet. */
struct mdp_progress {
    const struct mdp_log *log;
    const char *unit; /* "pictures" */
    size_t total, begun_at;
    int64_t start_ms, last_ms;
    bool terminal, drawn;
};

/* `begun_at`: items that were already done by an earlier run; they do not count into the rate. */
void mdp_progress_begin(struct mdp_progress *p, const struct mdp_log *log, const char *unit, size_t total,
                        size_t begun_at);
void mdp_progress_show(struct mdp_progress *p, size_t done, size_t failed);
void mdp_progress_end(struct mdp_progress *p, size_t done, size_t failed);

#endif
