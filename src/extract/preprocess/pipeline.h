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

/* How a picture of any shape comes to the shape of the tower's input; YAML and JSON call it `pad`, by the first two. A
   geometry is a value here, a word in pipeline.c, a function in pipeline_run.c. One that crops resizes the whole picture into
   memory of its own (mdp_resize_canvas to the size that the rule of the shorter side gives) and copies its window from
   there: what lies outside the window still weighs in at its edge, so that a window on the picture before the resize would not
   be the same. The side it resizes to is a number key of its own, as pad_min is. */
enum mdp_geometry {
    MDP_GEOMETRY_STRETCH,      /* resized as it is; proportions change */
    MDP_GEOMETRY_SQUARE_BLACK, /* MedCLIP: side max(pad_min, w, h), black, pasted at int((side - w) / 2) */
};

enum mdp_rescale {
    MDP_RESCALE_DIVIDE,   /* v / 255 in float32: torchvision's ToTensor */
    MDP_RESCALE_MULTIPLY, /* v * float32(1 / 255): the image processors of transformers */
};

struct mdp_pipeline {
    char name[64]; /* "medclip-processor" */
    enum mdp_color color;
    enum mdp_grey16 grey16;
    enum mdp_orientation orientation;
    enum mdp_geometry geometry;
    size_t pad_min;       /* pixels: side of the square at the least */
    size_t width, height; /* pixels, of the tower's input */
    enum mdp_filter filter;
    enum mdp_resize_order resize_order;
    enum mdp_rescale rescale;
    size_t channels;        /* of the tower's input */
    double mean[3], std[3]; /* by channel, on the scale 0..1 */
};

/* Reads one pipeline of a model's YAML; `name` is the key under which `node` stands. Unknown, missing and wrong keys are
   errors with file and line. */
mdp_status mdp_pipeline_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                  const char *name, struct mdp_pipeline *pipeline, struct mdp_error *err);

/* Sets a key that takes a word (color, grey16, orientation, pad, filter, resize_order, rescale), as YAML and
   the options --grey16, --orientation and --resize-order give it; grey16 also knows `pillow` for clip and
   `scale` for 16-bit. An unknown word is MDP_ERR_VALUE, "<key>: '<word>' (one of: ...)". */
mdp_status mdp_pipeline_set(struct mdp_pipeline *pipeline, const char *key, const char *word,
                            struct mdp_error *err);

/* The words of such a key by value, NULL-terminated: what an option allows. NULL for a key that takes none. */
const char *const *mdp_pipeline_words(const char *key);

/* The pipeline as JSON with every number, fixed key order: the store's `pipeline` attribute. */
void mdp_pipeline_to_json(const struct mdp_pipeline *pipeline, struct mdp_text *out);

/* The uint8 picture after colour, geometry and resize: out[height, width, 1 or 3]. */
mdp_status mdp_pipeline_resize(const struct mdp_pipeline *pipeline, const struct mdp_picture *picture,
                               uint8_t *out, struct mdp_error *err);

/* The tower's input: out[channels, height, width]. */
mdp_status mdp_pipeline_run(const struct mdp_pipeline *pipeline, const struct mdp_picture *picture,
                            float *out, struct mdp_error *err);

#endif
