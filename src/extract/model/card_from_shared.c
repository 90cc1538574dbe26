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

void mdp_card_put_weights(struct mdp_folder *folder)
{
    mdp_text_add(folder->card, "weights:\n  ignorable: [\"*\"] # what no tower asks for\n");
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
        if (strncmp(mdp_weights_at(weights, i)->name, prefix, n) == 0)
            *found = prefix;
    mdp_weights_close(weights);
    mdp_text_release(&path);
    return st;
}
