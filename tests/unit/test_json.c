/* SPDX-License-Identifier: BSD-3-Clause */
/* base/formats/json.h: what the writer makes has its commas and keys in place and is read back as it was.
   Protects: results.json that other programs can parse, with every number as it was. */
#include "unit/unit.h"

#include "base/formats/json.h"

#include <math.h>
#include <string.h>

/* Fault seen (the program before): a path that is no UTF-8 made a document that is no JSON. */
static void json_text_is_json(void **state)
{
    struct mdp_text t = {0};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    mdp_text_add_json(&t, "\"\\\n\x1b\xc3\xa9");
    assert_ok(mdp_text_status(&t, &err), err);
    assert_string_equal(t.at, "\"\\\"\\\\\\n\\u001b\xc3\xa9\"");
    mdp_text_clear(&t);
    mdp_text_add_json(&t, "a\xff\xfe.b\xc3");
    assert_string_equal(t.at, "\"a\\ufffd\\ufffd.b\\ufffd\"");
    mdp_text_clear(&t);
    mdp_text_add_json(&t, "");
    mdp_text_add_json(&t, NULL);
    assert_string_equal(t.at, "\"\"null");
    mdp_text_release(&t);
}

static void the_writer_puts_commas_where_they_belong(void **state)
{
    struct mdp_text t = {0};
    struct mdp_json_writer w = {.out = &t};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    mdp_json_begin(&w, NULL, '{', "\n");
    mdp_json_put_text(&w, "text", "a \"b\"");
    mdp_json_put_null(&w, "none");
    mdp_json_begin(&w, "rows", '[', "\n  ");
    for (size_t i = 0; i < 2; i++) {
        mdp_json_begin(&w, NULL, '{', NULL);
        mdp_json_put_size(&w, "i", i);
        mdp_json_put_bool(&w, "first", i == 0);
        mdp_json_end(&w, NULL);
    }
    mdp_json_end(&w, "\n");
    mdp_json_begin(&w, "empty", '[', NULL);
    mdp_json_end(&w, NULL);
    mdp_json_put_number(&w, "half", 0.5);
    mdp_json_put_number(&w, "nan", NAN);
    mdp_json_end(&w, "\n");
    assert_ok(mdp_text_status(&t, &err), err);
    assert_string_equal(t.at, "{\n\"text\": \"a \\\"b\\\"\",\n\"none\": null,\n\"rows\": [\n"
                              "  {\"i\": 0, \"first\": true},\n  {\"i\": 1, \"first\": false}\n],\n"
                              "\"empty\": [],\n\"half\": 0.5,\n\"nan\": null\n}");
    mdp_text_release(&t);
}

/* A double of 17 digits and the largest whole number come back exactly; keys keep their order. */
static mdp_status note_key(void *context, const char *key, const struct mdp_json_value *value,
                           struct mdp_error *err)
{
    (void)value;
    (void)err;
    strcat(context, key);
    return MDP_OK;
}

static void what_was_written_is_read(void **state)
{
    static const double numbers[] = {0.1, 1e-300, -2.5, 123456789.12345678, 1e22};
    struct mdp_text t = {0};
    struct mdp_json_writer w = {.out = &t};
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_json *doc = NULL;
    char keys[16] = "";
    size_t n = 7;

    (void)state;
    mdp_json_begin(&w, NULL, '{', NULL);
    mdp_json_put_size(&w, "z", (size_t)INT64_MAX);
    mdp_json_begin(&w, "a", '[', NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        mdp_json_put_number(&w, NULL, numbers[i]);
    mdp_json_end(&w, NULL);
    mdp_json_put_text(&w, "m", "caf\xc3\xa9\n\x1b");
    mdp_json_end(&w, NULL);
    assert_ok(mdp_json_parse(t.at, t.n, "t", &doc, &err), err);
    const struct mdp_json_value *root = mdp_json_root(doc), *list = mdp_json_find(root, "a");
    assert_true(mdp_json_to_size(mdp_json_find(root, "z"), &n));
    assert_true(n == (size_t)INT64_MAX);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_true(mdp_json_number(mdp_json_at(list, i)) == numbers[i]);
    assert_false(mdp_json_to_size(mdp_json_at(list, 2), &n));
    assert_false(mdp_json_to_size(NULL, &n));
    assert_string_equal(mdp_json_text(mdp_json_find(root, "m")), "caf\xc3\xa9\n\x1b");
    assert_ok(mdp_json_each(root, note_key, keys, &err), err);
    assert_string_equal(keys, "zam");
    mdp_json_free(doc);
    mdp_text_release(&t);
}

static void refuses_what_is_no_json(void **state)
{
    static const char *const texts[] = {"{\"a\": 1,\n\"a\": 2}", "{\"a\": }", "", "{} {}"};
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_json *doc = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(mdp_json_parse(texts[i], strlen(texts[i]), "t", &doc, &err), MDP_ERR_FORMAT);
        assert_null(doc);
    }
    assert_int_equal(mdp_json_parse(texts[0], strlen(texts[0]), "t", &doc, &err), MDP_ERR_FORMAT);
    assert_non_null(strstr(err.message, "t: line 2, byte "));
    assert_non_null(strstr(err.message, "duplicate object key"));
}

/* Python writes int(1e30) so. Digits in strings, behind a point or before an exponent stay as they are.
   Fault once planted and seen: the digits of a string were taken for a number. */
static void a_number_too_long_is_real(void **state)
{
    const char *text = "{\"a\": 1000000000000000019884624838656, \"b\": \"\\\"10000000000000000000000\", "
                       "\"c\": [0.10000000000000000000025, -20000000000000000000000, 9223372036854775807, "
                       "10000000000000000000000e-22]}";
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_json *doc = NULL;
    size_t size = 0;

    (void)state;
    assert_int_equal(mdp_json_parse(text, strlen(text), "t", &doc, &err), MDP_OK);
    const struct mdp_json_value *root = mdp_json_root(doc), *c = mdp_json_find(root, "c");
    assert_true(fabs(mdp_json_number(mdp_json_find(root, "a")) / 1e30 - 1) < 1e-15);
    assert_false(mdp_json_to_size(mdp_json_find(root, "a"), &size));
    assert_string_equal(mdp_json_text(mdp_json_find(root, "b")), "\"10000000000000000000000");
    assert_true(mdp_json_number(mdp_json_at(c, 0)) == 0.10000000000000000000025);
    assert_true(mdp_json_number(mdp_json_at(c, 1)) == -2e22);
    assert_true(mdp_json_to_size(mdp_json_at(c, 2), &size) && size == INT64_MAX);
    assert_true(mdp_json_number(mdp_json_at(c, 3)) == 1);
    mdp_json_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_text_is_json),
        cmocka_unit_test(the_writer_puts_commas_where_they_belong),
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(refuses_what_is_no_json),
        cmocka_unit_test(a_number_too_long_is_real),
    };

    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
