/* SPDX-License-Identifier: BSD-3-Clause */
/* Any picture as rows of 8-bit samples, converted as Pillow's Image.convert does, turned upright if asked; row by row, so
   that no converted copy of a large picture is ever made. */
#ifndef MDP_EXTRACT_CONVERT_H
#define MDP_EXTRACT_CONVERT_H

#include "extract/input/picture.h"

#include <stdbool.h>

enum mdp_color {
    MDP_COLOR_L,
    MDP_COLOR_RGB,
    MDP_COLOR_RGB_AFTER, /* resized in the picture's own mode, then RGB: torchvision before convert("RGB"). Alpha weighs
                            (Pillow resizes RGBa and La), palettes and 1-bit pictures are resized by nearest neighbour */
    MDP_COLOR_L_AFTER, /* resized as RGB, then grey */
    MDP_COLOR_FIRST,   /* the first sample: grey, or red */
};

/* Samples of a pixel that a colour rule gives in the end: 1 or 3. */
size_t mdp_color_samples(enum mdp_color color);

/* How 16-bit grey becomes 8-bit (docs/adr/0004-sixteen-bit-grey.md). */
enum mdp_grey16 {
    MDP_GREY16_AUTO,   /* the least of 8, 10, 12, 14, 16 bits that holds the picture's own values */
    MDP_GREY16_CLIP,   /* as Pillow: what is above 255 becomes 255 */
    MDP_GREY16_10_BIT, /* 0..1023 -> 0..255, rounded; above: 255 */
    MDP_GREY16_12_BIT,
    MDP_GREY16_14_BIT,
    MDP_GREY16_16_BIT, /* v / 257, rounded */
};

/* What is done about the EXIF orientation. */
enum mdp_orientation { MDP_ORIENTATION_IGNORE, MDP_ORIENTATION_APPLY };

/* A picture seen through a conversion. */
struct mdp_converted {
    size_t width, height, channels; /* after turning; channels of the rows, 1 to 4 */
    bool by_nearest; /* whatever filter is asked for: palettes and 1-bit pictures in their own mode */
    bool wide;       /* rows are uint16: 16-bit grey in its own mode */
    bool unmixed;    /* may be set: pixels are only copied, so that alpha weighs nothing */
    /* private */
    const struct mdp_picture *picture;
    enum mdp_color color;
    ptrdiff_t start, along, down; /* pixels: of (0, 0), to the next column, to the next row */
    uint8_t *levels;              /* MDP_MODE_I16: [65536] 16-bit value to level */
};

/* `picture` must outlive it. Allocates only for MDP_MODE_I16 (64 KiB). */
mdp_status mdp_converted_init(struct mdp_converted *converted, const struct mdp_picture *picture,
                              enum mdp_color color, enum mdp_grey16 grey16, enum mdp_orientation orientation,
                              struct mdp_error *err);
void mdp_converted_release(struct mdp_converted *converted);

/* Row y: uint8 [width, channels], in the picture itself where nothing is to do, else in
   scratch[width * channels]. An mdp_row_source of resize.h. Where `wide`: uint16 [width]. */
const uint8_t *mdp_converted_row(const void *converted, size_t y, uint8_t *scratch);

/* What colour rules do after the resize: pixels[n, channels] (where `wide`, uint16 [n]) of resized rows -> out[n, 1 or 3]; they may not overlap. */
void mdp_converted_finish(const struct mdp_converted *converted, const uint8_t *pixels, size_t n,
                          uint8_t *out);

#endif
