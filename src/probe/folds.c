/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/folds.h"

#include "base/memory.h"

#include <stdlib.h>

/* The first row of the same patient, for every row. n is a support set: small. */
static void find_first_rows(const uint32_t patient[], size_t n, size_t first[])
{
    for (size_t i = 0; i < n; i++) {
        first[i] = i;
        for (size_t j = 0; j < i; j++)
            if (patient[j] == patient[i]) {
                first[i] = j;
                break;
            }
    }
}

mdp_status mdp_folds(const int32_t labels[], const uint32_t patient[], size_t n, size_t k, size_t fold[],
                     size_t *n_folds, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t *first = mdp_new_array(n, sizeof *first, err, &st);
    size_t *patients = mdp_new_array(k, sizeof *patients, err, &st); /* of each class */

    *n_folds = 0;
    if (st != MDP_OK)
        goto out;
    find_first_rows(patient, n, first);
    for (size_t i = 0; i < n; i++)
        if (first[i] == i)
            fold[i] = patients[labels[i]]++; /* its number within the class */
    size_t folds = MDP_MOST_FOLDS;
    for (size_t c = 0; c < k; c++)
        folds = patients[c] < folds ? patients[c] : folds;
    for (size_t i = 0; i < n && folds >= 2; i++)
        fold[i] = first[i] == i ? fold[i] % folds : fold[first[i]];
    *n_folds = folds >= 2 ? folds : 0;
out:
    free(first);
    free(patients);
    return st;
}
