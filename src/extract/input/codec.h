/* SPDX-License-Identifier: BSD-3-Clause */
/* What the codecs of this folder share. A codec is one file that knows one library; decode.c has the table.
 */
#ifndef MDP_EXTRACT_CODEC_H
#define MDP_EXTRACT_CODEC_H

#include "extract/input/picture.h"

/* A file in memory and what it may cost. */
struct mdp_source {
    const unsigned char *bytes; /* [n] */
    size_t n;
    const char *name;
    const struct mdp_picture_limits *limits;
};

/* Decodes into an empty picture; what it left there on failure is released by the caller. */
typedef mdp_status mdp_codec(const struct mdp_source *source, struct mdp_picture *picture,
                             struct mdp_error *err);

mdp_codec mdp_jpeg_decode;
mdp_codec mdp_png_decode;

/* Refuses a size outside the limits, or whose pixels and `extra` bytes of a decoder's working memory pass
   limits->bytes, before anything is allocated; then allocates the pixels, black. */
mdp_status mdp_picture_shape(const struct mdp_source *source, enum mdp_mode mode, size_t width, size_t height,
                             size_t extra, struct mdp_picture *picture, struct mdp_error *err);

/* The orientation (1..8) that a TIFF header bytes[n] of an EXIF block gives in its first directory; 1 when
   it gives none or is malformed, as Pillow treats it. */
uint8_t mdp_exif_orientation(const unsigned char *bytes, size_t n);

#endif
