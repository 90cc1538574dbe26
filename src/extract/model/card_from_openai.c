/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/model/card_from_openai.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEAD = 64,
    STAGES = 4,
    SHRINK = 32
}; /* values of a head; of a ResNet: stages, pixels a place of its last map */

struct sizes {
    const struct mdp_weights *weights;
    bool vit;
    size_t embedding, image;
    size_t width, patch, layers; /* of the picture tower; patch and layers of a ViT */
    size_t depths[STAGES];       /* of a ResNet */
    size_t text_width, text_layers, context, vocab;
};

/* --- shapes --- */

/* Size `dim` of a tensor of `rank` dimensions. */
static mdp_status size_of(const struct sizes *s, const char *name, size_t rank, size_t dim, size_t *size,
                          struct mdp_error *err)
{
    const struct mdp_tensor *t = mdp_weights_find(s->weights, name);

    if (!t || t->rank != rank || t->shape[dim] == 0 || t->shape[dim] > 1 << 20)
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "%s: tensor '%s' %s, expected %zu sizes from 1 (it tells what the model is)",
                        mdp_weights_path(s->weights), name, t ? "has another shape" : "is missing", rank);
    *size = t->shape[dim];
    return MDP_OK;
}

/* How many tensors there are whose names fit. */
static size_t count_names(const struct sizes *s, const char *pattern)
{
    size_t n = 0;

    for (size_t i = 0; i < mdp_weights_count(s->weights); i++)
        n += mdp_name_matches(mdp_weights_at(s->weights, i)->name, pattern);
    return n;
}

/* Side of the square of places that a table of positions has beside its first row. */
static mdp_status grid_of(const struct sizes *s, const char *name, size_t *grid, struct mdp_error *err)
{
    size_t rows = 0;

    TRY(size_of(s, name, 2, 0, &rows, err));
    *grid = (size_t)lround(sqrt((double)(rows - 1)));
    if (*grid == 0 || *grid * *grid + 1 != rows)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: tensor '%s' has %zu rows, expected 1 and a square number",
                        mdp_weights_path(s->weights), name, rows);
    return MDP_OK;
}

static mdp_status read_vit(struct sizes *s, struct mdp_error *err)
{
    size_t grid = 0;

    TRY(size_of(s, "visual.conv1.weight", 4, 0, &s->width, err));
    TRY(size_of(s, "visual.conv1.weight", 4, 3, &s->patch, err));
    TRY(grid_of(s, "visual.positional_embedding", &grid, err));
    s->layers = count_names(s, "visual.*.attn.in_proj_weight");
    s->image = s->patch * grid;
    return MDP_OK;
}

static mdp_status read_resnet(struct sizes *s, struct mdp_error *err)
{
    static const char *const blocks[STAGES] = {"visual.layer1.*.conv1.weight", "visual.layer2.*.conv1.weight",
                                               "visual.layer3.*.conv1.weight",
                                               "visual.layer4.*.conv1.weight"};
    size_t grid = 0;

    TRY(size_of(s, "visual.layer1.0.conv1.weight", 4, 0, &s->width, err));
    TRY(grid_of(s, "visual.attnpool.positional_embedding", &grid, err));
    for (size_t i = 0; i < STAGES; i++)
        s->depths[i] = count_names(s, blocks[i]);
    s->image = SHRINK * grid;
    return MDP_OK;
}

static mdp_status read_text(struct sizes *s, struct mdp_error *err)
{
    TRY(size_of(s, "text_projection", 2, 1, &s->embedding, err));
    TRY(size_of(s, "positional_embedding", 2, 0, &s->context, err));
    TRY(size_of(s, "token_embedding.weight", 2, 0, &s->vocab, err));
    TRY(size_of(s, "ln_final.weight", 1, 0, &s->text_width, err));
    s->text_layers = count_names(s, "transformer.resblocks.*.attn.in_proj_weight");
    return MDP_OK;
}

/* --- what the file says of itself --- */

static mdp_status check_number(const struct sizes *s, const char *name, size_t inferred,
                               struct mdp_error *err)
{
    const struct mdp_tensor *t = mdp_weights_find(s->weights, name);
    float value = 0;

    if (t->count != 1)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: tensor '%s' is no single number",
                        mdp_weights_path(s->weights), name);
    mdp_tensor_to_f32(t, &value);
    if (value == (float)inferred)
        return MDP_OK;
    return mdp_fail(err, MDP_ERR_FORMAT,
                    "%s: tensor '%s' is %g, but the shapes of the other tensors give %zu",
                    mdp_weights_path(s->weights), name, (double)value, inferred);
}

static mdp_status check_heads(const struct sizes *s, size_t width, struct mdp_error *err)
{
    return width % HEAD == 0
               ? MDP_OK
               : mdp_fail(err, MDP_ERR_UNSUPPORTED,
                          "%s: a tower of width %zu, expected a multiple of %d (the size of a head)",
                          mdp_weights_path(s->weights), width, HEAD);
}

static mdp_status read_sizes(struct sizes *s, struct mdp_error *err)
{
    static const char *const own[] = {"input_resolution", "context_length", "vocab_size"};
    const char *path = mdp_weights_path(s->weights);

    if (!mdp_weights_find(s->weights, "text_projection") ||
        !mdp_weights_find(s->weights, "visual.conv1.weight"))
        return mdp_fail(err, MDP_ERR_UNSUPPORTED,
                        "%s: is a weight file that does not say what model it is, as OpenAI's CLIP files do "
                        "(--model NAME --weights FILE; medprobe models list)",
                        path);
    for (size_t i = 0; i < MDP_COUNT(own); i++)
        if (!mdp_weights_find(s->weights, own[i]))
            return mdp_fail(
                err, MDP_ERR_UNSUPPORTED,
                "%s: has the tensors of OpenAI's CLIP, but not '%s', so it is not one of their files: "
                "pictures or activation may be others (--model NAME --weights FILE; medprobe models list)",
                path, own[i]);
    s->vit = mdp_weights_find(s->weights, "visual.proj") != NULL;
    TRY(s->vit ? read_vit(s, err) : read_resnet(s, err));
    TRY(read_text(s, err));
    TRY(check_heads(s, s->vit ? s->width : s->width * SHRINK, err));
    TRY(check_heads(s, s->text_width, err));
    TRY(check_number(s, own[0], s->image, err));
    TRY(check_number(s, own[1], s->context, err));
    return check_number(s, own[2], s->vocab, err);
}

/* --- the card --- */

static void put_vit(const struct sizes *s, struct mdp_text *card)
{
    mdp_text_add(
        card,
        "image:\n  family: vit\n  layout: openai\n  prefix: \"visual.\"\n  image_size: %zu\n"
        "  patch_size: %zu\n  channels: 3\n  layers: %zu\n  width: %zu\n  heads: %zu\n  intermediate: %zu\n"
        "  activation: quick-gelu\n  layer_norm_eps: 1.0e-5\n  pre_norm: true\n  pool: class\n"
        "  final_norm: after-pool\n  projection: visual.proj\n  projection_order: input-output\n",
        s->image, s->patch, s->layers, s->width, s->width / HEAD, 4 * s->width);
}

static void put_resnet(const struct sizes *s, struct mdp_text *card)
{
    const size_t *d = s->depths, w = s->width;

    mdp_text_add(
        card,
        "image:\n  family: resnet\n  layout: torchvision\n  prefix: \"visual.\"\n  image_size: %zu\n"
        "  channels: 3\n  block: bottleneck\n  depths: [%zu, %zu, %zu, %zu]\n"
        "  widths: [%zu, %zu, %zu, %zu]\n  stem_width: %zu\n  stem: deep\n  stride_by: average\n"
        "  pool: attention\n  pool_heads: %zu\n  head:\n    - {linear: visual.attnpool.c_proj, width: %zu}\n",
        s->image, d[0], d[1], d[2], d[3], 4 * w, 8 * w, 16 * w, 32 * w, w, w * SHRINK / HEAD, s->embedding);
}

static void put_pipeline(const struct sizes *s, struct mdp_text *card)
{
    mdp_text_add(
        card,
        "  output_width: %zu\npipelines:\n  default: openai-clip\n  openai-clip:\n    color: RGB-after\n"
        "    pad: crop\n    shorter_side: %zu\n    width: %zu\n    height: %zu\n    filter: bicubic\n"
        "    channels: 3\n    mean: [0.48145466, 0.4578275, 0.40821073]\n"
        "    std: [0.26862954, 0.26130258, 0.27577711]\n",
        s->embedding, s->image, s->image, s->image);
}

static void put_text(const struct sizes *s, struct mdp_text *card)
{
    mdp_text_add(
        card,
        "tokenizer:\n  kind: clip-bpe\n  variant: openai\n  max_length: %zu\ntext:\n  family: clip-text\n"
        "  layout: openai\n  layers: %zu\n  width: %zu\n  heads: %zu\n  intermediate: %zu\n"
        "  vocab_size: %zu\n  positions: %zu\n  activation: quick-gelu\n  layer_norm_eps: 1.0e-5\n"
        "  pool: largest\n  projection: text_projection\n  projection_order: input-output\n"
        "  output_width: %zu\nsimilarity:\n  logit_scale: logit_scale\n  transform: exp\nzero_shot:\n"
        "  ensemble: mean-embedding\nweights:\n  ignorable: [\"*\"] # what no tower asks for\n",
        s->context, s->text_layers, s->text_width, s->text_width / HEAD, 4 * s->text_width, s->vocab,
        s->context, s->embedding);
}

mdp_status mdp_openai_weights_to_card(const struct mdp_weights *weights, const char *name, const char *folder,
                                      const char *file, struct mdp_text *card, struct mdp_error *err)
{
    struct sizes s = {.weights = weights};

    TRY(read_sizes(&s, err));
    mdp_text_add(
        card, "# Written by medprobe from the shapes of the file's tensors, as OpenAI's loader infers them;\n"
              "# docs/MODELS.md explains the keys.\nname: ");
    mdp_text_add_quoted(card, name);
    mdp_text_add(card, "\nfamily: clip\nembedding_width: %zu\nfolder: ", s.embedding);
    mdp_text_add_quoted(card, folder);
    mdp_text_add(card, "\nfiles:\n  - role: weights\n    name: ");
    mdp_text_add_quoted(card, file);
    mdp_text_add(card, "\n");
    if (s.vit)
        put_vit(&s, card);
    else
        put_resnet(&s, card);
    put_pipeline(&s, card);
    put_text(&s, card);
    return mdp_text_status(card, err);
}

/* --- the file --- */

/* A card names its files in plain letters. */
static mdp_status check_file_name(const char *path, struct mdp_error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const char *file = mdp_path_base(path);

    if (*file != '.' && strspn(file, allowed) == strlen(file))
        return MDP_OK;
    return mdp_fail(
        err, MDP_ERR_USAGE,
        "%s: the file's name has other signs than letters, digits, '.', '_' and '-' (give a link with "
        "such a name)",
        path);
}

mdp_status mdp_openai_to_card(const char *path, const char *name, struct mdp_text *card,
                              struct mdp_error *err)
{
    struct mdp_text folder = {0}, stem = {0};
    struct mdp_weights *weights = NULL;
    char resolved[PATH_MAX];
    mdp_status st = MDP_OK;

    OR_OUT(mdp_weights_open(path, &weights, err));
    OR_OUT(check_file_name(path, err));
    OR_OUT(mdp_path_folder(&folder, path, err));
    OR_OUT(mdp_path_stem(&stem, path, err));
    if (!realpath(folder.at, resolved)) {
        st = mdp_fail_errno(err, MDP_ERR_IO, "%s", folder.at);
        goto out;
    }
    st = mdp_openai_weights_to_card(weights, name ? name : stem.at, resolved, mdp_path_base(path), card, err);
out:
    mdp_weights_close(weights);
    mdp_text_release(&folder);
    mdp_text_release(&stem);
    return st;
}
