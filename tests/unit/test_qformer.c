/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: memory and bytes of the query transformer behind a ViT (this runs under the sanitizers): its working memory, a file
   that ends early, its messages. Values are compared with transformers in tests/reference/test_qformer.py.
   Planted fault: memory for one normed token only; the sanitizer saw it. */
#include "unit/made_weights.h"
#include "unit/unit.h"

#include "extract/towers/qformer.h"

#include <math.h>
#include <stdlib.h>

enum { Q = 3, C = 6, F = 7, W = 5, N = 8, LAYERS = 3 };

static const char keys[] = "layers: 3\nwidth: 6\nheads: 2\nintermediate: 7\nqueries: 3\ncross_every: 2\n"
                           "layer_norm_eps: 1.0e-12\nprefix: q.\ntoken_norm: norm\ntoken_norm_eps: 1.0e-5\n";

static void put_layer(struct made *m, int block, const char *name, size_t out, size_t in)
{
    put(m, out, in, "q.encoder.layer.%d.%s.weight", block, name);
    put(m, out, 0, "q.encoder.layer.%d.%s.bias", block, name);
}

static void put_attention(struct made *m, int block, const char *name, size_t in)
{
    const char *const parts[] = {"query", "key", "value"};
    char part[64];

    for (size_t i = 0; i < 3; i++) {
        snprintf(part, sizeof part, "%s.self.%s", name, parts[i]);
        put_layer(m, block, part, C, i ? in : C);
    }
    snprintf(part, sizeof part, "%s.output.dense", name);
    put_layer(m, block, part, C, C);
    snprintf(part, sizeof part, "%s.output.LayerNorm", name);
    put_layer(m, block, part, C, 0);
}

static void put_block(struct made *m, int block)
{
    put_attention(m, block, "attention", C);
    if (block % 2 == 0)
        put_attention(m, block, "crossattention", W);
    put_layer(m, block, "intermediate_query.dense", F, C);
    put_layer(m, block, "output_query.dense", C, F);
    put_layer(m, block, "output_query.LayerNorm", C, 0);
}

static mdp_status make(const char *text, int blocks, struct mdp_qformer *qformer, struct mdp_error *err)
{
    struct made m = {.state = 1};
    struct mdp_text file = {0};
    struct mdp_yaml *doc = NULL;

    mdp_text_add(&m.header,
                 "{\"query_tokens\":{\"dtype\":\"F32\",\"shape\":[1,3,6],\"data_offsets\":[0,72]}");
    for (size_t i = 0; i < 18; i++)
        mdp_text_add_bytes(&m.data, &(float){(float)i / 7}, sizeof(float));
    put(&m, C, 0, "q.embeddings.LayerNorm.weight");
    put(&m, C, 0, "q.embeddings.LayerNorm.bias");
    put(&m, W, 0, "norm.weight");
    put(&m, W, 0, "norm.bias");
    for (int i = 0; i < blocks; i++)
        put_block(&m, i);
    struct mdp_weights *weights = made_weights(&m, &file);
    assert_ok(mdp_yaml_parse(text, strlen(text), "m.yaml", &doc, err), *err);
    mdp_status st = mdp_qformer_from_yaml(doc, mdp_yaml_root(doc), W, qformer, err);
    if (st == MDP_OK)
        st = mdp_qformer_load(qformer, weights, err);
    mdp_yaml_free(doc);
    mdp_weights_close(weights);
    mdp_text_release(&file);
    return st;
}

/* In exactly the memory that it asks for, full of what is no number: once for many tokens, once for one. */
static void reads_and_writes_its_own_memory(void **state)
{
    (void)state;
    struct mdp_error err = MDP_ERROR_INIT;
    const struct mdp_tapped nobody = {0};
    struct mdp_qformer qformer;
    float tokens[N * W], out[2][Q * C];

    assert_ok(make(keys, LAYERS, &qformer, &err), err);
    for (size_t i = 0; i < N * W; i++)
        tokens[i] = (float)(i * i % 11) / 5 - 1;
    for (size_t n = 1; n <= N; n += N - 1) {
        for (size_t again = 0; again < 2; again++) {
            const size_t floats = mdp_qformer_scratch_size(&qformer, n);
            void *block = NULL;
            assert_int_equal(posix_memalign(&block, 64, floats * sizeof(float)), 0);
            for (size_t i = 0; i < floats; i++)
                ((float *)block)[i] = again ? NAN : 0;
            mdp_qformer_run(&qformer, tokens, n, block, out[again], &nobody);
            free(block);
        }
        assert_memory_equal(out[0], out[1], sizeof out[0]);
        for (size_t i = 0; i < Q * C; i++)
            assert_true(isfinite(out[0][i]));
    }
    mdp_qformer_release(&qformer);
}

static void half_a_file_is_released(void **state)
{
    (void)state;
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_qformer qformer;

    assert_int_equal(make(keys, LAYERS - 1, &qformer, &err), MDP_ERR_MISSING);
    assert_non_null(strstr(err.message, "q.encoder.layer.2.attention.self.query.weight"));
    mdp_qformer_release(&qformer);
    assert_fails(make("layers: 3\nwidth: 6\nheads: 4\nintermediate: 7\nqueries: 3\ncross_every: 2\n", LAYERS,
                      &qformer, &err),
                 MDP_ERR_FORMAT, err, "m.yaml: line 3: width 6 is no multiple of 4 heads");
    mdp_qformer_release(&qformer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_its_own_memory),
        cmocka_unit_test(half_a_file_is_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
