/* SPDX-License-Identifier: BSD-3-Clause */
/* What `extract` can be told: its options, and which of them do not go together. */
#ifndef MDP_CMD_EXTRACT_OPTIONS_H
#define MDP_CMD_EXTRACT_OPTIONS_H

#include "base/options/options.h"
#include "extract/job/manifest.h"
#include "extract/job/zero_shot_choice.h"
#include "extract/model/model.h"

#include <stdbool.h>
#include <stddef.h>

struct mdp_extract_options {
    struct mdp_model_choice model;
    struct mdp_zero_shot_choice zero_shot;
    struct mdp_manifest_options table; /* lists in it: mdp_list_release */
    const char *manifest, *prompts, *out, *precision;
    size_t batch_size; /* pictures in flight */
    size_t max_pixels; /* larger pictures are refused */
    bool skip_errors, resume, force;
};

/* The rows of the table, with targets in `o`; gives their number. */
size_t mdp_extract_options_fill(struct mdp_extract_options *o, struct mdp_option options[MDP_MOST_OPTIONS]);

/* What is missing, contradicts itself or would be obeyed silently: MDP_ERR_USAGE. */
mdp_status mdp_extract_options_check(const struct mdp_extract_options *o, struct mdp_error *err);

#endif
