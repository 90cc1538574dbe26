/* SPDX-License-Identifier: BSD-3-Clause */
/* draws.h5 of a run folder (docs/FORMATS.md): which rows of the store each episode learns from and is scored on. */
#ifndef MDP_BASE_DRAWS_H
#define MDP_BASE_DRAWS_H

#include "base/exchange/episode_key.h"

#include "medprobe/store.h"

#include <stdint.h>

/* The rows of one episode. Row numbers of the store; support and val in the order drawn. */
struct mdp_draw {
    struct mdp_episode_key key;
    size_t n_support, n_val, n_query;
    bool has_val;                   /* a val set was drawn, though it may be empty */
    int64_t *support, *val, *query; /* [n_*]; a query may be the shared one below */
};

struct mdp_draws {
    size_t n;
    struct mdp_draw *at;   /* [n], in the order of keys */
    int64_t *shared_query; /* the query rows that several episodes have in common, or NULL */
    bool names_store; /* read: the file says that its rows are this store's; else that is taken on trust */
};

/* Rows of the store `info`. Writes the file complete or not at all. */
mdp_status mdp_draws_write(const char *path, const struct mdp_store_info *info, const struct mdp_draws *draws,
                           struct mdp_error *err);
/* Every group with `support` and `query` is an episode, however deep. MDP_ERR_CHECK when the file names another store; rows
   outside it, a row twice in one list and a file without an episode are errors that name group and row. */
mdp_status mdp_draws_read(const char *path, const struct mdp_store_info *info, struct mdp_draws *draws,
                          struct mdp_error *err);
void mdp_draws_release(struct mdp_draws *draws);

/* Sorts the episodes by mdp_episode_key_compare. */
void mdp_draws_sort(struct mdp_draws *draws);

/* Keeps the episodes whose shots are among shots[n_shots] and whose seed is among seeds[n_seeds], in their order; a list
   that is NULL takes all. */
void mdp_draws_select(struct mdp_draws *draws, const size_t shots[], size_t n_shots, const size_t seeds[],
                      size_t n_seeds);

#endif
