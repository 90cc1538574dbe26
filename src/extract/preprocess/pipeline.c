/* SPDX-License-Identifier: BSD-3-Clause */
/* A pipeline as data: from YAML, by a word, as JSON. Running one: pipeline_run.c. */
#include "extract/preprocess/pipeline_float.h"

#include "base/memory.h"
#include "base/try.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INPUT = 4096 }; /* pixels a side of a tower's input; the towers at hand stay below 1024 */

/* ------------------------------------------------------------------------------------- words and keys */

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The keys that take a word, in the order of the JSON. A new word is a value of the enum, a word here, and the case
   that the compiler then asks for (of `pad`: a function in pipeline_run.c); a new key is a field and a row. */
static const struct word_key {
    const char *key;
    size_t at;                /* of its enum in struct mdp_pipeline */
    bool needed;              /* in YAML; else the first word is the default */
    bool quiet;               /* the default is not in the JSON */
    const char *const *words; /* by value of the enum */
} word_keys[] = {
    {"color", offsetof(struct mdp_pipeline, color), true, false,
     WORDS([MDP_COLOR_L] = "L", [MDP_COLOR_RGB] = "RGB", [MDP_COLOR_RGB_AFTER] = "RGB-after",
           [MDP_COLOR_L_AFTER] = "L-after", [MDP_COLOR_FIRST] = "first")},
    {"grey16", offsetof(struct mdp_pipeline, grey16), false, false,
     WORDS([MDP_GREY16_AUTO] = "auto", [MDP_GREY16_CLIP] = "clip", [MDP_GREY16_10_BIT] = "10-bit",
           [MDP_GREY16_12_BIT] = "12-bit", [MDP_GREY16_14_BIT] = "14-bit", [MDP_GREY16_16_BIT] = "16-bit")},
    {"orientation", offsetof(struct mdp_pipeline, orientation), false, false,
     WORDS([MDP_ORIENTATION_IGNORE] = "ignore", [MDP_ORIENTATION_APPLY] = "apply")},
    {"levels", offsetof(struct mdp_pipeline, levels), false, true,
     WORDS([MDP_LEVELS_KEPT] = "kept", [MDP_LEVELS_MIN_MAX] = "min-max")},
    {"pad", offsetof(struct mdp_pipeline, geometry), false, false,
     WORDS([MDP_GEOMETRY_STRETCH] = "none", [MDP_GEOMETRY_SQUARE_BLACK] = "square-black",
           [MDP_GEOMETRY_CROP] = "crop", [MDP_GEOMETRY_SQUARE_MEAN] = "square-mean",
           [MDP_GEOMETRY_FIT_BLACK] = "fit-black", [MDP_GEOMETRY_FIT_LONGER] = "fit-longer",
           [MDP_GEOMETRY_INSIDE] = "inside", [MDP_GEOMETRY_COVER] = "cover",
           [MDP_GEOMETRY_CROP_SQUARE] = "crop-square", [MDP_GEOMETRY_FIT_CORNER] = "fit-corner")},
    {"crop_offset", offsetof(struct mdp_pipeline, crop_offset), false, true,
     WORDS([MDP_CROP_HALF_EVEN] = "half-even", [MDP_CROP_FLOOR] = "floor")},
    {"filter", offsetof(struct mdp_pipeline, filter), true, false,
     WORDS([MDP_FILTER_BILINEAR] = "bilinear", [MDP_FILTER_BICUBIC] = "bicubic",
           [MDP_FILTER_LANCZOS] = "lanczos", [MDP_FILTER_NEAREST] = "nearest", [MDP_FILTER_BOX] = "box",
           [MDP_FILTER_HAMMING] = "hamming", [MDP_FILTER_AREA] = "area")},
    {"resize_order", offsetof(struct mdp_pipeline, resize_order), false, false,
     WORDS([MDP_RESIZE_HORIZONTAL_FIRST] = "horizontal-first", [MDP_RESIZE_PILLOW13] = "pillow13")},
    {"rescale", offsetof(struct mdp_pipeline, rescale), false, false,
     WORDS([MDP_RESCALE_DIVIDE] = "divide", [MDP_RESCALE_MULTIPLY] = "multiply",
           [MDP_RESCALE_MULTIPLY_DOUBLE] = "multiply-double", [MDP_RESCALE_SIGNED] = "signed",
           [MDP_RESCALE_NONE] = "none", [MDP_RESCALE_SIGNED_1024] = "signed-1024")},
    {"float_resize", offsetof(struct mdp_pipeline, float_resize), false, true,
     WORDS([MDP_FLOAT_RESIZE_NONE] = "none", [MDP_FLOAT_RESIZE_BICUBIC] = "bicubic",
           [MDP_FLOAT_RESIZE_BILINEAR_CORNERS] = "bilinear-corners",
           [MDP_FLOAT_RESIZE_ANTIALIAS] = "bilinear-antialias", [MDP_FLOAT_RESIZE_SKIMAGE] = "skimage")},
};

/* The other keys. */
static const char *const number_keys[] = {"longer_side",  "fill",          "pad_min", "shorter_side",
                                          "resize_width", "resize_height", "width",   "height",
                                          "float_from",   "channels",      "mean",    "std"};

enum {
    WORD_KEYS = sizeof word_keys / sizeof word_keys[0],
    NUMBER_KEYS = sizeof number_keys / sizeof number_keys[0]
};

/* Other names of a word. */
static const struct {
    const char *key, *alias, *word;
} aliases[] = {{"grey16", "pillow", "clip"}, {"grey16", "scale", "16-bit"}};

/* The table reaches the enums by their offsets: all of them are as large as unsigned. */
_Static_assert(sizeof(enum mdp_color) == sizeof(unsigned) && sizeof(enum mdp_grey16) == sizeof(unsigned) &&
                   sizeof(enum mdp_geometry) == sizeof(unsigned),
               "enums of another size than unsigned");

static const char *word_of(const struct mdp_pipeline *p, const struct word_key *key)
{
    unsigned value = 0;

    memcpy(&value, (const char *)p + key->at, sizeof value);
    return key->words[value];
}

static const struct word_key *find_key(const char *key)
{
    for (size_t i = 0; i < WORD_KEYS; i++)
        if (strcmp(word_keys[i].key, key) == 0)
            return &word_keys[i];
    return NULL;
}

static mdp_status unknown_word(const struct word_key *key, const char *word, struct mdp_error *err)
{
    char list[256] = "";

    for (size_t i = 0; key->words[i]; i++) {
        size_t n = strlen(list);
        snprintf(list + n, sizeof list - n, "%s%s", i == 0 ? "" : ", ", key->words[i]);
    }
    return mdp_fail(err, MDP_ERR_VALUE, "%s: '%s' (one of: %s)", key->key, word, list);
}

const char *const *mdp_pipeline_words(const char *key)
{
    const struct word_key *k = find_key(key);

    return k ? k->words : NULL;
}

mdp_status mdp_pipeline_set(struct mdp_pipeline *pipeline, const char *key, const char *word,
                            struct mdp_error *err)
{
    const struct word_key *k = find_key(key);
    const char *known = word;

    if (!k)
        return mdp_fail(err, MDP_ERR_VALUE, "a pipeline has no words for '%s'", key);
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (strcmp(aliases[i].key, key) == 0 && strcmp(aliases[i].alias, word) == 0)
            known = aliases[i].word;
    for (unsigned value = 0; k->words[value]; value++)
        if (strcmp(k->words[value], known) == 0) {
            memcpy((char *)pipeline + k->at, &value, sizeof value);
            return MDP_OK;
        }
    return unknown_word(k, word, err);
}

/* ----------------------------------------------------------------------------------------------- YAML */

struct reader {
    const struct mdp_yaml *doc;
    const struct mdp_yaml_node *node;
    struct mdp_pipeline *pipeline;
    struct mdp_error *err;
};

static mdp_status read_word(struct reader *r, const struct word_key *key)
{
    struct mdp_error reason = MDP_ERROR_INIT;
    const struct mdp_yaml_node *at = mdp_yaml_find(r->node, key->key);
    const char *word = NULL;

    if (!at && !key->needed)
        return MDP_OK;
    TRY(mdp_yaml_get_string(r->doc, r->node, key->key, &word, r->err));
    if (mdp_pipeline_set(r->pipeline, key->key, word, &reason) != MDP_OK)
        return mdp_yaml_fail(r->doc, at, r->err, "%s", reason.message);
    return MDP_OK;
}

static mdp_status read_size(struct reader *r, const char *key, size_t most, size_t *value)
{
    const struct mdp_yaml_node *at = NULL;
    mdp_status st = mdp_yaml_get(r->doc, r->node, key, MDP_YAML_SCALAR, &at, r->err);

    return st == MDP_OK ? mdp_yaml_to_size(r->doc, at, 1, most, value, r->err) : st;
}

/* One value for all channels, or one a channel. */
static mdp_status read_numbers(struct reader *r, const char *key, bool positive, double value[3])
{
    const struct mdp_yaml_node *list = NULL;
    mdp_status st = mdp_yaml_get(r->doc, r->node, key, MDP_YAML_LIST, &list, r->err);

    if (st != MDP_OK)
        return st;
    if (list->n != 1 && list->n != r->pipeline->channels)
        return mdp_yaml_fail(r->doc, list, r->err, "%s: %zu values (one, or one for each of %zu channels)",
                             key, list->n, r->pipeline->channels);
    for (size_t c = 0; c < 3; c++) {
        const struct mdp_yaml_node *at = list->values[c < list->n ? c : 0];
        if ((st = mdp_yaml_to_double(r->doc, at, &value[c], r->err)) != MDP_OK)
            return st;
        if (positive && !(value[c] > 0))
            return mdp_yaml_fail(r->doc, at, r->err, "%s: %s (must be above 0)", key, at->scalar);
    }
    return MDP_OK;
}

static mdp_status read_name(struct reader *r, const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    if (n == 0 || name[n] != '\0' || n >= sizeof r->pipeline->name)
        return mdp_yaml_fail(r->doc, r->node, r->err,
                             "the name of a pipeline is 1 to %zu letters, digits, '.', '_' or '-'",
                             sizeof r->pipeline->name - 1);
    memcpy(r->pipeline->name, name, n + 1);
    return MDP_OK;
}

static mdp_status read_channels(struct reader *r)
{
    mdp_status st = read_size(r, "channels", 3, &r->pipeline->channels);

    if (st == MDP_OK && (r->pipeline->channels == 2 ||
                         (mdp_color_samples(r->pipeline->color) == 3 && r->pipeline->channels != 3)))
        st = mdp_yaml_fail(r->doc, mdp_yaml_find(r->node, "channels"), r->err,
                           "channels: %zu with color %s (1 or 3; RGB needs 3)", r->pipeline->channels,
                           word_of(r->pipeline, find_key("color")));
    return st;
}

static mdp_status optional_size(struct reader *r, const char *key, size_t most, size_t *value)
{
    return mdp_yaml_find(r->node, key) ? read_size(r, key, most, value) : MDP_OK;
}

/* A crop needs to know what it is cut from; no other geometry may say so. */
static mdp_status check_crop(const struct reader *r)
{
    const struct mdp_pipeline *p = r->pipeline;
    const bool both = p->resize_width && p->resize_height, one = p->resize_width || p->resize_height;

    if (p->geometry != MDP_GEOMETRY_CROP)
        return p->shorter_side || one ? mdp_yaml_fail(r->doc, r->node, r->err,
                                                      "shorter_side and resize_width belong to pad: crop")
                                      : MDP_OK;
    if ((p->shorter_side != 0) == both || (one && !both))
        return mdp_yaml_fail(r->doc, r->node, r->err,
                             "pad: crop needs shorter_side, or resize_width and resize_height");
    return MDP_OK;
}

/* Which resize is one of floats, and what goes with it. */
static mdp_status check_float(const struct reader *r)
{
    const struct mdp_pipeline *p = r->pipeline;
    const bool whole = mdp_pipeline_is_float(p), second = !whole && p->float_resize != MDP_FLOAT_RESIZE_NONE;
    const bool square = p->geometry == MDP_GEOMETRY_CROP_SQUARE || p->geometry == MDP_GEOMETRY_FIT_CORNER;
    const bool early = p->color == MDP_COLOR_L || p->color == MDP_COLOR_RGB || p->color == MDP_COLOR_FIRST;

    if ((p->float_from != 0) != second)
        return mdp_yaml_fail(r->doc, r->node, r->err,
                             "float_from belongs to float_resize: bicubic and bilinear-corners");
    if (square && !whole)
        return mdp_yaml_fail(r->doc, r->node, r->err,
                             "pad: %s belongs to float_resize: bilinear-antialias and skimage",
                             word_of(p, find_key("pad")));
    if (whole && (p->filter != MDP_FILTER_BILINEAR || p->levels != MDP_LEVELS_KEPT || !early ||
                  (!square && p->geometry != MDP_GEOMETRY_STRETCH)))
        return mdp_yaml_fail(r->doc, r->node, r->err,
                             "float_resize: %s goes with filter: bilinear, levels: kept, color: L, RGB or "
                             "first, pad: none, crop-square or fit-corner",
                             word_of(p, find_key("float_resize")));
    if (p->filter == MDP_FILTER_AREA && p->geometry != MDP_GEOMETRY_FIT_LONGER)
        return mdp_yaml_fail(r->doc, r->node, r->err, "filter: area belongs to pad: fit-longer");
    return MDP_OK;
}

static mdp_status read_geometry(struct reader *r)
{
    struct mdp_pipeline *p = r->pipeline;

    TRY(optional_size(r, "pad_min", MDP_MAX_SIDE, &p->pad_min));
    TRY(optional_size(r, "shorter_side", MAX_INPUT, &p->shorter_side));
    TRY(optional_size(r, "resize_width", MAX_INPUT, &p->resize_width));
    TRY(optional_size(r, "resize_height", MAX_INPUT, &p->resize_height));
    TRY(optional_size(r, "longer_side", MAX_INPUT, &p->longer_side));
    TRY(optional_size(r, "fill", 255, &p->fill));
    TRY(optional_size(r, "float_from", MAX_INPUT, &p->float_from));
    TRY(read_size(r, "width", MAX_INPUT, &p->width));
    TRY(read_size(r, "height", MAX_INPUT, &p->height));
    TRY(check_float(r));
    if (p->color == MDP_COLOR_RGB_AFTER &&
        (p->geometry == MDP_GEOMETRY_SQUARE_BLACK || p->geometry == MDP_GEOMETRY_SQUARE_MEAN))
        return mdp_yaml_fail(r->doc, r->node, r->err,
                             "pad: a square is made of the converted picture (color: RGB)");
    if (p->longer_side && p->geometry != MDP_GEOMETRY_FIT_BLACK && p->geometry != MDP_GEOMETRY_FIT_LONGER)
        return mdp_yaml_fail(r->doc, r->node, r->err, "longer_side belongs to pad: fit-black and fit-longer");
    if (p->fill && p->geometry != MDP_GEOMETRY_INSIDE)
        return mdp_yaml_fail(r->doc, r->node, r->err, "fill belongs to pad: inside");
    return check_crop(r);
}

static mdp_status check_keys(const struct reader *r)
{
    const char *keys[WORD_KEYS + NUMBER_KEYS];

    for (size_t i = 0; i < WORD_KEYS; i++)
        keys[i] = word_keys[i].key;
    memcpy(keys + WORD_KEYS, number_keys, sizeof number_keys);
    return mdp_yaml_known_keys(r->doc, r->node, keys, WORD_KEYS + NUMBER_KEYS, r->err);
}

mdp_status mdp_pipeline_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                  const char *name, struct mdp_pipeline *pipeline, struct mdp_error *err)
{
    struct reader r = {doc, node, pipeline, err};

    *pipeline = (struct mdp_pipeline){.pad_min = 1};
    TRY(check_keys(&r));
    TRY(read_name(&r, name));
    for (size_t i = 0; i < WORD_KEYS; i++)
        TRY(read_word(&r, &word_keys[i]));
    TRY(read_geometry(&r));
    TRY(read_channels(&r));
    TRY(read_numbers(&r, "mean", false, pipeline->mean));
    return read_numbers(&r, "std", true, pipeline->std);
}

/* ----------------------------------------------------------------------------------------------- JSON */

/* The shortest text that reads back as the same double. */
static void add_number(struct mdp_text *out, double value)
{
    char text[32];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    mdp_text_add(out, "%s", text);
}

static void add_numbers(struct mdp_text *out, const char *key, const double value[], size_t n)
{
    mdp_text_add(out, ", \"%s\": [", key);
    for (size_t i = 0; i < n; i++) {
        mdp_text_add(out, "%s", i == 0 ? "" : ", ");
        add_number(out, value[i]);
    }
    mdp_text_add(out, "]");
}

/* A number that some pipelines have. */
static void add_size(struct mdp_text *out, const char *key, size_t value)
{
    if (value)
        mdp_text_add(out, ", \"%s\": %zu", key, value);
}

void mdp_pipeline_to_json(const struct mdp_pipeline *p, struct mdp_text *out)
{
    mdp_text_add(out, "{\"name\": \"%s\"", p->name);
    for (size_t i = 0; i < WORD_KEYS; i++)
        if (!word_keys[i].quiet || strcmp(word_of(p, &word_keys[i]), word_keys[i].words[0]) != 0)
            mdp_text_add(out, ", \"%s\": \"%s\"", word_keys[i].key, word_of(p, &word_keys[i]));
    mdp_text_add(out, ", \"pad_min\": %zu", p->pad_min);
    add_size(out, "shorter_side", p->shorter_side);
    add_size(out, "resize_width", p->resize_width);
    add_size(out, "resize_height", p->resize_height);
    add_size(out, "longer_side", p->longer_side);
    add_size(out, "fill", p->fill);
    add_size(out, "float_from", p->float_from);
    mdp_text_add(out, ", \"width\": %zu, \"height\": %zu, \"channels\": %zu", p->width, p->height,
                 p->channels);
    add_numbers(out, "mean", p->mean, p->channels);
    add_numbers(out, "std", p->std, p->channels);
    mdp_text_add(out, "}");
}
