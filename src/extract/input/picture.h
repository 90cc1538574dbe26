/* SPDX-License-Identifier: BSD-3-Clause */
/* A decoded picture, as Pillow's Image.open(path).load() has it: its mode and its pixels. */
#ifndef MDP_EXTRACT_PICTURE_H
#define MDP_EXTRACT_PICTURE_H

#include "medprobe/status.h"

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
    MDP_MODE_CMYK, /* as Pillow gives it: inverted back when an Adobe marker says so */
    MDP_MODE_I16,  /* 16-bit grey, uint16 in the machine's order */
};

struct mdp_picture {
    enum mdp_mode mode;
    size_t width, height;    /* pixels, each >= 1 */
    size_t channels;         /* samples a pixel: 1, 2, 3 or 4 */
    void *pixels;            /* uint8 [height, width, channels], or uint16 [height, width] for MDP_MODE_I16 */
    uint8_t palette[256][4]; /* MDP_MODE_P: RGBA */
    size_t palette_size;     /* entries */
    uint8_t orientation;     /* EXIF orientation 1..8; 1 where the file says nothing. Recorded, not applied */
};

/* What a picture may cost. */
struct mdp_picture_limits {
    size_t pixels; /* width * height at most; default MDP_DEFAULT_MAX_PIXELS */
    size_t bytes;  /* of decoded memory and of the file at most */
};

#define MDP_DEFAULT_MAX_PIXELS ((size_t)178956970) /* twice Pillow's warning limit, where Pillow refuses */
#define MDP_DEFAULT_MAX_BYTES ((size_t)1 << 30)

/* Decodes a JPEG or PNG (told apart by its first bytes) from memory. `name` stands for the file in messages.
 */
mdp_status mdp_picture_decode(const unsigned char *bytes, size_t n, const char *name,
                              const struct mdp_picture_limits *limits, struct mdp_picture *picture,
                              struct mdp_error *err);
void mdp_picture_release(struct mdp_picture *picture);

#endif
