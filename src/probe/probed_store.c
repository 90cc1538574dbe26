/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/probed_store.h"

#include "base/memory.h"
#include "base/text.h"

#include <string.h>

mdp_status mdp_split_check(const struct mdp_store_info *info, const char *split, const char *option,
                           struct mdp_error *err)
{
    struct mdp_text known = {0};
    const char *listed[8];
    size_t n = 0;

    if (!info->splits)
        return mdp_fail(err, MDP_ERR_USAGE, "%s: no splits in the store, so no '%s'", info->path, split);
    for (size_t i = 0; i < info->n; i++)
        if (strcmp(info->splits[i], split) == 0)
            return MDP_OK;
    for (size_t i = 0; i < info->n && n < sizeof listed / sizeof *listed; i++) {
        bool first = info->splits[i][0] != '\0';
        for (size_t j = 0; j < n && first; j++)
            first = strcmp(info->splits[i], listed[j]) != 0;
        if (first) {
            mdp_text_add(&known, "%s'%s'", n ? ", " : "", info->splits[i]);
            listed[n++] = info->splits[i];
        }
    }
    mdp_status st = mdp_fail(err, MDP_ERR_USAGE, "%s: no split '%s' (there are %s; choose one with --%s)",
                             info->path, split, known.at ? known.at : "none", option);
    mdp_text_release(&known);
    return st;
}

mdp_status mdp_split_rows(const struct mdp_store_info *info, const char *split, const char *option,
                          int64_t **rows, size_t *n, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *rows = NULL;
    *n = 0;
    st = mdp_split_check(info, split, option, err);
    if (st == MDP_OK)
        *rows = mdp_new_array(info->n, sizeof **rows, err, &st);
    for (size_t i = 0; i < info->n && st == MDP_OK; i++)
        if (info->labels[i] >= 0 && strcmp(info->splits[i], split) == 0)
            (*rows)[(*n)++] = (int64_t)i;
    if (st == MDP_OK && *n == 0)
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: split '%s' has no labelled row", info->path, split);
    return st;
}

mdp_status mdp_check_probed_store(const struct mdp_store_info *info, bool by_patient, struct mdp_error *err)
{
    bool any = false;

    for (size_t i = 0; i < info->n && info->labels && !any; i++)
        any = info->labels[i] >= 0;
    if (!any)
        return mdp_fail(
            err, MDP_ERR_MISSING,
            "%s: no labels to probe (extract with a label column; /targets of --labels are not probed yet)",
            info->path);
    if (info->n_classes < 2)
        return mdp_fail(err, MDP_ERR_VALUE, "%s: one class only, '%s' (a probe needs two)", info->path,
                        info->class_names[0]);
    if (by_patient && !info->patient_ids)
        return mdp_fail(
            err, MDP_ERR_MISSING,
            "%s: no patients in the store (add a column patient_id and extract again; or --group none draws "
            "without patients)",
            info->path);
    return MDP_OK;
}

mdp_status mdp_fail_no_patient(const struct mdp_store_info *info, size_t row, struct mdp_error *err)
{
    return mdp_fail(
        err, MDP_ERR_MISSING,
        "%s: id '%s' (row %zu) has no patient (fill in its patient_id and extract again; or --group none "
        "draws without patients)",
        info->path, info->ids[row], row);
}
