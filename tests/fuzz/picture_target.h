/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole way of a picture, for fuzz targets: decode, then each of two pipelines. */
#ifndef MDP_TESTS_PICTURE_TARGET_H
#define MDP_TESTS_PICTURE_TARGET_H

#include "extract/preprocess/pipeline.h"

#include <stdlib.h>
#include <string.h>

/* Refusals must be one line that begins with the file's name; what is decoded must go through. */
static void run_picture(const uint8_t *bytes, size_t n)
{
    static const struct mdp_pipeline medclip = {.grey16 = MDP_GREY16_AUTO,
                                                .pad_to_square = true,
                                                .pad_min = 24,
                                                .width = 24,
                                                .height = 24,
                                                .filter = MDP_FILTER_BICUBIC,
                                                .channels = 3,
                                                .mean = {0.5, 0.5, 0.5},
                                                .std = {0.25, 0.25, 0.25}};
    static const struct mdp_pipeline other = {.color = MDP_COLOR_RGB,
                                              .grey16 = MDP_GREY16_12_BIT,
                                              .apply_orientation = true,
                                              .width = 17,
                                              .height = 30,
                                              .filter = MDP_FILTER_LANCZOS,
                                              .resize_order = MDP_RESIZE_PILLOW13,
                                              .channels = 3,
                                              .mean = {0.5, 0.5, 0.5},
                                              .std = {0.25, 0.25, 0.25}};
    static const struct mdp_picture_limits limits = {.pixels = 1 << 18, .bytes = 1 << 24};
    static float values[3 * 24 * 24];
    struct mdp_picture picture;
    struct mdp_error err = MDP_ERROR_INIT;

    if (mdp_picture_decode(bytes, n, "f", &limits, &picture, &err) != MDP_OK) {
        if (strncmp(err.message, "f: ", 3) != 0 || strchr(err.message, '\n') || picture.pixels)
            abort();
        return;
    }
    if (mdp_pipeline_run(&medclip, &picture, values, &err) != MDP_OK ||
        mdp_pipeline_run(&other, &picture, values, &err) != MDP_OK)
        abort();
    mdp_picture_release(&picture);
}

#endif
