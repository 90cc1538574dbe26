/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/exchange/store_mark.h"

#include "base/memory.h"
#include "base/try.h"

#include <stdlib.h>
#include <string.h>

static const char attribute[] = "store_sha256";

mdp_status mdp_store_mark_write(struct mdp_h5 *file, const struct mdp_store_info *info, struct mdp_error *err)
{
    return mdp_h5_attr_write_string(file, "/", attribute, info->content_hash, err);
}

mdp_status mdp_store_mark_read(const struct mdp_h5 *file, char **hash, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    if (mdp_h5_attr_has(file, "/", attribute))
        return mdp_h5_attr_read_string(file, "/", attribute, hash, err);
    *hash = mdp_copy_string("", err, &st);
    return st;
}

mdp_status mdp_store_mark_check(const struct mdp_h5 *file, const char *path,
                                const struct mdp_store_info *info, bool *found, struct mdp_error *err)
{
    char *hash = NULL;
    mdp_status st = MDP_OK;

    *found = mdp_h5_attr_has(file, "/", attribute);
    if (!*found)
        return MDP_OK;
    TRY(mdp_store_mark_read(file, &hash, err));
    if (strcmp(hash, info->content_hash) != 0)
        st = mdp_fail(
            err, MDP_ERR_CHECK,
            "%s: its row numbers are those of another store (content %.12s...) than %s (%.12s...): use the "
            "store that it was made with, or run probe again on this one",
            path, hash, info->path, info->content_hash);
    free(hash);
    return st;
}
