/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/metrics/sorted_scores.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define SUM_TOLERANCE 1e-6
/* scikit-learn clips probabilities by the machine epsilon of double before the logarithm. */
#define LOG_LOSS_CLIP 0x1p-52

struct keyed {
    double key;
    int64_t number; /* order among equal keys */
    uint32_t row;
};

static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int by_value = (x->key > y->key) - (x->key < y->key);

    return by_value ? by_value : (x->number > y->number) - (x->number < y->number);
}

static mdp_status check_scores(const struct mdp_rows *rows, struct mdp_error *err)
{
    for (size_t i = 0; i < rows->n; i++)
        for (size_t c = 0; c < rows->k; c++)
            if (!isfinite(rows->scores[i * rows->k + c]))
                return mdp_fail(err, MDP_ERR_VALUE, "row %lld: score of class %zu is not a finite number",
                                (long long)rows->numbers[i], c);
    return MDP_OK;
}

static bool is_distribution(const double p[], size_t k)
{
    double sum = 0;

    for (size_t c = 0; c < k; c++) {
        if (!(p[c] >= 0 && p[c] <= 1))
            return false;
        sum += p[c];
    }
    return fabs(sum - 1) <= SUM_TOLERANCE;
}

/* The bin i with i/15 < confidence <= (i+1)/15, edges as quotients in double. */
static uint8_t bin_of(double confidence)
{
    int i = confidence > 0 ? (int)(fmin(confidence, 1) * MDP_ECE_BINS) : 0;

    i = i >= MDP_ECE_BINS ? MDP_ECE_BINS - 1 : i;
    while (i > 0 && confidence <= (double)i / MDP_ECE_BINS)
        i--;
    while (i < MDP_ECE_BINS - 1 && confidence > (double)(i + 1) / MDP_ECE_BINS)
        i++;
    return (uint8_t)i;
}

static double brier_of(const double p[], size_t k, size_t label)
{
    double sum = 0;

    if (k == 2)
        return (p[1] - (double)label) * (p[1] - (double)label);
    for (size_t c = 0; c < k; c++) {
        double d = p[c] - (c == label);
        sum += d * d;
    }
    return sum;
}

static void fill_row(struct mdp_sorted_scores *s, size_t i)
{
    const size_t k = s->rows.k, label = (size_t)s->rows.labels[i];
    const double *p = s->rows.scores + i * k;
    size_t best = 0;

    for (size_t c = 1; c < k; c++)
        if (p[c] > p[best])
            best = c;
    s->predicted[i] = (int32_t)best;
    s->confidence[i] = p[best];
    s->gap[i] = (best == label) - p[best];
    s->class_rows[label]++;
    s->bin[i] = bin_of(p[best]);
    s->log_loss[i] = -log(fmin(fmax(p[label], LOG_LOSS_CLIP), 1 - LOG_LOSS_CLIP));
    s->brier[i] = brier_of(p, k, label);
    if (s->probabilities && !is_distribution(p, k)) {
        s->probabilities = false;
        s->bad_row = i;
    }
}

static void sort_class(struct mdp_sorted_scores *s, size_t c, struct keyed keyed[])
{
    const size_t n = s->rows.n, k = s->rows.k;
    struct mdp_sorted_class *sorted = &s->by_class[c];

    for (size_t i = 0; i < n; i++)
        keyed[i] = (struct keyed){s->rows.scores[i * k + c], 0, (uint32_t)i};
    qsort(keyed, n, sizeof *keyed, by_key);
    for (size_t i = 0; i < n; i++) {
        const bool last = i + 1 == n || keyed[i + 1].key > keyed[i].key;
        sorted->patient[i] = s->rows.patients[keyed[i].row];
        sorted->mark[i] = (uint32_t)s->rows.labels[keyed[i].row] * 2 + last;
    }
}

static mdp_status make_arrays(struct mdp_sorted_scores *s, struct mdp_error *err)
{
    const size_t n = s->rows.n, k = s->rows.k;
    mdp_status st = MDP_OK;

    s->predicted = mdp_new_array(n, sizeof *s->predicted, err, &st);
    s->confidence = mdp_new_array(n, sizeof *s->confidence, err, &st);
    s->log_loss = mdp_new_array(n, sizeof *s->log_loss, err, &st);
    s->brier = mdp_new_array(n, sizeof *s->brier, err, &st);
    s->bin = mdp_new_array(n, sizeof *s->bin, err, &st);
    s->gap = mdp_new_array(n, sizeof *s->gap, err, &st);
    s->patient_by_confidence = mdp_new_array(n, sizeof(uint32_t), err, &st);
    s->gap_by_confidence = mdp_new_array(n, sizeof *s->gap_by_confidence, err, &st);
    s->class_rows = mdp_new_array(k, sizeof *s->class_rows, err, &st);
    s->by_class = mdp_new_array(k, sizeof *s->by_class, err, &st);
    for (size_t c = mdp_first_scored_class(k); st == MDP_OK && c < k; c++) {
        s->by_class[c].patient = mdp_new_array(n, sizeof(uint32_t), err, &st);
        s->by_class[c].mark = mdp_new_array(n, sizeof(uint32_t), err, &st);
    }
    return st;
}

mdp_status mdp_sorted_scores_new(const struct mdp_rows *rows, struct mdp_sorted_scores **scores,
                                 struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct keyed *keyed = NULL;
    struct mdp_sorted_scores *s = mdp_new_array(1, sizeof *s, err, &st);

    assert(rows->k >= 2 && rows->n < UINT32_MAX);
    *scores = NULL;
    if (!s)
        return st;
    s->rows = *rows;
    s->probabilities = true;
    if ((st = check_scores(rows, err)) != MDP_OK || (st = make_arrays(s, err)) != MDP_OK)
        goto out;
    keyed = mdp_new_array(rows->n, sizeof *keyed, err, &st);
    if (!keyed)
        goto out;
    for (size_t i = 0; i < rows->n; i++)
        fill_row(s, i);
    for (size_t c = mdp_first_scored_class(rows->k); c < rows->k; c++)
        sort_class(s, c, keyed);
    for (size_t i = 0; i < rows->n; i++)
        keyed[i] = (struct keyed){s->confidence[i], rows->numbers[i], (uint32_t)i};
    qsort(keyed, rows->n, sizeof *keyed, by_key);
    for (size_t i = 0; i < rows->n; i++) {
        s->patient_by_confidence[i] = rows->patients[keyed[i].row];
        s->gap_by_confidence[i] = s->gap[keyed[i].row];
    }
    *scores = s;
    s = NULL;
out:
    free(keyed);
    mdp_sorted_scores_free(s);
    return st;
}

void mdp_sorted_scores_free(struct mdp_sorted_scores *s)
{
    if (!s)
        return;
    for (size_t c = 0; s->by_class && c < s->rows.k; c++) {
        free(s->by_class[c].patient);
        free(s->by_class[c].mark);
    }
    free(s->by_class);
    free(s->predicted);
    free(s->confidence);
    free(s->log_loss);
    free(s->brier);
    free(s->bin);
    free(s->gap);
    free(s->patient_by_confidence);
    free(s->gap_by_confidence);
    free(s->class_rows);
    free(s);
}

void mdp_sorted_scores_confusion(const struct mdp_sorted_scores *s, uint64_t counts[])
{
    for (size_t i = 0; i < s->rows.k * s->rows.k; i++)
        counts[i] = 0;
    for (size_t i = 0; i < s->rows.n; i++)
        counts[(size_t)s->rows.labels[i] * s->rows.k + (size_t)s->predicted[i]]++;
}
