/* SPDX-License-Identifier: BSD-3-Clause */
/* What an episode is called, in draws.h5, predictions.h5 and probes.h5 alike: its group "k16/s1", made of shots and seed;
   or any other path in draws that another program made. */
#ifndef MDP_BASE_EPISODE_KEY_H
#define MDP_BASE_EPISODE_KEY_H

#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

struct mdp_episode_key {
    char name[128];
    bool named;         /* the name says shots and seed */
    size_t shots, seed; /* 0 where it does not */
};

/* "k<shots>/s<seed>" */
struct mdp_episode_key mdp_episode_key_of(size_t shots, size_t seed);

/* The key of a group's name (without the leading '/'); decimal numbers without leading zeros make it `named`. false: the
   name is longer than a key holds, and *key is empty. */
bool mdp_episode_key_parse(const char *name, struct mdp_episode_key *key);

/* By shots, then seed; other names after them, by bytes. */
int mdp_episode_key_compare(const struct mdp_episode_key *a, const struct mdp_episode_key *b);

#endif
