/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/probe_data.h"

#include "base/exchange/patients.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_unit(const float x[], size_t d)
{
    double sum = 0.0;

    for (size_t j = 0; j < d; j++)
        sum += (double)x[j] * (double)x[j];
    return fabs(sqrt(sum) - 1.0) <= 1e-3;
}

struct reading {
    struct mdp_probe_data *data;
    const bool *used; /* [N] */
};

static mdp_status keep_used(void *context, size_t first, size_t n, const float *x, struct mdp_error *err)
{
    const struct reading *r = context;
    const size_t d = r->data->info->d;

    (void)err;
    for (size_t i = 0; i < n; i++) {
        r->data->not_unit += !is_unit(x + i * d, d);
        if (r->used[first + i])
            memcpy(r->data->x + r->data->slot[first + i] * d, x + i * d, d * sizeof *x);
    }
    return MDP_OK;
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
    if (st != MDP_OK)
        return st;
    /* Every row passes by, so that a value that is not finite is seen wherever it is; those that are used stay. */
    struct reading reading = {data, used};
    return mdp_store_each_block(store, NULL, 0, keep_used, &reading, err);
}

mdp_status mdp_probe_data_init(const struct mdp_store *store, const struct mdp_draws *draws,
                               const int64_t held[], size_t n_held, bool by_patient,
                               struct mdp_probe_data *data, struct mdp_error *err)
{
    const struct mdp_store_info *info = mdp_store_info(store);
    mdp_status st = MDP_OK;
    size_t n_patients = 0;
    bool *used = mdp_new_array(info->n, sizeof *used, err, &st);

    *data = (struct mdp_probe_data){.store = store, .info = info};
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
