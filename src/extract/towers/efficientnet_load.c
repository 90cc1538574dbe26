/* SPDX-License-Identifier: BSD-3-Clause */
/* An EfficientNet's weights, by transformers' names. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/towers/conv_load.h"
#include "extract/towers/efficientnet.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_SIZE = 128 };

/* A convolution and the norm behind it, both behind `path`. */
struct names {
    char conv[NAME_SIZE], norm[NAME_SIZE];
};

static struct mdp_conv_names joined(struct names *to, const char *path, const char *conv, const char *norm,
                                    double eps)
{
    snprintf(to->conv, NAME_SIZE, "%s%s", path, conv);
    snprintf(to->norm, NAME_SIZE, "%s%s", path, norm ? norm : "");
    return (struct mdp_conv_names){
        .conv = to->conv, .bias = !norm, .norm = norm ? to->norm : NULL, .eps = eps};
}

static mdp_status load_block(const struct mdp_efficientnet *n, const struct mdp_layer_source *source,
                             size_t number, struct mdp_efficientnet_block *b, struct mdp_error *err)
{
    struct names text;
    struct mdp_conv_names names;
    char path[NAME_SIZE / 2];

    snprintf(path, sizeof path, "encoder.blocks.%zu.", number);
    if (b->expand.out) {
        names = joined(&text, path, "expansion.expand_conv", "expansion.expand_bn", n->eps);
        TRY(mdp_conv_load(source, &names, &b->expand, err));
    }
    names = joined(&text, path, "depthwise_conv.depthwise_conv", "depthwise_conv.depthwise_norm", n->eps);
    TRY(mdp_depthwise_load(source, &names, &b->depthwise, err));
    names = joined(&text, path, "squeeze_excite.reduce", NULL, 0);
    TRY(mdp_conv_load(source, &names, &b->reduce, err));
    names = joined(&text, path, "squeeze_excite.expand", NULL, 0);
    TRY(mdp_conv_load(source, &names, &b->excite, err));
    names = joined(&text, path, "projection.project_conv", "projection.project_bn", n->eps);
    return mdp_conv_load(source, &names, &b->project, err);
}

mdp_status mdp_efficientnet_load(struct mdp_efficientnet *n, const struct mdp_weights *weights,
                                 struct mdp_error *err)
{
    const struct mdp_layer_source source = {weights, n->prefix};
    struct names text;
    struct mdp_conv_names names = joined(&text, "embeddings.", "convolution", "batchnorm", n->eps);
    size_t number = 0;

    TRY(mdp_conv_load(&source, &names, &n->stem, err));
    for (size_t s = 0; s < n->stages; s++)
        for (size_t b = 0; b < n->stage[s].depth; b++)
            TRY(load_block(n, &source, number++, &n->stage[s].blocks[b], err));
    if (n->top.out) {
        names = joined(&text, "encoder.", "top_conv", "top_bn", n->eps);
        TRY(mdp_conv_load(&source, &names, &n->top, err));
    }
    n->prefix = NULL; /* the YAML may be gone when the tower runs */
    return mdp_head_load(&n->head, weights, err);
}

void mdp_efficientnet_release(struct mdp_efficientnet *n)
{
    mdp_conv_release(&n->stem);
    for (size_t s = 0; s < MDP_MAX_STAGES; s++) {
        for (size_t i = 0; n->stage[s].blocks && i < n->stage[s].depth; i++) {
            struct mdp_efficientnet_block *b = &n->stage[s].blocks[i];
            mdp_conv_release(&b->expand);
            mdp_depthwise_release(&b->depthwise);
            mdp_conv_release(&b->reduce);
            mdp_conv_release(&b->excite);
            mdp_conv_release(&b->project);
        }
        free(n->stage[s].blocks);
    }
    mdp_conv_release(&n->top);
    mdp_head_release(&n->head);
    *n = (struct mdp_efficientnet){0};
}
