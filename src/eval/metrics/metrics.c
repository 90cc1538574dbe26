/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/metrics/metrics.h"

#include "base/memory.h"
#include "base/names.h"
#include "eval/metrics/scored.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number in each of L resamples. Sums of weights are whole numbers below 2^53: exact, in any order. */
typedef double lanes[MDP_LANES];

#define EACH_LANE for (size_t l = 0; l < MDP_LANES; l++)

/* One evaluation: what metrics read, and what several of them share, computed once. */
struct mdp_metric_work {
    const struct mdp_scored *scored;
    const lanes *weights;                          /* [G] */
    size_t k_most;                                 /* classes there is room for */
    lanes total;                                   /* rows */
    lanes *confusion, *true_rows, *predicted_rows; /* [K, K], [K], [K] */
    lanes *pairs; /* [K, K]: twice the pairs of a row of class a above one of class b by the score of a */
    bool *pairs_counted; /* [K] */
    lanes *below;        /* [K] scratch */
};

mdp_status mdp_metric_work_new(size_t k, struct mdp_metric_work **work, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t cells = 0;
    struct mdp_metric_work *w = mdp_new_array(1, sizeof *w, err, &st);

    *work = NULL;
    if (!w)
        return st;
    if (!mdp_mul_size(k, k, &cells))
        st = mdp_fail(err, MDP_ERR_LIMIT, "%zu classes are too many", k);
    w->k_most = k;
    if (st == MDP_OK)
        w->confusion = mdp_new_array(cells, sizeof(lanes), err, &st);
    if (st == MDP_OK)
        w->pairs = mdp_new_array(cells, sizeof(lanes), err, &st);
    if (st == MDP_OK)
        w->true_rows = mdp_new_array(k, sizeof(lanes), err, &st);
    if (st == MDP_OK)
        w->predicted_rows = mdp_new_array(k, sizeof(lanes), err, &st);
    if (st == MDP_OK)
        w->below = mdp_new_array(k, sizeof(lanes), err, &st);
    if (st == MDP_OK)
        w->pairs_counted = mdp_new_array(k, sizeof(bool), err, &st);
    if (st != MDP_OK)
        mdp_metric_work_free(w);
    else
        *work = w;
    return st;
}

void mdp_metric_work_free(struct mdp_metric_work *w)
{
    if (!w)
        return;
    free(w->confusion);
    free(w->pairs);
    free(w->true_rows);
    free(w->predicted_rows);
    free(w->below);
    free(w->pairs_counted);
    free(w);
}

/* --- what several metrics share --- */

static void add(lanes to, const lanes x)
{
    EACH_LANE to[l] += x[l];
}

static void count_confusion(struct mdp_metric_work *w)
{
    const struct mdp_rows *r = &w->scored->rows;
    const size_t k = r->k;

    memset(w->confusion, 0, k * k * sizeof(lanes));
    memset(w->true_rows, 0, k * sizeof(lanes));
    memset(w->predicted_rows, 0, k * sizeof(lanes));
    memset(w->total, 0, sizeof(lanes));
    for (size_t i = 0; i < r->n; i++)
        add(w->confusion[(size_t)r->labels[i] * k + (size_t)w->scored->predicted[i]],
            w->weights[r->patients[i]]);
    for (size_t t = 0; t < k; t++)
        for (size_t p = 0; p < k; p++) {
            add(w->true_rows[t], w->confusion[t * k + p]);
            add(w->predicted_rows[p], w->confusion[t * k + p]);
            add(w->total, w->confusion[t * k + p]);
        }
}

/* pairs += positives * below, for every class */
static void add_pairs(lanes pairs[], const lanes positives, const lanes below[], size_t k)
{
    for (size_t b = 0; b < k; b++)
        EACH_LANE pairs[b][l] += positives[l] * below[b][l];
}

/* Twice the number of pairs (row of class a, row of class b) that the score of a puts in the right order,
   tied ones once: pairs with rows strictly below, plus pairs with rows below or tied. Hand and Till 2001,
   eq. 3. */
static const lanes *pairs_of(struct mdp_metric_work *w, size_t a)
{
    const struct mdp_sorted *s = &w->scored->by_class[a];
    const size_t k = w->scored->rows.k, n = w->scored->rows.n;
    lanes *pairs = w->pairs + a * k, *below = w->below;

    if (w->pairs_counted[a])
        return (const lanes *)pairs;
    w->pairs_counted[a] = true;
    memset(pairs, 0, k * sizeof(lanes));
    memset(below, 0, k * sizeof(lanes));
    for (size_t begin = 0, end; begin < n; begin = end) {
        lanes positives = {0};
        bool any = false;
        for (end = begin; end == begin || !(s->mark[end - 1] & 1); end++)
            if (s->mark[end] >> 1 == a) {
                add(positives, w->weights[s->patient[end]]);
                any = true;
            }
        if (any)
            add_pairs(pairs, positives, (const lanes *)below, k);
        for (size_t i = begin; i < end; i++)
            if (s->mark[i] >> 1 != a)
                add(below[s->mark[i] >> 1], w->weights[s->patient[i]]);
        if (any)
            add_pairs(pairs, positives, (const lanes *)below, k);
    }
    return (const lanes *)pairs;
}

/* Rows of one score, from the highest score down: how many of them are of the class and how many are not. */
typedef void each_step(const lanes positives, const lanes negatives, void *context);

/* With `at_positives` a step ends only where there are positives: negatives since the last one come with it.
   For sums and points that change at positives alone, that is the same and saves most of the steps. */
static void walk_down(const struct mdp_metric_work *w, size_t c, bool at_positives, each_step *step,
                      void *context)
{
    const struct mdp_sorted *s = &w->scored->by_class[c];
    lanes sides[2] = {{0}};

    for (size_t i = w->scored->rows.n; i > 0;) {
        bool any = false;
        do {
            i--;
            const bool positive = s->mark[i] >> 1 == c;
            add(sides[positive], w->weights[s->patient[i]]);
            any |= positive;
        } while (i > 0 && !(s->mark[i - 1] & 1));
        if (at_positives && !any)
            continue;
        step((const double *)sides[1], (const double *)sides[0], context);
        memset(sides, 0, sizeof sides);
    }
}

/* --- the metrics: each fills out[l]; 0/0 makes NaN where one is not defined --- */

static void accuracy(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    lanes right = {0};
    const size_t k = w->scored->rows.k;

    (void)m;
    for (size_t c = 0; c < k; c++)
        add(right, (const double *)w->confusion[c * k + c]);
    EACH_LANE out[l] = right[l] / w->total[l];
}

static void balanced_accuracy(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    lanes sum = {0};
    const size_t k = w->scored->rows.k;

    (void)m;
    for (size_t c = 0; c < k; c++)
        EACH_LANE sum[l] += w->confusion[c * k + c][l] / w->true_rows[c][l];
    EACH_LANE out[l] = sum[l] / (double)k;
}

static void macro_f1(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    lanes sum = {0};
    const size_t k = w->scored->rows.k;

    (void)m;
    for (size_t c = 0; c < k; c++)
        EACH_LANE
        {
            double rows = w->true_rows[c][l];
            sum[l] += rows > 0 ? 2 * w->confusion[c * k + c][l] / (rows + w->predicted_rows[c][l]) : NAN;
        }
    EACH_LANE out[l] = sum[l] / (double)k;
}

/* Sums over classes that mcc and kappa are made of. */
struct agreement {
    lanes right, both, true_squares, predicted_squares;
};

static void count_agreement(const struct mdp_metric_work *w, struct agreement *a)
{
    const size_t k = w->scored->rows.k;

    *a = (struct agreement){0};
    for (size_t c = 0; c < k; c++)
        EACH_LANE
        {
            const double t = w->true_rows[c][l], p = w->predicted_rows[c][l];
            a->right[l] += w->confusion[c * k + c][l];
            a->both[l] += t * p;
            a->true_squares[l] += t * t;
            a->predicted_squares[l] += p * p;
        }
}

/* Gorodkin 2004, as counts. */
static void mcc(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    struct agreement a;

    (void)m;
    count_agreement(w, &a);
    EACH_LANE
    {
        const double n = w->total[l];
        const double down = sqrt(n * n - a.true_squares[l]) * sqrt(n * n - a.predicted_squares[l]);
        out[l] = down > 0 ? (a.right[l] * n - a.both[l]) / down : NAN;
    }
}

/* Cohen 1960. */
static void kappa(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    struct agreement a;

    (void)m;
    count_agreement(w, &a);
    EACH_LANE
    {
        const double n = w->total[l], by_chance = n * n - a.both[l];
        out[l] = by_chance > 0 ? 1 - (n - a.right[l]) * n / by_chance : NAN;
    }
}

static void auc(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    lanes sum = {0};
    const size_t c = m->class_index;
    const lanes *pairs = pairs_of(w, c);

    for (size_t b = 0; b < w->scored->rows.k; b++)
        add(sum, pairs[b]);
    EACH_LANE out[l] = sum[l] / (2 * w->true_rows[c][l] * (w->total[l] - w->true_rows[c][l]));
}

static void auc_ovr_macro(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    lanes sum = {0};
    const size_t k = w->scored->rows.k, first = k == 2;
    struct mdp_metric of_class = *m;

    for (size_t c = first; c < k; c++) {
        lanes one;
        of_class.class_index = c;
        auc(w, &of_class, one);
        add(sum, (const double *)one);
    }
    EACH_LANE out[l] = sum[l] / (double)(k - first);
}

/* Hand and Till 2001, eq. 7: both directions of every pair of classes, all alike. */
static void auc_ovo_macro(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    lanes sum = {0};
    const size_t k = w->scored->rows.k;

    if (k == 2) {
        auc_ovr_macro(w, m, out);
        return;
    }
    for (size_t a = 0; a < k; a++) {
        const lanes *pairs = pairs_of(w, a);
        for (size_t b = 0; b < k; b++)
            if (b != a)
                EACH_LANE sum[l] += pairs[b][l] / (2 * w->true_rows[a][l] * w->true_rows[b][l]);
    }
    EACH_LANE out[l] = sum[l] / (double)(k * (k - 1));
}

struct precision_steps {
    lanes sum, true_positives, predicted;
};

static void add_precision(const lanes positives, const lanes negatives, void *context)
{
    struct precision_steps *s = context;

    EACH_LANE
    {
        s->true_positives[l] += positives[l];
        s->predicted[l] += positives[l] + negatives[l];
        /* Weights are whole numbers: the larger of predicted and 1 changes only 0/0, where nothing is added.
         */
        s->sum[l] += positives[l] * (s->true_positives[l] / (s->predicted[l] > 1 ? s->predicted[l] : 1));
    }
}

static void auprc(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    struct precision_steps s = {0};

    walk_down(w, m->class_index, true, add_precision, &s);
    EACH_LANE out[l] = s.sum[l] / w->true_rows[m->class_index][l];
}

struct operating_point {
    lanes most_false, true_positives, false_positives, best;
};

static void try_threshold(const lanes positives, const lanes negatives, void *context)
{
    struct operating_point *o = context;

    EACH_LANE
    {
        o->true_positives[l] += positives[l];
        o->false_positives[l] += negatives[l];
        o->best[l] = o->false_positives[l] <= o->most_false[l] ? o->true_positives[l] : o->best[l];
    }
}

/* The largest whole number f with (n - f) / n >= specificity, the quotient taken in double; n > 0. */
static double most_false_positives(double n, double specificity)
{
    double f = floor(n * (1 - specificity)) + 2;

    f = f < n ? f : n;
    while (f > 0 && !((n - f) / n >= specificity))
        f--;
    return f;
}

static void sensitivity_at(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    struct operating_point o = {0};
    const double *positives = w->true_rows[m->class_index];

    EACH_LANE
    {
        const double n = w->total[l] - positives[l];
        o.most_false[l] = n > 0 ? most_false_positives(n, m->parameter) : NAN;
    }
    walk_down(w, m->class_index, true, try_threshold, &o);
    EACH_LANE out[l] = isnan(o.most_false[l]) ? NAN : o.best[l] / positives[l];
}

struct partial_area {
    lanes limit, area, true_positives, false_positives;
};

static void add_area(const lanes positives, const lanes negatives, void *context)
{
    struct partial_area *s = context;

    EACH_LANE
    {
        const double room = s->limit[l] - s->false_positives[l], before = s->true_positives[l];
        if (room > 0 && negatives[l] > 0) {
            const double width = negatives[l] < room ? negatives[l] : room;
            s->area[l] += width * (before + positives[l] * (width / negatives[l]) / 2);
        }
        s->true_positives[l] += positives[l];
        s->false_positives[l] += negatives[l];
    }
}

static void pauc(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    struct partial_area s = {0};
    const double *positives = w->true_rows[m->class_index];

    EACH_LANE s.limit[l] = m->parameter * (w->total[l] - positives[l]);
    walk_down(w, m->class_index, false, add_area, &s);
    EACH_LANE out[l] = s.area[l] / (positives[l] * (w->total[l] - positives[l]));
}

/* McClish 1989: 0.5 for the diagonal, 1 for the whole of the strip. */
static void pauc_std(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    const double most = m->parameter, least = 0.5 * most * most;

    pauc(w, m, out);
    EACH_LANE out[l] = 0.5 * (1 + (out[l] - least) / (most - least));
}

static void mean_of_rows(const struct mdp_metric_work *w, const double values[], lanes out)
{
    lanes sum = {0};
    const struct mdp_rows *r = &w->scored->rows;

    for (size_t i = 0; i < r->n; i++)
        EACH_LANE sum[l] += w->weights[r->patients[i]][l] * values[i];
    EACH_LANE out[l] = sum[l] / w->total[l];
}

static void log_loss(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    (void)m;
    mean_of_rows(w, w->scored->log_loss, out);
}

static void brier(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    (void)m;
    mean_of_rows(w, w->scored->brier, out);
}

/* Guo and others 2017, eq. 3: sum over bins of |rows right - sum of confidences|, over all rows. */
static void ece(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    lanes gap[MDP_ECE_BINS] = {{0}}, sum = {0};
    const struct mdp_scored *s = w->scored;

    (void)m;
    for (size_t i = 0; i < s->rows.n; i++) {
        const double d = s->gap[i];
        EACH_LANE gap[s->bin[i]][l] += w->weights[s->rows.patients[i]][l] * d;
    }
    for (size_t b = 0; b < MDP_ECE_BINS; b++)
        EACH_LANE sum[l] += fabs(gap[b][l]);
    EACH_LANE out[l] = sum[l] / w->total[l];
}

/* Parts of as even size as can be, the larger ones first: one part of each resample, being filled. */
struct parts {
    lanes whole, larger; /* rows of a part; how many parts have one more */
    lanes part, room, gap, sum;
};

/* `left` rows of gap d into resample l; they may fill the part and go on in the next ones. */
static void fill_parts(struct parts *p, size_t l, double left, double d)
{
    while (left > 0) {
        const double taken = left < p->room[l] ? left : p->room[l];
        p->gap[l] += taken * d;
        left -= taken;
        p->room[l] -= taken;
        if (p->room[l] > 0)
            continue;
        p->sum[l] += fabs(p->gap[l]);
        p->gap[l] = 0;
        p->room[l] = p->whole[l] + (++p->part[l] < p->larger[l]);
    }
}

static void ece_mass(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out)
{
    struct parts p = {0};
    const struct mdp_scored *s = w->scored;

    (void)m;
    EACH_LANE
    {
        p.whole[l] = floor(w->total[l] / MDP_ECE_BINS);
        p.larger[l] = w->total[l] - p.whole[l] * MDP_ECE_BINS;
        p.room[l] = p.whole[l] + (p.larger[l] > 0);
    }
    for (size_t j = 0; j < s->rows.n; j++) {
        const double d = s->gap_by_confidence[j];
        const double *weight = w->weights[s->patient_by_confidence[j]];
        bool fills = false;
        EACH_LANE fills |= weight[l] >= p.room[l];
        if (fills)
            EACH_LANE fill_parts(&p, l, weight[l], d);
        else
            EACH_LANE
            {
                p.gap[l] += weight[l] * d;
                p.room[l] -= weight[l];
            }
    }
    EACH_LANE out[l] = p.sum[l] / w->total[l];
}

/* --- the table --- */

enum needs { /* what must hold for a metric to be defined */
             NEEDS_NOTHING,
             NEEDS_EVERY_CLASS,               /* rows of every class */
             NEEDS_POSITIVES,                 /* rows of its class */
             NEEDS_BOTH_SIDES,                /* rows of its class and of others */
             NEEDS_PROBABILITIES,             /* scores that are probabilities */
             NEEDS_TRUE_AND_PREDICTED_SPREAD, /* more than one class among labels and among predictions */
             NEEDS_DISAGREEMENT_BY_CHANCE,    /* labels and predictions that are not all one class */
};

enum scope { OF_ALL_CLASSES, OF_ONE_CLASS };

struct mdp_metric_kind {
    const char *name; /* ends in '=' when a parameter follows */
    enum scope scope;
    enum needs needs;
    bool in_run; /* among the metrics of a run */
    double parameter, least, most;
    void (*compute)(struct mdp_metric_work *w, const struct mdp_metric *m, lanes out);
    const char *definition;
};

static const struct mdp_metric_kind kinds[] = {
    {"accuracy", OF_ALL_CLASSES, NEEDS_NOTHING, true, 0, 0, 1, accuracy,
     "share of rows whose predicted class is their label"},
    {"balanced_accuracy", OF_ALL_CLASSES, NEEDS_EVERY_CLASS, true, 0, 0, 1, balanced_accuracy,
     "mean over classes of the share of a class's rows that are predicted as it"},
    {"macro_f1", OF_ALL_CLASSES, NEEDS_EVERY_CLASS, true, 0, 0, 1, macro_f1,
     "mean over classes of F1; a class without predictions counts 0"},
    {"mcc", OF_ALL_CLASSES, NEEDS_TRUE_AND_PREDICTED_SPREAD, true, 0, -1, 1, mcc,
     "Matthews correlation of labels and predicted classes"},
    {"kappa", OF_ALL_CLASSES, NEEDS_DISAGREEMENT_BY_CHANCE, true, 0, -1, 1, kappa,
     "Cohen's kappa of labels and predicted classes"},
    {"auc_ovr_macro", OF_ALL_CLASSES, NEEDS_EVERY_CLASS, true, 0, 0, 1, auc_ovr_macro,
     "mean over classes of the area under the ROC curve of a class against the rest; two classes: of the "
     "second"},
    {"auc_ovo_macro", OF_ALL_CLASSES, NEEDS_EVERY_CLASS, true, 0, 0, 1, auc_ovo_macro,
     "mean over pairs of classes of the area under the ROC curve, Hand and Till; two classes: of the second"},
    {"auc", OF_ONE_CLASS, NEEDS_BOTH_SIDES, true, 0, 0, 1, auc,
     "area under the ROC curve of the class against the rest, ties count half"},
    {"auprc", OF_ONE_CLASS, NEEDS_POSITIVES, true, 0, 0, 1, auprc,
     "average precision of the class against the rest, step sum"},
    {"log_loss", OF_ALL_CLASSES, NEEDS_PROBABILITIES, true, 0, 0, INFINITY, log_loss,
     "mean of minus the logarithm of the label's probability, clipped to [2^-52, 1 - 2^-52]"},
    {"brier", OF_ALL_CLASSES, NEEDS_PROBABILITIES, true, 0, 0, 2, brier,
     "mean squared error of the probabilities; two classes: of the second alone, more: summed over classes"},
    {"ece_15", OF_ALL_CLASSES, NEEDS_PROBABILITIES, true, 0, 0, 1, ece,
     "expected calibration error of the largest probability, 15 bins of equal width"},
    {"ece_15_mass", OF_ALL_CLASSES, NEEDS_PROBABILITIES, true, 0, 0, 1, ece_mass,
     "expected calibration error of the largest probability, 15 bins of equal numbers of rows"},
    {"sensitivity@specificity=", OF_ONE_CLASS, NEEDS_BOTH_SIDES, true, 0.90, 0, 1, sensitivity_at,
     "largest sensitivity of the class on the ROC curve of the scored rows at this specificity or a higher "
     "one"},
    {"pauc@fpr=", OF_ONE_CLASS, NEEDS_BOTH_SIDES, false, 0.10, 0, 1, pauc,
     "area under the ROC curve of the class up to this false-positive rate"},
    {"pauc_std@fpr=", OF_ONE_CLASS, NEEDS_BOTH_SIDES, false, 0.10, 0, 1, pauc_std,
     "area under the ROC curve of the class up to this false-positive rate, standardised after McClish"},
};

enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

/* --- evaluation --- */

void mdp_metrics_weighted(const struct mdp_scored *scored, const struct mdp_metric_list *list,
                          const double (*weights)[MDP_LANES], struct mdp_metric_work *w,
                          double (*values)[MDP_LANES])
{
    assert(scored->rows.k <= w->k_most);
    w->scored = scored;
    w->weights = weights;
    memset(w->pairs_counted, 0, w->k_most * sizeof(bool));
    count_confusion(w);
    for (size_t m = 0; m < list->n; m++) {
        if (list->at[m].kind->needs == NEEDS_PROBABILITIES && !scored->probabilities)
            EACH_LANE values[m][l] = NAN;
        else
            list->at[m].kind->compute(w, &list->at[m], values[m]);
    }
}

mdp_status mdp_metrics_of(const struct mdp_scored *scored, const struct mdp_metric_list *list,
                          double values[], struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_metric_work *work = NULL;
    const size_t g = scored->rows.n_patients;
    lanes *weights = mdp_new_array(g, sizeof *weights, err, &st);
    lanes *all = NULL;

    if (weights)
        all = mdp_new_array(list->n, sizeof *all, err, &st);
    if (all)
        st = mdp_metric_work_new(scored->rows.k, &work, err);
    if (st != MDP_OK)
        goto out;
    for (size_t i = 0; i < g; i++)
        EACH_LANE weights[i][l] = 1;
    mdp_metrics_weighted(scored, list, (const lanes *)weights, work, all);
    for (size_t m = 0; m < list->n; m++)
        values[m] = all[m][0];
out:
    mdp_metric_work_free(work);
    free(all);
    free(weights);
    return st;
}

static void reason_of_sides(const struct mdp_metric *metric, const struct mdp_scored *s,
                            const char *class_name, struct mdp_text *reason)
{
    if (s->class_rows[metric->class_index] == 0)
        mdp_text_add(reason, "none of the %zu rows is of class '%s'", s->rows.n, class_name);
    else
        mdp_text_add(reason, "all of the %zu rows are of class '%s'", s->rows.n, class_name);
}

void mdp_metric_reason(const struct mdp_metric *metric, const struct mdp_scored *s,
                       const char *const class_names[], struct mdp_text *reason)
{
    switch (metric->kind->needs) {
    case NEEDS_EVERY_CLASS:
        for (size_t c = 0; c < s->rows.k; c++)
            if (s->class_rows[c] == 0) {
                mdp_text_add(reason, "class '%s' has no rows among the %zu scored ones", class_names[c],
                             s->rows.n);
                return;
            }
        break;
    case NEEDS_POSITIVES:
    case NEEDS_BOTH_SIDES:
        reason_of_sides(metric, s, class_names[metric->class_index], reason);
        return;
    case NEEDS_PROBABILITIES:
        mdp_text_add(reason,
                     "the scores are not probabilities: those of row %lld are not in [0, 1] with sum 1",
                     (long long)s->rows.numbers[s->bad_row]);
        return;
    case NEEDS_TRUE_AND_PREDICTED_SPREAD:
        mdp_text_add(reason, "the denominator is zero: all labels or all predictions are of one class");
        return;
    case NEEDS_DISAGREEMENT_BY_CHANCE:
        mdp_text_add(reason, "the denominator is zero: all labels and all predictions are of one class");
        return;
    case NEEDS_NOTHING:
        break;
    }
    mdp_text_add(reason, "not defined for these %zu rows", s->rows.n);
}

/* --- names --- */

const char *mdp_metric_definition(const struct mdp_metric *metric)
{
    return metric->kind->definition;
}

void mdp_metric_range(const struct mdp_metric *metric, double *least, double *most)
{
    *least = metric->kind->least;
    *most = metric->kind->compute == pauc ? metric->parameter : metric->kind->most;
}

bool mdp_metric_is_auc(const struct mdp_metric *metric)
{
    return metric->kind->compute == auc;
}

bool mdp_metric_is_accuracy(const struct mdp_metric *metric)
{
    return metric->kind->compute == accuracy;
}

static bool has_parameter(const struct mdp_metric_kind *kind)
{
    return kind->name[strlen(kind->name) - 1] == '=';
}

/* Appends the metric of one class (or of all), unless it is there. */
static mdp_status append(struct mdp_metric_list *list, struct mdp_metric metric, const char *class_name,
                         struct mdp_pool *pool, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_text name = {0};

    mdp_text_add(&name, "%s", metric.kind->name);
    if (has_parameter(metric.kind)) {
        const bool two_digits = fabs(metric.parameter * 100 - round(metric.parameter * 100)) < 1e-9;
        mdp_text_add(&name, two_digits ? "%.2f" : "%.15g", metric.parameter);
    }
    if (metric.kind->scope == OF_ONE_CLASS)
        mdp_text_add(&name, ":%s", class_name);
    st = mdp_text_status(&name, err);
    if (st == MDP_OK)
        metric.name = mdp_pool_string(pool, name.at, err, &st);
    mdp_text_release(&name);
    for (size_t i = 0; st == MDP_OK && i < list->n; i++)
        if (strcmp(list->at[i].name, metric.name) == 0)
            return MDP_OK;
    if (st == MDP_OK)
        list->at[list->n++] = metric;
    return st;
}

/* All classes that `kind` is given for. */
static mdp_status append_kind(struct mdp_metric_list *list, const struct mdp_metric_kind *kind,
                              double parameter, const char *const class_names[], size_t k,
                              struct mdp_pool *pool, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_metric metric = {.kind = kind, .parameter = parameter};

    if (kind->scope == OF_ALL_CLASSES)
        return append(list, metric, NULL, pool, err);
    for (size_t c = k == 2; st == MDP_OK && c < k; c++) {
        metric.class_index = c;
        st = append(list, metric, class_names[c], pool, err);
    }
    return st;
}

static mdp_status make_room(struct mdp_metric_list *list, size_t n, size_t k, struct mdp_pool *pool,
                            struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t most = 0;

    *list = (struct mdp_metric_list){0};
    if (!mdp_mul_size(n, k, &most))
        return mdp_fail(err, MDP_ERR_LIMIT, "%zu metrics of %zu classes are too many", n, k);
    list->at = mdp_pool_array(pool, most, sizeof *list->at, err, &st);
    return st;
}

mdp_status mdp_metrics_of_run(const char *const class_names[], size_t k, bool all, struct mdp_pool *pool,
                              struct mdp_metric_list *list, struct mdp_error *err)
{
    mdp_status st = make_room(list, KIND_COUNT, k, pool, err);

    for (size_t i = 0; st == MDP_OK && i < KIND_COUNT; i++)
        if (all || kinds[i].in_run)
            st = append_kind(list, &kinds[i], kinds[i].parameter, class_names, k, pool, err);
    return st;
}

static mdp_status unknown_metric(const char *name, struct mdp_error *err)
{
    const char *names[KIND_COUNT];
    struct mdp_text all = {0};

    for (size_t i = 0; i < KIND_COUNT; i++) {
        names[i] = kinds[i].name;
        mdp_text_add(&all, "%s%s", i ? ", " : "", kinds[i].name);
        if (has_parameter(&kinds[i]))
            mdp_text_add(&all, "%.2f", kinds[i].parameter);
    }
    const char *nearest = mdp_nearest_name(name, names, KIND_COUNT);
    mdp_status st =
        nearest
            ? mdp_fail(err, MDP_ERR_USAGE, "no metric '%s' (did you mean '%s'?)", name, nearest)
            : mdp_fail(err, MDP_ERR_USAGE, "no metric '%s' (there are %s)", name, all.at ? all.at : "none");
    mdp_text_release(&all);
    return st;
}

/* The row of the table whose name `text` begins with; *rest is what follows. */
static const struct mdp_metric_kind *find_kind(const char *text, const char **rest)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const size_t n = strlen(kinds[i].name);
        if (strncmp(text, kinds[i].name, n) != 0)
            continue;
        *rest = text + n;
        if (has_parameter(&kinds[i]) || **rest == '\0' || **rest == ':')
            return &kinds[i];
    }
    return NULL;
}

static mdp_status parse_parameter(const char *text, const char **rest, double *value, struct mdp_error *err)
{
    char *end = NULL;

    *value = strtod(*rest, &end);
    if (end == *rest || !(*value > 0 && *value <= 1) || (*end != '\0' && *end != ':'))
        return mdp_fail(err, MDP_ERR_USAGE, "metric '%s': expected a number above 0 and at most 1 after '='",
                        text);
    *rest = end;
    return MDP_OK;
}

static mdp_status parse_one(const char *text, const char *const class_names[], size_t k,
                            struct mdp_pool *pool, struct mdp_metric_list *list, struct mdp_error *err)
{
    const char *rest = NULL;
    const struct mdp_metric_kind *kind = find_kind(text, &rest);
    struct mdp_metric metric = {.kind = kind};

    if (!kind)
        return unknown_metric(text, err);
    metric.parameter = kind->parameter;
    if (has_parameter(kind) && parse_parameter(text, &rest, &metric.parameter, err) != MDP_OK)
        return MDP_ERR_USAGE;
    if (*rest == '\0')
        return append_kind(list, kind, metric.parameter, class_names, k, pool, err);
    if (kind->scope == OF_ALL_CLASSES)
        return mdp_fail(err, MDP_ERR_USAGE, "metric '%s': '%s' is of all classes, expected no class", text,
                        kind->name);
    for (size_t c = 0; c < k; c++) {
        if (strcmp(rest + 1, class_names[c]) != 0)
            continue;
        if (k == 2 && c == 0)
            return mdp_fail(err, MDP_ERR_USAGE,
                            "metric '%s': of two classes it is given for the second, '%s'", text,
                            class_names[1]);
        metric.class_index = c;
        return append(list, metric, class_names[c], pool, err);
    }
    const char *nearest = mdp_nearest_name(rest + 1, class_names, k);
    return mdp_fail(err, MDP_ERR_USAGE, "metric '%s': no class '%s' (%s '%s'%s)", text, rest + 1,
                    nearest ? "did you mean" : "the first class is", nearest ? nearest : class_names[0],
                    nearest ? "?" : "");
}

mdp_status mdp_metrics_parse(const char *const names[], size_t n, const char *const class_names[], size_t k,
                             struct mdp_pool *pool, struct mdp_metric_list *list, struct mdp_error *err)
{
    mdp_status st = make_room(list, n, k, pool, err);

    for (size_t i = 0; st == MDP_OK && i < n; i++)
        st = parse_one(names[i], class_names, k, pool, list, err);
    return st;
}
