/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/protocols/medprobe.h"

#include "base/exchange/patients.h"
#include "base/memory.h"
#include "base/numbers/rng.h"
#include "probe/probed_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Seeds that are tried to find a number of shots that works. */
enum { TRIED_SEEDS = 100 };

/* --- the source --- */

static bool in_split(const struct mdp_store_info *info, size_t row, const char *split)
{
    return strcmp(info->splits[row], split) == 0;
}

static bool may_be_drawn(const struct mdp_draw_source *s, size_t row)
{
    return s->info->labels[row] >= 0 && (!s->has_split || in_split(s->info, row, s->rule.train_split));
}

static bool is_scored(const struct mdp_draw_source *s, size_t row)
{
    return s->info->labels[row] >= 0 && (!s->has_split || in_split(s->info, row, s->rule.test_split));
}

static mdp_status check_rows(const struct mdp_draw_source *s, struct mdp_error *err)
{
    const struct mdp_store_info *info = s->info;
    mdp_status st = MDP_OK;

    if (s->has_split) {
        if (strcmp(s->rule.train_split, s->rule.test_split) == 0)
            return mdp_fail(err, MDP_ERR_USAGE, "--train-split and --test-split are both '%s'",
                            s->rule.train_split);
        st = mdp_split_check(info, s->rule.train_split, "train-split", err);
        if (st == MDP_OK)
            st = mdp_split_check(info, s->rule.test_split, "test-split", err);
    }
    for (size_t i = 0; i < info->n && st == MDP_OK && s->rule.by_patient; i++)
        if (!info->patient_ids[i][0] && (may_be_drawn(s, i) || is_scored(s, i)))
            st = mdp_fail_no_patient(info, i, err);
    return st;
}

struct drawable_row {
    size_t class, patient, row;
};

static int by_class_patient_row(const void *left, const void *right)
{
    const struct drawable_row *a = left, *b = right;

    if (a->class != b->class)
        return a->class < b->class ? -1 : 1;
    if (a->patient != b->patient)
        return a->patient < b->patient ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* Sorted rows into classes and their patients. */
static void fill_pools(struct mdp_draw_source *s, const struct drawable_row sorted[], size_t n)
{
    size_t made = 0;

    for (size_t i = 0; i < n; i++) {
        struct mdp_class_pool *class = &s->classes[sorted[i].class];
        if (class->n_patients == 0)
            class->patients = s->class_patients + made;
        if (class->n_patients == 0 || s->class_patients[made - 1].patient != sorted[i].patient) {
            s->class_patients[made++] = (struct mdp_class_patient){.patient = sorted[i].patient, .first = i};
            class->n_patients++;
        }
        s->class_patients[made - 1].n++;
        class->n_rows++;
        s->rows[i] = (int64_t)sorted[i].row;
    }
}

/* Which classes a patient has pictures of. */
static mdp_status index_classes(struct mdp_draw_source *s, size_t n, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t at = 0;

    s->first_class = mdp_new_array(s->n_patients + 2, sizeof *s->first_class, err, &st);
    s->classes_of = mdp_new_array(n, sizeof *s->classes_of, err, &st);
    if (st != MDP_OK)
        return st;
    for (size_t c = 0; c < s->info->n_classes; c++)
        for (size_t i = 0; i < s->classes[c].n_patients; i++)
            s->first_class[s->classes[c].patients[i].patient + 2]++;
    for (size_t p = 0; p < s->n_patients; p++)
        s->first_class[p + 2] += s->first_class[p + 1];
    for (size_t c = 0; c < s->info->n_classes; c++)
        for (size_t i = 0; i < s->classes[c].n_patients; i++, at++)
            s->classes_of[s->first_class[s->classes[c].patients[i].patient + 1]++] = c;
    return MDP_OK;
}

static mdp_status make_pools(struct mdp_draw_source *s, struct mdp_error *err)
{
    const struct mdp_store_info *info = s->info;
    mdp_status st = MDP_OK;
    size_t n = 0;
    struct drawable_row *sorted = mdp_new_array(info->n, sizeof *sorted, err, &st);

    s->classes = mdp_new_array(info->n_classes, sizeof *s->classes, err, &st);
    s->class_patients = mdp_new_array(info->n, sizeof *s->class_patients, err, &st);
    s->rows = mdp_new_array(info->n, sizeof *s->rows, err, &st);
    if (st != MDP_OK)
        goto out;
    for (size_t i = 0; i < info->n; i++)
        if (may_be_drawn(s, i))
            sorted[n++] = (struct drawable_row){(size_t)info->labels[i], s->patient[i], i};
    qsort(sorted, n, sizeof *sorted, by_class_patient_row);
    fill_pools(s, sorted, n);
    st = index_classes(s, n, err);
    for (size_t c = 0; c < info->n_classes && st == MDP_OK; c++) {
        struct mdp_class_pool *class = &s->classes[c];
        class->most = s->has_split ? class->n_patients : class->n_patients / 2;
        if (class->n_rows == 0)
            st = mdp_fail(err, MDP_ERR_VALUE, "%s: class '%s': no picture%s%s%s", info->path,
                          info->class_names[c], s->has_split ? " in split '" : "",
                          s->has_split ? s->rule.train_split : "", s->has_split ? "'" : "");
    }
out:
    free(sorted);
    return st;
}

/* Classes with few patients draw first, while those of several classes are still there; ties by class. */
static mdp_status order_classes(struct mdp_draw_source *s, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    s->order = mdp_new_array(s->info->n_classes, sizeof *s->order, err, &st);
    for (size_t c = 0; c < s->info->n_classes && st == MDP_OK; c++) {
        size_t at = c;
        for (; at > 0 && s->classes[s->order[at - 1]].n_patients > s->classes[c].n_patients; at--)
            s->order[at] = s->order[at - 1];
        s->order[at] = c;
    }
    return st;
}

mdp_status mdp_draw_source_init(const struct mdp_store_info *info, const struct mdp_draw_rule *rule,
                                struct mdp_draw_source *source, struct mdp_error *err)
{
    *source = (struct mdp_draw_source){.info = info, .rule = *rule, .has_split = info->splits != NULL};
    mdp_status st = check_rows(source, err);
    if (st == MDP_OK)
        st = mdp_patients_number(info, rule->by_patient, &source->patient, &source->n_patients, err);
    if (st == MDP_OK)
        st = make_pools(source, err);
    if (st == MDP_OK)
        st = order_classes(source, err);
    if (st == MDP_OK && source->has_split)
        st = mdp_split_rows(info, rule->test_split, "test-split", &source->query, &source->n_query, err);
    if (st != MDP_OK)
        mdp_draw_source_release(source);
    return st;
}

void mdp_draw_source_release(struct mdp_draw_source *s)
{
    free(s->patient);
    free(s->classes);
    free(s->class_patients);
    free(s->rows);
    free(s->first_class);
    free(s->classes_of);
    free(s->order);
    free(s->query);
    *s = (struct mdp_draw_source){0};
}

/* --- one episode --- */

struct drawing {
    const struct mdp_draw_source *source;
    struct mdp_rng rng;
    bool *taken;      /* [patients] */
    size_t *drawn;    /* [K]: patients drawn that have a picture of the class */
    size_t *list;     /* indices of a class's patients, shuffled; then of those chosen */
    size_t *pictures; /* rows of the chosen, each patient's shuffled */
};

static bool may_take(const struct drawing *d, size_t patient)
{
    const struct mdp_draw_source *s = d->source;

    for (size_t i = s->first_class[patient]; i < s->first_class[patient + 1]; i++)
        if (d->drawn[s->classes_of[i]] == s->classes[s->classes_of[i]].most)
            return false;
    return true;
}

static void take(struct drawing *d, size_t patient)
{
    const struct mdp_draw_source *s = d->source;

    d->taken[patient] = true;
    for (size_t i = s->first_class[patient]; i < s->first_class[patient + 1]; i++)
        d->drawn[s->classes_of[i]]++;
}

/* At most `most` patients of the class that are free, in random order, into list[]; how many. */
static size_t choose_patients(struct drawing *d, const struct mdp_class_pool *class, size_t most)
{
    size_t free_ones = 0, chosen = 0;

    for (size_t i = 0; i < class->n_patients; i++)
        if (!d->taken[class->patients[i].patient])
            d->list[free_ones++] = i;
    mdp_rng_shuffle(&d->rng, d->list, free_ones);
    for (size_t i = 0; i < free_ones && chosen < most; i++) {
        size_t patient = class->patients[d->list[i]].patient;
        if (!may_take(d, patient))
            continue;
        take(d, patient);
        d->list[chosen++] = d->list[i];
    }
    return chosen;
}

/* `wanted` pictures of class c, of at most `most_patients`: one of every chosen patient in turn, then a
   second of each, and so on. Appends them to rows and returns how many there are. */
static size_t draw_class(struct drawing *d, size_t c, size_t wanted, size_t most_patients, int64_t rows[])
{
    const struct mdp_draw_source *s = d->source;
    const struct mdp_class_pool *class = &s->classes[c];
    size_t chosen = choose_patients(d, class, most_patients < wanted ? most_patients : wanted);
    size_t n = 0, deepest = 0, base = 0;

    for (size_t i = 0; i < chosen; i++) {
        const struct mdp_class_patient *p = &class->patients[d->list[i]];
        for (size_t j = 0; j < p->n; j++)
            d->pictures[base + j] = p->first + j;
        mdp_rng_shuffle(&d->rng, d->pictures + base, p->n);
        base += p->n;
        deepest = p->n > deepest ? p->n : deepest;
    }
    for (size_t round = 0; round < deepest && n < wanted; round++) {
        base = 0;
        for (size_t i = 0; i < chosen && n < wanted; i++) {
            const struct mdp_class_patient *p = &class->patients[d->list[i]];
            if (round < p->n)
                rows[n++] = s->rows[d->pictures[base + round]];
            base += p->n;
        }
    }
    return n;
}

/* Patients of class c that the support may use: with a val set to come, some are left for it. */
static size_t most_support_patients(const struct drawing *d, size_t c, size_t shots, size_t val_shots)
{
    const struct mdp_class_pool *class = &d->source->classes[c];
    size_t left = class->most - d->drawn[c];

    if (val_shots == 0 || left >= shots + val_shots)
        return shots;
    return left > 2 * val_shots ? left - val_shots : left - left / 2;
}

static mdp_status fail_short(const struct drawing *d, const char *group, size_t c, const char *side,
                             size_t found, size_t wanted, struct mdp_error *err)
{
    const struct mdp_draw_source *s = d->source;
    const struct mdp_class_pool *class = &s->classes[c];
    char half[96] = "";

    if (!s->has_split)
        snprintf(half, sizeof half, ", of whom at most half, %zu, may be drawn", class->most);
    return mdp_fail(err, MDP_ERR_VALUE,
                    "%s: %s: class '%s': %zu of %zu pictures for the %s; %s%s%s has %zu pictures of %zu %s%s",
                    s->info->path, group, s->info->class_names[c], found, wanted, side,
                    s->has_split ? "split '" : "the store", s->has_split ? s->rule.train_split : "",
                    s->has_split ? "'" : "", class->n_rows, class->n_patients,
                    s->rule.by_patient ? "patients" : "rows", half);
}

static mdp_status draw_side(struct drawing *d, struct mdp_draw *draw, size_t shots, size_t val_shots,
                            bool val, struct mdp_error *err)
{
    const struct mdp_draw_source *s = d->source;
    size_t wanted = val ? val_shots : shots;
    int64_t *rows = val ? draw->val : draw->support;
    size_t *n = val ? &draw->n_val : &draw->n_support;

    for (size_t i = 0; i < s->info->n_classes; i++) {
        size_t c = s->order[i];
        size_t most = val ? wanted : most_support_patients(d, c, shots, val_shots);
        size_t found = draw_class(d, c, wanted, most, rows + *n);
        if (found < wanted && (found == 0 || !s->rule.allow_short))
            return fail_short(d, draw->key.name, c, val ? "val set" : "support", found, wanted, err);
        *n += found;
    }
    return MDP_OK;
}

/* Without a split: every labelled row of a patient that was not drawn. */
static mdp_status rest_as_query(const struct drawing *d, struct mdp_draw *draw, struct mdp_error *err)
{
    const struct mdp_draw_source *s = d->source;
    mdp_status st = MDP_OK;

    draw->query = mdp_new_array(s->info->n, sizeof *draw->query, err, &st);
    for (size_t i = 0; i < s->info->n && st == MDP_OK; i++)
        if (s->info->labels[i] >= 0 && !d->taken[s->patient[i]])
            draw->query[draw->n_query++] = (int64_t)i;
    return st;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* shared_query: with a split, the query rows of every episode. */
static mdp_status draw_episode(const struct mdp_draw_source *s, size_t shots, uint64_t seed,
                               int64_t *shared_query, struct mdp_draw *draw, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct drawing d = {.source = s};
    size_t n = s->info->n, val_shots = s->rule.draws_val ? smaller(shots, MDP_MOST_VAL_SHOTS) : 0;
    size_t most = 0;

    assert(shots > 0 && shots <= UINT32_MAX);
    *draw = (struct mdp_draw){.key = mdp_episode_key_of(shots, (size_t)seed), .has_val = s->rule.draws_val};
    for (size_t c = 0; c < s->info->n_classes; c++)
        most += smaller(shots, s->classes[c].n_rows);
    mdp_rng_init(&d.rng, seed, (uint32_t)shots, MDP_RNG_DRAW);
    d.taken = mdp_new_array(s->n_patients, sizeof *d.taken, err, &st);
    d.drawn = mdp_new_array(s->info->n_classes, sizeof *d.drawn, err, &st);
    d.list = mdp_new_array(n, sizeof *d.list, err, &st);
    d.pictures = mdp_new_array(n, sizeof *d.pictures, err, &st);
    draw->support = mdp_new_array(most, sizeof *draw->support, err, &st);
    draw->val = mdp_new_array(most, sizeof *draw->val, err, &st);
    if (st == MDP_OK)
        st = draw_side(&d, draw, shots, val_shots, false, err);
    if (st == MDP_OK && s->rule.draws_val)
        st = draw_side(&d, draw, shots, val_shots, true, err);
    if (st != MDP_OK)
        goto out;
    if (s->has_split) {
        draw->query = shared_query;
        draw->n_query = s->n_query;
    } else {
        st = rest_as_query(&d, draw, err);
    }
out:
    free(d.taken);
    free(d.drawn);
    free(d.list);
    free(d.pictures);
    return st;
}

mdp_status mdp_draw_episode(const struct mdp_draw_source *source, size_t shots, uint64_t seed,
                            struct mdp_draw *draw, struct mdp_error *err)
{
    return draw_episode(source, shots, seed, source->query, draw, err);
}

static bool can_draw(const struct mdp_draw_source *source, size_t shots, const size_t seeds[], size_t n_seeds)
{
    for (size_t i = 0; i < n_seeds && i < TRIED_SEEDS; i++) {
        struct mdp_draw draw;
        const bool done = draw_episode(source, shots, seeds[i], NULL, &draw, NULL) == MDP_OK;
        free(draw.support);
        free(draw.val);
        free(draw.query);
        if (!done)
            return false;
    }
    return true;
}

/* Says after the failure of a draw of so many shots what would work. */
static void advise(const struct mdp_draw_source *source, size_t shots, const size_t seeds[], size_t n_seeds,
                   struct mdp_error *err)
{
    char found[sizeof err->message];
    size_t works = 0;

    for (size_t least = 1, most = shots - 1; least <= most;) {
        const size_t middle = least + (most - least) / 2;
        if (can_draw(source, middle, seeds, n_seeds)) {
            works = middle;
            least = middle + 1;
        } else {
            most = middle - 1;
        }
    }
    snprintf(found, sizeof found, "%s", err->message);
    if (works)
        mdp_fail(err, MDP_ERR_VALUE, "%s (the most that --shots can be here is %zu%s)", found, works,
                 source->rule.allow_short ? "" : "; --allow-short takes what there is");
    else
        mdp_fail(err, MDP_ERR_VALUE, "%s (no --shots will do: this class needs more patients)", found);
}

mdp_status mdp_draw_episodes(const struct mdp_draw_source *source, const size_t shots[], size_t n_shots,
                             const size_t seeds[], size_t n_seeds, struct mdp_draws *draws,
                             struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t count = 0;

    *draws = (struct mdp_draws){0};
    if (!mdp_mul_size(n_shots, n_seeds, &count))
        return mdp_fail(err, MDP_ERR_LIMIT, "%zu shots x %zu seeds are too many episodes", n_shots, n_seeds);
    draws->at = mdp_new_array(count, sizeof *draws->at, err, &st);
    if (st == MDP_OK && source->has_split) {
        draws->shared_query = mdp_new_array(source->n_query, sizeof *draws->shared_query, err, &st);
        if (st == MDP_OK)
            memcpy(draws->shared_query, source->query, source->n_query * sizeof *source->query);
    }
    for (size_t i = 0; i < count && st == MDP_OK; i++) {
        struct mdp_draw *draw = &draws->at[draws->n++];
        st = draw_episode(source, shots[i / n_seeds], seeds[i % n_seeds], draws->shared_query, draw, err);
        if (st == MDP_ERR_VALUE && err)
            advise(source, shots[i / n_seeds], seeds, n_seeds, err);
    }
    mdp_draws_sort(draws);
    if (st != MDP_OK)
        mdp_draws_release(draws);
    return st;
}

static mdp_status draw_all(const struct mdp_store_info *info, const struct mdp_draw_rule *rule,
                           const size_t shots[], size_t n_shots, const size_t seeds[], size_t n_seeds,
                           struct mdp_draws *draws, struct mdp_error *err)
{
    struct mdp_draw_source source;
    mdp_status st = mdp_draw_source_init(info, rule, &source, err);

    if (st != MDP_OK)
        return st;
    st = mdp_draw_episodes(&source, shots, n_shots, seeds, n_seeds, draws, err);
    mdp_draw_source_release(&source);
    return st;
}

const struct mdp_protocol mdp_medprobe = {
    .name = "medprobe",
    .summary = "draws by patient, from the train split or from half the patients",
    .splits = MDP_SPLIT_TRAIN | MDP_SPLIT_TEST,
    .draw = draw_all,
};
