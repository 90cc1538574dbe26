/* SPDX-License-Identifier: BSD-3-Clause */
/* From a decoded picture to the float input of an image tower, as data: a pipeline is a list of numbers that
   a model's YAML gives, not code a model. The uint8 picture after resizing equals Pillow's, byte for byte. */
#ifndef MDP_EXTRACT_PIPELINE_H
#define MDP_EXTRACT_PIPELINE_H

#include "base/text.h"
#include "base/yaml.h"
#include "extract/input/picture.h"
#include "medprobe/status.h"

enum mdp_filter { MDP_FILTER_BILINEAR, MDP_FILTER_BICUBIC, MDP_FILTER_LANCZOS };
enum mdp_color { MDP_COLOR_L, MDP_COLOR_RGB };
enum mdp_grey16 { MDP_GREY16_CLIP, MDP_GREY16_SCALE }; /* pillow: clip at 255; scale: v / 257, rounded */

struct mdp_pipeline {
    char name[64]; /* "medclip-processor" */
    enum mdp_color color;
    enum mdp_grey16 grey16;
    bool apply_orientation;
    bool pad_to_square; /* MedCLIP: side max(pad_min, w, h), black, pasted at int((side - w) / 2) */
    size_t pad_min;
    size_t width, height; /* of the tower's input */
    enum mdp_filter filter;
    size_t channels; /* of the tower's input; a grey picture is repeated */
    double mean[3], std[3];
};

/* Reads one pipeline of a model's YAML (keys: docs/MODELS.md). */
mdp_status mdp_pipeline_read(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, const char *name,
                             struct mdp_pipeline *pipeline, struct mdp_error *err);

/* The pipeline as JSON with every number, fixed key order: the store's `pipeline` attribute. */
void mdp_pipeline_json(const struct mdp_pipeline *pipeline, struct mdp_text *out);

/* The uint8 picture after colour, padding and resize: out[height, width, 1 or 3]. */
mdp_status mdp_pipeline_resize(const struct mdp_pipeline *pipeline, const struct mdp_picture *picture,
                               uint8_t *out, struct mdp_error *err);

/* The tower's input: out[channels, height, width]. */
mdp_status mdp_pipeline_run(const struct mdp_pipeline *pipeline, const struct mdp_picture *picture,
                            float *out, struct mdp_error *err);

#endif
