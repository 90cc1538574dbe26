/* SPDX-License-Identifier: BSD-3-Clause */
/* The values of one pickle and the memory they lie in. Private to pickle.c and pickle_values.c. */
#ifndef MDP_EXTRACT_PICKLE_VALUES_H
#define MDP_EXTRACT_PICKLE_VALUES_H

#include "extract/weights/pickle.h"

/* A list that grows by mdp_grow. */
struct mdp_values {
    struct mdp_value **at; /* [n] */
    size_t n, capacity;
};

struct mdp_chunk;

struct mdp_pickle {
    struct mdp_chunk *chunks;
    size_t memory;                /* bytes of all chunks */
    struct mdp_values persistent; /* in the order they were made */
    struct mdp_value *root;       /* what STOP left */
};

/* A value of this kind, all else 0; freed with the pickle. NULL: no memory, or more than MDP_PICKLE_MAX_MEMORY. */
struct mdp_value *mdp_value_new(struct mdp_pickle *pickle, enum mdp_value_kind kind, struct mdp_error *err);

/* Room for `more` items in a tuple, list or dictionary. */
mdp_status mdp_value_make_room(struct mdp_pickle *pickle, struct mdp_value *v, size_t more,
                               struct mdp_error *err);

#endif
