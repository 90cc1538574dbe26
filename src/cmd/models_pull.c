/* SPDX-License-Identifier: BSD-3-Clause */
/* medprobe models pull and check: the files of a model on this machine. */
#include "base/hash.h"
#include "base/try.h"
#include "cmd/interrupt.h"
#include "cmd/models_common.h"

#include <stdio.h>
#include <string.h>

/* --- pull --- */

enum { MIB = 1 << 20 };

struct pull_options {
    size_t retries;
    bool force;
};

struct pulling {
    const struct mdp_log *log;
    struct mdp_progress progress;
    bool begun;
};

static void show_progress(void *context, size_t done, size_t total)
{
    struct pulling *p = context;

    if (!p->begun) {
        mdp_progress_begin(&p->progress, p->log, "MiB", total / MIB, done / MIB);
        p->begun = true;
    }
    if (total)
        p->progress.total = total / MIB;
    mdp_progress_show(&p->progress, done / MIB, 0);
}

static void show_retry(void *context, const char *reason)
{
    struct pulling *p = context;

    mdp_log(p->log, MDP_LOG_WARN, "%s; trying again", reason);
}

static const char *how_it_fits(const struct mdp_model_file *file)
{
    const char *known = mdp_models_sha256(file) ? mdp_models_sha256(file) : file->sha256;

    return !known || strlen(known) == MDP_SHA256_HEX - 1
               ? ", its SHA-256 fits"
               : ", the digits of its SHA-256 that are published fit";
}

static mdp_status pull_file(const struct mdp_model_card *card, const struct mdp_model_file *file,
                            const struct pull_options *o, const struct mdp_log *log, struct mdp_error *err)
{
    struct pulling p = {.log = log};
    const struct mdp_fetch how = {.retries = o->retries,
                                  .progress = show_progress,
                                  .retry = show_retry,
                                  .context = &p,
                                  .stop = mdp_interrupt_catch()};
    enum mdp_file_state state = MDP_FILE_ABSENT;
    struct mdp_text path = {0};
    char sha256[MDP_SHA256_HEX];
    mdp_status st = MDP_OK;

    OR_OUT(mdp_model_file_state(card, file, false, &path, &state, sha256, err));
    if (!o->force && (state == MDP_FILE_FITS || (state == MDP_FILE_UNCHECKED && !file->url))) {
        mdp_log(log, MDP_LOG_INFO, "%s: is already there%s", path.at,
                state == MDP_FILE_FITS ? how_it_fits(file) : "");
        goto out;
    }
    if (!file->url) {
        mdp_log(log, MDP_LOG_WARN, "%s: %s: the model card has no address for it (%s)", path.at,
                mdp_file_state_name(state), file->note ? file->note : "put it there by hand");
        goto out;
    }
    if (state == MDP_FILE_DIFFERS)
        mdp_log(log, MDP_LOG_WARN, "%s: its SHA-256 is not that of the model card; it is fetched again",
                path.at);
    mdp_log(log, MDP_LOG_INFO, "fetching %s", file->url);
    st = mdp_model_file_pull(card, file, &how, err);
    if (p.begun && p.progress.drawn)
        mdp_progress_end(&p.progress, p.progress.total, 0);
    if (st == MDP_OK)
        mdp_log(log, MDP_LOG_INFO, "%s: complete%s", path.at, how_it_fits(file));
out:
    mdp_text_release(&path);
    return st;
}

/* context: struct pull_options */
static mdp_status pull(const struct mdp_model_card *card, const struct mdp_common *common, void *context,
                       struct mdp_error *err)
{
    for (size_t i = 0; i < card->n_files; i++)
        TRY(pull_file(card, &card->files[i], context, &common->log, err));
    return MDP_OK;
}

mdp_status mdp_models_pull(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    struct pull_options o = {.retries = MDP_FETCH_RETRIES};
    const struct mdp_option options[] = {
        {.name = "retries",
         .size = &o.retries,
         .argument = "N",
         .help = "how often a line that drops early is taken up again",
         .most = 1000},
        {.name = "force", .flag = &o.force, .help = "fetch files that are there and fit, too"}};
    const struct mdp_usage usage = {
        .command = "models pull",
        .synopsis = "MODEL [options]",
        .summary = "Fetches the files of a model into $MEDPROBE_HOME/files/NAME (else the XDG data folder, "
                   "~/.local/share/medprobe) and checks their SHA-256 before they get their names.",
        .example = "medprobe models pull medclip-vit",
        .least_operands = 1,
        .most_operands = 1,
        .operands = {"a model"}};

    (void)exit_code;
    return mdp_models_with_card(&usage, options, 2, argc, argv, pull, &o, err);
}

/* --- check --- */

static mdp_status check(const struct mdp_model_card *card, const struct mdp_common *common, void *context,
                        struct mdp_error *err)
{
    size_t wrong = 0;

    (void)common;
    (void)context;
    for (size_t i = 0; i < card->n_files; i++) {
        const struct mdp_model_file *f = &card->files[i];
        enum mdp_file_state state = MDP_FILE_ABSENT;
        TRY(mdp_models_print_file(card, f, false, &state, err));
        wrong += state == MDP_FILE_ABSENT || state == MDP_FILE_DIFFERS;
        if (state == MDP_FILE_ABSENT)
            mdp_models_print_fact("", f->url ? f->url : f->note);
    }
    if (wrong)
        return mdp_fail(err, MDP_ERR_CHECK,
                        "%s: %zu of its %zu files are absent or differ (medprobe models pull %s)", card->name,
                        wrong, card->n_files, card->name);
    return MDP_OK;
}

mdp_status mdp_models_check(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    const struct mdp_usage usage = {
        .command = "models check",
        .synopsis = "MODEL [options]",
        .summary = "Checks that the files of a model are here and have the SHA-256 of its card.",
        .example = "medprobe models check medclip-vit",
        .least_operands = 1,
        .most_operands = 1,
        .operands = {"a model"}};

    (void)exit_code;
    return mdp_models_with_card(&usage, NULL, 0, argc, argv, check, NULL, err);
}
