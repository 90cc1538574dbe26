/* SPDX-License-Identifier: BSD-3-Clause */
/* Sections of a card that all readers of folders write alike. */
#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"
#include "extract/model/card_from.h"
#include "extract/weights/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the card --- */

void mdp_card_put_text(struct mdp_text *card, const char *key, const char *value)
{
    mdp_text_add(card, "%s: ", key);
    mdp_text_add_quoted(card, value);
    mdp_text_add(card, "\n");
}

void mdp_card_put_number(struct mdp_text *card, const char *key, double value)
{
    char digits[32];

    snprintf(digits, sizeof digits, "%.15g", value);
    if (strtod(digits, NULL) != value)
        snprintf(digits, sizeof digits, "%.17g", value);
    mdp_text_add(card, "%s: %s\n", key, digits);
}

void mdp_card_put_head(struct mdp_folder *folder, const char *family, size_t width, const char *vocab)
{
    struct mdp_text *card = folder->card;

    mdp_text_add(card, "# Written by medprobe from the configuration files of a folder; docs/MODELS.md "
                       "explains the keys.\n");
    mdp_card_put_text(card, "name", folder->name.at);
    mdp_text_add(card, "family: %s\nembedding_width: %zu\n", family, width);
    mdp_card_put_text(card, "folder", folder->path.at);
    if (folder->weights || vocab)
        mdp_text_add(card, "files:\n");
    if (folder->weights)
        mdp_text_add(card, "  - role: weights\n    name: %s\n", folder->weights);
    if (vocab)
        mdp_text_add(card, "  - role: vocab\n    name: %s\n", vocab);
}

void mdp_card_put_weights(struct mdp_folder *folder, const char *inside)
{
    mdp_text_add(folder->card, "weights:\n%s%s%s  ignorable: [\"*\"] # what no tower asks for\n",
                 inside ? "  inside: " : "", inside ? inside : "", inside ? "\n" : "");
}

void mdp_card_put_tower(struct mdp_text *card, const char *map, const char *family, const char *prefix)
{
    mdp_text_add(card, "%s:\n  family: %s\n", map, family);
    mdp_card_put_text(card, "  prefix", prefix);
}

void mdp_card_put_blocks(struct mdp_text *card, const struct mdp_card_blocks *b)
{
    mdp_text_add(card, "  layout: %s\n  layers: %zu\n  width: %zu\n  heads: %zu\n  intermediate: %zu\n",
                 b->layout, b->layers, b->width, b->heads, b->hidden);
    mdp_text_add(card, "  activation: %s\n", b->activation);
    mdp_card_put_number(card, "  layer_norm_eps", b->eps);
}

void mdp_card_put_projection(struct mdp_text *card, const char *name, bool transposed, size_t width)
{
    mdp_text_add(card, "  projection: %s\n%s  output_width: %zu\n", name,
                 transposed ? "  projection_order: input-output\n" : "", width);
}

void mdp_card_put_similarity(struct mdp_folder *folder, bool sigmoid)
{
    mdp_text_add(folder->card, "similarity:\n  kind: %s\n  logit_scale: logit_scale\n  transform: exp\n%s",
                 sigmoid ? "sigmoid" : "softmax", sigmoid ? "  logit_bias: logit_bias\n" : "");
}

/* --- sizes --- */

mdp_status mdp_card_read_blocks(struct mdp_fields *f, struct mdp_card_blocks *b, struct mdp_error *err)
{
    const char *activation = b->activation; /* as transformers calls it */

    TRY(mdp_fields_size(f, "num_hidden_layers", b->layers, &b->layers, err));
    TRY(mdp_fields_size(f, "hidden_size", b->width, &b->width, err));
    TRY(mdp_fields_size(f, "num_attention_heads", b->heads, &b->heads, err));
    if (b->hidden)
        TRY(mdp_fields_size(f, "intermediate_size", b->hidden, &b->hidden, err));
    TRY(mdp_fields_number(f, "layer_norm_eps", b->eps, &b->eps, err));
    return mdp_card_activation(f, "hidden_act", activation, &b->activation, err);
}

/* --- words --- */

mdp_status mdp_card_activation(struct mdp_fields *fields, const char *key, const char *fallback,
                               const char **word, struct mdp_error *err)
{
    static const struct {
        const char *theirs, *ours;
    } words[] = {{"gelu", "gelu"},
                 {"gelu_new", "gelu-tanh"},
                 {"gelu_pytorch_tanh", "gelu-tanh"},
                 {"quick_gelu", "quick-gelu"},
                 {"relu", "relu"},
                 {"silu", "silu"},
                 {"swish", "silu"}};
    const char *name = NULL;

    TRY(mdp_fields_text(fields, key, fallback, &name, err));
    for (size_t i = 0; i < MDP_COUNT(words); i++)
        if (strcmp(name, words[i].theirs) == 0) {
            *word = words[i].ours;
            return MDP_OK;
        }
    return mdp_fields_refuse(fields, key, " (gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, relu, silu)",
                             err);
}

/* --- names of tensors --- */

/* Behind what a training checkpoint of open_clip puts before its names. */
static const char *unwrapped(const char *name)
{
    static const char *const wrappers[] = {"state_dict.", "module."};

    for (size_t i = 0; i < MDP_COUNT(wrappers); i++)
        if (strncmp(name, wrappers[i], strlen(wrappers[i])) == 0)
            name += strlen(wrappers[i]);
    return name;
}

mdp_status mdp_folder_prefix(const struct mdp_folder *folder, const char *prefix, const char **found,
                             struct mdp_error *err)
{
    struct mdp_weights *weights = NULL;
    struct mdp_text path = {0};
    size_t n = strlen(prefix);

    *found = "";
    if (!folder->weights)
        return MDP_OK;
    mdp_text_add(&path, "%s/%s", folder->path.at, folder->weights);
    mdp_status st = mdp_text_status(&path, err);
    if (st == MDP_OK)
        st = mdp_weights_open(path.at, &weights, err);
    for (size_t i = 0; st == MDP_OK && i < mdp_weights_count(weights); i++)
        if (strncmp(unwrapped(mdp_weights_at(weights, i)->name), prefix, n) == 0)
            *found = prefix;
    mdp_weights_close(weights);
    mdp_text_release(&path);
    return st;
}
