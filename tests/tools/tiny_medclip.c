/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole model of MedCLIP's architecture in a few kilobytes, for tests of everything around the towers: random
   weights of fixed seed, a card, a vocabulary, a prompt set.

       tiny_medclip FOLDER [SEED]      FOLDER/tiny.yaml, weights.safetensors, vocab.txt, prompts.yaml

   Names and shapes of tensors are those of the published checkpoint (section names in its card), so that the
   towers read it as they read that one. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    IMAGE = 32,
    PATCH = 4,
    CHANNELS = 3,
    EMBED = 16,
    STAGES = 2,
    DEPTH = 2,
    WINDOW = 4,
    WIDTH = 24, /* of an embedding */
    TEXT = 16,  /* of a token */
    LAYERS = 3,
    POSITIONS = 32,
};

static const char *const words[] = {
    "[PAD]", "[UNK]", "[CLS]", "[SEP]",    "[MASK]",      "a",        "an",    "the",
    "no",    "chest", "x",     "-",        "ray",         "of",       "with",  "normal",
    "clear", "lung",  "##s",   "tub",      "##erculosis", "cavitary", "upper", "lobe",
    "right", "left",  "acute", "abnormal", "##ity",       "effusion", "in",    "."};
enum { VOCAB = sizeof words / sizeof *words };

static const char card[] = "name: tiny\n"
                           "title: \"random weights for tests\"\n"
                           "family: medclip\n"
                           "embedding_width: 24\n"
                           "source: \"tests/tools/tiny_medclip.c\"\n"
                           "licence: \"none needed\"\n"
                           "files:\n"
                           "  - {role: weights, name: weights.safetensors}\n"
                           "  - {role: vocab, name: vocab.txt}\n"
                           "image:\n"
                           "  family: swin\n"
                           "  prefix: \"vision_model.model.\"\n"
                           "  image_size: 32\n"
                           "  patch_size: 4\n"
                           "  channels: 3\n"
                           "  embed_dim: 16\n"
                           "  depths: [2, 2]\n"
                           "  heads: [2, 4]\n"
                           "  window: 4\n"
                           "  mlp_ratio: 4\n"
                           "  layer_norm_eps: 1.0e-5\n"
                           "  output_width: 24\n"
                           "  projection: \"vision_model.projection_head.weight\"\n"
                           "pipelines:\n"
                           "  default: small\n"
                           "  small: {color: L, grey16: auto, pad: square-black, pad_min: 32, width: 32, "
                           "height: 32, filter: bicubic, "
                           "rescale: multiply, channels: 3, mean: [0.5], std: [0.25]}\n"
                           "  other: {color: L, grey16: auto, pad: square-black, pad_min: 32, width: 32, "
                           "height: 32, filter: bilinear, "
                           "rescale: divide, channels: 3, mean: [0.5], std: [0.25]}\n"
                           "tokenizer:\n"
                           "  kind: wordpiece\n"
                           "  lower_case: true\n"
                           "  max_length: 20\n"
                           "text:\n"
                           "  family: bert\n"
                           "  prefix: \"text_model.model.\"\n"
                           "  layers: 3\n"
                           "  width: 16\n"
                           "  heads: 2\n"
                           "  intermediate: 64\n"
                           "  vocab_size: %d\n"
                           "  positions: 32\n"
                           "  token_types: 2\n"
                           "  layer_norm_eps: 1.0e-12\n"
                           "  pooling: layers-1-2-last\n"
                           "  poolings: [layers-1-2-last, pooler]\n"
                           "  output_width: 24\n"
                           "  projection: \"text_model.projection_head.weight\"\n"
                           "similarity:\n"
                           "  kind: softmax\n"
                           "  logit_scale: logit_scale\n"
                           "  clamp: [0, 4.6052]\n"
                           "  transform: exp\n"
                           "weights:\n"
                           "  ignorable: [\"*.position_ids\", \"text_model.model.pooler.dense.*\"]\n"
                           "  ignorable_without_text: [\"text_model.*\", logit_scale]\n";

static const char prompts[] =
    "name: tiny\n"
    "ensemble: mean-logits\n"
    "classes:\n"
    "  normal: [\"normal chest x-ray\", \"the lungs clear with no acute abnormality\"]\n"
    "  tuberculosis: [\"cavitary tuberculosis in the right upper lobe\"]\n";

/* --- safetensors --- */

struct checkpoint {
    struct mdp_text header, data;
    uint64_t random;
};

/* Uniform in [-1, 1): the multiplier of Knuth's MMIX, its upper bits. */
static float draw(struct checkpoint *c)
{
    c->random = c->random * 6364136223846793005U + 1442695040888963407U;
    return (float)(c->random >> 40) / 8388608.0F - 1.0F;
}

/* A tensor of the shape `dims`, ended by 0: values are centre + spread * uniform. */
static void add(struct checkpoint *c, const size_t dims[], float centre, float spread, const char *format,
                ...) __attribute__((format(printf, 5, 6)));

static void add(struct checkpoint *c, const size_t dims[], float centre, float spread, const char *format,
                ...)
{
    char name[200];
    size_t n = 1, begin = c->data.n;
    va_list args;

    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    mdp_text_add(&c->header, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", c->header.n > 1 ? "," : "", name);
    for (size_t i = 0; dims[i]; i++) {
        mdp_text_add(&c->header, "%s%zu", i ? "," : "", dims[i]);
        n *= dims[i];
    }
    for (size_t i = 0; i < n; i++) {
        float value = centre + spread * draw(c);
        mdp_text_add_bytes(&c->data, &value, sizeof value);
    }
    mdp_text_add(&c->header, "],\"data_offsets\":[%zu,%zu]}", begin, c->data.n);
}

#define DIMS(...) ((const size_t[]){__VA_ARGS__, 0})

/* Weights are spread so that a layer keeps the size of what passes: sqrt(3 / inputs). */
static void add_linear(struct checkpoint *c, size_t out, size_t in, bool bias, const char *name)
{
    add(c, DIMS(out, in), 0, sqrtf(3.0F / (float)in), "%s.weight", name);
    if (bias)
        add(c, DIMS(out), 0, 0.1F, "%s.bias", name);
}

static void add_norm(struct checkpoint *c, size_t n, const char *name)
{
    add(c, DIMS(n), 1, 0.2F, "%s.weight", name);
    add(c, DIMS(n), 0, 0.1F, "%s.bias", name);
}

static void add_block(struct checkpoint *c, size_t dim, size_t heads, int stage, int block)
{
    char base[100], name[160];
    static const char *const qkv[] = {"query", "key", "value"};

    snprintf(base, sizeof base, "vision_model.model.encoder.layers.%d.blocks.%d", stage, block);
    snprintf(name, sizeof name, "%s.layernorm_before", base);
    add_norm(c, dim, name);
    snprintf(name, sizeof name, "%s.layernorm_after", base);
    add_norm(c, dim, name);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s.attention.self.%s", base, qkv[i]);
        add_linear(c, dim, dim, true, name);
    }
    add(c, DIMS((2 * WINDOW - 1) * (2 * WINDOW - 1), heads), 0, 0.5F,
        "%s.attention.self.relative_position_bias_table", base);
    snprintf(name, sizeof name, "%s.attention.output.dense", base);
    add_linear(c, dim, dim, true, name);
    snprintf(name, sizeof name, "%s.intermediate.dense", base);
    add_linear(c, 4 * dim, dim, true, name);
    snprintf(name, sizeof name, "%s.output.dense", base);
    add_linear(c, dim, 4 * dim, true, name);
}

static void add_picture_tower(struct checkpoint *c)
{
    size_t dim = EMBED;

    add(c, DIMS(EMBED, CHANNELS, PATCH, PATCH), 0, sqrtf(3.0F / (CHANNELS * PATCH * PATCH)),
        "vision_model.model.embeddings.patch_embeddings.projection.weight");
    add(c, DIMS(EMBED), 0, 0.1F, "vision_model.model.embeddings.patch_embeddings.projection.bias");
    add_norm(c, EMBED, "vision_model.model.embeddings.norm");
    for (int stage = 0; stage < STAGES; stage++) {
        for (int block = 0; block < DEPTH; block++)
            add_block(c, dim, (size_t)(stage ? 4 : 2), stage, block);
        if (stage + 1 == STAGES)
            break;
        add_norm(c, 4 * dim, "vision_model.model.encoder.layers.0.downsample.norm");
        add_linear(c, 2 * dim, 4 * dim, false, "vision_model.model.encoder.layers.0.downsample.reduction");
        dim *= 2;
    }
    add_norm(c, dim, "vision_model.model.layernorm");
    add_linear(c, WIDTH, dim, false, "vision_model.projection_head");
}

static void add_text_tower(struct checkpoint *c)
{
    static const char *const square[] = {"attention.self.query", "attention.self.key", "attention.self.value",
                                         "attention.output.dense"};
    char name[160];

    add(c, DIMS(VOCAB, TEXT), 0, 1, "text_model.model.embeddings.word_embeddings.weight");
    add(c, DIMS(POSITIONS, TEXT), 0, 0.5F, "text_model.model.embeddings.position_embeddings.weight");
    add(c, DIMS(2, TEXT), 0, 0.5F, "text_model.model.embeddings.token_type_embeddings.weight");
    add_norm(c, TEXT, "text_model.model.embeddings.LayerNorm");
    for (int layer = 0; layer < LAYERS; layer++) {
        for (size_t i = 0; i < sizeof square / sizeof *square; i++) {
            snprintf(name, sizeof name, "text_model.model.encoder.layer.%d.%s", layer, square[i]);
            add_linear(c, TEXT, TEXT, true, name);
        }
        snprintf(name, sizeof name, "text_model.model.encoder.layer.%d.attention.output.LayerNorm", layer);
        add_norm(c, TEXT, name);
        snprintf(name, sizeof name, "text_model.model.encoder.layer.%d.intermediate.dense", layer);
        add_linear(c, 4 * TEXT, TEXT, true, name);
        snprintf(name, sizeof name, "text_model.model.encoder.layer.%d.output.dense", layer);
        add_linear(c, TEXT, 4 * TEXT, true, name);
        snprintf(name, sizeof name, "text_model.model.encoder.layer.%d.output.LayerNorm", layer);
        add_norm(c, TEXT, name);
    }
    add_linear(c, TEXT, TEXT, true, "text_model.model.pooler.dense");
    add_linear(c, WIDTH, TEXT, false, "text_model.projection_head");
}

static void make_weights(uint64_t seed, struct mdp_text *out)
{
    struct checkpoint c = {.random = seed};
    const size_t scalar[] = {0};
    unsigned char length[8];

    mdp_text_add(&c.header, "{");
    add(&c, scalar, 2.6592600F, 0, "logit_scale"); /* ln(1 / 0.07) */
    add_picture_tower(&c);
    add_text_tower(&c);
    mdp_text_add(&c.header, "}");
    while (c.header.n % 8)
        mdp_text_add(&c.header, " ");
    for (size_t i = 0; i < sizeof length; i++)
        length[i] = (unsigned char)((uint64_t)c.header.n >> (8 * i));
    mdp_text_add_bytes(out, length, sizeof length);
    mdp_text_add_bytes(out, c.header.at, c.header.n);
    mdp_text_add_bytes(out, c.data.at, c.data.n);
    mdp_text_release(&c.header);
    mdp_text_release(&c.data);
}

/* --- files --- */

static mdp_status write_in(const char *folder, const char *name, const struct mdp_text *text,
                           struct mdp_error *err)
{
    struct mdp_text path = {0};
    mdp_status st = mdp_text_status(text, err);

    if (st == MDP_OK)
        st = mdp_path_join(&path, folder, name, err);
    if (st == MDP_OK)
        st = mdp_file_write(path.at, text->at, text->n, err);
    mdp_text_release(&path);
    return st;
}

int main(int argc, char **argv)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_text text = {0};

    if (argc < 2) {
        fprintf(stderr, "usage: tiny_medclip FOLDER [SEED]\n");
        return 2;
    }
    mdp_status st = mdp_path_make_folders(argv[1], &err);
    make_weights(argc > 2 ? strtoull(argv[2], NULL, 10) : 1, &text);
    if (st == MDP_OK)
        st = write_in(argv[1], "weights.safetensors", &text, &err);
    mdp_text_clear(&text);
    mdp_text_add(&text, card, (int)VOCAB);
    if (st == MDP_OK)
        st = write_in(argv[1], "tiny.yaml", &text, &err);
    mdp_text_clear(&text);
    for (size_t i = 0; i < VOCAB; i++)
        mdp_text_add(&text, "%s\n", words[i]);
    if (st == MDP_OK)
        st = write_in(argv[1], "vocab.txt", &text, &err);
    mdp_text_clear(&text);
    mdp_text_add(&text, "%s", prompts);
    if (st == MDP_OK)
        st = write_in(argv[1], "prompts.yaml", &text, &err);
    mdp_text_release(&text);
    if (st != MDP_OK)
        fprintf(stderr, "tiny_medclip: %s\n", err.message);
    return st != MDP_OK;
}
