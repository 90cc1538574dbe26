/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/eval_probe.h"

#include "base/exchange/patients.h"
#include "base/memory.h"
#include "base/try.h"
#include "probe/probed_store.h"

#include <stdlib.h>
#include <string.h>

/* How a row stands to what the probe learnt from. */
enum standing { APART, OF_ITS_PATIENTS, LEARNT_FROM };

/* Of the very store: the rows by their numbers. */
static mdp_status mark_by_row(const struct mdp_probe_weights *weights, const struct mdp_store_info *info,
                              uint8_t standing[], struct mdp_error *err)
{
    for (size_t i = 0; i < weights->n_seen; i++) {
        const int64_t row = weights->seen[i];
        if (row < 0 || (uint64_t)row >= info->n)
            return mdp_fail(err, MDP_ERR_FORMAT,
                            "%s: the probe says that it learnt from row %lld of %zu rows", info->path,
                            (long long)row, info->n);
        standing[row] = LEARNT_FROM;
    }
    return MDP_OK;
}

static int by_digest(const void *left, const void *right)
{
    return memcmp(left, right, 32);
}

/* Of any store: the rows of the same files, by their SHA-256. */
static mdp_status mark_by_digest(const struct mdp_probe_weights *weights, const struct mdp_store_info *info,
                                 uint8_t standing[], struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const size_t n = weights->n_seen;
    uint8_t *seen = mdp_new_array(n, 32, err, &st);

    TRY(st);
    memcpy(seen, weights->seen_sha256, 32 * n);
    qsort(seen, n, 32, by_digest);
    for (size_t i = 0; i < info->n; i++)
        if (bsearch(info->sha256 + 32 * i, seen, n, 32, by_digest))
            standing[i] = LEARNT_FROM;
    free(seen);
    return MDP_OK;
}

/* standing[N]; *untold: why it cannot be told, NULL when it can. */
static mdp_status find_standing(const struct mdp_probe_weights *weights, const struct mdp_store_info *info,
                                uint8_t standing[], const char **untold, struct mdp_error *err)
{
    const bool same_store = strcmp(weights->store_sha256, info->content_hash) == 0;
    mdp_status st = MDP_OK;
    uint32_t *patients = NULL;
    bool *known = NULL; /* by patient */
    size_t n = 0;

    if (same_store)
        OR_OUT(mark_by_row(weights, info, standing, err));
    if (weights->seen_sha256 && info->sha256)
        OR_OUT(mark_by_digest(weights, info, standing, err));
    else if (!same_store)
        *untold = info->sha256 ? "the probe does not say their SHA-256" : "the store has no /sha256";
    OR_OUT(mdp_patients_number(info, true, &patients, &n, err));
    known = mdp_new_array(n, sizeof *known, err, &st);
    for (size_t i = 0; st == MDP_OK && i < info->n; i++)
        known[patients[i]] = known[patients[i]] || standing[i] == LEARNT_FROM;
    for (size_t i = 0; st == MDP_OK && i < info->n; i++)
        if (standing[i] == APART && known[patients[i]])
            standing[i] = OF_ITS_PATIENTS;
out:
    free(known);
    free(patients);
    return st;
}

/* Numbers of the rows of the split that the probe has not met, those with a label first. */
static mdp_status choose_rows(struct mdp_probe_predictions *p, const struct mdp_store_info *info,
                              const char *split, const uint8_t standing[], struct mdp_error *err)
{
    struct mdp_prediction_table *t = &p->table;
    mdp_status st = MDP_OK;

    if (split)
        TRY(mdp_split_check(info, split, "split", err));
    t->numbers = mdp_pool_array(t->pool, info->n, sizeof *t->numbers, err, &st);
    TRY(st);
    for (int with_label = 1; with_label >= 0; with_label--) {
        for (size_t i = 0; i < info->n; i++) {
            const bool chosen = !split || strcmp(info->splits[i], split) == 0;
            const bool labelled = info->labels && info->labels[i] >= 0;
            if (!chosen || labelled != with_label)
                continue;
            p->own += standing[i] == LEARNT_FROM;
            p->of_their_patients += standing[i] == OF_ITS_PATIENTS;
            if (standing[i] == APART)
                t->numbers[t->n++] = (int64_t)i;
        }
        if (with_label)
            p->labelled = t->n;
    }
    if (t->n == 0 && p->own + p->of_their_patients)
        return mdp_fail(err, MDP_ERR_CHECK,
                        "%s: all %zu rows are ones that %s has learnt from, or of the same patients",
                        info->path, p->own + p->of_their_patients, p->name.at);
    return t->n ? MDP_OK : mdp_fail(err, MDP_ERR_VALUE, "%s: no rows", info->path);
}

/* What the store knows of the rows, labels as classes of the probe. */
static mdp_status describe_rows(struct mdp_probe_predictions *p, const struct mdp_store_info *info,
                                struct mdp_error *err)
{
    struct mdp_prediction_table *t = &p->table;
    mdp_status st = MDP_OK;
    int32_t *class_of = mdp_new_array(info->n_classes, sizeof *class_of, err, &st);
    const char **ids = mdp_pool_array(t->pool, t->n, sizeof *ids, err, &st), **patients = NULL;

    if (st == MDP_OK)
        st = mdp_saved_probe_match_classes(&p->weights, info, t->numbers, t->n, class_of, err);
    if (st == MDP_OK && info->patient_ids)
        patients = mdp_pool_array(t->pool, t->n, sizeof *patients, err, &st);
    if (st == MDP_OK)
        t->labels = mdp_pool_array(t->pool, t->n, sizeof *t->labels, err, &st);
    for (size_t i = 0; st == MDP_OK && i < t->n; i++) {
        const int64_t row = t->numbers[i];
        ids[i] = info->ids[row];
        if (patients)
            patients[i] = info->patient_ids[row];
        t->labels[i] = i < p->labelled ? class_of[info->labels[row]] : -1;
    }
    t->ids = ids;
    t->patient_ids = patients;
    free(class_of);
    return st == MDP_OK ? mdp_prediction_table_number_patients(t, err) : st;
}

static mdp_status score_block(void *context, size_t first, size_t n, const float *x, struct mdp_error *err)
{
    struct mdp_probe_predictions *p = context;

    return mdp_probe_weights_apply(&p->weights, x, n, p->table.scores + first * p->table.k, err);
}

static mdp_status fill(struct mdp_probe_predictions *p, const struct mdp_store *store, const char *probes,
                       const char *probe, const char *split, struct mdp_error *err)
{
    const struct mdp_store_info *info = mdp_store_info(store);
    struct mdp_prediction_table *t = &p->table;
    mdp_status st = MDP_OK;

    t->path = info->path;
    t->pool = mdp_pool_new(err, &st);
    TRY(st);
    TRY(mdp_saved_probe_read(probes, probe, info, &p->weights, &p->name, err));
    t->k = p->weights.k;
    t->class_names = (const char *const *)p->weights.class_names;
    uint8_t *standing = mdp_pool_array(t->pool, info->n, sizeof *standing, err, &st);
    TRY(st);
    TRY(find_standing(&p->weights, info, standing, &p->untold, err));
    TRY(choose_rows(p, info, split, standing, err));
    TRY(describe_rows(p, info, err));
    t->scores = mdp_pool_array(t->pool, t->n, t->k * sizeof *t->scores, err, &st);
    TRY(st);
    return mdp_store_each_block(store, t->numbers, t->n, score_block, p, err);
}

mdp_status mdp_probe_predictions_init(struct mdp_probe_predictions *p, const struct mdp_store *store,
                                      const char *probes, const char *probe, const char *split,
                                      struct mdp_error *err)
{
    *p = (struct mdp_probe_predictions){0};
    mdp_status st = fill(p, store, probes, probe, split, err);
    if (st != MDP_OK)
        mdp_probe_predictions_release(p);
    return st;
}

void mdp_probe_predictions_release(struct mdp_probe_predictions *p)
{
    mdp_prediction_table_release(&p->table);
    mdp_probe_weights_release(&p->weights);
    mdp_text_release(&p->name);
    *p = (struct mdp_probe_predictions){0};
}
