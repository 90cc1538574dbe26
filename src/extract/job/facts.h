/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and values, in order: the root attributes of a store and the head of a work file. What stands in them:
   extract/job/run_facts.h. */
#ifndef MDP_EXTRACT_FACTS_H
#define MDP_EXTRACT_FACTS_H

#include "base/text.h"
#include "medprobe/status.h"

#include <stddef.h>

struct mdp_run_fact {
    char *key, *value;
};

struct mdp_facts {
    size_t n, capacity;
    struct mdp_run_fact *at; /* [n] */
};

/* Copies both; keys must be new. */
mdp_status mdp_facts_add(struct mdp_facts *facts, const char *key, const char *value, struct mdp_error *err);
const char *mdp_facts_find(const struct mdp_facts *facts, const char *key); /* NULL when absent */
void mdp_facts_release(struct mdp_facts *facts);

/* One "key<TAB>value<NL>" after the other; tabs, line breaks and backslashes inside are escaped. */
mdp_status mdp_facts_to_text(const struct mdp_facts *facts, struct mdp_text *out, struct mdp_error *err);
mdp_status mdp_facts_parse(const char *text, size_t n, struct mdp_facts *facts, struct mdp_error *err);

#endif
