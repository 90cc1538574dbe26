/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/probe_data.h"

#include "base/exchange/patients.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static void mark_rows(bool used[], const int64_t rows[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        used[rows[i]] = true;
}

static void mark_used(const struct mdp_draws *draws, const int64_t held[], size_t n_held, bool used[])
{
    mark_rows(used, held, n_held);
    for (size_t e = 0; e < draws->n; e++) {
        const struct mdp_draw *d = &draws->at[e];
        mark_rows(used, d->support, d->n_support);
        mark_rows(used, d->val, d->n_val);
        if (e == 0 || d->query != draws->at[e - 1].query)
            mark_rows(used, d->query, d->n_query);
    }
}

static mdp_status load(const struct mdp_store *store, const bool used[], struct mdp_probe_data *data,
                       struct mdp_error *err)
{
    const struct mdp_store_info *info = data->info;
    mdp_status st = MDP_OK;
    size_t count = 0;

    for (size_t i = 0; i < info->n; i++)
        if (used[i])
            data->slot[i] = data->n_used++;
    if (!mdp_mul_size(data->n_used, info->d, &count))
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: %zu rows of %zu values do not fit into memory", info->path,
                        data->n_used, info->d);
    data->x = mdp_new_array(count, sizeof *data->x, err, &st);
    return st == MDP_OK ? read_rows(store, used, data, err) : st;
}

mdp_status mdp_probe_data_init(const struct mdp_store *store, const struct mdp_draws *draws,
                               const int64_t held[], size_t n_held, bool by_patient,
                               struct mdp_probe_data *data, struct mdp_error *err)
{
    const struct mdp_store_info *info = mdp_store_info(store);
    mdp_status st = MDP_OK;
    size_t n_patients = 0;
    bool *used = mdp_new_array(info->n, sizeof *used, err, &st);

    *data = (struct mdp_probe_data){.info = info};
    data->slot = mdp_new_array(info->n, sizeof *data->slot, err, &st);
    if (st == MDP_OK) {
        mark_used(draws, held, n_held, used);
        st = load(store, used, data, err);
    }
    if (st == MDP_OK)
        st = mdp_patients_number(info, by_patient, &data->patient, &n_patients, err);
    free(used);
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
