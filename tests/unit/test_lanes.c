/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: the kernels' source at 16 lanes, compiled here without AVX-512, against 4 lanes: results have the same bytes
   whatever the width, which is what makes avx2 and avx512 agree. So the 16-lane source is tested on any CPU.
   Planted: sums over MDP_VECTOR_LANES instead of MDP_SPAN lanes are seen in layer norm, softmax and attention. */
#pragma GCC diagnostic ignored "-Wpsabi" /* 64-byte vectors are passed to inlined functions only */
#define MDP_VECTOR_LANES 16
#include "extract/kernels/body/kernel_table.h"
#include "extract/kernels/variants.h"
#include "unit/kernel_cases.h"

static const struct mdp_kernels wide = MDP_KERNEL_TABLE("wide");

static void elementwise_kernels_agree(void **state)
{
    struct numbers n = {11};
    (void)state;
    for (int c = 0; c < 100; c++) {
        const size_t columns = 1 + below(&n, 200), rows = 1 + below(&n, 5);
        float *x = random_floats(&n, rows * columns, 4), *gain = random_floats(&n, columns, 1);
        float *bias = random_floats(&n, columns, 1);
        float *a = random_floats(&n, rows * columns, 1), *b = random_floats(&n, rows * columns, 1);
        const size_t bytes = rows * columns * sizeof *x;
        wide.layer_norm(x, rows, columns, columns, gain, bias, 1e-5f, a, columns);
        mdp_kernels_portable.layer_norm(x, rows, columns, columns, gain, bias, 1e-5f, b, columns);
        assert_memory_equal(a, b, bytes);
        gelu_by(&wide, x, rows * columns, a);
        gelu_by(&mdp_kernels_portable, x, rows * columns, b);
        assert_memory_equal(a, b, bytes);
        memcpy(a, x, bytes), memcpy(b, x, bytes);
        softmax_by(&wide, a, columns);
        softmax_by(&mdp_kernels_portable, b, columns);
        assert_memory_equal(a, b, bytes);
        free(x), free(gain), free(bias), free(a), free(b);
    }
}

static void attention_agrees(void **state)
{
    static const size_t sizes[][4] = {{49, 49, 3, 32}, {77, 50, 2, 64}, {5, 9, 2, 7}, {13, 33, 1, 40}};
    struct numbers n = {12};
    (void)state;
    for (size_t c = 0; c < 4; c++) {
        const size_t queries = sizes[c][0], keys = sizes[c][1], heads = sizes[c][2], dim = sizes[c][3];
        const size_t width = heads * dim, most = queries > keys ? queries : keys,
                     ld_bias = (keys + 31) / 32 * 32;
        float *qkv = random_floats(&n, most * 3 * width, 2),
              *bias = random_floats(&n, heads * queries * ld_bias, 1);
        float *a = random_floats(&n, queries * width, 1), *b = random_floats(&n, queries * width, 1);
        struct mdp_attention t = {.q = qkv,
                                  .k = qkv + width,
                                  .v = qkv + 2 * width,
                                  .queries = queries,
                                  .keys = keys,
                                  .ld = 3 * width,
                                  .heads = heads,
                                  .dim = dim,
                                  .scale = 1 / sqrtf((float)dim),
                                  .bias = bias,
                                  .ld_bias = ld_bias,
                                  .out = a,
                                  .ld_out = width};
        float *scratch = random_floats(&n, wide.attention_scratch(keys, dim), 1);
        wide.attention(&t, scratch);
        free(scratch);
        scratch = random_floats(&n, mdp_kernels_portable.attention_scratch(keys, dim), 1);
        t.out = b;
        mdp_kernels_portable.attention(&t, scratch);
        assert_memory_equal(a, b, queries * width * sizeof *a);
        free(scratch), free(qkv), free(bias), free(a), free(b);
    }
}

/* The order of a product, as its header promises it: a chain a block of inputs, blocks in order. */
static float chained(const float *x, const float *w, size_t in)
{
    float total = 0;

    for (size_t begin = 0; begin < in; begin += MDP_DEPTH) {
        float sum = 0;
        for (size_t i = begin; i < in && i < begin + MDP_DEPTH; i++)
            sum = x[i] * w[i] + sum;
        total = begin ? total + sum : sum;
    }
    return total;
}

static void products_are_chains(void **state)
{
    struct numbers n = {13};
    (void)state;
    for (int c = 0; c < 60; c++) {
        const size_t rows = 1 + below(&n, 40), out = 1 + below(&n, 80), in = 1 + below(&n, c % 3 ? 40 : 600);
        float *x = random_floats(&n, rows * in, 1), *w = random_floats(&n, out * in, 1),
              *y = random_floats(&n, rows * out, 1);
        float *packed = random_floats(&n, wide.packed_size(out, in), 1), *bias = random_floats(&n, out, 1);
        float *residual = random_floats(&n, rows * out, 1);
        const struct mdp_product t = {.packed = packed,
                                      .out = out,
                                      .in = in,
                                      .bias = bias,
                                      .x = x,
                                      .rows = rows,
                                      .ldx = in,
                                      .residual = residual,
                                      .y = y,
                                      .ldy = out};
        wide.pack(w, out, in, packed);
        wide.product(&t);
        for (size_t r = 0; r < rows; r++)
            for (size_t o = 0; o < out; o++) {
                const float expected = chained(x + r * in, w + o * in, in) + bias[o] + residual[r * out + o];
                assert_memory_equal(&y[r * out + o], &expected, sizeof expected);
            }
        free(x), free(w), free(y), free(packed), free(bias), free(residual);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elementwise_kernels_agree),
        cmocka_unit_test(attention_agrees),
        cmocka_unit_test(products_are_chains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
