/* SPDX-License-Identifier: BSD-3-Clause */
/* Pillow's resize of 16-bit grey (mode I;16), bit for bit (src/libImaging/Resample.c: ..._16bpc): as resize.h, with
   weights and sums in double and a 16-bit picture between the passes. For models whose picture is resized in its own mode. */
#ifndef MDP_EXTRACT_RESIZE16_H
#define MDP_EXTRACT_RESIZE16_H

#include "extract/preprocess/resize.h"

/* As mdp_resize_canvas for rows of uint16 [width], one channel, canvas and picture being one; to->stride is in pixels.
   Memory: the whole picture and a half-resized one. */
mdp_status mdp_resize16(const struct mdp_canvas *canvas, enum mdp_filter filter, enum mdp_resize_order order,
                        const struct mdp_resized *to, uint16_t *out, struct mdp_error *err);

#endif
