/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/preprocess/pipeline.h"

#include "base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INPUT = 4096 }; /* pixels a side of a tower's input; the towers at hand stay below 1024 */

/* ------------------------------------------------------------------------------------- words and keys */

enum { MAX_WORDS = 6 };

/* The keys that take a word, and their words by value. */
static const struct word_key {
    const char *key;
    const char *words[MAX_WORDS + 1];
} word_keys[] = {
    {"color", {[MDP_COLOR_L] = "L", [MDP_COLOR_RGB] = "RGB"}},
    {"grey16",
     {[MDP_GREY16_AUTO] = "auto",
      [MDP_GREY16_CLIP] = "clip",
      [MDP_GREY16_10_BIT] = "10-bit",
      [MDP_GREY16_12_BIT] = "12-bit",
      [MDP_GREY16_14_BIT] = "14-bit",
      [MDP_GREY16_16_BIT] = "16-bit"}},
    {"orientation", {"ignore", "apply"}},
    {"pad", {"none", "square-black"}},
    {"filter",
     {[MDP_FILTER_BILINEAR] = "bilinear",
      [MDP_FILTER_BICUBIC] = "bicubic",
      [MDP_FILTER_LANCZOS] = "lanczos"}},
    {"resize_order",
     {[MDP_RESIZE_HORIZONTAL_FIRST] = "horizontal-first", [MDP_RESIZE_PILLOW13] = "pillow13"}},
    {"rescale", {[MDP_RESCALE_DIVIDE] = "divide", [MDP_RESCALE_MULTIPLY] = "multiply"}},
};

enum { COLOR, GREY16, ORIENTATION, PAD, FILTER, RESIZE_ORDER, RESCALE, WORD_KEYS };

static const char *word_of(const struct mdp_pipeline *p, int key)
{
    const int value[WORD_KEYS] = {
        [COLOR] = (int)p->color,     [GREY16] = (int)p->grey16, [ORIENTATION] = p->apply_orientation,
        [PAD] = p->pad_to_square,    [FILTER] = (int)p->filter, [RESIZE_ORDER] = (int)p->resize_order,
        [RESCALE] = (int)p->rescale,
    };

    return word_keys[key].words[value[key]];
}

static void store_word(struct mdp_pipeline *p, int key, int value)
{
    switch (key) {
    case COLOR:
        p->color = (enum mdp_color)value;
        break;
    case GREY16:
        p->grey16 = (enum mdp_grey16)value;
        break;
    case ORIENTATION:
        p->apply_orientation = value != 0;
        break;
    case PAD:
        p->pad_to_square = value != 0;
        break;
    case FILTER:
        p->filter = (enum mdp_filter)value;
        break;
    case RESIZE_ORDER:
        p->resize_order = (enum mdp_resize_order)value;
        break;
    default:
        p->rescale = (enum mdp_rescale)value;
    }
}

static mdp_status unknown_word(const struct word_key *key, const char *word, struct mdp_error *err)
{
    char list[128] = "";

    for (int i = 0; key->words[i]; i++) {
        size_t n = strlen(list);
        snprintf(list + n, sizeof list - n, "%s%s", i == 0 ? "" : ", ", key->words[i]);
    }
    return mdp_fail(err, MDP_ERR_VALUE, "%s: '%s' (one of: %s)", key->key, word, list);
}

/* Other names of a word. */
static const char *without_alias(int key, const char *word)
{
    if (key == GREY16 && strcmp(word, "pillow") == 0)
        return "clip";
    if (key == GREY16 && strcmp(word, "scale") == 0)
        return "16-bit";
    return word;
}

mdp_status mdp_pipeline_set(struct mdp_pipeline *pipeline, const char *key, const char *word,
                            struct mdp_error *err)
{
    for (int k = 0; k < WORD_KEYS; k++) {
        if (strcmp(word_keys[k].key, key) != 0)
            continue;
        for (int value = 0; word_keys[k].words[value]; value++)
            if (strcmp(word_keys[k].words[value], without_alias(k, word)) == 0) {
                store_word(pipeline, k, value);
                return MDP_OK;
            }
        return unknown_word(&word_keys[k], word, err);
    }
    return mdp_fail(err, MDP_ERR_VALUE, "a pipeline has no words for '%s'", key);
}

/* ----------------------------------------------------------------------------------------------- YAML */

struct reader {
    const struct mdp_yaml *doc;
    const struct mdp_yaml_node *node;
    struct mdp_pipeline *pipeline;
    struct mdp_error *err;
};

static mdp_status read_word(struct reader *r, int key, bool needed)
{
    struct mdp_error reason = MDP_ERROR_INIT;
    const struct mdp_yaml_node *at = mdp_yaml_find(r->node, word_keys[key].key);
    const char *word = NULL;

    if (!at && !needed)
        return MDP_OK;
    mdp_status st = mdp_yaml_get_string(r->doc, r->node, word_keys[key].key, &word, r->err);
    if (st == MDP_OK && mdp_pipeline_set(r->pipeline, word_keys[key].key, word, &reason) != MDP_OK)
        st = mdp_yaml_fail(r->doc, at, r->err, "%s", reason.message);
    return st;
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

    if (st == MDP_OK &&
        (r->pipeline->channels == 2 || (r->pipeline->color == MDP_COLOR_RGB && r->pipeline->channels != 3)))
        st = mdp_yaml_fail(r->doc, mdp_yaml_find(r->node, "channels"), r->err,
                           "channels: %zu with color %s (1 or 3; RGB needs 3)", r->pipeline->channels,
                           word_of(r->pipeline, COLOR));
    return st;
}

mdp_status mdp_pipeline_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                  const char *name, struct mdp_pipeline *pipeline, struct mdp_error *err)
{
    static const char *const keys[] = {"color",    "grey16", "orientation", "pad",          "pad_min",
                                       "width",    "height", "filter",      "resize_order", "rescale",
                                       "channels", "mean",   "std"};
    struct reader r = {doc, node, pipeline, err};
    mdp_status st = MDP_OK;

    *pipeline = (struct mdp_pipeline){.pad_min = 1};
    if ((st = mdp_yaml_known_keys(doc, node, keys, sizeof keys / sizeof keys[0], err)) != MDP_OK ||
        (st = read_name(&r, name)) != MDP_OK)
        return st;
    for (int key = 0; key < WORD_KEYS; key++)
        if ((st = read_word(&r, key, key == COLOR || key == FILTER)) != MDP_OK)
            return st;
    if (mdp_yaml_find(node, "pad_min") &&
        (st = read_size(&r, "pad_min", MDP_MAX_SIDE, &pipeline->pad_min)) != MDP_OK)
        return st;
    if ((st = read_size(&r, "width", MAX_INPUT, &pipeline->width)) != MDP_OK ||
        (st = read_size(&r, "height", MAX_INPUT, &pipeline->height)) != MDP_OK ||
        (st = read_channels(&r)) != MDP_OK ||
        (st = read_numbers(&r, "mean", false, pipeline->mean)) != MDP_OK)
        return st;
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

void mdp_pipeline_to_json(const struct mdp_pipeline *p, struct mdp_text *out)
{
    mdp_text_add(out, "{\"name\": \"%s\"", p->name);
    for (int key = 0; key < WORD_KEYS; key++)
        mdp_text_add(out, ", \"%s\": \"%s\"", word_keys[key].key, word_of(p, key));
    mdp_text_add(out, ", \"pad_min\": %zu, \"width\": %zu, \"height\": %zu, \"channels\": %zu", p->pad_min,
                 p->width, p->height, p->channels);
    add_numbers(out, "mean", p->mean, p->channels);
    add_numbers(out, "std", p->std, p->channels);
    mdp_text_add(out, "}");
}

/* ------------------------------------------------------------------------------------------------ run */

mdp_status mdp_pipeline_resize(const struct mdp_pipeline *pipeline, const struct mdp_picture *picture,
                               uint8_t *out, struct mdp_error *err)
{
    struct mdp_converted source;
    mdp_status st = mdp_converted_init(&source, picture, pipeline->color, pipeline->grey16,
                                       pipeline->apply_orientation, err);

    if (st != MDP_OK)
        return st;
    struct mdp_canvas canvas = {.row = mdp_converted_row,
                                .context = &source,
                                .width = source.width,
                                .height = source.height,
                                .channels = source.channels,
                                .canvas_width = source.width,
                                .canvas_height = source.height};
    if (pipeline->pad_to_square) {
        size_t side = source.width > source.height ? source.width : source.height;
        side = side > pipeline->pad_min ? side : pipeline->pad_min;
        canvas.canvas_width = canvas.canvas_height = side;
        canvas.left = (side - source.width) / 2;
        canvas.top = (side - source.height) / 2;
    }
    st = mdp_resize_canvas(&canvas, pipeline->filter, pipeline->resize_order, out, pipeline->width,
                           pipeline->height, err);
    mdp_converted_release(&source);
    return st;
}

/* value[v] = (v on the scale 0..1 - mean) / std, every step rounded to float32 as the originals do. */
static void fill_values(const struct mdp_pipeline *p, size_t channel, float value[256])
{
    const float inverse = (float)(1.0 / 255.0), mean = (float)p->mean[channel], std = (float)p->std[channel];

    for (int v = 0; v < 256; v++) {
        float unit = p->rescale == MDP_RESCALE_MULTIPLY ? (float)v * inverse : (float)v / 255.0F;
        float centred = unit - mean;
        value[v] = centred / std;
    }
}

mdp_status mdp_pipeline_run(const struct mdp_pipeline *pipeline, const struct mdp_picture *picture,
                            float *out, struct mdp_error *err)
{
    const size_t pixels = pipeline->width * pipeline->height;
    const size_t samples = pipeline->color == MDP_COLOR_RGB ? 3 : 1;
    mdp_status st = MDP_OK;
    float value[256];

    assert(pipeline->channels == 1 || pipeline->channels == 3);
    uint8_t *resized = mdp_new_array(pixels, samples, err, &st);
    if (!resized)
        return st;
    st = mdp_pipeline_resize(pipeline, picture, resized, err);
    for (size_t c = 0; st == MDP_OK && c < pipeline->channels; c++) {
        const uint8_t *sample = resized + (samples == 3 ? c : 0);
        fill_values(pipeline, c, value);
        for (size_t i = 0; i < pixels; i++)
            out[c * pixels + i] = value[sample[i * samples]];
    }
    free(resized);
    return st;
}
