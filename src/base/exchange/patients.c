/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/exchange/patients.h"

#include "base/memory.h"
#include "base/names.h"

mdp_status mdp_patients_number(const struct mdp_store_info *info, bool by_patient, uint32_t **patient,
                               size_t *n, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *n = 0;
    *patient = NULL;
    if (info->n >= UINT32_MAX)
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: %zu rows are too many", info->path, info->n);
    *patient = mdp_new_array(info->n, sizeof **patient, err, &st);
    if (st == MDP_OK && by_patient && info->patient_ids)
        return mdp_number_names(info->patient_ids, info->n, *patient, n, err);
    for (size_t i = 0; i < info->n && st == MDP_OK; i++)
        (*patient)[(*n)++] = (uint32_t)i;
    return st;
}
