/* SPDX-License-Identifier: BSD-3-Clause */
/* A growing string for writers. A failed allocation is remembered and asked for once, at the end:

       struct mdp_text t = {0};
       mdp_text_add(&t, "%s,%zu\n", name, n);
       st = mdp_text_status(&t, err);
       mdp_text_release(&t);                                                                           */
#ifndef MDP_BASE_TEXT_H
#define MDP_BASE_TEXT_H

#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

struct mdp_text {
    char *at;        /* NUL-terminated once anything was added; NULL before */
    size_t n;        /* bytes, without the NUL */
    size_t capacity; /* bytes */
    bool failed;     /* out of memory: further additions do nothing */
};

/* Appends; after a failed allocation nothing happens any more. */
void mdp_text_add(struct mdp_text *t, const char *format, ...) MDP_PRINTF(2, 3);
void mdp_text_add_bytes(struct mdp_text *t, const void *bytes, size_t n);
void mdp_text_clear(struct mdp_text *t); /* empty, keeps the block */
/* Leaves it empty; an empty one is fine. */
void mdp_text_release(struct mdp_text *t);
/* MDP_ERR_MEMORY when an addition failed since the text was empty. */
MDP_MUST_USE mdp_status mdp_text_status(const struct mdp_text *t, struct mdp_error *err);

/* `text` with control characters (line breaks among them) and bytes that are no UTF-8 as \n, \t, \x1b ..., so that
   a hostile name cannot break a line or drive a terminal, and the result is UTF-8. */
void mdp_text_add_printable(struct mdp_text *t, const char *text);

/* `text` as a double-quoted YAML scalar. */
void mdp_text_add_quoted(struct mdp_text *t, const char *text);

#endif
