/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that users call by name: models, prompt sets; and files that medprobe brings with it: vocabularies. A name is looked for in these folders, in
   this order, and the first file found is taken:

       <program>/../configs/KIND   <program>/../share/medprobe/KIND   <home>/KIND   ./configs/KIND

   where <program> is the folder of the running program, links followed, and <home> is mdp_home_folder's. */
#ifndef MDP_BASE_CONFIG_FILES_H
#define MDP_BASE_CONFIG_FILES_H

#include "base/text.h"
#include "medprobe/status.h"

#include <stddef.h>

struct mdp_config_kind {
    const char *folder; /* "models" */
    const char *word;   /* "model": for messages */
};

extern const struct mdp_config_kind mdp_config_models, mdp_config_prompts, mdp_config_vocab;

/* The file that `value` means, into *path (replaced). A value with a '/' in it, or one that ends in .yaml or
   .yml, is a path when that file exists; everything else is a name. An unknown name is wrong use: the message
   has the nearest name, or all of them. */
mdp_status mdp_config_locate(const struct mdp_config_kind *kind, const char *value, struct mdp_text *path,
                             struct mdp_error *err);

/* A file that medprobe brings with it, by its whole name, into *path (replaced). Not there: MDP_ERR_MISSING, which says
   where it was looked for. */
mdp_status mdp_config_find_file(const struct mdp_config_kind *kind, const char *name, struct mdp_text *path,
                                struct mdp_error *err);

/* Names in byte order, each once. */
struct mdp_names {
    char **at; /* [n] */
    size_t n, capacity;
};

/* The names that there are in all folders. */
mdp_status mdp_config_names(const struct mdp_config_kind *kind, struct mdp_names *names,
                            struct mdp_error *err);
void mdp_names_release(struct mdp_names *names);

/* Where files of medprobe's own are kept: $MEDPROBE_HOME, else $XDG_DATA_HOME/medprobe, else
   $HOME/.local/share/medprobe. */
mdp_status mdp_home_folder(struct mdp_text *path, struct mdp_error *err);

#endif
