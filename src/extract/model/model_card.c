/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/model/model_card.h"

#include "base/config_files.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"
#include "extract/model/card_from_openai.h"
#include "extract/model/model_folder.h"
#include "extract/model/model_names.h"

#include <stdlib.h>
#include <string.h>

/* --- single values --- */

/* Names become parts of paths: letters, digits, '.', '_' and '-', not beginning with a dot. */
static mdp_status get_file_name(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                                const char **value, struct mdp_error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    TRY(mdp_yaml_get_string(doc, map, key, value, err));
    if ((*value)[0] == '\0' || (*value)[0] == '.' || strspn(*value, allowed) != strlen(*value))
        return mdp_yaml_fail(doc, mdp_yaml_find(map, key), err,
                             "%s: '%s' is no plain name (letters, digits, '.', '_', '-')", key, *value);
    return MDP_OK;
}

enum { LEAST_DIGITS = 8 }; /* of a SHA-256 whose publisher tells no more */

static mdp_status optional_sha256(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                  const char *key, const char **value, struct mdp_error *err)
{
    TRY(mdp_yaml_optional_string(doc, map, key, value, err));
    if (*value && (strlen(*value) < LEAST_DIGITS || strlen(*value) > MDP_SHA256_HEX - 1 ||
                   strspn(*value, "0123456789abcdef") != strlen(*value)))
        return mdp_yaml_fail(
            doc, mdp_yaml_find(map, key), err,
            "%s: '%s' is not 64 lower-case hexadecimal digits (or the first, %d at the least)", key, *value,
            LEAST_DIGITS);
    return MDP_OK;
}

/* --- sections --- */

static mdp_status read_file(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_model_file *file, struct mdp_error *err)
{
    static const char *const keys[] = {"role",   "name",   "url",           "size",
                                       "sha256", "member", "member_sha256", "note"};

    TRY(mdp_yaml_known_keys(doc, node, keys, MDP_COUNT(keys), err));
    TRY(mdp_yaml_get_string(doc, node, "role", &file->role, err));
    TRY(get_file_name(doc, node, "name", &file->name, err));
    TRY(mdp_yaml_optional_string(doc, node, "url", &file->url, err));
    TRY(mdp_yaml_optional_size(doc, node, "size", 1, SIZE_MAX, &file->size, err));
    TRY(optional_sha256(doc, node, "sha256", &file->sha256, err));
    TRY(mdp_yaml_optional_string(doc, node, "member", &file->member, err));
    TRY(optional_sha256(doc, node, "member_sha256", &file->member_sha256, err));
    TRY(mdp_yaml_optional_string(doc, node, "note", &file->note, err));
    if (file->url && !file->sha256)
        return mdp_yaml_fail(doc, node, err, "file '%s' has a url but no sha256: it could not be checked",
                             file->name);
    if (!file->member && file->member_sha256)
        return mdp_yaml_fail(doc, node, err, "file '%s' has a member_sha256 but no member", file->name);
    return MDP_OK;
}

static mdp_status read_files(struct mdp_model_card *card, const struct mdp_yaml_node *root,
                             struct mdp_error *err)
{
    const struct mdp_yaml_node *list = NULL;
    mdp_status st = MDP_OK;

    if (!mdp_yaml_find(root, "files"))
        return MDP_OK;
    TRY(mdp_yaml_get(card->doc, root, "files", MDP_YAML_LIST, &list, err));
    card->files = mdp_new_array(list->n, sizeof *card->files, err, &st);
    for (size_t i = 0; st == MDP_OK && i < list->n; i++) {
        st = read_file(card->doc, list->values[i], &card->files[i], err);
        for (size_t j = 0; st == MDP_OK && j < i; j++)
            if (strcmp(card->files[j].role, card->files[i].role) == 0 ||
                strcmp(card->files[j].name, card->files[i].name) == 0)
                st = mdp_yaml_fail(card->doc, list->values[i], err,
                                   "two files have role or name in common: '%s' and '%s'",
                                   card->files[j].name, card->files[i].name);
        card->n_files = st == MDP_OK ? i + 1 : card->n_files;
    }
    return st;
}

/* Appends the strings of a list to card->ignorable. */
static mdp_status add_patterns(struct mdp_model_card *card, const struct mdp_yaml_node *map, const char *key,
                               size_t *n, struct mdp_error *err)
{
    const struct mdp_yaml_node *list = NULL;
    size_t total = card->n_ignorable + card->n_ignorable_without_text, capacity = total;

    if (!mdp_yaml_find(map, key))
        return MDP_OK;
    TRY(mdp_yaml_get(card->doc, map, key, MDP_YAML_LIST, &list, err));
    TRY(mdp_grow(&card->ignorable, &capacity, total + list->n, sizeof *card->ignorable, err));
    for (size_t i = 0; i < list->n; i++) {
        if (list->values[i]->kind != MDP_YAML_SCALAR)
            return mdp_yaml_fail(card->doc, list->values[i], err, "%s: expected a list of names", key);
        card->ignorable[total + i] = list->values[i]->scalar;
    }
    *n = list->n;
    return MDP_OK;
}

/* `inside`: a prefix, or a list of them. */
static mdp_status read_inside(struct mdp_model_card *card, const struct mdp_yaml_node *map,
                              struct mdp_error *err)
{
    const struct mdp_yaml_node *node = mdp_yaml_find(map, "inside");
    mdp_status st = MDP_OK;

    if (!node)
        return MDP_OK;
    size_t n = node->kind == MDP_YAML_LIST ? node->n : 1;
    card->inside = mdp_new_array(n, sizeof *card->inside, err, &st);
    for (size_t i = 0; st == MDP_OK && i < n; i++) {
        const struct mdp_yaml_node *prefix = node->kind == MDP_YAML_LIST ? node->values[i] : node;
        if (prefix->kind != MDP_YAML_SCALAR)
            st = mdp_yaml_fail(card->doc, prefix, err, "inside: expected a prefix or a list of them");
        card->inside[card->n_inside++] = prefix->scalar;
    }
    return st;
}

static mdp_status read_weights_section(struct mdp_model_card *card, const struct mdp_yaml_node *root,
                                       struct mdp_error *err)
{
    static const char *const keys[] = {"inside", "ignorable", "ignorable_without_text"};
    const struct mdp_yaml_node *map = NULL;

    TRY(mdp_yaml_optional_map(card->doc, root, "weights", &map, err));
    if (!map)
        return MDP_OK;
    TRY(mdp_yaml_known_keys(card->doc, map, keys, MDP_COUNT(keys), err));
    TRY(read_inside(card, map, err));
    TRY(add_patterns(card, map, "ignorable", &card->n_ignorable, err));
    return add_patterns(card, map, "ignorable_without_text", &card->n_ignorable_without_text, err);
}

static mdp_status read_aliases(struct mdp_model_card *card, const struct mdp_yaml_node *root,
                               struct mdp_error *err)
{
    if (!mdp_yaml_find(root, "aliases"))
        return MDP_OK;
    TRY(mdp_yaml_get(card->doc, root, "aliases", MDP_YAML_LIST, &card->aliases, err));
    for (size_t i = 0; i < card->aliases->n; i++)
        if (card->aliases->values[i]->kind != MDP_YAML_SCALAR)
            return mdp_yaml_fail(card->doc, card->aliases->values[i], err,
                                 "aliases: expected a list of names");
    return MDP_OK;
}

static mdp_status read_card(struct mdp_model_card *card, struct mdp_error *err)
{
    static const char *const keys[] = {
        "name",      "title",        "family",     "parameters", "embedding_width", "source",
        "licence",   "licence_note", "folder",     "files",      "image",           "pipelines",
        "tokenizer", "text",         "similarity", "zero_shot",  "weights",         "aliases"};
    const struct mdp_yaml *doc = card->doc;
    const struct mdp_yaml_node *root = mdp_yaml_root(doc), *width = NULL;

    TRY(mdp_yaml_known_keys(doc, root, keys, MDP_COUNT(keys), err));
    TRY(get_file_name(doc, root, "name", &card->name, err));
    TRY(mdp_yaml_optional_string(doc, root, "title", &card->title, err));
    TRY(mdp_yaml_get_string(doc, root, "family", &card->family, err));
    TRY(mdp_yaml_optional_string(doc, root, "source", &card->source, err));
    TRY(mdp_yaml_optional_string(doc, root, "licence", &card->licence, err));
    TRY(mdp_yaml_optional_string(doc, root, "licence_note", &card->licence_note, err));
    TRY(mdp_yaml_optional_size(doc, root, "parameters", 1, SIZE_MAX, &card->parameters, err));
    TRY(mdp_yaml_get(doc, root, "embedding_width", MDP_YAML_SCALAR, &width, err));
    TRY(mdp_yaml_to_size(doc, width, 1, 1 << 20, &card->embedding_width, err));
    TRY(mdp_yaml_optional_string(doc, root, "folder", &card->folder, err));
    TRY(read_files(card, root, err));
    TRY(mdp_yaml_optional_map(doc, root, "image", &card->image, err));
    TRY(mdp_yaml_optional_map(doc, root, "pipelines", &card->pipelines, err));
    TRY(mdp_yaml_optional_map(doc, root, "tokenizer", &card->tokenizer, err));
    TRY(mdp_yaml_optional_map(doc, root, "text", &card->text, err));
    TRY(mdp_model_similarity_from_yaml(doc, root, &card->similarity, err));
    TRY(mdp_model_zero_shot_from_yaml(doc, root, &card->zero_shot, err));
    TRY(read_weights_section(card, root, err));
    TRY(read_aliases(card, root, err));
    if (!card->image && !card->text)
        return mdp_yaml_fail(doc, root, err, "neither 'image' nor 'text': the model has no tower");
    if (card->image && !card->pipelines)
        return mdp_yaml_fail(doc, root, err, "'image' without 'pipelines'");
    if (card->text && !card->tokenizer)
        return mdp_yaml_fail(doc, root, err, "'text' without 'tokenizer'");
    return MDP_OK;
}

/* --- open --- */

static bool is_yaml_name(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

mdp_status mdp_model_card_make(const char *path, const char *name, struct mdp_text *text,
                               struct mdp_error *err)
{
    return mdp_path_is_folder(path) ? mdp_model_folder_to_card(path, name, text, err)
                                    : mdp_openai_to_card(path, name, text, err);
}

/* Whether the card of what lies at `path` is made, not read. */
static bool is_made(const char *path)
{
    return mdp_path_is_folder(path) || (!is_yaml_name(path) && mdp_weights_known(path));
}

static mdp_status make_card(struct mdp_model_card *card, struct mdp_error *err)
{
    struct mdp_text text = {0}, name = {0};
    mdp_status st = mdp_model_card_make(card->path, NULL, &text, err);

    mdp_text_add(&name, "card of %s", card->path);
    if (st == MDP_OK)
        st = mdp_text_status(&name, err);
    if (st == MDP_OK)
        st = mdp_yaml_parse(text.at, text.n, name.at, &card->doc, err);
    card->made = text.at;
    mdp_text_release(&name);
    return st;
}

static mdp_status read_yaml(struct mdp_model_card *card, struct mdp_error *err)
{
    mdp_status st = mdp_yaml_read(card->path, &card->doc, err);

    if (st == MDP_OK || st == MDP_ERR_MEMORY || is_yaml_name(card->path))
        return st;
    return mdp_fail(err, st,
                    "%s: is no model's YAML file (--model takes a name of medprobe models list, a YAML "
                    "file, a folder or a file of OpenAI's CLIP; other weights go to --weights)",
                    card->path);
}

mdp_status mdp_model_card_read(const char *model, struct mdp_model_card *card, struct mdp_error *err)
{
    struct mdp_text path = {0};

    *card = (struct mdp_model_card){0};
    mdp_status st = mdp_model_locate(model, &path, err);
    if (st == MDP_OK) {
        card->path = path.at;
        path = (struct mdp_text){0};
        st = is_made(card->path) ? make_card(card, err) : read_yaml(card, err);
    }
    if (st == MDP_OK)
        st = read_card(card, err);
    mdp_text_release(&path);
    if (st != MDP_OK)
        mdp_model_card_release(card);
    return st;
}

mdp_status mdp_model_card_prompts(const char *model, struct mdp_text *path, struct mdp_error *err)
{
    struct mdp_model_card card;

    TRY(mdp_model_card_read(model, &card, err));
    mdp_status st = MDP_OK;
    if (card.zero_shot.prompts)
        st = mdp_config_locate(&mdp_config_prompts, card.zero_shot.prompts, path, err);
    else
        st = mdp_fail(err, MDP_ERR_USAGE, "--prompts default: the card of %s names no prompt set", card.name);
    mdp_model_card_release(&card);
    return st;
}

void mdp_model_card_release(struct mdp_model_card *card)
{
    free(card->files);
    free(card->inside);
    free(card->ignorable);
    mdp_yaml_free(card->doc);
    free(card->path);
    free(card->made);
    *card = (struct mdp_model_card){0};
}

/* --- files --- */

mdp_status mdp_model_card_files_folder(const struct mdp_model_card *card, struct mdp_text *path,
                                       struct mdp_error *err)
{
    TRY(mdp_home_folder(path, err));
    mdp_text_add(path, "/files/%s", card->name);
    return mdp_text_status(path, err);
}

mdp_status mdp_model_card_file_path(const struct mdp_model_card *card, const struct mdp_model_file *file,
                                    struct mdp_text *path, struct mdp_error *err)
{
    if (card->folder)
        return mdp_path_join(path, card->folder, file->name, err);
    TRY(mdp_path_folder(path, card->path, err));
    mdp_text_add(path, "/%s/%s", card->name, file->name);
    TRY(mdp_text_status(path, err));
    if (mdp_path_exists(path->at))
        return MDP_OK;
    TRY(mdp_model_card_files_folder(card, path, err));
    mdp_text_add(path, "/%s", file->name);
    return mdp_text_status(path, err);
}

const struct mdp_model_file *mdp_model_card_file(const struct mdp_model_card *card, const char *role)
{
    for (size_t i = 0; i < card->n_files; i++)
        if (strcmp(card->files[i].role, role) == 0)
            return &card->files[i];
    return NULL;
}

mdp_status mdp_model_card_locate(const struct mdp_model_card *card, const char *role, struct mdp_text *path,
                                 struct mdp_error *err)
{
    const struct mdp_model_file *file = mdp_model_card_file(card, role);

    if (!file)
        return mdp_fail(err, MDP_ERR_USAGE, "model '%s' names no file for its %s (give one with --%s)",
                        card->name, role, role);
    TRY(mdp_model_card_file_path(card, file, path, err));
    if (mdp_path_exists(path->at))
        return MDP_OK;
    if (card->folder)
        return mdp_fail(err, MDP_ERR_MISSING, "%s: is not there (give another with --%s)", path->at, role);
    if (file->url)
        return mdp_fail(err, MDP_ERR_MISSING, "%s: is not there (medprobe models pull %s, or --%s FILE)",
                        path->at, card->name, role);
    return mdp_fail(err, MDP_ERR_MISSING,
                    "%s: is not there and has no address (--%s FILE; medprobe models pull %s "
                    "says where to find it)",
                    path->at, role, card->name);
}

/* --- weights --- */

mdp_status mdp_model_card_weights(const struct mdp_model_card *card, const char *path,
                                  struct mdp_weights **weights, struct mdp_error *err)
{
    if (!mdp_path_exists(path))
        return mdp_fail(err, MDP_ERR_IO,
                        "%s: no such file (medprobe models pull %s fetches the published one)", path,
                        card->name);
    TRY(mdp_weights_open(path, weights, err));
    mdp_status st = card->n_inside ? mdp_weights_narrow(*weights, card->inside, card->n_inside, err) : MDP_OK;
    if (st != MDP_OK) {
        mdp_weights_close(*weights);
        *weights = NULL;
    }
    return st;
}

mdp_status mdp_model_card_check_unused(const struct mdp_model_card *card, const struct mdp_weights *weights,
                                       bool with_text, struct mdp_error *err)
{
    size_t n = card->n_ignorable + (with_text ? 0 : card->n_ignorable_without_text);
    const struct mdp_tensor *t = mdp_weights_first_unused(weights, card->ignorable, n);
    struct mdp_text shape = {0};

    if (!t)
        return MDP_OK;
    mdp_shape_to_text(t->rank, t->shape, &shape);
    mdp_status st = mdp_text_status(&shape, err);
    if (st == MDP_OK)
        st = mdp_fail(err, MDP_ERR_FORMAT,
                      "%s: tensor '%s' %s is unexpected: model '%s' does not use it (is it another "
                      "model's file? else add it to weights: ignorable in %s)",
                      mdp_weights_path(weights), t->name, shape.at, card->name, card->path);
    mdp_text_release(&shape);
    return st;
}
