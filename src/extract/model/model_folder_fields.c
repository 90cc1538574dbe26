/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/model/model_folder_fields.h"

#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SIZE_LIMIT = 1 << 24, VALUE_LENGTH = 120 };

/* Of transformers' PretrainedConfig and of training: they name things, tell how weights were made, or belong to generation. */
static const char *const harmless_everywhere[] = {
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_commit_hash",
    "_name_or_path",
    "architectures",
    "attention_dropout",
    "attention_probs_dropout_prob",
    "auto_map",
    "bad_words_ids",
    "begin_suppress_tokens",
    "bos_token_id",
    "chunk_size_feed_forward",
    "classifier_dropout",
    "decoder_start_token_id",
    "diversity_penalty",
    "do_sample",
    "drop_path_rate",
    "dropout",
    "dtype",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "eos_token_id",
    "exponential_decay_length_penalty",
    "finetuning_task",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "gradient_checkpointing",
    "hidden_dropout_prob",
    "id2label",
    "initializer_factor",
    "initializer_range",
    "label2id",
    "length_penalty",
    "logit_scale_init_value",
    "max_length",
    "min_length",
    "model_type",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_scores",
    "pad_token_id",
    "prefix",
    "problem_type",
    "remove_invalid_values",
    "repetition_penalty",
    "return_dict",
    "return_dict_in_generate",
    "sep_token_id",
    "suppress_tokens",
    "task_specific_params",
    "temperature",
    "tf_legacy_loss",
    "tie_encoder_decoder",
    "tie_word_embeddings",
    "tokenizer_class",
    "top_k",
    "top_p",
    "torch_dtype",
    "torchscript",
    "transformers_version",
    "typical_p",
    "use_bfloat16",
    "use_cache",
};
/* These change a model unless they have the value that all have. */
static const struct {
    const char *key, *json;
} same_everywhere[] = {
    {"add_cross_attention", "false"}, {"cross_attention_hidden_size", "null"},
    {"is_decoder", "false"},          {"is_encoder_decoder", "false"},
    {"pruned_heads", "{}"},
};

/* --- messages --- */

/* A value as JSON in one line; a long one is cut. */
static void add_value(struct mdp_text *out, const struct mdp_json_value *v)
{
    bool yes = false;

    switch (mdp_json_kind(v)) {
    case MDP_JSON_NULL:
        mdp_text_add(out, "null");
        break;
    case MDP_JSON_BOOL:
        yes = mdp_json_true(v);
        mdp_text_add(out, yes ? "true" : "false");
        break;
    case MDP_JSON_NUMBER:
        mdp_text_add(out, "%.9g", mdp_json_number(v));
        break;
    case MDP_JSON_STRING:
        mdp_text_add(out, "'");
        mdp_text_add_printable(out, mdp_json_text(v));
        mdp_text_add(out, "'");
        break;
    case MDP_JSON_LIST:
        mdp_text_add(out, "[");
        for (size_t i = 0; i < mdp_json_count(v) && out->n < VALUE_LENGTH; i++) {
            mdp_text_add(out, i ? ", " : "");
            add_value(out, mdp_json_at(v, i));
        }
        mdp_text_add(out, "]");
        break;
    case MDP_JSON_MAP:
        mdp_text_add(out, mdp_json_count(v) ? "{...}" : "{}");
        break;
    }
}

/* "<path>: <section>.<key>: <what>"; %s in `format` is the value. */
static mdp_status fail(const struct mdp_fields *f, const char *key, mdp_status status, const char *expected,
                       struct mdp_error *err)
{
    struct mdp_text value = {0}, name = {0};

    mdp_text_add_printable(&name, key);
    add_value(&value, mdp_json_find(f->map, key));
    if (value.n > VALUE_LENGTH)
        memcpy(value.at + VALUE_LENGTH, "...", sizeof "...");
    mdp_status st = mdp_text_status(&value, err);
    if (st == MDP_OK)
        st = mdp_text_status(&name, err);
    if (st == MDP_OK)
        st = mdp_fail(err, status, "%s: %s%s%s: %s%s", f->path, f->section ? f->section : "",
                      f->section ? "." : "", name.at, value.at, expected);
    mdp_text_release(&value);
    mdp_text_release(&name);
    return st;
}

mdp_status mdp_fields_refuse(const struct mdp_fields *f, const char *key, const char *reason,
                             struct mdp_error *err)
{
    char expected[512];

    snprintf(expected, sizeof expected, " is not supported%s", reason);
    return fail(f, key, MDP_ERR_UNSUPPORTED, expected, err);
}

/* --- one field --- */

const struct mdp_json_value *mdp_fields_find(struct mdp_fields *f, const char *key)
{
    const struct mdp_json_value *v = mdp_json_find(f->map, key);

    if (mdp_name_index(key, f->asked, f->n_asked) == f->n_asked && f->n_asked < MDP_FIELDS_MOST)
        f->asked[f->n_asked++] = key;
    return mdp_json_kind(v) == MDP_JSON_NULL ? NULL : v;
}

bool mdp_fields_has(struct mdp_fields *f, const char *key)
{
    return mdp_fields_find(f, key) != NULL;
}

mdp_status mdp_fields_section(struct mdp_fields *f, const char *key, struct mdp_fields *section,
                              struct mdp_error *err)
{
    const struct mdp_json_value *v = mdp_fields_find(f, key);

    *section = (struct mdp_fields){.path = f->path, .section = key, .map = v};
    if (v && mdp_json_kind(v) != MDP_JSON_MAP)
        return fail(f, key, MDP_ERR_FORMAT, ", expected an object", err);
    return MDP_OK;
}

mdp_status mdp_fields_count(struct mdp_fields *f, const char *key, size_t fallback, size_t *value,
                            struct mdp_error *err)
{
    const struct mdp_json_value *v = mdp_fields_find(f, key);

    *value = fallback;
    if (v && (!mdp_json_to_size(v, value) || *value > SIZE_LIMIT))
        return fail(f, key, MDP_ERR_FORMAT, ", expected a whole number from 0 to 16777216", err);
    return MDP_OK;
}

mdp_status mdp_fields_size(struct mdp_fields *f, const char *key, size_t fallback, size_t *value,
                           struct mdp_error *err)
{
    TRY(mdp_fields_count(f, key, fallback, value, err));
    return *value ? MDP_OK : fail(f, key, MDP_ERR_FORMAT, ", expected a whole number from 1", err);
}

mdp_status mdp_fields_number(struct mdp_fields *f, const char *key, double fallback, double *value,
                             struct mdp_error *err)
{
    const struct mdp_json_value *v = mdp_fields_find(f, key);

    *value = v ? mdp_json_number(v) : fallback;
    return isfinite(*value) ? MDP_OK : fail(f, key, MDP_ERR_FORMAT, ", expected a number", err);
}

mdp_status mdp_fields_bool(struct mdp_fields *f, const char *key, bool fallback, bool *value,
                           struct mdp_error *err)
{
    const struct mdp_json_value *v = mdp_fields_find(f, key);

    *value = v ? mdp_json_true(v) : fallback;
    if (v && mdp_json_kind(v) != MDP_JSON_BOOL)
        return fail(f, key, MDP_ERR_FORMAT, ", expected true or false", err);
    return MDP_OK;
}

mdp_status mdp_fields_text(struct mdp_fields *f, const char *key, const char *fallback, const char **value,
                           struct mdp_error *err)
{
    const struct mdp_json_value *v = mdp_fields_find(f, key);

    *value = v ? mdp_json_text(v) : fallback;
    if (v && !*value)
        return fail(f, key, MDP_ERR_FORMAT, ", expected a string", err);
    return MDP_OK;
}

mdp_status mdp_fields_side(struct mdp_fields *f, const char *key, size_t fallback, size_t *value,
                           struct mdp_error *err)
{
    const struct mdp_json_value *v = mdp_fields_find(f, key);
    size_t other = 0;

    if (mdp_json_kind(v) != MDP_JSON_LIST)
        return mdp_fields_size(f, key, fallback, value, err);
    *value = 0;
    for (size_t i = 0; i < mdp_json_count(v); i++) {
        if (!mdp_json_to_size(mdp_json_at(v, i), &other) || other == 0 || other > SIZE_LIMIT)
            return fail(f, key, MDP_ERR_FORMAT, ", expected whole numbers from 1", err);
        if (i && other != *value)
            return mdp_fields_refuse(f, key, " (height and width have to be equal)", err);
        *value = other;
    }
    return *value ? MDP_OK : fail(f, key, MDP_ERR_FORMAT, ", expected a whole number from 1", err);
}

mdp_status mdp_fields_sizes(struct mdp_fields *f, const char *key, size_t values[MDP_FIELDS_LIST_MOST],
                            size_t *n, struct mdp_error *err)
{
    const struct mdp_json_value *v = mdp_fields_find(f, key);

    *n = mdp_json_count(v);
    if (!v)
        return MDP_OK;
    if (mdp_json_kind(v) != MDP_JSON_LIST || *n == 0 || *n > MDP_FIELDS_LIST_MOST)
        return fail(f, key, MDP_ERR_FORMAT, ", expected a list of 1 to 16 whole numbers", err);
    for (size_t i = 0; i < *n; i++)
        if (!mdp_json_to_size(mdp_json_at(v, i), &values[i]) || values[i] > SIZE_LIMIT)
            return fail(f, key, MDP_ERR_FORMAT, ", expected a list of whole numbers", err);
    return MDP_OK;
}

/* --- fields that have to have one value --- */

static bool equal(const struct mdp_json_value *a, const struct mdp_json_value *b)
{
    enum mdp_json_kind kind = mdp_json_kind(a);

    if (kind != mdp_json_kind(b))
        return false;
    if (kind == MDP_JSON_BOOL)
        return mdp_json_true(a) == mdp_json_true(b);
    if (kind == MDP_JSON_NUMBER)
        return mdp_json_number(a) == mdp_json_number(b);
    if (kind == MDP_JSON_STRING)
        return strcmp(mdp_json_text(a), mdp_json_text(b)) == 0;
    if (mdp_json_count(a) != mdp_json_count(b))
        return false;
    for (size_t i = 0; kind == MDP_JSON_LIST && i < mdp_json_count(a); i++)
        if (!equal(mdp_json_at(a, i), mdp_json_at(b, i)))
            return false;
    return kind != MDP_JSON_MAP || mdp_json_count(a) == 0;
}

/* Whether the value is what `json` says. */
static mdp_status is_same(const struct mdp_json_value *v, const char *json, bool *same, struct mdp_error *err)
{
    struct mdp_text wrapped = {0}; /* documents are lists or objects */
    struct mdp_json *doc = NULL;

    mdp_text_add(&wrapped, "[%s]", json);
    mdp_status st = mdp_text_status(&wrapped, err);
    if (st == MDP_OK)
        st = mdp_json_parse(wrapped.at, wrapped.n, "expected value", &doc, err);
    if (st == MDP_OK)
        *same = equal(v, mdp_json_at(mdp_json_root(doc), 0));
    mdp_json_free(doc);
    mdp_text_release(&wrapped);
    return st;
}

static mdp_status expect(const struct mdp_fields *f, const char *key, const struct mdp_json_value *v,
                         const char *json, struct mdp_error *err)
{
    bool same = false;
    char reason[256];

    TRY(is_same(v, json, &same, err));
    snprintf(reason, sizeof reason, " (expected %s)", json);
    return same ? MDP_OK : mdp_fields_refuse(f, key, reason, err);
}

mdp_status mdp_fields_same(struct mdp_fields *f, const char *key, const char *json, struct mdp_error *err)
{
    const struct mdp_json_value *v = mdp_fields_find(f, key);

    return v ? expect(f, key, v, json, err) : MDP_OK;
}

/* --- the rest --- */

struct rest {
    const struct mdp_fields *f;
    const char *const *harmless;
    size_t n;
};

static mdp_status look_at_rest(void *context, const char *key, const struct mdp_json_value *value,
                               struct mdp_error *err)
{
    const struct rest *r = context;

    if (mdp_json_kind(value) == MDP_JSON_NULL ||
        mdp_name_index(key, r->f->asked, r->f->n_asked) < r->f->n_asked ||
        mdp_name_index(key, r->harmless, r->n) < r->n ||
        mdp_name_index(key, harmless_everywhere, MDP_COUNT(harmless_everywhere)) <
            MDP_COUNT(harmless_everywhere))
        return MDP_OK;
    for (size_t i = 0; i < MDP_COUNT(same_everywhere); i++)
        if (strcmp(key, same_everywhere[i].key) == 0)
            return expect(r->f, key, value, same_everywhere[i].json, err);
    return mdp_fields_refuse(r->f, key, ": medprobe does not know this field, and it may change numbers",
                             err);
}

mdp_status mdp_fields_done(const struct mdp_fields *f, const char *const harmless[], size_t n,
                           struct mdp_error *err)
{
    struct rest r = {.f = f, .harmless = harmless, .n = n};

    return f->map ? mdp_json_each(f->map, look_at_rest, &r, err) : MDP_OK;
}
