/* SPDX-License-Identifier: BSD-3-Clause */
/* A walk over the groups of an HDF5 file that may come from another program: bounded in depth and number, blind to soft
   and external links. */
#ifndef MDP_BASE_H5_GROUPS_H
#define MDP_BASE_H5_GROUPS_H

#include "base/formats/h5.h"

/* A group ("" for the root, else "/a/b") and the names of its members, in byte order. */
struct mdp_h5_group {
    const char *path;
    char *const *members; /* [n] */
    size_t n;
};

/* Calls visit for the root and every group below it, each before those inside it, and stops at the first failure.
   `name` is the file's, for errors. MDP_ERR_LIMIT: more than 16 levels or a million groups. */
mdp_status mdp_h5_visit_groups(const struct mdp_h5 *file, const char *name,
                               mdp_status (*visit)(void *context, const struct mdp_h5_group *group,
                                                   struct mdp_error *err),
                               void *context, struct mdp_error *err);

/* Whether a dataset or group of this name lies directly in it. */
bool mdp_h5_group_has(const struct mdp_h5_group *group, const char *member);

#endif
