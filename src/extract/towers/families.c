/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/families.h"

#include "base/try.h"

const struct mdp_image_family *const mdp_image_families[] = {
    &mdp_convnext_family,
    &mdp_densenet_family,
    &mdp_efficientnet_family,
    &mdp_resnet_family,
    &mdp_swin_family,
    &mdp_vit_family,
    NULL,
};

const struct mdp_text_family *const mdp_text_families[] = {
    &mdp_bert_family,
    &mdp_clip_text_family,
    NULL,
};

enum {
    IMAGE_FAMILIES = sizeof mdp_image_families / sizeof *mdp_image_families - 1,
    TEXT_FAMILIES = sizeof mdp_text_families / sizeof *mdp_text_families - 1,
};

mdp_status mdp_image_family_get(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                const struct mdp_image_family **family, struct mdp_error *err)
{
    const char *names[IMAGE_FAMILIES];
    size_t at = 0;

    for (size_t i = 0; i < IMAGE_FAMILIES; i++)
        names[i] = mdp_image_families[i]->name;
    TRY(mdp_yaml_get_choice(doc, node, "family", "family of image towers", names, IMAGE_FAMILIES, &at, err));
    *family = mdp_image_families[at];
    return MDP_OK;
}

mdp_status mdp_text_family_get(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                               const struct mdp_text_family **family, struct mdp_error *err)
{
    const char *names[TEXT_FAMILIES];
    size_t at = 0;

    for (size_t i = 0; i < TEXT_FAMILIES; i++)
        names[i] = mdp_text_families[i]->name;
    TRY(mdp_yaml_get_choice(doc, node, "family", "family of text towers", names, TEXT_FAMILIES, &at, err));
    *family = mdp_text_families[at];
    return MDP_OK;
}
