/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: no patient on both sides of any episode, the counts asked for, draws that depend on nothing but the store,
   the rule, shots and seed; and that the audit, written apart, sees what the draw must never do.

   Faults once planted in the draw and seen here: patients not marked as taken, below(i) instead of below(i + 1) in the
   shuffle. (That the stream is the one of the documentation: tests/reference/test_draws.py.) The fault of drawing
   without patients is planted for good: the_audit_catches_draws_without_patients. */
#include "unit/unit.h"

#include "base/exchange/patients.h"
#include "base/memory.h"
#include "base/numbers/rng.h"
#include "probe/audit.h"
#include "probe/protocols/medprobe.h"

#include <math.h>

enum { MOST_ROWS = 400, MOST_CLASSES = 5 };

/* A made-up store's rows, without a file. */
struct fake {
    struct mdp_store_info info;
    char ids[MOST_ROWS][16], patients[MOST_ROWS][16];
    const char *id[MOST_ROWS], *patient[MOST_ROWS], *split[MOST_ROWS];
    uint8_t sha256[MOST_ROWS][32];
    int32_t labels[MOST_ROWS];
};

static const char *const class_names[MOST_CLASSES] = {"normal", "tuberculosis", "effusion", "nodule",
                                                      "edema"};

static size_t pick(struct mdp_rng *rng, size_t least, size_t most)
{
    return least + (size_t)mdp_rng_below(rng, most - least + 1);
}

/* Patients of one to four pictures; some with pictures of several classes, some rows without a label; a quarter of the
   stores has no split. */
static void make_fake(struct fake *f, uint64_t seed)
{
    static const char *const splits[] = {"train", "train", "test", "val", ""};
    struct mdp_rng rng;
    bool has_splits, mixed;

    memset(f, 0, sizeof *f);
    mdp_rng_init(&rng, seed, 0, 0xfa4e);
    f->info = (struct mdp_store_info){.path = "fake.h5",
                                      .n_classes = pick(&rng, 2, MOST_CLASSES),
                                      .class_names = class_names,
                                      .ids = f->id,
                                      .patient_ids = f->patient,
                                      .splits = f->split,
                                      .sha256 = f->sha256[0],
                                      .labels = f->labels};
    has_splits = mdp_rng_below(&rng, 4) != 0;
    mixed = mdp_rng_below(&rng, 2) != 0;
    if (!has_splits)
        f->info.splits = NULL;
    size_t wanted = pick(&rng, 60, MOST_ROWS - 4), patient = 0;
    while (f->info.n < wanted) {
        size_t pictures = pick(&rng, 1, 4), class = pick(&rng, 0, f->info.n_classes - 1);
        const char *split = has_splits ? splits[pick(&rng, 0, 4)] : "";
        for (size_t j = 0; j < pictures; j++) {
            size_t i = f->info.n++;
            snprintf(f->ids[i], sizeof f->ids[i], "id%zu", i);
            snprintf(f->patients[i], sizeof f->patients[i], "P%zu", (patient * 7919) % 10007);
            f->id[i] = f->ids[i];
            f->patient[i] = f->patients[i];
            f->split[i] = split;
            f->labels[i] = (int32_t) class;
            if (mixed && mdp_rng_below(&rng, 5) == 0)
                f->labels[i] = (int32_t)pick(&rng, 0, f->info.n_classes - 1);
            if (mdp_rng_below(&rng, 20) == 0)
                f->labels[i] = -1;
            for (size_t b = 0; b < 32; b++)
                f->sha256[i][b] = (uint8_t)mdp_rng_u32(&rng);
        }
        patient++;
    }
}

/* Numbers by first row, not by how names sort; a row without a patient is its own. */
static void patients_are_numbered_by_first_row(void **state)
{
    const char *const names[] = {"P9", "", "P1", "P9", "", "P1"};
    const uint32_t by_name[] = {0, 1, 2, 0, 3, 2}, alone[] = {0, 1, 2, 3, 4, 5};
    struct mdp_store_info info = {.n = 6, .patient_ids = names};
    struct mdp_error err = MDP_ERROR_INIT;
    uint32_t *patient = NULL;
    size_t n = 0;

    (void)state;
    assert_ok(mdp_patients_number(&info, true, &patient, &n, &err), err);
    assert_int_equal(n, 4);
    assert_memory_equal(patient, by_name, sizeof by_name);
    free(patient);
    assert_ok(mdp_patients_number(&info, false, &patient, &n, &err), err);
    assert_int_equal(n, 6);
    assert_memory_equal(patient, alone, sizeof alone);
    free(patient);
}

static struct mdp_draw_rule usual_rule(void)
{
    return (struct mdp_draw_rule){.by_patient = true, .train_split = "train", .test_split = "test"};
}

static void free_draw(struct mdp_draw *draw, const struct mdp_draw_source *source)
{
    free(draw->support);
    free(draw->val);
    if (draw->query != source->query)
        free(draw->query);
}

static bool same_rows(const int64_t a[], size_t n_a, const int64_t b[], size_t n_b)
{
    return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * sizeof *a) == 0);
}

static size_t count_class(const struct fake *f, const int64_t rows[], size_t n, size_t class)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += f->labels[rows[i]] == (int32_t) class;
    return count;
}

static size_t count_patients(const struct fake *f, const int64_t rows[], size_t n, size_t class)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        bool seen = f->labels[rows[i]] != (int32_t) class;
        for (size_t j = 0; j < i && !seen; j++)
            seen = f->labels[rows[j]] == (int32_t) class &&
                   strcmp(f->patient[rows[i]], f->patient[rows[j]]) == 0;
        count += !seen;
    }
    return count;
}

/* No patient is spread over two classes of the support, or over support and val. */
static void assert_patients_apart(const struct fake *f, const struct mdp_draw *d)
{
    for (size_t i = 0; i < d->n_support + d->n_val; i++)
        for (size_t j = 0; j < i; j++) {
            int64_t a = i < d->n_support ? d->support[i] : d->val[i - d->n_support];
            int64_t b = j < d->n_support ? d->support[j] : d->val[j - d->n_support];
            bool same_side = (i < d->n_support) == (j < d->n_support);
            if (strcmp(f->patient[a], f->patient[b]) == 0)
                assert_true(same_side && f->labels[a] == f->labels[b]);
        }
}

/* Without a split: of the patients with a picture of a class, at most half are drawn, for whatever class. */
static void assert_half_is_left(const struct fake *f, const struct mdp_draw_source *s,
                                const struct mdp_draw *d)
{
    for (size_t c = 0; c < f->info.n_classes; c++) {
        size_t drawn = 0;
        for (size_t p = 0; p < s->classes[c].n_patients; p++) {
            bool is_drawn = false;
            for (size_t i = 0; i < d->n_support; i++)
                is_drawn = is_drawn || s->patient[d->support[i]] == s->classes[c].patients[p].patient;
            for (size_t i = 0; i < d->n_val; i++)
                is_drawn = is_drawn || s->patient[d->val[i]] == s->classes[c].patients[p].patient;
            drawn += is_drawn;
        }
        assert_true(drawn <= s->classes[c].n_patients / 2);
        assert_true(count_class(f, d->query, d->n_query, c) > 0);
    }
}

static void check_episode(const struct fake *f, const struct mdp_draw_source *s,
                          const struct mdp_audit *audit, const struct mdp_draw *d)
{
    struct mdp_error err = MDP_ERROR_INIT;

    assert_ok(mdp_audit_draw(audit, d, NULL, 0, &err), err);
    for (size_t c = 0; c < f->info.n_classes; c++) {
        size_t shots = count_class(f, d->support, d->n_support, c);
        assert_int_equal(shots, d->key.shots);
        if (d->has_val)
            assert_int_equal(count_class(f, d->val, d->n_val, c), d->key.shots < 4 ? d->key.shots : 4);
        /* distinct patients while the class has enough that no other class took */
        if (!d->has_val && s->has_split && count_patients(f, d->support, d->n_support, c) < shots)
            assert_true(s->classes[c].n_patients < shots * f->info.n_classes);
    }
    assert_patients_apart(f, d);
    if (!s->has_split)
        assert_half_is_left(f, s, d);
    for (size_t i = 0; i < d->n_support && s->has_split; i++)
        assert_string_equal(f->split[d->support[i]], "train");
}

static void draws_keep_patients_apart(void **state)
{
    static const size_t shots[] = {1, 2, 3, 8};
    struct fake *f = malloc(sizeof *f);
    struct mdp_error err = MDP_ERROR_INIT;
    size_t drawn = 0, refused = 0;

    (void)state;
    for (uint64_t store = 0; store < 150; store++) {
        struct mdp_draw_source source;
        struct mdp_draw_rule rule = usual_rule();
        struct mdp_audit *audit = NULL;
        make_fake(f, store);
        rule.draws_val = store % 3 == 0;
        assert_ok(mdp_audit_new(&f->info, true, &audit, &err), err);
        if (mdp_draw_source_init(&f->info, &rule, &source, &err) != MDP_OK) {
            mdp_audit_free(audit); /* a class without a picture to draw */
            continue;
        }
        for (size_t i = 0; i < 40; i++) {
            struct mdp_draw d;
            if (mdp_draw_episode(&source, shots[i % 4], i / 4, &d, &err) == MDP_OK) {
                check_episode(f, &source, audit, &d);
                drawn++;
            } else {
                assert_non_null(strstr(err.message, "pictures for the"));
                refused++;
            }
            free_draw(&d, &source);
        }
        mdp_draw_source_release(&source);
        mdp_audit_free(audit);
    }
    assert_true(drawn > 3000 && refused > 100);
    free(f);
}

/* Where a class has patients enough, its shots are of that many patients. */
static void distinct_patients_come_first(void **state)
{
    struct fake *f = malloc(sizeof *f);
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_draw_rule rule = usual_rule();
    struct mdp_draw_source source;
    struct mdp_draw d;

    (void)state;
    memset(f, 0, sizeof *f);
    f->info = (struct mdp_store_info){.path = "fake.h5",
                                      .n_classes = 2,
                                      .class_names = class_names,
                                      .ids = f->id,
                                      .patient_ids = f->patient,
                                      .splits = f->split,
                                      .labels = f->labels,
                                      .n = 64};
    for (size_t i = 0; i < 64; i++) { /* 3 patients of class 0 with 10 pictures each, 10 of class 1 with 3 */
        bool test = i >= 60;
        size_t class = i < 30 ? 0 : 1;
        snprintf(f->patients[i], sizeof f->patients[i], "P%zu", test ? 100 + i : class ? 10 + i / 3 : i / 10);
        f->id[i] = f->patient[i] = f->patients[i];
        f->split[i] = test ? "test" : "train";
        f->labels[i] = (int32_t)(test ? i % 2 : class);
    }
    assert_ok(mdp_draw_source_init(&f->info, &rule, &source, &err), err);
    for (uint64_t seed = 0; seed < 50; seed++) {
        assert_ok(mdp_draw_episode(&source, 8, seed, &d, &err), err);
        assert_int_equal(count_patients(f, d.support, d.n_support, 0), 3);
        assert_int_equal(count_patients(f, d.support, d.n_support, 1), 8);
        assert_int_equal(d.n_query, 4);
        free_draw(&d, &source);
    }
    assert_fails(
        mdp_draw_episode(&source, 31, 1, &d, &err), MDP_ERR_VALUE, err,
        "fake.h5: k31/s1: class 'normal': 30 of 31 pictures for the support; split 'train' has 30 pictures "
        "of 3 patients");
    free_draw(&d, &source);
    mdp_draw_source_release(&source);
    rule.allow_short = true;
    assert_ok(mdp_draw_source_init(&f->info, &rule, &source, &err), err);
    assert_ok(mdp_draw_episode(&source, 31, 1, &d, &err), err);
    assert_int_equal(d.n_support, 60);
    free_draw(&d, &source);
    mdp_draw_source_release(&source);
    free(f);
}

static void draws_depend_on_shots_and_seed_alone(void **state)
{
    static const size_t few[] = {2}, many[] = {1, 2, 4}, seeds[] = {1, 2, 3}, one[] = {3};
    struct fake *f = malloc(sizeof *f);
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_draw_rule rule = usual_rule();
    size_t compared = 0;

    (void)state;
    for (uint64_t store = 0; store < 60; store++) {
        struct mdp_draw_source source;
        struct mdp_draws a, b;
        make_fake(f, store);
        if (mdp_draw_source_init(&f->info, &rule, &source, &err) != MDP_OK)
            continue;
        mdp_status st = mdp_draw_episodes(&source, many, 3, seeds, 3, &a, &err);
        if (st == MDP_OK) {
            assert_ok(mdp_draw_episodes(&source, few, 1, one, 1, &b, &err), err);
            assert_string_equal(a.at[5].key.name, "k2/s3");
            assert_true(same_rows(a.at[5].support, a.at[5].n_support, b.at[0].support, b.at[0].n_support));
            assert_true(same_rows(a.at[5].query, a.at[5].n_query, b.at[0].query, b.at[0].n_query));
            /* and another seed is another draw */
            compared += !same_rows(a.at[4].support, a.at[4].n_support, b.at[0].support, b.at[0].n_support);
            mdp_draws_release(&b);
        }
        mdp_draws_release(&a);
        mdp_draw_source_release(&source);
    }
    assert_true(compared > 20);
    free(f);
}

/* Every patient of a class is drawn equally often, and every picture of a patient. Bound: chi^2 below its mean + 6
   standard deviations. */
static void draws_are_uniform(void **state)
{
    struct fake *f = malloc(sizeof *f);
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_draw_rule rule = usual_rule();
    struct mdp_draw_source source;
    size_t counts[30] = {0}, total = 0;
    double chi2 = 0;

    (void)state;
    memset(f, 0, sizeof *f);
    f->info = (struct mdp_store_info){.path = "fake.h5",
                                      .n_classes = 2,
                                      .class_names = class_names,
                                      .ids = f->id,
                                      .patient_ids = f->patient,
                                      .splits = f->split,
                                      .labels = f->labels,
                                      .n = 62};
    for (size_t i = 0; i < 62; i++) {
        snprintf(f->patients[i], sizeof f->patients[i], "P%zu", i / 2);
        f->id[i] = f->patient[i] = f->patients[i];
        f->split[i] = i < 60 ? "train" : "test";
        f->labels[i] = i < 60 ? i >= 30 : 0;
    }
    assert_ok(mdp_draw_source_init(&f->info, &rule, &source, &err), err);
    for (uint64_t seed = 0; seed < 6000; seed++) {
        struct mdp_draw d;
        assert_ok(mdp_draw_episode(&source, 4, seed, &d, &err), err);
        for (size_t i = 0; i < d.n_support; i++)
            if (d.support[i] < 30)
                counts[d.support[i]]++, total++;
        free_draw(&d, &source);
    }
    for (size_t i = 0; i < 30; i++) {
        double expected = (double)total / 30;
        chi2 += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    }
    assert_true(chi2 < 29 + 6 * sqrt(2.0 * 29));
    assert_true(chi2 > 5); /* and not suspiciously even: chance, not a rota */
    mdp_draw_source_release(&source);
    free(f);
}

/* The fault that matters most, planted: pictures drawn without a look at patients. */
static void the_audit_catches_draws_without_patients(void **state)
{
    struct fake *f = malloc(sizeof *f);
    struct mdp_error err = MDP_ERROR_INIT;
    size_t caught = 0, drawn = 0;

    (void)state;
    for (uint64_t store = 0; store < 40; store++) {
        struct mdp_draw_rule rule = usual_rule();
        struct mdp_draw_source source;
        struct mdp_audit *audit = NULL;
        rule.by_patient = false;
        make_fake(f, store);
        f->info.splits = NULL;
        assert_ok(mdp_audit_new(&f->info, true, &audit, &err), err);
        assert_ok(mdp_draw_source_init(&f->info, &rule, &source, &err), err);
        for (uint64_t seed = 0; seed < 10; seed++) {
            struct mdp_draw d;
            if (mdp_draw_episode(&source, 4, seed, &d, &err) == MDP_OK) {
                drawn++;
                caught += mdp_audit_draw(audit, &d, NULL, 0, &err) == MDP_ERR_CHECK;
            }
            free_draw(&d, &source);
        }
        mdp_draw_source_release(&source);
        mdp_audit_free(audit);
    }
    assert_true(drawn > 200 && caught > drawn * 9 / 10);
    free(f);
}

static void the_audit_names_what_it_finds(void **state)
{
    struct fake *f = malloc(sizeof *f);
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_audit *audit = NULL;
    int64_t support[] = {0, 1}, val[] = {2}, query[] = {3, 4};
    struct mdp_draw d = {.key = mdp_episode_key_of(1, 1),
                         .n_support = 2,
                         .n_val = 1,
                         .n_query = 2,
                         .support = support,
                         .val = val,
                         .query = query};

    (void)state;
    memset(f, 0, sizeof *f);
    f->info = (struct mdp_store_info){.path = "x.h5",
                                      .n = 5,
                                      .n_classes = 2,
                                      .class_names = class_names,
                                      .ids = f->id,
                                      .patient_ids = f->patient,
                                      .splits = f->split,
                                      .labels = f->labels,
                                      .sha256 = f->sha256[0]};
    for (size_t i = 0; i < 5; i++) {
        snprintf(f->ids[i], sizeof f->ids[i], "img%zu", i);
        snprintf(f->patients[i], sizeof f->patients[i], "P%zu", i);
        f->id[i] = f->ids[i];
        f->patient[i] = f->patients[i];
        f->split[i] = i < 2 ? "train" : i == 2 ? "val" : "test";
    }
    const char *const splits[] = {"train", "test"};
    assert_ok(mdp_audit_new(&f->info, true, &audit, &err), err);
    assert_ok(mdp_audit_draw(audit, &d, NULL, 0, &err), err); /* digests of zeros are no digests */
    assert_ok(mdp_audit_splits(audit, splits, 2, &err), err);
    mdp_audit_free(audit);

    f->sha256[1][0] = f->sha256[4][0] = 9;
    assert_ok(mdp_audit_new(&f->info, true, &audit, &err), err);
    assert_fails(
        mdp_audit_draw(audit, &d, NULL, 0, &err), MDP_ERR_CHECK, err,
        "x.h5: k1/s1: the same file on both sides: support id 'img1' (row 1), query id 'img4' (row 4)");
    mdp_audit_free(audit);

    strcpy(f->patients[3], "P2");
    assert_ok(mdp_audit_new(&f->info, true, &audit, &err), err);
    assert_fails(mdp_audit_draw(audit, &d, NULL, 0, &err), MDP_ERR_CHECK, err,
                 "x.h5: k1/s1: a patient on both sides: val id 'img2' (row 2), query id 'img3' (row 3)");
    assert_ok(mdp_audit_splits(audit, splits, 2, &err), err); /* val is not used */
    mdp_audit_free(audit);

    strcpy(f->patients[3], "P0");
    assert_ok(mdp_audit_new(&f->info, true, &audit, &err), err);
    assert_fails(
        mdp_audit_splits(audit, splits, 2, &err), MDP_ERR_CHECK, err,
        "x.h5: patient 'P0' is in two splits: id 'img0' (row 0) in 'train', id 'img3' (row 3) in 'test' "
        "(mend the manifest: a patient belongs to one split)");
    query[0] = 1;
    assert_fails(mdp_audit_draw(audit, &d, NULL, 0, &err), MDP_ERR_CHECK, err,
                 "x.h5: k1/s1: a row on both sides: support id 'img1' (row 1), query id 'img1' (row 1)");
    query[0] = 5;
    assert_fails(mdp_audit_draw(audit, &d, NULL, 0, &err), MDP_ERR_VALUE, err,
                 "x.h5: k1/s1: query row 5, expected one of the store's 5 rows");
    query[0] = 3;
    f->labels[3] = -1;
    assert_fails(mdp_audit_draw(audit, &d, NULL, 0, &err), MDP_ERR_VALUE, err,
                 "x.h5: k1/s1: query id 'img3' (row 3) has no label");
    mdp_audit_free(audit);
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patients_are_numbered_by_first_row),
        cmocka_unit_test(draws_keep_patients_apart),
        cmocka_unit_test(distinct_patients_come_first),
        cmocka_unit_test(draws_depend_on_shots_and_seed_alone),
        cmocka_unit_test(draws_are_uniform),
        cmocka_unit_test(the_audit_catches_draws_without_patients),
        cmocka_unit_test(the_audit_names_what_it_finds),
    };
    return cmocka_run_group_tests_name("draws", tests, NULL, NULL);
}
