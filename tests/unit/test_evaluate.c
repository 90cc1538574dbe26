/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: the door of the eval stage as a whole: what belongs together, bytes, nulls and refusals. (Values of metrics,
   intervals and tests: tests/reference/.) */
#include "base/numbers/rng.h"
#include "eval/evaluate.h"
#include "eval/provenance_keys.h"
#include "eval/results_file.h"
#include "eval/results_json.h"
#include "eval/score_table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROWS = 120, PATIENTS = 40, CLASSES = 3, EPISODES = 7 }; /* zero-shot, and 2 shots x 3 seeds */

static const char *const class_names[CLASSES] = {"normal", "a \"quoted\", name", "tuberculosis"};

/* A small study: scores that are better the more shots, from fixed streams. */
struct study {
    int32_t labels[ROWS];
    uint32_t patients[ROWS];
    struct mdp_prediction at[EPISODES];
    struct mdp_eval_input in;
    struct mdp_eval_options options;
};

static double uniform(struct mdp_rng *rng)
{
    return (mdp_rng_u32(rng) + 0.5) / 4294967296.0;
}

static void fill_scores(struct study *s, struct mdp_prediction *p, double skill, uint32_t stream)
{
    struct mdp_rng rng;

    mdp_rng_init(&rng, 7, stream, 99);
    for (size_t i = 0; i < p->n; i++) {
        double sum = 0, *out = p->scores + i * CLASSES;
        for (size_t c = 0; c < CLASSES; c++) {
            out[c] = 0.05 + uniform(&rng) + skill * ((size_t)s->labels[p->rows[i]] == c);
            sum += out[c];
        }
        for (size_t c = 0; c < CLASSES; c++)
            out[c] /= sum;
    }
}

static mdp_status from_memory(void *context, size_t i, const struct mdp_prediction **prediction,
                              struct mdp_error *err)
{
    (void)err;
    *prediction = (const struct mdp_prediction *)context + i;
    return MDP_OK;
}

static struct study *new_study(void)
{
    struct study *s = calloc(1, sizeof *s);
    struct mdp_rng rng;

    mdp_rng_init(&rng, 1, 1, 99);
    for (size_t i = 0; i < ROWS; i++) {
        s->patients[i] = (uint32_t)(i % PATIENTS);
        s->labels[i] = (int32_t)mdp_rng_below(&rng, CLASSES);
    }
    for (size_t e = 0; e < EPISODES; e++) {
        struct mdp_prediction *p = &s->at[e];
        p->key = mdp_episode_key_of(e == 0 ? 0 : e <= 3 ? 4 : 16, e == 0 ? 0 : (e - 1) % 3 + 1);
        p->c = e == 0 ? NAN : 1;
        snprintf(p->method, sizeof p->method, "%s", e == 0 ? "zero-shot" : "logreg");
        p->n = ROWS - (e == 0 ? 0 : e); /* without a test split the query rows differ */
        p->k = CLASSES;
        p->rows = calloc(p->n, sizeof *p->rows);
        p->scores = calloc(p->n * p->k, sizeof *p->scores);
        for (size_t i = 0; i < p->n; i++)
            p->rows[i] = (int64_t)(i + (e == 0 ? 0 : e));
        fill_scores(s, p, 0.2 + 0.02 * (double)p->key.shots, (uint32_t)e);
    }
    s->in = (struct mdp_eval_input){.source = {EPISODES, from_memory, s->at},
                                    .n_rows = ROWS,
                                    .labels = s->labels,
                                    .patients = s->patients,
                                    .n_classes = CLASSES,
                                    .class_names = class_names,
                                    .model = "m",
                                    .pretrained = "p",
                                    .dataset = "d"};
    s->options = mdp_eval_defaults;
    s->options.resamples = 1000;
    return s;
}

static void free_study(struct study *s)
{
    for (size_t e = 0; e < EPISODES; e++) {
        free(s->at[e].rows);
        free(s->at[e].scores);
    }
    free(s);
}

static void evaluate(const struct study *s, struct mdp_results *r)
{
    struct mdp_error err = MDP_ERROR_INIT;

    if (mdp_evaluate(&s->in, &s->options, r, &err) != MDP_OK)
        fail_msg("%s", err.message);
}

static char *json_of(const struct study *s)
{
    struct mdp_results r;
    struct mdp_text t = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    evaluate(s, &r);
    assert_int_equal(mdp_results_to_json(&r, &t, &err), MDP_OK);
    mdp_results_release(&r);
    return t.at;
}

static void refuses(struct study *s, mdp_status status, const char *message)
{
    struct mdp_results r;
    struct mdp_error err = MDP_ERROR_INIT;

    assert_int_equal(mdp_evaluate(&s->in, &s->options, &r, &err), status);
    assert_string_equal(err.message, message);
    assert_null(r.pool);
}

/* Fault seen: drawing a resample from a stream that the worker has a part in. */
static void bytes_do_not_depend_on_threads(void **state)
{
    struct study *s = new_study();
    char *one = json_of(s);

    (void)state;
    s->options.threads = 4;
    char *four = json_of(s);
    assert_string_equal(one, four);
    free(one);
    free(four);
    free_study(s);
}

static void a_mean_is_the_mean_of_its_episodes(void **state)
{
    struct study *s = new_study();
    struct mdp_results r;

    (void)state;
    evaluate(s, &r);
    assert_int_equal(r.n_episodes, EPISODES);
    assert_int_equal(r.n_results, 3 * r.n_metrics);
    assert_int_equal(r.n_comparisons, 2 * r.n_metrics);
    for (size_t m = 0; m < r.n_metrics; m++) {
        const struct mdp_result *x = mdp_results_find(&r, "logreg", 16, r.metrics[m]);
        double sum = 0;
        for (size_t e = 4; e < 7; e++)
            sum += r.episodes[e].values[m];
        assert_non_null(x);
        assert_true(fabs(x->mean - sum / 3) < 1e-14);
        assert_true(x->ci_low <= x->mean && x->mean <= x->ci_high && x->ci_low < x->ci_high);
        assert_int_equal(x->n_episodes, 3);
        assert_int_equal(x->n_test, ROWS - 6);
        assert_int_equal(x->n_patients, PATIENTS);
        assert_null(x->reason);
    }
    mdp_results_release(&r);
    free_study(s);
}

/* The baseline is compared on the rows of the episode, not on its own. Fault seen: using its own value. */
static void differences_are_taken_on_the_same_rows(void **state)
{
    struct study *s = new_study();
    struct mdp_results r;
    double difference = 0;

    (void)state;
    evaluate(s, &r);
    for (size_t e = 1; e <= 3; e++) {
        const struct mdp_prediction *p = &s->at[e];
        size_t right[2] = {0, 0};
        for (size_t i = 0; i < p->n; i++)
            for (int b = 0; b < 2; b++) {
                const double *x =
                    b ? s->at[0].scores + (size_t)p->rows[i] * CLASSES : p->scores + i * CLASSES;
                int best = x[1] > x[0];
                best = x[2] > x[best] ? 2 : best;
                right[b] += best == s->labels[p->rows[i]];
            }
        difference += ((double)right[0] - (double)right[1]) / (double)p->n / 3;
    }
    for (size_t i = 0; i < r.n_comparisons; i++) {
        const struct mdp_comparison *c = &r.comparisons[i];
        assert_true(c->p >= 0 && c->p <= c->p_adjusted && c->p_adjusted <= 1);
        assert_true(c->ci_low <= c->difference && c->difference <= c->ci_high);
        if (c->shots == 4 && strcmp(c->metric, "accuracy") == 0)
            assert_true(fabs(c->difference - difference) < 1e-14);
    }
    mdp_results_release(&r);
    free_study(s);
}

static void equal_scores_give_no_difference(void **state)
{
    struct study *s = new_study();
    struct mdp_results r;

    (void)state;
    for (size_t e = 1; e < EPISODES; e++)
        for (size_t i = 0; i < s->at[e].n; i++)
            memcpy(s->at[e].scores + i * CLASSES, s->at[0].scores + (size_t)s->at[e].rows[i] * CLASSES,
                   CLASSES * sizeof(double));
    evaluate(s, &r);
    for (size_t i = 0; i < r.n_comparisons; i++) {
        assert_true(r.comparisons[i].difference == 0 && r.comparisons[i].p == 1);
        assert_true(r.comparisons[i].ci_low == 0 && r.comparisons[i].ci_high == 0);
    }
    for (size_t t = 0; t < r.episodes[1].n_tests; t++)
        assert_true(r.episodes[1].tests[t].difference == 0 && r.episodes[1].tests[t].p == 1);
    mdp_results_release(&r);
    free_study(s);
}

static void an_absent_class_is_null_with_a_reason(void **state)
{
    struct study *s = new_study();
    struct mdp_results r;

    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        s->labels[i] = s->labels[i] == 1 ? 0 : s->labels[i];
    evaluate(s, &r);
    const struct mdp_result *x = mdp_results_find(&r, "logreg", 4, "auc:a \"quoted\", name");
    assert_non_null(x);
    assert_true(isnan(x->mean) && isnan(x->ci_low) && isnan(x->std));
    assert_string_equal(x->reason, "none of the 119 rows is of class 'a \"quoted\", name'");
    assert_true(mdp_results_find(&r, "logreg", 4, "accuracy")->mean > 0);
    assert_true(isnan(mdp_results_find(&r, "logreg", 4, "balanced_accuracy")->mean));
    mdp_results_release(&r);
    free_study(s);
}

/* Episodes without the metric are left out of mean, interval and degrees of freedom, and that is said. Seen before: "one
   episode of 3, undefined in the others" where it is undefined in all, no count in comparisons, and degrees of freedom
   from the patients of an episode that was left out. */
static void a_mean_says_over_how_many_episodes_it_is(void **state)
{
    enum {
        ONLY = 30
    }; /* rows of one class that the first episode at 16 shots is scored on, of 10 patients */
    struct study *s = new_study();
    struct mdp_results r;
    struct mdp_text json = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    struct mdp_prediction *p = &s->at[4];
    for (size_t i = 0; i < ONLY; i++) {
        s->labels[i] = 0;
        s->patients[i] = (uint32_t)(i % 10);
        p->rows[i] = (int64_t)i;
    }
    p->n = ONLY;
    evaluate(s, &r);
    const struct mdp_result *x = mdp_results_find(&r, "logreg", 16, "auc_ovr_macro");
    assert_int_equal(x->n_episodes, 3);
    assert_int_equal(x->n_defined, 2);
    assert_int_equal(x->n_test, ONLY);
    assert_non_null(strstr(x->definition,
                           "mean over 2 episodes of 3, undefined in the others; 95 % interval over draws "
                           "and 40 test patients"));
    assert_non_null(strstr(mdp_results_find(&r, "logreg", 16, "accuracy")->definition,
                           "mean over 3 episodes; 95 % interval over draws and 10 to 40 test patients"));
    assert_int_equal(mdp_results_find_comparison(&r, "logreg", 16, "auc_ovr_macro")->n_defined, 2);
    assert_int_equal(mdp_results_to_json(&r, &json, &err), MDP_OK);
    assert_non_null(strstr(json.at, "\"metric\": \"auc_ovr_macro\", \"n_defined\": 2, \"difference\""));
    mdp_text_release(&json);
    mdp_results_release(&r);
    for (size_t i = 0; i < ROWS; i++)
        s->labels[i] = s->labels[i] == 1 ? 0 : s->labels[i];
    evaluate(s, &r);
    assert_non_null(strstr(mdp_results_find(&r, "logreg", 4, "auc_ovr_macro")->definition,
                           "; undefined in all 3 episodes; no interval"));
    assert_non_null(strstr(mdp_results_find(&r, "zero-shot", 0, "auc_ovr_macro")->definition,
                           "; undefined in the one episode; no interval"));
    mdp_results_release(&r);
    free_study(s);
}

/* What a reader must know of the test rows, and only then. As many rows were taken for the same rows. */
static void what_must_be_known_of_the_rows_is_noted(void **state)
{
    struct study *s = new_study();
    struct mdp_results r;

    (void)state;
    evaluate(s, &r);
    assert_non_null(mdp_results_fact(&r, MDP_FACT_KEY_TEST_ROWS));
    assert_null(mdp_results_fact(&r, MDP_FACT_KEY_RAREST_PATIENTS));
    assert_false(r.same_rows);
    mdp_results_release(&r);
    for (size_t e = 0; e < EPISODES; e++) {
        s->at[e].n = ROWS - EPISODES;
        for (size_t i = 0; i < s->at[e].n; i++)
            s->at[e].rows[i] = (int64_t)i;
    }
    evaluate(s, &r);
    assert_null(mdp_results_fact(&r, MDP_FACT_KEY_TEST_ROWS));
    assert_true(r.same_rows);
    mdp_results_release(&r);
    for (size_t i = 0; i < s->at[3].n; i++)
        s->at[3].rows[i]++; /* as many, but others */
    for (size_t i = 0; i < ROWS; i++)
        s->labels[i] = s->labels[i] == 1 ? 0 : s->labels[i];
    for (size_t i = 50; i < 55; i++) {
        s->labels[i] = 1;
        s->patients[i] = (uint32_t)(i % 3);
    }
    evaluate(s, &r);
    assert_non_null(mdp_results_fact(&r, MDP_FACT_KEY_TEST_ROWS));
    assert_false(r.same_rows);
    assert_int_equal(mdp_results_fact(&r, MDP_FACT_KEY_RAREST_PATIENTS)->count, 3);
    assert_string_equal(mdp_results_fact(&r, MDP_FACT_KEY_RAREST_CLASS)->text, class_names[1]);
    mdp_results_release(&r);
    free_study(s);
}

/* The table for readers had the pictures of the smallest episode. */
static void episodes_of_different_sizes_show_both_ends(void **state)
{
    struct study *s = new_study();
    struct mdp_results r;
    struct mdp_text t = {0};

    (void)state;
    evaluate(s, &r);
    assert_false(r.same_rows);
    r.results[0].n_defined = 3; /* a number of fewer episodes than there are says so */
    r.results[0].n_episodes = 4;
    mdp_results_to_text(&r, &t);
    assert_non_null(strstr(t.at, "40  defined in 3 of 4 episodes\n"));
    assert_non_null(strstr(t.at, "   114 to 116           40\n"));
    assert_non_null(strstr(t.at, "          120           40\n"));
    mdp_text_release(&t);
    mdp_results_release(&r);
    free_study(s);
}

static void one_patient_has_no_interval_over_patients(void **state)
{
    struct study *s = new_study();
    struct mdp_results r;

    (void)state;
    memset(s->patients, 0, sizeof s->patients);
    evaluate(s, &r);
    assert_true(isnan(mdp_results_find(&r, "zero-shot", 0, "accuracy")->ci_low));
    assert_non_null(strstr(mdp_results_find(&r, "zero-shot", 0, "accuracy")->definition, "no interval"));
    assert_non_null(strstr(mdp_results_find(&r, "logreg", 4, "accuracy")->definition, "draws only"));
    /* What was drawn, not what was asked for: 1000 stood here. */
    for (size_t i = 0; i < r.n_provenance; i++)
        if (strcmp(r.provenance[i].key, "intervals.resamples") == 0)
            assert_int_equal(r.provenance[i].count, 0);
    mdp_results_release(&r);
    free_study(s);
}

static void what_is_written_is_read(void **state)
{
    static const char *const texts[] = {"x", "y"};
    static const size_t counts[] = {1, 2, 3};
    const struct mdp_fact facts[] = {
        {.kind = MDP_FACT_TEXT, .key = "protocol", .text = "medprobe"},
        {.kind = MDP_FACT_COUNTS, .key = "seeds", .counts = counts, .n = 3},
        {.kind = MDP_FACT_TEXT, .key = "libraries.hdf5", .text = "1.10.8"},
        {.kind = MDP_FACT_TEXTS, .key = "libraries.more", .texts = texts, .n = 2},
        {.kind = MDP_FACT_NUMBER, .key = "level", .number = 0.1},
        {.kind = MDP_FACT_TEXT, .key = "nothing", .text = NULL},
    };
    char folder[] = "/tmp/medprobe-test-XXXXXX", path[64], command[96];
    struct study *s = new_study();
    struct mdp_results r, again;
    struct mdp_text a = {0}, b = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    s->in.provenance = facts;
    s->in.n_provenance = sizeof facts / sizeof facts[0];
    assert_non_null(mkdtemp(folder));
    evaluate(s, &r);
    if (mdp_results_write(folder, &r, &err) != MDP_OK)
        fail_msg("%s", err.message);
    snprintf(path, sizeof path, "%s/results.json", folder);
    if (mdp_results_read(path, &again, &err) != MDP_OK)
        fail_msg("%s", err.message);
    assert_int_equal(mdp_results_to_json(&r, &a, &err), MDP_OK);
    assert_int_equal(mdp_results_to_json(&again, &b, &err), MDP_OK);
    assert_string_equal(a.at, b.at);
    assert_non_null(strstr(a.at, "\"libraries\": {\"hdf5\": \"1.10.8\", \"more\": [\"x\", \"y\"]}"));
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    mdp_text_release(&a);
    mdp_text_release(&b);
    mdp_results_release(&r);
    mdp_results_release(&again);
    free_study(s);
}

static void stops_in_order_when_asked(void **state)
{
    struct study *s = new_study();
    volatile sig_atomic_t stop = 1;

    (void)state;
    s->options.stop = &stop;
    refuses(s, MDP_ERR_INTERRUPTED, "interrupted (nothing is kept: run again to start anew)");
    free_study(s);
}

static void says_what_is_wrong(void **state)
{
    struct study *s = new_study();

    (void)state;
    s->labels[5] = -1;
    refuses(s, MDP_ERR_VALUE, "scores of zero-shot/k0/s0: row 5 has no label");
    s->labels[5] = 0;
    s->at[2].rows[3] = ROWS;
    refuses(s, MDP_ERR_VALUE, "scores of logreg/k4/s2: row 120 is outside the store of 120 rows");
    s->at[2].rows[3] = 5;
    s->at[2].scores[3 * CLASSES + 1] = NAN;
    refuses(s, MDP_ERR_VALUE, "scores of logreg/k4/s2: row 5: score of class 1 is not a finite number");
    s->at[2].k = 2;
    refuses(s, MDP_ERR_VALUE, "scores of logreg/k4/s2: 2 columns, expected one for each of 3 classes");
    free_study(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_do_not_depend_on_threads),
        cmocka_unit_test(a_mean_is_the_mean_of_its_episodes),
        cmocka_unit_test(differences_are_taken_on_the_same_rows),
        cmocka_unit_test(equal_scores_give_no_difference),
        cmocka_unit_test(an_absent_class_is_null_with_a_reason),
        cmocka_unit_test(a_mean_says_over_how_many_episodes_it_is),
        cmocka_unit_test(what_must_be_known_of_the_rows_is_noted),
        cmocka_unit_test(episodes_of_different_sizes_show_both_ends),
        cmocka_unit_test(one_patient_has_no_interval_over_patients),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(stops_in_order_when_asked),
        cmocka_unit_test(says_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
