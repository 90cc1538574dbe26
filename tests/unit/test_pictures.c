/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: limits before memory, one line for every refusal, EXIF that lies, what a resize must keep,
   pipelines from YAML and as JSON. Pixels are compared with Pillow's in tests/reference/test_pictures.py.

   Seen to fail: without the check of pixels, with the decoder's own memory not counted, with keep_picture()
   without its left clamp, with the AVX2 packs left in their own order, with another key in the JSON, with an
   option that is not stored, with the rows of DICOM and TIFF exchanged, without a word in PICTURES.md; and, under the address sanitizer, with an EXIF directory on the last byte. */
#include "unit/unit.h"

#include "base/file.h"
#include "extract/input/codec.h"
#include "extract/preprocess/pipeline.h"
#include "extract/preprocess/resize_kernels.h"

#include <math.h>
#include <strings.h>

/* ------------------------------------------------------------------------------------------- refusals */

static const unsigned char png_of_60000[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0,    0, 0,    13,
                                             'I',  'H', 'D', 'R', 0,    0,    0xea, 0x60, 0,    0, 0xea, 0x60,
                                             8,    0,   0,   0,   0,    0xa5, 0xb9, 0x2a, 0x9e, 0, 0,    0,
                                             0,    'I', 'D', 'A', 'T',  0x35, 0xaf, 0x06, 0x1e};

static void says(const void *bytes, size_t n, mdp_status status, const char *message)
{
    struct mdp_picture picture;
    struct mdp_error err = MDP_ERROR_INIT;

    assert_fails(mdp_picture_decode(bytes, n, "a.png", NULL, &picture, &err), status, err, message);
    assert_null(picture.pixels);
}

/* Known by name, not read. */
static void says_unread(const void *bytes, size_t n, const char *format)
{
    struct mdp_text message = {0};

    mdp_text_add(&message, "a.png: a %s file (", format);
    mdp_text_add_picture_formats(&message, "and");
    mdp_text_add(&message, " are read; convert it without loss to PNG)");
    says(bytes, n, MDP_ERR_UNSUPPORTED, message.at);
    mdp_text_release(&message);
}

static void names_what_is_no_picture(void **state)
{
    struct mdp_text message = {0};

    (void)state;
    says("", 0, MDP_ERR_FORMAT, "a.png: a file of 0 bytes is no picture");
    mdp_text_add(&message, "a.png: no picture: begins with bytes 70 61 74 68 (expected ");
    mdp_text_add_picture_formats(&message, "or");
    mdp_text_add(&message, ")");
    says("path,label\n", 11, MDP_ERR_FORMAT, message.at);
    mdp_text_release(&message);
    says("\x89PNG\r\n\x1a\n", 8, MDP_ERR_FORMAT,
         "a.png: png: truncated: the file ends before its end chunk (8 bytes)");
    says("\xff\xd8\xff", 3, MDP_ERR_FORMAT,
         "a.png: jpeg: truncated: the file ends inside the picture (3 bytes)");
}

static void every_format_is_dispatched(void **state)
{
    const struct mdp_picture_format *f = NULL;
    struct mdp_text read = {0};

    (void)state;
    mdp_text_add_picture_formats(&read, "and");
    for (size_t i = 0; (f = mdp_picture_format_at(i)); i++) {
        assert_int_equal(f->decode != NULL, strstr(read.at, f->name) != NULL);
        for (size_t k = 0; k < MDP_FORMAT_MAGICS && f->magics[k].n; k++) {
            unsigned char bytes[160] = {0};
            struct mdp_picture picture;
            struct mdp_error err = MDP_ERROR_INIT;
            char start[64];
            memcpy(bytes + f->magics[k].at, f->magics[k].bytes, f->magics[k].n);
            if (!f->decode) {
                says_unread(bytes, sizeof bytes, f->name);
                continue;
            }
            snprintf(start, sizeof start, "a: %s: ", f->name);
            assert_int_equal(mdp_picture_decode(bytes, sizeof bytes, "a", NULL, &picture, &err),
                             MDP_ERR_FORMAT);
            assert_int_equal(strncasecmp(err.message, start, strlen(start)), 0);
        }
    }
    mdp_text_release(&read);
}

/* The row of the format that has the file: the first that fits. */
static void a_dicom_with_a_tiff_preamble_is_dicom(void **state)
{
    unsigned char both[200] = {'I', 'I', '*', 0, [128] = 'D', 'I', 'C', 'M'};
    struct mdp_picture picture;
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    assert_int_not_equal(mdp_picture_decode(both, sizeof both, "a", NULL, &picture, &err), MDP_OK);
    assert_true(strncasecmp(err.message, "a: DICOM: ", 10) == 0 ||
                strncmp(err.message, "a: a DICOM file", 15) == 0);
}

static void endings_name_formats(void **state)
{
    const struct mdp_picture_format *f = NULL;
    bool read = true;
    char name[32];

    (void)state;
    for (size_t i = 0; (f = mdp_picture_format_at(i)); i++) {
        assert_non_null(f->endings[0]);
        for (size_t k = 0; k < MDP_FORMAT_ENDINGS && f->endings[k]; k++) {
            snprintf(name, sizeof name, "x.y%s", f->endings[k]);
            assert_string_equal(mdp_picture_format_of_name(name, &read), f->name);
            assert_int_equal(read, f->decode != NULL);
        }
    }
    assert_string_equal(mdp_picture_format_of_name("A.JPG", &read), "JPEG");
    assert_null(mdp_picture_format_of_name("notes.txt", &read));
    assert_null(mdp_picture_format_of_name("png", &read));
}

/* The text of a file for a search, in `text`. */
static const char *text_of(const char *path, struct mdp_text *text)
{
    struct mdp_error err = MDP_ERROR_INIT;
    char *bytes = NULL;
    size_t n = 0;

    assert_ok(mdp_file_read(path, 1 << 20, &bytes, &n, &err), err);
    mdp_text_clear(text);
    mdp_text_add_bytes(text, bytes, n);
    free(bytes);
    return text->at;
}

static void documents_name_every_format(void **state)
{
    const struct mdp_picture_format *f = NULL;
    struct mdp_text text = {0}, read = {0};

    (void)state;
    mdp_text_add_picture_formats(&read, "and");
    mdp_text_add(&read, " are read");
    assert_non_null(strstr(text_of("docs/GUIDE.md", &text), read.at));
    assert_non_null(strstr(text_of("docs/PICTURES.md", &text), read.at));
    for (size_t i = 0; (f = mdp_picture_format_at(i)); i++)
        assert_non_null(strstr(text.at, f->name));
    mdp_text_release(&text);
    mdp_text_release(&read);
}

static void checks_limits_before_memory(void **state)
{
    struct mdp_picture picture = {.orientation = 1};
    struct mdp_error err = MDP_ERROR_INIT;
    const struct mdp_picture_limits limits = {.pixels = 1000, .bytes = 2000};
    const struct mdp_source source = {NULL, 0, "a.png", &limits};

    (void)state;
    says(png_of_60000, sizeof png_of_60000, MDP_ERR_LIMIT,
         "a.png: the header promises 60000 x 60000 pixels (at most 178956970 pixels and 1000000 a side are "
         "decoded; raise the limit if the file is genuine)");
    assert_int_equal(mdp_picture_shape(&source, MDP_MODE_L, 40, 26, 0, &picture, &err), MDP_ERR_LIMIT);
    assert_int_equal(mdp_picture_shape(&source, MDP_MODE_RGB, 40, 25, 0, &picture, &err), MDP_ERR_LIMIT);
    assert_int_equal(mdp_picture_shape(&source, MDP_MODE_L, 40, 25, 1001, &picture, &err), MDP_ERR_LIMIT);
    assert_int_equal(mdp_picture_shape(&source, MDP_MODE_L, 40, 25, SIZE_MAX, &picture, &err), MDP_ERR_LIMIT);
    assert_int_equal(mdp_picture_shape(&source, MDP_MODE_I16, SIZE_MAX, SIZE_MAX, 0, &picture, &err),
                     MDP_ERR_LIMIT);
    assert_int_equal(mdp_picture_shape(&source, MDP_MODE_L, 0, 25, 0, &picture, &err), MDP_ERR_FORMAT);
    assert_null(picture.pixels);
    assert_ok(mdp_picture_shape(&source, MDP_MODE_I16, 40, 25, 0, &picture, &err), err);
    mdp_picture_release(&picture);
    mdp_picture_release(&picture); /* an empty one too */
}

static void refuses_a_file_above_its_limit(void **state)
{
    struct mdp_picture picture;
    struct mdp_error err = MDP_ERROR_INIT;
    const struct mdp_picture_limits limits = {.pixels = 10, .bytes = (size_t)3 << 20};

    (void)state;
    /* the bytes are not looked at: the size alone refuses */
    assert_fails(
        mdp_picture_decode((const unsigned char *)"", (size_t)4 << 20, "b.jpg", &limits, &picture, &err),
        MDP_ERR_LIMIT, err,
        "b.jpg: a file of 4 MiB (a picture may have 3 MiB; raise the limit if it is genuine)");
}

/* The orientation in a block of its own, so that the address sanitizer sees a read past its end. */
static unsigned orientation(const unsigned char *bytes, size_t n)
{
    unsigned char *copy = malloc(n ? n : 1);

    assert_non_null(copy);
    memcpy(copy, bytes, n);
    unsigned value = mdp_exif_orientation(copy, n);
    free(copy);
    return value;
}

static void exif_that_lies_is_upright(void **state)
{
    unsigned char block[26] = {'I', 'I', '*', 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6};

    (void)state;
    assert_int_equal(orientation(block, sizeof block), 6);
    for (size_t n = 0; n < 22; n++)
        assert_int_equal(orientation(block, n), 1);
    block[18] = 9; /* no such orientation */
    assert_int_equal(orientation(block, sizeof block), 1);
    block[18] = 6;
    block[14] = 2; /* two values */
    assert_int_equal(orientation(block, sizeof block), 1);
    block[14] = 1;
    block[8] = block[9] = 0xff; /* 65535 entries promised; the first is there */
    assert_int_equal(orientation(block, sizeof block), 6);
    block[4] = 25; /* directory over the end */
    assert_int_equal(orientation(block, sizeof block), 1);
    memset(block + 4, 0xff, 4);
    assert_int_equal(orientation(block, sizeof block), 1);
}

/* --------------------------------------------------------------------------------------------- resize */

static uint32_t next(uint32_t *seed)
{
    return *seed = *seed * 1664525u + 1013904223u;
}

static void fill(uint8_t *bytes, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(next(&seed) >> 24);
}

/* A constant picture stays so, and a picture resized to its own size is itself. */
static void keeps_constants_and_sizes(void **state)
{
    uint8_t in[31 * 17 * 3], out[64 * 64 * 3];
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    for (enum mdp_filter filter = MDP_FILTER_BILINEAR; filter <= MDP_FILTER_HAMMING; filter++) {
        memset(in, 201, sizeof in);
        assert_ok(mdp_resize(in, 31, 17, 3, filter, MDP_RESIZE_HORIZONTAL_FIRST, out, 64, 9, &err), err);
        for (size_t i = 0; i < 64 * 9 * 3; i++)
            assert_int_equal(out[i], 201);
        fill(in, sizeof in, 1);
        assert_ok(mdp_resize(in, 31, 17, 3, filter, MDP_RESIZE_PILLOW13, out, 31, 17, &err), err);
        assert_memory_equal(in, out, sizeof in);
    }
}

static const uint8_t *row_of_41(const void *context, size_t y, uint8_t *scratch)
{
    (void)scratch;
    return (const uint8_t *)context + y * 41;
}

/* A picture on a canvas that is never built gives what the built canvas gives: every filter, order and size.
 */
static void sees_the_canvas_that_is_not_built(void **state)
{
    enum { W = 41, H = 13, SIDE = 97 };
    static uint8_t in[W * H], built[SIDE * SIDE], want[SIDE * SIDE], got[SIDE * SIDE];
    static const size_t sizes[][2] = {{1, 1}, {7, 30}, {SIDE, 5}, {5, SIDE}, {SIDE, SIDE}, {90, 96}, {40, 3}};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    fill(in, sizeof in, 2);
    for (size_t i = 0; i < 7 * 12 * 5; i++) {
        const size_t *size = sizes[i % 7], left = i * 11 % (SIDE - W + 1), top = i * 29 % (SIDE - H + 1);
        const enum mdp_filter filter = (enum mdp_filter)(i % 6);
        const enum mdp_resize_order order = (enum mdp_resize_order)(i / 6 % 2);
        const struct mdp_canvas canvas = {row_of_41, in, W, H, 1, left, top, SIDE, SIDE};
        memset(built, 0, sizeof built);
        for (size_t y = 0; y < H; y++)
            memcpy(built + (top + y) * SIDE + left, in + y * W, W);
        assert_ok(mdp_resize(built, SIDE, SIDE, 1, filter, order, want, size[0], size[1], &err), err);
        memset(got, 1, sizeof got);
        const struct mdp_resized to = mdp_resized_whole(size[0], size[1], 1);
        assert_ok(mdp_resize_canvas(&canvas, filter, order, &to, got, &err), err);
        assert_memory_equal(want, got, size[0] * size[1]);
        struct mdp_resized part = to; /* and so does a part of it */
        part.left = i % size[0], part.columns = (size[0] - part.left + 1) / 2;
        part.top = i % size[1], part.rows = (size[1] - part.top + 1) / 2;
        memset(got, 1, sizeof got);
        assert_ok(mdp_resize_canvas(&canvas, filter, order, &part, got, &err), err);
        for (size_t y = 0; y < part.rows; y++)
            assert_memory_equal(want + (part.top + y) * size[0] + part.left, got + y * size[0], part.columns);
    }
}

/* The kernels of this machine and the portable ones are integers in another order: equal. */
static void kernels_agree(void **state)
{
    enum { N = 9, TAPS = 32, LENGTH = 192 };
    uint8_t in[600 + MDP_RESIZE_GROUP], rows[TAPS][LENGTH], a[LENGTH], b[LENGTH];
    const uint8_t *pointers[TAPS];
    int32_t weights[N * TAPS] = {0};
    size_t first[N], count[N];
    uint32_t seed = 3;
    const struct mdp_resize_kernels *best = mdp_resize_best();

    (void)state;
    fill(in, sizeof in, 4);
    fill(rows[0], sizeof rows, 5);
    for (size_t i = 0; i < N; i++) {
        first[i] = i * 60;
        count[i] = i * 4; /* 0, 4, ... 32 */
        for (size_t t = 0; t < count[i]; t++)
            weights[i * TAPS + t] =
                (int32_t)(next(&seed) >> 12) - (1 << 18); /* sums leave 0..255 on both sides */
    }
    const struct mdp_taps taps = {N, TAPS, first, count, weights};
    memset(a, 7, sizeof a);
    memset(b, 7, sizeof b);
    mdp_resize_portable.horizontal(&taps, in, a, 3);
    best->horizontal(&taps, in, b, 3);
    assert_memory_equal(a, b, sizeof a);
    for (size_t t = 0; t < TAPS; t++)
        pointers[t] = rows[t];
    for (size_t n = 0; n <= TAPS; n++) {
        mdp_resize_portable.vertical(pointers, weights + 8 * TAPS, n, LENGTH, a);
        best->vertical(pointers, weights + 8 * TAPS, n, LENGTH, b);
        assert_memory_equal(a, b, sizeof a);
    }
}

/* ------------------------------------------------------------------------------------------ pipelines */

static const char good[] = "p:\n"
                           "  color: L\n"
                           "  pad: square-black\n"
                           "  pad_min: 224\n"
                           "  width: 224\n"
                           "  height: 112\n"
                           "  filter: bicubic\n"
                           "  channels: 3\n"
                           "  mean: [0.5862785803043838]\n"
                           "  std: [0.25, 0.5, 1]\n";

static mdp_status read(const char *text, struct mdp_pipeline *pipeline, struct mdp_error *err)
{
    struct mdp_yaml *doc = NULL;
    mdp_status st = mdp_yaml_parse(text, strlen(text), "m.yaml", &doc, err);

    if (st == MDP_OK)
        st = mdp_pipeline_from_yaml(doc, mdp_yaml_find(mdp_yaml_root(doc), "p"), "p-1", pipeline, err);
    mdp_yaml_free(doc);
    return st;
}

static void reads_and_writes_pipelines(void **state)
{
    struct mdp_pipeline pipeline;
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_text json = {0};

    (void)state;
    assert_ok(read(good, &pipeline, &err), err);
    mdp_pipeline_to_json(&pipeline, &json);
    assert_ok(mdp_text_status(&json, &err), err);
    assert_string_equal(
        json.at,
        "{\"name\": \"p-1\", \"color\": \"L\", \"grey16\": \"auto\", \"orientation\": \"ignore\", "
        "\"pad\": \"square-black\", \"filter\": \"bicubic\", \"resize_order\": \"horizontal-first\", "
        "\"rescale\": \"divide\", \"pad_min\": 224, \"width\": 224, \"height\": 112, \"channels\": 3, "
        "\"mean\": [0.5862785803043838, 0.5862785803043838, 0.5862785803043838], "
        "\"std\": [0.25, 0.5, 1]}");
    mdp_text_release(&json);
    assert_ok(mdp_pipeline_set(&pipeline, "grey16", "pillow", &err), err);
    assert_int_equal(pipeline.grey16, MDP_GREY16_CLIP);
    assert_ok(mdp_pipeline_set(&pipeline, "orientation", "apply", &err), err);
    assert_int_equal(pipeline.orientation, MDP_ORIENTATION_APPLY);
    assert_fails(mdp_pipeline_set(&pipeline, "grey16", "Clip", &err), MDP_ERR_VALUE, err,
                 "grey16: 'Clip' (one of: auto, clip, 10-bit, 12-bit, 14-bit, 16-bit)");
}

/* Every key of the JSON whose value is a word has its words, the value among them; PICTURES.md has them all. */
static void words_are_listed(void **state)
{
    struct mdp_pipeline pipeline;
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_text json = {0}, doc = {0}, quoted = {0};
    size_t keys = 0;

    (void)state;
    assert_ok(read(good, &pipeline, &err), err);
    mdp_pipeline_to_json(&pipeline, &json);
    text_of("docs/PICTURES.md", &doc);
    for (char *at = json.at; (at = strstr(at, ", \"")); keys++) {
        char *key = at + 3, *end = strchr(key, '"');
        *end = '\0';
        at = end + 1;
        if (at[2] != '"') /* a number or a list */
            continue;
        const char *const *words = mdp_pipeline_words(key);
        assert_non_null(words);
        for (size_t i = 0; words[i]; i++) {
            mdp_text_clear(&quoted);
            mdp_text_add(&quoted, "`%s`", words[i]);
            assert_non_null(strstr(doc.at, quoted.at));
            assert_ok(mdp_pipeline_set(&pipeline, key, words[i], &err), err);
        }
    }
    assert_true(keys >= 13);
    assert_null(mdp_pipeline_words("width"));
    mdp_text_release(&json);
    mdp_text_release(&doc);
    mdp_text_release(&quoted);
}

/* `good` with the line of `key` replaced by `line`. */
static void refuses(const char *key, const char *line, const char *message)
{
    char text[1024];
    struct mdp_pipeline pipeline;
    struct mdp_error err = MDP_ERROR_INIT;
    const char *at = strstr(good, key);
    const char *end = strchr(at, '\n');

    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, line, end);
    assert_int_not_equal(read(text, &pipeline, &err), MDP_OK);
    assert_string_equal(err.message, message);
}

static void names_the_line_of_what_is_wrong(void **state)
{
    (void)state;
    refuses(
        "filter", "filter: none",
        "m.yaml: line 7: filter: 'none' (one of: bilinear, bicubic, lanczos, nearest, box, hamming, area)");
    refuses("pad: square-black", "pad: crop",
            "m.yaml: line 2: pad: crop needs shorter_side, or resize_width and resize_height");
    refuses("filter", "filter: bicubic\n  shorter_side: 7",
            "m.yaml: line 2: shorter_side and resize_width belong to pad: crop");
    refuses("filter", "filter: bicubic\n  longer_side: 7",
            "m.yaml: line 2: longer_side belongs to pad: fit-black and fit-longer");
    refuses("filter", "filter: bicubic\n  fill: 7", "m.yaml: line 2: fill belongs to pad: inside");
    refuses("color: L", "color: RGB-after",
            "m.yaml: line 2: pad: a square is made of the converted picture (color: RGB)");
    refuses("filter", "filter: bicubic\n  float_from: 7",
            "m.yaml: line 2: float_from belongs to float_resize: bicubic and bilinear-corners");
    refuses("channels", "channels: 2", "m.yaml: line 8: channels: 2 with color L (1 or 3; RGB needs 3)");
    refuses("std", "std: [0.25, 0]", "m.yaml: line 10: std: 2 values (one, or one for each of 3 channels)");
    refuses("std", "std: [0]", "m.yaml: line 10: std: 0 (must be above 0)");
    refuses("color: L", "color: RGB\n  grey16: white",
            "m.yaml: line 3: grey16: 'white' (one of: auto, clip, 10-bit, 12-bit, 14-bit, 16-bit)");
}

static void refuses_unknown_and_missing_keys(void **state)
{
    struct mdp_pipeline pipeline;
    struct mdp_error err = MDP_ERROR_INIT;
    static const char *const needed[] = {"color", "width", "height", "filter", "channels", "mean", "std"};
    char text[1024];

    (void)state;
    snprintf(text, sizeof text, "%s  fliter: bicubic\n", good);
    assert_int_not_equal(read(text, &pipeline, &err), MDP_OK);
    assert_non_null(strstr(err.message, "m.yaml: line 11: "));
    assert_non_null(strstr(err.message, "fliter"));
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        const char *at = strstr(good, needed[i]), *end = strchr(at, '\n');
        snprintf(text, sizeof text, "%.*s%s", (int)(at - good - 2), good, end + 1);
        assert_int_not_equal(read(text, &pipeline, &err), MDP_OK);
        assert_non_null(strstr(err.message, needed[i]));
    }
}

/* The pipelines of the models that come with medprobe. */
static void reads_medclip(void **state)
{
    struct mdp_pipeline pipeline;
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_yaml *doc = NULL;

    (void)state;
    assert_ok(mdp_yaml_read("configs/models/medclip-vit.yaml", &doc, &err), err);
    const struct mdp_yaml_node *all = mdp_yaml_find(mdp_yaml_root(doc), "pipelines");
    const char *names[] = {"medclip-processor", "medclip-eval"};
    for (size_t i = 0; i < 2; i++) {
        assert_ok(mdp_pipeline_from_yaml(doc, mdp_yaml_find(all, names[i]), names[i], &pipeline, &err), err);
        assert_int_equal(pipeline.geometry, MDP_GEOMETRY_SQUARE_BLACK);
        assert_int_equal(pipeline.rescale, i == 0 ? MDP_RESCALE_MULTIPLY : MDP_RESCALE_DIVIDE);
        assert_int_equal(pipeline.filter, i == 0 ? MDP_FILTER_BICUBIC : MDP_FILTER_BILINEAR);
    }
    mdp_yaml_free(doc);
}

/* Smaller than the canvas: padded, not enlarged; white lands at int((224 - 3) / 2) = 110. */
static void pads_a_small_picture(void **state)
{
    uint8_t white[3 * 2];
    static uint8_t out[224 * 224];
    static float values[224 * 224];
    struct mdp_picture picture = {MDP_MODE_L, 3, 2, 1, white, .orientation = 1};
    struct mdp_pipeline pipeline = {.geometry = MDP_GEOMETRY_SQUARE_BLACK,
                                    .pad_min = 224,
                                    .width = 224,
                                    .height = 224,
                                    .channels = 1,
                                    .mean = {0.5},
                                    .std = {0.25}};
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    memset(white, 255, sizeof white);
    assert_ok(mdp_pipeline_resize(&pipeline, &picture, out, &err), err);
    for (size_t y = 0; y < 224; y++)
        for (size_t x = 0; x < 224; x++)
            assert_int_equal(out[y * 224 + x], x >= 110 && x < 113 && y >= 111 && y < 113 ? 255 : 0);
    assert_ok(mdp_pipeline_run(&pipeline, &picture, values, &err), err);
    assert_true(values[111 * 224 + 110] == 2.0F && values[0] == -2.0F);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_what_is_no_picture),
        cmocka_unit_test(every_format_is_dispatched),
        cmocka_unit_test(a_dicom_with_a_tiff_preamble_is_dicom),
        cmocka_unit_test(endings_name_formats),
        cmocka_unit_test(documents_name_every_format),
        cmocka_unit_test(checks_limits_before_memory),
        cmocka_unit_test(refuses_a_file_above_its_limit),
        cmocka_unit_test(exif_that_lies_is_upright),
        cmocka_unit_test(keeps_constants_and_sizes),
        cmocka_unit_test(sees_the_canvas_that_is_not_built),
        cmocka_unit_test(kernels_agree),
        cmocka_unit_test(reads_and_writes_pipelines),
        cmocka_unit_test(words_are_listed),
        cmocka_unit_test(names_the_line_of_what_is_wrong),
        cmocka_unit_test(refuses_unknown_and_missing_keys),
        cmocka_unit_test(reads_medclip),
        cmocka_unit_test(pads_a_small_picture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
