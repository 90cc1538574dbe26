/* SPDX-License-Identifier: BSD-3-Clause */
/* medprobe models: the table of subcommands, what they share, and what a card says (show). */
#include "base/hash.h"
#include "base/try.h"
#include "cmd/commands.h"
#include "cmd/models_common.h"

#include <stdio.h>
#include <string.h>

/* --- what the subcommands share --- */

mdp_status mdp_models_with_card(const struct mdp_usage *usage, const struct mdp_option options[], size_t n,
                                int argc, char **argv,
                                mdp_status (*run)(const struct mdp_model_card *card,
                                                  const struct mdp_common *common, void *context,
                                                  struct mdp_error *err),
                                void *context, struct mdp_error *err)
{
    struct mdp_common common = {0};
    struct mdp_arguments args = {0};
    struct mdp_model_card card = {0};
    mdp_status st = MDP_OK;

    OR_OUT(mdp_options_parse(usage, options, n, argc, argv, &common, &args, err));
    if (args.help)
        goto out;
    OR_OUT(mdp_model_card_read(args.operands[0], &card, err));
    st = run(&card, &common, context, err);
out:
    mdp_model_card_release(&card);
    mdp_arguments_release(&args);
    return st;
}

void mdp_models_print_fact(const char *label, const char *text)
{
    struct mdp_text safe = {0};

    if (!text)
        return;
    mdp_text_add_printable(&safe, text);
    if (!safe.failed && safe.at)
        printf("%-12s %s\n", label, safe.at);
    mdp_text_release(&safe);
}

void mdp_models_print_count(const char *label, size_t n)
{
    char digits[32], grouped[48];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%zu", n), at = 0;

    for (size_t i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            grouped[at++] = ',';
        grouped[at++] = digits[i];
    }
    grouped[at] = '\0';
    printf("%-12s %s\n", label, grouped);
}

mdp_status mdp_models_print_file(const struct mdp_model_card *card, const struct mdp_model_file *file,
                                 bool by_name, enum mdp_file_state *state, struct mdp_error *err)
{
    struct mdp_text line = {0};
    char sha256[MDP_SHA256_HEX];
    mdp_status st = mdp_model_file_state(card, file, by_name, &line, state, sha256, err);

    if (st == MDP_OK) {
        mdp_text_add(&line, " (%s)", *state == MDP_FILE_UNCHECKED ? "present" : mdp_file_state_name(*state));
        st = mdp_text_status(&line, err);
    }
    if (st == MDP_OK)
        mdp_models_print_fact(file->role, line.at);
    mdp_text_release(&line);
    return st;
}

bool mdp_models_picture(const struct mdp_model_card *card, struct mdp_image_sizes *sizes)
{
    return card->image && mdp_image_tower_sizes_from_yaml(card->doc, card->image, sizes, NULL) == MDP_OK;
}

mdp_status mdp_models_print_json(const struct mdp_text *json, struct mdp_error *err)
{
    TRY(mdp_text_status(json, err));
    printf("%s\n", json->at);
    return MDP_OK;
}

/* --- show --- */

static void print_digest(const char *sha256, const char *of)
{
    const bool whole = strlen(sha256) == MDP_SHA256_HEX - 1;
    char line[160];

    snprintf(line, sizeof line, "SHA-256 %s%s%s", sha256, whole ? "" : "... (no more digits are published)",
             of);
    mdp_models_print_fact("", line);
}

/* Where a file is or would be, where it comes from, and the digests to check it by. */
static mdp_status show_file(const struct mdp_model_card *card, const struct mdp_model_file *f,
                            struct mdp_error *err)
{
    enum mdp_file_state state = MDP_FILE_ABSENT;

    TRY(mdp_models_print_file(card, f, true, &state, err));
    mdp_models_print_fact("", f->url ? f->url : f->note);
    if (f->member && f->sha256)
        print_digest(f->sha256, " of the ZIP");
    if (mdp_models_sha256(f))
        print_digest(mdp_models_sha256(f), "");
    return MDP_OK;
}

static void print_picture_size(const struct mdp_model_card *card)
{
    struct mdp_image_sizes s;
    char line[64];

    if (!mdp_models_picture(card, &s))
        return;
    snprintf(line, sizeof line, "%zu x %zu", s.width, s.height);
    mdp_models_print_fact("pictures", line);
}

static void print_zero_shot(const struct mdp_model_card *card)
{
    const struct mdp_model_zero_shot *z = &card->zero_shot;
    char line[64];

    if (!card->text)
        return;
    snprintf(line, sizeof line, "%s, %s", mdp_ensemble_names[z->ensemble],
             mdp_similarity_names[card->similarity.kind]);
    mdp_models_print_fact("zero-shot", line);
    mdp_models_print_fact("prompts", z->prompts);
}

static mdp_status show_text(const struct mdp_model_card *card, struct mdp_error *err)
{
    mdp_models_print_fact("name", card->name);
    for (size_t i = 0; card->aliases && i < card->aliases->n; i++)
        mdp_models_print_fact(i ? "" : "also called", card->aliases->values[i]->scalar);
    mdp_models_print_fact("title", card->title);
    mdp_models_print_fact("family", card->family);
    if (card->parameters)
        mdp_models_print_count("parameters", card->parameters);
    mdp_models_print_count("width", card->embedding_width);
    mdp_models_print_fact("towers", card->image && card->text ? "image, text"
                                    : card->image             ? "image"
                                                              : "text");
    print_picture_size(card);
    print_zero_shot(card);
    mdp_models_print_fact("source", card->source);
    mdp_models_print_fact("licence", card->licence);
    mdp_models_print_fact("", card->licence_note);
    mdp_models_print_fact("card", card->path);
    for (size_t i = 0; card->pipelines && i < card->pipelines->n; i++) {
        const char *key = card->pipelines->keys[i]->scalar;
        if (strcmp(key, "default") != 0)
            mdp_models_print_fact("pipeline", key);
    }
    for (size_t i = 0; i < card->n_files; i++)
        TRY(show_file(card, &card->files[i], err));
    if (card->made) /* nobody can look it up in a file */
        printf("\n%s", card->made);
    return MDP_OK;
}

/* context: bool, whether JSON is wanted. */
static mdp_status show(const struct mdp_model_card *card, const struct mdp_common *common, void *context,
                       struct mdp_error *err)
{
    const bool *json = context;
    struct mdp_text out = {0};
    size_t present = 0;

    (void)common;
    if (!*json)
        return show_text(card, err);
    mdp_status st = mdp_models_card_to_json(card, &out, &present, err);
    if (st == MDP_OK)
        st = mdp_models_print_json(&out, err);
    mdp_text_release(&out);
    return st;
}

static mdp_status run_show(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    bool json = false;
    const struct mdp_option options[] = {
        {.name = "json", .flag = &json, .help = "print JSON instead of lines"}};
    const struct mdp_usage usage = {.command = "models show",
                                    .synopsis = "MODEL [options]",
                                    .summary = "Shows what a model card says: source, licence, sizes, "
                                               "pipelines, files and their SHA-256; of a folder, "
                                               "the card that is made of it, too.",
                                    .example = "medprobe models show medclip-vit",
                                    .least_operands = 1,
                                    .most_operands = 1,
                                    .operands = {"a model"}};

    (void)exit_code;
    return mdp_models_with_card(&usage, options, 1, argc, argv, show, &json, err);
}

/* --- the command --- */

static const struct mdp_command rows[] = {
    {"list", "the models that are known by name", mdp_models_list, false},
    {"show", "what one model's card says", run_show, false},
    {"add", "give the model of a folder a name", mdp_models_add, false},
    {"inspect", "the tensors of a weight file", mdp_models_inspect, false},
    {"pull", "fetch a model's files", mdp_models_pull, false},
    {"check", "are a model's files here and the right ones", mdp_models_check, false},
};
static const struct mdp_command_table subcommands = {
    .program = "medprobe models",
    .summary = "Model cards and the files that belong to them.",
    .example = "  medprobe models pull medclip-vit",
    .rows = rows,
    .n = sizeof rows / sizeof rows[0],
};

mdp_status mdp_cmd_models(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    const struct mdp_command *command = NULL;
    mdp_status st = mdp_dispatch(&subcommands, &argc, &argv, &command, err);

    return st == MDP_OK && command ? command->run(argc, argv, exit_code, err) : st;
}
