/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/method.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

const struct mdp_method *const mdp_methods[] = {&mdp_zero_shot, &mdp_logreg, NULL};

enum { METHOD_COUNT = sizeof mdp_methods / sizeof mdp_methods[0] - 1 };

mdp_status mdp_method_find(const char *name, const struct mdp_method **method, struct mdp_error *err)
{
    const char *names[METHOD_COUNT];
    struct mdp_text known = {0};

    *method = NULL;
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        names[i] = mdp_methods[i]->name;
        if (strcmp(name, names[i]) == 0) {
            *method = mdp_methods[i];
            mdp_text_release(&known);
            return MDP_OK;
        }
        mdp_text_add(&known, "%s%s", i ? ", " : "", names[i]);
    }
    const char *nearest = mdp_nearest_name(name, names, METHOD_COUNT);
    mdp_status st = nearest
                        ? mdp_fail(err, MDP_ERR_USAGE, "no method '%s' (did you mean '%s'?)", name, nearest)
                        : mdp_fail(err, MDP_ERR_USAGE, "no method '%s' (there are %s)", name,
                                   known.at ? known.at : "none");
    mdp_text_release(&known);
    return st;
}

mdp_status mdp_probe_data_init(const struct mdp_store *store, const bool used[], struct mdp_probe_data *data,
                               struct mdp_error *err)
{
    const struct mdp_store_info *info = mdp_store_info(store);
    mdp_status st = MDP_OK;
    size_t count = 0;

    *data = (struct mdp_probe_data){.info = info};
    data->slot = mdp_new_array(info->n, sizeof *data->slot, err, &st);
    int64_t *rows = mdp_new_array(info->n, sizeof *rows, err, &st);
    if (st != MDP_OK)
        goto out;
    for (size_t i = 0; i < info->n; i++)
        if (used[i]) {
            data->slot[i] = data->n_used;
            rows[data->n_used++] = (int64_t)i;
        }
    if (!mdp_mul_size(data->n_used, info->d, &count)) {
        st = mdp_fail(err, MDP_ERR_LIMIT, "%s: %zu rows of %zu values do not fit into memory", info->path,
                      data->n_used, info->d);
        goto out;
    }
    data->x = mdp_new_array(count, sizeof *data->x, err, &st);
    if (st == MDP_OK)
        st = mdp_store_rows(store, rows, data->n_used, data->x, err);
out:
    free(rows);
    if (st != MDP_OK)
        mdp_probe_data_release(data);
    return st;
}

void mdp_probe_data_release(struct mdp_probe_data *data)
{
    free(data->x);
    free(data->slot);
    free(data->patient);
    *data = (struct mdp_probe_data){0};
}

void mdp_outcome_release(struct mdp_outcome *outcome)
{
    free(outcome->scores);
    free(outcome->coef);
    free(outcome->intercept);
    *outcome = (struct mdp_outcome){0};
}
