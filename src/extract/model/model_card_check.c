/* SPDX-License-Identifier: BSD-3-Clause */
/* A card whole, before any of its files is looked for: a slip is found here, not after a download. */
#include "base/try.h"
#include "extract/model/model_card.h"
#include "extract/preprocess/pipeline.h"
#include "extract/text/tokenizer.h"
#include "extract/towers/image_tower.h"
#include "extract/towers/text_tower.h"

static mdp_status check_width(const struct mdp_model_card *card, const char *tower, size_t width,
                              struct mdp_error *err)
{
    if (width == card->embedding_width)
        return MDP_OK;
    return mdp_yaml_fail(card->doc, mdp_yaml_find(mdp_yaml_root(card->doc), "embedding_width"), err,
                         "embedding_width is %zu, but the %s tower gives %zu values", card->embedding_width,
                         tower, width);
}

/* --- pictures --- */

static mdp_status check_default(const struct mdp_model_card *card, struct mdp_error *err)
{
    const char *name = NULL;

    TRY(mdp_yaml_get_string(card->doc, card->pipelines, "default", &name, err));
    const struct mdp_yaml_node *named = mdp_yaml_find(card->pipelines, name);
    if (!named || named->kind != MDP_YAML_MAP)
        return mdp_yaml_fail(card->doc, mdp_yaml_find(card->pipelines, "default"), err,
                             "default: there is no pipeline '%s'", name);
    return MDP_OK;
}

static mdp_status check_pipeline(const struct mdp_model_card *card, size_t i,
                                 const struct mdp_image_sizes *tower, struct mdp_error *err)
{
    const struct mdp_yaml_node *node = card->pipelines->values[i];
    struct mdp_pipeline p;

    TRY(mdp_pipeline_from_yaml(card->doc, node, card->pipelines->keys[i]->scalar, &p, err));
    if (p.channels != tower->channels || p.height != tower->height || p.width != tower->width)
        return mdp_yaml_fail(card->doc, node, err,
                             "pipeline %s makes %zu x %zu pixels of %zu channels, but the image tower takes "
                             "%zu x %zu of %zu",
                             p.name, p.width, p.height, p.channels, tower->width, tower->height,
                             tower->channels);
    return MDP_OK;
}

static mdp_status check_image(const struct mdp_model_card *card, struct mdp_error *err)
{
    struct mdp_image_sizes tower;

    TRY(mdp_image_tower_sizes_from_yaml(card->doc, card->image, &tower, err));
    TRY(check_width(card, "image", tower.embedding, err));
    TRY(check_default(card, err));
    for (size_t i = 0; i < card->pipelines->n; i++)
        if (card->pipelines->values[i] != mdp_yaml_find(card->pipelines, "default"))
            TRY(check_pipeline(card, i, &tower, err));
    return MDP_OK;
}

/* --- texts --- */

static mdp_status check_text(const struct mdp_model_card *card, struct mdp_error *err)
{
    struct mdp_text_sizes tower;
    size_t longest = 0;

    TRY(mdp_text_tower_sizes_from_yaml(card->doc, card->text, &tower, err));
    TRY(check_width(card, "text", tower.embedding, err));
    TRY(mdp_tokenizer_length_from_yaml(card->doc, card->tokenizer, &longest, err));
    if (longest > tower.positions)
        return mdp_yaml_fail(card->doc, mdp_yaml_find(card->tokenizer, "max_length"), err,
                             "max_length is %zu, but the text tower has %zu positions", longest,
                             tower.positions);
    return MDP_OK;
}

mdp_status mdp_model_card_check(const struct mdp_model_card *card, struct mdp_error *err)
{
    if (card->image)
        TRY(check_image(card, err));
    return card->text ? check_text(card, err) : MDP_OK;
}
