/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that is released in one piece: strings and arrays that live and go together. */
#ifndef MDP_BASE_POOL_H
#define MDP_BASE_POOL_H

#include "medprobe/status.h"

#include <stddef.h>

struct mdp_pool;

/* Empty; NULL, with *st and err, when memory is out. */
struct mdp_pool *mdp_pool_new(struct mdp_error *err, mdp_status *st);
/* Zeroes, n of `size` bytes each, that go with the pool; NULL, with *st and err, when memory is out. */
void *mdp_pool_array(struct mdp_pool *pool, size_t n, size_t size, struct mdp_error *err, mdp_status *st);
/* A copy; NULL for NULL. */
const char *mdp_pool_string(struct mdp_pool *pool, const char *text, struct mdp_error *err, mdp_status *st);
/* With everything it gave; accepts NULL. */
void mdp_pool_free(struct mdp_pool *pool);

#endif
