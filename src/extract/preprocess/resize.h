/* SPDX-License-Identifier: BSD-3-Clause */
/* Pillow's resize of 8-bit pictures, bit for bit (Pillow src/libImaging/Resample.c): two one-dimensional
   passes with an 8-bit picture between them, weights in 22-bit fixed point. Letters: C channels. */
#ifndef MDP_EXTRACT_RESIZE_H
#define MDP_EXTRACT_RESIZE_H

#include "medprobe/status.h"

#include <stddef.h>
#include <stdint.h>

enum mdp_filter {
    MDP_FILTER_BILINEAR,
    MDP_FILTER_BICUBIC,
    MDP_FILTER_LANCZOS,
    MDP_FILTER_NEAREST, /* copies pixels: also what Pillow takes for modes 1 and P, whatever is asked for */
    MDP_FILTER_BOX,
    MDP_FILTER_HAMMING,
    MDP_FILTER_AREA, /* OpenCV's, not Pillow's: area_resize.h */
};

/* Which pass comes first; results differ by a grey level in a few pixels when both axes change. */
enum mdp_resize_order {
    MDP_RESIZE_HORIZONTAL_FIRST, /* Pillow before 13: what published embeddings were made with */
    MDP_RESIZE_PILLOW13,         /* Pillow 13: vertical first when height - new height is above 0 and above
                                    2 * (width - new width) */
};

/* One row of a picture: uint8 [width, C], either a row that exists or one made in scratch[width * C]. */
typedef const uint8_t *mdp_row_source(const void *context, size_t y, uint8_t *scratch);

/* A picture on a black canvas: rows of [width, C] pixels, its corner at (left, top) of
   [canvas_height, canvas_width]. The canvas is never built. */
struct mdp_canvas {
    mdp_row_source *row;
    const void *context;
    size_t width, height, channels; /* of the picture; channels 1 to 4 */
    size_t left, top, canvas_width, canvas_height;
};

/* What is made of a resized picture: the part that a crop keeps. What lies outside weighs in at its edges all the same,
   as if the whole had been made and cut. */
struct mdp_resized {
    size_t width, height;            /* of the whole, each at least 1 */
    size_t left, top, columns, rows; /* the part, not empty */
    size_t stride;                   /* bytes from one row of the part to the next in memory */
};

/* The whole, in one piece. */
static inline struct mdp_resized mdp_resized_whole(size_t width, size_t height, size_t channels)
{
    return (struct mdp_resized){width, height, 0, 0, width, height, width * channels};
}

/* The part `to` of the canvas resized, out[rows, columns, C]; a pass that would keep the size is skipped. Memory: the
   rows that one output row needs. */
mdp_status mdp_resize_canvas(const struct mdp_canvas *canvas, enum mdp_filter filter,
                             enum mdp_resize_order order, const struct mdp_resized *to, uint8_t *out,
                             struct mdp_error *err);

/* in[in_height, in_width, C] -> out[out_height, out_width, C]. */
mdp_status mdp_resize(const uint8_t *in, size_t in_width, size_t in_height, size_t channels,
                      enum mdp_filter filter, enum mdp_resize_order order, uint8_t *out, size_t out_width,
                      size_t out_height, struct mdp_error *err);

#endif
