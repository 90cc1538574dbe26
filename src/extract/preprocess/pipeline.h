/* SPDX-License-Identifier: BSD-3-Clause */
/* From a decoded picture to the float input of an image tower, as data: a pipeline is a list of numbers that
   a model's YAML gives, not code a model. The uint8 picture after resizing equals Pillow's, byte for byte;
   the float32 input equals the original's to the last bit.

   Its keys and their words: docs/PICTURES.md. The table of words is in pipeline.c. */
#ifndef MDP_EXTRACT_PIPELINE_H
#define MDP_EXTRACT_PIPELINE_H

#include "base/formats/yaml.h"
#include "base/text.h"
#include "extract/input/picture.h"
#include "extract/preprocess/convert.h"
#include "extract/preprocess/resize.h"
#include "medprobe/status.h"

/* How a picture of any shape comes to width x height; YAML and JSON call it `pad`, by the first two. A geometry is a value
   here, a word in pipeline.c, a row of rules in pipeline_fit.c. What is smaller than the frame stands on zeros of its mode. */
enum mdp_geometry {
    MDP_GEOMETRY_STRETCH,      /* resized as it is; proportions change */
    MDP_GEOMETRY_SQUARE_BLACK, /* MedCLIP: side max(pad_min, w, h), black, pasted at int((side - w) / 2) */
    MDP_GEOMETRY_CROP, /* shorter side to `shorter_side`, or both to resize_width x resize_height; then the middle */
    MDP_GEOMETRY_SQUARE_MEAN, /* LLaVA: side max(w, h), in the colour int(255 mean), pasted at (side - w) // 2 */
    MDP_GEOMETRY_FIT_BLACK,  /* CheXzero: longer side to `longer_side`, pasted on black at (width - w) // 2 */
    MDP_GEOMETRY_FIT_LONGER, /* GLoRIA: the same, but its longer side is `longer_side` exactly */
    MDP_GEOMETRY_INSIDE, /* open_clip, "longest": the largest inside the frame, sides rounded; in the middle, `fill` around */
    MDP_GEOMETRY_COVER, /* open_clip, "shortest" for a frame that is no square: the smallest that covers it, rounded */
    MDP_GEOMETRY_CROP_SQUARE, /* torchxrayvision: the square in the middle, at w // 2 - side // 2; of float resizes */
    MDP_GEOMETRY_FIT_CORNER, /* FLAIR: longer side to `width`, zeros on the right and below; of float resizes */
};

/* Where a crop begins when what is left over is odd. */
enum mdp_crop_offset {
    MDP_CROP_HALF_EVEN, /* int(round(rest / 2)) of Python: torchvision's CenterCrop */
    MDP_CROP_FLOOR,     /* rest // 2: the image processors of transformers */
};

/* From 8-bit levels to the scale that mean and std are on. */
enum mdp_rescale {
    MDP_RESCALE_DIVIDE,          /* v / 255 in float32: torchvision's ToTensor */
    MDP_RESCALE_MULTIPLY,        /* v * float32(1 / 255): the image processors of transformers up to 4.26 */
    MDP_RESCALE_MULTIPLY_DOUBLE, /* float32(v * (1 / 255)): those of later versions */
    MDP_RESCALE_SIGNED,          /* float32(v * (1 / 127.5)) - 1: EfficientNet's of transformers */
    MDP_RESCALE_NONE,            /* v */
    MDP_RESCALE_SIGNED_1024,     /* (2 (v / 255) - 1) * 1024: torchxrayvision */
};

/* What is done to the levels of the whole picture first. */
enum mdp_levels {
    MDP_LEVELS_KEPT,
    MDP_LEVELS_MIN_MAX, /* (v - least) / (largest - least) * 255, truncated; all samples together: BioViL */
};

/* A resize of float values: a second one, behind mean and std, of a square of `float_from` (torch's interpolate without antialias);
   or the only one, before mean and std, of the whole picture. */
enum mdp_float_resize {
    MDP_FLOAT_RESIZE_NONE,
    MDP_FLOAT_RESIZE_BICUBIC,          /* a = -0.75, half-pixel centres: CheXzero */
    MDP_FLOAT_RESIZE_BILINEAR_CORNERS, /* corners on corners (align_corners): GLoRIA */
    MDP_FLOAT_RESIZE_ANTIALIAS, /* the whole picture; torch's bilinear with antialias: pybioclip, FLAIR */
    MDP_FLOAT_RESIZE_SKIMAGE,   /* the whole picture; skimage.transform.resize: torchxrayvision */
};

struct mdp_pipeline {
    char name[64]; /* "medclip-processor" */
    enum mdp_color color;
    enum mdp_grey16 grey16;
    enum mdp_orientation orientation;
    enum mdp_levels levels;
    enum mdp_geometry geometry;
    size_t pad_min;                     /* pixels: side of the square at the least */
    size_t shorter_side;                /* pixels; of a crop, or 0: */
    size_t resize_width, resize_height; /* pixels */
    size_t longer_side;                 /* pixels; of fit-black and fit-longer; 0 as the frame's width */
    size_t fill;                        /* 0..255, of `inside`: the grey around the picture */
    enum mdp_crop_offset crop_offset;
    size_t width, height; /* pixels, of the tower's input */
    enum mdp_filter filter;
    enum mdp_resize_order resize_order;
    enum mdp_rescale rescale;
    enum mdp_float_resize float_resize;
    size_t float_from;      /* pixels: side of the square that float_resize brings to width x height */
    size_t channels;        /* of the tower's input */
    double mean[3], std[3]; /* by channel, on the scale that `rescale` gives */
};

/* Reads one pipeline of a model's YAML; `name` is the key under which `node` stands. Unknown, missing and wrong keys are
   errors with file and line. */
mdp_status mdp_pipeline_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                  const char *name, struct mdp_pipeline *pipeline, struct mdp_error *err);

/* Sets a key that takes a word (color, grey16, orientation, levels, pad, crop_offset, filter, resize_order, rescale, float_resize), as YAML and
   the options --grey16, --orientation and --resize-order give it; grey16 also knows `pillow` for clip and
   `scale` for 16-bit. An unknown word is MDP_ERR_VALUE, "<key>: '<word>' (one of: ...)". */
mdp_status mdp_pipeline_set(struct mdp_pipeline *pipeline, const char *key, const char *word,
                            struct mdp_error *err);

/* The words of such a key by value, NULL-terminated: what an option allows. NULL for a key that takes none. */
const char *const *mdp_pipeline_words(const char *key);

/* The pipeline as JSON with every number, fixed key order: the store's `pipeline` attribute. */
void mdp_pipeline_to_json(const struct mdp_pipeline *pipeline, struct mdp_text *out);

/* Width and height of the uint8 picture: those of the tower's input, or float_from. */
void mdp_pipeline_resized_size(const struct mdp_pipeline *pipeline, size_t *width, size_t *height);

/* The uint8 picture after colour, geometry and resize: out[height, width, 1 or 3]. Not where the only resize is one of
   floats. */
mdp_status mdp_pipeline_resize(const struct mdp_pipeline *pipeline, const struct mdp_picture *picture,
                               uint8_t *out, struct mdp_error *err);

/* The tower's input: out[channels, height, width]. */
mdp_status mdp_pipeline_run(const struct mdp_pipeline *pipeline, const struct mdp_picture *picture,
                            float *out, struct mdp_error *err);

#endif
