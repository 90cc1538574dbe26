/* SPDX-License-Identifier: BSD-3-Clause */
/* Pipelines whose picture becomes float before it is resized. */
#ifndef MDP_EXTRACT_PIPELINE_FLOAT_H
#define MDP_EXTRACT_PIPELINE_FLOAT_H

#include "extract/preprocess/pipeline.h"

/* A level on the scale of mean and std, every step rounded to float32 as the originals do. */
float mdp_rescaled(enum mdp_rescale rescale, int level);

/* Whether the first resize is one of floats. */
bool mdp_pipeline_is_float(const struct mdp_pipeline *pipeline);

/* As mdp_pipeline_run, for these. Memory: a float for each sample of the picture. */
mdp_status mdp_pipeline_run_float(const struct mdp_pipeline *pipeline, const struct mdp_picture *picture,
                                  float *out, struct mdp_error *err);

#endif
