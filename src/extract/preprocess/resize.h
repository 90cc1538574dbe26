/* SPDX-License-Identifier: BSD-3-Clause */
/* Pillow's resize of 8-bit pictures, bit for bit (Pillow src/libImaging/Resample.c: two one-dimensional
   passes with an 8-bit picture between them, weights in 22-bit fixed point). */
#ifndef MDP_EXTRACT_RESIZE_H
#define MDP_EXTRACT_RESIZE_H

#include "extract/preprocess/pipeline.h"

/* in[in_height, in_width, channels] -> out[out_height, out_width, channels]; channels 1 to 4, sizes >= 1. The
   horizontal pass comes first (Pillow before 13); a pass that would keep the size is skipped. */
mdp_status mdp_resize(const uint8_t *in, size_t in_width, size_t in_height, size_t channels,
                      enum mdp_filter filter, uint8_t *out, size_t out_width, size_t out_height,
                      struct mdp_error *err);

#endif
