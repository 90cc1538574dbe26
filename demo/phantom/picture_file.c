/* SPDX-License-Identifier: BSD-3-Clause */
#include "picture_file.h"

#include "base/memory.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>

#include <stdio.h> /* before jpeglib.h, which needs FILE */

#include <jpeglib.h>

/* One row as the file stores it: 8 bits, or 16 bits with the high byte first. */
static void put_row(const uint16_t *grey, size_t width, bool wide, unsigned char *row)
{
    for (size_t i = 0; i < width; i++)
        if (wide) {
            row[2 * i] = (unsigned char)(grey[i] >> 8);
            row[2 * i + 1] = (unsigned char)(grey[i] & 255);
        } else {
            row[i] = (unsigned char)((grey[i] + 128u) / 257u);
        }
}

struct jpeg_failure {
    struct jpeg_error_mgr manager;
    jmp_buf back;
    char message[JMSG_LENGTH_MAX];
};

static void jpeg_failed(j_common_ptr codec)
{
    struct jpeg_failure *failure = (struct jpeg_failure *)codec->err;

    codec->err->format_message(codec, failure->message);
    longjmp(failure->back, 1);
}

static mdp_status encode_jpeg(const uint16_t *grey, size_t width, size_t height, unsigned char *row,
                              struct mdp_text *out, struct mdp_error *err)
{
    struct jpeg_compress_struct codec;
    struct jpeg_failure failure;
    unsigned char *file = NULL;
    unsigned long size = 0;

    codec.err = jpeg_std_error(&failure.manager);
    failure.manager.error_exit = jpeg_failed;
    if (setjmp(failure.back)) {
        jpeg_destroy_compress(&codec);
        free(file);
        return mdp_fail(err, MDP_ERR_IO, "libjpeg: %s", failure.message);
    }
    jpeg_create_compress(&codec);
    jpeg_mem_dest(&codec, &file, &size);
    codec.image_width = (JDIMENSION)width;
    codec.image_height = (JDIMENSION)height;
    codec.input_components = 1;
    codec.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&codec);
    jpeg_set_quality(&codec, 92, TRUE);
    jpeg_start_compress(&codec, TRUE);
    for (size_t j = 0; j < height; j++) {
        put_row(grey + j * width, width, false, row);
        jpeg_write_scanlines(&codec, &row, 1);
    }
    jpeg_finish_compress(&codec);
    mdp_text_add_bytes(out, file, size);
    jpeg_destroy_compress(&codec);
    free(file);
    return MDP_OK;
}

static void png_put(png_structp png, png_bytep bytes, png_size_t n)
{
    mdp_text_add_bytes(png_get_io_ptr(png), bytes, n);
}

static void png_nothing(png_structp png)
{
    (void)png;
}

static mdp_status encode_png(const uint16_t *grey, size_t width, size_t height, bool wide, unsigned char *row,
                             struct mdp_text *out, struct mdp_error *err)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;

    if (!info) {
        png_destroy_write_struct(&png, NULL);
        return mdp_fail(err, MDP_ERR_MEMORY, "out of memory");
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return mdp_fail(err, MDP_ERR_IO, "libpng could not write a picture of %zu x %zu", width, height);
    }
    png_set_write_fn(png, out, png_put, png_nothing);
    png_set_compression_level(png, 3);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, wide ? 16 : 8, PNG_COLOR_TYPE_GRAY,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (size_t j = 0; j < height; j++) {
        put_row(grey + j * width, width, wide, row);
        png_write_row(png, row);
    }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return MDP_OK;
}

mdp_status encode_picture(const uint16_t *grey, size_t width, size_t height, enum picture_format format,
                          struct mdp_text *out, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    unsigned char *row = mdp_new_array(width, 2, err, &st);

    if (!row)
        return st;
    st = format == JPEG ? encode_jpeg(grey, width, height, row, out, err)
                        : encode_png(grey, width, height, format == PNG16, row, out, err);
    free(row);
    return st == MDP_OK ? mdp_text_status(out, err) : st;
}
