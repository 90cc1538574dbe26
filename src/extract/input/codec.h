/* SPDX-License-Identifier: BSD-3-Clause */
/* What the codecs of this folder share. A codec is one file that knows one library; decode.c has the table of formats.
   A format that is read: its file, its line below, its row there. */
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

/* Decodes into an empty picture; what it left there on failure is released by the caller. Messages are
   "<file>: <format>: ...", the format as in the table but small: "a.png: png: truncated: ...". */
typedef mdp_status mdp_codec(const struct mdp_source *source, struct mdp_picture *picture,
                             struct mdp_error *err);

mdp_codec mdp_jpeg_decode;
mdp_codec mdp_png_decode;

enum { MDP_FORMAT_MAGICS = 2, MDP_FORMAT_ENDINGS = 3 };

/* A row of the table: a format, how its files are known, and who decodes them. */
struct mdp_picture_format {
    const char *name; /* in messages: "JPEG" */
    struct {
        const char *bytes; /* [n] at offset `at` of the file */
        size_t n, at;
    } magics[MDP_FORMAT_MAGICS]; /* any of them; n is 0 where there are no more */
    const char
        *endings[MDP_FORMAT_ENDINGS]; /* of file names, with the dot, small; NULL where there are no more */
    mdp_codec *decode;                /* NULL: known by name, not read by this version */
};

/* Row i, NULL past the last. */
const struct mdp_picture_format *mdp_picture_format_at(size_t i);

/* Refuses a size outside the limits, or whose pixels and `extra` bytes of a decoder's working memory pass
   limits->bytes, before anything is allocated; then allocates the pixels, black. */
mdp_status mdp_picture_shape(const struct mdp_source *source, enum mdp_mode mode, size_t width, size_t height,
                             size_t extra, struct mdp_picture *picture, struct mdp_error *err);

/* The orientation (1..8) that a TIFF header bytes[n] of an EXIF block gives in its first directory; 1 when
   it gives none or is malformed, as Pillow treats it. */
uint8_t mdp_exif_orientation(const unsigned char *bytes, size_t n);

#endif
