/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/tokenizer.h"

#include "base/config_files.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"
#include "extract/text/tokenizer_kinds.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A text has the ids around it, of which there are two at most, and at least one of its own. */
enum { LEAST_LENGTH = 3, MAX_LENGTH = 1 << 20, MOST_KEYS = 16 };

const struct mdp_tokenizer_kind *const mdp_tokenizer_kinds[] = {
    &mdp_wordpiece_kind,      &mdp_clip_bpe_kind, &mdp_sentencepiece_kind,
    &mdp_tokenizer_json_kind, &mdp_byte_bpe_kind, NULL,
};

enum { KINDS = sizeof mdp_tokenizer_kinds / sizeof *mdp_tokenizer_kinds - 1 };

static mdp_status get_kind(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                           const struct mdp_tokenizer_kind **kind, struct mdp_error *err)
{
    const char *names[KINDS];
    size_t at = 0;

    for (size_t i = 0; i < KINDS; i++)
        names[i] = mdp_tokenizer_kinds[i]->name;
    TRY(mdp_yaml_get_choice(doc, node, "kind", "kind of tokenizer", names, KINDS, &at, err));
    *kind = mdp_tokenizer_kinds[at];
    return MDP_OK;
}

static mdp_status read_map(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                           struct mdp_tokenizer *t, struct mdp_error *err)
{
    static const char *const paddings[] = {"longest", "max-length"};
    const char *keys[MOST_KEYS] = {"kind", "max_length", "padding"};
    size_t n = 3, padding = 0;

    for (const char *const *key = t->kind->keys; *key; key++) {
        assert(n < MOST_KEYS);
        keys[n++] = *key;
    }
    TRY(mdp_yaml_known_keys(doc, node, keys, n, err));
    TRY(mdp_yaml_get_size(doc, node, "max_length", LEAST_LENGTH, MAX_LENGTH, &t->max_length, err));
    if (mdp_yaml_find(node, "padding"))
        TRY(mdp_yaml_get_choice(doc, node, "padding", "padding", paddings, MDP_COUNT(paddings), &padding,
                                err));
    t->pads_to_most = padding == 1;
    return t->kind->from_yaml(doc, node, t, err);
}

/* A tokenizer without vocabulary. */
static mdp_status tokenizer_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                      struct mdp_tokenizer **tokenizer, struct mdp_error *err)
{
    const struct mdp_tokenizer_kind *kind = NULL;
    mdp_status st = get_kind(doc, node, &kind, err);
    struct mdp_tokenizer *t = st == MDP_OK ? mdp_new_array(1, sizeof *t, err, &st) : NULL;

    *tokenizer = NULL;
    if (!t)
        return st;
    t->kind = kind;
    t->bos = t->eos = MDP_NO_ID;
    st = read_map(doc, node, t, err);
    if (st == MDP_OK)
        *tokenizer = t;
    else
        mdp_tokenizer_free(t);
    return st;
}

mdp_status mdp_tokenizer_new(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, const char *vocab,
                             struct mdp_tokenizer **tokenizer, struct mdp_error *err)
{
    mdp_status st = tokenizer_from_yaml(doc, node, tokenizer, err);

    if (st == MDP_OK)
        st = (*tokenizer)->kind->load(*tokenizer, vocab, err);
    if (st != MDP_OK) {
        mdp_tokenizer_free(*tokenizer);
        *tokenizer = NULL;
    }
    return st;
}

mdp_status mdp_tokenizer_locate_vocab(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                      const char *folder, struct mdp_text *path, struct mdp_error *err)
{
    const struct mdp_tokenizer_kind *kind = NULL;

    mdp_text_clear(path);
    TRY(get_kind(doc, node, &kind, err));
    if (!folder)
        return kind->shipped ? mdp_config_find_file(&mdp_config_vocab, kind->files[0], path, err) : MDP_OK;
    for (const char *const *file = kind->files; *file; file++) {
        TRY(mdp_path_join(path, folder, *file, err));
        if (mdp_path_exists(path->at))
            return MDP_OK;
    }
    mdp_text_clear(path);
    return mdp_fail(err, MDP_ERR_MISSING, "%s: no vocabulary of a %s tokenizer in it (%s%s%s)", folder,
                    kind->name, kind->files[0], kind->files[1] ? ", " : "", kind->files[1] ? "..." : "");
}

mdp_status mdp_tokenizer_length_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                          size_t *max_length, struct mdp_error *err)
{
    struct mdp_tokenizer *tokenizer = NULL;
    mdp_status st = tokenizer_from_yaml(doc, node, &tokenizer, err);

    *max_length = tokenizer ? tokenizer->max_length : 0;
    mdp_tokenizer_free(tokenizer);
    return st;
}

void mdp_tokenizer_free(struct mdp_tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    tokenizer->kind->free(tokenizer->model);
    free(tokenizer);
}

size_t mdp_tokenizer_max_length(const struct mdp_tokenizer *tokenizer)
{
    return tokenizer->max_length;
}

size_t mdp_tokenizer_vocab_size(const struct mdp_tokenizer *tokenizer)
{
    return tokenizer->vocab_size;
}

int32_t mdp_tokenizer_pad_id(const struct mdp_tokenizer *tokenizer)
{
    return tokenizer->pad;
}

mdp_status mdp_tokenize(const struct mdp_tokenizer *tokenizer, const char *text, int32_t *ids, size_t *n,
                        struct mdp_error *err)
{
    const bool begins = tokenizer->bos != MDP_NO_ID, ends = tokenizer->eos != MDP_NO_ID;
    const size_t most = tokenizer->max_length - begins - ends;
    mdp_status st = tokenizer->kind->encode(tokenizer->model, text, strlen(text), most, ids + begins, n, err);

    if (st != MDP_OK)
        return mdp_fail_at(err, st, "text of %zu bytes", strlen(text));
    if (begins)
        ids[0] = tokenizer->bos;
    *n += begins;
    if (ends)
        ids[(*n)++] = tokenizer->eos;
    return MDP_OK;
}

mdp_status mdp_tokenize_batch(const struct mdp_tokenizer *tokenizer, const char *const texts[], size_t n,
                              int32_t **ids, size_t lengths[], size_t *longest, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t most = tokenizer->max_length, size = 0, used = 0;
    int32_t *all = NULL; /* [used], one text after the other */
    int32_t *one = mdp_new_array(most, sizeof *one, err, &st);

    *ids = NULL;
    *longest = 0;
    for (size_t t = 0; t < n && st == MDP_OK; t++) {
        st = mdp_tokenize(tokenizer, texts[t], one, &lengths[t], err);
        if (st == MDP_OK)
            st = mdp_grow(&all, &size, used + lengths[t], sizeof *all, err);
        if (st != MDP_OK)
            break;
        memcpy(all + used, one, lengths[t] * sizeof *one);
        used += lengths[t];
        if (lengths[t] > *longest)
            *longest = lengths[t];
    }
    if (tokenizer->pads_to_most && n > 0)
        *longest = most;
    if (st == MDP_OK && !mdp_mul_size(n, *longest, &size))
        st = mdp_fail(err, MDP_ERR_MEMORY, "out of memory: a batch of %zu texts of %zu ids", n, *longest);
    if (st == MDP_OK)
        *ids = mdp_new_array(size, sizeof **ids, err, &st);
    for (size_t t = 0, at = 0; t < n && *ids; at += lengths[t++])
        for (size_t i = 0; i < *longest; i++)
            (*ids)[t * *longest + i] = i < lengths[t] ? all[at + i] : tokenizer->pad;
    free(all);
    free(one);
    return st;
}
