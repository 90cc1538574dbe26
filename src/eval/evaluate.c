/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/evaluate.h"

#include "base/memory.h"
#include "base/try.h"
#include "eval/aggregate.h"
#include "eval/metrics/curves.h"
#include "eval/provenance_keys.h"
#include "eval/statistics/bootstrap.h"
#include "eval/statistics/paired.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct mdp_eval_options mdp_eval_defaults = {.resamples = 1000, .seed = 0, .threads = 1};

/* --- the rows of a prediction --- */

static const uint32_t not_used = UINT32_MAX;

/* Fewer patients of a class among the test patients are put down for the reader. */
enum { FEW_PATIENTS_OF_A_CLASS = 10 };

/* Scored rows with everything they point to. */
struct prepared {
    size_t n, n_patients;
    const int64_t *numbers; /* [n] */
    const double *scores;   /* [n, K] */
    /* [n], [n, K]: what numbers and scores point to where the prediction does not live as long, else NULL */
    int64_t *own_numbers;
    double *own_scores;
    int32_t *labels;    /* [n] */
    uint32_t *patients; /* [n] */
    struct mdp_sorted_scores *sorted;
    double *values;       /* [M] */
    const char **reasons; /* [M], in the results' pool */
};

static void release_prepared(struct prepared *p)
{
    mdp_sorted_scores_free(p->sorted);
    free(p->own_numbers);
    free(p->own_scores);
    free(p->labels);
    free(p->patients);
    free(p->values);
    free(p->reasons);
    *p = (struct prepared){0};
}

struct evaluation {
    const struct mdp_eval_input *in;
    const struct mdp_eval_options *options;
    struct mdp_results *results;
    struct mdp_metric_list list;
    size_t threads;
    uint32_t *patient_of; /* [N]: 0 ... G-1 for the rows that are scored, not_used for others */
    size_t g;             /* G: patients of scored rows */
    uint32_t *seen;       /* [G] scratch: number of the last prediction that has the patient */
    uint32_t seen_now;
    struct mdp_resamples resamples;
    double *own, *on_same; /* [B * L, M] of the current prediction, of the baseline on its rows */
    bool same_rows;        /* every prediction is of the same rows */
    struct {
        size_t class, patients;
    } rarest; /* the class that has fewest patients in some episode, and how many; patients 0: not looked yet */
    uint32_t *seen_in_class; /* [K, G], as `seen` */
    bool has_baseline;
    size_t first_baseline; /* index of the baseline's first prediction; P without one */
    struct prepared baseline;
    double *baseline_own;     /* [B * L, M] */
    uint32_t *baseline_place; /* [N] place of a row among the baseline's, or not_used */
    struct mdp_aggregate *aggregate;
    struct mdp_curve_set curves;
};

static void release_evaluation(struct evaluation *ev)
{
    free(ev->patient_of);
    free(ev->seen);
    free(ev->seen_in_class);
    free(ev->own);
    free(ev->on_same);
    free(ev->baseline_own);
    free(ev->baseline_place);
    release_prepared(&ev->baseline);
    mdp_resamples_release(&ev->resamples);
    mdp_aggregate_free(ev->aggregate);
    mdp_curves_release(&ev->curves);
}

static mdp_status make_prepared(const struct evaluation *ev, size_t n, struct prepared *p,
                                struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *p = (struct prepared){.n = n};
    p->labels = mdp_new_array(n, sizeof *p->labels, err, &st);
    if (st == MDP_OK)
        p->patients = mdp_new_array(n, sizeof *p->patients, err, &st);
    if (st == MDP_OK)
        p->values = mdp_new_array(ev->list.n, sizeof *p->values, err, &st);
    if (st == MDP_OK)
        p->reasons = mdp_new_array(ev->list.n, sizeof *p->reasons, err, &st);
    return st;
}

/* Numbers and scores of its own, to be filled. */
static mdp_status make_own(const struct evaluation *ev, struct prepared *p, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    p->numbers = p->own_numbers = mdp_new_array(p->n, sizeof *p->own_numbers, err, &st);
    if (st == MDP_OK)
        p->scores = p->own_scores = mdp_new_array(p->n, ev->in->n_classes * sizeof *p->own_scores, err, &st);
    return st;
}

/* Labels, patients, sorted scores and metrics of rows whose numbers and scores are in place. */
static mdp_status score(struct evaluation *ev, struct prepared *p, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    ev->seen_now++;
    for (size_t i = 0; i < p->n; i++) {
        p->labels[i] = ev->in->labels[p->numbers[i]];
        p->patients[i] = ev->patient_of[p->numbers[i]];
        p->n_patients += ev->seen[p->patients[i]] != ev->seen_now;
        ev->seen[p->patients[i]] = ev->seen_now;
    }
    const struct mdp_rows rows = {.n = p->n,
                                  .k = ev->in->n_classes,
                                  .n_patients = ev->g,
                                  .scores = p->scores,
                                  .labels = p->labels,
                                  .patients = p->patients,
                                  .numbers = p->numbers};
    st = mdp_sorted_scores_new(&rows, &p->sorted, err);
    if (st == MDP_OK)
        st = mdp_metrics_explained(p->sorted, &ev->list, ev->in->class_names, ev->results->pool, p->values,
                                   p->reasons, err);
    return st;
}

/* With `keeps`, what is prepared outlives the prediction. */
static mdp_status prepare(struct evaluation *ev, const struct mdp_prediction *from, bool keeps,
                          struct prepared *p, struct mdp_error *err)
{
    TRY(make_prepared(ev, from->n, p, err));
    p->numbers = from->rows;
    p->scores = from->scores;
    if (keeps) {
        TRY(make_own(ev, p, err));
        memcpy(p->own_numbers, from->rows, from->n * sizeof *from->rows);
        memcpy(p->own_scores, from->scores, from->n * from->k * sizeof *from->scores);
    }
    mdp_status st = score(ev, p, err);
    return st == MDP_OK ? st : mdp_fail_at(err, st, "scores of %s/%s", from->method, from->key.name);
}

/* --- the first look: which rows and patients are scored --- */

static mdp_status check_prediction(const struct evaluation *ev, const struct mdp_prediction *p,
                                   struct mdp_error *err)
{
    const struct mdp_eval_input *in = ev->in;

    if (p->k != in->n_classes)
        return mdp_fail(err, MDP_ERR_VALUE,
                        "scores of %s/%s: %zu columns, expected one for each of %zu classes", p->method,
                        p->key.name, p->k, in->n_classes);
    if (p->n == 0)
        return mdp_fail(err, MDP_ERR_VALUE, "scores of %s/%s: no rows", p->method, p->key.name);
    for (size_t i = 0; i < p->n; i++) {
        const int64_t row = p->rows[i];
        if (row < 0 || (uint64_t)row >= in->n_rows)
            return mdp_fail(err, MDP_ERR_VALUE, "scores of %s/%s: row %lld is outside the store of %zu rows",
                            p->method, p->key.name, (long long)row, in->n_rows);
        if (in->labels[row] < 0 || (size_t)in->labels[row] >= in->n_classes)
            return mdp_fail(err, MDP_ERR_VALUE, "scores of %s/%s: row %lld has no label", p->method,
                            p->key.name, (long long)row);
    }
    return MDP_OK;
}

/* Patients of the rows that are marked, numbered in the order of rows. */
static mdp_status number_patients(struct evaluation *ev, struct mdp_error *err)
{
    const struct mdp_eval_input *in = ev->in;
    mdp_status st = MDP_OK;
    uint32_t *number_of = mdp_new_array(in->n_rows, sizeof *number_of, err, &st); /* [N] by patient, + 1 */

    for (size_t i = 0; st == MDP_OK && i < in->n_rows; i++) {
        if (ev->patient_of[i] == not_used)
            continue;
        const size_t patient = in->patients ? in->patients[i] : i;
        assert(patient < in->n_rows);
        if (!number_of[patient])
            number_of[patient] = (uint32_t)++ev->g;
        ev->patient_of[i] = number_of[patient] - 1;
    }
    free(number_of);
    if (st == MDP_OK)
        ev->seen = mdp_new_array(ev->g, sizeof *ev->seen, err, &st);
    if (st == MDP_OK)
        ev->seen_in_class = mdp_new_array(ev->g, in->n_classes * sizeof *ev->seen_in_class, err, &st);
    return st;
}

static mdp_status survey(struct evaluation *ev, struct mdp_error *err)
{
    const struct mdp_prediction_source *source = &ev->in->source;
    const struct mdp_prediction *p = NULL;
    size_t used = 0, least = SIZE_MAX;
    mdp_status st = MDP_OK;

    ev->first_baseline = source->n;
    if (ev->in->n_rows >= UINT32_MAX)
        return mdp_fail(err, MDP_ERR_LIMIT, "%zu rows are too many", ev->in->n_rows);
    ev->patient_of = mdp_new_array(ev->in->n_rows, sizeof *ev->patient_of, err, &st);
    for (size_t i = 0; st == MDP_OK && i < ev->in->n_rows; i++)
        ev->patient_of[i] = not_used;
    for (size_t i = 0; st == MDP_OK && i < source->n; i++) {
        st = source->get(source->context, i, &p, err);
        if (st == MDP_OK)
            st = check_prediction(ev, p, err);
        for (size_t r = 0; st == MDP_OK && r < p->n; r++) {
            used += ev->patient_of[p->rows[r]] == not_used;
            ev->patient_of[p->rows[r]] = 0;
        }
        if (st != MDP_OK)
            break;
        least = p->n < least ? p->n : least;
        if (ev->first_baseline == source->n && strcmp(p->method, MDP_BASELINE) == 0)
            ev->first_baseline = i;
    }
    ev->same_rows = source->n == 0 || least == used; /* no prediction has a row twice */
    return st == MDP_OK ? number_patients(ev, err) : st;
}

/* --- the baseline --- */

/* [B * L, M] */
static double *new_resampled(const struct evaluation *ev, struct mdp_error *err, mdp_status *st)
{
    return mdp_new_array(ev->resamples.blocks * MDP_RESAMPLES_AT_ONCE, ev->list.n * sizeof(double), err, st);
}

static mdp_status use_as_baseline(struct evaluation *ev, const struct mdp_prediction *p,
                                  struct mdp_error *err)
{
    mdp_status st = prepare(ev, p, true, &ev->baseline, err);

    if (st == MDP_OK)
        ev->baseline_own = new_resampled(ev, err, &st);
    if (st == MDP_OK)
        ev->baseline_place = mdp_new_array(ev->in->n_rows, sizeof *ev->baseline_place, err, &st);
    for (size_t i = 0; st == MDP_OK && i < ev->in->n_rows; i++)
        ev->baseline_place[i] = not_used;
    for (size_t i = 0; st == MDP_OK && i < p->n; i++)
        ev->baseline_place[p->rows[i]] = (uint32_t)i;
    ev->has_baseline = st == MDP_OK;
    return st;
}

/* The baseline that the survey found, when there is one. */
static mdp_status read_baseline(struct evaluation *ev, struct mdp_error *err)
{
    const struct mdp_prediction_source *source = &ev->in->source;
    const struct mdp_prediction *p = NULL;

    if (ev->first_baseline == source->n)
        return MDP_OK;
    TRY(source->get(source->context, ev->first_baseline, &p, err));
    TRY(use_as_baseline(ev, p, err));
    if (ev->resamples.blocks == 0)
        return MDP_OK;
    struct mdp_bootstrap_set set = {ev->baseline.sorted, ev->baseline_own};
    return mdp_bootstrap(&ev->resamples, &ev->list, &set, 1, ev->threads, err);
}

static bool same_rows(const struct prepared *a, const struct prepared *b)
{
    return a->n == b->n && memcmp(a->numbers, b->numbers, a->n * sizeof *a->numbers) == 0;
}

/* The baseline on the rows of `p`; `out` stays empty and *missing names the row when the baseline lacks one.
 */
static mdp_status baseline_on(struct evaluation *ev, const struct prepared *p, struct prepared *out,
                              int64_t *missing, struct mdp_error *err)
{
    const size_t k = ev->in->n_classes;

    *missing = -1;
    *out = (struct prepared){0};
    for (size_t i = 0; i < p->n; i++)
        if (ev->baseline_place[p->numbers[i]] == not_used) {
            *missing = p->numbers[i];
            return MDP_OK;
        }
    TRY(make_prepared(ev, p->n, out, err));
    TRY(make_own(ev, out, err));
    for (size_t i = 0; i < p->n; i++) {
        const size_t place = ev->baseline_place[p->numbers[i]];
        out->own_numbers[i] = p->numbers[i];
        memcpy(out->own_scores + i * k, ev->baseline.scores + place * k, k * sizeof *out->own_scores);
    }
    return score(ev, out, err);
}

/* --- one prediction --- */

/* What the results keep of an episode. */
static mdp_status note_episode(struct evaluation *ev, const struct mdp_prediction *from,
                               const struct prepared *p, struct mdp_episode *e, struct mdp_error *err)
{
    struct mdp_pool *pool = ev->results->pool;
    const size_t m = ev->list.n, k = ev->in->n_classes;
    mdp_status st = MDP_OK;

    *e = (struct mdp_episode){.shots = from->key.shots,
                              .seed = from->key.seed,
                              .c = from->c,
                              .n_test = p->n,
                              .n_patients = ev->in->patients ? p->n_patients : 0};
    e->method = mdp_pool_string(pool, from->method, err, &st);
    if (st == MDP_OK)
        e->group = mdp_pool_string(pool, from->key.name, err, &st);
    if (st == MDP_OK)
        e->values = mdp_pool_array(pool, m, sizeof *e->values, err, &st);
    if (st == MDP_OK)
        e->reasons = mdp_pool_array(pool, m, sizeof *e->reasons, err, &st);
    if (st == MDP_OK)
        e->confusion = mdp_pool_array(pool, k * k, sizeof *e->confusion, err, &st);
    if (st != MDP_OK)
        return st;
    memcpy(e->values, p->values, m * sizeof *e->values);
    memcpy(e->reasons, p->reasons, m * sizeof *e->reasons);
    mdp_sorted_scores_confusion(p->sorted, e->confusion);
    return MDP_OK;
}

/* Looks for the class with the fewest patients, pictures where patients are not looked at; a class without any has
   no numbers, which is said elsewhere. */
static mdp_status note_rarest(struct evaluation *ev, const struct prepared *p, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t *patients = mdp_new_array(ev->in->n_classes, sizeof *patients, err, &st); /* [K] */

    for (size_t i = 0; st == MDP_OK && i < p->n; i++) {
        const size_t c = (size_t)p->labels[i];
        uint32_t *seen = &ev->seen_in_class[c * ev->g + p->patients[i]];
        patients[c] += *seen != ev->seen_now;
        *seen = ev->seen_now;
    }
    for (size_t c = 0; st == MDP_OK && c < ev->in->n_classes; c++)
        if (patients[c] && (ev->rarest.patients == 0 || patients[c] < ev->rarest.patients)) {
            ev->rarest.class = c;
            ev->rarest.patients = patients[c];
        }
    free(patients);
    return st;
}

static mdp_status test_episode(struct evaluation *ev, const struct prepared *p,
                               const struct prepared *baseline, struct mdp_episode *e, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    e->tests = mdp_pool_array(ev->results->pool, 2 * ev->list.n, sizeof *e->tests, err, &st);
    if (st == MDP_OK)
        st = mdp_paired_tests(p->sorted, baseline->sorted, &ev->list, ev->results->baseline, e->tests,
                              &e->n_tests, err);
    return st;
}

/* A baseline that lacks a row: nothing to compare with, and why. */
static mdp_status not_comparable(struct evaluation *ev, int64_t missing, struct prepared *out,
                                 struct mdp_error *err)
{
    struct mdp_text text = {0};
    const char *reason = NULL;
    mdp_status st = make_prepared(ev, 0, out, err);

    mdp_text_add(&text, "%s has no scores of row %lld", MDP_BASELINE, (long long)missing);
    if (st == MDP_OK)
        st = mdp_text_status(&text, err);
    if (st == MDP_OK)
        reason = mdp_pool_string(ev->results->pool, text.at, err, &st);
    mdp_text_release(&text);
    for (size_t m = 0; st == MDP_OK && m < ev->list.n; m++) {
        out->values[m] = NAN;
        out->reasons[m] = reason;
    }
    return st;
}

/* The episode beside the baseline on the same rows, in the same resamples. */
static mdp_status compare_episode(struct evaluation *ev, const struct prepared *p, struct mdp_episode *e,
                                  struct mdp_error *err)
{
    struct prepared on_same = {0};
    const struct prepared *b = &ev->baseline;
    const double *b_resampled = ev->baseline_own;
    struct mdp_bootstrap_set sets[2] = {{p->sorted, ev->own}, {NULL, ev->on_same}};
    size_t n_sets = 1;
    int64_t missing = -1;
    mdp_status st = MDP_OK;

    if (!same_rows(p, &ev->baseline)) {
        st = baseline_on(ev, p, &on_same, &missing, err);
        b = &on_same;
        b_resampled = ev->on_same;
        sets[1].scores = on_same.sorted;
        n_sets = missing < 0 ? 2 : 1;
        if (st == MDP_OK && missing >= 0)
            st = not_comparable(ev, missing, &on_same, err);
    }
    if (st == MDP_OK && missing < 0)
        st = test_episode(ev, p, b, e, err);
    if (st == MDP_OK && ev->resamples.blocks)
        st = mdp_bootstrap(&ev->resamples, &ev->list, sets, n_sets, ev->threads, err);
    const struct mdp_episode_values values = {e, ev->own, b->values, b_resampled, b->reasons};
    if (st == MDP_OK)
        st = mdp_aggregate_add(ev->aggregate, &values, err);
    release_prepared(&on_same);
    return st;
}

static mdp_status evaluate_alone(struct evaluation *ev, const struct prepared *p, const struct mdp_episode *e,
                                 bool is_baseline, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const bool known =
        is_baseline && same_rows(p, &ev->baseline) &&
        memcmp(p->scores, ev->baseline.scores, p->n * ev->in->n_classes * sizeof *p->scores) == 0;
    struct mdp_bootstrap_set set = {p->sorted, ev->own};

    if (!known && ev->resamples.blocks)
        st = mdp_bootstrap(&ev->resamples, &ev->list, &set, 1, ev->threads, err);
    const struct mdp_episode_values values = {e, known ? ev->baseline_own : ev->own, NULL, NULL, NULL};
    return st == MDP_OK ? mdp_aggregate_add(ev->aggregate, &values, err) : st;
}

static mdp_status evaluate_prediction(struct evaluation *ev, const struct mdp_prediction *from,
                                      struct mdp_episode *e, struct mdp_error *err)
{
    struct prepared p = {0};
    const bool is_baseline = strcmp(from->method, MDP_BASELINE) == 0;
    mdp_status st = prepare(ev, from, false, &p, err);

    if (st == MDP_OK)
        st = note_rarest(ev, &p, err);
    if (st == MDP_OK)
        st = note_episode(ev, from, &p, e, err);
    if (st == MDP_OK)
        st = mdp_curves_add(&ev->curves, e->method, e->shots, &p.sorted->rows, ev->results->class_names, err);
    if (st == MDP_OK && ev->has_baseline && !is_baseline)
        st = compare_episode(ev, &p, e, err);
    else if (st == MDP_OK)
        st = evaluate_alone(ev, &p, e, is_baseline, err);
    release_prepared(&p);
    return st;
}

/* --- the door --- */

/* The caller's facts and, after them, how the intervals were made and what a reader must know of the test rows. */
static mdp_status note_provenance(struct evaluation *ev, struct mdp_error *err)
{
    const struct mdp_eval_options *o = ev->options;
    struct mdp_fact own[8] = {
        {.kind = MDP_FACT_NUMBER, .key = MDP_FACT_KEY_LEVEL, .number = MDP_LEVEL},
        {.kind = MDP_FACT_COUNT, .key = MDP_FACT_KEY_RESAMPLES, .count = ev->resamples.n},
        {.kind = MDP_FACT_COUNT, .key = MDP_FACT_KEY_RESAMPLES_SEED, .count = (size_t)o->seed},
        {.kind = MDP_FACT_TEXT, .key = MDP_FACT_KEY_BASELINE, .text = MDP_BASELINE},
    };
    const size_t n = ev->in->n_provenance;
    size_t n_own = 4;

    if (!ev->same_rows)
        own[n_own++] = (struct mdp_fact){
            .kind = MDP_FACT_TEXT, .key = MDP_FACT_KEY_TEST_ROWS, .text = "not the same in every episode"};
    if (ev->rarest.patients && ev->rarest.patients < FEW_PATIENTS_OF_A_CLASS) {
        own[n_own++] = (struct mdp_fact){.kind = MDP_FACT_TEXT,
                                         .key = MDP_FACT_KEY_RAREST_CLASS,
                                         .text = ev->in->class_names[ev->rarest.class]};
        own[n_own++] = (struct mdp_fact){
            .kind = MDP_FACT_COUNT, .key = MDP_FACT_KEY_RAREST_PATIENTS, .count = ev->rarest.patients};
    }
    mdp_status st = MDP_OK;
    struct mdp_fact *all = mdp_new_array(n + n_own, sizeof *all, err, &st);

    if (!all)
        return st;
    if (n)
        memcpy(all, ev->in->provenance, n * sizeof *all);
    memcpy(all + n, own, n_own * sizeof *own);
    st = mdp_pool_facts(ev->results->pool, all, n + n_own, &ev->results->provenance, err);
    ev->results->n_provenance = n + n_own;
    free(all);
    return st;
}

static mdp_status begin_results(struct evaluation *ev, struct mdp_error *err)
{
    struct mdp_results *r = ev->results;
    const struct mdp_eval_input *in = ev->in;
    mdp_status st = MDP_OK;
    const char **classes = NULL, **metrics = NULL;

    r->pool = mdp_pool_new(err, &st);
    if (!r->pool)
        return st;
    classes = mdp_pool_array(r->pool, in->n_classes, sizeof *classes, err, &st);
    for (size_t c = 0; st == MDP_OK && c < in->n_classes; c++)
        classes[c] = mdp_pool_string(r->pool, in->class_names[c], err, &st);
    if (st == MDP_OK)
        st = mdp_metric_list_of_run(classes, in->n_classes, false, r->pool, &ev->list, err);
    if (st == MDP_OK)
        metrics = mdp_pool_array(r->pool, ev->list.n, sizeof *metrics, err, &st);
    for (size_t m = 0; st == MDP_OK && m < ev->list.n; m++)
        metrics[m] = ev->list.at[m].name;
    r->class_names = classes;
    r->n_classes = in->n_classes;
    r->metrics = metrics;
    r->n_metrics = ev->list.n;
    const char **texts[] = {&r->model, &r->pretrained, &r->dataset, &r->task, &r->baseline};
    const char *values[] = {in->model, in->pretrained, in->dataset, "linear_probe", MDP_BASELINE};
    for (size_t i = 0; st == MDP_OK && i < sizeof texts / sizeof *texts; i++)
        *texts[i] = mdp_pool_string(r->pool, values[i] ? values[i] : "", err, &st);
    if (st == MDP_OK)
        st = mdp_pool_facts(r->pool, in->environment, in->n_environment, &r->environment, err);
    r->n_environment = in->n_environment;
    if (st == MDP_OK)
        r->episodes = mdp_pool_array(r->pool, in->source.n, sizeof *r->episodes, err, &st);
    return st;
}

static mdp_status begin_resamples(struct evaluation *ev, struct mdp_error *err)
{
    mdp_status st = mdp_resamples_init(&ev->resamples, ev->g > 1 ? ev->options->resamples : 0, ev->g,
                                       ev->options->seed, ev->threads, err);

    ev->resamples.stop = ev->options->stop;
    if (st == MDP_OK)
        ev->own = new_resampled(ev, err, &st);
    if (st == MDP_OK)
        ev->on_same = new_resampled(ev, err, &st);
    if (st == MDP_OK)
        st = mdp_aggregate_new(&ev->list, ev->resamples.n, &ev->aggregate, err);
    return st;
}

mdp_status mdp_evaluate(const struct mdp_eval_input *in, const struct mdp_eval_options *options,
                        struct mdp_results *results, struct mdp_error *err)
{
    struct evaluation ev = {
        .in = in, .options = options, .results = results, .threads = options->threads ? options->threads : 1};
    const struct mdp_prediction *p = NULL;

    assert(in->n_classes >= 2);
    *results = (struct mdp_results){0};
    mdp_status st = begin_results(&ev, err);
    if (st == MDP_OK)
        st = survey(&ev, err);
    if (st == MDP_OK)
        st = begin_resamples(&ev, err);
    if (st == MDP_OK)
        st = read_baseline(&ev, err);
    for (size_t i = 0; st == MDP_OK && i < in->source.n; i++) {
        st = in->source.get(in->source.context, i, &p, err);
        if (st == MDP_OK)
            st = evaluate_prediction(&ev, p, &results->episodes[i], err);
        results->n_episodes += st == MDP_OK;
    }
    if (st == MDP_OK)
        st = mdp_aggregate_results(ev.aggregate, results->baseline, results, err);
    if (st == MDP_OK)
        st = note_provenance(&ev, err);
    if (st == MDP_OK)
        st = mdp_results_find_series(results, err);
    if (st == MDP_OK)
        st = mdp_curves_results(&ev.curves, results, err);
    release_evaluation(&ev);
    if (st != MDP_OK)
        mdp_results_release(results);
    return st;
}
