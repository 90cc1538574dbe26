/* SPDX-License-Identifier: BSD-3-Clause */
/* Prompt sets: classes, the phrases of each, and how their scores become one score a class. */
#ifndef MDP_EXTRACT_PROMPTS_H
#define MDP_EXTRACT_PROMPTS_H

#include "base/exchange/zero_shot_rules.h"
#include "base/hash.h"
#include "medprobe/status.h"

#include <stddef.h>

struct mdp_prompt_class {
    const char *name;
    size_t n;
    const char **phrases; /* [n], templates filled in; one batch of the text tower */
};

struct mdp_prompts {
    char *name;
    enum mdp_ensemble ensemble;
    size_t n;
    struct mdp_prompt_class *classes; /* [n], in file order */
    char sha256[MDP_SHA256_HEX];      /* of the file's bytes */
    void *owned;
};

/* Reads a prompt set from a file of keys name (default: the file's name without .yaml), ensemble (default
   mean-logits), templates, classes, source and licence. A class holds a list of phrases or nothing; a class
   without phrases gets the templates, {} replaced by its name. Names and phrases are the text that YAML
   gives, not trimmed; the empty phrase and repeats are kept. Errors name the line. */
mdp_status mdp_prompts_read(const char *path, struct mdp_prompts *prompts, struct mdp_error *err);
void mdp_prompts_release(struct mdp_prompts *prompts);

#endif
