/* SPDX-License-Identifier: BSD-3-Clause */
/* Prompt sets: classes, the phrases of each, and how their scores become one score a class. */
#ifndef MDP_EXTRACT_PROMPTS_H
#define MDP_EXTRACT_PROMPTS_H

#include "base/exchange/zero_shot_rules.h"
#include "base/hash.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

struct mdp_prompt_class {
    const char *name;
    size_t n;
    const char **phrases; /* [n], templates filled in; one batch of the text tower */
};

struct mdp_prompts {
    char *name;
    bool has_ensemble; /* the file says which */
    enum mdp_ensemble ensemble;
    size_t n;
    struct mdp_prompt_class *classes;   /* [n], in file order */
    struct mdp_prompt_class *negatives; /* [n]: what says that the class is absent; NULL: the file has none */
    char sha256[MDP_SHA256_HEX];        /* of the file's bytes */
    void *owned;
};

/* Reads a prompt set from a file of keys name (default: the file's name without .yaml), ensemble, templates, classes,
   negative_templates, negatives, source and licence. A class holds a list of phrases or nothing; a class without phrases gets
   the templates, {} replaced by its name. `negatives` holds the same for phrases that say the class is absent; with it, or
   with negative_templates, every class has some. Names and phrases are the text that YAML gives, not trimmed; the empty
   phrase and repeats are kept. Errors name the line. */
mdp_status mdp_prompts_read(const char *path, struct mdp_prompts *prompts, struct mdp_error *err);
void mdp_prompts_release(struct mdp_prompts *prompts);

#endif
