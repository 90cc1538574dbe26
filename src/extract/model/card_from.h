/* SPDX-License-Identifier: BSD-3-Clause */
/* What the readers of model folders share. Each takes its values from the configuration field by field (model_folder_fields.h) and
   writes sections of a card; model_folder.c chooses the reader. */
#ifndef MDP_EXTRACT_CARD_FROM_H
#define MDP_EXTRACT_CARD_FROM_H

#include "base/text.h"
#include "extract/model/model_folder_fields.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

/* One JSON file of the folder; one that is not there has no document and fields.map NULL. */
struct mdp_folder_file {
    struct mdp_text path;
    struct mdp_json *doc;
    struct mdp_fields fields;
};

struct mdp_folder {
    struct mdp_text path;                        /* absolute */
    struct mdp_text name;                        /* of the card */
    struct mdp_folder_file config;               /* config.json, or open_clip_config.json */
    struct mdp_folder_file processor, tokenizer; /* preprocessor_config.json, tokenizer_config.json */
    const char *weights; /* the file's name; NULL: none of those looked for is there */
    struct mdp_text *card;
};

/* --- files --- */

/* Whether a file NAME is in it. */
bool mdp_folder_has(const struct mdp_folder *folder, const char *name);
/* The first of names[n] that is in the folder, or NULL. */
const char *mdp_folder_first(const struct mdp_folder *folder, const char *const names[], size_t n);
/* Opens NAME of the folder; one that is not there is fine. */
mdp_status mdp_folder_read(const struct mdp_folder *folder, const char *name, struct mdp_folder_file *file,
                           struct mdp_error *err);
void mdp_folder_file_release(struct mdp_folder_file *file);
/* *found: `prefix` ("vit.") where a tensor of the weights has it, as in a model with a head for a task, else "". transformers loads
   both. */
mdp_status mdp_folder_prefix(const struct mdp_folder *folder, const char *prefix, const char **found,
                             struct mdp_error *err);

/* --- sections of a card --- */

/* Name, title, family, width of the embedding, folder and files; `vocab` is the file of the tokenizer, or NULL. */
void mdp_card_put_head(struct mdp_folder *folder, const char *family, size_t width, const char *vocab);
/* The tensors that no tower asks for may be there: other heads, queues, decoders. */
void mdp_card_put_weights(struct mdp_folder *folder);
/* "KEY: \"value\"\n"; `key` may begin with blanks. */
void mdp_card_put_text(struct mdp_text *card, const char *key, const char *value);
/* "KEY: 1e-05\n": digits that give the same double again. */
void mdp_card_put_number(struct mdp_text *card, const char *key, double value);

/* The word of a card for an activation as transformers calls it; refused when medprobe has none. */
mdp_status mdp_card_activation(struct mdp_fields *fields, const char *key, const char *fallback,
                               const char **word, struct mdp_error *err);

/* `pipelines` as preprocessor_config.json says, of the class that it names or, where it names none, of `fallback`
   ("CLIPImageProcessor"). */
mdp_status mdp_card_put_processor(struct mdp_folder *folder, const char *fallback, struct mdp_error *err);

/* --- the readers --- */

typedef mdp_status mdp_card_reader(struct mdp_folder *folder, struct mdp_error *err);

mdp_card_reader mdp_card_from_swin; /* transformers: SwinModel */

#endif
