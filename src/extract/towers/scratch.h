/* SPDX-License-Identifier: BSD-3-Clause */
/* Dividing a tower's working memory. One function divides a block into its parts; with a block that is NULL it counts only:

       struct mdp_scratch s = {block};               (or {NULL}: then s.used says what is needed)
       w->x = mdp_scratch_take(&s, rows * width);
       w->hidden = mdp_scratch_take(&s, rows * hidden); */
#ifndef MDP_EXTRACT_SCRATCH_H
#define MDP_EXTRACT_SCRATCH_H

#include <stddef.h>

struct mdp_scratch {
    float *block; /* aligned to MDP_ALIGNMENT, or NULL */
    size_t used;  /* floats */
};

/* The next n floats, in whole cache lines; NULL where there is no block. */
float *mdp_scratch_take(struct mdp_scratch *scratch, size_t n);

#endif
