/* SPDX-License-Identifier: BSD-3-Clause */
/* A perceptual hash: pictures that look alike differ in few bits, whatever their size, format or compression.

   The picture is made grey (16 bits to 8 by its own depth), turned upright, resized to 32 x 32 (bilinear with
   Pillow's antialiasing) and transformed by a two-dimensional DCT-II. The 64 coefficients of horizontal and
   vertical frequency 1 to 8 give one bit each: 1 where the coefficient is above their median (the mean of the
   two middle ones). Bit 63 is (vertical 1, horizontal 1), then by rows. A flat picture has hash 0.

   Everything is integer arithmetic (cosines as whole multiples of 2^-14), so that the hash is the same on
   every machine. The idea is that of pHash's DCT hash (Zauner 2010, section 3.1). */
#ifndef MDP_EXTRACT_PHASH_H
#define MDP_EXTRACT_PHASH_H

#include "extract/input/picture.h"
#include "medprobe/status.h"

#include <stdint.h>

/* Of a decoded picture; *hash is 0 after a failure (memory). */
mdp_status mdp_phash(const struct mdp_picture *picture, uint64_t *hash, struct mdp_error *err);

/* Of a grey picture [32, 32]. */
uint64_t mdp_phash_of_grey(const uint8_t grey[32 * 32]);

#endif
