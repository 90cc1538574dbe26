/* SPDX-License-Identifier: BSD-3-Clause */
/* A ConvNeXt's weights. Layouts differ in names alone. */
#include "base/memory.h"
#include "base/text.h"
#include "base/try.h"
#include "extract/towers/conv_load.h"
#include "extract/towers/convnext.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_SIZE = 128 };

/* What the tensors are called: <stage><s>.<part>, <stage><s>.<block><b>.<part>. */
static const struct layout {
    const char *stem_conv, *stem_norm;
    const char *stage, *stage_norm, *stage_conv;
    const char *block, *depthwise, *norm, *in, *out, *scale, *response;
} layouts[] = {
    {"stem.0", "stem.1", "stages.", "downsample.0", "downsample.1", "blocks.", "conv_dw", "norm", "mlp.fc1",
     "mlp.fc2", "gamma", "mlp.grn"},
    {"embeddings.patch_embeddings", "embeddings.layernorm", "encoder.stages.", "downsampling_layer.0",
     "downsampling_layer.1", "layers.", "dwconv", "layernorm", "pwconv1", "pwconv2", "layer_scale_parameter",
     "grn"},
};

const char *const mdp_convnext_layouts[] = {"timm", "hf", NULL};
_Static_assert(MDP_COUNT(mdp_convnext_layouts) == MDP_COUNT(layouts) + 1, "every layout has its word");

/* The tensor as values[n], whatever ones stand in its shape: [F], [1, 1, 1, F], [F, C], [F, C, 1, 1]; where it has another
   number of values, an error that expects shape[rank]. */
static mdp_status load_values(const struct mdp_layer_source *source, const char *path, const char *part,
                              size_t rank, const size_t shape[], float **values, struct mdp_error *err)
{
    struct mdp_text name = {0};
    size_t n = 1;

    for (size_t i = 0; i < rank; i++)
        n *= shape[i];
    mdp_text_add(&name, "%s%s%s", source->prefix, path, part);
    mdp_status st = mdp_text_status(&name, err);
    const struct mdp_tensor *tensor = st == MDP_OK ? mdp_weights_find(source->weights, name.at) : NULL;
    mdp_text_release(&name);
    TRY(st);
    const bool fits = tensor && tensor->count == n && tensor->rank > rank;
    return mdp_tensor_load(source, values, fits ? tensor->rank : rank, fits ? tensor->shape : shape, err,
                           "%s%s", path, part);
}

/* weight[out, in] and bias[out] times scale[out], or as they are. */
static mdp_status load_product(const struct mdp_layer_source *source, const char *path, size_t out, size_t in,
                               const float *scale, struct mdp_linear *linear, struct mdp_error *err)
{
    const size_t shape[] = {out, in};
    float *weight = NULL, *bias = NULL;
    mdp_status st = load_values(source, path, ".weight", 2, shape, &weight, err);

    if (st == MDP_OK)
        st = load_values(source, path, ".bias", 1, shape, &bias, err);
    for (size_t o = 0; st == MDP_OK && scale && o < out; o++) {
        for (size_t i = 0; i < in; i++)
            weight[o * in + i] = (float)((double)weight[o * in + i] * (double)scale[o]);
        bias[o] = (float)((double)bias[o] * (double)scale[o]);
    }
    if (st == MDP_OK)
        st = mdp_linear_init(linear, weight, bias, out, in, err);
    free(weight);
    free(bias);
    return st;
}

static mdp_status load_block(struct mdp_convnext *n, const struct mdp_layer_source *source,
                             const struct layout *l, size_t s, size_t i, struct mdp_error *err)
{
    const size_t c = n->config.widths[s], f = 4 * c;
    struct mdp_convnext_block *b = &n->stage[s].blocks[i];
    const char *const parts[] = {l->depthwise, l->norm, l->in, l->out, l->scale, l->response};
    char name[MDP_COUNT(parts)][NAME_SIZE];
    const struct mdp_conv_names depthwise = {.conv = name[0], .bias = true};
    float *scale = NULL;

    for (size_t k = 0; k < MDP_COUNT(parts); k++)
        snprintf(name[k], NAME_SIZE, "%s%zu.%s%zu.%s", l->stage, s, l->block, i, parts[k]);
    TRY(mdp_depthwise_load(source, &depthwise, &b->depthwise, err));
    TRY(mdp_norm_load(source, name[1], c, &b->norm, err));
    TRY(load_product(source, name[2], f, c, NULL, &b->in, err));
    if (n->config.response_norm) {
        TRY(load_values(source, name[5], ".weight", 1, &f, &b->response.gain, err));
        TRY(load_values(source, name[5], ".bias", 1, &f, &b->response.bias, err));
    }
    if (n->config.layer_scale)
        TRY(mdp_tensor_load(source, &scale, 1, &c, err, "%s", name[4]));
    const mdp_status st = load_product(source, name[3], c, f, scale, &b->out, err);
    free(scale);
    return st;
}

/* Norm and convolution before stage s > 0. */
static mdp_status load_downsample(struct mdp_convnext *n, const struct mdp_layer_source *source,
                                  const struct layout *l, size_t s, struct mdp_error *err)
{
    char norm[NAME_SIZE], conv[NAME_SIZE];
    const struct mdp_conv_names names = {.conv = conv, .bias = true};

    snprintf(norm, sizeof norm, "%s%zu.%s", l->stage, s, l->stage_norm);
    snprintf(conv, sizeof conv, "%s%zu.%s", l->stage, s, l->stage_conv);
    TRY(mdp_norm_load(source, norm, n->config.widths[s - 1], &n->stage[s].norm, err));
    return mdp_conv_load(source, &names, &n->stage[s].conv, err);
}

mdp_status mdp_convnext_load(struct mdp_convnext *n, const struct mdp_weights *weights, struct mdp_error *err)
{
    const struct mdp_layer_source source = {weights, n->config.prefix};
    const struct layout *l = &layouts[n->config.layout];
    const struct mdp_conv_names stem = {.conv = l->stem_conv, .bias = true};

    TRY(mdp_conv_load(&source, &stem, &n->stage[0].conv, err));
    TRY(mdp_norm_load(&source, l->stem_norm, n->config.widths[0], &n->stem_norm, err));
    for (size_t s = 0; s < n->config.stages; s++) {
        if (s > 0)
            TRY(load_downsample(n, &source, l, s, err));
        for (size_t b = 0; b < n->config.depths[s]; b++)
            TRY(load_block(n, &source, l, s, b, err));
    }
    n->config.prefix = NULL; /* the YAML may be gone when the tower runs */
    return mdp_head_load(&n->head, weights, err);
}

void mdp_convnext_release(struct mdp_convnext *n)
{
    for (size_t s = 0; s < MDP_MAX_STAGES; s++) {
        struct mdp_convnext_stage *stage = &n->stage[s];
        for (size_t i = 0; stage->blocks && i < n->config.depths[s]; i++) {
            struct mdp_convnext_block *b = &stage->blocks[i];
            mdp_depthwise_release(&b->depthwise);
            mdp_norm_release(&b->norm);
            mdp_norm_release(&b->response);
            mdp_linear_release(&b->in);
            mdp_linear_release(&b->out);
        }
        free(stage->blocks);
        mdp_norm_release(&stage->norm);
        mdp_conv_release(&stage->conv);
    }
    mdp_norm_release(&n->stem_norm);
    mdp_head_release(&n->head);
    *n = (struct mdp_convnext){0};
}
