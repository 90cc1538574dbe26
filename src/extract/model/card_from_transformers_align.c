/* SPDX-License-Identifier: BSD-3-Clause */
/* transformers' AlignModel (4.57: models/align): EfficientNet and BERT; only texts are projected, and all are padded to 64 ids. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/model/card_from.h"

#include <math.h>

enum { STAGES = 7, TEXT_LENGTH = 64 };

struct net {
    double width, depth, squeeze, eps; /* factors of widths and depths */
    size_t divisor, size, channels;
    size_t depths[MDP_FIELDS_LIST_MOST], widths[MDP_FIELDS_LIST_MOST], strides[MDP_FIELDS_LIST_MOST],
        kernels[MDP_FIELDS_LIST_MOST], expansions[MDP_FIELDS_LIST_MOST];
};

/* A list of STAGES sizes. */
static mdp_status read_list(struct mdp_fields *f, const char *key, const size_t fallback[STAGES],
                            size_t values[], struct mdp_error *err)
{
    size_t n = 0;

    TRY(mdp_fields_sizes(f, key, values, &n, err));
    for (size_t i = 0; n == 0 && i < STAGES; i++)
        values[i] = fallback[i];
    return n == 0 || n == STAGES ? MDP_OK : mdp_fields_refuse(f, key, " (seven stages)", err);
}

/* Channels times the factor, to a multiple of the divisor that is at least nine tenths of it. */
static size_t rounded(const struct net *net, size_t channels)
{
    const double wanted = (double)channels * net->width, divisor = (double)net->divisor;
    double found = fmax(divisor, floor(floor(wanted + divisor / 2) / divisor) * divisor);

    return (size_t)(found < 0.9 * wanted ? found + divisor : found);
}

static mdp_status read_net(struct mdp_fields *f, struct net *net, struct mdp_error *err)
{
    static const char *const harmless[] = {"batch_norm_momentum", "drop_connect_rate", "hidden_dim",
                                           "image_size",          "in_channels",       "num_hidden_layers"};
    static const size_t repeats[] = {1, 2, 2, 3, 3, 4, 1}, out[] = {16, 24, 40, 80, 112, 192, 320},
                        strides[] = {1, 2, 2, 2, 1, 2, 1}, kernels[] = {3, 3, 5, 3, 5, 5, 3},
                        wider[] = {1, 6, 6, 6, 6, 6, 6};

    TRY(mdp_fields_number(f, "width_coefficient", 2, &net->width, err));
    TRY(mdp_fields_number(f, "depth_coefficient", 3.1, &net->depth, err));
    if (net->width <= 0 || net->width > 64 || net->depth <= 0 || net->depth > 64)
        return mdp_fields_refuse(
            f, net->width <= 0 || net->width > 64 ? "width_coefficient" : "depth_coefficient", "", err);
    TRY(mdp_fields_size(f, "depth_divisor", 8, &net->divisor, err));
    TRY(mdp_fields_size(f, "num_channels", 3, &net->channels, err));
    TRY(mdp_fields_number(f, "squeeze_expansion_ratio", 0.25, &net->squeeze, err));
    TRY(mdp_fields_number(f, "batch_norm_eps", 0.001, &net->eps, err));
    TRY(read_list(f, "num_block_repeats", repeats, net->depths, err));
    TRY(read_list(f, "out_channels", out, net->widths, err));
    TRY(read_list(f, "strides", strides, net->strides, err));
    TRY(read_list(f, "kernel_sizes", kernels, net->kernels, err));
    TRY(read_list(f, "expand_ratios", wider, net->expansions, err));
    TRY(mdp_fields_same(f, "depthwise_padding", "[]", err));
    TRY(mdp_fields_same(f, "hidden_act", "\"swish\"", err));
    TRY(mdp_fields_same(f, "pooling_type", "\"mean\"", err));
    for (size_t i = 0; i < STAGES; i++) {
        net->widths[i] = rounded(net, net->widths[i]);
        net->depths[i] = (size_t)ceil(net->depth * (double)net->depths[i]);
    }
    return mdp_fields_done(f, harmless, MDP_COUNT(harmless), err);
}

static void put_list(struct mdp_text *card, const char *key, const size_t values[STAGES])
{
    mdp_text_add(card, "  %s: [", key);
    for (size_t i = 0; i < STAGES; i++)
        mdp_text_add(card, "%s%zu", i ? ", " : "", values[i]);
    mdp_text_add(card, "]\n");
}

static mdp_status put_image(struct mdp_folder *folder, const struct net *net, struct mdp_error *err)
{
    struct mdp_text *card = folder->card;
    size_t size[2];

    TRY(mdp_card_put_processor(folder, "EfficientNetImageProcessor", size, err));
    mdp_card_put_tower(card, "image", "efficientnet", "vision_model.");
    mdp_text_add(card, "  image_size: [%zu, %zu]\n  channels: %zu\n  stem_width: %zu\n", size[0], size[1],
                 net->channels, rounded(net, 32));
    put_list(card, "depths", net->depths);
    put_list(card, "widths", net->widths);
    put_list(card, "strides", net->strides);
    put_list(card, "kernels", net->kernels);
    put_list(card, "expansions", net->expansions);
    mdp_card_put_number(card, "  squeeze", net->squeeze);
    mdp_card_put_number(card, "  batch_norm_eps", net->eps);
    return MDP_OK;
}

mdp_status mdp_card_from_align(struct mdp_folder *folder, struct mdp_error *err)
{
    static const char *const harmless[] = {"temperature_init_value"};
    struct mdp_fields *c = &folder->config.fields, text, vision;
    struct mdp_card_bert bert;
    struct net net = {0};
    size_t width = 0, length = 0;

    TRY(mdp_fields_section(c, "text_config", &text, err));
    TRY(mdp_fields_section(c, "vision_config", &vision, err));
    TRY(mdp_fields_size(c, "projection_dim", 640, &width, err));
    TRY(mdp_fields_done(c, harmless, MDP_COUNT(harmless), err));
    TRY(read_net(&vision, &net, err));
    TRY(mdp_card_read_bert(&text, &bert, err));
    TRY(mdp_card_text_length(folder, bert.positions < TEXT_LENGTH ? bert.positions : TEXT_LENGTH, &length,
                             err));
    mdp_card_put_head(folder, "align", width, mdp_folder_vocab(folder));
    TRY(put_image(folder, &net, err));
    TRY(mdp_card_put_wordpiece(folder, length, "  padding: max-length\n", err));
    mdp_card_put_bert(folder->card, &bert, "text_model.", "class");
    mdp_text_add(folder->card, "  head: [{linear: text_projection, width: %zu}]\n  output_width: %zu\n",
                 width, width);
    mdp_text_add(folder->card, "similarity:\n  logit_scale: temperature\n  transform: reciprocal\n");
    mdp_card_put_weights(folder, NULL);
    return MDP_OK;
}
