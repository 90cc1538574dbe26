/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: the optimum does not depend on the start, on the span or on the order of rows; folds keep patients whole
   and classes in every fold; the rule takes the smaller of equal C. (Values: tests/reference/test_logreg.py.)
   Faults once planted and seen: the sign of LIBLINEAR's weights taken by the label seen first; ties to the larger C;
   folds dealt by picture. */
#include "unit/unit.h"

#include "base/numbers/rng.h"
#include "probe/c_rule.h"
#include "probe/folds.h"
#include "probe/solvers/liblinear.h"

#include <math.h>

enum { ROWS = 30, FEATURES = 40, MOST = 6 };

static double uniform(struct mdp_rng *rng)
{
    return (double)mdp_rng_u32(rng) / 4294967296.0 * 2 - 1;
}

static void make_rows(uint64_t seed, size_t n, size_t k, float x[], int32_t y[])
{
    struct mdp_rng rng;

    mdp_rng_init(&rng, seed, 0, 0x5017);
    for (size_t i = 0; i < n; i++) {
        y[i] = (int32_t)(i % k);
        for (size_t j = 0; j < FEATURES; j++)
            x[i * FEATURES + j] = (float)(uniform(&rng) + (j % k == (size_t)y[i] ? 0.3 : 0.0));
    }
}

static double distance(const double a[], const double b[], size_t n)
{
    double most = 0, size = 0;

    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs(a[i] - b[i]));
        size = fmax(size, fabs(a[i]));
    }
    return most / size;
}

/* coef and intercept of a fit from a start that is zero or random. */
static void fit(const float x[], const int32_t y[], size_t n, size_t k, double c, uint64_t start,
                double coef[], double intercept[])
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_span span;
    struct mdp_logistic_report report;
    struct mdp_rng rng;

    assert_ok(mdp_span_init(x, n, FEATURES, &span, &err), err);
    size_t q = span.r + 1, m = mdp_linear_rows(k);
    double *w = calloc(m * q, sizeof *w);
    mdp_rng_init(&rng, start, 0, 0x57a7);
    for (size_t i = 0; i < m * q && start; i++)
        w[i] = 3 * uniform(&rng);
    const struct mdp_fit_problem problem = {.n = n, .q = q, .k = k, .x = span.z, .y = y};
    assert_ok(mdp_logistic_fit(&problem, c, w, &report, &err), err);
    assert_true(report.gradient <= MDP_LOGISTIC_TOLERANCE);
    mdp_span_lift(&span, w, m, coef, intercept);
    free(w);
    mdp_span_release(&span);
}

static void the_optimum_is_one(void **state)
{
    static const double cs[] = {1e-3, 1, 1e3};
    float x[ROWS * FEATURES], turned[ROWS * FEATURES];
    int32_t y[ROWS], turned_y[ROWS];
    double a[MOST * FEATURES], b[MOST * FEATURES], ia[MOST], ib[MOST];

    (void)state;
    for (size_t k = 2; k <= 4; k++)
        for (uint64_t seed = 0; seed < 30; seed++)
            for (size_t i = 0; i < 3; i++) {
                size_t m = mdp_linear_rows(k);
                make_rows(seed, ROWS, k, x, y);
                for (size_t r = 0; r < ROWS;
                     r++) { /* the last row first: another span, class 0 not seen first */
                    memcpy(turned + r * FEATURES, x + (ROWS - 1 - r) * FEATURES, FEATURES * sizeof *x);
                    turned_y[r] = y[ROWS - 1 - r];
                }
                fit(x, y, ROWS, k, cs[i], 0, a, ia);
                fit(turned, turned_y, ROWS, k, cs[i], seed + 1, b, ib);
                assert_true(distance(a, b, m * FEATURES) < 1e-7);
                for (size_t j = 0; j < m; j++)
                    assert_true(fabs(ia[j] - ib[j]) < 1e-7 * (1 + fabs(ia[j])));
            }
}

static double objective(const struct mdp_fit_problem *p, double c, const double w[])
{
    double sum = 0;

    for (size_t i = 0; i < p->n; i++) {
        double z = 0;
        for (size_t j = 0; j < p->q; j++)
            z += w[j] * p->x[i * p->q + j];
        sum += c * log1p(exp(p->y[i] ? -z : z));
    }
    for (size_t j = 0; j + 1 < p->q; j++)
        sum += w[j] * w[j] / 2;
    return sum;
}

/* Nearer to the optimum than zero, whichever label comes first. */
static void liblinear_starts_on_the_right_side(void **state)
{
    float x[ROWS * FEATURES];
    int32_t y[ROWS];
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    for (int first = 0; first < 2; first++) {
        struct mdp_span span;
        double zero[ROWS + 1] = {0}, w[ROWS + 1];
        make_rows(5, ROWS, 2, x, y);
        for (size_t i = 0; i < ROWS; i++)
            y[i] = (int32_t)((i + (size_t)first) % 2);
        assert_ok(mdp_span_init(x, ROWS, FEATURES, &span, &err), err);
        const struct mdp_fit_problem p = {.n = ROWS, .q = span.r + 1, .k = 2, .x = span.z, .y = y};
        assert_ok(mdp_liblinear_start(&p, 1.0, w, &err), err);
        assert_true(objective(&p, 1.0, w) < 0.9 * objective(&p, 1.0, zero));
        mdp_span_release(&span);
    }
}

static void folds_keep_patients_and_classes(void **state)
{
    struct mdp_rng rng;
    size_t with_folds = 0;

    (void)state;
    mdp_rng_init(&rng, 1, 0, 0xf01d);
    for (int round = 0; round < 2000; round++) {
        int32_t labels[60];
        uint32_t patient[60];
        size_t fold[60], n_folds = 0, n = 1 + mdp_rng_below(&rng, 60), k = 2 + mdp_rng_below(&rng, 3);
        struct mdp_error err = MDP_ERROR_INIT;
        for (size_t i = 0; i < n; i++) { /* a patient belongs to one class */
            patient[i] = (uint32_t)mdp_rng_below(&rng, 25);
            labels[i] = (int32_t)(patient[i] % k);
        }
        assert_ok(mdp_folds(labels, patient, n, k, fold, &n_folds, &err), err);
        if (n_folds == 0)
            continue;
        with_folds++;
        assert_in_range(n_folds, 2, MDP_MOST_FOLDS);
        for (size_t f = 0; f < n_folds; f++)
            for (size_t c = 0; c < k; c++) {
                size_t held = 0;
                for (size_t i = 0; i < n; i++)
                    held += fold[i] == f && labels[i] == (int32_t)c;
                assert_true(held > 0);
            }
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < i; j++)
                assert_true(patient[i] != patient[j] || fold[i] == fold[j]);
    }
    assert_true(with_folds > 1000);
}

static void ties_go_to_the_smaller_c(void **state)
{
    double loss[MDP_C_COUNT];

    (void)state;
    for (size_t i = 0; i < MDP_C_COUNT; i++)
        loss[i] = 1.0;
    assert_int_equal(mdp_c_smallest(loss), 0);
    loss[4] = loss[9] = 0.5;
    assert_int_equal(mdp_c_smallest(loss), 4);
    loss[9] = 0.5 * (1 - 1e-12);
    assert_int_equal(mdp_c_smallest(loss), 4);
    loss[9] = 0.499;
    assert_int_equal(mdp_c_smallest(loss), 9);
    loss[0] = NAN;
    loss[9] = INFINITY;
    assert_int_equal(mdp_c_smallest(loss), 4);
    for (size_t i = 0; i < MDP_C_COUNT; i++)
        assert_true(fabs(log10(mdp_c_candidate(i)) - (-3 + 0.5 * (double)i)) < 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_optimum_is_one),
        cmocka_unit_test(liblinear_starts_on_the_right_side),
        cmocka_unit_test(folds_keep_patients_and_classes),
        cmocka_unit_test(ties_go_to_the_smaller_c),
    };
    return cmocka_run_group_tests_name("solvers", tests, NULL, NULL);
}
