/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: the whole way of a picture, of any bytes: decoded and through four pipelines, or refused with one line. Checksums of a PNG would
   stop nearly every mutation at the door, so those of its chunks are put right first; one file in four keeps them as
   they are. Seeds: tests/fuzz/seed_pictures DIR. */
#include "extract/preprocess/pipeline.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Refusals must be one line that begins with the file's name; what is decoded must go through. */
static void run_picture(const uint8_t *bytes, size_t n)
{
    static const struct mdp_pipeline medclip = {.grey16 = MDP_GREY16_AUTO,
                                                .geometry = MDP_GEOMETRY_SQUARE_BLACK,
                                                .pad_min = 24,
                                                .width = 24,
                                                .height = 24,
                                                .filter = MDP_FILTER_BICUBIC,
                                                .channels = 3,
                                                .mean = {0.5, 0.5, 0.5},
                                                .std = {0.25, 0.25, 0.25}};
    static const struct mdp_pipeline other = {.color = MDP_COLOR_RGB,
                                              .grey16 = MDP_GREY16_12_BIT,
                                              .orientation = MDP_ORIENTATION_APPLY,
                                              .width = 17,
                                              .height = 30,
                                              .filter = MDP_FILTER_LANCZOS,
                                              .resize_order = MDP_RESIZE_PILLOW13,
                                              .channels = 3,
                                              .mean = {0.5, 0.5, 0.5},
                                              .std = {0.25, 0.25, 0.25}};
    static const struct mdp_pipeline own = {.color = MDP_COLOR_RGB_AFTER,
                                            .geometry = MDP_GEOMETRY_CROP,
                                            .shorter_side = 19,
                                            .width = 24,
                                            .height = 16,
                                            .filter = MDP_FILTER_BICUBIC,
                                            .channels = 3,
                                            .mean = {0.5, 0.5, 0.5},
                                            .std = {0.25, 0.25, 0.25}};
    static const struct mdp_pipeline floats = {.color = MDP_COLOR_FIRST,
                                               .geometry = MDP_GEOMETRY_CROP_SQUARE,
                                               .width = 24,
                                               .height = 16,
                                               .rescale = MDP_RESCALE_SIGNED_1024,
                                               .float_resize = MDP_FLOAT_RESIZE_SKIMAGE,
                                               .channels = 1,
                                               .std = {1}};
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
        mdp_pipeline_run(&other, &picture, values, &err) != MDP_OK ||
        mdp_pipeline_run(&own, &picture, values, &err) != MDP_OK ||
        mdp_pipeline_run(&floats, &picture, values, &err) != MDP_OK)
        abort();
    mdp_picture_release(&picture);
}

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void mend_checksums(uint8_t *bytes, size_t n)
{
    for (size_t at = 8; n >= 12 && at <= n - 12;) {
        size_t length = big32(bytes + at);
        if (length > n - 12 - at)
            return;
        uint32_t sum = (uint32_t)crc32(0, bytes + at + 4, (uInt)length + 4);
        for (int i = 0; i < 4; i++)
            bytes[at + 8 + length + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        at += 12 + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1); /* of this size, so that the sanitizer sees a read past the end */

    if (!copy)
        return 0;
    if (n)
        memcpy(copy, bytes, n);
    if (n > 8 && memcmp(copy, "\x89PNG\r\n\x1a\n", 8) == 0 && copy[n - 1] % 4 != 0)
        mend_checksums(copy, n);
    run_picture(copy, n);
    free(copy);
    return 0;
}
