/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: the pickle interpreter: what each opcode gives, that every broken or greedy pickle is refused in bounded time
   and memory, and that nothing but values comes out of it.
   Planted faults that were seen: no floor at the last mark, a memo without bound, lengths compared after adding. */
#include "unit/unit.h"

#include "extract/weights/pickle.h"

#include "base/memory.h"

/* A string literal with NULs as bytes and length. */
#define BYTES(text) (const unsigned char *)(text), sizeof(text) - 1

static const struct mdp_value *root_of(const unsigned char *bytes, size_t n, struct mdp_pickle **pickle)
{
    struct mdp_error err = MDP_ERROR_INIT;
    size_t used = 0;

    assert_ok(mdp_pickle_parse(bytes, n, pickle, &used, &err), err);
    assert_int_equal(used, n);
    return mdp_pickle_root(*pickle);
}

static void reads_integers(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        int64_t value;
    } cases[] = {
#define CASE(text, value) {text, sizeof(text) - 1, value}
        CASE("K\xff.", 255),
        CASE("M\xff\xff.", 65535),
        CASE("J\xff\xff\xff\xff.", -1),
        CASE("J\x00\x00\x00\x80.", INT32_MIN),
        CASE("\x8a\x00.", 0),
        CASE("\x8a\x01\xff.", -1),
        CASE("\x8a\x02\xff\x00.", 255),
        CASE("\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80.", INT64_MIN),
        CASE("\x8b\x01\x00\x00\x00\x7f.", 127),
#undef CASE
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mdp_pickle *p = NULL;
        const struct mdp_value *v = root_of((const unsigned char *)cases[i].bytes, cases[i].n, &p);
        assert_int_equal(v->kind, MDP_VALUE_INT);
        assert_true(v->integer == cases[i].value);
        mdp_pickle_free(p);
    }
}

static void reads_other_scalars(void **state)
{
    struct mdp_pickle *p = NULL;
    const struct mdp_value *v = NULL;

    (void)state;
    v = root_of(BYTES("\x80\x02G\x3f\xf8\x00\x00\x00\x00\x00\x00."), &p);
    assert_int_equal(v->kind, MDP_VALUE_FLOAT);
    assert_true(v->number == 1.5);
    mdp_pickle_free(p);
    v = root_of(BYTES("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01."), &p);
    assert_int_equal(v->kind, MDP_VALUE_LONG);
    assert_int_equal(v->text.n, 9);
    mdp_pickle_free(p);
    v = root_of(BYTES("X\x02\x00\x00\x00"
                      "ab."),
                &p);
    assert_true(v->kind == MDP_VALUE_STRING && mdp_piece_is(v->text, "ab"));
    mdp_pickle_free(p);
    v = root_of(BYTES("\x8c\x03"
                      "abc\x94"
                      "."),
                &p);
    assert_true(v->kind == MDP_VALUE_STRING && mdp_piece_is(v->text, "abc"));
    mdp_pickle_free(p);
    v = root_of(BYTES("C\x01\x00."), &p);
    assert_true(v->kind == MDP_VALUE_BYTES && v->text.n == 1);
    mdp_pickle_free(p);
    v = root_of(BYTES("\x89."), &p);
    assert_true(v->kind == MDP_VALUE_BOOL && !v->truth);
    mdp_pickle_free(p);
}

static void reads_containers_and_memo(void **state)
{
    struct mdp_pickle *p = NULL;

    (void)state;
    /* {"a": (1, 2, 3), "b": [the same tuple, the same tuple]} */
    const struct mdp_value *v = root_of(BYTES("\x80\x02}(U\x01"
                                              "aK\x01K\x02K\x03\x87q\x07U\x01"
                                              "b](h\x07h\x07"
                                              "eu."),
                                        &p);
    assert_true(v->kind == MDP_VALUE_DICT && v->items.n == 4);
    assert_true(mdp_piece_is(v->items.at[0]->text, "a"));
    assert_true(v->items.at[1]->kind == MDP_VALUE_TUPLE && v->items.at[1]->items.n == 3);
    assert_true(v->items.at[3]->kind == MDP_VALUE_LIST && v->items.at[3]->items.n == 2);
    assert_ptr_equal(v->items.at[3]->items.at[1], v->items.at[1]);
    mdp_pickle_free(p);
    /* a list that holds itself */
    v = root_of(BYTES("]q\x00h\x00"
                      "a."),
                &p);
    assert_ptr_equal(v->items.at[0], v);
    mdp_pickle_free(p);
    /* POP of a mark, POP_MARK, DUP, POP */
    v = root_of(BYTES("N(0(K\x01K\x02"
                      "1((K\x01"
                      "20tl."),
                &p);
    assert_int_equal(v->kind, MDP_VALUE_LIST);
    mdp_pickle_free(p);
}

static void ordered_dictionaries_are_dictionaries(void **state)
{
    struct mdp_pickle *p = NULL;

    (void)state;
    /* OrderedDict(), one item, then BUILD with attributes that are dropped */
    const struct mdp_value *v = root_of(BYTES("ccollections\nOrderedDict\n)RU\x01"
                                              "aK\x01s}U\x09_metadata}sb."),
                                        &p);
    assert_true(v->kind == MDP_VALUE_DICT && v->items.n == 2);
    mdp_pickle_free(p);
    /* Python 2: OrderedDict([["a", 1]]) */
    v = root_of(BYTES("ccollections\nOrderedDict\n]]U\x01"
                      "a"
                      "aK\x01"
                      "aa\x85R."),
                &p);
    assert_true(v->kind == MDP_VALUE_DICT && v->items.n == 2);
    mdp_pickle_free(p);
}

static void unknown_globals_stay_closed(void **state)
{
    struct mdp_pickle *p = NULL;

    (void)state;
    const struct mdp_value *v = root_of(BYTES("cposix\nsystem\nU\x04"
                                              "true\x85R}b."),
                                        &p);
    assert_int_equal(v->kind, MDP_VALUE_OBJECT);
    assert_true(mdp_value_is_global(v->object.callable, "posix", "system"));
    assert_int_equal(v->object.state->kind, MDP_VALUE_DICT);
    mdp_pickle_free(p);
    v = root_of(BYTES("\x8c\x02os\x8c\x06system\x93)\x81(K\x01"
                      "e."),
                &p);
    assert_true(v->kind == MDP_VALUE_OBJECT && mdp_value_is_global(v->object.callable, "os", "system"));
    mdp_pickle_free(p);
    v = root_of(BYTES("U\x01xQ."), &p);
    assert_true(v->kind == MDP_VALUE_PERSISTENT && v->id->kind == MDP_VALUE_STRING);
    mdp_pickle_free(p);
}

static void refuses(const unsigned char *bytes, size_t n, mdp_status status, const char *message)
{
    struct mdp_pickle *p = NULL;
    struct mdp_error err = MDP_ERROR_INIT;
    size_t used = 0;

    assert_fails(mdp_pickle_parse(bytes, n, &p, &used, &err), status, err, message);
    assert_null(p);
}

static void refuses_broken_pickles(void **state)
{
    const mdp_status broken = MDP_ERR_FORMAT;

    (void)state;
    refuses(BYTES(""), broken, "pickle: byte 0: ends without STOP");
    refuses(BYTES("N"), broken, "pickle: byte 1: ends without STOP");
    refuses(BYTES("."), broken, "pickle: byte 0: the stack is empty");
    refuses(BYTES("0."), broken, "pickle: byte 0: the stack is empty");
    refuses(BYTES("N(\x85."), broken, "pickle: byte 2: the stack is empty"); /* below the mark */
    refuses(BYTES("NN\x87."), broken, "pickle: byte 2: the stack is empty");
    refuses(BYTES("t."), broken, "pickle: byte 0: no mark on the stack");
    refuses(BYTES("}(Nu."), broken, "pickle: byte 3: a dictionary key without a value");
    refuses(BYTES("(Nd."), broken, "pickle: byte 2: a dictionary key without a value");
    refuses(BYTES("N(NNu."), broken, "pickle: byte 4: items for None");
    refuses(BYTES("]NNs."), broken, "pickle: byte 3: items for a list");
    refuses(BYTES("h\x00."), broken, "pickle: byte 0: memo 0 was never put");
    refuses(BYTES("Nr\xff\xff\xff\xff."), broken,
            "pickle: byte 1: memo index 4294967295, at most 16777216 are read");
    refuses(BYTES("X\xff\xff\xff\xff"
                  "ab."),
            broken, "pickle: byte 0: opcode 0x58 needs 4294967295 bytes, the file has 3 more");
    refuses(BYTES("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
                  "ab."),
            broken, "pickle: byte 0: opcode 0x8d needs 18446744073709551615 bytes, the file has 3 more");
    refuses(BYTES("\x8b\xff\xff\xff\xff."), broken, "pickle: byte 0: an integer of negative length");
    refuses(BYTES("J\x00."), broken, "pickle: byte 0: opcode 0x4a needs 4 bytes, the file has 2 more");
    refuses(BYTES("\x80\x06N."), broken, "pickle: byte 0: protocol 6, 2 to 5 are read");
    refuses(BYTES("\x95\x09\x00\x00\x00\x00\x00\x00\x00N."), broken,
            "pickle: byte 0: a frame of 9 bytes passes the end");
    refuses(BYTES("cos"), broken, "pickle: byte 0: a line without end");
    refuses(BYTES("cos\nsystem"), broken, "pickle: byte 0: a line without end");
    refuses(BYTES("NNR."), broken, "pickle: byte 2: arguments are None, expected a tuple");
    refuses(BYTES("NN\x93."), broken, "pickle: byte 2: a global whose name is not text");
    refuses(BYTES("ios\nsystem\n."), MDP_ERR_UNSUPPORTED, "pickle: byte 0: opcode 0x69 is not supported");
    refuses(BYTES("\x97."), MDP_ERR_UNSUPPORTED, "pickle: byte 0: opcode 0x97 is not supported");
}

/* `unit` repeated until `n` bytes, then STOP. */
static unsigned char *repeated(const char *unit, size_t unit_n, size_t n)
{
    unsigned char *bytes = malloc(n + unit_n + 1);

    assert_non_null(bytes);
    size_t at = 0;
    for (; at < n; at += unit_n)
        memcpy(bytes + at, unit, unit_n);
    bytes[at] = '.';
    return bytes;
}

static void refuses_greedy_pickles(void **state)
{
    static const struct {
        const char *unit, *message;
    } cases[] = {
        {"N", "values on the stack"},
        {"(", "marks"},
        {"N0", "its values need more than 384 MiB"},
        {"N\x85\x85\x85\x85\x30", "its values need more than 384 MiB"},
    };
    const size_t n = (size_t)48 << 20;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char *bytes = repeated(cases[i].unit, strlen(cases[i].unit), n);
        struct mdp_pickle *p = NULL;
        struct mdp_error err = MDP_ERROR_INIT;
        size_t used = 0;
        assert_int_not_equal(mdp_pickle_parse(bytes, n + 2, &p, &used, &err), MDP_OK);
        assert_non_null(strstr(err.message, cases[i].message));
        free(bytes);
    }
}

/* A tuple of two times a tuple of two times ...: 2^64 ways through 64 values. */
static void shared_values_cost_nothing(void **state)
{
    unsigned char bytes[512];
    size_t n = 0;
    struct mdp_pickle *p = NULL;

    (void)state;
    bytes[n++] = 'N';
    for (int i = 0; i < 64; i++) {
        bytes[n++] = '2'; /* DUP */
        bytes[n++] = 0x86;
    }
    bytes[n++] = '.';
    assert_int_equal(root_of(bytes, n, &p)->kind, MDP_VALUE_TUPLE);
    mdp_pickle_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_integers),
        cmocka_unit_test(reads_other_scalars),
        cmocka_unit_test(reads_containers_and_memo),
        cmocka_unit_test(ordered_dictionaries_are_dictionaries),
        cmocka_unit_test(unknown_globals_stay_closed),
        cmocka_unit_test(refuses_broken_pickles),
        cmocka_unit_test(refuses_greedy_pickles),
        cmocka_unit_test(shared_values_cost_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
