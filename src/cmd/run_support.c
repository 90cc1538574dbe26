/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/run_support.h"

#include "base/exchange/patients.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static size_t add_once(size_t values[], size_t *n, size_t value)
{
    for (size_t i = 0; i < *n; i++)
        if (values[i] == value)
            return i;
    values[*n] = value;
    return (*n)++;
}

static int by_size(const void *left, const void *right)
{
    size_t a, b;

    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return (a > b) - (a < b);
}

/* Pictures of the class that has fewest in the support; counts[K] is scratch. */
static size_t least_a_class(const struct mdp_store_info *info, const struct mdp_draw *draw, size_t counts[])
{
    size_t least = draw->n_support;

    memset(counts, 0, info->n_classes * sizeof *counts);
    for (size_t i = 0; i < draw->n_support; i++)
        counts[info->labels[draw->support[i]]]++;
    for (size_t c = 0; c < info->n_classes; c++)
        least = counts[c] < least ? counts[c] : least;
    return least;
}

static mdp_status count_draws(struct mdp_run_support *s, const struct mdp_store_info *info,
                              const struct mdp_draws *draws, const struct mdp_audit *audit,
                              struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t *counts = mdp_new_array(info->n_classes, sizeof *counts, err, &st);

    for (size_t i = 0; i < draws->n && st == MDP_OK; i++) {
        const struct mdp_draw *draw = &draws->at[i];
        const size_t before = s->n_shots, at = add_once(s->shots, &s->n_shots, draw->key.shots);
        const size_t least = least_a_class(info, draw, counts);
        add_once(s->seeds, &s->n_seeds, draw->key.seed);
        s->least[at] = at == before || least < s->least[at] ? least : s->least[at];
        s->fewest[at] = at == before || draw->n_support < s->fewest[at] ? draw->n_support : s->fewest[at];
        if (at < before)
            continue;
        s->pictures[at] = draw->n_support;
        st = mdp_audit_count_patients(audit, draw->support, draw->n_support, &s->patients[at], err);
    }
    if (st == MDP_OK)
        qsort(s->seeds, s->n_seeds, sizeof *s->seeds, by_size);
    free(counts);
    return st;
}

static mdp_status count_store(struct mdp_run_support *s, const struct mdp_store_info *info,
                              struct mdp_error *err)
{
    uint32_t *patient = NULL;
    mdp_status st = MDP_OK;

    s->failures = info->n_failures;
    if (info->patient_ids)
        st = mdp_patients_number(info, true, &patient, &s->n_patients, err);
    for (size_t i = 0; i < info->n && st == MDP_OK; i++) {
        s->unlabelled += info->labels[i] < 0;
        s->n_patients -= info->patient_ids && !info->patient_ids[i][0];
    }
    free(patient);
    return st;
}

mdp_status mdp_run_support_init(struct mdp_run_support *s, const struct mdp_store_info *info,
                                const struct mdp_draws *draws, const struct mdp_audit *audit,
                                struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *s = (struct mdp_run_support){0};
    size_t **const lists[] = {&s->shots, &s->seeds, &s->pictures, &s->patients, &s->fewest, &s->least};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        *lists[i] = mdp_new_array(draws->n, sizeof **lists[i], err, &st);
    if (st == MDP_OK)
        st = count_draws(s, info, draws, audit, err);
    if (st == MDP_OK)
        st = count_store(s, info, err);
    if (st != MDP_OK)
        mdp_run_support_release(s);
    return st;
}

void mdp_run_support_release(struct mdp_run_support *s)
{
    free(s->shots);
    free(s->seeds);
    free(s->pictures);
    free(s->patients);
    free(s->fewest);
    free(s->least);
    *s = (struct mdp_run_support){0};
}
