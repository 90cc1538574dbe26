/* SPDX-License-Identifier: BSD-3-Clause */
/* medprobe models: what is known, what is here, what is in a file, and fetching. */
#include "base/config_files.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/options.h"
#include "base/parallel.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/dispatch.h"
#include "cmd/interrupt.h"
#include "extract/model/model_card.h"
#include "extract/model/model_files.h"
#include "extract/weights/weights.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* --- printing --- */

/* Text that is UTF-8 and drives no terminal. A path need not be UTF-8: then its bytes above 0x7F become '?'.
 */
static json_t *json_text(const char *text)
{
    json_t *value = json_string(text);
    char *copy = value ? NULL : strdup(text);

    if (!copy)
        return value;
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c > 0x7F)
            *c = '?';
    value = json_string(copy);
    free(copy);
    return value;
}

/* A missing text is null. */
static json_t *json_text_or_null(const char *text)
{
    return text ? json_text(text) : json_null();
}

static mdp_status print_json(json_t *value, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    if (!value || json_dumpf(value, stdout, JSON_INDENT(2)) != 0)
        st = mdp_fail(err, MDP_ERR_MEMORY, "out of memory for JSON");
    else
        putchar('\n');
    json_decref(value);
    return st;
}

/* "label   text", nothing without text. */
static void print_fact(const char *label, const char *text)
{
    struct mdp_text safe = {0};

    if (!text)
        return;
    mdp_text_add_printable(&safe, text);
    if (!safe.failed && safe.at)
        printf("%-12s %s\n", label, safe.at);
    mdp_text_release(&safe);
}

static void print_count(const char *label, size_t n)
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

/* --- list and show --- */

static mdp_status files_json(const struct mdp_model_card *card, json_t *list, size_t *present,
                             struct mdp_error *err)
{
    struct mdp_text path = {0};
    mdp_status st = MDP_OK;

    *present = 0;
    for (size_t i = 0; i < card->n_files && st == MDP_OK; i++) {
        const struct mdp_model_file *f = &card->files[i];
        enum mdp_file_state state = MDP_FILE_ABSENT;
        char sha256[65];
        st = mdp_model_file_state(card, f, true, &path, &state, sha256, err);
        if (st != MDP_OK)
            break;
        *present += state != MDP_FILE_ABSENT;
        json_t *entry = json_pack(
            "{s:s, s:s, s:o, s:b, s:o, s:o, s:o, s:o}", "role", f->role, "name", f->name, "path",
            json_text(path.at), "present", state != MDP_FILE_ABSENT, "url", json_text_or_null(f->url),
            "sha256", json_text_or_null(f->member ? f->member_sha256 : f->sha256), "size",
            f->size ? json_integer((json_int_t)f->size) : json_null(), "note", json_text_or_null(f->note));
        if (!entry || json_array_append_new(list, entry) != 0)
            st = mdp_fail(err, MDP_ERR_MEMORY, "out of memory for JSON");
    }
    mdp_text_release(&path);
    return st;
}

static mdp_status card_json(const struct mdp_model_card *card, json_t **out, size_t *present,
                            struct mdp_error *err)
{
    json_t *files = json_array();
    mdp_status st = files_json(card, files, present, err);

    if (st != MDP_OK) {
        json_decref(files);
        return st;
    }
    *out =
        json_pack("{s:s, s:o, s:s, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "name", card->name, "title",
                  json_text_or_null(card->title), "family", card->family, "parameters",
                  card->parameters ? json_integer((json_int_t)card->parameters) : json_null(),
                  "embedding_width", (json_int_t)card->embedding_width, "licence",
                  json_text_or_null(card->licence), "licence_note", json_text_or_null(card->licence_note),
                  "source", json_text_or_null(card->source), "card", json_text(card->path), "files", files);
    return *out ? MDP_OK : mdp_fail(err, MDP_ERR_MEMORY, "out of memory for JSON");
}

static void print_row(const struct mdp_model_card *card, size_t present)
{
    char parameters[32] = "", files[32];

    if (card->parameters)
        snprintf(parameters, sizeof parameters, "%.1f M", (double)card->parameters / 1e6);
    snprintf(files, sizeof files, "%zu of %zu", present, card->n_files);
    printf("%-24s %-12s %10s %6zu  %-8s %s\n", card->name, card->family, parameters, card->embedding_width,
           files, card->licence ? card->licence : "");
}

static mdp_status list_one(const char *name, bool json, json_t *all, struct mdp_error *err)
{
    struct mdp_model_card card;
    json_t *entry = NULL;
    size_t present = 0;

    mdp_status st = mdp_model_card_read(name, &card, err);
    if (st != MDP_OK)
        return st;
    st = card_json(&card, &entry, &present, err);
    if (st == MDP_OK && json)
        json_array_append(all, entry);
    else if (st == MDP_OK)
        print_row(&card, present);
    json_decref(entry);
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
    json_t *all = json_array();

    (void)exit_code;
    mdp_status st = mdp_options_parse(&usage, options, COUNT(options), argc, argv, &common, &args, err);
    if (st != MDP_OK || args.help)
        goto out;
    st = mdp_config_names(&mdp_config_models, &names, err);
    if (st == MDP_OK && !json)
        printf("%-24s %-12s %10s %6s  %-8s %s\n", "name", "family", "parameters", "width", "files",
               "licence");
    for (size_t i = 0; i < names.n && st == MDP_OK; i++)
        if (list_one(names.at[i], json, all, err) != MDP_OK)
            mdp_log(&common.log, MDP_LOG_WARN, "%s", err->message); /* one bad card hides no other */
    if (st == MDP_OK && json) {
        st = print_json(all, err);
        all = NULL;
    }
out:
    json_decref(all);
    mdp_names_release(&names);
    mdp_arguments_release(&args);
    return st;
}

static mdp_status print_files(const struct mdp_model_card *card, bool by_name, size_t *wrong,
                              struct mdp_error *err)
{
    struct mdp_text path = {0}, line = {0};
    mdp_status st = MDP_OK;

    *wrong = 0;
    for (size_t i = 0; i < card->n_files && st == MDP_OK; i++) {
        const struct mdp_model_file *f = &card->files[i];
        enum mdp_file_state state = MDP_FILE_ABSENT;
        char sha256[65];
        st = mdp_model_file_state(card, f, by_name, &path, &state, sha256, err);
        if (st != MDP_OK)
            break;
        *wrong += state == MDP_FILE_ABSENT || state == MDP_FILE_DIFFERS;
        mdp_text_clear(&line);
        mdp_text_add(&line, "%s (%s)", path.at,
                     state == MDP_FILE_UNCHECKED ? "present" : mdp_file_state_name(state));
        print_fact(f->role, line.failed ? path.at : line.at);
        if (state == MDP_FILE_ABSENT)
            print_fact("", f->url ? f->url : f->note);
    }
    mdp_text_release(&path);
    mdp_text_release(&line);
    return st;
}

static mdp_status print_card(const struct mdp_model_card *card, struct mdp_error *err)
{
    size_t wrong = 0;

    print_fact("name", card->name);
    print_fact("title", card->title);
    print_fact("family", card->family);
    if (card->parameters)
        print_count("parameters", card->parameters);
    print_count("width", card->embedding_width);
    print_fact("towers", card->image && card->text ? "image, text" : card->image ? "image" : "text");
    print_fact("source", card->source);
    print_fact("licence", card->licence);
    print_fact("", card->licence_note);
    print_fact("card", card->path);
    for (size_t i = 0; card->pipelines && i < card->pipelines->n; i++) {
        const char *key = card->pipelines->keys[i]->scalar;
        if (strcmp(key, "default") != 0)
            print_fact("pipeline", key);
    }
    return print_files(card, true, &wrong, err);
}

static mdp_status run_show(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    bool json = false;
    const struct mdp_option options[] = {
        {.name = "json", .flag = &json, .help = "print JSON instead of lines"}};
    const struct mdp_usage usage = {
        .command = "models show",
        .synopsis = "NAME [options]",
        .summary = "Shows what a model card says: source, licence, sizes, pipelines, files.",
        .example = "medprobe models show medclip-vit",
        .least_operands = 1,
        .most_operands = 1,
        .operand = "a model"};
    struct mdp_common common = {0};
    struct mdp_arguments args = {0};
    struct mdp_model_card card = {0};
    json_t *entry = NULL;
    size_t present = 0;

    (void)exit_code;
    mdp_status st = mdp_options_parse(&usage, options, COUNT(options), argc, argv, &common, &args, err);
    if (st != MDP_OK || args.help)
        goto out;
    st = mdp_model_card_read(args.operands[0], &card, err);
    if (st == MDP_OK && json)
        st = card_json(&card, &entry, &present, err);
    if (st == MDP_OK)
        st = json ? print_json(entry, err) : print_card(&card, err);
out:
    mdp_model_card_release(&card);
    mdp_arguments_release(&args);
    return st;
}

/* --- inspect --- */

struct digests {
    const struct mdp_weights *weights;
    char (*hex)[MDP_SHA256_HEX]; /* [tensors] */
};

static mdp_status digest_one(void *context, size_t item, size_t worker, struct mdp_error *err)
{
    struct digests *d = context;
    uint8_t digest[MDP_SHA256_SIZE];
    mdp_status st = mdp_tensor_sha256(mdp_weights_at(d->weights, item), digest, err);

    (void)worker;
    if (st == MDP_OK)
        mdp_sha256_hex(digest, d->hex[item]);
    return st;
}

/* Elements and bytes of all tensors. */
static void sum_up(const struct mdp_weights *w, size_t *elements, size_t *bytes)
{
    *elements = *bytes = 0;
    for (size_t i = 0; i < mdp_weights_count(w); i++) {
        const struct mdp_tensor *t = mdp_weights_at(w, i);
        *elements += t->count; /* bounded by mdp_weights_open */
        *bytes += t->count * mdp_dtype_size(t->dtype);
    }
}

static json_t *tensor_json(const struct mdp_tensor *t, const char *hex)
{
    json_t *shape = json_array();

    for (size_t d = 0; d < t->rank; d++)
        json_array_append_new(shape, json_integer((json_int_t)t->shape[d]));
    return json_pack("{s:s, s:s, s:o, s:I, s:b, s:o}", "name", t->name, "dtype", mdp_dtype_name(t->dtype),
                     "shape", shape, "bytes", (json_int_t)(t->count * mdp_dtype_size(t->dtype)), "contiguous",
                     t->contiguous, "sha256", hex ? json_string(hex) : json_null());
}

static mdp_status inspect_json(const struct digests *d, struct mdp_error *err)
{
    const struct mdp_weights *w = d->weights;
    json_t *tensors = json_array();
    size_t elements = 0, bytes = 0;

    sum_up(w, &elements, &bytes);
    for (size_t i = 0; i < mdp_weights_count(w); i++)
        if (json_array_append_new(tensors, tensor_json(mdp_weights_at(w, i), d->hex ? d->hex[i] : NULL)) !=
            0) {
            json_decref(tensors);
            return mdp_fail(err, MDP_ERR_MEMORY, "out of memory for JSON");
        }
    return print_json(json_pack("{s:o, s:s, s:I, s:I, s:I, s:o}", "file", json_text(mdp_weights_path(w)),
                                "format", mdp_weights_format(w), "count", (json_int_t)mdp_weights_count(w),
                                "elements", (json_int_t)elements, "bytes", (json_int_t)bytes, "tensors",
                                tensors),
                      err);
}

static mdp_status inspect_text(const struct digests *d, struct mdp_error *err)
{
    const struct mdp_weights *w = d->weights;
    struct mdp_text line = {0};
    size_t elements = 0, bytes = 0;
    mdp_status st = MDP_OK;

    sum_up(w, &elements, &bytes);
    print_fact("file", mdp_weights_path(w));
    print_fact("format", mdp_weights_format(w));
    print_count("tensors", mdp_weights_count(w));
    print_count("elements", elements);
    print_count("bytes", bytes);
    for (size_t i = 0; i < mdp_weights_count(w) && st == MDP_OK; i++) {
        const struct mdp_tensor *t = mdp_weights_at(w, i);
        struct mdp_text shape = {0};
        mdp_shape_to_text(t->rank, t->shape, &shape);
        mdp_text_clear(&line);
        if (d->hex)
            mdp_text_add(&line, "%s  ", d->hex[i]);
        mdp_text_add(&line, "%-13s %-20s ", mdp_dtype_name(t->dtype), shape.failed ? "?" : shape.at);
        mdp_text_add_printable(&line, t->name);
        mdp_text_release(&shape);
        st = mdp_text_status(&line, err);
        if (st == MDP_OK)
            printf("%s%s\n", i ? "" : "\n", line.at);
    }
    mdp_text_release(&line);
    return st;
}

static mdp_status inspect(const char *path, bool json, bool no_digest, size_t threads, struct mdp_error *err)
{
    struct mdp_weights *weights = NULL;
    struct digests d = {0};

    mdp_status st = mdp_weights_open(path, &weights, err);
    if (st != MDP_OK)
        return st;
    d.weights = weights;
    if (!no_digest) {
        d.hex = mdp_new_array(mdp_weights_count(weights), sizeof *d.hex, err, &st);
        if (st == MDP_OK)
            st = mdp_parallel(mdp_weights_count(weights), threads, digest_one, &d, err);
    }
    if (st == MDP_OK)
        st = json ? inspect_json(&d, err) : inspect_text(&d, err);
    free(d.hex);
    mdp_weights_close(weights);
    return st;
}

static mdp_status run_inspect(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    bool json = false, no_digest = false;
    const struct mdp_option options[] = {
        {.name = "json", .flag = &json, .help = "print JSON instead of lines"},
        {.name = "no-digest",
         .flag = &no_digest,
         .help = "leave out the SHA-256 of each tensor (quicker: only the file's directory is read)"}};
    const struct mdp_usage usage = {
        .command = "models inspect",
        .synopsis = "FILE [options]",
        .summary = "Lists the tensors of a weight file (torch.save, old or new, and safetensors): SHA-256 of "
                   "the elements in "
                   "row-major order, dtype, shape, name. Nothing in the file is executed.",
        .example = "medprobe models inspect pytorch_model.bin",
        .least_operands = 1,
        .most_operands = 1,
        .operand = "a weight file"};
    struct mdp_common common = {0};
    struct mdp_arguments args = {0};

    (void)exit_code;
    mdp_status st = mdp_options_parse(&usage, options, COUNT(options), argc, argv, &common, &args, err);
    if (st == MDP_OK && !args.help)
        st = inspect(args.operands[0], json, no_digest, common.threads, err);
    mdp_arguments_release(&args);
    return st;
}

/* --- pull --- */

enum { MIB = 1 << 20 };

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

static mdp_status pull_file(const struct mdp_model_card *card, const struct mdp_model_file *file,
                            size_t retries, bool force, const struct mdp_log *log, struct mdp_error *err)
{
    struct pulling p = {.log = log};
    const struct mdp_fetch how = {.retries = retries,
                                  .progress = show_progress,
                                  .retry = show_retry,
                                  .context = &p,
                                  .stop = mdp_interrupt_catch()};
    enum mdp_file_state state = MDP_FILE_ABSENT;
    struct mdp_text path = {0};
    char sha256[65];

    mdp_status st = mdp_model_file_state(card, file, false, &path, &state, sha256, err);
    if (st != MDP_OK)
        goto out;
    if (!force && (state == MDP_FILE_FITS || (state == MDP_FILE_UNCHECKED && !file->url))) {
        mdp_log(log, MDP_LOG_INFO, "%s: is already there%s", path.at,
                state == MDP_FILE_FITS ? ", its SHA-256 fits" : "");
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
        mdp_log(log, MDP_LOG_INFO, "%s: complete, its SHA-256 fits", path.at);
out:
    mdp_text_release(&path);
    return st;
}

static mdp_status run_pull(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    bool force = false;
    size_t retries = MDP_FETCH_RETRIES;
    const struct mdp_option options[] = {
        {.name = "retries",
         .size = &retries,
         .argument = "N",
         .help = "how often a line that drops early is taken up again",
         .most = 1000},
        {.name = "force", .flag = &force, .help = "fetch files that are there and fit, too"}};
    const struct mdp_usage usage = {
        .command = "models pull",
        .synopsis = "NAME [options]",
        .summary = "Fetches the files of a model into $MEDPROBE_HOME/files/NAME (else the XDG data folder, "
                   "~/.local/share/medprobe) and checks their SHA-256 before they get their names.",
        .example = "medprobe models pull medclip-vit",
        .least_operands = 1,
        .most_operands = 1,
        .operand = "a model"};
    struct mdp_common common = {0};
    struct mdp_arguments args = {0};
    struct mdp_model_card card = {0};

    (void)exit_code;
    mdp_status st = mdp_options_parse(&usage, options, COUNT(options), argc, argv, &common, &args, err);
    if (st != MDP_OK || args.help)
        goto out;
    st = mdp_model_card_read(args.operands[0], &card, err);
    for (size_t i = 0; i < card.n_files && st == MDP_OK; i++)
        st = pull_file(&card, &card.files[i], retries, force, &common.log, err);
out:
    mdp_model_card_release(&card);
    mdp_arguments_release(&args);
    return st;
}

/* --- check --- */

static mdp_status run_check(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    const struct mdp_usage usage = {
        .command = "models check",
        .synopsis = "NAME [options]",
        .summary = "Checks that the files of a model are here and have the SHA-256 of its card.",
        .example = "medprobe models check medclip-vit",
        .least_operands = 1,
        .most_operands = 1,
        .operand = "a model"};
    struct mdp_common common = {0};
    struct mdp_arguments args = {0};
    struct mdp_model_card card = {0};
    size_t wrong = 0;

    (void)exit_code;
    mdp_status st = mdp_options_parse(&usage, NULL, 0, argc, argv, &common, &args, err);
    if (st != MDP_OK || args.help)
        goto out;
    st = mdp_model_card_read(args.operands[0], &card, err);
    if (st == MDP_OK)
        st = print_files(&card, false, &wrong, err);
    if (st == MDP_OK && wrong)
        st = mdp_fail(err, MDP_ERR_CHECK,
                      "%s: %zu of its %zu files are absent or differ (medprobe models pull %s)", card.name,
                      wrong, card.n_files, card.name);
out:
    mdp_model_card_release(&card);
    mdp_arguments_release(&args);
    return st;
}

/* --- the command --- */

static const struct mdp_command rows[] = {
    {"list", "the models that are known by name", run_list, false},
    {"show", "what one model's card says", run_show, false},
    {"inspect", "the tensors of a weight file", run_inspect, false},
    {"pull", "fetch a model's files", run_pull, false},
    {"check", "are a model's files here and the right ones", run_check, false},
};

static const struct mdp_command_table subcommands = {
    .program = "medprobe models",
    .summary = "Model cards and the files that belong to them.",
    .example = "  medprobe models pull medclip-vit",
    .rows = rows,
    .n = COUNT(rows),
};

mdp_status mdp_cmd_models(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    const struct mdp_command *command = NULL;
    mdp_status st = mdp_dispatch(&subcommands, &argc, &argv, &command, err);

    return st == MDP_OK && command ? command->run(argc, argv, exit_code, err) : st;
}
