/* SPDX-License-Identifier: BSD-3-Clause */
/* A model's YAML file, opened: what it is called, which files it needs and where they come from, and the
   sections that the readers of each part take their numbers from. Keys: docs/MODELS.md. */
#ifndef MDP_EXTRACT_MODEL_CARD_H
#define MDP_EXTRACT_MODEL_CARD_H

#include "base/formats/yaml.h"
#include "base/text.h"
#include "extract/model/model_similarity.h"
#include "extract/weights/weights.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

/* One file that the model needs. Strings belong to the document; those that are not given are NULL. */
struct mdp_model_file {
    const char *role; /* "weights", "text-weights", "vocab" */
    const char *name; /* as it is kept: "pytorch_model.bin" */
    const char *url;  /* of the file, or of a ZIP around it */
    size_t size;      /* bytes of what `url` gives; 0 when not known */
    const char *
        sha256; /* 64 digits, or the first ones where no more are published: of what `url` gives; of the file itself where there is no member */
    const char *member; /* the file's name inside the ZIP of `url` */
    const char *member_sha256;
    const char *note; /* how to come by a file without url */
};

struct mdp_model_card {
    char *path;
    struct mdp_yaml *doc; /* owns every string and node below */
    char *made;           /* the text, where it was made from what lies at `path`; else NULL */
    const char *name, *title, *family, *source, *licence, *licence_note;
    size_t parameters; /* of all towers; 0 when not stated */
    size_t embedding_width;
    const char *folder;           /* of the files; NULL: beside the card, or where `models pull` puts them */
    struct mdp_model_file *files; /* [n_files] */
    size_t n_files;
    /* Sections; NULL where the model has none. */
    const struct mdp_yaml_node *image, *pipelines, *tokenizer, *text;
    const struct mdp_yaml_node *aliases; /* list of texts: the publisher's names */
    struct mdp_model_similarity similarity;
    struct mdp_model_zero_shot zero_shot;
    const char *
        *inside; /* [n_inside] prefixes of the names of the model's tensors: the first that there is counts */
    size_t n_inside;        /* 0: names stand as they are */
    const char **ignorable; /* [n_ignorable + n_ignorable_without_text] patterns of tensors that may be
                               unused; the latter when only the image tower is read */
    size_t n_ignorable, n_ignorable_without_text;
};

/* `model` is a name of `models list`, a card's file, or a folder as transformers or open_clip saves it (model_folder.h). Unknown and missing keys are errors with their line. */
mdp_status mdp_model_card_read(const char *model, struct mdp_model_card *card, struct mdp_error *err);
void mdp_model_card_release(struct mdp_model_card *card);
/* The text of the card of a folder (model_folder.h) or of a weight file that describes itself (card_from_openai.h), under `name`
   or, where it is NULL, that of folder or file. */
mdp_status mdp_model_card_make(const char *path, const char *name, struct mdp_text *text,
                               struct mdp_error *err);

/* The file of the prompt set that the card of `model` names as its own, into *path. None named: wrong use. */
mdp_status mdp_model_card_prompts(const char *model, struct mdp_text *path, struct mdp_error *err);

/* The whole card, as far as it can be looked at without its files: every section is read, and what two sections say of one
   thing must agree (widths of both towers, sizes of each pipeline, length of a text). Errors have the line at fault. */
mdp_status mdp_model_card_check(const struct mdp_model_card *card, struct mdp_error *err);

/* Folder of the files that `models pull` fetches. */
mdp_status mdp_model_card_files_folder(const struct mdp_model_card *card, struct mdp_text *path,
                                       struct mdp_error *err);

/* Where a file lies: beside the card, in a folder with the model's name (`demo.yaml`, `demo/weights.safetensors`),
   for models that come with their files; else, and when it is nowhere yet, in the files folder. */
mdp_status mdp_model_card_file_path(const struct mdp_model_card *card, const struct mdp_model_file *file,
                                    struct mdp_text *path, struct mdp_error *err);

/* The entry of a role, or NULL. */
const struct mdp_model_file *mdp_model_card_file(const struct mdp_model_card *card, const char *role);

/* Where the file of a role lies. Not there: an error that names the file and says how to get it. */
mdp_status mdp_model_card_locate(const struct mdp_model_card *card, const char *role, struct mdp_text *path,
                                 struct mdp_error *err);

/* Opens the weights of the model in `path`, with names as the card has them. */
mdp_status mdp_model_card_weights(const struct mdp_model_card *card, const char *path,
                                  struct mdp_weights **weights, struct mdp_error *err);

/* After the towers have taken theirs: an error that names the first tensor that none asked for and that the
   card does not list as ignorable. */
mdp_status mdp_model_card_check_unused(const struct mdp_model_card *card, const struct mdp_weights *weights,
                                       bool with_text, struct mdp_error *err);

#endif
