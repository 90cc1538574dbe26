/* SPDX-License-Identifier: BSD-3-Clause */
/* extract: pictures and prompts to a store. */
#include "base/config_files.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/options.h"
#include "base/ordered.h"
#include "cmd/commands.h"
#include "cmd/interrupt.h"
#include "cmd/project.h"
#include "extract/job/encode.h"
#include "extract/job/existing_store.h"
#include "extract/job/prompt_embeddings.h"
#include "extract/job/store_write.h"
#include "extract/model/model_card.h"
#include "extract/text/vocab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct extract_options {
    const char *model, *weights, *text_weights, *vocab, *text_pooling;
    const char *manifest, *root, *prompts;
    const char *pipeline, *grey16, *orientation, *resize_order, *precision;
    struct mdp_manifest_options table;
    size_t batch_size, max_pixels;
    bool skip_errors, resume, force;
    const char *out;
};

/* Everything a run holds, in the order in which it comes to be. */
struct job {
    struct extract_options opt;
    struct mdp_common common;
    const volatile sig_atomic_t *stop;
    struct mdp_manifest manifest;
    struct mdp_model_card card;
    struct mdp_pipeline pipeline;
    struct mdp_text weights_path, text_weights_path, vocab_path;
    struct mdp_prompts prompts;
    struct mdp_prompt_embeddings texts;
    struct mdp_facts attributes; /* of the store's root */
    struct mdp_facts facts;      /* of the work file: the attributes and what else defines the bytes */
    struct mdp_weights *weights, *text_weights;
    struct mdp_image_tower *tower;
    double logit_scale;
    struct mdp_workfile *work;
    struct mdp_encoder encoder;
    struct mdp_progress progress;
    size_t failures; /* so far */
    bool other_weights, other_text_weights,
        other_vocab; /* than the published ones, whose digests the card has */
};

/* --- manifest and output --- */

static mdp_status need(const char *value, const char *option, const char *what, struct mdp_error *err)
{
    return value ? MDP_OK : mdp_fail(err, MDP_ERR_USAGE, "--%s is missing (%s)", option, what);
}

/* Found out now, not when all pictures are done. */
static mdp_status check_out(const char *out, struct mdp_error *err)
{
    struct mdp_text folder = {0};
    mdp_status st = mdp_path_folder(&folder, out, err);

    if (st == MDP_OK && !mdp_path_is_folder(folder.at))
        st = mdp_fail(err, MDP_ERR_USAGE, "--out %s: there is no folder %s (make it first)", out, folder.at);
    mdp_text_release(&folder);
    return st;
}

static mdp_status check_options(const struct extract_options *o, struct mdp_error *err)
{
    mdp_status st = need(o->model, "model", "a name of medprobe models list, or a model's YAML file", err);

    if (st == MDP_OK)
        st = need(o->manifest, "manifest", "a CSV file with a column 'path'", err);
    if (st == MDP_OK)
        st = need(o->out, "out", "the store to write, e.g. -o data.h5", err);
    if (st == MDP_OK)
        st = check_out(o->out, err);
    if (st == MDP_OK && o->resume && o->force)
        st = mdp_fail(err, MDP_ERR_USAGE, "--resume and --force: only one can be meant");
    if (st == MDP_OK && !o->prompts && (o->vocab || o->text_weights || o->text_pooling))
        st = mdp_fail(err, MDP_ERR_USAGE, "--%s: without --prompts no text is read",
                      o->vocab          ? "vocab"
                      : o->text_weights ? "text-weights"
                                        : "text-pooling");
    return st;
}

/* Files of one's own are legitimate; that they are not the published ones should not go unnoticed. */
static void say_other(const struct job *job, bool other, const char *path, const char *what)
{
    if (other)
        mdp_log(&job->common.log, MDP_LOG_INFO, "%s: is not the published %s of %s (SHA-256 differs)", path,
                what, job->card.name);
}

static void say_input(const struct job *job)
{
    const struct mdp_manifest *m = &job->manifest;

    say_other(job, job->other_weights, job->weights_path.at, "weights");
    say_other(job, job->other_text_weights, job->text_weights_path.at, "text weights");
    say_other(job, job->other_vocab, job->vocab_path.at, "vocabulary");
    mdp_log(&job->common.log, MDP_LOG_INFO, "%s: %zu rows, %zu classes", m->file, m->n, m->n_classes);
    if (m->n_classes == 2)
        mdp_log(&job->common.log, MDP_LOG_INFO, "positive class: '%s' (the second of '%s', '%s')",
                m->class_names[1], m->class_names[0], m->class_names[1]);
    if (job->opt.prompts)
        mdp_log(&job->common.log, MDP_LOG_INFO, "%s: %zu prompts of %zu classes", job->prompts.name,
                job->texts.part.n, job->prompts.n);
}

/* --- the model --- */

/* "a, b, c": the pipelines of the card. */
static void list_pipelines(const struct mdp_model_card *card, struct mdp_text *out)
{
    for (size_t i = 0; i < card->pipelines->n; i++)
        if (card->pipelines->values[i]->kind == MDP_YAML_MAP)
            mdp_text_add(out, "%s%s", out->n ? ", " : "", card->pipelines->keys[i]->scalar);
}

static mdp_status choose_pipeline(struct job *job, struct mdp_error *err)
{
    const struct mdp_model_card *card = &job->card;
    const struct extract_options *o = &job->opt;
    const struct {
        const char *key, *word, *option;
    } words[] = {{"grey16", o->grey16, "grey16"},
                 {"orientation", o->orientation, "orientation"},
                 {"resize_order", o->resize_order, "resize-order"}};
    const char *name = o->pipeline;
    mdp_status st = MDP_OK;

    if (!name)
        st = mdp_yaml_get_string(card->doc, card->pipelines, "default", &name, err);
    if (st != MDP_OK)
        return st;
    const struct mdp_yaml_node *node = mdp_yaml_find(card->pipelines, name);
    if (!node || node->kind != MDP_YAML_MAP) {
        struct mdp_text list = {0};
        list_pipelines(card, &list);
        st = mdp_fail(err, MDP_ERR_USAGE, "--pipeline %s: %s has no such pipeline (it has: %s)", name,
                      card->name, list.at ? list.at : "none");
        mdp_text_release(&list);
        return st;
    }
    st = mdp_pipeline_from_yaml(card->doc, node, name, &job->pipeline, err);
    for (size_t i = 0; i < sizeof words / sizeof *words && st == MDP_OK; i++)
        if (words[i].word && mdp_pipeline_set(&job->pipeline, words[i].key, words[i].word, err) != MDP_OK)
            st = mdp_fail_at(err, MDP_ERR_USAGE, "--%s", words[i].option);
    return st;
}

static mdp_status open_card(struct job *job, struct mdp_error *err)
{
    const struct mdp_model_card *card = &job->card;
    mdp_status st = mdp_model_card_read(job->opt.model, &job->card, err);

    if (st != MDP_OK)
        return st;
    if (!card->image || !card->pipelines)
        return mdp_fail(err, MDP_ERR_USAGE,
                        "--model %s: reads texts only, no pictures (a model with a picture tower is needed: "
                        "medprobe models list)",
                        card->name);
    if (job->opt.prompts && (!card->text || !card->tokenizer))
        return mdp_fail(err, MDP_ERR_USAGE,
                        "--prompts: %s reads pictures only (leave --prompts out, or take a model with a text "
                        "tower: medprobe models list)",
                        card->name);
    return choose_pipeline(job, err);
}

/* `given`, else the pulled file of the role; without it an error that says how to get it. */
static mdp_status locate(const struct job *job, const char *given, const char *role, struct mdp_text *path,
                         struct mdp_error *err)
{
    if (!given)
        return mdp_model_card_locate(&job->card, role, path, err);
    mdp_text_add(path, "%s", given);
    return mdp_text_status(path, err);
}

/* --vocab, else the file of that name beside the weights, else the pulled one. */
static mdp_status locate_vocab(struct job *job, struct mdp_error *err)
{
    const struct mdp_model_file *file = mdp_model_card_file(&job->card, "vocab");
    struct mdp_text folder = {0};
    mdp_status st = MDP_OK;

    if (!job->opt.vocab && file && file->name) {
        st = mdp_path_folder(&folder, job->weights_path.at, err);
        if (st == MDP_OK)
            st = mdp_path_join(&job->vocab_path, folder.at, file->name, err);
        mdp_text_release(&folder);
        if (st != MDP_OK || mdp_path_exists(job->vocab_path.at))
            return st;
        mdp_text_clear(&job->vocab_path);
    }
    st = locate(job, job->opt.vocab, "vocab", &job->vocab_path, err);
    if (st == MDP_OK && mdp_path_is_folder(job->vocab_path.at)) {
        mdp_text_add(&job->vocab_path, "/vocab.txt");
        st = mdp_text_status(&job->vocab_path, err);
    }
    return st;
}

static mdp_status locate_files(struct job *job, struct mdp_error *err)
{
    mdp_status st = locate(job, job->opt.weights, "weights", &job->weights_path, err);

    if (st != MDP_OK || !job->opt.prompts)
        return st;
    if (job->opt.text_weights || mdp_model_card_file(&job->card, "text-weights"))
        st = locate(job, job->opt.text_weights, "text-weights", &job->text_weights_path, err);
    return st == MDP_OK ? locate_vocab(job, err) : st;
}

/* --- prompts --- */

/* Classes of labels and prompts are matched by name; a class without prompts would have no zero-shot score.
 */
static mdp_status match_classes(const struct job *job, struct mdp_error *err)
{
    const struct mdp_manifest *m = &job->manifest;

    for (size_t c = 0; c < m->n_classes; c++) {
        bool found = false;
        for (size_t p = 0; p < job->prompts.n && !found; p++)
            found = strcmp(job->prompts.classes[p].name, m->class_names[c]) == 0;
        if (!found)
            return mdp_fail(err, MDP_ERR_USAGE,
                            "--prompts %s: no prompts for class '%.100s' of %s (the set has '%.100s'%s)",
                            job->opt.prompts, m->class_names[c], m->file,
                            job->prompts.n ? job->prompts.classes[0].name : "",
                            job->prompts.n > 1 ? ", ..." : "");
    }
    return MDP_OK;
}

static mdp_status read_prompts(struct job *job, struct mdp_error *err)
{
    struct mdp_text path = {0};
    mdp_status st = mdp_config_locate(&mdp_config_prompts, job->opt.prompts, &path, err);

    if (st == MDP_OK)
        st = mdp_prompts_read(path.at, &job->prompts, err);
    if (st == MDP_OK)
        st = match_classes(job, err);
    if (st == MDP_OK)
        st = mdp_prompt_embeddings_init(&job->texts, &job->prompts, err);
    mdp_text_release(&path);
    return st;
}

static mdp_status embed_prompts(struct job *job, struct mdp_error *err)
{
    const struct mdp_model_card *card = &job->card;
    const struct mdp_weights *weights = job->text_weights ? job->text_weights : job->weights;
    struct mdp_tokenizer *tokenizer = NULL;
    struct mdp_text_tower *tower = NULL;
    mdp_status st = mdp_tokenizer_new(card->doc, card->tokenizer, job->vocab_path.at, &tokenizer, err);

    if (st == MDP_OK)
        st = mdp_text_tower_new(card->doc, card->text, job->opt.text_pooling, weights, &tower, err);
    if (st == MDP_OK && mdp_text_tower_width(tower) != mdp_image_tower_width(job->tower))
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: texts have %zu values and pictures %zu, expected as many",
                      card->path, mdp_text_tower_width(tower), mdp_image_tower_width(job->tower));
    if (st == MDP_OK)
        st =
            mdp_prompt_embeddings_run(&job->texts, &job->prompts, tokenizer, tower, job->common.threads, err);
    mdp_text_tower_free(tower);
    mdp_tokenizer_free(tokenizer);
    return st;
}

/* --- facts --- */

static mdp_status add_digest(struct job *job, const char *key, const struct mdp_text *path, char hex[],
                             struct mdp_error *err)
{
    uint8_t digest[MDP_SHA256_SIZE];
    mdp_status st = mdp_sha256_of_file(path->at, digest, err);

    if (st != MDP_OK)
        return st;
    mdp_sha256_hex(digest, hex);
    return mdp_facts_add(&job->attributes, key, hex, err);
}

/* The digest that the card has for the file of a role, or NULL. */
static const char *published_digest(const struct job *job, const char *role)
{
    const struct mdp_model_file *file = mdp_model_card_file(&job->card, role);

    return !file ? NULL : file->member ? file->member_sha256 : file->sha256;
}

static bool is_other(const struct job *job, const char *role, const char *hex)
{
    const char *published = published_digest(job, role);

    return published && strcmp(published, hex) != 0;
}

/* The published weights by that word, others by the start of their digest (file names are not identity): of
   `weights`, or of the text tower's own file where only that is another. */
static mdp_status add_pretrained(struct job *job, const char *weights, const char *text_weights,
                                 struct mdp_error *err)
{
    char custom[32];
    bool known = published_digest(job, "weights") && !job->other_weights;

    if (known && !job->other_text_weights)
        return mdp_facts_add(&job->attributes, "pretrained", "published", err);
    snprintf(custom, sizeof custom, "sha256:%.12s", known ? text_weights : weights);
    return mdp_facts_add(&job->attributes, "pretrained", custom, err);
}

/* weights_sha256, text_weights_sha256, pretrained. */
static mdp_status add_digests(struct job *job, struct mdp_error *err)
{
    char weights[MDP_SHA256_HEX], text_weights[MDP_SHA256_HEX] = "";
    mdp_status st = add_digest(job, "weights_sha256", &job->weights_path, weights, err);

    if (st == MDP_OK && job->text_weights_path.n)
        st = add_digest(job, "text_weights_sha256", &job->text_weights_path, text_weights, err);
    if (st != MDP_OK)
        return st;
    job->other_weights = is_other(job, "weights", weights);
    job->other_text_weights = *text_weights && is_other(job, "text-weights", text_weights);
    return add_pretrained(job, weights, text_weights, err);
}

static void add_json_string(struct mdp_text *out, const char *text)
{
    mdp_text_add(out, "\"");
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c == '"' || *c == '\\')
            mdp_text_add(out, "\\%c", *c);
        else if (*c < 0x20)
            mdp_text_add(out, "\\u%04x", *c);
        else
            mdp_text_add_bytes(out, c, 1);
    mdp_text_add(out, "\"");
}

/* A boolean or a number as such where it stands without quotes, else a string. */
static void add_json_scalar(struct mdp_text *out, const struct mdp_yaml_node *value)
{
    const char *text = value->scalar;
    size_t digits = strspn(text + (*text == '-'), "0123456789");
    bool number = digits > 0 && !text[(*text == '-') + digits] && (digits == 1 || text[*text == '-'] != '0');

    if (value->plain && (number || strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
        mdp_text_add(out, "%s", text);
    else
        add_json_string(out, text);
}

/* The tokenizer's options as the card has them, the vocabulary's digest and the pooling. */
static mdp_status add_text_pipeline(struct job *job, struct mdp_error *err)
{
    const struct mdp_model_card *card = &job->card;
    struct mdp_text json = {0};
    uint8_t digest[MDP_SHA256_SIZE];
    char hex[MDP_SHA256_HEX];
    const char *pooling = job->opt.text_pooling;
    char *bytes = NULL;
    size_t n = 0;
    mdp_status st = mdp_file_read(job->vocab_path.at, MDP_VOCAB_MOST, &bytes, &n, err);

    if (st == MDP_OK)
        mdp_sha256_of(bytes, n, digest);
    free(bytes);

    if (st == MDP_OK && !pooling)
        st = mdp_yaml_get_string(card->doc, card->text, "pooling", &pooling, err);
    if (st != MDP_OK)
        return st;
    mdp_sha256_hex(digest, hex);
    job->other_vocab = is_other(job, "vocab", hex);
    mdp_text_add(&json, "{\"tokenizer\": {");
    for (size_t i = 0; i < card->tokenizer->n; i++) {
        const struct mdp_yaml_node *value = card->tokenizer->values[i];
        if (value->kind != MDP_YAML_SCALAR)
            continue;
        add_json_string(&json, card->tokenizer->keys[i]->scalar);
        mdp_text_add(&json, ": ");
        add_json_scalar(&json, value);
        mdp_text_add(&json, ", ");
    }
    mdp_text_add(&json, "\"vocab_sha256\": \"%s\"}, \"pooling\": ", hex);
    add_json_string(&json, pooling);
    mdp_text_add(&json, "}");
    st = mdp_text_status(&json, err);
    if (st == MDP_OK)
        st = mdp_facts_add(&job->attributes, "text_pipeline", json.at, err);
    mdp_text_release(&json);
    return st;
}

static mdp_status add_pipeline(struct job *job, struct mdp_error *err)
{
    struct mdp_text json = {0};

    mdp_pipeline_to_json(&job->pipeline, &json);
    mdp_status st = mdp_text_status(&json, err);
    if (st == MDP_OK)
        st = mdp_facts_add(&job->attributes, "pipeline", json.at, err);
    mdp_text_release(&json);
    return st;
}

/* What the store says of itself, and what the work file is compared by. */
static mdp_status gather_facts(struct job *job, struct mdp_error *err)
{
    struct mdp_facts *a = &job->attributes;
    char hex[MDP_SHA256_HEX], number[32];
    mdp_status st = mdp_facts_add(a, "model", job->card.name, err);

    if (st == MDP_OK)
        st = add_digests(job, err);
    if (st == MDP_OK)
        st = add_pipeline(job, err);
    if (st == MDP_OK && job->opt.prompts)
        st = add_text_pipeline(job, err);
    if (st == MDP_OK)
        st = mdp_facts_add(a, "rendering", "none", err);
    if (st == MDP_OK)
        st = mdp_facts_add(a, "precision", job->opt.precision, err);
    if (st == MDP_OK)
        st = mdp_manifest_sha256(&job->manifest, hex, err);
    if (st == MDP_OK)
        st = mdp_facts_add(a, "manifest_sha256", hex, err);
    if (st == MDP_OK)
        st = mdp_facts_add(a, "medprobe_version", MDP_VERSION, err);
    if (st == MDP_OK)
        st = mdp_facts_add(a, "kernel", mdp_image_tower_kernel(job->tower), err);
    for (size_t i = 0; i < a->n && st == MDP_OK; i++)
        st = mdp_facts_add(&job->facts, a->at[i].key, a->at[i].value, err);
    if (st == MDP_OK)
        st = mdp_facts_add(&job->facts, "prompt_set_sha256", job->prompts.sha256, err);
    snprintf(number, sizeof number, "%zu", job->opt.max_pixels);
    if (st == MDP_OK)
        st = mdp_facts_add(&job->facts, "max_pixels", number, err);
    return st;
}

/* --- weights and towers --- */

static mdp_status load_model(struct job *job, struct mdp_error *err)
{
    const struct mdp_model_card *card = &job->card;
    mdp_status st = mdp_model_card_weights(card, job->weights_path.at, &job->weights, err);

    if (st == MDP_OK && job->text_weights_path.n)
        st = mdp_model_card_weights(card, job->text_weights_path.at, &job->text_weights, err);
    if (st == MDP_OK)
        st = mdp_image_tower_new(card->doc, card->image, job->weights, &job->tower, err);
    if (st == MDP_OK && mdp_image_tower_input_size(job->tower) !=
                            job->pipeline.channels * job->pipeline.width * job->pipeline.height)
        st =
            mdp_fail(err, MDP_ERR_VALUE,
                     "%s: pipeline %s makes %zu x %zu pixels of %zu channels, but the tower takes %zu values",
                     card->path, job->pipeline.name, job->pipeline.width, job->pipeline.height,
                     job->pipeline.channels, mdp_image_tower_input_size(job->tower));
    return st;
}

/* The texts, the factor on the cosine, and that no tensor was left over. */
static mdp_status load_text(struct job *job, struct mdp_error *err)
{
    const struct mdp_model_card *card = &job->card;
    mdp_status st = MDP_OK;

    job->logit_scale = NAN;
    if (job->opt.prompts) {
        st = embed_prompts(job, err);
        if (st == MDP_OK)
            st = mdp_model_card_logit_scale(card, job->weights, &job->logit_scale, err);
    }
    if (st == MDP_OK)
        st = mdp_model_card_check_unused(card, job->weights, job->opt.prompts && !job->text_weights, err);
    if (st == MDP_OK && job->text_weights)
        st = mdp_model_card_check_unused(card, job->text_weights, true, err);
    return st;
}

/* --- pictures --- */

static mdp_status make_record(void *context, size_t row, size_t worker, void *slot, struct mdp_error *err)
{
    const struct job *job = context;

    return mdp_encode(&job->encoder, row, worker, slot, err);
}

static mdp_status take_record(void *context, size_t row, void *slot, struct mdp_error *err)
{
    struct job *job = context;
    const struct mdp_record *record = slot;

    if (record->failed)
        mdp_log(&job->common.log, MDP_LOG_WARN, "%s: %s", job->manifest.paths[row], record->reason);
    job->failures += record->failed;
    mdp_status st = mdp_workfile_append(job->work, record, err);
    if (st == MDP_OK)
        mdp_progress_show(&job->progress, row + 1, job->failures);
    return st;
}

/* What an earlier run left is kept as far as its pictures are as they were. A picture that could not be used
   then is tried again; where that ends otherwise, work goes on from there. */
static mdp_status check_earlier(struct job *job, struct mdp_record record[2], struct mdp_error *err)
{
    size_t rows = mdp_workfile_count(job->work);
    mdp_status st = MDP_OK;

    for (size_t row = 0; row < rows && st == MDP_OK; row++) {
        st = mdp_workfile_read(job->work, row, &record[0], err);
        if (st == MDP_OK && !record[0].failed) {
            st = mdp_encode_unchanged(&job->encoder, &record[0], err);
            continue;
        }
        if (st == MDP_OK)
            st = mdp_encode(&job->encoder, row, 0, &record[1], err);
        if (st == MDP_OK && record[1].failed && strcmp(record[0].reason, record[1].reason) == 0)
            job->failures++;
        else if (st == MDP_OK)
            return mdp_workfile_cut(job->work, row, err);
    }
    return st;
}

static mdp_status encode_rows(struct job *job, struct mdp_record *slots, size_t window, struct mdp_error *err)
{
    size_t n = job->manifest.n, first;
    mdp_status st = check_earlier(job, slots, err);

    first = mdp_workfile_count(job->work);
    if (st == MDP_OK && first)
        mdp_log(&job->common.log, MDP_LOG_INFO, "%s.work: %zu of %zu pictures are done already", job->opt.out,
                first, n);
    if (st != MDP_OK)
        return st;
    mdp_progress_begin(&job->progress, &job->common.log, "pictures", n, first);
    const struct mdp_ordered loop = {.first = first,
                                     .n = n,
                                     .threads = job->common.threads,
                                     .window = window,
                                     .slots = slots,
                                     .slot_size = sizeof *slots,
                                     .make = make_record,
                                     .take = take_record,
                                     .context = job,
                                     .stop = job->stop};
    st = mdp_ordered_run(&loop, err);
    mdp_progress_end(&job->progress, mdp_workfile_count(job->work), job->failures);
    mdp_status synced = mdp_workfile_sync(job->work, st == MDP_OK ? err : NULL);
    return st == MDP_OK ? synced : st;
}

static mdp_status encode_pictures(struct job *job, struct mdp_error *err)
{
    size_t d = mdp_image_tower_width(job->tower), least = 2 * job->common.threads;
    size_t window = job->opt.batch_size > least ? job->opt.batch_size : least;
    mdp_status st = MDP_OK;
    struct mdp_record *slots = mdp_new_array(window, sizeof *slots, err, &st);
    float *embeddings = st == MDP_OK ? mdp_new_array(window * d, sizeof *embeddings, err, &st) : NULL;

    job->encoder = (struct mdp_encoder){.manifest = &job->manifest,
                                        .pipeline = &job->pipeline,
                                        .tower = job->tower,
                                        .limits = {job->opt.max_pixels, MDP_DEFAULT_MAX_BYTES},
                                        .skip_errors = job->opt.skip_errors};
    for (size_t i = 0; i < window && st == MDP_OK; i++)
        slots[i].embedding = embeddings + i * d;
    if (st == MDP_OK)
        st = mdp_encoder_init(&job->encoder, job->common.threads, err);
    if (st == MDP_OK)
        st = encode_rows(job, slots, window, err);
    mdp_encoder_release(&job->encoder);
    free(embeddings);
    free(slots);
    return st;
}

/* --- work file and store --- */

static mdp_status open_work(struct job *job, struct mdp_error *err)
{
    struct mdp_text path = {0};

    mdp_text_add(&path, "%s.work", job->opt.out);
    mdp_status st = mdp_text_status(&path, err);
    if (st == MDP_OK)
        st = mdp_workfile_open(path.at, &job->facts, &job->manifest, mdp_image_tower_width(job->tower),
                               job->opt.force, &job->work, err);
    mdp_text_release(&path);
    return st;
}

static mdp_status write_store(struct job *job, struct mdp_error *err)
{
    enum mdp_similarity similarity = MDP_SIMILARITY_SOFTMAX;
    bool scaled = !isnan(job->logit_scale);

    if (scaled) {
        mdp_status st = mdp_model_card_similarity(&job->card, &similarity, err);
        if (st != MDP_OK)
            return st;
    }
    const struct mdp_store_content content = {.manifest = &job->manifest,
                                              .work = job->work,
                                              .width = mdp_image_tower_width(job->tower),
                                              .attributes = &job->attributes,
                                              .text = job->opt.prompts ? &job->texts.part : NULL,
                                              .has_scale = scaled,
                                              .logit_scale = job->logit_scale,
                                              .similarity = similarity};
    mdp_status st = mdp_store_write(job->opt.out, &content, job->stop, &job->failures, err);
    if (st != MDP_OK)
        return st;
    struct mdp_workfile *work = job->work;
    job->work = NULL;
    return mdp_workfile_remove(work, err);
}

/* --- the order of steps --- */

static void say_result(const struct job *job, const char *how, int *exit_code)
{
    mdp_log(&job->common.log, MDP_LOG_INFO, "%s: %s%zu pictures of %zu values", job->opt.out, how,
            job->manifest.n - job->failures, mdp_image_tower_width(job->tower));
    if (job->failures) {
        mdp_log(&job->common.log, MDP_LOG_WARN, "%zu of %zu pictures could not be used: see /failures in %s",
                job->failures, job->manifest.n, job->opt.out);
        *exit_code = MDP_EXIT_SOME_FAILED;
    }
}

static bool work_exists(const struct job *job)
{
    struct mdp_text path = {0};

    mdp_text_add(&path, "%s.work", job->opt.out);
    bool exists = mdp_text_status(&path, NULL) == MDP_OK && mdp_path_exists(path.at);
    mdp_text_release(&path);
    return exists;
}

/* A store of the same inputs: said, and nothing is done; what a killed run left beside it goes. Of other inputs:
   refused, unless a run with --force was replacing it and can be gone on with. */
static mdp_status already_there(struct job *job, bool *done, int *exit_code, struct mdp_error *err)
{
    mdp_status st = mdp_existing_store_compare(job->opt.out, &job->attributes, job->prompts.sha256,
                                               &job->manifest, job->common.threads, &job->failures, err);
    bool ours = work_exists(job) && open_work(job, NULL) == MDP_OK;

    *done = st == MDP_OK;
    if (st == MDP_OK && ours) {
        struct mdp_workfile *work = job->work;
        job->work = NULL;
        st = mdp_workfile_remove(work, err);
    }
    if (*done && st == MDP_OK)
        say_result(job, "is there already, made of the same inputs: ", exit_code);
    if (*done)
        return st;
    job->failures = 0;
    return ours ? MDP_OK : st;
}

/* Model, prompts and what the run is compared by. */
static mdp_status open_model(struct job *job, struct mdp_error *err)
{
    mdp_status st = open_card(job, err);

    if (st == MDP_OK && job->opt.prompts)
        st = read_prompts(job, err);
    if (st == MDP_OK)
        st = locate_files(job, err);
    if (st == MDP_OK)
        st = load_model(job, err);
    return st == MDP_OK ? gather_facts(job, err) : st;
}

static mdp_status run(struct job *job, int *exit_code, struct mdp_error *err)
{
    bool exists = false, done = false;
    mdp_status st = check_options(&job->opt, err);

    if (st == MDP_OK)
        st = mdp_existing_store_may_replace(job->opt.out, &exists, err);
    if (st == MDP_OK)
        st = mdp_manifest_read(job->opt.manifest, &job->opt.table, &job->manifest, err);
    if (st == MDP_OK)
        st = open_model(job, err);
    if (st == MDP_OK && exists && !job->opt.force)
        st = already_there(job, &done, exit_code, err);
    if (st != MDP_OK || done)
        return st;
    st = load_text(job, err);
    if (st == MDP_OK)
        say_input(job); /* nothing is wrong use from here on */
    if (st == MDP_OK && !job->work)
        st = open_work(job, err);
    if (st == MDP_OK)
        st = encode_pictures(job, err);
    if (st == MDP_OK)
        st = write_store(job, err);
    if (st == MDP_OK)
        say_result(job, "", exit_code);
    if (st == MDP_ERR_INTERRUPTED && job->work)
        mdp_fail(err, st, "interrupted after %zu of %zu pictures (run again to go on)",
                 mdp_workfile_count(job->work), job->manifest.n);
    if (st != MDP_OK && job->work && mdp_workfile_count(job->work) == 0) {
        mdp_workfile_remove(job->work, NULL); /* nothing to go on with */
        job->work = NULL;
    }
    return st;
}

static void release(struct job *job)
{
    mdp_workfile_close(job->work);
    mdp_image_tower_free(job->tower);
    mdp_weights_close(job->weights);
    mdp_weights_close(job->text_weights);
    mdp_facts_release(&job->attributes);
    mdp_facts_release(&job->facts);
    mdp_prompt_embeddings_release(&job->texts);
    mdp_prompts_release(&job->prompts);
    mdp_text_release(&job->weights_path);
    mdp_text_release(&job->text_weights_path);
    mdp_text_release(&job->vocab_path);
    mdp_model_card_release(&job->card);
    mdp_manifest_release(&job->manifest);
    mdp_list_release(&job->opt.table.labels);
    mdp_list_release(&job->opt.table.classes);
}

static const struct mdp_usage usage = {
    .command = "extract",
    .synopsis = "--model MODEL --manifest FILE -o STORE [options]",
    .summary = "Reads pictures and prompts through a model's frozen towers and writes their embeddings to a "
               "store. An interrupted run goes on where it was when it is started again.",
    .example = "  medprobe extract --model medclip-vit --weights pytorch_model.bin --manifest data.csv \\\n"
               "      --root images/ --prompts tb -o data.h5",
    .most_operands = 0,
    .project_out = "store",
    .project_keys = mdp_project_keys,
};

static void add_model_options(struct extract_options *o, struct mdp_option options[], size_t *n)
{
    static const char *const precisions[] = {"fp32", NULL};
    const struct mdp_option rows[] = {
        {.heading = "model"},
        {.name = "model",
         .argument = "MODEL",
         .string = &o->model,
         .help = "a name of `medprobe models list`, or a model card's YAML file"},
        {.name = "weights",
         .argument = "FILE",
         .string = &o->weights,
         .help = "weights (default: the pulled file)"},
        {.name = "text-weights",
         .argument = "FILE",
         .string = &o->text_weights,
         .help = "weights of the text tower, where they are a file of their own"},
        {.name = "vocab",
         .argument = "FILE",
         .string = &o->vocab,
         .help = "vocabulary (default: beside the weights, or the pulled file)"},
        {.name = "precision",
         .argument = "NAME",
         .string = &o->precision,
         .choices = precisions,
         .help = "of the towers"},
    };

    mdp_options_add(options, n, rows, sizeof rows / sizeof rows[0]);
}

static void add_picture_options(struct extract_options *o, struct mdp_option options[], size_t *n)
{
    const struct mdp_option rows[] = {
        {.heading = "pictures"},
        {.name = "manifest", .argument = "FILE", .string = &o->manifest, .help = "CSV with a column `path`"},
        {.name = "root",
         .argument = "DIR",
         .string = &o->table.root,
         .help = "folder of the pictures (default: the manifest's)"},
        {.name = "labels",
         .argument = "A,B,...",
         .list = &o->table.labels,
         .help = "columns of 1, 0, -1 (uncertain) or blank"},
        {.name = "classes",
         .argument = "A,B,...",
         .list = &o->table.classes,
         .help = "order of the classes of column `label` (default: by bytes)"},
        {.name = "positive",
         .argument = "CLASS",
         .string = &o->table.positive,
         .help = "of two classes, the second"},
        {.name = "limit", .argument = "N", .size = &o->table.limit, .help = "the first N rows only (0: all)"},
        {.name = "max-pixels",
         .argument = "N",
         .size = &o->max_pixels,
         .least = 1,
         .help = "larger pictures are refused"},
        {.heading = "texts"},
        {.name = "prompts",
         .argument = "SET",
         .string = &o->prompts,
         .help = "prompt set: a name of configs/prompts, or a YAML file"},
        {.name = "text-pooling",
         .argument = "NAME",
         .string = &o->text_pooling,
         .help = "another pooling of the text tower than the model's"},
    };

    mdp_options_add(options, n, rows, sizeof rows / sizeof rows[0]);
}

static void add_run_options(struct extract_options *o, struct mdp_option options[], size_t *n)
{
    const struct mdp_option rows[] = {
        {.heading = "preprocessing"},
        {.name = "pipeline",
         .argument = "NAME",
         .string = &o->pipeline,
         .help = "one of `medprobe models show MODEL` (default: the model's)"},
        {.name = "grey16",
         .argument = "POLICY",
         .string = &o->grey16,
         .choices = mdp_pipeline_words("grey16"),
         .help = "16-bit grey to 8, in place of the pipeline's policy"},
        {.name = "orientation",
         .argument = "POLICY",
         .string = &o->orientation,
         .choices = mdp_pipeline_words("orientation"),
         .help = "EXIF orientation, in place of the pipeline's policy"},
        {.name = "resize-order",
         .argument = "ORDER",
         .string = &o->resize_order,
         .choices = mdp_pipeline_words("resize_order"),
         .help = "of the two passes, in place of the pipeline's"},
        {.heading = "run"},
        {.name = "out", .letter = 'o', .argument = "STORE", .string = &o->out, .help = "the store to write"},
        {.name = "batch-size",
         .argument = "N",
         .size = &o->batch_size,
         .least = 1,
         .most = 4096,
         .help = "pictures in flight; the result does not depend on it"},
        {.name = "skip-errors",
         .flag = &o->skip_errors,
         .help = "go on without pictures that cannot be used, list them in /failures, exit 3"},
        {.name = "resume", .flag = &o->resume, .help = "go on with an interrupted run (the default)"},
        {.name = "force", .flag = &o->force, .help = "start anew, replacing a store or an interrupted run"},
    };

    mdp_options_add(options, n, rows, sizeof rows / sizeof rows[0]);
}

static size_t fill_options(struct extract_options *o, struct mdp_option options[MDP_MOST_OPTIONS])
{
    size_t n = 0;

    add_model_options(o, options, &n);
    add_picture_options(o, options, &n);
    add_run_options(o, options, &n);
    return n;
}

size_t mdp_extract_keys(const char *keys[MDP_MOST_OPTIONS])
{
    struct extract_options none = {0};
    struct mdp_option options[MDP_MOST_OPTIONS];

    return mdp_option_names(options, fill_options(&none, options), keys);
}

mdp_status mdp_cmd_extract(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    struct job job = {.opt = {.precision = "fp32", .batch_size = 32, .max_pixels = MDP_DEFAULT_MAX_PIXELS}};
    struct mdp_arguments args = {0};
    struct mdp_option options[MDP_MOST_OPTIONS];
    const size_t n = fill_options(&job.opt, options);

    mdp_status st = mdp_options_parse(&usage, options, n, argc, argv, &job.common, &args, err);
    if (st == MDP_OK && !args.help) {
        job.stop = mdp_interrupt_catch();
        st = run(&job, exit_code, err);
    }
    release(&job);
    mdp_arguments_release(&args);
    return st;
}
