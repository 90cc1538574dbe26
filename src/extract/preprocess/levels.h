/* SPDX-License-Identifier: BSD-3-Clause */
/* Levels of a whole picture, before anything else. */
#ifndef MDP_EXTRACT_LEVELS_H
#define MDP_EXTRACT_LEVELS_H

#include "extract/input/picture.h"

/* 8-bit levels (v - least) / (largest - least) * 255, truncated, over all samples together, in double: BioViL's reader
   (health_multimodal's remap_to_uint8). A palette is looked up first. A picture of one level is MDP_ERR_VALUE. */
mdp_status mdp_levels_min_max(const struct mdp_picture *picture, struct mdp_picture *out,
                              struct mdp_error *err);

#endif
