/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run of `extract` is defined by, and how two runs that differ are told apart to their user. */
#ifndef MDP_EXTRACT_RUN_FACTS_H
#define MDP_EXTRACT_RUN_FACTS_H

#include "extract/job/facts.h"
#include "extract/job/manifest.h"
#include "extract/job/zero_shot_choice.h"
#include "extract/model/model.h"
#include "extract/text/prompts.h"

#include <stdbool.h>

struct mdp_run {
    const struct mdp_model *model;
    const struct mdp_manifest *manifest;
    const struct mdp_prompts *prompts; /* NULL: none */
    struct mdp_zero_shot_rules rules;  /* with prompts */
    const char *precision;             /* "fp32" */
    size_t max_pixels;                 /* larger pictures are refused */
};

/* `attributes`: strings of the store's root. `facts`: these and what else decides its bytes, for the work file. Both empty
   before. */
mdp_status mdp_run_facts(const struct mdp_run *run, struct mdp_facts *attributes, struct mdp_facts *facts,
                         struct mdp_error *err);

/* The first difference between the facts of a store or of a work file that are `made` and those of the run that is asked for
   `now`, in the words of the options: appended to `out` so that it goes on after "made ". False when there is none.
   For a finished store (`finished`) the program, the machine and the limits do not count; the manifest is never compared
   here, its rows say more. */
bool mdp_run_facts_differ(const struct mdp_facts *made, const struct mdp_facts *now, bool finished,
                          struct mdp_text *out);

#endif
