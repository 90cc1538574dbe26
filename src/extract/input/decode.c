/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"
#include "extract/input/codec.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The formats, told apart by first bytes, never by the file's name. The first row that fits has the file, and the
   order is policy: a DICOM file may carry the header of a TIFF in its preamble of 128 bytes, so that programs for
   TIFF open it too; it stays a DICOM file, with DICOM's words on what its numbers mean. BMP has the shortest magic. */
static const struct mdp_picture_format formats[] = {
    {"JPEG", {{"\xff\xd8\xff", 3, 0}}, {".jpg", ".jpeg"}, mdp_jpeg_decode},
    {"PNG", {{"\x89PNG\r\n\x1a\n", 8, 0}}, {".png"}, mdp_png_decode},
    {"DICOM", {{"DICM", 4, 128}}, {".dcm", ".dicom"}, NULL},
    {"TIFF", {{"II*\0", 4, 0}, {"MM\0*", 4, 0}}, {".tif", ".tiff"}, NULL},
    {"GIF", {{"GIF8", 4, 0}}, {".gif"}, NULL},
    {"WebP", {{"WEBP", 4, 8}}, {".webp"}, NULL},
    {"JPEG 2000", {{"\0\0\0\x0cjP  ", 8, 0}}, {".jp2", ".j2k"}, NULL},
    {"BMP", {{"BM", 2, 0}}, {".bmp"}, NULL},
};

enum { FORMAT_COUNT = sizeof formats / sizeof formats[0] };

/* By mode: Pillow's name, samples a pixel, bytes a sample. */
static const struct {
    const char *name;
    uint8_t channels, sample;
} modes[] = {
    [MDP_MODE_1] = {"1", 1, 1},       [MDP_MODE_L] = {"L", 1, 1},      [MDP_MODE_LA] = {"LA", 2, 1},
    [MDP_MODE_P] = {"P", 1, 1},       [MDP_MODE_RGB] = {"RGB", 3, 1},  [MDP_MODE_RGBA] = {"RGBA", 4, 1},
    [MDP_MODE_CMYK] = {"CMYK", 4, 1}, [MDP_MODE_I16] = {"I;16", 1, 2},
};

void mdp_picture_release(struct mdp_picture *picture)
{
    free(picture->pixels);
    *picture = (struct mdp_picture){0};
}

mdp_status mdp_picture_shape(const struct mdp_source *source, enum mdp_mode mode, size_t width, size_t height,
                             size_t extra, struct mdp_picture *picture, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t pixels = 0, bytes = 0, total = 0;

    if (width == 0 || height == 0)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: a picture of %zu x %zu pixels has no content", source->name,
                        width, height);
    if (width > MDP_MAX_SIDE || height > MDP_MAX_SIDE || !mdp_mul_size(width, height, &pixels) ||
        pixels > source->limits->pixels)
        return mdp_fail(err, MDP_ERR_LIMIT,
                        "%s: the header promises %zu x %zu pixels (at most %zu pixels and %zu a side are "
                        "decoded; raise the limit if the file is genuine)",
                        source->name, width, height, source->limits->pixels, MDP_MAX_SIDE);
    if (!mdp_mul_size(pixels, (size_t)modes[mode].channels * modes[mode].sample, &bytes) ||
        !mdp_add_size(bytes, extra, &total) || total > source->limits->bytes)
        return mdp_fail(err, MDP_ERR_LIMIT,
                        "%s: decoding %zu x %zu pixels (%s) needs more than the %zu MiB that a picture may "
                        "take (raise the limit if the file is genuine)",
                        source->name, width, height, modes[mode].name, source->limits->bytes >> 20);
    picture->pixels = mdp_new_array(bytes, 1, err, &st);
    if (!picture->pixels)
        return mdp_fail_at(err, st, "%s", source->name);
    picture->mode = mode;
    picture->width = width;
    picture->height = height;
    picture->channels = modes[mode].channels;
    return MDP_OK;
}

const struct mdp_picture_format *mdp_picture_format_at(size_t i)
{
    return i < FORMAT_COUNT ? &formats[i] : NULL;
}

void mdp_text_add_picture_formats(struct mdp_text *out, const char *joint)
{
    size_t left = 0;

    for (size_t i = 0; i < FORMAT_COUNT; i++)
        left += formats[i].decode != NULL;
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if (formats[i].decode) {
            mdp_text_add(out, "%s%s", formats[i].name, --left > 1 ? ", " : "");
            if (left == 1)
                mdp_text_add(out, " %s ", joint);
        }
}

const char *mdp_picture_format_of_name(const char *file, bool *read)
{
    const char *dot = strrchr(file, '.');

    *read = false;
    for (size_t i = 0; dot && i < FORMAT_COUNT; i++)
        for (size_t k = 0; k < MDP_FORMAT_ENDINGS && formats[i].endings[k]; k++)
            if (strcasecmp(dot, formats[i].endings[k]) == 0) {
                *read = formats[i].decode != NULL;
                return formats[i].name;
            }
    return NULL;
}

/* The row that a file's bytes fit, or NULL. */
static const struct mdp_picture_format *find_format(const struct mdp_source *source)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        for (size_t k = 0; k < MDP_FORMAT_MAGICS && formats[i].magics[k].n; k++) {
            size_t n = formats[i].magics[k].n, at = formats[i].magics[k].at;
            if (source->n >= at + n && memcmp(source->bytes + at, formats[i].magics[k].bytes, n) == 0)
                return &formats[i];
        }
    return NULL;
}

static mdp_status refuse(const struct mdp_source *source, const struct mdp_picture_format *format,
                         struct mdp_error *err)
{
    const unsigned char *b = source->bytes;
    struct mdp_text list = {0};

    if (!format && source->n < 4)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: a file of %zu bytes is no picture", source->name,
                        source->n);
    mdp_text_add_picture_formats(&list, format ? "and" : "or");
    mdp_status st = mdp_text_status(&list, err);
    if (st == MDP_OK && format)
        st = mdp_fail(err, MDP_ERR_UNSUPPORTED, "%s: a %s file (%s are read; convert it without loss to PNG)",
                      source->name, format->name, list.at);
    else if (st == MDP_OK)
        st = mdp_fail(err, MDP_ERR_FORMAT,
                      "%s: no picture: begins with bytes %02x %02x %02x %02x (expected %s)", source->name,
                      b[0], b[1], b[2], b[3], list.at);
    mdp_text_release(&list);
    return st;
}

mdp_status mdp_picture_decode(const unsigned char *bytes, size_t n, const char *name,
                              const struct mdp_picture_limits *limits, struct mdp_picture *picture,
                              struct mdp_error *err)
{
    static const struct mdp_picture_limits defaults = {MDP_DEFAULT_MAX_PIXELS, MDP_DEFAULT_MAX_BYTES};
    const struct mdp_source source = {bytes, n, name, limits ? limits : &defaults};

    *picture = (struct mdp_picture){.orientation = 1};
    if (n > source.limits->bytes)
        return mdp_fail(
            err, MDP_ERR_LIMIT,
            "%s: a file of %zu MiB (a picture may have %zu MiB; raise the limit if it is genuine)", name,
            n >> 20, source.limits->bytes >> 20);
    const struct mdp_picture_format *format = find_format(&source);
    if (!format || !format->decode)
        return refuse(&source, format, err);
    mdp_status st = format->decode(&source, picture, err);
    if (st != MDP_OK)
        mdp_picture_release(picture);
    return st;
}
