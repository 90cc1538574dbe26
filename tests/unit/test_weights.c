/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: weight files made by hand, hostile ones above all: every number of a file is checked against the bytes
   there are, the refusal names the tensor, and the door's answers (missing, wrong shape, unused) are exact.
   tests/reference/test_weights.py compares with torch and safetensors.
   Planted faults that were seen: span compared with <= instead of <; size products without overflow check; safetensors
   ranges compared before sorting. */
#include "unit/unit.h"

#include "base/memory.h"
#include "extract/weights/containers.h"
#include "extract/weights/weights.h"
#include "extract/weights/zip.h"

#include <zlib.h>

/* --- building files --- */

#define RAW(t, literal) mdp_text_add_bytes(t, literal, sizeof(literal) - 1)

static void number(struct mdp_text *t, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++, value >>= 8)
        mdp_text_add_bytes(t, &(unsigned char){(unsigned char)value}, 1);
}

static void safetensors(struct mdp_text *t, const char *header, size_t data)
{
    mdp_text_clear(t);
    number(t, strlen(header), 8);
    mdp_text_add(t, "%s", header);
    for (size_t i = 0; i < data; i++)
        number(t, i, 1);
}

static void text_value(struct mdp_text *t, const char *text)
{
    RAW(t, "X");
    number(t, strlen(text), 4);
    mdp_text_add(t, "%s", text);
}

static void int_value(struct mdp_text *t, int64_t value)
{
    RAW(t, "\x8a\x08"); /* LONG1 */
    number(t, (uint64_t)value, 8);
}

/* One tensor as torch.save writes it. */
struct saved {
    const char *name, *class, *key;
    int64_t count, offset;
    int rank;
    int64_t size[9], stride[9];
};

static void tuple_value(struct mdp_text *t, const int64_t values[], int n)
{
    RAW(t, "(");
    for (int i = 0; i < n; i++)
        int_value(t, values[i]);
    RAW(t, "t");
}

static void saved_value(struct mdp_text *t, const struct saved *s, bool legacy)
{
    RAW(t, "ctorch._utils\n_rebuild_tensor_v2\n((");
    text_value(t, "storage");
    mdp_text_add(t, "ctorch\n%s\n", s->class);
    text_value(t, s->key);
    text_value(t, "cpu");
    int_value(t, s->count);
    if (legacy)
        RAW(t, "N");
    RAW(t, "tQ");
    int_value(t, s->offset);
    tuple_value(t, s->size, s->rank);
    tuple_value(t, s->stride, s->rank);
    RAW(t, "\x89"
           "ccollections\nOrderedDict\n)RtR");
}

/* {"name": tensor, ...} */
static void state_dict(struct mdp_text *t, const struct saved saved[], size_t n, bool legacy)
{
    RAW(t, "\x80\x02}(");
    for (size_t i = 0; i < n; i++) {
        text_value(t, saved[i].name);
        saved_value(t, &saved[i], legacy);
    }
    RAW(t, "u.");
}

struct member {
    const char *name;
    const void *bytes;
    size_t n;
};

static void zip_file(struct mdp_text *t, const struct member members[], size_t n)
{
    size_t begins[8];

    mdp_text_clear(t);
    for (size_t i = 0; i < n; i++) {
        const struct member *m = &members[i];
        begins[i] = t->n;
        RAW(t, "PK\x03\x04\x14\0\0\0\0\0\0\0\0\0");
        number(t, crc32(0, m->bytes, (uInt)m->n), 4);
        number(t, m->n, 4);
        number(t, m->n, 4);
        number(t, strlen(m->name), 2);
        number(t, 0, 2);
        mdp_text_add(t, "%s", m->name);
        mdp_text_add_bytes(t, m->bytes, m->n);
    }
    size_t directory = t->n;
    for (size_t i = 0; i < n; i++) {
        const struct member *m = &members[i];
        RAW(t, "PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0");
        number(t, crc32(0, m->bytes, (uInt)m->n), 4);
        number(t, m->n, 4);
        number(t, m->n, 4);
        number(t, strlen(m->name), 2);
        number(t, 0, 12);
        number(t, begins[i], 4);
        mdp_text_add(t, "%s", m->name);
    }
    size_t end = t->n;
    RAW(t, "PK\x05\x06\0\0\0\0");
    number(t, n, 2);
    number(t, n, 2);
    number(t, end - directory, 4);
    number(t, directory, 4);
    number(t, 0, 2);
}

/* A torch zip of these tensors, all in one storage "0" of `bytes` bytes: 0, 1, 2 ... */
static void torch_zip(struct mdp_text *t, const struct saved saved[], size_t n, size_t bytes)
{
    struct mdp_text pickle = {0}, data = {0};

    state_dict(&pickle, saved, n, false);
    for (size_t i = 0; i < bytes; i++)
        number(&data, i, 1);
    const struct member members[] = {{"x/data.pkl", pickle.at, pickle.n},
                                     {"x/data/0", data.at ? data.at : "", data.n}};
    zip_file(t, members, 2);
    mdp_text_release(&pickle);
    mdp_text_release(&data);
}

/* Bytes that tensors point into, freed when a test ends. */
static void *kept[64];
static size_t n_kept;

static int free_kept(void **state)
{
    (void)state;
    while (n_kept)
        free(kept[--n_kept]);
    return 0;
}

static mdp_status read_text(const struct mdp_text *t, struct mdp_weights **w, struct mdp_error *err)
{
    /* A block of exactly this size: the address sanitizer sees every byte too many. */
    unsigned char *exact = malloc(t->n ? t->n : 1);

    assert_non_null(exact);
    memcpy(exact, t->at ? t->at : "", t->n);
    assert_true(n_kept < sizeof kept / sizeof kept[0]);
    kept[n_kept++] = exact;
    return mdp_weights_parse(exact, t->n, "f", w, err);
}

static void refuses(const struct mdp_text *t, const char *message)
{
    struct mdp_weights *w = NULL;
    struct mdp_error err = MDP_ERROR_INIT;

    assert_int_not_equal(read_text(t, &w, &err), MDP_OK);
    assert_null(w);
    assert_string_equal(err.message, message);
}

/* "f: WHAT, expected a file of ... HINT": no container is named here, so that a new one changes no test. */
static void refuses_as_unknown(const struct mdp_text *t, const char *what, const char *hint)
{
    struct mdp_text message = {0};

    mdp_text_add(&message, "f: %s, expected a file of ", what);
    mdp_text_add_weight_formats(&message, "or");
    mdp_text_add(&message, "%s", hint);
    refuses(t, message.at);
    mdp_text_release(&message);
}

/* --- safetensors --- */

static void reads_safetensors(void **state)
{
    struct mdp_text t = {0};
    struct mdp_weights *w = NULL;
    struct mdp_error err = MDP_ERROR_INIT;
    float values[6];

    (void)state;
    safetensors(&t,
                "{\"__metadata__\":{\"format\":\"pt\"},\"b\":{\"dtype\":\"U8\",\"shape\":[2,3],\"data_"
                "offsets\":[8,14]},"
                "\"a\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
                "\"e\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[14,14]}}",
                14);
    assert_ok(read_text(&t, &w, &err), err);
    assert_string_equal(mdp_weights_format(w), "safetensors");
    assert_int_equal(mdp_weights_count(w), 3);
    assert_string_equal(mdp_weights_at(w, 0)->name, "b");
    mdp_tensor_to_f32(mdp_weights_find(w, "b"), values);
    for (int i = 0; i < 6; i++)
        assert_true(values[i] == (float)(8 + i));
    assert_int_equal(mdp_weights_find(w, "a")->rank, 0);
    assert_int_equal(mdp_weights_find(w, "e")->count, 0);
    mdp_tensor_to_f32(mdp_weights_find(w, "e"), values);
    mdp_weights_close(w);
    mdp_text_release(&t);
}

static void refuses_hostile_safetensors(void **state)
{
    static const struct {
        const char *header, *message;
    } cases[] = {
        /* each with 8 bytes of data */
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"U8\",\"shape\":["
         "4],"
         "\"data_offsets\":[4,8]}}",
         "f: header: line 1, byte 56: duplicate object key near '\"a\"' (expected JSON)"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[0,5]},\"b\":{\"dtype\":\"U8\",\"shape\":["
         "4],"
         "\"data_offsets\":[4,8]}}",
         "f: tensor 'b': its bytes overlap those of tensor 'a'"},
        {"{\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]},\"a\":{\"dtype\":\"U8\",\"shape\":["
         "5],"
         "\"data_offsets\":[0,5]}}",
         "f: tensor 'b': its bytes overlap those of tensor 'a'"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[0,9]}}",
         "f: tensor 'a': its bytes 0 to 9 are not in the data block of 8"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[8,0]}}",
         "f: tensor 'a': its bytes 8 to 0 are not in the data block of 8"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[-8,8]}}",
         "f: tensor 'a': a number of its data_offsets is not whole and at least 0"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8.0],\"data_offsets\":[0,8]}}",
         "f: tensor 'a': a number of its shape is not whole and at least 0"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8,8]}}",
         "f: tensor 'a': its data_offsets is no list of 2 to 2 numbers"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}",
         "f: tensor 'a': has 8 bytes in the file, its shape and dtype need 4"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}",
         "f: tensor 'a': its sizes, strides and offset 0 reach outside its storage of 2 elements"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387905,4],\"data_offsets\":[0,8]}}",
         "f: tensor 'a': the product of its sizes overflows"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,2],\"data_offsets\":[0,8]}}",
         "f: tensor 'a': the product of its sizes overflows"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,8],\"data_offsets\":[0,8]}}",
         "f: tensor 'a': its shape is no list of 0 to 8 numbers"},
        {"{\"a\":{\"dtype\":\"F4\",\"shape\":[8],\"data_offsets\":[0,8]}}",
         "f: tensor 'a': dtype 'F4' is not supported"},
        {"{\"a\":{\"shape\":[8],\"data_offsets\":[0,8]}}", "f: tensor 'a': no dtype"},
        {"{\"a\":[]}", "f: tensor 'a': its entry is no JSON object"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}",
         "f: tensor 'a': 4 bytes before it belong to no tensor"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
         "f: 4 bytes at its end belong to no tensor"},
        {"{\"a\\u0000b\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}",
         "f: header: line 1, byte 11: NUL byte in object key not supported near '\"a\\u0000b\"' (expected "
         "JSON)"},
        {"{\"a\":", "f: header: line 1, byte 5: unexpected token near end of file (expected JSON)"},
    };
    struct mdp_text t = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        safetensors(&t, cases[i].header, 8);
        refuses(&t, cases[i].message);
    }
    safetensors(&t, "{}", 0);
    t.at[0] = 3;
    refuses(&t, "f: is cut short: a safetensors header of 3 bytes passes the end of the file (10)");
    t.at[5] = 1;
    refuses_as_unknown(&t, "is of no known format", "");
    mdp_text_release(&t);
}

/* A header of brackets alone costs more memory than its bytes. */
static void refuses_a_header_of_brackets(void **state)
{
    struct mdp_text t = {0};
    const size_t n = (size_t)4 << 20;
    char *header = malloc(n + 1);

    (void)state;
    assert_non_null(header);
    memset(header, '[', n);
    header[0] = '{';
    header[n] = '\0';
    safetensors(&t, header, 0);
    refuses(&t, "f: header: 4194304 brackets, commas and colons, at most 2097152 are read");
    free(header);
    mdp_text_release(&t);
}

/* --- torch --- */

static const struct saved good = {.name = "a",
                                  .class = "ByteStorage",
                                  .key = "0",
                                  .count = 12,
                                  .rank = 2,
                                  .size = {3, 4},
                                  .stride = {4, 1}};

static void reads_views_of_one_storage(void **state)
{
    struct saved saved[] = {good, good, good, good};
    struct mdp_text t = {0};
    struct mdp_weights *w = NULL;
    struct mdp_error err = MDP_ERROR_INIT;
    uint8_t digest[MDP_SHA256_SIZE], expected[MDP_SHA256_SIZE];
    const unsigned char transposed[] = {0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}, part[] = {5, 6, 9, 10};
    float values[12];

    (void)state;
    saved[1] = (struct saved){"t", "ByteStorage", "0", 12, 0, 2, {4, 3}, {1, 4}};
    saved[2] = (struct saved){"part", "ByteStorage", "0", 12, 5, 2, {2, 2}, {4, 1}};
    saved[3] = (struct saved){"last", "ByteStorage", "0", 12, 11, 0, {0}, {0}};
    torch_zip(&t, saved, 4, 12);
    assert_ok(read_text(&t, &w, &err), err);
    assert_string_equal(mdp_weights_format(w), "torch zip");
    assert_true(mdp_weights_find(w, "a")->contiguous);
    const struct mdp_tensor *view = mdp_weights_find(w, "t");
    assert_false(view->contiguous);
    mdp_tensor_to_f32(view, values);
    for (int i = 0; i < 12; i++)
        assert_true(values[i] == (float)transposed[i]);
    assert_ok(mdp_tensor_sha256(view, digest, &err), err);
    mdp_sha256_of(transposed, sizeof transposed, expected);
    assert_memory_equal(digest, expected, sizeof digest);
    assert_ok(mdp_tensor_sha256(mdp_weights_find(w, "part"), digest, &err), err);
    mdp_sha256_of(part, sizeof part, expected);
    assert_memory_equal(digest, expected, sizeof digest);
    mdp_tensor_to_f32(mdp_weights_find(w, "last"), values);
    assert_true(values[0] == 11);
    mdp_weights_close(w);
    mdp_text_release(&t);
}

static void refuses_hostile_tensors(void **state)
{
    static const char outside[] =
        "f: tensor 'a': its sizes, strides and offset %lld reach outside its storage of 12 elements";
    static const int64_t max = INT64_MAX;
    static const struct {
        struct saved saved;
        const char *message;
    } cases[] = {
#define A "a", "ByteStorage", "0", 12
        {{A, 0, 1, {13}, {1}}, outside},
        {{A, 1, 1, {12}, {1}}, outside},
        {{A, 12, 0, {0}, {0}}, outside},
        {{A, 0, 2, {2, 1}, {12, 1}}, outside},
        {{A, 0, 2, {5, 5}, {3, 0}}, outside},
        {{A, max, 1, {2}, {1}}, outside},
        {{A, 0, 1, {2}, {max}}, outside},
        {{A, 2, 2, {3, 3}, {max, max}}, outside},
        {{A, 0, 2, {max, max}, {0, 0}}, "f: tensor 'a': the product of its sizes overflows"},
        {{A, 0, 3, {1ll << 32, 1ll << 32, 1}, {0, 0, 0}},
         "f: tensor 'a': the product of its sizes overflows"},
        {{A, 13, 1, {0}, {1}}, "f: tensor 'a': begins at element 13 of a storage of 12"},
        {{A, -1, 1, {1}, {1}}, "f: tensor 'a': its arguments are not (storage, offset, size, stride, ...)"},
        {{A, 0, 1, {-1}, {1}}, "f: tensor 'a': a size or stride that is no whole number from 0"},
        {{A, 0, 1, {2}, {-1}}, "f: tensor 'a': a size or stride that is no whole number from 0"},
        {{A, 0, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}},
         "f: tensor 'a': 9 dimensions, at most 8 are read"},
        {{"a", "ByteStorage", "0", 11, 0, 1, {1}, {1}},
         "f: tensor 'a': zip: entry 'x/data/0' has 12 bytes, its storage of 11 elements has 11"},
        {{"a", "FloatStorage", "0", 4, 0, 1, {1}, {1}},
         "f: tensor 'a': zip: entry 'x/data/0' has 12 bytes, its storage of 4 elements has 16"},
        {{"a", "DoubleStorage", "0", 1ll << 61, 0, 1, {1}, {1}},
         "f: tensor 'a': storage '0': the size of 2305843009213693952 elements overflows"},
        {{"a", "ByteStorage", "0", -1, 0, 1, {1}, {1}},
         "f: tensor 'a': a persistent id that is not ('storage', class, key, location, count)"},
        {{"a", "ByteStorage", "1", 12, 0, 1, {1}, {1}},
         "f: tensor 'a': zip: no entry 'x/data/1' for its storage"},
        {{"a", "ByteStorage", "../data.pkl", 12, 0, 1, {1}, {1}},
         "f: tensor 'a': zip: no entry 'x/data/../data.pkl' for its storage"},
        {{"a", "EvilStorage", "0", 12, 0, 1, {1}, {1}},
         "f: tensor 'a': storages of class torch.EvilStorage are not supported"},
        {{"a", "UntypedStorage", "0", 12, 0, 1, {1}, {1}}, "f: tensor 'a': its storage has no type"},
#undef A
    };
    struct mdp_text t = {0};
    char message[256];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        torch_zip(&t, &cases[i].saved, 1, 12);
        if (cases[i].message == outside)
            snprintf(message, sizeof message, outside, (long long)cases[i].saved.offset);
        else
            snprintf(message, sizeof message, "%s", cases[i].message);
        refuses(&t, message);
    }
    mdp_text_release(&t);
}

static void accepts_empty_tensors_of_any_shape(void **state)
{
    const struct saved saved[] = {{"a", "ByteStorage", "0", 12, 12, 3, {INT64_MAX, 0, INT64_MAX}, {1, 1, 1}}};
    struct mdp_text t = {0};
    struct mdp_weights *w = NULL;
    struct mdp_error err = MDP_ERROR_INIT;
    uint8_t digest[MDP_SHA256_SIZE];

    (void)state;
    torch_zip(&t, saved, 1, 12);
    assert_ok(read_text(&t, &w, &err), err);
    assert_int_equal(mdp_weights_at(w, 0)->count, 0);
    assert_ok(mdp_tensor_sha256(mdp_weights_at(w, 0), digest, &err), err);
    mdp_weights_close(w);
    mdp_text_release(&t);
}

static void refuses_repeated_and_bad_names(void **state)
{
    struct saved saved[] = {good, good};
    struct mdp_text t = {0};

    (void)state;
    torch_zip(&t, saved, 2, 12);
    refuses(&t, "f: two tensors have the name 'a'");
    saved[0].name = "\xff\xfe";
    torch_zip(&t, saved, 1, 12);
    refuses(&t, "f: tensor name '': not UTF-8 at byte 0");
    char long_name[1100];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    saved[0].name = long_name;
    torch_zip(&t, saved, 1, 12);
    refuses(&t, "f: tensor name 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...': 1025 bytes long, at most 1024 "
                "are allowed");
    /* 2^40 times one element: reading it would never end */
    saved[0] = (struct saved){"bomb", "ByteStorage", "0", 12, 0, 1, {1ll << 40}, {0}};
    torch_zip(&t, saved, 1, 12);
    char message[160];
    snprintf(message, sizeof message,
             "f: tensor 'bomb': the tensors up to it repeat the file's %zu bytes more than 4 times", t.n);
    refuses(&t, message);
    mdp_text_release(&t);
}

/* Dictionaries that share their values: 2^n ways to one tensor. */
static void bounds_the_walk(void **state)
{
    struct mdp_text pickle = {0}, t = {0};

    (void)state;
    RAW(&pickle, "\x80\x02");
    saved_value(&pickle, &good, false);
    for (int i = 0; i < 15; i++) { /* [x] * 4 around it, x memoized */
        RAW(&pickle, "q\x00(h\x00h\x00h\x00h\x00l");
    }
    RAW(&pickle, ".");
    const struct member members[] = {{"x/data.pkl", pickle.at, pickle.n}, {"x/data/0", "0123456789ab", 12}};
    zip_file(&t, members, 2);
    refuses(&t, "f: more than 262144 tensors, or names that are too long together");
    mdp_text_clear(&pickle);
    RAW(&pickle, "]q\x00h\x00"
                 "a."); /* a list in itself */
    const struct member loop[] = {{"x/data.pkl", pickle.at, pickle.n}};
    zip_file(&t, loop, 1);
    refuses(&t, "f: containers inside containers more than 16 deep");
    mdp_text_clear(&pickle);
    RAW(&pickle, "]q\x00(h\x00h\x00h\x00h\x00h\x00h\x00h\x00h\x00"
                 "e0h\x00."); /* eight times in itself */
    const struct member tree[] = {{"x/data.pkl", pickle.at, pickle.n}};
    zip_file(&t, tree, 1);
    refuses(&t, "f: containers inside containers more than 16 deep");
    mdp_text_release(&pickle);
    mdp_text_release(&t);
}

/* A pickled module or object of TorchScript, and what it may hold. */
static void reads_and_bounds_modules(void **state)
{
    struct mdp_text pickle = {0}, t = {0};
    struct mdp_weights *w = NULL;
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    /* class a.B: parameters {"w": a tensor, 7: the same, "l": a list with one}, modules {"m": None}; and a key twice */
    RAW(&pickle, "\x80\x02"
                 "ca\nB\n)\x81}(X\x0b\0\0\0_parametersNX\x0b\0\0\0_parameters}(X\x01\0\0\0w");
    saved_value(&pickle, &good, false);
    RAW(&pickle, "q\x00K\x07h\x00X\x01\0\0\0l]h\x00"
                 "auX\x08\0\0\0_modules}X\x01\0\0\0mNsub.");
    const struct member whole[] = {{"x/data.pkl", pickle.at, pickle.n}, {"x/data/0", "0123456789ab", 12}};
    zip_file(&t, whole, 2);
    assert_ok(read_text(&t, &w, &err), err);
    assert_int_equal(mdp_weights_count(w), 2);
    assert_string_equal(mdp_weights_at(w, 0)->name, "w");
    assert_string_equal(mdp_weights_at(w, 1)->name, "7");
    mdp_weights_close(w);
    mdp_text_clear(&pickle); /* a module that is its own member */
    RAW(&pickle, "ca\nB\n)\x81q\x00}(X\x0b\0\0\0_parameters}X\x08\0\0\0_modules}X\x01\0\0\0mh\x00sub.");
    const struct member loop[] = {{"x/data.pkl", pickle.at, pickle.n}};
    zip_file(&t, loop, 1);
    refuses(&t, "f: containers inside containers more than 16 deep");
    mdp_text_clear(
        &pickle); /* an attribute of TorchScript that is its own owner; a list is no attribute that counts */
    RAW(&pickle, "c__torch__.a\nB\n)\x81q\x00}(X\x01\0\0\0l]q\x01h\x01"
                 "aX\x01\0\0\0mh\x00ub.");
    const struct member script[] = {{"x/data.pkl", pickle.at, pickle.n}};
    zip_file(&t, script, 1);
    refuses(&t, "f: containers inside containers more than 16 deep");
    mdp_text_clear(&pickle); /* a class without such attributes */
    RAW(&pickle, "ca\nB\n)\x81}X\x0b\0\0\0_parameters}sb.");
    const struct member other[] = {{"x/data.pkl", pickle.at, pickle.n}};
    zip_file(&t, other, 1);
    refuses(&t,
            "f: holds a pickled a.B, expected a state dict or a module (save model.state_dict() instead)");
    mdp_text_release(&pickle);
    mdp_text_release(&t);
}

/* --- ZIP --- */

static void refuses_broken_zips(void **state)
{
    const struct member twice[] = {{"x/data.pkl", "N.", 2}, {"x/data.pkl", "N.", 2}};
    const struct member two[] = {{"x/data.pkl", "N.", 2}, {"y/data.pkl", "N.", 2}};
    struct mdp_text t = {0};

    (void)state;
    zip_file(&t, twice, 2);
    refuses(&t, "f: zip: two entries have the name 'x/data.pkl'");
    zip_file(&t, two, 2);
    refuses(&t, "f: is a ZIP with two pickles, 'x/data.pkl' and 'y/data.pkl'");
    zip_file(&t, two, 1);
    refuses(&t, "f: holds None, expected a state dict or a module");
    t.n -= 1;
    refuses(&t, "f: zip: no directory at the end of its 119 bytes (was the download cut off?)");
    t.n += 1;
    const size_t end = t.n - 22, directory = 42;
    t.at[end + 16] = (char)200; /* directory behind its end record */
    refuses(&t, "f: zip: its directory of 56 bytes at 200 passes its end record");
    t.at[end + 16] = (char)directory;
    t.at[end + 8] = t.at[end + 10] = 2; /* two entries in the room of one */
    refuses(&t, "f: zip: 2 entries in a directory of 56 bytes");
    t.at[end + 8] = t.at[end + 10] = 1;
    t.at[directory + 42] = 1; /* local header elsewhere */
    refuses(&t, "f: zip: entry 'x/data.pkl': no local header at byte 1");
    t.at[directory + 42] = 0;
    t.at[30] = 'z'; /* local header of another name */
    refuses(&t, "f: zip: entry 'x/data.pkl': its local header is of another entry");
    t.at[30] = 'x';
    t.at[directory + 20] = t.at[directory + 24] = 100; /* longer than the file */
    refuses(&t, "f: zip: entry 'x/data.pkl': 100 bytes at 40 pass the end of the file (120)");
    t.at[directory + 20] = t.at[directory + 24] = 3;
    t.at[directory + 24] = 4;
    refuses(&t, "f: zip: entry 'x/data.pkl': stored as 3 bytes, said to be 4");
    memset(t.at + directory + 20, 0xFF, 8); /* ZIP64 without its field */
    refuses(&t, "f: zip: entry 'x/data.pkl': its ZIP64 sizes are missing");
    mdp_text_release(&t);
}

/* --- legacy --- */

static void legacy_file(struct mdp_text *t, const struct saved *s, const char *keys, int64_t count,
                        size_t bytes)
{
    mdp_text_clear(t);
    RAW(t, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
    RAW(t, "\x80\x02M\xe9\x03.");
    RAW(t, "\x80\x02}(X\x0d\0\0\0little_endian\x88u.");
    state_dict(t, s, 1, true);
    RAW(t, "\x80\x02](");
    for (; *keys; keys++)
        text_value(t, (char[]){*keys, '\0'});
    RAW(t, "e.");
    number(t, (uint64_t)count, 8);
    for (size_t i = 0; i < bytes; i++)
        number(t, i, 1);
}

static void reads_and_refuses_legacy(void **state)
{
    struct mdp_text t = {0};
    struct mdp_weights *w = NULL;
    struct mdp_error err = MDP_ERROR_INIT;
    float values[12];
    struct saved other = good;

    (void)state;
    legacy_file(&t, &good, "0", 12, 12);
    assert_ok(read_text(&t, &w, &err), err);
    assert_string_equal(mdp_weights_format(w), "legacy torch");
    mdp_tensor_to_f32(mdp_weights_at(w, 0), values);
    assert_true(values[11] == 11);
    mdp_weights_close(w);
    legacy_file(&t, &good, "0", 11, 12);
    refuses(&t, "f: storage '0': has 11 elements in the file, 12 in the tensors");
    legacy_file(&t, &good, "0", 12, 11);
    char message[128];
    snprintf(message, sizeof message, "f: storage '0': 12 bytes at %zu pass the end of the file (%zu)",
             t.n - 11, t.n);
    refuses(&t, message);
    legacy_file(&t, &good, "00", 12, 12);
    refuses(&t, "f: a storage key that is listed twice");
    legacy_file(&t, &good, "1", 12, 12);
    refuses(&t, "f: a storage key that no tensor has");
    legacy_file(&t, &good, "", 12, 12);
    refuses(&t, "f: tensor 'a': its storage '0' is not in the file");
    other.count = INT64_MAX;
    legacy_file(&t, &other, "0", INT64_MAX, 12);
    snprintf(message, sizeof message,
             "f: storage '0': 9223372036854775807 bytes at %zu pass the end of the file (%zu)", t.n - 12,
             t.n);
    refuses(&t, message);
    mdp_text_release(&t);
}

/* --- the door --- */

static void names_other_files(void **state)
{
    static const struct {
        const char *bytes, *what, *hint;
    } unknown[] = {
        {"", "is empty", ""},
        {"<!DOCTYPE html>", "is a web page or XML", " (download it again)"},
        {"\x89HDF\r\n\x1a\n", "is an HDF5 file", ""},
        {"\x1f\x8b\x08", "is compressed with gzip", " (gunzip it)"},
        {"hello", "is of no known format", ""},
    };
    struct mdp_text t = {0};

    (void)state;
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        mdp_text_clear(&t);
        mdp_text_add(&t, "%s", unknown[i].bytes);
        refuses_as_unknown(&t, unknown[i].what, unknown[i].hint);
    }
    mdp_text_clear(&t);
    mdp_text_add(&t, "version https://git-lfs.github.com/spec/v1\n");
    refuses(&t, "f: is a Git LFS pointer, not the weights themselves (git lfs pull)");
    mdp_text_clear(&t);
    mdp_text_add(&t, "\x80\x04N.");
    refuses(&t, "f: is a pickle, but not one of torch.save");
    mdp_text_release(&t);
}

/* Rows with the same words stand together, and users are told all words, each once. */
static void every_container_is_complete(void **state)
{
    struct mdp_text words = {0};

    (void)state;
    mdp_text_add_weight_formats(&words, "and");
    assert_non_null(mdp_containers[0]);
    for (size_t i = 0; mdp_containers[i]; i++) {
        const struct mdp_container *c = mdp_containers[i];
        assert_true(c->name && *c->name && c->words && *c->words && c->is && c->parse);
        const char *at = strstr(words.at, c->words);
        assert_true(at && !strstr(at + 1, c->words));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(c->name, mdp_containers[j]->name);
    }
    mdp_text_release(&words);
}

/* How many containers say that the bytes are theirs. */
static size_t claims(const struct mdp_text *t)
{
    size_t n = 0;

    for (size_t i = 0; mdp_containers[i]; i++)
        n += mdp_containers[i]->is((const unsigned char *)t->at, t->n);
    return n;
}

/* Each file is one container's alone, and a beginning that looks like two is none's. The header of a GGUF file (version 3)
   has the number of its tensors where safetensors has a brace: with 123 of them it was read as safetensors, whose header
   passed the end of the file. */
static void files_are_one_containers_alone(void **state)
{
    static const char gguf[] = "GGUF\3\0\0\0{\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0";
    struct mdp_text t = {0};

    (void)state;
    torch_zip(&t, &good, 1, 12);
    assert_int_equal(claims(&t), 1);
    legacy_file(&t, &good, "0", 12, 12);
    assert_int_equal(claims(&t), 1);
    safetensors(&t, "{}", 0);
    assert_int_equal(claims(&t), 1);
    mdp_text_clear(&t);
    mdp_text_add_bytes(&t, gguf, sizeof gguf);
    assert_true(claims(&t) <= 1);
    assert_false(mdp_safetensors_container.is((const unsigned char *)t.at, t.n));
    mdp_text_clear(&t);
    mdp_text_add(&t, "<");
    assert_int_equal(claims(&t), 0);
    mdp_text_release(&t);
}

/* A type that stands in MDP_DTYPE_LIST can be read: its name, size and conversion are there. */
static void every_dtype_converts(void **state)
{
    const unsigned char zero[8] = {0};

    (void)state;
    for (int d = 0; d < MDP_DTYPE_COUNT; d++) {
        const struct mdp_tensor t = {
            .name = "t", .dtype = (enum mdp_dtype)d, .count = 1, .contiguous = true, .bytes = zero};
        float value = 7;
        assert_true(*mdp_dtype_name(t.dtype) && mdp_dtype_size(t.dtype) >= 1 && mdp_dtype_size(t.dtype) <= 8);
        mdp_tensor_to_f32(&t, &value);
        assert_true(value == 0);
    }
}

static struct mdp_weights *three(struct mdp_text *t)
{
    struct saved saved[] = {good, good, good};
    struct mdp_weights *w = NULL;
    struct mdp_error err = MDP_ERROR_INIT;

    saved[0].name = "model.vision.weight";
    saved[1].name = "model.position_ids";
    saved[2].name = "model.pooler.dense.bias";
    torch_zip(t, saved, 3, 12);
    assert_ok(read_text(t, &w, &err), err);
    return w;
}

static void answers_missing_wrong_and_unused(void **state)
{
    static const char *const ignorable[] = {"*.position_ids", "model.pool*r.*.bias"};
    const size_t shape[] = {3, 4}, wrong[] = {4, 3};
    const struct mdp_tensor *tensor = NULL;
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_text t = {0};
    struct mdp_weights *w = three(&t);

    (void)state;
    assert_string_equal(mdp_weights_first_unused(w, ignorable, 2)->name, "model.vision.weight");
    assert_fails(mdp_weights_get(w, "vision_model.vision.weight", 2, shape, &tensor, &err), MDP_ERR_MISSING,
                 err,
                 "f: tensor 'vision_model.vision.weight' is missing, expected with shape [3, 4] (3 tensors "
                 "in the file, among "
                 "them 'model.vision.weight')");
    assert_fails(mdp_weights_get(w, "logit_scale", 0, NULL, &tensor, &err), MDP_ERR_MISSING, err,
                 "f: tensor 'logit_scale' is missing, expected with shape [] (3 tensors in the file)");
    assert_fails(mdp_weights_get(w, "model.vision.weight", 2, wrong, &tensor, &err), MDP_ERR_FORMAT, err,
                 "f: tensor 'model.vision.weight' has shape [3, 4], expected [4, 3]");
    assert_null(tensor);
    assert_ok(mdp_weights_get(w, "model.vision.weight", 2, shape, &tensor, &err), err);
    assert_non_null(tensor);
    assert_null(mdp_weights_first_unused(w, ignorable, 2));
    assert_string_equal(mdp_weights_first_unused(w, ignorable, 1)->name, "model.pooler.dense.bias");
    mdp_weights_close(w);
    mdp_text_release(&t);
}

static void narrows_to_a_prefix(void **state)
{
    static const char *const lists[][3] = {
        {"model.pooler."}, {"x."}, {"x.", "y.", "dense.bias"}, {"x.", "dense.", ""}};
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_text t = {0};
    struct mdp_weights *w = three(&t);

    (void)state;
    assert_ok(mdp_weights_narrow(w, lists[0], 1, &err), err);
    assert_int_equal(mdp_weights_count(w), 1);
    assert_non_null(mdp_weights_find(w, "dense.bias"));
    assert_null(mdp_weights_find(w, "model.vision.weight"));
    assert_fails(mdp_weights_narrow(w, lists[1], 1, &err), MDP_ERR_FORMAT, err,
                 "f: no tensor's name begins with 'x.'");
    assert_fails(
        mdp_weights_narrow(w, lists[2], 3, &err), MDP_ERR_FORMAT, err,
        "f: no tensor's name begins with 'x.', 'y.' or 'dense.bias'"); /* nothing would be left of the name */
    assert_ok(mdp_weights_narrow(w, lists[3], 3, &err), err);
    assert_non_null(mdp_weights_find(w, "bias"));
    mdp_weights_close(w);
    w = three(&t);
    assert_ok(mdp_weights_narrow(w, lists[3], 3, &err), err); /* the last, "" */
    assert_int_equal(mdp_weights_count(w), 3);
    mdp_weights_close(w);
    mdp_text_release(&t);
}

static void matches_patterns(void **state)
{
    (void)state;
    assert_true(mdp_name_matches("a.b.c", "a.*.c"));
    assert_true(mdp_name_matches("a.b.c", "*"));
    assert_true(mdp_name_matches("", "*"));
    assert_true(mdp_name_matches("a.c.c", "*.c"));
    assert_true(mdp_name_matches("abcabc", "*abc"));
    assert_true(mdp_name_matches("abc", "abc"));
    assert_false(mdp_name_matches("abc", "ab"));
    assert_false(mdp_name_matches("ab", "abc"));
    assert_false(mdp_name_matches("a.b.d", "a.*.c"));
    assert_false(mdp_name_matches("", "?"));
    /* A pattern that a matcher with one recursion a star would need for ever to refuse. */
    char name[1001];
    memset(name, 'a', 1000);
    name[1000] = '\0';
    assert_false(mdp_name_matches(name, "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b"));
}

static void opens_files_and_refuses_others(void **state)
{
    struct mdp_weights *w = NULL;
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    assert_int_equal(mdp_weights_open("/nonexistent/w.bin", &w, &err), MDP_ERR_IO);
    assert_fails(mdp_weights_open("/tmp", &w, &err), MDP_ERR_IO, err,
                 "/tmp: is a folder, expected a regular file");
    assert_null(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(reads_safetensors, free_kept),
        cmocka_unit_test_teardown(refuses_hostile_safetensors, free_kept),
        cmocka_unit_test_teardown(refuses_a_header_of_brackets, free_kept),
        cmocka_unit_test_teardown(reads_views_of_one_storage, free_kept),
        cmocka_unit_test_teardown(refuses_hostile_tensors, free_kept),
        cmocka_unit_test_teardown(accepts_empty_tensors_of_any_shape, free_kept),
        cmocka_unit_test_teardown(refuses_repeated_and_bad_names, free_kept),
        cmocka_unit_test_teardown(bounds_the_walk, free_kept),
        cmocka_unit_test_teardown(reads_and_bounds_modules, free_kept),
        cmocka_unit_test_teardown(refuses_broken_zips, free_kept),
        cmocka_unit_test_teardown(reads_and_refuses_legacy, free_kept),
        cmocka_unit_test_teardown(names_other_files, free_kept),
        cmocka_unit_test(every_container_is_complete),
        cmocka_unit_test_teardown(files_are_one_containers_alone, free_kept),
        cmocka_unit_test(every_dtype_converts),
        cmocka_unit_test_teardown(answers_missing_wrong_and_unused, free_kept),
        cmocka_unit_test_teardown(narrows_to_a_prefix, free_kept),
        cmocka_unit_test_teardown(matches_patterns, free_kept),
        cmocka_unit_test_teardown(opens_files_and_refuses_others, free_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
