/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: memory and bytes of the BERT text tower (this runs under the sanitizers), its use of padding, its
   messages. Values are compared with transformers in tests/reference/test_bert.py.
   Planted fault: scratch of all threads the same; bytes_do_not_depend_on_threads saw it. */
#include "unit/made_weights.h"
#include "unit/unit.h"

#include "base/file.h"
#include "base/formats/yaml.h"
#include "extract/towers/families.h"

#include <math.h>

enum { V = 11, P = 9, C = 6, F = 10, LAYERS = 3, D = 4 };

static const char card[] = "family: bert\nlayers: 3\nwidth: 6\nheads: 2\nintermediate: 10\nvocab_size: 11\n"
                           "positions: 9\ntoken_types: 2\nlayer_norm_eps: 1.0e-12\npooling: layers-1-2-last\n"
                           "projection: head\noutput_width: 4\n";

static void put_linear(struct made *m, int layer, const char *name, size_t out, size_t in)
{
    put(m, out, in, "encoder.layer.%d.%s.weight", layer, name);
    put(m, out, 0, "encoder.layer.%d.%s.bias", layer, name);
}

static void put_block(struct made *m, int layer)
{
    put_linear(m, layer, "attention.self.query", C, C);
    put_linear(m, layer, "attention.self.key", C, C);
    put_linear(m, layer, "attention.self.value", C, C);
    put_linear(m, layer, "attention.output.dense", C, C);
    put_linear(m, layer, "attention.output.LayerNorm", C, 0);
    put_linear(m, layer, "intermediate.dense", F, C);
    put_linear(m, layer, "output.dense", C, F);
    put_linear(m, layer, "output.LayerNorm", C, 0);
}

static struct mdp_weights *weights_of(struct made *m, struct mdp_text *file)
{
    put(m, V, C, "embeddings.word_embeddings.weight");
    put(m, P, C, "embeddings.position_embeddings.weight");
    put(m, 2, C, "embeddings.token_type_embeddings.weight");
    put(m, C, 0, "embeddings.LayerNorm.weight");
    put(m, C, 0, "embeddings.LayerNorm.bias");
    for (int i = 0; i < LAYERS; i++)
        put_block(m, i);
    put(m, C, C, "pooler.dense.weight");
    put(m, C, 0, "pooler.dense.bias");
    put(m, D, C, "head");
    return made_weights(m, file);
}

static mdp_status make(const char *text, const char *pooling, struct mdp_text_tower **tower,
                       struct mdp_error *err)
{
    struct made m = {.state = 1};
    struct mdp_text file = {0};
    struct mdp_yaml *doc = NULL;
    struct mdp_weights *weights = weights_of(&m, &file);

    assert_ok(mdp_yaml_parse(text, strlen(text), "m.yaml", &doc, err), *err);
    mdp_status st = mdp_text_tower_new(doc, mdp_yaml_root(doc), pooling, weights, tower, err);
    mdp_yaml_free(doc);
    mdp_weights_close(weights);
    mdp_text_release(&file);
    return st;
}

static struct mdp_text_tower *usual(const char *pooling)
{
    struct mdp_text_tower *t = NULL;
    struct mdp_error err = MDP_ERROR_INIT;

    assert_ok(make(card, pooling, &t, &err), err);
    return t;
}

static const int32_t ids[] = {2, 7, 3, 0, 0, 2, 8, 9, 10, 3, 2, 3, 0, 0, 0};
static const size_t lengths[] = {3, 5, 2};

static void compare_threads(const struct mdp_text_tower *t)
{
    struct mdp_error err = MDP_ERROR_INIT;
    enum { T = 400, L = 9 };
    static int32_t many[T * L];
    static size_t used[T];
    static float one[T * D], other[T * D];

    for (size_t i = 0; i < T * L; i++)
        many[i] = (int32_t)(i * i % V);
    for (size_t i = 0; i < T; i++)
        used[i] = 1 + i % L;
    assert_int_equal(mdp_text_tower_width(t), D);
    assert_ok(mdp_text_tower_run(t, many, used, T, L, 1, one, NULL, NULL, &err), err);
    for (size_t threads = 0; threads < 20; threads++) {
        assert_ok(mdp_text_tower_run(t, many, used, T, L, threads, other, NULL, NULL, &err), err);
        assert_memory_equal(one, other, sizeof one);
    }
    assert_ok(mdp_text_tower_run(t, many, used, 0, L, 2, other, NULL, NULL, &err), err);
}

/* With every variant of the kernels that runs here: portable too, whose products are OpenBLAS's. */
static void bytes_do_not_depend_on_threads(void **state)
{
    bool runs = false;

    (void)state;
    for (size_t i = 0; i < mdp_kernels_count(); i++) {
        const struct mdp_kernels *kernels = mdp_kernels_at(i, &runs);
        if (!runs)
            continue;
        setenv("MEDPROBE_KERNEL", kernels->name, 1);
        struct mdp_text_tower *t = usual(NULL);
        unsetenv("MEDPROBE_KERNEL");
        compare_threads(t);
        mdp_text_tower_free(t);
    }
}

/* The family's own run, in working memory full of what is no number: a value that is read before it was written would
   show. (mdp_text_tower_run gives memory that is 0.) Planted: the mean not set to 0 at first; seen. */
static void bytes_do_not_depend_on_what_stood_in_scratch(void **state)
{
    (void)state;
    struct mdp_error err = MDP_ERROR_INIT;
    const struct mdp_tapped nobody = {0};
    const char *const poolings[] = {NULL, "pooler", "mean", "max"};

    for (size_t p = 0; p < sizeof poolings / sizeof *poolings; p++) {
        struct mdp_text_tower *t = usual(poolings[p]);
        const size_t n = t->family->scratch_size(t->model, 5);
        float once[D], again[D];
        void *block = NULL;
        assert_int_equal(posix_memalign(&block, 64, n * sizeof(float)), 0);
        float *scratch = block;
        for (size_t i = 0; i < n; i++)
            scratch[i] = NAN;
        assert_ok(mdp_text_tower_run(t, ids, lengths, 1, 5, 1, once, NULL, NULL, &err), err);
        t->family->run(t->model, ids, lengths[0], 5, scratch, again, &nobody);
        assert_memory_equal(once, again, sizeof once);
        free(block);
        mdp_text_tower_free(t);
    }
}

static void padding_counts_in_the_mean(void **state)
{
    (void)state;
    struct mdp_error err = MDP_ERROR_INIT;
    float padded[D], alone[D];
    struct mdp_text_tower *t = usual(NULL), *pooler = usual("pooler");

    assert_ok(mdp_text_tower_run(t, ids, lengths, 1, 5, 1, padded, NULL, NULL, &err), err);
    assert_ok(mdp_text_tower_run(t, ids, lengths, 1, 3, 1, alone, NULL, NULL, &err), err);
    assert_memory_not_equal(padded, alone, sizeof alone);
    /* The first position does not see the padding. */
    assert_ok(mdp_text_tower_run(pooler, ids, lengths, 1, 5, 1, padded, NULL, NULL, &err), err);
    assert_ok(mdp_text_tower_run(pooler, ids, lengths, 1, 3, 1, alone, NULL, NULL, &err), err);
    for (size_t i = 0; i < D; i++)
        assert_true(padded[i] - alone[i] < 1e-5f && alone[i] - padded[i] < 1e-5f);
    mdp_text_tower_free(t);
    mdp_text_tower_free(pooler);
}

/* Padding that nobody looks at is not computed: texts padded further have the same bytes. */
static void padding_does_not_count_elsewhere(void **state)
{
    (void)state;
    struct mdp_error err = MDP_ERROR_INIT;
    const char *const poolings[] = {"class", "end", "mean", "max", "pooler"};
    float padded[D], alone[D];

    for (size_t i = 0; i < sizeof poolings / sizeof *poolings; i++) {
        struct mdp_text_tower *t = usual(poolings[i]);
        assert_ok(mdp_text_tower_run(t, ids, lengths, 1, 5, 1, padded, NULL, NULL, &err), err);
        assert_ok(mdp_text_tower_run(t, ids, lengths, 1, 3, 1, alone, NULL, NULL, &err), err);
        assert_memory_equal(padded, alone, sizeof alone);
        assert_string_equal(mdp_text_tower_pooling(t), poolings[i]);
        mdp_text_tower_free(t);
    }
}

/* Every key that may be left out, under the sanitizers; pad_id stands in a text here. */
static void reads_the_other_keys(void **state)
{
    (void)state;
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_text_tower *t = NULL;
    char more[sizeof card + 80];
    const int32_t padded[] = {2, 7, 1, 3, 1, 1};
    const size_t length = 4;
    float with[D], without[D];

    for (int attend = 0; attend < 2; attend++) {
        snprintf(more, sizeof more, "%spad_id: 1\nactivation: relu\nlayout: bert\nattend_padding: %s\n", card,
                 attend ? "true" : "false");
        assert_ok(make(more, "mean-all", &t, &err), err);
        assert_ok(mdp_text_tower_run(t, padded, &length, 1, 6, 1, attend ? with : without, NULL, NULL, &err),
                  err);
        mdp_text_tower_free(t);
    }
    assert_memory_not_equal(with, without, sizeof with);
}

static void names_what_is_wrong(void **state)
{
    (void)state;
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_text_tower *t = usual(NULL);
    const int32_t outside[] = {2, 11, 3}, negative[] = {-1};
    const int32_t many[10] = {0};
    const size_t three = 3, one = 1, ten = 10;
    float out[D];

    assert_fails(mdp_text_tower_run(t, outside, &three, 1, 3, 1, out, NULL, NULL, &err), MDP_ERR_VALUE, err,
                 "text 1: id 11 is outside the text tower's vocabulary of 11 (the vocabulary file does not "
                 "belong to the weights)");
    assert_int_equal(mdp_text_tower_run(t, negative, &one, 1, 1, 1, out, NULL, NULL, &err), MDP_ERR_VALUE);
    assert_fails(mdp_text_tower_run(t, many, &ten, 1, 10, 1, out, NULL, NULL, &err), MDP_ERR_VALUE, err,
                 "texts of 10 ids, but the text tower has 9 positions (max_length of the tokenizer is too "
                 "large)");
    mdp_text_tower_free(t);
    assert_fails(make(card, "cls", &t, &err), MDP_ERR_USAGE, err,
                 "no text pooling 'cls' for this model (there is layers-1-2-last, pooler, class, "
                 "end, mean, mean-all, max, sum-last-4)");
    assert_null(t);
    assert_fails(make("family: bert\n", "pooler", &t, &err), MDP_ERR_USAGE, err,
                 "no text pooling 'pooler' for this model (its text tower has one way)");
    assert_int_equal(make("family: bert\n", NULL, &t, &err), MDP_ERR_FORMAT);
    assert_string_equal(err.message, "m.yaml: line 1: key 'layers' is missing");
}

static void half_a_file_is_released(void **state)
{
    (void)state;
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_text_tower *t = NULL;
    char more[sizeof card + 1];

    snprintf(more, sizeof more, "%s", card);
    memcpy(strstr(more, "layers: 3"), "layers: 4", 9);
    assert_int_equal(make(more, NULL, &t, &err), MDP_ERR_MISSING);
    assert_null(t);
    assert_non_null(strstr(err.message, "encoder.layer.3.attention.self.query.weight"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_do_not_depend_on_threads),
        cmocka_unit_test(bytes_do_not_depend_on_what_stood_in_scratch),
        cmocka_unit_test(padding_counts_in_the_mean),
        cmocka_unit_test(padding_does_not_count_elsewhere),
        cmocka_unit_test(reads_the_other_keys),
        cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(half_a_file_is_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
