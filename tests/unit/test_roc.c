/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: the AUC, its placements and the curve, against their definitions. (Variances: tests/reference/test_statistics.py.) */
#include "base/numbers/rng.h"
#include "eval/metrics/roc.h"

#include "unit/unit.h"

#include <math.h>

enum { MOST = 40 };

/* Twin: the definition, all pairs. `tie` is what a tied pair counts. */
static double auc_by_pairs(const double s[], const uint8_t y[], size_t n, double tie)
{
    double sum = 0, pairs = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (y[i] && !y[j]) {
                sum += s[i] > s[j] ? 1 : s[i] == s[j] ? tie : 0;
                pairs++;
            }
    return sum / pairs;
}

/* n rows with many ties, the first two of either side. */
static size_t random_case(struct mdp_rng *rng, double s[], uint8_t y[])
{
    const size_t n = 2 + mdp_rng_below(rng, MOST - 1);

    for (size_t i = 0; i < n; i++) {
        s[i] = (double)mdp_rng_below(rng, 6) / 5;
        y[i] = i < 2 ? (uint8_t)i : (uint8_t)mdp_rng_below(rng, 2);
    }
    return n;
}

static double auc_of(const double s[], const uint8_t y[], size_t n)
{
    double placements[MOST];
    struct mdp_auc auc;
    struct mdp_error err = MDP_ERROR_INIT;

    assert_ok(mdp_auc_placements(s, y, n, &auc, placements, &err), err);
    return auc.value;
}

static void equals_the_definition(void **state)
{
    double s[MOST], moved[MOST];
    uint8_t y[MOST];
    size_t seen = 0;
    struct mdp_rng rng;

    (void)state;
    mdp_rng_init(&rng, 1, 0, 99);
    for (int i = 0; i < 2000; i++) {
        const size_t n = random_case(&rng, s, y);
        const double auc = auc_of(s, y, n);
        assert_true(fabs(auc - auc_by_pairs(s, y, n, 0.5)) < 1e-14);
        /* The fault of counting ties as nothing would have been seen. */
        seen += fabs(auc - auc_by_pairs(s, y, n, 0)) > 1e-3;
        for (size_t j = 0; j < n; j++)
            moved[j] = -exp(s[j]);
        assert_true(fabs(auc + auc_of(moved, y, n) - 1) < 1e-14);
    }
    assert_true(seen > 1000);
}

/* The mean placement of either side is the AUC. */
static void placements_average_to_the_auc(void **state)
{
    double s[MOST], placements[MOST];
    uint8_t y[MOST];
    struct mdp_rng rng;
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    mdp_rng_init(&rng, 2, 0, 99);
    for (int i = 0; i < 200; i++) {
        double sum[2] = {0, 0};
        struct mdp_auc auc;
        const size_t n = random_case(&rng, s, y);
        assert_ok(mdp_auc_placements(s, y, n, &auc, placements, &err), err);
        for (size_t j = 0; j < n; j++)
            sum[y[j]] += placements[j];
        assert_true(fabs(sum[1] / (double)auc.n1 - auc.value) < 1e-14);
        assert_true(fabs(sum[0] / (double)auc.n0 - auc.value) < 1e-14);
    }
}

static void says_which_score_is_nan(void **state)
{
    const double s[] = {1, NAN, 3};
    const uint8_t y[] = {0, 1, 1};
    double placements[3];
    struct mdp_auc auc;
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    assert_fails(mdp_auc_placements(s, y, 3, &auc, placements, &err), MDP_ERR_VALUE, err,
                 "score 1 of 3 is not a number");
}

/* A step up at fpr 0, a tie as a diagonal, then the corner. */
static void reads_the_curve(void **state)
{
    const double s[] = {5, 4, 3, 3, 1};
    const uint8_t y[] = {1, 1, 1, 0, 0};
    const double fpr[] = {0, 0.25, 0.5, 0.75, 1};
    const double expected[] = {2.0 / 3, 5.0 / 6, 1, 1, 1};
    double tpr[5];
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    assert_ok(mdp_roc_at(s, y, 5, fpr, 5, tpr, &err), err);
    for (size_t i = 0; i < 5; i++)
        assert_true(fabs(tpr[i] - expected[i]) < 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_definition),
        cmocka_unit_test(placements_average_to_the_auc),
        cmocka_unit_test(says_which_score_is_nan),
        cmocka_unit_test(reads_the_curve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
