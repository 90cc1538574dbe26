/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes the kinds of JPEG that Pillow reads but cannot write:

       make_jpeg WIDTH HEIGHT INPUT CODED SAMPLING QUALITY [progressive] [arithmetic] [separate] [restart=N]
                 [no-markers] < samples > file

   INPUT and CODED are grey, rgb, ycc, cmyk or ycck: the colours of the samples on stdin and in the file.
   SAMPLING has one HxV a component: 2x1,1x1,1x1. `separate` gives each component a scan of its own. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

static J_COLOR_SPACE colour(const char *name)
{
    static const struct {
        const char *name;
        J_COLOR_SPACE space;
    } known[] = {{"grey", JCS_GRAYSCALE},
                 {"rgb", JCS_RGB},
                 {"ycc", JCS_YCbCr},
                 {"cmyk", JCS_CMYK},
                 {"ycck", JCS_YCCK}};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(name, known[i].name) == 0)
            return known[i].space;
    fprintf(stderr, "make_jpeg: no colour '%s'\n", name);
    exit(2);
}

static int components(J_COLOR_SPACE space)
{
    return space == JCS_GRAYSCALE ? 1 : space == JCS_CMYK || space == JCS_YCCK ? 4 : 3;
}

static void set_sampling(j_compress_ptr c, const char *text)
{
    for (int i = 0; i < c->num_components; i++) {
        int h = 1, v = 1, used = 0;
        if (sscanf(text, "%dx%d%n", &h, &v, &used) == 2) {
            c->comp_info[i].h_samp_factor = h;
            c->comp_info[i].v_samp_factor = v;
        }
        text += used;
        text += *text == ',';
    }
}

static void set_options(j_compress_ptr c, int n, char **options, jpeg_scan_info scans[4])
{
    for (int i = 0; i < n; i++) {
        if (strcmp(options[i], "progressive") == 0)
            jpeg_simple_progression(c);
        else if (strcmp(options[i], "arithmetic") == 0)
            c->arith_code = TRUE;
        else if (strncmp(options[i], "restart=", 8) == 0)
            c->restart_interval = (unsigned)atoi(options[i] + 8);
        else if (strcmp(options[i], "no-markers") == 0)
            c->write_JFIF_header = c->write_Adobe_marker = FALSE;
        else if (strcmp(options[i], "separate") == 0) {
            for (int s = 0; s < c->num_components; s++)
                scans[s] = (jpeg_scan_info){.comps_in_scan = 1, .component_index = {s}, .Se = 63};
            c->scan_info = scans;
            c->num_scans = c->num_components;
        } else {
            fprintf(stderr, "make_jpeg: no option '%s'\n", options[i]);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    jpeg_scan_info scans[4];

    if (argc < 7) {
        fprintf(stderr, "make_jpeg: see the head of tests/tools/make_jpeg.c\n");
        return 2;
    }
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_stdio_dest(&c, stdout);
    c.image_width = (JDIMENSION)atoi(argv[1]);
    c.image_height = (JDIMENSION)atoi(argv[2]);
    c.in_color_space = colour(argv[3]);
    c.input_components = components(c.in_color_space);
    jpeg_set_defaults(&c);
    jpeg_set_colorspace(&c, colour(argv[4]));
    jpeg_set_quality(&c, atoi(argv[6]), TRUE);
    set_sampling(&c, argv[5]);
    set_options(&c, argc - 7, argv + 7, scans);
    jpeg_start_compress(&c, TRUE);
    size_t stride = (size_t)c.image_width * (size_t)c.input_components;
    unsigned char *row = malloc(stride);
    while (row && c.next_scanline < c.image_height && fread(row, 1, stride, stdin) == stride)
        jpeg_write_scanlines(&c, &row, 1);
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    free(row);
    return 0;
}
