/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/exchange/episode_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DIGITS = 18 };

struct mdp_episode_key mdp_episode_key_of(size_t shots, size_t seed)
{
    struct mdp_episode_key key = {.named = true, .shots = shots, .seed = seed};

    snprintf(key.name, sizeof key.name, "k%zu/s%zu", shots, seed);
    return key;
}

/* A whole number in decimal without leading zeros; the first byte after it, or NULL. */
static const char *parse_count(const char *text, size_t *value)
{
    char *end = NULL;

    if (text[0] < '0' || text[0] > '9' || (text[0] == '0' && text[1] >= '0' && text[1] <= '9'))
        return NULL;
    *value = (size_t)strtoull(text, &end, 10);
    return end - text <= MOST_DIGITS ? end : NULL;
}

bool mdp_episode_key_parse(const char *name, struct mdp_episode_key *key)
{
    size_t n = strlen(name), shots = 0, seed = 0;

    *key = (struct mdp_episode_key){0};
    if (n >= sizeof key->name)
        return false;
    memcpy(key->name, name, n + 1);
    const char *at = name[0] == 'k' ? parse_count(name + 1, &shots) : NULL;
    at = at && at[0] == '/' && at[1] == 's' ? parse_count(at + 2, &seed) : NULL;
    if (at && !*at) {
        key->named = true;
        key->shots = shots;
        key->seed = seed;
    }
    return true;
}

int mdp_episode_key_compare(const struct mdp_episode_key *a, const struct mdp_episode_key *b)
{
    if (a->named != b->named)
        return a->named ? -1 : 1;
    if (a->shots != b->shots)
        return a->shots < b->shots ? -1 : 1;
    if (a->seed != b->seed)
        return a->seed < b->seed ? -1 : 1;
    return strcmp(a->name, b->name);
}
