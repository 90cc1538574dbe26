/* SPDX-License-Identifier: BSD-3-Clause */
/* OpenCV's resize with INTER_AREA of 8-bit pictures, byte for byte (modules/imgproc/src/resize.cpp of 5.0, its portable
   code): shrunk by the mean over the area, by whole factors in integers; else enlarged by its own linear rule. For pictures that
   keep their proportions: where one side shrinks and the other grows, OpenCV may differ. GLoRIA. */
#ifndef MDP_EXTRACT_AREA_RESIZE_H
#define MDP_EXTRACT_AREA_RESIZE_H

#include "extract/preprocess/resize.h"

/* The part `to` of the canvas resized, out[rows, columns, C], as mdp_resize_canvas; canvas and picture are one. Memory: the
   whole picture and rows of 4 bytes a sample. */
mdp_status mdp_area_resize(const struct mdp_canvas *canvas, const struct mdp_resized *to, uint8_t *out,
                           struct mdp_error *err);

#endif
