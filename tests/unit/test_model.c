/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: extract/model/model.h, on the model that comes with the tree: what is opened belongs together, and embeds. Planted:
   the comparison of pieces with the tower's rows left out; vocabulary_belongs_to_the_weights saw it. */
#include "unit/unit.h"

#include "base/file.h"
#include "extract/model/model.h"

#include <math.h>
#include <unistd.h>

enum { D = 128 };

static struct mdp_model *open_demo(const struct mdp_model_choice *choice)
{
    struct mdp_model *model = NULL;
    struct mdp_error err = MDP_ERROR_INIT;

    assert_ok(mdp_model_open(choice, &model, &err), err);
    return model;
}

static void opens_what_the_card_names(void **state)
{
    struct mdp_model *m = open_demo(&(struct mdp_model_choice){.model = "demo-phantom", .texts = true});
    struct mdp_text text = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    assert_int_equal(mdp_model_width(m), D);
    assert_string_equal(m->pipeline.name, "demo-phantom");
    assert_string_equal(m->pooling, "layers-1-2-last");
    assert_false(m->weights_file.is_other || m->vocab_file.is_other);
    assert_int_equal(m->text_weights_file.path.n, 0);
    assert_int_equal(m->card.similarity.kind, MDP_SIMILARITY_SOFTMAX);
    assert_true(m->logits.scale > 1);
    assert_ok(mdp_model_pretrained(m, &text, &err), err);
    assert_string_equal(text.at, "published");
    mdp_text_clear(&text);
    /* An attribute of every store there is: its bytes do not move. */
    mdp_model_text_pipeline_to_json(m, &text);
    assert_string_equal(
        text.at, "{\"tokenizer\": {\"kind\": \"wordpiece\", \"lower_case\": true, \"max_length\": 77, "
                 "\"vocab_sha256\": \"f11af93c454d027bd0037c674c48b26a9891eed116c46b76f00ccf6f1c4fa68a\"}, "
                 "\"pooling\": \"layers-1-2-last\"}");
    mdp_text_release(&text);
    mdp_model_close(m);
    mdp_model_close(NULL);
}

static void pictures_alone_need_no_texts(void **state)
{
    struct mdp_model *m = open_demo(&(struct mdp_model_choice){.model = "demo-phantom", .grey16 = "clip"});

    (void)state;
    assert_true(!m->text && !m->tokenizer && !m->pooling && m->vocab_file.path.n == 0 &&
                isnan(m->logits.scale));
    assert_int_equal(m->pipeline.grey16, MDP_GREY16_CLIP);
    mdp_model_close(m);
}

static void embeds_texts(void **state)
{
    static const char *const texts[] = {"no focal consolidation", "a cavity in the upper lobe",
                                        "no focal consolidation"};
    struct mdp_model *m = open_demo(&(struct mdp_model_choice){.model = "demo-phantom", .texts = true});
    struct mdp_error err = MDP_ERROR_INIT;
    float one[3 * D], other[3 * D], norms[3];
    double length = 0;

    (void)state;
    assert_ok(mdp_model_embed_texts(m, texts, 3, 1, one, norms, &err), err);
    assert_ok(mdp_model_embed_texts(m, texts, 3, 3, other, norms, &err), err);
    assert_memory_equal(one, other, sizeof one);
    assert_memory_equal(one, one + 2 * D, D * sizeof *one);
    assert_memory_not_equal(one, one + D, D * sizeof *one);
    for (size_t i = 0; i < D; i++)
        length += (double)one[i] * (double)one[i];
    assert_true(fabs(length - 1) < 1e-6 && norms[0] > 0);
    mdp_model_close(m);
}

static void embeds_a_picture(void **state)
{
    uint8_t pixels[40 * 30];
    struct mdp_picture picture = {
        .mode = MDP_MODE_L, .width = 40, .height = 30, .channels = 1, .pixels = pixels, .orientation = 1};
    struct mdp_model *m = open_demo(&(struct mdp_model_choice){.model = "demo-phantom"});
    struct mdp_model_room room = {0};
    struct mdp_error err = MDP_ERROR_INIT;
    float embedding[D], norm = 0;
    double length = 0;

    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 7);
    assert_ok(mdp_model_room_init(&room, m, &err), err);
    assert_ok(mdp_model_embed_picture(m, &picture, &room, embedding, &norm, &err), err);
    for (size_t i = 0; i < D; i++)
        length += (double)embedding[i] * (double)embedding[i];
    assert_true(fabs(length - 1) < 1e-6 && norm > 0);
    mdp_model_room_release(&room);
    mdp_model_close(m);
}

/* A vocabulary of another model would give ids that mean other words. */
static void vocabulary_belongs_to_the_weights(void **state)
{
    static const char vocab[] = "test_model.tmp.txt";
    struct mdp_model *m = NULL;
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_text expected = {0};
    char *bytes = NULL;
    size_t n = 0, pieces = 0;

    (void)state;
    assert_ok(mdp_file_read("configs/models/demo-phantom/vocab.txt", 1 << 20, &bytes, &n, &err), err);
    for (size_t i = 0; i < n; i++)
        pieces += bytes[i] == '\n';
    char *more = test_malloc(n + 8);
    memcpy(more, bytes, n);
    memcpy(more + n, "zzzzzz\n", 8);
    assert_ok(mdp_file_write(vocab, more, n + 7, &err), err);
    assert_int_equal(
        mdp_model_open(&(struct mdp_model_choice){.model = "demo-phantom", .vocab = vocab, .texts = true}, &m,
                       &err),
        MDP_ERR_VALUE);
    mdp_text_add(
        &expected,
        "%s: the vocabulary file has %zu pieces, but the text tower %zu (it does not belong to the weights)",
        vocab, pieces + 1, pieces);
    assert_string_equal(err.message, expected.at);
    assert_null(m);
    /* Fewer pieces are another file, but fit. */
    assert_ok(mdp_file_write(vocab, bytes, n - 1, &err), err);
    m = open_demo(&(struct mdp_model_choice){.model = "demo-phantom", .vocab = vocab, .texts = true});
    assert_true(m->vocab_file.is_other);
    mdp_model_close(m);
    remove(vocab);
    mdp_text_release(&expected);
    test_free(more);
    free(bytes);
}

static void names_what_is_wrong(void **state)
{
    static const struct {
        struct mdp_model_choice choice;
        const char *expected;
    } cases[] = {
        {{.model = "demo-phantom", .pipeline = "demo-phantm"},
         "--pipeline demo-phantm: demo-phantom has no such pipeline (did you mean 'demo-phantom'?)"},
        {{.model = "demo-phantom", .orientation = "sideways"}, "--orientation: "},
        {{.model = "demo-phantom", .weights = "none.bin"}, "none.bin: no such file"},
        {{.model = "demo-phantom", .text_pooling = "none", .texts = true}, "pooling"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mdp_model *m = NULL;
        struct mdp_error err = MDP_ERROR_INIT;
        assert_int_not_equal(mdp_model_open(&cases[i].choice, &m, &err), MDP_OK);
        assert_null(m);
        assert_non_null(strstr(err.message, cases[i].expected));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_what_the_card_names),
        cmocka_unit_test(pictures_alone_need_no_texts),
        cmocka_unit_test(embeds_texts),
        cmocka_unit_test(embeds_a_picture),
        cmocka_unit_test(vocabulary_belongs_to_the_weights),
        cmocka_unit_test(names_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
