/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/tokenizer_json_model.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/try.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ID = 1 << 24 };

/* The best way to the end of a character: where its last piece begins, and that piece. */
struct mdp_way {
    size_t from; /* NOT_REACHED before */
    double score;
    int32_t id;
};

static const size_t NOT_REACHED = SIZE_MAX;

static size_t character_length(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

static mdp_status add_id(struct mdp_json_model_work *w, int32_t id, struct mdp_error *err)
{
    TRY(mdp_grow(&w->ids, &w->room, w->n + 1, sizeof *w->ids, err));
    w->ids[w->n++] = id;
    return MDP_OK;
}

/* --- reading --- */

struct key_check {
    const char *where;
    const char *const *keys;
};

static mdp_status is_known(void *context, const char *key, const struct mdp_json_value *value,
                           struct mdp_error *err)
{
    const struct key_check *c = context;

    (void)value;
    for (const char *const *k = c->keys; *k; k++)
        if (strcmp(*k, key) == 0)
            return MDP_OK;
    return mdp_fail(err, MDP_ERR_UNSUPPORTED, "%s: '%s' is not supported", c->where, key);
}

mdp_status mdp_json_only_keys(const struct mdp_json_value *node, const char *where, const char *const keys[],
                              struct mdp_error *err)
{
    struct key_check c = {where, keys};

    return mdp_json_each(node, is_known, &c, err);
}

static mdp_status add_piece(struct mdp_json_model *m, const char *piece, size_t id, struct mdp_error *err)
{
    if (id >= MOST_ID)
        return mdp_fail(err, MDP_ERR_LIMIT, "model: vocab: an id of %zu", id);
    if (id >= m->vocab_size)
        m->vocab_size = id + 1;
    return mdp_piece_trie_add(&m->pieces, piece, strlen(piece), (int32_t)id, err);
}

static mdp_status add_entry(void *context, const char *key, const struct mdp_json_value *value,
                            struct mdp_error *err)
{
    size_t id = 0;

    if (!mdp_json_to_size(value, &id))
        return mdp_fail(err, MDP_ERR_FORMAT, "model: vocab: the id of '%.100s' is no whole number", key);
    return add_piece(context, key, id, err);
}

/* The id of a token that the model names, -1 for null. */
static mdp_status find_unknown(struct mdp_json_model *m, const struct mdp_json_value *token,
                               struct mdp_error *err)
{
    const char *text = mdp_json_text(token);

    m->unknown = text ? mdp_piece_trie_find(&m->pieces, text, strlen(text)) : -1;
    if (text && m->unknown < 0)
        return mdp_fail(err, MDP_ERR_FORMAT, "model: unk_token '%.100s' is not in vocab", text);
    return MDP_OK;
}

static mdp_status copy_affix(const struct mdp_json_value *node, const char *key, char **out,
                             struct mdp_error *err)
{
    const char *text = mdp_json_text(mdp_json_find(node, key));
    mdp_status st = MDP_OK;

    *out = mdp_copy_string(text ? text : "", err, &st);
    return st;
}

/* Entry i: "left right", or ["left", "right"]. */
static mdp_status add_merge(struct mdp_json_model *m, const struct mdp_json_value *entry, size_t i,
                            struct mdp_text *merged, struct mdp_error *err)
{
    const char *left = mdp_json_text(mdp_json_at(entry, 0)), *right = mdp_json_text(mdp_json_at(entry, 1));
    const char *line = mdp_json_text(entry);
    const char *blank = line ? strchr(line, ' ') : NULL;
    const size_t n_prefix = strlen(m->prefix);
    size_t n_left = left ? strlen(left) : 0;

    if (blank) {
        left = line;
        n_left = (size_t)(blank - line);
        right = blank + 1;
    }
    if (!left || !right || (blank && strchr(right, ' ')))
        return mdp_fail(err, MDP_ERR_FORMAT, "model: merges: entry %zu is no pair", i);
    const bool inside = strncmp(right, m->prefix, n_prefix) == 0;
    mdp_text_clear(merged);
    mdp_text_add_bytes(merged, left, n_left);
    mdp_text_add_bytes(merged, right + (inside ? n_prefix : 0), strlen(right) - (inside ? n_prefix : 0));
    TRY(mdp_text_status(merged, err));
    const int32_t ids[] = {mdp_piece_trie_find(&m->pieces, left, n_left),
                           mdp_piece_trie_find(&m->pieces, right, strlen(right)),
                           mdp_piece_trie_find(&m->pieces, merged->n ? merged->at : "", merged->n)};
    if (ids[0] < 0 || ids[1] < 0 || ids[2] < 0)
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "model: merges: entry %zu: '%.*s', '%.50s' or both together are not in vocab", i,
                        n_left < 50 ? (int)n_left : 50, left, right);
    mdp_status st = mdp_bpe_merges_add(m->merges, ids[0], ids[1], ids[2], err);
    return st == MDP_OK ? MDP_OK : mdp_fail_at(err, st, "model: merges: entry %zu", i);
}

static mdp_status read_bpe(struct mdp_json_model *m, const struct mdp_json *doc,
                           const struct mdp_json_value *node, struct mdp_error *err)
{
    static const char *const parts[] = {"type",
                                        "dropout",
                                        "unk_token",
                                        "continuing_subword_prefix",
                                        "end_of_word_suffix",
                                        "fuse_unk",
                                        "byte_fallback",
                                        "ignore_merges",
                                        "vocab",
                                        "merges",
                                        NULL};
    const struct mdp_json_value *vocab = NULL, *merges = NULL, *dropout = mdp_json_find(node, "dropout");
    struct mdp_text merged = {0};
    mdp_status st = MDP_OK;

    TRY(mdp_json_only_keys(node, "model BPE", parts, err));
    if (mdp_json_kind(dropout) != MDP_JSON_NULL && !(mdp_json_number(dropout) <= 0))
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "model BPE: dropout is not supported");
    TRY(mdp_json_get(doc, node, "vocab", MDP_JSON_MAP, &vocab, err));
    TRY(mdp_json_get(doc, node, "merges", MDP_JSON_LIST, &merges, err));
    TRY(mdp_json_each(vocab, add_entry, m, err));
    TRY(find_unknown(m, mdp_json_find(node, "unk_token"), err));
    TRY(copy_affix(node, "continuing_subword_prefix", &m->prefix, err));
    TRY(copy_affix(node, "end_of_word_suffix", &m->suffix, err));
    m->fuse_unknown = mdp_json_true(mdp_json_find(node, "fuse_unk"));
    m->byte_fallback = mdp_json_true(mdp_json_find(node, "byte_fallback"));
    m->ignore_merges = mdp_json_true(mdp_json_find(node, "ignore_merges"));
    TRY(mdp_bpe_merges_new(mdp_json_count(merges), &m->merges, err));
    for (size_t i = 0; i < mdp_json_count(merges) && st == MDP_OK; i++)
        st = add_merge(m, mdp_json_at(merges, i), i, &merged, err);
    mdp_text_release(&merged);
    return st;
}

static mdp_status read_unigram(struct mdp_json_model *m, const struct mdp_json *doc,
                               const struct mdp_json_value *node, struct mdp_error *err)
{
    static const char *const parts[] = {"type", "unk_id", "vocab", "byte_fallback", NULL};
    const struct mdp_json_value *vocab = NULL;
    size_t unknown = 0;
    double least = INFINITY;
    mdp_status st = MDP_OK;

    TRY(mdp_json_only_keys(node, "model Unigram", parts, err));
    TRY(mdp_json_get(doc, node, "vocab", MDP_JSON_LIST, &vocab, err));
    const size_t n = mdp_json_count(vocab);
    if (!mdp_json_to_size(mdp_json_find(node, "unk_id"), &unknown) || unknown >= n)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "model Unigram: unk_id is no id of its %zu pieces", n);
    m->scores = mdp_new_array(n, sizeof *m->scores, err, &st);
    TRY(st);
    for (size_t i = 0; i < n; i++) {
        const struct mdp_json_value *entry = mdp_json_at(vocab, i);
        const char *piece = mdp_json_text(mdp_json_at(entry, 0));
        m->scores[i] = mdp_json_number(mdp_json_at(entry, 1));
        if (!piece || !isfinite(m->scores[i]))
            return mdp_fail(err, MDP_ERR_FORMAT, "model: vocab: entry %zu is no piece with a score", i);
        TRY(add_piece(m, piece, i, err));
        least = fmin(least, m->scores[i]);
    }
    m->vocab_size = n;
    m->unknown = (int32_t)unknown;
    m->unknown_score = least - 10;
    m->byte_fallback = mdp_json_true(mdp_json_find(node, "byte_fallback"));
    return MDP_OK;
}

static mdp_status read_wordpiece(struct mdp_json_model *m, const struct mdp_json *doc,
                                 const struct mdp_json_value *node, struct mdp_error *err)
{
    static const char *const parts[] = {
        "type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab", NULL};
    const struct mdp_json_value *vocab = NULL, *most = mdp_json_find(node, "max_input_chars_per_word");

    TRY(mdp_json_only_keys(node, "model WordPiece", parts, err));
    TRY(mdp_json_get(doc, node, "vocab", MDP_JSON_MAP, &vocab, err));
    TRY(mdp_json_each(vocab, add_entry, m, err));
    TRY(find_unknown(m, mdp_json_find(node, "unk_token"), err));
    TRY(copy_affix(node, "continuing_subword_prefix", &m->prefix, err));
    m->most_characters = 100;
    if (m->unknown < 0 || (most && !mdp_json_to_size(most, &m->most_characters)))
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "model WordPiece: unk_token or max_input_chars_per_word is missing");
    return MDP_OK;
}

static mdp_status read_model(struct mdp_json_model *m, const struct mdp_json *doc,
                             const struct mdp_json_value *node, struct mdp_error *err)
{
    const char *type = mdp_json_text(mdp_json_find(node, "type"));

    /* Old files do not say the type; then it is the one whose parts are there. */
    if (!type)
        type = mdp_json_find(node, "merges")   ? "BPE"
               : mdp_json_find(node, "unk_id") ? "Unigram"
                                               : "WordPiece";
    if (strcmp(type, "BPE") == 0) {
        m->type = MDP_JSON_BPE;
        return read_bpe(m, doc, node, err);
    }
    if (strcmp(type, "Unigram") == 0) {
        m->type = MDP_JSON_UNIGRAM;
        return read_unigram(m, doc, node, err);
    }
    if (strcmp(type, "WordPiece") == 0) {
        m->type = MDP_JSON_WORDPIECE;
        return read_wordpiece(m, doc, node, err);
    }
    return mdp_fail(err, MDP_ERR_UNSUPPORTED, "model '%.50s' is not supported (BPE, Unigram, WordPiece are)",
                    type);
}

mdp_status mdp_json_model_init(struct mdp_json_model *m, const struct mdp_json *doc,
                               const struct mdp_json_value *node, struct mdp_error *err)
{
    *m = (struct mdp_json_model){0};
    mdp_status st = read_model(m, doc, node, err);

    if (st != MDP_OK)
        mdp_json_model_release(m);
    return st;
}

void mdp_json_model_release(struct mdp_json_model *m)
{
    mdp_piece_trie_release(&m->pieces);
    mdp_bpe_merges_free(m->merges);
    free(m->prefix);
    free(m->suffix);
    free(m->scores);
    memset(m, 0, sizeof *m);
}

void mdp_json_model_work_release(struct mdp_json_model_work *work)
{
    free(work->ids);
    free(work->ways);
    mdp_bpe_work_release(&work->bpe);
    *work = (struct mdp_json_model_work){0};
}

/* --- running --- */

/* Adds the ids of the bytes at[n] as pieces <0x41>; *all says whether every one has its piece. */
static mdp_status add_bytes(const struct mdp_json_model *m, const char *at, size_t n,
                            struct mdp_json_model_work *w, bool *all, struct mdp_error *err)
{
    const size_t begin = w->n;

    for (size_t i = 0; i < n; i++) {
        char piece[8];
        snprintf(piece, sizeof piece, "<0x%02X>", (unsigned char)at[i]);
        const int32_t id = mdp_piece_trie_find(&m->pieces, piece, strlen(piece));
        if (id < 0) {
            w->n = begin;
            *all = false;
            return MDP_OK;
        }
        TRY(add_id(w, id, err));
    }
    *all = true;
    return MDP_OK;
}

/* The id of head + at[n] + tail, or -1. */
static int32_t find_affixed(const struct mdp_json_model *m, const char *head, const char *at, size_t n,
                            const char *tail)
{
    const char *const parts[] = {head, at, tail};
    const size_t lengths[] = {strlen(head), n, strlen(tail)};
    uint32_t node = 0;

    for (size_t p = 0; p < MDP_COUNT(parts); p++)
        for (size_t i = 0; i < lengths[p]; i++) {
            node = mdp_piece_trie_step(&m->pieces, node, (unsigned char)parts[p][i]);
            if (!node)
                return -1;
        }
    return node ? m->pieces.ids[node] : -1;
}

static mdp_status run_bpe(const struct mdp_json_model *m, const char *word, size_t n,
                          struct mdp_json_model_work *w, struct mdp_error *err)
{
    const size_t begin = w->n;
    const int32_t whole = m->ignore_merges ? mdp_piece_trie_find(&m->pieces, word, n) : -1;
    bool waits = false; /* an unknown one, which the next may join */

    if (whole >= 0)
        return add_id(w, whole, err);
    for (size_t at = 0, length = 0; at < n; at += length) {
        length = character_length((unsigned char)word[at]);
        const int32_t id =
            find_affixed(m, at > 0 ? m->prefix : "", word + at, length, at + length >= n ? m->suffix : "");
        bool all = false;
        if (id < 0 && m->byte_fallback)
            TRY(add_bytes(m, word + at, length, w, &all, err));
        if (all)
            continue;
        if (waits && (id >= 0 || !m->fuse_unknown)) {
            TRY(add_id(w, m->unknown, err));
            waits = false;
        }
        if (id >= 0)
            TRY(add_id(w, id, err));
        else
            waits = m->unknown >= 0;
    }
    if (waits)
        TRY(add_id(w, m->unknown, err));
    size_t left = w->n - begin;
    if (left > 0)
        TRY(mdp_bpe_merge(m->merges, w->ids + begin, &left, &w->bpe, err));
    w->n = begin + left;
    return MDP_OK;
}

static void offer(struct mdp_way *way, size_t from, double score, int32_t id)
{
    if (way->from == NOT_REACHED || score > way->score)
        *way = (struct mdp_way){from, score, id};
}

static void find_ways(const struct mdp_json_model *m, const char *word, size_t n, struct mdp_way ways[])
{
    for (size_t at = 0, length = 0; at < n; at += length) {
        uint32_t node = 0;
        bool single = false;
        length = character_length((unsigned char)word[at]);
        for (size_t i = at; i < n; i++) {
            node = mdp_piece_trie_step(&m->pieces, node, (unsigned char)word[i]);
            if (!node)
                break;
            const int32_t id = m->pieces.ids[node];
            if (id < 0)
                continue;
            offer(&ways[i + 1], at, ways[at].score + m->scores[id], id);
            single = single || i + 1 == at + length;
        }
        if (!single)
            offer(&ways[at + length], at, ways[at].score + m->unknown_score, m->unknown);
    }
}

/* Unknown characters side by side are one piece. */
static mdp_status run_unigram(const struct mdp_json_model *m, const char *word, size_t n,
                              struct mdp_json_model_work *w, struct mdp_error *err)
{
    size_t end = n, places = 0;

    TRY(mdp_grow(&w->ways, &w->n_ways, n + 1, sizeof *w->ways, err));
    for (size_t i = 0; i <= n; i++)
        w->ways[i] = (struct mdp_way){NOT_REACHED, 0, 0};
    find_ways(m, word, n, w->ways);
    /* Turned round: the way to `end` says from then on where the piece that begins there ends. */
    for (size_t from = 0, behind = NOT_REACHED; end > 0; end = from, places++) {
        from = w->ways[end].from;
        const int32_t id = w->ways[end].id;
        w->ways[end].from = behind;
        behind = end;
        w->ways[from].score = (double)id; /* no longer asked for, and not yet */
        if (from == 0)
            w->ways[0].from = behind;
    }
    for (size_t at = 0; places > 0; places--) {
        const size_t begin = at;
        const int32_t id = (int32_t)w->ways[at].score;
        at = w->ways[at].from;
        for (; id == m->unknown && places > 1 && (int32_t)w->ways[at].score == m->unknown; places--)
            at = w->ways[at].from;
        int32_t found = id == m->unknown ? mdp_piece_trie_find(&m->pieces, word + begin, at - begin) : id;
        bool all = false;
        if (found < 0 && m->byte_fallback)
            TRY(add_bytes(m, word + begin, at - begin, w, &all, err));
        if (!all)
            TRY(add_id(w, found < 0 ? m->unknown : found, err));
    }
    return MDP_OK;
}

static mdp_status run_wordpiece(const struct mdp_json_model *m, const char *word, size_t n,
                                struct mdp_json_model_work *w, struct mdp_error *err)
{
    const size_t begin = w->n;
    size_t characters = 0;
    uint32_t inside = 0;

    for (size_t i = 0; i < n; i += character_length((unsigned char)word[i]))
        characters++;
    for (const char *p = m->prefix; *p; p++)
        inside = inside || p == m->prefix ? mdp_piece_trie_step(&m->pieces, inside, (unsigned char)*p) : 0;
    for (size_t at = 0, end = 0; at < n && characters <= m->most_characters; at = end) {
        uint32_t node = at > 0 ? inside : 0;
        int32_t id = -1;
        for (size_t i = at; i < n && (at == 0 || inside || !*m->prefix); i++) {
            node = mdp_piece_trie_step(&m->pieces, node, (unsigned char)word[i]);
            if (!node)
                break;
            if (m->pieces.ids[node] < 0)
                continue;
            id = m->pieces.ids[node];
            end = i + 1;
        }
        if (id < 0) {
            w->n = begin;
            break;
        }
        TRY(add_id(w, id, err));
    }
    return w->n == begin ? add_id(w, m->unknown, err) : MDP_OK;
}

mdp_status mdp_json_model_run(const struct mdp_json_model *m, const char *word, size_t n,
                              struct mdp_json_model_work *work, struct mdp_error *err)
{
    if (n == 0)
        return MDP_OK;
    switch (m->type) {
    case MDP_JSON_BPE:
        return run_bpe(m, word, n, work, err);
    case MDP_JSON_UNIGRAM:
        return run_unigram(m, word, n, work, err);
    case MDP_JSON_WORDPIECE:
        break;
    }
    return run_wordpiece(m, word, n, work, err);
}
