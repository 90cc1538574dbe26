/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of `medprobe models` share. cmd_models.c has the table of subcommands, list and show. */
#ifndef MDP_CMD_MODELS_COMMON_H
#define MDP_CMD_MODELS_COMMON_H

#include "base/options/options.h"
#include "base/text.h"
#include "cmd/dispatch.h"
#include "extract/model/model_card.h"
#include "extract/model/model_files.h"
#include "extract/towers/image_tower.h"

mdp_command_run mdp_models_add;
mdp_command_run mdp_models_check;
mdp_command_run mdp_models_inspect;
mdp_command_run mdp_models_list;
mdp_command_run mdp_models_pull;

/* The frame of a subcommand about one model: parses argv, reads the card that the operand names and calls `run`; after
   --help it does not. `context` is for `run`. */
mdp_status mdp_models_with_card(const struct mdp_usage *usage, const struct mdp_option options[], size_t n,
                                int argc, char **argv,
                                mdp_status (*run)(const struct mdp_model_card *card,
                                                  const struct mdp_common *common, void *context,
                                                  struct mdp_error *err),
                                void *context, struct mdp_error *err);

/* "label   text" on stdout, printable; nothing where text is NULL. */
void mdp_models_print_fact(const char *label, const char *text);

/* "label   1,234,567" */
void mdp_models_print_count(const char *label, size_t n);

/* "role   path (state)" of a file; with `by_name` its bytes are not looked at. */
mdp_status mdp_models_print_file(const struct mdp_model_card *card, const struct mdp_model_file *file,
                                 bool by_name, enum mdp_file_state *state, struct mdp_error *err);

/* The SHA-256 that the card has of the file itself, not of the ZIP that it comes in; NULL where it has none. */
const char *mdp_models_sha256(const struct mdp_model_file *file);

/* Sizes of the picture that the model's tower takes; false where it has none. */
bool mdp_models_picture(const struct mdp_model_card *card, struct mdp_image_sizes *sizes);

/* What a card says and which of its files are here (*present: how many) as a JSON object. */
mdp_status mdp_models_card_to_json(const struct mdp_model_card *card, struct mdp_text *out, size_t *present,
                                   struct mdp_error *err);

/* The finished document on stdout. */
mdp_status mdp_models_print_json(const struct mdp_text *json, struct mdp_error *err);

#endif
