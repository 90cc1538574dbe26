/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: batches and their padding, the settings of a tokenizer, hostile vocabularies and texts, under the
   sanitizers too. The ids are compared with BertTokenizer in tests/reference/test_wordpiece.py.
   Planted fault: padding with 0 in place of the padding id; pads_a_batch saw it. */
#include "unit/unit.h"

#include "base/file.h"
#include "base/memory.h"
#include "extract/text/tokenizer.h"

static const char path[] = "test_wordpiece.tmp.txt";
/* ids:                         0    1    2      3      4      5      6       7  8     9      10       11 12
 */
static const char vocab_text[] =
    "the\na\n[UNK]\n[CLS]\n[SEP]\n[PAD]\n[MASK]\n.\nlung\n##s\ncl\xC3\xA9\nx\n##";

static mdp_status make(const char *vocab, size_t n, const char *settings, struct mdp_tokenizer **tokenizer,
                       struct mdp_error *err)
{
    struct mdp_yaml *doc = NULL;

    assert_ok(mdp_file_write(path, vocab, n, err), *err);
    assert_ok(mdp_yaml_parse(settings, strlen(settings), "m.yaml", &doc, err), *err);
    mdp_status st = mdp_tokenizer_new(doc, mdp_yaml_root(doc), path, tokenizer, err);
    mdp_yaml_free(doc);
    remove(path);
    return st;
}

static struct mdp_tokenizer *usual(const char *settings)
{
    struct mdp_tokenizer *t = NULL;
    struct mdp_error err = MDP_ERROR_INIT;

    assert_ok(make(vocab_text, strlen(vocab_text), settings, &t, &err), err);
    return t;
}

static void gives(const struct mdp_tokenizer *t, const char *text, const int32_t expected[], size_t n)
{
    struct mdp_error err = MDP_ERROR_INIT;
    int32_t *ids = calloc(mdp_tokenizer_max_length(t), sizeof *ids); /* exactly, for the sanitizer */
    size_t found = 0;

    assert_ok(mdp_tokenize(t, text, ids, &found, &err), err);
    assert_int_equal(found, n);
    assert_memory_equal(ids, expected, n * sizeof *ids);
    free(ids);
}

static void cuts_words_and_texts(void **state)
{
    (void)state;
    struct mdp_tokenizer *t = usual("kind: wordpiece\nmax_length: 8\n");

    assert_int_equal(mdp_tokenizer_vocab_size(t), 13);
    assert_int_equal(mdp_tokenizer_pad_id(t), 5);
    gives(t, "", (const int32_t[]){3, 4}, 2);
    gives(t, "The LUNGS.", (const int32_t[]){3, 0, 8, 9, 7, 4}, 6);
    gives(t, "[MASK]the[mask]", (const int32_t[]){3, 6, 0, 2, 2, 2, 4}, 7);
    gives(t, "a a a a a a a a a a", (const int32_t[]){3, 1, 1, 1, 1, 1, 1, 4}, 8);
    gives(t, "lungx cl\xC3\xA9 l\xCC\x81ung", (const int32_t[]){3, 2, 2, 8, 4}, 5);
    mdp_tokenizer_free(t);
    t = usual("kind: wordpiece\nmax_length: 8\nlower_case: false\n");
    gives(t, "The cle\xCC\x81", (const int32_t[]){3, 2, 10, 4}, 4);
    mdp_tokenizer_free(t);
}

static void pads_a_batch(void **state)
{
    (void)state;
    struct mdp_tokenizer *t = usual("kind: wordpiece\nmax_length: 77\n");
    struct mdp_error err = MDP_ERROR_INIT;
    const char *texts[] = {"a", "the lungs.", ""};
    const int32_t expected[] = {3, 1, 4, 5, 5, 5, 3, 0, 8, 9, 7, 4, 3, 4, 5, 5, 5, 5};
    size_t lengths[3], longest = 0;
    int32_t *ids = NULL;

    assert_ok(mdp_tokenize_batch(t, texts, 3, &ids, lengths, &longest, &err), err);
    assert_int_equal(longest, 6);
    assert_int_equal(lengths[0], 3);
    assert_int_equal(lengths[1], 6);
    assert_int_equal(lengths[2], 2);
    assert_memory_equal(ids, expected, sizeof expected);
    free(ids);
    assert_ok(mdp_tokenize_batch(t, texts, 0, &ids, lengths, &longest, &err), err);
    assert_int_equal(longest, 0);
    free(ids);
    texts[1] = "x\xFF";
    assert_fails(mdp_tokenize_batch(t, texts, 3, &ids, lengths, &longest, &err), MDP_ERR_VALUE, err,
                 "text of 2 bytes: byte 1 is not UTF-8");
    assert_null(ids);
    mdp_tokenizer_free(t);
}

static void pads_to_the_full_length(void **state)
{
    (void)state;
    struct mdp_tokenizer *t = usual("kind: wordpiece\nmax_length: 5\npadding: max-length\n");
    struct mdp_error err = MDP_ERROR_INIT;
    const char *texts[] = {"a", ""};
    const int32_t expected[] = {3, 1, 4, 5, 5, 3, 4, 5, 5, 5};
    size_t lengths[2], longest = 0;
    int32_t *ids = NULL;

    assert_ok(mdp_tokenize_batch(t, texts, 2, &ids, lengths, &longest, &err), err);
    assert_int_equal(longest, 5);
    assert_int_equal(lengths[0], 3);
    assert_memory_equal(ids, expected, sizeof expected);
    free(ids);
    assert_ok(mdp_tokenize_batch(t, texts, 0, &ids, lengths, &longest, &err), err);
    assert_int_equal(longest, 0);
    free(ids);
    mdp_tokenizer_free(t);
}

static void names_the_setting(void **state)
{
    (void)state;
    static const struct {
        const char *settings, *message;
    } cases[] = {
        {"max_length: 77\n", "m.yaml: line 1: key 'kind' is missing"},
        {"kind: none-such\nmax_length: 77\n",
         "m.yaml: line 1: no kind of tokenizer 'none-such' (there are wordpiece,"}, /* and the others */
        {"kind: wordpiece\n", "m.yaml: line 1: key 'max_length' is missing"},
        {"kind: wordpiece\nmax_length: 77\npadding: max\n",
         "m.yaml: line 3: no padding 'max' (there are longest, max-length)"},
        {"kind: wordpiece\nmax_length: 77\nlowercase: true\n",
         "m.yaml: line 3: unknown key 'lowercase' (did you mean 'lower_case'?)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mdp_tokenizer *t = NULL;
        struct mdp_error err = MDP_ERROR_INIT;
        assert_int_not_equal(make(vocab_text, strlen(vocab_text), cases[i].settings, &t, &err), MDP_OK);
        assert_memory_equal(err.message, cases[i].message, strlen(cases[i].message));
        assert_null(t);
    }
}

/* The map is read before the vocabulary: another kind needs another file. The old order named the file. */
static void the_kind_is_looked_at_before_any_file(void **state)
{
    static const char text[] = "kind: none-such\nmax_length: 77\n";
    struct mdp_tokenizer *t = NULL;
    struct mdp_yaml *doc = NULL;
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    assert_ok(mdp_yaml_parse(text, strlen(text), "m.yaml", &doc, &err), err);
    assert_int_equal(mdp_tokenizer_new(doc, mdp_yaml_root(doc), "no/file", &t, &err), MDP_ERR_FORMAT);
    assert_non_null(strstr(err.message, "no kind of tokenizer 'none-such' (there are wordpiece,"));
    assert_null(t);
    mdp_yaml_free(doc);
}

static void refuses_a_vocabulary(const char *text, size_t n, const char *message)
{
    struct mdp_tokenizer *t = NULL;
    struct mdp_error err = MDP_ERROR_INIT;
    char expected[512];

    snprintf(expected, sizeof expected, "%s: %s", path, message);
    assert_int_not_equal(make(text, n, "kind: wordpiece\nmax_length: 77\n", &t, &err), MDP_OK);
    assert_string_equal(err.message, expected);
    assert_null(t);
}

static void refuses_hostile_vocabularies(void **state)
{
    (void)state;
    refuses_a_vocabulary("", 0, "no line '[UNK]' among 0 (a WordPiece vocabulary has it)");
    refuses_a_vocabulary("[UNK]", 5, "no line '[SEP]' among 1 (a WordPiece vocabulary has it)");
    refuses_a_vocabulary("a\nb\r\na\n", 7, "line 3: 'a' stands on line 1 already");
    refuses_a_vocabulary("a\n\xC0\x80\n", 5, "line 2: byte 0 is not UTF-8");
    refuses_a_vocabulary("\xEF\xBB\xBF[UNK]\n", 9, "no line '[UNK]' among 1 (a WordPiece vocabulary has it)");
    size_t n = ((size_t)16 << 20) + 1;
    char *big = malloc(n);
    assert_non_null(big);
    memset(big, 'a', n);
    refuses_a_vocabulary(big, n, "has 16777217 bytes, at most 16777216 are read");
    memset(big, '\n', n);
    refuses_a_vocabulary(big, n - 1, "more than 1000000 lines");
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_words_and_texts),
        cmocka_unit_test(pads_a_batch),
        cmocka_unit_test(pads_to_the_full_length),
        cmocka_unit_test(names_the_setting),
        cmocka_unit_test(the_kind_is_looked_at_before_any_file),
        cmocka_unit_test(refuses_hostile_vocabularies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
