/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: linear layers, against a plain product in double, every variant that runs here. */
#include "reference/twins/kernel_twins.h"
#include "unit/kernel_cases.h"

#include "extract/kernels/linear.h"

static const struct mdp_kernels *variants[MOST_VARIANTS];
static size_t n_variants;

static int find_variants(void **state)
{
    (void)state;
    n_variants = usable_variants(variants);
    return n_variants == 0;
}

static void make(struct mdp_linear *linear, const struct mdp_kernels *variant, const float *w, const float *b,
                 size_t out, size_t in)
{
    setenv("MEDPROBE_KERNEL", variant->name, 1);
    assert_int_equal(mdp_linear_init(linear, w, b, out, in, NULL), MDP_OK);
    unsetenv("MEDPROBE_KERNEL");
    assert_ptr_equal(linear->kernels, variant);
}

static double nothing(double v)
{
    return v;
}

static double sigmoid(double v)
{
    return 1 / (1 + exp(-v));
}

static double silu(double v)
{
    return v * sigmoid(v);
}

static double quick_gelu(double v)
{
    return v * sigmoid(1.702 * v);
}

static double gelu_tanh(double v)
{
    return 0.5 * v * (1 + tanh(sqrt(2 / acos(-1)) * (v + 0.044715 * v * v * v)));
}

static double relu(double v)
{
    return v > 0 ? v : 0;
}

/* One twin an activation: a new one without its row does not compile. */
static double (*const twins[])(double) = {
    [MDP_ACTIVATION_NONE] = nothing,
    [MDP_ACTIVATION_GELU] = twin_gelu,
    [MDP_ACTIVATION_QUICK_GELU] = quick_gelu,
    [MDP_ACTIVATION_GELU_TANH] = gelu_tanh,
    [MDP_ACTIVATION_RELU] = relu,
    [MDP_ACTIVATION_SILU] = silu,
    [MDP_ACTIVATION_SIGMOID] = sigmoid,
    [MDP_ACTIVATION_TANH] = tanh,
};
_Static_assert(sizeof twins / sizeof *twins == MDP_ACTIVATION_COUNT, "every activation has its twin here");

/* Bound: a sum of K products in float, in any order, is within K eps times the sum of their sizes; what comes
   after it passes the error on with a slope of at most 1.13.
   Four cases of each activation in turn, with and without bias and residual.
   Planted: a block of inputs that starts anew instead of adding, and a residual read at the wrong row, are seen. */
static void compare(struct numbers *n, int c, size_t rows, size_t out, size_t in)
{
    const size_t ldx = in + below(n, 5), ldy = out + below(n, 5);
    const enum mdp_activation activation = (enum mdp_activation)(c / 4 % MDP_ACTIVATION_COUNT);
    float *x = random_floats(n, rows * ldx, 1), *w = random_floats(n, out * in, 1),
          *b = random_floats(n, out, 1);
    float *residual = random_floats(n, rows * ldy, 1), *y = random_floats(n, rows * ldy, 1);
    for (size_t v = 0; v < n_variants; v++) {
        struct mdp_linear linear;
        make(&linear, variants[v], w, c % 2 ? b : NULL, out, in);
        for (size_t i = 0; i < rows * ldy; i++)
            y[i] = 77;
        mdp_linear_run(&linear, x, rows, ldx, activation, c % 4 < 2 ? residual : NULL, y, ldy);
        for (size_t r = 0; r < rows; r++) {
            for (size_t o = 0; o < out; o++) {
                double size, sum = twin_dot(x + r * ldx, w + o * in, in, &size);
                double expected = twins[activation](sum + (c % 2 ? (double)b[o] : 0));
                expected += c % 4 < 2 ? (double)residual[r * ldy + o] : 0;
                double bound = 1.2e-7 * (0.6 * (double)in * size / sqrt((double)in) + 4 + 4 * fabs(expected));
                if (!(fabs((double)y[r * ldy + o] - expected) <= bound))
                    fail_msg("%s: case %d, %zu x %zu x %zu, row %zu, output %zu: %.9g, expected %.9g",
                             variants[v]->name, c, rows, out, in, r, o, (double)y[r * ldy + o], expected);
            }
            for (size_t o = out; o < ldy; o++)
                assert_true(y[r * ldy + o] == 77); /* nothing written between rows */
        }
        mdp_linear_release(&linear);
    }
    free(x), free(w), free(b), free(residual), free(y);
}

static void equals_its_twin(void **state)
{
    static const size_t towers[][3] = {{49, 96, 48},   {98, 288, 96}, {196, 96, 384},
                                       {49, 192, 768}, {200, 32, 64}, {7, 512, 768}};
    struct numbers n = {5};
    int c = 0;
    (void)state;
    for (size_t i = 0; i < sizeof towers / sizeof towers[0]; i++)
        compare(&n, c++, towers[i][0], towers[i][1], towers[i][2]);
    for (; c < 200; c++)
        compare(&n, c, 1 + below(&n, 30), 1 + below(&n, 70), 1 + below(&n, c % 10 ? 60 : 700));
}

/* Packed variants: a row's bytes are the same whatever stands around it. */
static void rows_do_not_depend_on_their_number(void **state)
{
    struct numbers n = {6};
    float *x = random_floats(&n, 400 * 300, 1), *w = random_floats(&n, 50 * 300, 1);
    float *all = random_floats(&n, 400 * 50, 1), *few = random_floats(&n, 400 * 50, 1);
    (void)state;
    for (size_t v = 0; v < n_variants; v++) {
        struct mdp_linear linear;
        if (variants[v]->by_blas)
            continue;
        make(&linear, variants[v], w, NULL, 50, 300);
        mdp_linear_run(&linear, x, 400, 300, MDP_ACTIVATION_GELU, NULL, all, 50);
        for (size_t rows = 1; rows < 30; rows++) {
            const size_t from = below(&n, 400 - rows);
            mdp_linear_run(&linear, x + from * 300, rows, 300, MDP_ACTIVATION_GELU, NULL, few, 50);
            assert_memory_equal(few, all + from * 50, rows * 50 * sizeof *few);
        }
        mdp_linear_release(&linear);
    }
    free(x), free(w), free(all), free(few);
}

static void an_empty_layer_is_released(void **state)
{
    struct mdp_linear linear = {0};
    (void)state;
    mdp_linear_release(&linear);
    mdp_linear_release(&linear);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_its_twin),
        cmocka_unit_test(rows_do_not_depend_on_their_number),
        cmocka_unit_test(an_empty_layer_is_released),
    };
    return cmocka_run_group_tests(tests, find_variants, NULL);
}
