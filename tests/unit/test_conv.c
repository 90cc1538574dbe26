/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: convolutions and pools over channels-last maps, against plain loops in double, every variant that runs here; what stands in
   working memory does not matter. */
#include "unit/kernel_cases.h"

#include "extract/kernels/conv.h"
#include "extract/kernels/depthwise_conv.h"
#include "extract/kernels/map_pool.h"

static const struct mdp_kernels *variants[MOST_VARIANTS];
static size_t n_variants;

static int find_variants(void **state)
{
    (void)state;
    n_variants = usable_variants(variants);
    return n_variants == 0;
}

/* Side, stride, padding before and after, height, width: sides longer than the map, padding on one side only, strides that
   leave a rest, windows that step over pixels, one pixel. */
static const size_t shapes[][6] = {
    {1, 1, 0, 0, 5, 7},   {1, 2, 0, 0, 7, 6}, {3, 1, 1, 1, 6, 5},   {3, 2, 1, 1, 9, 8}, {3, 2, 0, 1, 8, 9},
    {7, 2, 3, 3, 17, 13}, {7, 1, 3, 3, 4, 5}, {5, 2, 1, 2, 10, 11}, {2, 2, 0, 0, 6, 7}, {4, 4, 0, 0, 9, 13},
    {3, 1, 1, 1, 1, 1},   {1, 3, 0, 0, 5, 4}, {1, 1, 1, 1, 3, 4},   {3, 3, 2, 2, 5, 4},
};

static struct mdp_window window_of(const size_t shape[6])
{
    struct mdp_window w;
    assert_true(mdp_window_init(&w, shape[0], shape[1], shape[2], shape[3], shape[4], shape[5]));
    assert_int_equal(w.before, shape[2]);
    assert_int_equal(w.out_height, (shape[4] + shape[2] + shape[3] - shape[0]) / shape[1] + 1);
    assert_int_equal(w.out_width, (shape[5] + shape[2] + shape[3] - shape[0]) / shape[1] + 1);
    return w;
}

/* The pixel that the window's (ky, kx) stands on at `place`, or false beyond the map. */
static bool pixel(const struct mdp_window *w, size_t place, size_t ky, size_t kx, size_t *row)
{
    const long y = (long)(place / w->out_width * w->stride + ky) - (long)w->before;
    const long x = (long)(place % w->out_width * w->stride + kx) - (long)w->before;

    *row = (size_t)(y * (long)w->in_width + x);
    return y >= 0 && x >= 0 && y < (long)w->in_height && x < (long)w->in_width;
}

/* One output of a convolution over `channels` channels from `first` on, and the size of its sum. */
static double twin_conv(const struct mdp_window *w, const float *x, size_t ldx, size_t first, size_t channels,
                        const float *weight, size_t place, double *size)
{
    double sum = 0;
    size_t row;

    *size = 0;
    for (size_t c = 0; c < channels; c++)
        for (size_t ky = 0; ky < w->side; ky++)
            for (size_t kx = 0; kx < w->side; kx++)
                if (pixel(w, place, ky, kx, &row)) {
                    const double product =
                        (double)x[row * ldx + first + c] * (double)weight[(c * w->side + ky) * w->side + kx];
                    sum += product;
                    *size += fabs(product);
                }
    return sum;
}

static void use_variant(const struct mdp_kernels *variant)
{
    setenv("MEDPROBE_KERNEL", variant->name, 1);
}

/* Bound as in test_linear.c. Planted: columns before rows in the window, a residual after the ReLU, padding `after` in
   place of `before`: each is seen. */
static void compare(struct numbers *n, const size_t shape[6], size_t channels, size_t out, int c)
{
    const struct mdp_window w = window_of(shape);
    const size_t inputs = mdp_window_inputs(&w), places = mdp_window_places(&w);
    const size_t ldx = channels + below(n, 3), ldy = out + below(n, 3), depth = channels * w.side * w.side;
    const bool biased = c % 2, adds = c % 4 < 2;
    const enum mdp_activation activation = c % 3 ? MDP_ACTIVATION_RELU : MDP_ACTIVATION_NONE;
    float *x = random_floats(n, inputs * ldx, 1), *weight = random_floats(n, out * depth, 1);
    float *bias = random_floats(n, out, 1), *residual = random_floats(n, places * ldy, 1);
    float *y = random_floats(n, places * ldy, 1), *scratch = NULL;

    for (size_t v = 0; v < n_variants; v++) {
        struct mdp_conv conv;
        assert_true(
            mdp_conv_plan(&conv, out, channels, shape[0], shape[1], shape[2], shape[3], shape[4], shape[5]));
        const size_t need = mdp_conv_scratch_size(&conv);
        use_variant(variants[v]);
        assert_int_equal(mdp_conv_init(&conv, weight, biased ? bias : NULL, NULL), MDP_OK);
        scratch = malloc((need + 1) * sizeof *scratch);
        for (size_t i = 0; i < need; i++)
            scratch[i] = NAN;
        for (size_t i = 0; i < places * ldy; i++)
            y[i] = 77;
        mdp_conv_run(&conv, x, ldx, activation, adds ? residual : NULL, y, ldy, scratch);
        for (size_t p = 0; p < places; p++) {
            for (size_t o = 0; o < out; o++) {
                double size, expected = twin_conv(&w, x, ldx, 0, channels, weight + o * depth, p, &size);
                expected += (biased ? (double)bias[o] : 0) + (adds ? (double)residual[p * ldy + o] : 0);
                expected = activation == MDP_ACTIVATION_RELU ? fmax(expected, 0) : expected;
                const double bound = 1.2e-7 * (0.6 * sqrt((double)depth) * size + 4 + 4 * fabs(expected));
                if (!(fabs((double)y[p * ldy + o] - expected) <= bound))
                    fail_msg("%s: side %zu, stride %zu, %zu to %zu channels, place %zu, output %zu: %.9g, "
                             "expected %.9g",
                             variants[v]->name, w.side, w.stride, channels, out, p, o, (double)y[p * ldy + o],
                             expected);
            }
            for (size_t o = out; o < ldy; o++)
                assert_true(y[p * ldy + o] == 77);
        }
        mdp_conv_release(&conv);
        free(scratch);
    }
    unsetenv("MEDPROBE_KERNEL");
    free(x), free(weight), free(bias), free(residual), free(y);
}

static void convolution_equals_its_twin(void **state)
{
    struct numbers n = {11};
    int c = 0;
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (size_t k = 0; k < 4; k++)
            compare(&n, shapes[i], 1 + below(&n, 9), 1 + below(&n, 40), c++);
    /* more places than are gathered at once, and weights of more than one block */
    compare(&n, (const size_t[]){3, 1, 1, 1, 23, 19}, 61, 7, 2);
    compare(&n, (const size_t[]){1, 1, 0, 0, 23, 19}, 5, 33, 1);
    compare(&n, (const size_t[]){5, 1, 2, 2, 9, 8}, 120, 3, 3);
}

static void depthwise_equals_its_twin(void **state)
{
    static const size_t channels[] = {1, 3, 8, 16, 17, 64, 71, 100, 131};
    struct numbers n = {12};
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0] * 9; i++) {
        const struct mdp_window w = window_of(shapes[i / 9]);
        const size_t c = channels[i % 9], places = mdp_window_places(&w), taps = w.side * w.side;
        float *x = random_floats(&n, mdp_window_inputs(&w) * c, 1), *y = random_floats(&n, places * c + 1, 1);
        float *weight = random_floats(&n, c * taps, 1), *bias = random_floats(&n, c, 1);
        for (size_t v = 0; v < n_variants; v++) {
            struct mdp_depthwise conv;
            use_variant(variants[v]);
            const size_t *s = shapes[i / 9];
            assert_true(mdp_depthwise_plan(&conv, c, s[0], s[1], s[2], s[3], s[4], s[5]));
            assert_int_equal(mdp_depthwise_init(&conv, weight, i % 2 ? bias : NULL, NULL), MDP_OK);
            y[places * c] = 77;
            mdp_depthwise_run(&conv, x, i % 3 ? MDP_ACTIVATION_SILU : MDP_ACTIVATION_NONE, y);
            for (size_t p = 0; p < places * c; p++) {
                double size, expected = twin_conv(&w, x, c, p % c, 1, weight + p % c * taps, p / c, &size);
                expected += i % 2 ? (double)bias[p % c] : 0;
                expected = i % 3 ? expected / (1 + exp(-expected)) : expected;
                if (!(fabs((double)y[p] - expected) <=
                      1.2e-7 * ((double)w.side * size + 4 + 4 * fabs(expected))))
                    fail_msg("%s: side %zu, stride %zu, %zu channels, value %zu: %.9g, expected %.9g",
                             variants[v]->name, w.side, w.stride, c, p, (double)y[p], expected);
            }
            assert_true(y[places * c] == 77);
            mdp_depthwise_release(&conv);
        }
        unsetenv("MEDPROBE_KERNEL");
        free(x), free(y), free(weight), free(bias);
    }
}

/* avx2 and avx512 agree to the byte. */
static void wide_variants_agree(void **state)
{
    struct numbers n = {13};
    float *x = random_floats(&n, 72 * 71, 1), *weight = random_floats(&n, 71 * 9, 1);
    float *first = NULL, *y = random_floats(&n, 20 * 71, 1);
    (void)state;
    for (size_t v = 0; v < n_variants; v++) {
        struct mdp_depthwise conv;
        if (variants[v]->by_blas)
            continue;
        use_variant(variants[v]);
        assert_true(mdp_depthwise_plan(&conv, 71, 3, 2, 1, 1, 9, 8));
        assert_int_equal(mdp_depthwise_init(&conv, weight, NULL, NULL), MDP_OK);
        mdp_depthwise_run(&conv, x, MDP_ACTIVATION_NONE, y);
        mdp_depthwise_release(&conv);
        if (first)
            assert_memory_equal(first, y, 20 * 71 * sizeof *y);
        else
            first = memcpy(malloc(20 * 71 * sizeof *y), y, 20 * 71 * sizeof *y);
    }
    unsetenv("MEDPROBE_KERNEL");
    free(x), free(weight), free(first), free(y);
}

/* Planted: a largest value that begins at 0 in place of -infinity, which is wrong at edges where all are negative. */
static void pools_equal_their_twins(void **state)
{
    struct numbers n = {14};
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct mdp_window w = window_of(shapes[i]);
        const size_t c = 1 + below(&n, 20), places = mdp_window_places(&w);
        float *x = random_floats(&n, mdp_window_inputs(&w) * c, 1), *y = random_floats(&n, places * c, 1);
        const bool padded = shapes[i][2] + shapes[i][3] > 0;
        for (size_t k = 0; k < mdp_window_inputs(&w) * c; k++)
            x[k] -= 3;
        for (int average = 0; average < (padded ? 1 : 2); average++) {
            (average ? mdp_map_average : mdp_map_max)(&w, c, x, y);
            for (size_t p = 0; p < places * c; p++) {
                double most = -INFINITY, sum = 0;
                size_t row;
                for (size_t t = 0; t < w.side * w.side; t++)
                    if (pixel(&w, p / c, t / w.side, t % w.side, &row)) {
                        most = fmax(most, (double)x[row * c + p % c]);
                        sum += (double)x[row * c + p % c];
                    }
                const double expected = average ? sum / (double)(w.side * w.side) : most;
                assert_true(fabs((double)y[p] - expected) <= (average ? 2e-6 : 0) || y[p] == (float)expected);
            }
        }
        free(x), free(y);
    }
}

static void mean_and_planes(void **state)
{
    struct numbers n = {15};
    float *x = random_floats(&n, 30 * 135, 1), map[30 * 3], mean[130];
    (void)state;
    mdp_map_mean(x, 30, 130, 135, mean);
    for (size_t c = 0; c < 130; c++) {
        double sum = 0;
        for (size_t r = 0; r < 30; r++)
            sum += (double)x[r * 135 + c];
        assert_true(mean[c] == (float)(sum / 30));
    }
    mdp_map_from_planes(x, 3, 30, map);
    for (size_t i = 0; i < 90; i++)
        assert_true(map[i] == x[i % 3 * 30 + i / 3]);
    mdp_map_affine_relu(x, 30, 3, 135, x + 200, x + 300, map);
    for (size_t i = 0; i < 90; i++)
        assert_true(map[i] == fmaxf(x[i / 3 * 135 + i % 3] * x[200 + i % 3] + x[300 + i % 3], 0));
    mdp_map_from_planes(x, 3, 30, map);
    mdp_map_scale(map, 30, 3, x + 200);
    for (size_t i = 0; i < 90; i++)
        assert_true(map[i] == x[i % 3 * 30 + i / 3] * x[200 + i % 3]);
    float n30[70], *y = random_floats(&n, 30 * 70, 1);
    double length[70], all = 0;
    for (size_t c = 0; c < 70; c++) {
        length[c] = 0;
        for (size_t r = 0; r < 30; r++)
            length[c] += (double)y[r * 70 + c] * (double)y[r * 70 + c];
        all += (length[c] = sqrt(length[c])) / 70;
    }
    float *before = memcpy(malloc(30 * 70 * sizeof *y), y, 30 * 70 * sizeof *y);
    mdp_map_response_norm(y, 30, 70, x, x + 70, n30);
    for (size_t i = 0; i < 30 * 70; i++) {
        const double v = (double)before[i], expected = (double)x[i % 70] * v * length[i % 70] / (all + 1e-6) +
                                                       (double)x[70 + i % 70] + v;
        assert_true(fabs((double)y[i] - expected) <= 4e-7 * (1 + fabs(expected)));
    }
    free(x), free(y), free(before);
}

static void windows_that_do_not_fit_are_refused(void **state)
{
    struct mdp_window w;
    (void)state;
    assert_false(mdp_window_init(&w, 3, 1, 0, 0, 2, 9));
    assert_false(mdp_window_init(&w, 3, 1, 0, 0, 9, 2));
    assert_false(mdp_window_init(&w, 0, 1, 0, 0, 9, 9));
    assert_false(mdp_window_init(&w, 3, 0, 0, 0, 9, 9));
    assert_false(mdp_window_init(&w, 1, 1, 1, 1, 0, 9));
    assert_false(mdp_window_init(&w, 1, 1, SIZE_MAX, 1, 9, 9));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolution_equals_its_twin),
        cmocka_unit_test(depthwise_equals_its_twin),
        cmocka_unit_test(wide_variants_agree),
        cmocka_unit_test(pools_equal_their_twins),
        cmocka_unit_test(mean_and_planes),
        cmocka_unit_test(windows_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, find_variants, NULL);
}
