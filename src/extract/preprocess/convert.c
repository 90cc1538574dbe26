/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/preprocess/convert.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 65536 };

/* No switch over a mode or a policy has a default here, so that the compiler names the place a new one was forgotten. */

/* Rec. 601 luma in 16-bit fixed point, as Pillow's Convert.c. */
static uint8_t luma(unsigned red, unsigned green, unsigned blue)
{
    return (uint8_t)((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

/* a * b / 255, rounded, for 8-bit values. */
static unsigned times(unsigned a, unsigned b)
{
    unsigned t = a * b + 128;

    return ((t >> 8) + t) >> 8;
}

/* The least of 8, 10, 12, 14 and 16 bits that holds every value of a 16-bit picture. */
static unsigned depth_of_values(const struct mdp_picture *picture)
{
    const uint16_t *v = picture->pixels;
    unsigned used = 0, depth = 8;

    for (size_t i = 0; i < picture->width * picture->height; i++)
        used |= v[i];
    while (depth < 16 && used >> depth != 0)
        depth += 2;
    return depth;
}

static unsigned depth_of(enum mdp_grey16 grey16, const struct mdp_picture *picture)
{
    switch (grey16) {
    case MDP_GREY16_AUTO:
        break;
    case MDP_GREY16_CLIP:
        return 8;
    case MDP_GREY16_10_BIT:
        return 10;
    case MDP_GREY16_12_BIT:
        return 12;
    case MDP_GREY16_14_BIT:
        return 14;
    case MDP_GREY16_16_BIT:
        return 16;
    }
    return depth_of_values(picture);
}

/* levels[v] = 255 v / (2^depth - 1), rounded half up, at most 255. With 8 bits this is Pillow's clipping. */
static void fill_levels(uint8_t levels[LEVELS], unsigned depth)
{
    const unsigned most = (1u << depth) - 1;

    for (unsigned v = 0; v < LEVELS; v++)
        levels[v] = (uint8_t)(v >= most ? 255 : (2 * 255 * v + most) / (2 * most));
}

/* Where output pixel (x, y) lies for each EXIF orientation, as Pillow's ImageOps.exif_transpose. */
static void turn(struct mdp_converted *c, unsigned orientation)
{
    const ptrdiff_t w = (ptrdiff_t)c->picture->width, h = (ptrdiff_t)c->picture->height;
    const bool mirrored_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool mirrored_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const ptrdiff_t right = mirrored_x ? -1 : 1, below = mirrored_y ? -w : w;

    c->start = (mirrored_x ? w - 1 : 0) + (mirrored_y ? (h - 1) * w : 0);
    c->along = orientation >= 5 ? below : right;
    c->down = orientation >= 5 ? right : below;
    c->width = orientation >= 5 ? c->picture->height : c->picture->width;
    c->height = orientation >= 5 ? c->picture->width : c->picture->height;
}

size_t mdp_color_samples(enum mdp_color color)
{
    return color == MDP_COLOR_RGB || color == MDP_COLOR_RGB_AFTER ? 3 : 1;
}

/* Samples a pixel of the rows that are resized. */
static size_t row_channels(const struct mdp_picture *picture, enum mdp_color color)
{
    switch (color) {
    case MDP_COLOR_L:
    case MDP_COLOR_FIRST:
        return 1;
    case MDP_COLOR_RGB:
    case MDP_COLOR_L_AFTER:
        break;
    case MDP_COLOR_RGB_AFTER:
        return picture->channels;
    }
    return 3;
}

mdp_status mdp_converted_init(struct mdp_converted *converted, const struct mdp_picture *picture,
                              enum mdp_color color, enum mdp_grey16 grey16, enum mdp_orientation orientation,
                              struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *converted = (struct mdp_converted){.picture = picture, .color = color};
    converted->channels = row_channels(picture, color);
    converted->by_nearest =
        color == MDP_COLOR_RGB_AFTER && (picture->mode == MDP_MODE_P || picture->mode == MDP_MODE_1);
    converted->wide = color == MDP_COLOR_RGB_AFTER && picture->mode == MDP_MODE_I16;
    turn(converted, orientation == MDP_ORIENTATION_APPLY ? picture->orientation : 1);
    if (picture->mode != MDP_MODE_I16)
        return MDP_OK;
    converted->levels = mdp_new_array(LEVELS, 1, err, &st);
    if (converted->levels)
        fill_levels(converted->levels, depth_of(grey16, picture));
    return st;
}

void mdp_converted_release(struct mdp_converted *converted)
{
    free(converted->levels);
    converted->levels = NULL;
}

/* One pixel of any mode as RGB. */
static void pixel_rgb(const struct mdp_converted *c, const uint8_t *p, uint8_t rgb[3])
{
    const uint8_t *entry = p;
    unsigned ink = 0;

    switch (c->picture->mode) {
    case MDP_MODE_1:
    case MDP_MODE_L:
    case MDP_MODE_LA:
        break;
    case MDP_MODE_I16:
        entry = &c->levels[*(const uint16_t *)(const void *)p];
        break;
    case MDP_MODE_P:
        entry = c->picture->palette[*p];
        rgb[0] = entry[0], rgb[1] = entry[1], rgb[2] = entry[2];
        return;
    case MDP_MODE_RGB:
    case MDP_MODE_RGBA:
        rgb[0] = p[0], rgb[1] = p[1], rgb[2] = p[2];
        return;
    case MDP_MODE_CMYK:
        ink = 255u - p[3];
        for (int i = 0; i < 3; i++)
            rgb[i] = (uint8_t)(ink - times(p[i], ink));
        return;
    }
    rgb[0] = rgb[1] = rgb[2] = *entry;
}

static bool weighs_alpha(const struct mdp_converted *c)
{
    return !c->unmixed && (c->picture->mode == MDP_MODE_LA || c->picture->mode == MDP_MODE_RGBA);
}

/* The picture's mode is already the one wanted and the row lies in one piece. */
static bool is_ready(const struct mdp_converted *c)
{
    enum mdp_mode mode = c->picture->mode;

    if (c->along != 1)
        return false;
    if (c->color == MDP_COLOR_RGB_AFTER)
        return !weighs_alpha(c);
    return c->channels == 3 ? mode == MDP_MODE_RGB : mode == MDP_MODE_L || mode == MDP_MODE_1;
}

/* The two conversions that whole data sets go through, without a choice a pixel. */
static void luma_row(const uint8_t *p, ptrdiff_t step, size_t n, uint8_t *out)
{
    for (size_t x = 0; x < n; x++, p += step)
        out[x] = luma(p[0], p[1], p[2]);
}

static void levels_row(const uint8_t levels[], const uint8_t *p, ptrdiff_t step, size_t n, uint8_t *out)
{
    for (size_t x = 0; x < n; x++, p += step)
        out[x] = levels[*(const uint16_t *)(const void *)p];
}

static void grey_row(const struct mdp_converted *c, const uint8_t *p, ptrdiff_t step, uint8_t *out)
{
    uint8_t rgb[3];

    switch (c->picture->mode) {
    case MDP_MODE_RGB:
    case MDP_MODE_RGBA:
        luma_row(p, step, c->width, out);
        break;
    case MDP_MODE_I16:
        levels_row(c->levels, p, step, c->width, out);
        break;
    case MDP_MODE_P:
    case MDP_MODE_CMYK:
        for (size_t x = 0; x < c->width; x++, p += step) {
            pixel_rgb(c, p, rgb);
            out[x] = luma(rgb[0], rgb[1], rgb[2]);
        }
        break;
    case MDP_MODE_1:
    case MDP_MODE_L:
    case MDP_MODE_LA: /* the grey sample comes first */
        for (size_t x = 0; x < c->width; x++, p += step)
            out[x] = *p;
        break;
    }
}

static void rgb_row(const struct mdp_converted *c, const uint8_t *p, ptrdiff_t step, uint8_t *out)
{
    for (size_t x = 0; x < c->width; x++, p += step, out += 3)
        pixel_rgb(c, p, out);
}

static void first_row(const struct mdp_converted *c, const uint8_t *p, ptrdiff_t step, uint8_t *out)
{
    uint8_t rgb[3];

    for (size_t x = 0; x < c->width; x++, p += step) {
        pixel_rgb(c, p, rgb);
        out[x] = rgb[0];
    }
}

/* A row in the picture's own mode, `size` bytes a pixel; colours with alpha as Pillow's La and RGBa, multiplied by it. */
static void own_row(const struct mdp_converted *c, const uint8_t *p, ptrdiff_t step, size_t size,
                    uint8_t *out)
{
    const bool alpha = weighs_alpha(c);

    for (size_t x = 0; x < c->width; x++, p += step, out += size)
        for (size_t i = 0; i < size; i++)
            out[i] = alpha && i + 1 < size ? (uint8_t)times(p[i], p[size - 1]) : p[i];
}

const uint8_t *mdp_converted_row(const void *converted, size_t y, uint8_t *scratch)
{
    const struct mdp_converted *c = converted;
    const ptrdiff_t size = c->picture->mode == MDP_MODE_I16 ? 2 : (ptrdiff_t)c->picture->channels;
    const uint8_t *p = (const uint8_t *)c->picture->pixels + (c->start + (ptrdiff_t)y * c->down) * size;

    if (is_ready(c))
        return p;
    if (c->color == MDP_COLOR_RGB_AFTER)
        own_row(c, p, c->along * size, (size_t)size, scratch);
    else if (c->color == MDP_COLOR_FIRST)
        first_row(c, p, c->along * size, scratch);
    else if (c->color == MDP_COLOR_L)
        grey_row(c, p, c->along * size, scratch);
    else
        rgb_row(c, p, c->along * size, scratch);
    return scratch;
}

/* --- after the resize --- */

/* A colour that was multiplied by alpha, as Pillow's Convert.c divides it again. */
static uint8_t divided(uint8_t value, uint8_t alpha)
{
    unsigned v = alpha == 0 || alpha == 255 ? value : 255u * value / alpha;

    return (uint8_t)(v > 255 ? 255 : v);
}

/* One resized pixel in the picture's own mode as RGB. */
static void own_to_rgb(const struct mdp_converted *c, const uint8_t *p, uint8_t rgb[3])
{
    if (!weighs_alpha(c))
        pixel_rgb(c, p, rgb);
    else if (c->picture->mode == MDP_MODE_LA)
        rgb[0] = rgb[1] = rgb[2] = divided(p[0], p[1]);
    else
        for (int i = 0; i < 3; i++)
            rgb[i] = divided(p[i], p[3]);
}

void mdp_converted_finish(const struct mdp_converted *c, const uint8_t *pixels, size_t n, uint8_t *out)
{
    switch (c->color) {
    case MDP_COLOR_L:
    case MDP_COLOR_RGB:
    case MDP_COLOR_FIRST:
        memcpy(out, pixels, n * c->channels);
        return;
    case MDP_COLOR_L_AFTER:
        luma_row(pixels, 3, n, out);
        return;
    case MDP_COLOR_RGB_AFTER:
        for (size_t i = 0; i < n; i++)
            own_to_rgb(c, pixels + i * (c->wide ? 2 : c->channels), out + 3 * i);
        return;
    }
}
