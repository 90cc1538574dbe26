/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"
#include "extract/input/codec.h"

#include <stdlib.h>
#include <string.h>

/* The kinds of file, told apart by `magic` at `offset`, never by the file's name. */
static const struct {
    const char *kind;
    const char *magic;
    size_t n, offset;
    mdp_codec *decode; /* NULL: known, not read by this version */
} codecs[] = {
    {"JPEG", "\xff\xd8\xff", 3, 0, mdp_jpeg_decode},
    {"PNG", "\x89PNG\r\n\x1a\n", 8, 0, mdp_png_decode},
    {"DICOM", "DICM", 4, 128, NULL},
    {"TIFF", "II*\0", 4, 0, NULL},
    {"TIFF", "MM\0*", 4, 0, NULL},
    {"GIF", "GIF8", 4, 0, NULL},
    {"BMP", "BM", 2, 0, NULL},
    {"WebP", "WEBP", 4, 8, NULL},
    {"JPEG 2000", "\0\0\0\x0cjP  ", 8, 0, NULL},
};

enum { CODEC_COUNT = sizeof codecs / sizeof codecs[0] };

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
    *picture = (struct mdp_picture){.orientation = 1};
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

static mdp_status no_codec(const struct mdp_source *source, const char *kind, struct mdp_error *err)
{
    const unsigned char *b = source->bytes;

    if (kind)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED,
                        "%s: a %s file (JPEG and PNG are read; convert it without loss to PNG)", source->name,
                        kind);
    if (source->n < 4)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: a file of %zu bytes is no picture", source->name,
                        source->n);
    return mdp_fail(err, MDP_ERR_FORMAT,
                    "%s: no picture: begins with bytes %02x %02x %02x %02x (expected JPEG or PNG)",
                    source->name, b[0], b[1], b[2], b[3]);
}

static mdp_codec *find_codec(const struct mdp_source *source, const char **kind)
{
    *kind = NULL;
    for (size_t i = 0; i < CODEC_COUNT; i++)
        if (source->n >= codecs[i].offset + codecs[i].n &&
            memcmp(source->bytes + codecs[i].offset, codecs[i].magic, codecs[i].n) == 0) {
            *kind = codecs[i].kind;
            return codecs[i].decode;
        }
    return NULL;
}

mdp_status mdp_picture_decode(const unsigned char *bytes, size_t n, const char *name,
                              const struct mdp_picture_limits *limits, struct mdp_picture *picture,
                              struct mdp_error *err)
{
    static const struct mdp_picture_limits defaults = {MDP_DEFAULT_MAX_PIXELS, MDP_DEFAULT_MAX_BYTES};
    const struct mdp_source source = {bytes, n, name, limits ? limits : &defaults};
    const char *kind = NULL;

    *picture = (struct mdp_picture){.orientation = 1};
    if (n > source.limits->bytes)
        return mdp_fail(
            err, MDP_ERR_LIMIT,
            "%s: a file of %zu MiB (a picture may have %zu MiB; raise the limit if it is genuine)", name,
            n >> 20, source.limits->bytes >> 20);
    mdp_codec *decode = find_codec(&source, &kind);
    if (!decode)
        return no_codec(&source, kind, err);
    mdp_status st = decode(&source, picture, err);
    if (st != MDP_OK)
        mdp_picture_release(picture);
    return st;
}
