/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: elementwise kernels and attention, against their plain twins in double, every variant that runs here. */
#include "reference/twins/kernel_twins.h"
#include "unit/kernel_cases.h"

#include "extract/kernels/normalise.h"

#include <float.h>

static const struct mdp_kernels *variants[MOST_VARIANTS];
static size_t n_variants;

static int find_variants(void **state)
{
    (void)state;
    n_variants = usable_variants(variants);
    return n_variants == 0;
}

/* Bound: see body/gelu.h. Every 1021st float of each sign, and the special ones.
   Planted: the coefficient of a^2 changed by 2^-17 of itself is seen here. */
static void gelu_equals_its_twin(void **state)
{
    (void)state;
    const size_t most = 2 * (0x7f000000u / 1021 + 1);
    float *x = malloc(most * sizeof *x), *y = malloc(most * sizeof *y);
    size_t n = 0;

    assert_true(x && y);
    for (uint32_t bits = 0; bits < 0x7f000000u; bits += 1021)
        for (int sign = 0; sign < 2; sign++) {
            uint32_t b = bits | (uint32_t)sign << 31;
            memcpy(&x[n], &b, sizeof *x);
            if ((bits & 0xffff) < 1021 || fabsf(x[n]) >= 0.001f) /* the many tiny ones, thinned */
                n++;
        }
    for (size_t v = 0; v < n_variants; v++) {
        double worst = 0;
        gelu_by(variants[v], x, n, y);
        for (size_t i = 0; i < n; i++) {
            double bound = 1.2e-7 * fabs((double)x[i]) + 1e-11;
            double error = fabs((double)y[i] - twin_gelu((double)x[i])) / bound;
            worst = error > worst || isnan(error) ? error : worst;
        }
        if (!(worst <= 1))
            fail_msg("%s: %.3f times the bound", variants[v]->name, worst);
    }
    free(x), free(y);
}

static void gelu_of_special_values(void **state)
{
    (void)state;
    for (size_t v = 0; v < n_variants; v++) {
        const float given[5] = {0.0f, -0.0f, NAN, INFINITY, -1000.0f};
        float x[5];
        gelu_by(variants[v], given, 5, x);
        assert_true(x[0] == 0 && x[1] == 0 && isnan(x[2]) && isinf(x[3]) && fabsf(x[4]) < 1e-10f);
    }
}

/* Bound: mean and variance are sums of at most n / 16 terms a lane, and a value loses what its mean is larger
   than its spread. */
static void layer_norm_equals_its_twin(void **state)
{
    struct numbers n = {1};
    (void)state;
    for (int c = 0; c < 300; c++) {
        const size_t rows = 1 + below(&n, 4), columns = 1 + below(&n, c % 10 == 0 ? 3072 : 100);
        const size_t ldx = columns + below(&n, 9), ldy = columns + below(&n, 9);
        const double shift = c % 3 == 0 ? 30 : 0;
        float *x = random_floats(&n, rows * ldx, 2), *gain = random_floats(&n, columns, 1);
        float *bias = random_floats(&n, columns, 1), *y = random_floats(&n, rows * ldy, 1);
        double *expected = calloc(columns, sizeof *expected);
        for (size_t i = 0; i < rows * ldx; i++)
            x[i] += (float)shift;
        for (size_t v = 0; v < n_variants; v++) {
            variants[v]->layer_norm(x, rows, columns, ldx, gain, bias, 1e-5f, y, ldy);
            for (size_t r = 0; r < rows; r++) {
                twin_layer_norm(x + r * ldx, columns, gain, bias, (double)1e-5f, expected);
                for (size_t i = 0; i < columns; i++) {
                    const double bound = (1 + fabs(expected[i])) * (2e-6 + shift * 1e-6);
                    if (columns > 8 && !(fabs((double)y[r * ldy + i] - expected[i]) <= bound))
                        fail_msg("%s: case %d, row %zu, column %zu of %zu: %.9g, expected %.9g",
                                 variants[v]->name, c, r, i, columns, (double)y[r * ldy + i], expected[i]);
                }
            }
        }
        free(x), free(gain), free(bias), free(y), free(expected);
    }
}

/* Bound: a weight is one exponential (1.2e-7), a rounded difference of at most |range| and a division. */
static void softmax_equals_its_twin(void **state)
{
    struct numbers n = {2};
    (void)state;
    for (int c = 0; c < 300; c++) {
        const size_t columns = 1 + below(&n, 200);
        float *given = random_floats(&n, columns, 1 + 10 * uniform(&n)), *x = calloc(columns, sizeof *x);
        double *wide = calloc(columns, sizeof *wide), *expected = calloc(columns, sizeof *expected);
        if (c % 4 == 0)
            given[below(&n, columns)] -= 100;
        if (c % 8 == 0 && columns > 1)
            given[1] = -INFINITY;
        for (size_t i = 0; i < columns; i++)
            wide[i] = (double)given[i];
        twin_softmax(wide, columns, expected);
        for (size_t v = 0; v < n_variants; v++) {
            memcpy(x, given, columns * sizeof *x);
            softmax_by(variants[v], x, columns);
            for (size_t i = 0; i < columns; i++)
                if (!(fabs((double)x[i] - expected[i]) <= 6e-6 * expected[i] + 2e-35))
                    fail_msg("%s: case %d, column %zu of %zu: %.9g, expected %.9g", variants[v]->name, c, i,
                             columns, (double)x[i], expected[i]);
        }
        free(given), free(x), free(wide), free(expected);
    }
}

/* Masked scores would make exp() produce denormal numbers, twenty times slower. Planted: without the cut at
   -80 in body/exponential.h this fails. */
static void softmax_makes_no_denormals(void **state)
{
    (void)state;
    for (size_t v = 0; v < n_variants; v++) {
        float x[40];
        for (int i = 0; i < 40; i++)
            x[i] = -75.0f - (float)i;
        x[0] = 0;
        softmax_by(variants[v], x, 40);
        for (int i = 0; i < 40; i++)
            assert_true(fpclassify(x[i]) != FP_SUBNORMAL);
        assert_true(x[1] > 0 && x[39] == 0);
    }
}

static void softmax_keeps_what_is_not_a_number(void **state)
{
    (void)state;
    for (size_t v = 0; v < n_variants; v++) {
        float x[7] = {0, 1, NAN, 3, 4, 5, 6};
        softmax_by(variants[v], x, 7);
        for (int i = 0; i < 7; i++)
            assert_true(isnan(x[i]));
    }
}

/* One random case: sizes of Swin windows, texts, and odd ones. */
static void compare_attention(struct numbers *n, int c, size_t queries, size_t keys, size_t heads, size_t dim)
{
    const size_t width = heads * dim, ld = 3 * width + below(n, 5), ld_bias = (keys + 31) / 32 * 32;
    float *qkv = random_floats(n, (queries > keys ? queries : keys) * ld, 2);
    float *bias = random_floats(n, heads * queries * ld_bias, 1),
          *mask = random_floats(n, queries * ld_bias, 1);
    float *out = random_floats(n, queries * width, 1);
    double *weights = calloc(keys, sizeof *weights);
    for (size_t i = 0; i < queries * ld_bias; i++)
        mask[i] = mask[i] > 0.5f ? -100 : 0;
    struct mdp_attention t = {.q = qkv,
                              .k = qkv + width,
                              .v = qkv + 2 * width,
                              .queries = queries,
                              .keys = keys,
                              .ld = ld,
                              .heads = heads,
                              .dim = dim,
                              .scale = 1 / sqrtf((float)dim),
                              .bias = c % 2 ? bias : NULL,
                              .mask = c % 3 ? mask : NULL,
                              .ld_bias = ld_bias,
                              .out = out,
                              .ld_out = width};
    for (size_t v = 0; v < n_variants; v++) {
        float *scratch = random_floats(n, variants[v]->attention_scratch(keys, dim), 1);
        variants[v]->attention(&t, scratch);
        for (size_t h = 0; h < heads; h++)
            for (size_t q = 0; q < queries; q++) {
                twin_attention_weights(&t, h, q, weights);
                for (size_t i = 0; i < dim; i++) {
                    double expected = 0;
                    for (size_t j = 0; j < keys; j++)
                        expected += weights[j] * (double)t.v[j * ld + h * dim + i];
                    double found = (double)out[q * width + h * dim + i];
                    if (!(fabs(found - expected) <= 5e-6)) /* |v| < 4, scores rounded at 16: 4 * 2^-20 */
                        fail_msg("%s: case %d, head %zu, query %zu, value %zu: %.9g, expected %.9g",
                                 variants[v]->name, c, h, q, i, found, expected);
                }
            }
        free(scratch);
    }
    free(qkv), free(bias), free(mask), free(out), free(weights);
}

/* Planted: a bias read with the next head's rows, keys beyond `keys` not excluded, and a missing division by
   the sum are each seen. */
static void attention_equals_its_twin(void **state)
{
    struct numbers n = {3};
    (void)state;
    for (int c = 0; c < 6; c++)
        compare_attention(&n, c, 49, 49, 3, 32);
    for (int c = 0; c < 3; c++)
        compare_attention(&n, c, 77, 40, 2, 64);
    for (int c = 0; c < 60; c++)
        compare_attention(&n, c, 1 + below(&n, 20), 1 + below(&n, 70), 1 + below(&n, 3), 1 + below(&n, 40));
}

static void normalise_gives_unit_length(void **state)
{
    struct numbers n = {4};
    float *v = random_floats(&n, 512, 3), norm = 0;
    double before = 0, after = 0;
    (void)state;
    for (int i = 0; i < 512; i++)
        before += (double)v[i] * (double)v[i];
    assert_int_equal(mdp_l2_normalise(v, 512, &norm, NULL), MDP_OK);
    for (int i = 0; i < 512; i++)
        after += (double)v[i] * (double)v[i];
    assert_true(fabs((double)norm - sqrt(before)) <= 1e-7 * sqrt(before));
    assert_true(fabs(after - 1) < 1e-7); /* 512 values rounded to float: at most 2^-24 each, relative */
    free(v);
}

static void normalise_refuses_what_has_no_direction(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    float zero[3] = {0}, bad[3] = {1, INFINITY, 2}, norm = -1;
    (void)state;
    assert_int_equal(mdp_l2_normalise(zero, 3, &norm, &err), MDP_ERR_VALUE);
    assert_string_equal(err.message, "the embedding is zero and has no direction");
    assert_int_equal(mdp_l2_normalise(bad, 3, &norm, &err), MDP_ERR_VALUE);
    assert_string_equal(err.message, "the embedding is not finite (value 1 of 3)");
    float long_one[2] = {FLT_MAX, FLT_MAX};
    assert_int_equal(mdp_l2_normalise(long_one, 2, &norm, &err), MDP_ERR_VALUE);
    assert_string_equal(err.message, "the embedding is longer than float32 can say");
    assert_true(norm == -1 && bad[0] == 1 && long_one[0] == FLT_MAX);
}

static void unknown_variants_are_refused(void **state)
{
    const struct mdp_kernels *k = NULL;
    struct mdp_error err = MDP_ERROR_INIT;
    (void)state;
    setenv("MEDPROBE_KERNEL", "sse9", 1);
    assert_int_equal(mdp_kernels_choose(&k, &err), MDP_ERR_USAGE);
    assert_non_null(strstr(err.message, "no kernels named 'sse9'"));
    for (size_t i = 0; i < mdp_kernels_count(); i++)
        assert_non_null(strstr(err.message, mdp_kernels_at(i, NULL)->name));
    unsetenv("MEDPROBE_KERNEL");
    assert_int_equal(mdp_kernels_choose(&k, &err), MDP_OK);
    assert_ptr_equal(k, variants[0]); /* the best one that runs here */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gelu_equals_its_twin),
        cmocka_unit_test(gelu_of_special_values),
        cmocka_unit_test(layer_norm_equals_its_twin),
        cmocka_unit_test(softmax_equals_its_twin),
        cmocka_unit_test(softmax_makes_no_denormals),
        cmocka_unit_test(softmax_keeps_what_is_not_a_number),
        cmocka_unit_test(attention_equals_its_twin),
        cmocka_unit_test(normalise_gives_unit_length),
        cmocka_unit_test(normalise_refuses_what_has_no_direction),
        cmocka_unit_test(unknown_variants_are_refused),
    };
    return cmocka_run_group_tests(tests, find_variants, NULL);
}
