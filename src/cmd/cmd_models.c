/* SPDX-License-Identifier: BSD-3-Clause */
/* medprobe models: the table of subcommands, what is known (list) and what a card says (show). */
#include "base/config_files.h"
#include "base/formats/json.h"
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

mdp_status mdp_models_print_json(const struct mdp_text *json, struct mdp_error *err)
{
    TRY(mdp_text_status(json, err));
    printf("%s\n", json->at);
    return MDP_OK;
}

/* --- a card as JSON --- */

/* A size that 0 says is not known. */
static void put_known_size(struct mdp_json_writer *w, const char *key, size_t n)
{
    if (n)
        mdp_json_put_size(w, key, n);
    else
        mdp_json_put_null(w, key);
}

/* Of the file itself, not of the ZIP that it comes in; NULL where the card has none. */
static const char *sha256_of(const struct mdp_model_file *file)
{
    return file->member ? file->member_sha256 : file->sha256;
}

static mdp_status put_file(const struct mdp_model_card *card, const struct mdp_model_file *f,
                           struct mdp_json_writer *w, size_t *present, struct mdp_error *err)
{
    enum mdp_file_state state = MDP_FILE_ABSENT;
    struct mdp_text path = {0};
    char own[MDP_SHA256_HEX];
    mdp_status st = mdp_model_file_state(card, f, true, &path, &state, own, err);

    if (st == MDP_OK) {
        *present += state != MDP_FILE_ABSENT;
        mdp_json_begin(w, NULL, '{', NULL);
        mdp_json_put_text(w, "role", f->role);
        mdp_json_put_text(w, "name", f->name);
        mdp_json_put_text(w, "path", path.at);
        mdp_json_put_bool(w, "present", state != MDP_FILE_ABSENT);
        mdp_json_put_text(w, "url", f->url);
        mdp_json_put_text(w, "sha256", sha256_of(f));
        put_known_size(w, "size", f->size);
        mdp_json_put_text(w, "note", f->note);
        mdp_json_end(w, NULL);
    }
    mdp_text_release(&path);
    return st;
}

/* *present: how many of its files are here. */
static mdp_status card_to_json(const struct mdp_model_card *card, struct mdp_text *out, size_t *present,
                               struct mdp_error *err)
{
    struct mdp_json_writer w = {.out = out};

    *present = 0;
    mdp_json_begin(&w, NULL, '{', NULL);
    mdp_json_put_text(&w, "name", card->name);
    mdp_json_put_text(&w, "title", card->title);
    mdp_json_put_text(&w, "family", card->family);
    put_known_size(&w, "parameters", card->parameters);
    mdp_json_put_size(&w, "embedding_width", card->embedding_width);
    mdp_json_put_text(&w, "licence", card->licence);
    mdp_json_put_text(&w, "licence_note", card->licence_note);
    mdp_json_put_text(&w, "source", card->source);
    mdp_json_put_text(&w, "card", card->path);
    mdp_json_begin(&w, "files", '[', "\n  ");
    for (size_t i = 0; i < card->n_files; i++)
        TRY(put_file(card, &card->files[i], &w, present, err));
    mdp_json_end(&w, NULL);
    mdp_json_end(&w, NULL);
    return mdp_text_status(out, err);
}

/* --- list --- */

static void print_row(const struct mdp_model_card *card, size_t present)
{
    char parameters[32] = "", files[32];

    if (card->parameters)
        snprintf(parameters, sizeof parameters, "%.1f M", (double)card->parameters / 1e6);
    snprintf(files, sizeof files, "%zu of %zu", present, card->n_files);
    printf("%-24s %-12s %10s %6zu  %-8s %s\n", card->name, card->family, parameters, card->embedding_width,
           files, card->licence ? card->licence : "");
}

/* One model as a line on stdout, or as an element of `all`. */
static mdp_status list_one(const char *name, bool json, struct mdp_text *all, struct mdp_error *err)
{
    struct mdp_model_card card;
    struct mdp_text entry = {0};
    size_t present = 0;

    TRY(mdp_model_card_read(name, &card, err));
    mdp_status st = card_to_json(&card, &entry, &present, err);
    if (st == MDP_OK && json)
        mdp_text_add(all, "%s%s", all->n > 1 ? ",\n" : "", entry.at);
    else if (st == MDP_OK)
        print_row(&card, present);
    mdp_text_release(&entry);
    mdp_model_card_release(&card);
    return st;
}

static mdp_status run_list(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    bool json = false;
    const struct mdp_option options[] = {
        {.name = "json", .flag = &json, .help = "print JSON instead of a table"}};
    const struct mdp_usage usage = {
        .command = "models list",
        .synopsis = "[options]",
        .summary = "Lists the models that are known by name, and whether their files are here.",
        .example = "medprobe models list"};
    struct mdp_common common = {0};
    struct mdp_arguments args = {0};
    struct mdp_names names = {0};
    struct mdp_text all = {0};
    mdp_status st = MDP_OK;

    (void)exit_code;
    OR_OUT(mdp_options_parse(&usage, options, 1, argc, argv, &common, &args, err));
    if (args.help)
        goto out;
    OR_OUT(mdp_config_names(&mdp_config_models, &names, err));
    if (!json)
        printf("%-24s %-12s %10s %6s  %-8s %s\n", "name", "family", "parameters", "width", "files",
               "licence");
    mdp_text_add(&all, "[");
    for (size_t i = 0; i < names.n; i++)
        if (list_one(names.at[i], json, &all, err) != MDP_OK)
            mdp_log(&common.log, MDP_LOG_WARN, "%s", err->message); /* one bad card hides no other */
    mdp_text_add(&all, "]");
    if (json)
        st = mdp_models_print_json(&all, err);
out:
    mdp_text_release(&all);
    mdp_names_release(&names);
    mdp_arguments_release(&args);
    return st;
}

/* --- show --- */

/* Where a file is or would be, where it comes from, and the digests to check it by. */
static mdp_status show_file(const struct mdp_model_card *card, const struct mdp_model_file *f,
                            struct mdp_error *err)
{
    enum mdp_file_state state = MDP_FILE_ABSENT;
    char digest[128];

    TRY(mdp_models_print_file(card, f, true, &state, err));
    mdp_models_print_fact("", f->url ? f->url : f->note);
    if (f->member && f->sha256) {
        snprintf(digest, sizeof digest, "SHA-256 %s of the ZIP", f->sha256);
        mdp_models_print_fact("", digest);
    }
    if (sha256_of(f)) {
        snprintf(digest, sizeof digest, "SHA-256 %s", sha256_of(f));
        mdp_models_print_fact("", digest);
    }
    return MDP_OK;
}

static mdp_status show_text(const struct mdp_model_card *card, struct mdp_error *err)
{
    mdp_models_print_fact("name", card->name);
    mdp_models_print_fact("title", card->title);
    mdp_models_print_fact("family", card->family);
    if (card->parameters)
        mdp_models_print_count("parameters", card->parameters);
    mdp_models_print_count("width", card->embedding_width);
    mdp_models_print_fact("towers", card->image && card->text ? "image, text"
                                    : card->image             ? "image"
                                                              : "text");
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
    mdp_status st = card_to_json(card, &out, &present, err);
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
    {"list", "the models that are known by name", run_list, false},
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
