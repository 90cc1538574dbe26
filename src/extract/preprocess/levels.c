/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/preprocess/levels.h"

#include "base/memory.h"

#include <stdlib.h>

/* Sample i of the picture; of a palette, its colours. */
static unsigned sample(const struct mdp_picture *p, size_t i)
{
    if (p->mode == MDP_MODE_I16)
        return ((const uint16_t *)p->pixels)[i];
    if (p->mode == MDP_MODE_P)
        return p->palette[((const uint8_t *)p->pixels)[i / 3]][i % 3];
    return ((const uint8_t *)p->pixels)[i];
}

mdp_status mdp_levels_min_max(const struct mdp_picture *picture, struct mdp_picture *out,
                              struct mdp_error *err)
{
    const size_t channels = picture->mode == MDP_MODE_P     ? 3
                            : picture->mode == MDP_MODE_I16 ? 1
                                                            : picture->channels;
    const size_t n = picture->width * picture->height * channels;
    unsigned least = 65535, largest = 0;
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < n; i++) {
        const unsigned v = sample(picture, i);
        least = v < least ? v : least;
        largest = v > largest ? v : largest;
    }
    if (least >= largest)
        return mdp_fail(err, MDP_ERR_VALUE,
                        "all pixels have the same level (%u), which min-max cannot spread", largest);
    *out = (struct mdp_picture){.mode = picture->mode == MDP_MODE_P     ? MDP_MODE_RGB
                                        : picture->mode == MDP_MODE_I16 ? MDP_MODE_L
                                                                        : picture->mode,
                                .width = picture->width,
                                .height = picture->height,
                                .channels = channels,
                                .orientation = picture->orientation};
    uint8_t *pixels = out->pixels = mdp_new_array(n, 1, err, &st);
    for (size_t i = 0; pixels && i < n; i++)
        pixels[i] = (uint8_t)((double)(sample(picture, i) - least) / (double)(largest - least) * 255);
    return st;
}
