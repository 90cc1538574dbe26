/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/method.h"

#include "base/memory.h"
#include "base/names.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct mdp_method *const mdp_methods[] = {&mdp_zero_shot, &mdp_logreg, NULL};

enum { METHOD_COUNT = sizeof mdp_methods / sizeof mdp_methods[0] - 1 };

mdp_status mdp_method_get(const char *name, const struct mdp_method **method, struct mdp_error *err)
{
    const char *names[METHOD_COUNT];

    for (size_t i = 0; i < METHOD_COUNT; i++)
        names[i] = mdp_methods[i]->name;
    const size_t i = mdp_name_index(name, names, METHOD_COUNT);
    *method = i < METHOD_COUNT ? mdp_methods[i] : NULL;
    return *method ? MDP_OK
                   : mdp_fail(err, MDP_ERR_USAGE, "no method '%s' (%s)", name,
                              mdp_name_hint(name, names, METHOD_COUNT).text);
}

enum { READ_ROWS = 1024 };

static bool is_unit(const float x[], size_t d)
{
    double sum = 0.0;

    for (size_t j = 0; j < d; j++)
        sum += (double)x[j] * (double)x[j];
    return fabs(sqrt(sum) - 1.0) <= 1e-3;
}

/* Every row passes by, so that a value that is not finite is seen wherever it is; those that are used stay. */
static mdp_status read_rows(const struct mdp_store *store, const bool used[], struct mdp_probe_data *data,
                            struct mdp_error *err)
{
    const struct mdp_store_info *info = data->info;
    mdp_status st = MDP_OK;
    int64_t rows[READ_ROWS];
    size_t count = 0;

    if (!mdp_mul_size(READ_ROWS, info->d, &count))
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: rows of %zu values do not fit into memory", info->path,
                        info->d);
    float *block = mdp_new_array(count, sizeof *block, err, &st);
    for (size_t at = 0; at < info->n && st == MDP_OK; at += READ_ROWS) {
        size_t n = info->n - at < READ_ROWS ? info->n - at : READ_ROWS;
        for (size_t i = 0; i < n; i++)
            rows[i] = (int64_t)(at + i);
        st = mdp_store_rows(store, rows, n, block, err);
        for (size_t i = 0; i < n && st == MDP_OK; i++)
            data->not_unit += !is_unit(block + i * info->d, info->d);
        for (size_t i = 0; i < n && st == MDP_OK; i++)
            if (used[at + i])
                memcpy(data->x + data->slot[at + i] * info->d, block + i * info->d, info->d * sizeof *block);
    }
    free(block);
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
    if (st != MDP_OK)
        return st;
    for (size_t i = 0; i < info->n; i++)
        if (used[i])
            data->slot[i] = data->n_used++;
    if (!mdp_mul_size(data->n_used, info->d, &count))
        st = mdp_fail(err, MDP_ERR_LIMIT, "%s: %zu rows of %zu values do not fit into memory", info->path,
                      data->n_used, info->d);
    if (st == MDP_OK)
        data->x = mdp_new_array(count, sizeof *data->x, err, &st);
    if (st == MDP_OK)
        st = read_rows(store, used, data, err);
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
