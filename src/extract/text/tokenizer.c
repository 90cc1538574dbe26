/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/tokenizer.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "extract/text/vocab.h"
#include "extract/text/wordpiece.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LENGTH = 1 << 20 };

struct mdp_tokenizer {
    struct mdp_vocab *vocab;
    struct mdp_wordpiece wordpiece;
    size_t max_length;
};

static mdp_status read_flag(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, const char *key,
                            bool *value, struct mdp_error *err)
{
    const struct mdp_yaml_node *at = mdp_yaml_find(node, key);

    return at ? mdp_yaml_to_bool(doc, at, value, err) : MDP_OK;
}

/* The keys of a `tokenizer` map: kind (wordpiece), max_length (ids, special ones included), lower_case
   (true), strip_accents (as lower_case), split_cjk (true). */
static mdp_status read_settings(struct mdp_tokenizer *t, const struct mdp_yaml *doc,
                                const struct mdp_yaml_node *node, struct mdp_error *err)
{
    static const char *const keys[] = {"kind", "max_length", "lower_case", "strip_accents", "split_cjk"};
    struct mdp_wordpiece *w = &t->wordpiece;
    const struct mdp_yaml_node *length = NULL;
    const char *kind = NULL;
    mdp_status st = mdp_yaml_known_keys(doc, node, keys, sizeof keys / sizeof *keys, err);

    if (st == MDP_OK)
        st = mdp_yaml_get_string(doc, node, "kind", &kind, err);
    if (st == MDP_OK && strcmp(kind, "wordpiece") != 0)
        st = mdp_yaml_fail(doc, mdp_yaml_find(node, "kind"), err, "unknown tokenizer '%s' (known: wordpiece)",
                           kind);
    if (st == MDP_OK)
        st = mdp_yaml_get(doc, node, "max_length", MDP_YAML_SCALAR, &length, err);
    if (st == MDP_OK)
        st = mdp_yaml_to_size(doc, length, 3, MAX_LENGTH, &t->max_length, err);
    if (st == MDP_OK)
        st = read_flag(doc, node, "lower_case", &w->lower_case, err);
    w->strip_accents = w->lower_case;
    if (st == MDP_OK)
        st = read_flag(doc, node, "strip_accents", &w->strip_accents, err);
    if (st == MDP_OK)
        st = read_flag(doc, node, "split_cjk", &w->split_cjk, err);
    return st;
}

static mdp_status read_vocab(struct mdp_tokenizer *t, const char *vocab, struct mdp_error *err)
{
    struct mdp_text path = {0};
    mdp_status st = mdp_path_join(&path, "", vocab, err);

    if (st == MDP_OK && mdp_path_is_folder(vocab))
        st = mdp_path_join(&path, vocab, "vocab.txt", err);
    if (st == MDP_OK)
        st = mdp_vocab_read(path.at, &t->vocab, err);
    if (st == MDP_OK) {
        st = mdp_wordpiece_init(&t->wordpiece, t->vocab, err);
        if (st != MDP_OK)
            st = mdp_fail_at(err, st, "%s", path.at);
    }
    mdp_text_release(&path);
    return st;
}

mdp_status mdp_tokenizer_new(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, const char *vocab,
                             struct mdp_tokenizer **tokenizer, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_tokenizer *t = mdp_new_array(1, sizeof *t, err, &st);

    *tokenizer = NULL;
    if (!t)
        return st;
    st = read_vocab(t, vocab, err);
    if (st == MDP_OK)
        st = read_settings(t, doc, node, err);
    if (st != MDP_OK) {
        mdp_tokenizer_free(t);
        return st;
    }
    *tokenizer = t;
    return MDP_OK;
}

void mdp_tokenizer_free(struct mdp_tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    mdp_vocab_free(tokenizer->vocab);
    free(tokenizer);
}

size_t mdp_tokenizer_max_length(const struct mdp_tokenizer *tokenizer)
{
    return tokenizer->max_length;
}

size_t mdp_tokenizer_vocab_size(const struct mdp_tokenizer *tokenizer)
{
    return mdp_vocab_count(tokenizer->vocab);
}

int32_t mdp_tokenizer_pad_id(const struct mdp_tokenizer *tokenizer)
{
    return tokenizer->wordpiece.pad;
}

mdp_status mdp_tokenize(const struct mdp_tokenizer *tokenizer, const char *text, int32_t *ids, size_t *n,
                        struct mdp_error *err)
{
    const struct mdp_wordpiece *w = &tokenizer->wordpiece;
    mdp_status st = mdp_wordpiece_run(w, text, strlen(text), tokenizer->max_length - 2, ids + 1, n, err);

    if (st != MDP_OK)
        return mdp_fail_at(err, st, "text of %zu bytes", strlen(text));
    ids[0] = w->cls;
    ids[1 + *n] = w->sep;
    *n += 2;
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
    if (st == MDP_OK && !mdp_mul_size(n, *longest, &size))
        st = mdp_fail(err, MDP_ERR_MEMORY, "out of memory: a batch of %zu texts of %zu ids", n, *longest);
    if (st == MDP_OK)
        *ids = mdp_new_array(size, sizeof **ids, err, &st);
    for (size_t t = 0, at = 0; t < n && *ids; at += lengths[t++])
        for (size_t i = 0; i < *longest; i++)
            (*ids)[t * *longest + i] = i < lengths[t] ? all[at + i] : tokenizer->wordpiece.pad;
    free(all);
    free(one);
    return st;
}
