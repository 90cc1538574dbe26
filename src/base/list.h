/* SPDX-License-Identifier: BSD-3-Clause */
/* A list of strings that somebody else owns: an option's entries, a manifest's columns. */
#ifndef MDP_BASE_LIST_H
#define MDP_BASE_LIST_H

#include <stddef.h>

struct mdp_list {
    size_t n;
    const char **at; /* [n], of malloc; the strings are not */
};

/* Frees the array and leaves the list empty. */
void mdp_list_release(struct mdp_list *list);

#endif
