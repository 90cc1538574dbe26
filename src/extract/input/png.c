/* SPDX-License-Identifier: BSD-3-Clause */
/* PNG by libpng, to Pillow's modes (PngImagePlugin):

       grey 1 bit -> 1      grey 2, 4 -> L, spread over 0..255      grey 8 -> L       grey 16 -> I;16
       palette 1..8 -> P    RGB 8, 16 -> RGB                        RGBA 8, 16 -> RGBA
       grey + alpha 8 -> LA                                         grey + alpha 16 -> RGBA

   Other 16-bit samples keep their high byte. No gamma, no colour profile, no background is applied. Every
   checksum is checked, of ancillary chunks too; of these only transparency and EXIF are looked into. */
#include "extract/input/codec.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

struct reader {
    png_structp png;
    png_infop info;
    jmp_buf failed;
    const struct mdp_source *source;
    struct mdp_picture *picture;
    struct mdp_error *err;
    size_t at;      /* bytes read */
    bool cut;       /* more was asked for than there is */
    char text[256]; /* of the error */
};

static void refuse(png_structp png, png_const_charp text)
{
    struct reader *r = png_get_error_ptr(png);

    snprintf(r->text, sizeof r->text, "%s", text);
    longjmp(r->failed, 1);
}

/* Of libpng's warnings those about the picture data refuse the file, and so does a chunk longer than the file
   (begin() sets that limit); the others say nothing about pixels. */
static void note(png_structp png, png_const_charp text)
{
    struct reader *r = png_get_error_ptr(png);

    r->cut = strstr(text, "too large") != NULL;
    if (r->cut || strstr(text, "IDAT") || strstr(text, "image data"))
        refuse(png, text);
}

static void read_bytes(png_structp png, png_bytep out, size_t n)
{
    struct reader *r = png_get_io_ptr(png);

    if (n > r->source->n - r->at) {
        r->cut = true;
        png_error(png, "truncated");
    }
    memcpy(out, r->source->bytes + r->at, n);
    r->at += n;
}

static mdp_status explain(struct reader *r)
{
    if (r->cut)
        return mdp_fail(r->err, MDP_ERR_FORMAT,
                        "%s: png: truncated: the file ends before its end chunk (%zu bytes)", r->source->name,
                        r->source->n);
    return mdp_fail(r->err, MDP_ERR_FORMAT, "%s: png: %s", r->source->name, r->text);
}

static bool begin(struct reader *r)
{
    r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, refuse, note);
    r->info = r->png ? png_create_info_struct(r->png) : NULL;
    if (!r->info)
        return false;
    png_set_read_fn(r->png, r, read_bytes);
    png_set_user_limits(r->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours are checked in mdp_picture_shape */
    png_set_chunk_malloc_max(r->png, r->source->n);                /* before libpng allocates it */
    png_set_crc_action(r->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_AS_DEFAULT, (png_const_bytep) "eXIf", 1);
    return true;
}

/* Asks libpng for the samples of the mode that it names. */
static enum mdp_mode choose_mode(struct reader *r)
{
    unsigned depth = png_get_bit_depth(r->png, r->info);

    switch (png_get_color_type(r->png, r->info)) {
    case PNG_COLOR_TYPE_GRAY:
        if (depth == 16) {
            const uint16_t one = 1;
            if (*(const uint8_t *)&one == 1)
                png_set_swap(r->png);
            return MDP_MODE_I16;
        }
        png_set_expand_gray_1_2_4_to_8(r->png);
        return depth == 1 ? MDP_MODE_1 : MDP_MODE_L;
    case PNG_COLOR_TYPE_PALETTE:
        png_set_packing(r->png);
        return MDP_MODE_P;
    case PNG_COLOR_TYPE_GRAY_ALPHA:
        if (depth == 8)
            return MDP_MODE_LA;
        png_set_strip_16(r->png);
        png_set_gray_to_rgb(r->png);
        return MDP_MODE_RGBA;
    case PNG_COLOR_TYPE_RGB:
        png_set_strip_16(r->png);
        return MDP_MODE_RGB;
    default:
        png_set_strip_16(r->png);
        return MDP_MODE_RGBA;
    }
}

static void read_palette(struct reader *r)
{
    png_colorp colours = NULL;
    png_bytep alpha = NULL;
    int n = 0, n_alpha = 0;

    if (!png_get_PLTE(r->png, r->info, &colours, &n))
        return;
    png_get_tRNS(r->png, r->info, &alpha, &n_alpha, NULL);
    for (int i = 0; i < n; i++) {
        uint8_t *entry = r->picture->palette[i];
        entry[0] = colours[i].red;
        entry[1] = colours[i].green;
        entry[2] = colours[i].blue;
        entry[3] = alpha && i < n_alpha ? alpha[i] : 255;
    }
    r->picture->palette_size = (size_t)n;
}

static mdp_status check_indices(struct reader *r)
{
    const struct mdp_picture *p = r->picture;
    const uint8_t *index = p->pixels;

    for (size_t i = 0; i < p->width * p->height; i++)
        if (index[i] >= p->palette_size)
            return mdp_fail(r->err, MDP_ERR_FORMAT,
                            "%s: png: damaged: row %zu, column %zu has colour %u of a palette of %zu",
                            r->source->name, i / p->width, i % p->width, index[i], p->palette_size);
    return MDP_OK;
}

static void read_orientation(struct reader *r)
{
    png_bytep exif = NULL;
    png_uint_32 n = 0;

    if (png_get_eXIf_1(r->png, r->info, &n, &exif))
        r->picture->orientation = mdp_exif_orientation(exif, n);
}

/* Everything that may end in `refuse`; no local variable lives across it. */
static mdp_status read_all(struct reader *r)
{
    if (!begin(r))
        return mdp_fail(r->err, MDP_ERR_MEMORY, "%s: out of memory", r->source->name);
    png_read_info(r->png, r->info);
    enum mdp_mode mode = choose_mode(r);
    int passes = png_set_interlace_handling(r->png);
    mdp_status st = mdp_picture_shape(r->source, mode, png_get_image_width(r->png, r->info),
                                      png_get_image_height(r->png, r->info), 0, r->picture, r->err);
    if (st != MDP_OK)
        return st;
    png_read_update_info(r->png, r->info);
    size_t stride = png_get_rowbytes(r->png, r->info);
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < r->picture->height; y++)
            png_read_row(r->png, (png_bytep)r->picture->pixels + y * stride, NULL);
    png_read_end(r->png, r->info);
    read_orientation(r);
    if (mode != MDP_MODE_P)
        return MDP_OK;
    read_palette(r);
    return check_indices(r);
}

/* setjmp stands alone here, so that nothing it could lose is a local variable. */
static mdp_status read_guarded(struct reader *r)
{
    if (setjmp(r->failed) != 0)
        return explain(r);
    return read_all(r);
}

mdp_status mdp_png_decode(const struct mdp_source *source, struct mdp_picture *picture, struct mdp_error *err)
{
    struct reader r = {.source = source, .picture = picture, .err = err};
    mdp_status st = read_guarded(&r);

    png_destroy_read_struct(&r.png, &r.info, NULL);
    return st;
}
