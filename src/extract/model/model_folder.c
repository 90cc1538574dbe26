/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/model/model_folder.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"
#include "extract/model/card_from.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* What transformers calls the model, and who reads its config.json. */
static const struct {
    const char *model_type;
    mdp_card_reader *read;
} readers[] = {
    {"align", mdp_card_from_align},
    {"blip", mdp_card_from_blip},
    {"chinese_clip", mdp_card_from_chinese_clip},
    {"clip", mdp_card_from_clip},
    {"clip_text_model", mdp_card_from_clip_text},
    {"clip_vision_model", mdp_card_from_clip_vision},
    {"convnext", mdp_card_from_convnext},
    {"convnextv2", mdp_card_from_convnext},
    {"dinov2", mdp_card_from_dinov2},
    {"dinov2_with_registers", mdp_card_from_dinov2},
    {"resnet", mdp_card_from_resnet},
    {"siglip", mdp_card_from_siglip},
    {"siglip_vision_model", mdp_card_from_siglip_vision},
    {"swin", mdp_card_from_swin},
    {"vit", mdp_card_from_vit},
};

/* --- files --- */

static mdp_status place_of(const struct mdp_folder *folder, const char *name, struct mdp_text *path,
                           struct mdp_error *err)
{
    return mdp_path_join(path, folder->path.at, name, err);
}

bool mdp_folder_has(const struct mdp_folder *folder, const char *name)
{
    struct mdp_text path = {0};
    bool there = place_of(folder, name, &path, NULL) == MDP_OK && mdp_path_exists(path.at) &&
                 !mdp_path_is_folder(path.at);

    mdp_text_release(&path);
    return there;
}

bool mdp_folder_is(const char *word, const char *name)
{
    return word && strcmp(word, name) == 0;
}

const char *mdp_folder_first(const struct mdp_folder *folder, const char *const names[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (mdp_folder_has(folder, names[i]))
            return names[i];
    return NULL;
}

mdp_status mdp_folder_read(const struct mdp_folder *folder, const char *name, struct mdp_folder_file *file,
                           struct mdp_error *err)
{
    TRY(place_of(folder, name, &file->path, err));
    file->fields = (struct mdp_fields){.path = file->path.at};
    if (!mdp_folder_has(folder, name))
        return MDP_OK;
    TRY(mdp_json_read(file->path.at, &file->doc, err));
    file->fields.map = mdp_json_root(file->doc);
    if (mdp_json_kind(file->fields.map) != MDP_JSON_MAP)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: expected an object", file->path.at);
    return MDP_OK;
}

void mdp_folder_file_release(struct mdp_folder_file *file)
{
    mdp_json_free(file->doc);
    mdp_text_release(&file->path);
    *file = (struct mdp_folder_file){0};
}

/* --- choosing the reader --- */

static mdp_status no_reader(const struct mdp_folder *folder, const char *type, struct mdp_error *err)
{
    const char *names[MDP_COUNT(readers)];
    struct mdp_text safe = {0};

    for (size_t i = 0; i < MDP_COUNT(readers); i++)
        names[i] = readers[i].model_type;
    mdp_text_add_printable(&safe, type);
    mdp_status st = mdp_text_status(&safe, err);
    if (st == MDP_OK)
        st = mdp_fail(err, MDP_ERR_UNSUPPORTED, "%s: model_type: '%s' is not supported (%s)",
                      folder->config.path.at, safe.at, mdp_name_hint(type, names, MDP_COUNT(readers)).text);
    mdp_text_release(&safe);
    return st;
}

static mdp_status read_transformers(struct mdp_folder *folder, struct mdp_error *err)
{
    static const char *const weights[] = {"model.safetensors", "model.safetensors.index.json",
                                          "pytorch_model.bin", "pytorch_model.bin.index.json"};
    const char *type = NULL;

    TRY(mdp_folder_read(folder, "config.json", &folder->config, err));
    TRY(mdp_folder_read(folder, "preprocessor_config.json", &folder->processor, err));
    TRY(mdp_folder_read(folder, "tokenizer_config.json", &folder->tokenizer, err));
    folder->weights = mdp_folder_first(folder, weights, MDP_COUNT(weights));
    TRY(mdp_fields_text(&folder->config.fields, "model_type", NULL, &type, err));
    if (!type)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED,
                        "%s: model_type: is not there, so nothing says what the model is",
                        folder->config.path.at);
    for (size_t i = 0; i < MDP_COUNT(readers); i++)
        if (strcmp(readers[i].model_type, type) == 0)
            return readers[i].read(folder, err);
    return no_reader(folder, type, err);
}

/* In the order in which open_clip's local-dir: looks for them. */
static mdp_status read_open_clip(struct mdp_folder *folder, struct mdp_error *err)
{
    static const char *const weights[] = {
        "open_clip_model.safetensors", "open_clip_pytorch_model.safetensors",
        "open_clip_pytorch_model.bin", "open_clip_pytorch_model.pth",
        "model.safetensors",           "pytorch_model.bin",
        "pytorch_model.pth",           "model.pth"};

    TRY(mdp_folder_read(folder, "open_clip_config.json", &folder->config, err));
    TRY(mdp_folder_read(folder, "tokenizer_config.json", &folder->tokenizer, err));
    folder->weights = mdp_folder_first(folder, weights, MDP_COUNT(weights));
    return mdp_card_from_open_clip(folder, err);
}

/* --- the frame --- */

/* The folder's own name in letters that a card's name may have. */
static mdp_status name_of(const char *path, struct mdp_text *name, struct mdp_error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    for (const char *c = mdp_path_base(path); *c; c++)
        mdp_text_add(name, "%c", strchr(allowed, *c) && (name->n || *c != '.') ? *c : '-');
    if (name->n == 0)
        mdp_text_add(name, "model");
    return mdp_text_status(name, err);
}

static mdp_status open_folder(struct mdp_folder *folder, const char *path, const char *name,
                              struct mdp_error *err)
{
    char resolved[PATH_MAX];

    if (!realpath(path, resolved))
        return mdp_fail_errno(err, MDP_ERR_IO, "%s", path);
    mdp_text_add(&folder->path, "%s", resolved);
    TRY(mdp_text_status(&folder->path, err));
    if (!name)
        return name_of(resolved, &folder->name, err);
    mdp_text_add(&folder->name, "%s", name);
    return mdp_text_status(&folder->name, err);
}

mdp_status mdp_model_folder_to_card(const char *path, const char *name, struct mdp_text *card,
                                    struct mdp_error *err)
{
    struct mdp_folder folder = {.card = card};
    mdp_status st = open_folder(&folder, path, name, err);

    if (st != MDP_OK)
        ;
    else if (mdp_folder_has(&folder, "open_clip_config.json"))
        st = read_open_clip(&folder, err);
    else if (mdp_folder_has(&folder, "config.json"))
        st = read_transformers(&folder, err);
    else
        st = mdp_fail(err, MDP_ERR_MISSING,
                      "%s: is no model's folder: neither config.json nor open_clip_config.json is in it",
                      path);
    if (st == MDP_OK)
        st = mdp_text_status(card, err);
    mdp_folder_file_release(&folder.config);
    mdp_folder_file_release(&folder.processor);
    mdp_folder_file_release(&folder.tokenizer);
    mdp_text_release(&folder.path);
    mdp_text_release(&folder.name);
    return st;
}
