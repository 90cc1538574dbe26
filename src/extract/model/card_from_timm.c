/* SPDX-License-Identifier: BSD-3-Clause */
/* Trunks of timm by their names. */
#include "extract/model/card_from.h"

mdp_status mdp_card_put_timm(struct mdp_folder *folder, struct mdp_fields *vision, size_t image_size,
                             size_t width, struct mdp_error *err)
{
    (void)folder;
    (void)image_size;
    (void)width;
    return mdp_fields_refuse(vision, "timm_model_name", "", err);
}
