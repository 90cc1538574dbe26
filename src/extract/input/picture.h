/* SPDX-License-Identifier: BSD-3-Clause */
/* A decoded picture, as Pillow's Image.open(path).load() has it: its mode and its pixels. */
#ifndef MDP_EXTRACT_PICTURE_H
#define MDP_EXTRACT_PICTURE_H

#include "base/text.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pillow's modes (Pillow handbook, "Modes"). */
enum mdp_mode {
    MDP_MODE_1,  /* 0 or 255 a byte */
    MDP_MODE_L,  /* grey */
    MDP_MODE_LA, /* grey, alpha */
    MDP_MODE_P,  /* index into palette */
    MDP_MODE_RGB,
    MDP_MODE_RGBA,
    MDP_MODE_CMYK, /* as Pillow gives it: always inverted, as Adobe's programs store it */
    MDP_MODE_I16,  /* 16-bit grey, uint16 in the machine's order */
};

struct mdp_picture {
    enum mdp_mode mode;
    size_t width, height;    /* pixels, each in 1..MDP_MAX_SIDE */
    size_t channels;         /* samples a pixel: 1, 2, 3 or 4 */
    void *pixels;            /* uint8 [height, width, channels], or uint16 [height, width] for MDP_MODE_I16 */
    uint8_t palette[256][4]; /* MDP_MODE_P: RGBA; no pixel is outside palette_size */
    size_t palette_size;     /* entries */
    uint8_t orientation;     /* EXIF orientation 1..8; 1 where the file says nothing. Recorded, not applied */
};

/* What a picture may cost; checked against a file's header before anything of that size is allocated. */
struct mdp_picture_limits {
    size_t pixels; /* width * height at most */
    size_t bytes;  /* of the file at most, and of what decoding holds in memory at once */
};

#define MDP_MAX_SIDE ((size_t)1000000)             /* pixels; libpng's own limit */
#define MDP_DEFAULT_MAX_PIXELS ((size_t)178956970) /* twice Pillow's warning limit, where Pillow refuses */
#define MDP_DEFAULT_MAX_BYTES ((size_t)1 << 30)

/* Decodes a picture of any format that is read (told apart by first bytes, never by a name) from memory. `name` stands for the file in messages;
   `limits` may be NULL for the defaults. On failure the picture is empty: a damaged or truncated file never
   gives pixels. Differs from Pillow only in what is refused: docs/PICTURES.md. */
mdp_status mdp_picture_decode(const unsigned char *bytes, size_t n, const char *name,
                              const struct mdp_picture_limits *limits, struct mdp_picture *picture,
                              struct mdp_error *err);
void mdp_picture_release(struct mdp_picture *picture);

/* The formats that are read: "JPEG, PNG and TIFF" where `joint` is "and". */
void mdp_text_add_picture_formats(struct mdp_text *out, const char *joint);

/* What a file is by the ending of its name, for those who gather files without opening them: the format's name
   (NULL: no picture at all) and whether this version reads it. */
const char *mdp_picture_format_of_name(const char *file, bool *read);

#endif
