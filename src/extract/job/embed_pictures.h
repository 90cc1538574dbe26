/* SPDX-License-Identifier: BSD-3-Clause */
/* Every picture of a manifest into the work file, in order, going on behind what an earlier run has left there. */
#ifndef MDP_EXTRACT_EMBED_PICTURES_H
#define MDP_EXTRACT_EMBED_PICTURES_H

#include "extract/job/encode.h"

#include <signal.h>

struct mdp_embed_pictures {
    struct mdp_encoder encoder; /* its public part filled */
    struct mdp_workfile *work;  /* of the encoder's manifest */
    size_t threads, batch_size; /* pictures in flight: at least two a thread; the bytes depend on neither */
    const volatile sig_atomic_t *stop; /* not 0: what was begun is finished, then MDP_ERR_INTERRUPTED */
    /* Both are called by one thread at a time. */
    void (*begin)(void *context, size_t done, size_t failures); /* rows that are done already */
    void (*take)(void *context, const struct mdp_record *record, size_t failures); /* a row more, in order */
    void *context;
};

/* A picture of an earlier run must be as it was; one that could not be used then is tried again, and where that ends
   otherwise, work goes on from there. *failures: rows without an embedding so far, also when the run ends early. */
mdp_status mdp_embed_pictures(struct mdp_embed_pictures *job, size_t *failures, struct mdp_error *err);

#endif
