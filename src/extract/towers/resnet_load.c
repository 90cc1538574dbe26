/* SPDX-License-Identifier: BSD-3-Clause */
/* A ResNet's weights. Layouts differ in names alone. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/towers/conv_load.h"
#include "extract/towers/resnet.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_SIZE = 160 };

/* What the tensors are called. Convolution i of block b of stage s is
   <stage><s + first><block><b>.<conv[0]><i + first><conv[1]>.weight, its norm likewise; the stem's are <stem>conv1, ... or,
   where there is a name for it, that. */
static const struct layout {
    const char *stage, *block;
    size_t first; /* the number of the first stage and the first convolution */
    const char *conv[2], *norm[2];
    const char *shortcut_conv, *shortcut_norm;
    const char *stem_conv, *stem_norm; /* NULL: as in a block */
} layouts[] = {
    /* torchvision, timm, CLIP's modified ResNets */
    {"layer", ".", 1, {"conv", ""}, {"bn", ""}, "downsample.0", "downsample.1", NULL, NULL},
    /* transformers' ResNetModel */
    {"encoder.stages.",
     ".layers.",
     0,
     {"layer.", ".convolution"},
     {"layer.", ".normalization"},
     "shortcut.convolution",
     "shortcut.normalization",
     "embedder.embedder.convolution",
     "embedder.embedder.normalization"},
};

const char *const mdp_resnet_layouts[] = {"torchvision", "hf", NULL};
_Static_assert(MDP_COUNT(mdp_resnet_layouts) == MDP_COUNT(layouts) + 1, "every layout has its word");

static mdp_status load_conv(const struct mdp_layer_source *source, const char *conv, const char *norm,
                            double eps, struct mdp_conv *to, struct mdp_error *err)
{
    const struct mdp_conv_names names = {.conv = conv, .norm = norm, .eps = eps};

    return mdp_conv_load(source, &names, to, err);
}

/* Convolution i behind `path`, the name of a block, or "". */
static mdp_status load_numbered(const struct mdp_layer_source *source, const struct layout *l,
                                const char *path, size_t i, double eps, struct mdp_conv *to,
                                struct mdp_error *err)
{
    char conv[NAME_SIZE], norm[NAME_SIZE];

    snprintf(conv, sizeof conv, "%s%s%zu%s", path, l->conv[0], i + l->first, l->conv[1]);
    snprintf(norm, sizeof norm, "%s%s%zu%s", path, l->norm[0], i + l->first, l->norm[1]);
    return load_conv(source, conv, norm, eps, to, err);
}

static mdp_status load_stem(struct mdp_resnet *r, const struct mdp_layer_source *source,
                            const struct layout *l, struct mdp_error *err)
{
    if (l->stem_conv)
        return load_conv(source, l->stem_conv, l->stem_norm, r->config.eps, &r->stem[0], err);
    for (size_t i = 0; i < r->stem_convs; i++)
        TRY(load_numbered(source, l, "", i, r->config.eps, &r->stem[i], err));
    return MDP_OK;
}

static mdp_status load_block(const struct mdp_resnet *r, const struct mdp_layer_source *source,
                             const struct layout *l, size_t s, size_t i, struct mdp_error *err)
{
    struct mdp_resnet_block *b = &r->blocks[s][i];
    char path[NAME_SIZE / 2], conv[NAME_SIZE], norm[NAME_SIZE];

    snprintf(path, sizeof path, "%s%zu%s%zu.", l->stage, s + l->first, l->block, i);
    for (size_t k = 0; k < b->convs; k++)
        TRY(load_numbered(source, l, path, k, r->config.eps, &b->conv[k], err));
    if (b->shortcut.out == 0)
        return MDP_OK;
    snprintf(conv, sizeof conv, "%s%s", path, l->shortcut_conv);
    snprintf(norm, sizeof norm, "%s%s", path, l->shortcut_norm);
    return load_conv(source, conv, norm, r->config.eps, &b->shortcut, err);
}

static mdp_status load_attention(struct mdp_resnet *r, const struct mdp_layer_source *source,
                                 struct mdp_error *err)
{
    char prefix[2 * NAME_SIZE];
    const int n = snprintf(prefix, sizeof prefix, "%sattnpool.", source->prefix);
    const struct mdp_layer_source pool = {source->weights, prefix};

    if (n < 0 || (size_t)n >= sizeof prefix)
        return mdp_fail(err, MDP_ERR_VALUE, "the prefix of tensor names is longer than %d bytes",
                        2 * NAME_SIZE - 1);
    return mdp_clip_pool_load(&pool, &r->attention, err);
}

mdp_status mdp_resnet_load(struct mdp_resnet *r, const struct mdp_weights *weights, struct mdp_error *err)
{
    const struct mdp_layer_source source = {weights, r->config.prefix};
    const struct layout *l = &layouts[r->config.layout];

    TRY(load_stem(r, &source, l, err));
    for (size_t s = 0; s < r->config.stages; s++)
        for (size_t b = 0; b < r->config.depths[s]; b++)
            TRY(load_block(r, &source, l, s, b, err));
    if (r->config.pool == MDP_POOL_ATTENTION)
        TRY(load_attention(r, &source, err));
    r->config.prefix = NULL; /* the YAML may be gone when the tower runs */
    return mdp_head_load(&r->head, weights, err);
}

void mdp_resnet_release(struct mdp_resnet *r)
{
    for (size_t i = 0; i < MDP_COUNT(r->stem); i++)
        mdp_conv_release(&r->stem[i]);
    for (size_t s = 0; s < MDP_MAX_STAGES; s++) {
        for (size_t b = 0; r->blocks[s] && b < r->config.depths[s]; b++) {
            for (size_t i = 0; i < MDP_RESNET_CONVS; i++)
                mdp_conv_release(&r->blocks[s][b].conv[i]);
            mdp_conv_release(&r->blocks[s][b].shortcut);
        }
        free(r->blocks[s]);
    }
    mdp_clip_pool_release(&r->attention);
    mdp_head_release(&r->head);
    *r = (struct mdp_resnet){0};
}
