/* SPDX-License-Identifier: BSD-3-Clause */
/* JPEG by libjpeg-turbo, with the decoder settings that Pillow uses (slow integer DCT, smooth upsampling) and
   Pillow's colour: 1 component is L, 3 are RGB, 4 are CMYK and inverted whatever the markers say.

   libjpeg goes on after damage with a warning and grey blocks, and so does Pillow. Here damage of the picture
   data refuses the file; the few warnings that say nothing about the pixels are let pass. */
#include "base/memory.h"
#include "extract/input/codec.h"

#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

/* jpeglib.h uses these two without including them. */
#include <stddef.h>
#include <stdio.h>

#include <jerror.h>
#include <jpeglib.h>

/* Padding that encoders are known to leave before the end marker, in bytes; more is lost synchronisation. */
enum { HARMLESS_PADDING = 2 };

/* Blocks of 64 coefficients that all scans together may visit: some seconds. A genuine progressive picture of
   the largest size has ten scans, a third of this. */
#define MAX_BLOCK_VISITS ((size_t)1 << 28)

/* An error code of ours, outside libjpeg's table. */
enum { TOO_MANY_SCANS = 10000 };

struct reader {
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr bytes;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    const struct mdp_source *source;
    struct mdp_picture *picture;
    struct mdp_error *err;
    size_t blocks; /* of one scan over all components */
    bool damaged;  /* a warning, not an error, ended the decoding */
};

static void refuse(j_common_ptr cinfo)
{
    struct reader *r = cinfo->client_data;

    longjmp(r->failed, 1);
}

/* Whether a warning says that the pixels may be wrong. */
static bool is_damage(const struct jpeg_error_mgr *errors)
{
    switch (errors->msg_code) {
    case JWRN_ADOBE_XFORM: /* an unknown colour code, taken as YCbCr or YCCK */
    case JWRN_JFIF_MAJOR:  /* a later version of JFIF */
        return false;
    case JWRN_EXTRANEOUS_DATA:
        return errors->msg_parm.i[1] != JPEG_EOI || errors->msg_parm.i[0] > HARMLESS_PADDING;
    default:
        return true;
    }
}

/* Damage ends the decoding at once: a hostile file shall not keep us busy with what is refused anyway. */
static void note(j_common_ptr cinfo, int level)
{
    struct reader *r = cinfo->client_data;

    if (level >= 0 || !is_damage(cinfo->err))
        return;
    r->damaged = true;
    longjmp(r->failed, 1);
}

static void say_nothing(j_common_ptr cinfo)
{
    (void)cinfo;
}

/* A progressive file of few bytes may ask for thousands of passes over a large picture. */
static void watch(j_common_ptr cinfo)
{
    struct reader *r = cinfo->client_data;
    size_t visits = 0;

    if (!mdp_mul_size((size_t)r->cinfo.input_scan_number, r->blocks, &visits) || visits > MAX_BLOCK_VISITS)
        ERREXIT(cinfo, TOO_MANY_SCANS);
}

/* The whole file is in the buffer from the start, so asking for more means that it was cut short. */
static boolean no_more(j_decompress_ptr cinfo)
{
    (void)cinfo;
    return FALSE;
}

static void nothing_to_do(j_decompress_ptr cinfo)
{
    (void)cinfo;
}

static void skip(j_decompress_ptr cinfo, long n)
{
    if (n <= 0)
        return;
    size_t step = (size_t)n < cinfo->src->bytes_in_buffer ? (size_t)n : cinfo->src->bytes_in_buffer;
    cinfo->src->next_input_byte += step;
    cinfo->src->bytes_in_buffer -= step;
    /* A marker that reaches over the end leaves the buffer empty: the next read ends in no_more. */
}

static mdp_status truncated(struct reader *r)
{
    return mdp_fail(r->err, MDP_ERR_FORMAT,
                    "%s: jpeg: truncated: the file ends inside the picture (%zu bytes)", r->source->name,
                    r->source->n);
}

static void orientation_of(struct reader *r)
{
    static const char exif[6] = "Exif\0";

    for (const struct jpeg_marker_struct *m = r->cinfo.marker_list; m; m = m->next)
        if (m->data_length > sizeof exif && memcmp(m->data, exif, sizeof exif) == 0) {
            r->picture->orientation =
                mdp_exif_orientation(m->data + sizeof exif, m->data_length - sizeof exif);
            return;
        }
}

/* Bytes that libjpeg holds besides the rows: all coefficients when a file has several scans. */
static size_t working_memory(struct reader *r)
{
    size_t blocks = 0;

    for (int c = 0; c < r->cinfo.num_components; c++) {
        const jpeg_component_info *comp = &r->cinfo.comp_info[c];
        blocks += (size_t)(comp->width_in_blocks + 4) * (size_t)(comp->height_in_blocks + 4);
    }
    r->blocks = blocks;
    return jpeg_has_multiple_scans(&r->cinfo) ? blocks * DCTSIZE2 * sizeof(JCOEF) : 0;
}

static mdp_status shape(struct reader *r)
{
    enum mdp_mode mode = MDP_MODE_L;

    if (r->cinfo.data_precision != 8)
        return mdp_fail(r->err, MDP_ERR_UNSUPPORTED, "%s: jpeg: %d bits a sample (8 are read)",
                        r->source->name, r->cinfo.data_precision);
    switch (r->cinfo.num_components) {
    case 1:
        r->cinfo.out_color_space = JCS_GRAYSCALE;
        break;
    case 3:
        mode = MDP_MODE_RGB;
        r->cinfo.out_color_space = JCS_RGB;
        break;
    case 4:
        mode = MDP_MODE_CMYK;
        r->cinfo.out_color_space = JCS_CMYK;
        break;
    default:
        return mdp_fail(r->err, MDP_ERR_UNSUPPORTED, "%s: jpeg: %d colour components (1, 3 or 4 are read)",
                        r->source->name, r->cinfo.num_components);
    }
    return mdp_picture_shape(r->source, mode, r->cinfo.image_width, r->cinfo.image_height, working_memory(r),
                             r->picture, r->err);
}

static void begin(struct reader *r)
{
    jpeg_create_decompress(&r->cinfo);
    r->bytes = (struct jpeg_source_mgr){
        .next_input_byte = r->source->bytes,
        .bytes_in_buffer = r->source->n,
        .init_source = nothing_to_do,
        .fill_input_buffer = no_more,
        .skip_input_data = skip,
        .resync_to_restart = jpeg_resync_to_restart,
        .term_source = nothing_to_do,
    };
    r->progress.progress_monitor = watch;
    r->cinfo.src = &r->bytes;
    r->cinfo.progress = &r->progress;
    jpeg_save_markers(&r->cinfo, JPEG_APP0 + 1, 0xFFFF);
}

static mdp_status read_rows(struct reader *r)
{
    size_t stride = r->picture->width * r->picture->channels;

    while (r->cinfo.output_scanline < r->cinfo.output_height) {
        JSAMPROW row = (JSAMPROW)r->picture->pixels + r->cinfo.output_scanline * stride;
        if (jpeg_read_scanlines(&r->cinfo, &row, 1) != 1)
            return truncated(r);
    }
    return MDP_OK;
}

/* A file of several scans may end, in good order, before every component had its scan or every coefficient its
   last bit: without colour, or blurred, and the look depends on the version of the decoder. */
static bool is_unfinished(struct reader *r)
{
    if (!jpeg_has_multiple_scans(&r->cinfo))
        return false;
    for (int c = 0; c < r->cinfo.num_components; c++) {
        if (!r->cinfo.comp_info[c].quant_table) /* kept from the component's first scan */
            return true;
        for (int k = 0; r->cinfo.progressive_mode && k < DCTSIZE2; k++)
            if (r->cinfo.coef_bits[c][k] != 0) /* bits still missing, -1 for all */
                return true;
    }
    return false;
}

/* Everything that may end in `refuse`; no local variable lives across it. */
static mdp_status read_all(struct reader *r)
{
    mdp_status st = MDP_OK;
    int found = 0;

    begin(r);
    do
        found = jpeg_read_header(&r->cinfo, FALSE);
    while (found == JPEG_HEADER_TABLES_ONLY);
    if (found == JPEG_SUSPENDED)
        return truncated(r);
    if ((st = shape(r)) != MDP_OK)
        return st;
    orientation_of(r);
    if (!jpeg_start_decompress(&r->cinfo))
        return truncated(r);
    if (is_unfinished(r))
        return mdp_fail(r->err, MDP_ERR_FORMAT,
                        "%s: jpeg: cut short: the last scans are missing (fetch the file again)",
                        r->source->name);
    if ((st = read_rows(r)) != MDP_OK)
        return st;
    return jpeg_finish_decompress(&r->cinfo) ? MDP_OK : truncated(r);
}

static mdp_status explain(struct reader *r)
{
    char text[JMSG_LENGTH_MAX] = "";

    if (r->errors.msg_code == TOO_MANY_SCANS)
        return mdp_fail(r->err, MDP_ERR_LIMIT,
                        "%s: jpeg: scan %d of a picture of %u x %u pixels (too many passes; a bomb?)",
                        r->source->name, r->cinfo.input_scan_number, r->cinfo.image_width,
                        r->cinfo.image_height);
    r->errors.format_message((j_common_ptr)&r->cinfo, text);
    if (r->damaged)
        return mdp_fail(r->err, MDP_ERR_FORMAT, "%s: jpeg: damaged: %s (fetch the file again)",
                        r->source->name, text);
    return mdp_fail(r->err, r->errors.msg_code == JERR_OUT_OF_MEMORY ? MDP_ERR_MEMORY : MDP_ERR_FORMAT,
                    "%s: jpeg: %s", r->source->name, text);
}

/* setjmp stands alone here, so that nothing it could lose is a local variable. */
static mdp_status read_guarded(struct reader *r)
{
    if (setjmp(r->failed) != 0)
        return explain(r);
    return read_all(r);
}

static void invert(uint8_t *samples, size_t n)
{
    for (size_t i = 0; i < n; i++)
        samples[i] = (uint8_t)~samples[i];
}

mdp_status mdp_jpeg_decode(const struct mdp_source *source, struct mdp_picture *picture,
                           struct mdp_error *err)
{
    struct reader r = {.source = source, .picture = picture, .err = err};

    r.cinfo.err = jpeg_std_error(&r.errors);
    r.cinfo.client_data = &r;
    r.errors.error_exit = refuse;
    r.errors.emit_message = note;
    r.errors.output_message = say_nothing;
    mdp_status st = read_guarded(&r);
    jpeg_destroy_decompress(&r.cinfo);
    if (st == MDP_OK && picture->mode == MDP_MODE_CMYK)
        invert(picture->pixels, picture->width * picture->height * picture->channels);
    return st;
}
