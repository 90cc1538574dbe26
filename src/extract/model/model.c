/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/model/model.h"

#include "base/file.h"
#include "base/formats/json.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"
#include "extract/kernels/normalise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- pipeline --- */

static mdp_status no_pipeline(const struct mdp_model_card *card, const char *name, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const char **names = mdp_new_array(card->pipelines->n, sizeof *names, err, &st);
    size_t n = 0;

    if (!names)
        return st;
    for (size_t i = 0; i < card->pipelines->n; i++)
        if (card->pipelines->values[i]->kind == MDP_YAML_MAP)
            names[n++] = card->pipelines->keys[i]->scalar;
    st = mdp_fail(err, MDP_ERR_USAGE, "--pipeline %s: %s has no such pipeline (%s)", name, card->name,
                  mdp_name_hint(name, names, n).text);
    free(names);
    return st;
}

static mdp_status choose_pipeline(struct mdp_model *m, const struct mdp_model_choice *choice,
                                  struct mdp_error *err)
{
    const struct mdp_model_card *card = &m->card;
    const struct {
        const char *key, *word, *option;
    } words[] = {{"grey16", choice->grey16, "grey16"},
                 {"orientation", choice->orientation, "orientation"},
                 {"resize_order", choice->resize_order, "resize-order"}};
    const char *name = choice->pipeline;

    if (!name)
        TRY(mdp_yaml_get_string(card->doc, card->pipelines, "default", &name, err));
    const struct mdp_yaml_node *node = mdp_yaml_find(card->pipelines, name);
    if (!node || node->kind != MDP_YAML_MAP)
        return no_pipeline(card, name, err);
    TRY(mdp_pipeline_from_yaml(card->doc, node, name, &m->pipeline, err));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].word && mdp_pipeline_set(&m->pipeline, words[i].key, words[i].word, err) != MDP_OK)
            return mdp_fail_at(err, MDP_ERR_USAGE, "--%s", words[i].option);
    return MDP_OK;
}

static mdp_status read_card(struct mdp_model *m, const struct mdp_model_choice *choice, struct mdp_error *err)
{
    const struct mdp_model_card *card = &m->card;

    TRY(mdp_model_card_read(choice->model, &m->card, err));
    if (!card->image || !card->pipelines)
        return mdp_fail(err, MDP_ERR_USAGE,
                        "--model %s: reads texts only, no pictures (a model with a picture tower is needed: "
                        "medprobe models list)",
                        card->name);
    if (choice->texts && (!card->text || !card->tokenizer))
        return mdp_fail(err, MDP_ERR_USAGE,
                        "--prompts: %s reads pictures only (leave --prompts out, or take a model with a text "
                        "tower: medprobe models list)",
                        card->name);
    TRY(mdp_model_card_check(card, err));
    return choose_pipeline(m, choice, err);
}

/* --- files --- */

/* `given`, else the pulled file of the role; without it an error that says how to get it. */
static mdp_status locate(const struct mdp_model_card *card, const char *given, const char *role,
                         struct mdp_text *path, struct mdp_error *err)
{
    if (!given)
        return mdp_model_card_locate(card, role, path, err);
    mdp_text_add(path, "%s", given);
    return mdp_text_status(path, err);
}

/* The vocabulary as it is called in the card, in the folder of the weights: *found says whether it is there. */
static mdp_status look_beside_weights(struct mdp_model *m, bool *found, struct mdp_error *err)
{
    const struct mdp_model_file *file = mdp_model_card_file(&m->card, "vocab");
    struct mdp_text folder = {0}, *path = &m->vocab_file.path;
    mdp_status st = MDP_OK;

    *found = false;
    if (!file)
        return MDP_OK;
    st = mdp_path_folder(&folder, m->weights_file.path.at, err);
    if (st == MDP_OK)
        st = mdp_path_join(path, folder.at, file->name, err);
    mdp_text_release(&folder);
    *found = st == MDP_OK && mdp_path_exists(path->at);
    if (!*found)
        mdp_text_clear(path);
    return st;
}

/* `given` may be a folder, in which the file has the card's name, or one that its kind has. A kind whose vocabulary comes
   with medprobe needs no entry in the card. */
static mdp_status locate_vocab(struct mdp_model *m, const char *given, struct mdp_error *err)
{
    const struct mdp_model_card *card = &m->card;
    const struct mdp_model_file *file = mdp_model_card_file(card, "vocab");
    struct mdp_text *path = &m->vocab_file.path;
    bool found = false;

    if (given && !file && mdp_path_is_folder(given))
        return mdp_tokenizer_locate_vocab(card->doc, card->tokenizer, given, path, err);
    if (!given && !file) {
        TRY(mdp_tokenizer_locate_vocab(card->doc, card->tokenizer, NULL, path, err));
        found = path->n > 0;
    }
    if (!given && !found)
        TRY(look_beside_weights(m, &found, err));
    if (!found)
        TRY(locate(card, given, "vocab", path, err));
    if (file && mdp_path_is_folder(path->at))
        mdp_text_add(path, "/%s", file->name);
    return mdp_text_status(path, err);
}

static mdp_status locate_files(struct mdp_model *m, const struct mdp_model_choice *choice,
                               struct mdp_error *err)
{
    TRY(locate(&m->card, choice->weights, "weights", &m->weights_file.path, err));
    if (!choice->texts)
        return MDP_OK;
    if (choice->text_weights || mdp_model_card_file(&m->card, "text-weights"))
        TRY(locate(&m->card, choice->text_weights, "text-weights", &m->text_weights_file.path, err));
    return locate_vocab(m, choice->vocab, err);
}

/* The digest that the card has for the file of a role, or NULL. */
static const char *published_digest(const struct mdp_model_card *card, const char *role)
{
    const struct mdp_model_file *file = mdp_model_card_file(card, role);

    return !file ? NULL : file->member ? file->member_sha256 : file->sha256;
}

static mdp_status take_digest(const struct mdp_model_card *card, const char *role,
                              struct mdp_model_source *source, struct mdp_error *err)
{
    uint8_t digest[MDP_SHA256_SIZE];
    const char *published = published_digest(card, role);

    if (source->path.n == 0)
        return MDP_OK;
    if (strcmp(role, "vocab") == 0)
        TRY(mdp_sha256_of_file(source->path.at, digest, err));
    else
        TRY(mdp_weights_sha256_of_file(source->path.at, digest, err));
    mdp_sha256_hex(digest, source->sha256);
    source->is_other = published && !mdp_sha256_fits(source->sha256, published);
    return MDP_OK;
}

/* --- towers --- */

static mdp_status read_image_tower(struct mdp_model *m, struct mdp_error *err)
{
    const struct mdp_model_card *card = &m->card;

    TRY(mdp_model_card_weights(card, m->weights_file.path.at, &m->weights, err));
    if (m->text_weights_file.path.n)
        TRY(mdp_model_card_weights(card, m->text_weights_file.path.at, &m->text_weights, err));
    return mdp_image_tower_new(card->doc, card->image, m->weights, &m->image, err);
}

/* Fewer pieces than the tower has rows are allowed: some models round their table up. */
static mdp_status check_vocab(const struct mdp_model *m, struct mdp_error *err)
{
    size_t pieces = mdp_tokenizer_vocab_size(m->tokenizer), known = mdp_text_tower_vocab_size(m->text);

    if (pieces > known)
        return mdp_fail(
            err, MDP_ERR_VALUE,
            "%s: the vocabulary file has %zu pieces, but the text tower %zu (it does not belong to the "
            "weights)",
            m->vocab_file.path.at, pieces, known);
    return MDP_OK;
}

static mdp_status read_text_tower(struct mdp_model *m, const struct mdp_model_choice *choice,
                                  struct mdp_error *err)
{
    const struct mdp_model_card *card = &m->card;
    const struct mdp_weights *weights = m->text_weights ? m->text_weights : m->weights;

    TRY(mdp_tokenizer_new(card->doc, card->tokenizer, m->vocab_file.path.at, &m->tokenizer, err));
    TRY(mdp_text_tower_new(card->doc, card->text, choice->text_pooling, weights, &m->text, err));
    TRY(check_vocab(m, err));
    m->pooling = mdp_text_tower_pooling(m->text);
    return mdp_model_logits(&card->similarity, m->weights, &m->logits, err);
}

static mdp_status open_model(struct mdp_model *m, const struct mdp_model_choice *choice,
                             struct mdp_error *err)
{
    TRY(read_card(m, choice, err));
    TRY(locate_files(m, choice, err));
    TRY(read_image_tower(m, err));
    TRY(take_digest(&m->card, "weights", &m->weights_file, err));
    TRY(take_digest(&m->card, "text-weights", &m->text_weights_file, err));
    TRY(take_digest(&m->card, "vocab", &m->vocab_file, err));
    if (choice->texts)
        TRY(read_text_tower(m, choice, err));
    mdp_weights_forget(m->weights);
    mdp_weights_forget(m->text_weights);
    TRY(mdp_model_card_check_unused(&m->card, m->weights, choice->texts && !m->text_weights, err));
    return m->text_weights ? mdp_model_card_check_unused(&m->card, m->text_weights, true, err) : MDP_OK;
}

mdp_status mdp_model_open(const struct mdp_model_choice *choice, struct mdp_model **model,
                          struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_model *m = mdp_new_array(1, sizeof *m, err, &st);

    *model = NULL;
    if (!m)
        return st;
    m->logits.scale = NAN;
    st = open_model(m, choice, err);
    if (st == MDP_OK)
        *model = m;
    else
        mdp_model_close(m);
    return st;
}

void mdp_model_close(struct mdp_model *m)
{
    if (!m)
        return;
    mdp_model_forget_texts(m);
    mdp_image_tower_free(m->image);
    mdp_weights_close(m->weights);
    mdp_weights_close(m->text_weights);
    mdp_text_release(&m->weights_file.path);
    mdp_text_release(&m->text_weights_file.path);
    mdp_text_release(&m->vocab_file.path);
    mdp_model_card_release(&m->card);
    free(m);
}

void mdp_model_forget_texts(struct mdp_model *m)
{
    mdp_text_tower_free(m->text);
    mdp_tokenizer_free(m->tokenizer);
    m->text = NULL;
    m->tokenizer = NULL;
}

/* --- what it is called --- */

size_t mdp_model_width(const struct mdp_model *m)
{
    return mdp_image_tower_width(m->image);
}

size_t mdp_model_vectors(const struct mdp_model *m)
{
    return mdp_image_tower_vectors(m->image);
}

size_t mdp_model_picture_size(const struct mdp_model *m)
{
    return (1 + mdp_model_vectors(m)) * mdp_model_width(m);
}

mdp_status mdp_model_pretrained(const struct mdp_model *m, struct mdp_text *out, struct mdp_error *err)
{
    bool known = published_digest(&m->card, "weights") && !m->weights_file.is_other;

    if (known && !m->text_weights_file.is_other)
        mdp_text_add(out, "published");
    else
        mdp_text_add(out, "sha256:%.12s", known ? m->text_weights_file.sha256 : m->weights_file.sha256);
    return mdp_text_status(out, err);
}

/* A boolean or a number as such where it stands without quotes, else a string. */
static void add_scalar(struct mdp_text *out, const struct mdp_yaml_node *value)
{
    const char *text = value->scalar, *digits = text + (*text == '-');
    size_t n = strspn(digits, "0123456789");
    bool number = n > 0 && !digits[n] && (n == 1 || *digits != '0');

    if (value->plain && (number || strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
        mdp_text_add(out, "%s", text);
    else
        mdp_text_add_json(out, text);
}

void mdp_model_text_pipeline_to_json(const struct mdp_model *m, struct mdp_text *out)
{
    const struct mdp_yaml_node *settings = m->card.tokenizer;

    mdp_text_add(out, "{\"tokenizer\": {");
    for (size_t i = 0; i < settings->n; i++) {
        if (settings->values[i]->kind != MDP_YAML_SCALAR)
            continue;
        mdp_text_add_json(out, settings->keys[i]->scalar);
        mdp_text_add(out, ": ");
        add_scalar(out, settings->values[i]);
        mdp_text_add(out, ", ");
    }
    mdp_text_add(out, "\"vocab_sha256\": \"%s\"}, \"pooling\": ", m->vocab_file.sha256);
    mdp_text_add_json(out, m->pooling);
    mdp_text_add(out, "}");
}

/* --- embeddings --- */

mdp_status mdp_model_room_init(struct mdp_model_room *room, const struct mdp_model *m, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    room->input = mdp_new_array(mdp_image_tower_input_size(m->image), sizeof *room->input, err, &st);
    room->scratch = mdp_new_array(mdp_image_tower_scratch_size(m->image), sizeof *room->scratch, err, &st);
    return st;
}

void mdp_model_room_release(struct mdp_model_room *room)
{
    free(room->input);
    free(room->scratch);
    *room = (struct mdp_model_room){0};
}

/* mean[D] of vectors[n, D], each made a unit vector first. */
static mdp_status mean_of_units(float *vectors, size_t n, size_t d, float mean[], struct mdp_error *err)
{
    float length = 0;

    memset(mean, 0, d * sizeof *mean);
    for (size_t i = 0; i < n; i++) {
        TRY(mdp_l2_normalise(vectors + i * d, d, &length, err));
        for (size_t j = 0; j < d; j++)
            mean[j] += vectors[i * d + j];
    }
    for (size_t j = 0; j < d; j++)
        mean[j] /= (float)n;
    return MDP_OK;
}

mdp_status mdp_model_embed_picture(const struct mdp_model *m, const struct mdp_picture *picture,
                                   const struct mdp_model_room *room, float *vectors, float *norm,
                                   struct mdp_error *err)
{
    const size_t d = mdp_model_width(m), q = mdp_model_vectors(m);
    float *features = q ? vectors + d : vectors;

    TRY(mdp_pipeline_run(&m->pipeline, picture, room->input, err));
    TRY(mdp_image_tower_run(m->image, room->input, room->scratch, features, NULL, NULL, err));
    if (q)
        TRY(mean_of_units(features, q, d, vectors, err));
    return mdp_l2_normalise(vectors, d, norm, err);
}

mdp_status mdp_model_embed_texts(const struct mdp_model *m, const char *const texts[], size_t n,
                                 size_t threads, float *embeddings, float *norms, struct mdp_error *err)
{
    size_t d = mdp_text_tower_width(m->text), longest = 0;
    mdp_status st = MDP_OK;
    int32_t *ids = NULL;
    size_t *lengths = mdp_new_array(n, sizeof *lengths, err, &st);

    if (st == MDP_OK)
        st = mdp_tokenize_batch(m->tokenizer, texts, n, &ids, lengths, &longest, err);
    if (st == MDP_OK)
        st = mdp_text_tower_run(m->text, ids, lengths, n, longest, threads, embeddings, NULL, NULL, err);
    for (size_t i = 0; i < n && st == MDP_OK; i++) {
        st = mdp_l2_normalise(embeddings + i * d, d, &norms[i], err);
        if (st != MDP_OK)
            mdp_fail_at(err, st, "text %zu", i + 1);
    }
    free(ids);
    free(lengths);
    return st;
}
