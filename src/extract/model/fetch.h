/* SPDX-License-Identifier: BSD-3-Clause */
/* One file from the network, by libcurl (fetch.c is the one file that knows it): http and https only, proxies
   from the environment as curl takes them. What has arrived stands in "<path>.part"; a dropped line is taken
   up again where it ended, in the same run and in a later one. The file gets its name only after its size and
   SHA-256 fit. */
#ifndef MDP_EXTRACT_FETCH_H
#define MDP_EXTRACT_FETCH_H

#include "medprobe/status.h"

#include <signal.h>
#include <stddef.h>

enum { MDP_FETCH_RETRIES = 8 };

struct mdp_fetch {
    const char *url;
    const char *path;   /* its folder exists */
    const char *sha256; /* 64 digits, or its first ones */
    size_t size;        /* bytes; 0 when not known */
    size_t retries; /* attempts after the first that may bring less than 1 MiB; an attempt that brings nothing
                       is followed by a pause of 1, 2, 4 ... 30 s */
    /* Called now and then; total is 0 while it is not known. May be NULL. */
    void (*progress)(void *context, size_t done, size_t total);
    /* Called before another attempt, with the reason for it. May be NULL. */
    void (*retry)(void *context, const char *reason);
    void *context;
    const volatile sig_atomic_t
        *stop; /* not 0: ends with MDP_ERR_INTERRUPTED, what arrived is kept; may be NULL */
};

/* Errors: MDP_ERR_NETWORK (what arrived is kept for the next run), MDP_ERR_FORMAT (another file: nothing is
   kept), MDP_ERR_IO. */
mdp_status mdp_fetch(const struct mdp_fetch *what, struct mdp_error *err);

#endif
