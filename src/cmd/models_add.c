/* SPDX-License-Identifier: BSD-3-Clause */
/* medprobe models add: the card of a folder under a name, where `--model NAME` finds it. */
#include "base/config_files.h"
#include "base/file.h"
#include "base/try.h"
#include "cmd/models_common.h"
#include "extract/model/model_card.h"

#include <string.h>

struct add_options {
    const char *name;
    bool force;
};

/* It becomes a part of a path. */
static mdp_status check_name(const char *name, struct mdp_error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    if (!name[0] || name[0] == '.' || name[strspn(name, allowed)])
        return mdp_fail(err, MDP_ERR_USAGE, "--name '%s' is no plain name (letters, digits, '.', '_', '-')",
                        name);
    return MDP_OK;
}

/* `text` to the models' folder, as NAME.yaml; *path is where it stands then. */
static mdp_status write_card(const char *name, bool force, const struct mdp_text *text, struct mdp_text *path,
                             struct mdp_error *err)
{
    struct mdp_text folder = {0}, file = {0};
    mdp_status st = MDP_OK;

    OR_OUT(mdp_home_folder(&folder, err));
    mdp_text_add(&folder, "/models");
    mdp_text_add(&file, "%s.yaml", name);
    OR_OUT(mdp_text_status(&folder, err));
    OR_OUT(mdp_text_status(&file, err));
    OR_OUT(mdp_path_join(path, folder.at, file.at, err));
    if (mdp_path_exists(path->at) && !force)
        st = mdp_fail(err, MDP_ERR_USAGE,
                      "%s: is already there (--force replaces it, --name NAME keeps both)", path->at);
    else
        st = mdp_file_write_text(folder.at, file.at, text, err);
out:
    mdp_text_release(&folder);
    mdp_text_release(&file);
    return st;
}

/* context: struct add_options */
static mdp_status add(const struct mdp_model_card *card, const struct mdp_common *common, void *context,
                      struct mdp_error *err)
{
    const struct add_options *o = context;
    const char *name = o->name ? o->name : card->name;
    struct mdp_text path = {0}, text = {0};
    mdp_status st = MDP_OK;

    if (!card->made)
        return mdp_fail(err, MDP_ERR_USAGE,
                        "%s: is a card already (models add takes a folder or a file of OpenAI's CLIP)",
                        card->path);
    TRY(check_name(name, err));
    TRY(mdp_model_card_check(card, err));
    OR_OUT(mdp_model_card_make(card->path, name, &text, err));
    OR_OUT(write_card(name, o->force, &text, &path, err));
    mdp_log(&common->log, MDP_LOG_INFO, "%s: written; --model %s takes it", path.at, name);
out:
    mdp_text_release(&path);
    mdp_text_release(&text);
    return st;
}

mdp_status mdp_models_add(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    struct add_options o = {0};
    const struct mdp_option options[] = {
        {.name = "name",
         .string = &o.name,
         .argument = "NAME",
         .help = "what it is called; without it, as the folder or file"},
        {.name = "force", .flag = &o.force, .help = "replace a card of this name"}};
    const struct mdp_usage usage = {
        .command = "models add",
        .synopsis = "PATH [options]",
        .summary =
            "Writes the card of a folder, as transformers or open_clip saves it, or of a file of OpenAI's "
            "CLIP, into $MEDPROBE_HOME/models "
            "(else "
            "the XDG data folder, ~/.local/share/medprobe): to be read, mended and called by its name.",
        .example = "medprobe models add ./plip/ --name plip",
        .least_operands = 1,
        .most_operands = 1,
        .operands = {"a folder or file"}};

    (void)exit_code;
    return mdp_models_with_card(&usage, options, 2, argc, argv, add, &o, err);
}
