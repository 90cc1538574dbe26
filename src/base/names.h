/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of names: which one was meant, and numbers for equal ones. Every table of the program that users choose from by
   name (commands, methods, families, metrics, ...) answers an unknown name with mdp_name_hint:

       size_t i = mdp_name_index(name, names, n);
       if (i == n)
           return mdp_fail(err, MDP_ERR_USAGE, "no method '%s' (%s)", name, mdp_name_hint(name, names, n).text); */
#ifndef MDP_BASE_NAMES_H
#define MDP_BASE_NAMES_H

#include "medprobe/status.h"

#include <stddef.h>
#include <stdint.h>

/* Where `name` stands in names[n]; n when it does not. */
size_t mdp_name_index(const char *name, const char *const names[], size_t n);

/* The entry of names[n] nearest to `name` (edit distance at most a third of its length, and 1 at the least), or NULL. */
const char *mdp_nearest_name(const char *name, const char *const names[], size_t n);

/* "did you mean 'logreg'?" where a name is near, else "there are zero-shot, logreg", cut with "...". */
struct mdp_name_hint {
    char text[320];
};
struct mdp_name_hint mdp_name_hint(const char *name, const char *const names[], size_t n);

/* A name and where it stood. */
struct mdp_placed_name {
    const char *name;
    size_t at;
};

/* names[n] by bytes, equal ones in the order in which they stood; for free(). NULL: out of memory, *st says so. */
struct mdp_placed_name *mdp_names_sort(const char *const names[], size_t n, struct mdp_error *err,
                                       mdp_status *st);

/* numbers[n] for names[n]: equal names that are not empty have the same number, an empty one a number of its own; numbers
   run from 0 in the order of first appearance, *n_numbers says how many there are. */
mdp_status mdp_number_names(const char *const names[], size_t n, uint32_t numbers[], size_t *n_numbers,
                            struct mdp_error *err);

#endif
