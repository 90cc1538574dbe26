/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/formats/h5_groups.h"

#include "base/text.h"

#include <string.h>

enum { MAX_DEPTH = 16, MAX_GROUPS = 1000000 };

struct walk {
    const struct mdp_h5 *file;
    const char *name;
    mdp_status (*visit)(void *context, const struct mdp_h5_group *group, struct mdp_error *err);
    void *context;
    size_t visited;
};

bool mdp_h5_group_has(const struct mdp_h5_group *group, const char *member)
{
    for (size_t i = 0; i < group->n; i++)
        if (strcmp(group->members[i], member) == 0)
            return true;
    return false;
}

static bool is_group(const struct mdp_h5 *file, const char *path)
{
    struct mdp_h5_shape shape;

    return mdp_h5_has(file, path) && mdp_h5_shape_of(file, path, &shape, NULL) != MDP_OK;
}

static mdp_status visit_from(struct walk *w, const char *path, size_t depth, struct mdp_error *err)
{
    char **members = NULL;
    size_t n = 0;
    struct mdp_text member = {0};

    if (depth > MAX_DEPTH || ++w->visited > MAX_GROUPS)
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: too many groups, or groups too deep", w->name);
    mdp_status st = mdp_h5_members(w->file, *path ? path : "/", &members, &n, err);
    if (st == MDP_OK)
        st = w->visit(w->context, &(const struct mdp_h5_group){path, members, n}, err);
    for (size_t i = 0; i < n && st == MDP_OK; i++) {
        mdp_text_clear(&member);
        mdp_text_add(&member, "%s/%s", path, members[i]);
        st = mdp_text_status(&member, err);
        if (st == MDP_OK && is_group(w->file, member.at))
            st = visit_from(w, member.at, depth + 1, err);
    }
    mdp_text_release(&member);
    mdp_h5_strings_free(members, n);
    return st;
}

mdp_status mdp_h5_visit_groups(const struct mdp_h5 *file, const char *name,
                               mdp_status (*visit)(void *context, const struct mdp_h5_group *group,
                                                   struct mdp_error *err),
                               void *context, struct mdp_error *err)
{
    struct walk w = {.file = file, .name = name, .visit = visit, .context = context};

    return visit_from(&w, "", 0, err);
}
