/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/tokenizer_json.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/try.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ID = 1 << 24 };

static mdp_status to_utf8(const uint32_t at[], size_t n, struct mdp_text *out, struct mdp_error *err)
{
    mdp_text_clear(out);
    for (size_t i = 0; i < n; i++) {
        char bytes[4];
        mdp_text_add_bytes(out, bytes, mdp_char_encode(at[i], bytes));
    }
    return mdp_text_status(out, err);
}

/* --- added tokens --- */

static mdp_status read_added(struct mdp_tokenizer_json *t, const struct mdp_json_value *node,
                             struct mdp_error *err)
{
    static const char *const parts[] = {"id",     "content",    "single_word", "lstrip",
                                        "rstrip", "normalized", "special",     NULL};
    const char *content = mdp_json_text(mdp_json_find(node, "content"));
    const bool normalized = mdp_json_true(mdp_json_find(node, "normalized"));
    struct mdp_text utf8 = {0};
    size_t id = 0;

    TRY(mdp_json_only_keys(node, "added_tokens", parts, err));
    if (!content || !mdp_json_to_size(mdp_json_find(node, "id"), &id) || id >= MOST_ID)
        return mdp_fail(err, MDP_ERR_FORMAT, "added_tokens: an entry without content or id");
    if (mdp_json_true(mdp_json_find(node, "single_word")))
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "added_tokens: '%.50s': single_word is not supported",
                        content);
    if (!*content)
        return MDP_OK;
    const int32_t known = mdp_piece_trie_find(&t->model.pieces, content, strlen(content));
    TRY(mdp_grow(&t->added, &t->room, t->n_added + 1, sizeof *t->added, err));
    struct mdp_added_token *a = &t->added[t->n_added];
    *a = (struct mdp_added_token){.id = known >= 0 ? known : (int32_t)id,
                                  .eats_before = mdp_json_true(mdp_json_find(node, "lstrip")),
                                  .eats_behind = mdp_json_true(mdp_json_find(node, "rstrip"))};
    t->n_added++;
    if ((size_t)a->id >= t->vocab_size)
        t->vocab_size = (size_t)a->id + 1;
    TRY(mdp_chars_decode(&a->text, content, strlen(content), err));
    if (normalized)
        TRY(mdp_json_normalize(&t->normalizer, &a->text, err));
    mdp_status st = to_utf8(a->text.at, a->text.n, &utf8, err);
    if (st == MDP_OK && utf8.n > 0)
        st = mdp_piece_trie_add(normalized ? &t->normalized : &t->raw, utf8.at, utf8.n,
                                (int32_t)t->n_added - 1, err);
    mdp_text_release(&utf8);
    return st;
}

/* --- ids around a text --- */

static mdp_status find_id(const struct mdp_tokenizer_json *t, const char *token, int32_t *id,
                          struct mdp_error *err)
{
    *id = token ? mdp_piece_trie_find(&t->model.pieces, token, strlen(token)) : -1;
    for (size_t i = 0; token && *id < 0 && i < t->n_added; i++) {
        struct mdp_chars chars = {0};
        TRY(mdp_chars_decode(&chars, token, strlen(token), err));
        if (chars.n == t->added[i].text.n &&
            memcmp(chars.at, t->added[i].text.at, chars.n * sizeof *chars.at) == 0)
            *id = t->added[i].id;
        mdp_chars_release(&chars);
    }
    return *id >= 0 ? MDP_OK
                    : mdp_fail(err, MDP_ERR_FORMAT, "post_processor: token '%.50s' is not known",
                               token ? token : "");
}

/* single: at most one special token before "A", and at most one behind. */
static mdp_status read_template(struct mdp_tokenizer_json *t, const struct mdp_json_value *node,
                                struct mdp_error *err)
{
    const struct mdp_json_value *single = mdp_json_find(node, "single");
    bool text_seen = false;

    for (size_t i = 0; i < mdp_json_count(single); i++) {
        const struct mdp_json_value *special = mdp_json_find(mdp_json_at(single, i), "SpecialToken");
        int32_t *id = text_seen ? &t->around.eos : &t->around.bos, found = -1;
        const struct mdp_json_value *ids = NULL;
        size_t one = 0;
        if (!special) {
            if (text_seen)
                return mdp_fail(err, MDP_ERR_UNSUPPORTED,
                                "post_processor: the text stands twice in its template");
            text_seen = true;
            continue;
        }
        const char *name = mdp_json_text(mdp_json_find(special, "id"));
        ids = name ? mdp_json_find(mdp_json_find(mdp_json_find(node, "special_tokens"), name), "ids") : NULL;
        if (mdp_json_count(ids) == 1 && mdp_json_to_size(mdp_json_at(ids, 0), &one) && one < MOST_ID)
            found = (int32_t)one;
        else
            TRY(find_id(t, name, &found, err));
        if (*id != MDP_NO_ID)
            return mdp_fail(err, MDP_ERR_UNSUPPORTED, "post_processor: more than one token %s a text",
                            text_seen ? "behind" : "before");
        *id = found;
    }
    return text_seen ? MDP_OK : mdp_fail(err, MDP_ERR_FORMAT, "post_processor: no text in its template");
}

static mdp_status read_post_processor(struct mdp_tokenizer_json *t, const struct mdp_json_value *node,
                                      int depth, struct mdp_error *err)
{
    const char *type = mdp_json_text(mdp_json_find(node, "type"));
    const struct mdp_json_value *members = mdp_json_find(node, "processors");

    if (mdp_json_kind(node) == MDP_JSON_NULL || (type && strcmp(type, "ByteLevel") == 0))
        return MDP_OK;
    if (type && strcmp(type, "TemplateProcessing") == 0)
        return read_template(t, node, err);
    if (type && (strcmp(type, "BertProcessing") == 0 || strcmp(type, "RobertaProcessing") == 0)) {
        TRY(find_id(t, mdp_json_text(mdp_json_at(mdp_json_find(node, "cls"), 0)), &t->around.bos, err));
        return find_id(t, mdp_json_text(mdp_json_at(mdp_json_find(node, "sep"), 0)), &t->around.eos, err);
    }
    if (!type || strcmp(type, "Sequence") != 0 || depth > 4)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "post_processor %.50s: it is not supported",
                        type ? type : "");
    for (size_t i = 0; i < mdp_json_count(members); i++)
        TRY(read_post_processor(t, mdp_json_at(members, i), depth + 1, err));
    return MDP_OK;
}

static mdp_status read_pad(struct mdp_tokenizer_json *t, const struct mdp_json_value *root,
                           struct mdp_error *err)
{
    static const char *const usual[] = {"[PAD]", "<pad>"};
    struct mdp_error unused = MDP_ERROR_INIT;
    size_t id = 0;

    (void)err;
    if (mdp_json_to_size(mdp_json_find(mdp_json_find(root, "padding"), "pad_id"), &id) && id < MOST_ID) {
        t->around.pad = (int32_t)id;
        return MDP_OK;
    }
    for (size_t i = 0; i < MDP_COUNT(usual); i++)
        if (find_id(t, usual[i], &t->around.pad, &unused) == MDP_OK)
            return MDP_OK;
    t->around.pad = MDP_UNSAID_ID;
    return MDP_OK;
}

static mdp_status read_parts(struct mdp_tokenizer_json *t, const struct mdp_json *doc, struct mdp_error *err)
{
    static const char *const parts[] = {
        "version",       "truncation",     "padding", "added_tokens", "normalizer",
        "pre_tokenizer", "post_processor", "decoder", "model",        NULL};
    const struct mdp_json_value *root = mdp_json_root(doc), *model = NULL;
    const struct mdp_json_value *added = mdp_json_find(root, "added_tokens");

    TRY(mdp_json_get(doc, root, "model", MDP_JSON_MAP, &model, err));
    TRY(mdp_json_only_keys(root, "the file", parts, err));
    TRY(mdp_json_model_init(&t->model, doc, model, err));
    t->vocab_size = t->model.vocab_size;
    TRY(mdp_json_normalizer_init(&t->normalizer, mdp_json_find(root, "normalizer"), err));
    TRY(mdp_json_pre_tokenizer_init(&t->pre_tokenizer, mdp_json_find(root, "pre_tokenizer"), err));
    for (size_t i = 0; i < mdp_json_count(added); i++)
        TRY(read_added(t, mdp_json_at(added, i), err));
    TRY(read_post_processor(t, mdp_json_find(root, "post_processor"), 0, err));
    return read_pad(t, root, err);
}

mdp_status mdp_tokenizer_json_init(struct mdp_tokenizer_json *t, const struct mdp_json *doc,
                                   struct mdp_error *err)
{
    *t = (struct mdp_tokenizer_json){.around = {MDP_NO_ID, MDP_NO_ID, MDP_UNSAID_ID}};
    mdp_status st = read_parts(t, doc, err);

    if (st != MDP_OK)
        mdp_tokenizer_json_release(t);
    return st;
}

void mdp_tokenizer_json_release(struct mdp_tokenizer_json *t)
{
    mdp_json_steps_release(&t->normalizer);
    mdp_json_steps_release(&t->pre_tokenizer);
    mdp_json_model_release(&t->model);
    for (size_t i = 0; i < t->n_added; i++)
        mdp_chars_release(&t->added[i].text);
    free(t->added);
    mdp_piece_trie_release(&t->raw);
    mdp_piece_trie_release(&t->normalized);
    memset(t, 0, sizeof *t);
}

/* --- a text --- */

struct run {
    const struct mdp_tokenizer_json *t;
    size_t most;
    struct mdp_json_words words;
    struct mdp_text utf8;
    struct mdp_json_model_work work;
    struct mdp_error *err;
};

static mdp_status add_token(struct run *r, int32_t id)
{
    TRY(mdp_grow(&r->work.ids, &r->work.room, r->work.n + 1, sizeof *r->work.ids, r->err));
    r->work.ids[r->work.n++] = id;
    return MDP_OK;
}

static mdp_status add_words(struct run *r, const uint32_t at[], size_t n, bool at_start)
{
    struct mdp_json_words *w = &r->words;

    w->chars.n = w->n = 0;
    w->at_start = at_start;
    for (size_t i = 0; i < n; i++)
        TRY(mdp_chars_add(&w->chars, at[i], r->err));
    TRY(mdp_grow(&w->ends, &w->room, 1, sizeof *w->ends, r->err));
    w->ends[0] = n;
    w->n = n > 0;
    TRY(mdp_json_pre_tokenize(&r->t->pre_tokenizer, w, r->err));
    for (size_t i = 0, from = 0; i < w->n && r->work.n < r->most; from = w->ends[i++]) {
        TRY(to_utf8(w->chars.at + from, w->ends[i] - from, &r->utf8, r->err));
        TRY(mdp_json_model_run(&r->t->model, r->utf8.at, r->utf8.n, &r->work, r->err));
    }
    return MDP_OK;
}

/* The longest added token that at[n] begins with: its index and length, or -1. */
static int32_t token_at(const struct mdp_piece_trie *tokens, const uint32_t at[], size_t n, size_t *length)
{
    uint32_t node = 0;
    int32_t best = -1;

    for (size_t i = 0; i < n; i++) {
        char bytes[4];
        const size_t m = mdp_char_encode(at[i], bytes);
        for (size_t j = 0; j < m; j++) {
            node = mdp_piece_trie_step(tokens, node, (unsigned char)bytes[j]);
            if (!node)
                return best;
        }
        if (tokens->ids[node] < 0)
            continue;
        best = tokens->ids[node];
        *length = i + 1;
    }
    return best;
}

static bool is_white(uint32_t c)
{
    return mdp_char_word(c) & MDP_WORD_WHITE;
}

/* Cuts at the tokens of one table; what is between them goes on to the next table, and at last to the words. */
static mdp_status add_text(struct run *r, const uint32_t at[], size_t n, bool raw, bool at_start);

static mdp_status add_between(struct run *r, const uint32_t at[], size_t n, bool raw, bool at_start)
{
    struct mdp_chars text = {0};
    mdp_status st = MDP_OK;

    if (n == 0 || r->work.n >= r->most)
        return MDP_OK;
    if (!raw)
        return add_words(r, at, n, at_start);
    for (size_t i = 0; i < n && st == MDP_OK; i++)
        st = mdp_chars_add(&text, at[i], r->err);
    if (st == MDP_OK)
        st = mdp_json_normalize(&r->t->normalizer, &text, r->err);
    if (st == MDP_OK)
        st = add_text(r, text.at, text.n, false, at_start);
    mdp_chars_release(&text);
    return st;
}

static mdp_status add_text(struct run *r, const uint32_t at[], size_t n, bool raw, bool at_start)
{
    const struct mdp_piece_trie *tokens = raw ? &r->t->raw : &r->t->normalized;
    size_t from = 0;

    for (size_t i = 0, length = 0; i < n && tokens->nodes > 0 && r->work.n < r->most;) {
        const int32_t index = token_at(tokens, at + i, n - i, &length);
        if (index < 0) {
            i++;
            continue;
        }
        const struct mdp_added_token *a = &r->t->added[index];
        size_t end = i;
        while (a->eats_before && end > from && is_white(at[end - 1]))
            end--;
        if (end > from)
            TRY(add_between(r, at + from, end - from, raw, at_start && from == 0));
        TRY(add_token(r, a->id));
        i += length;
        for (from = i > from ? i : from; a->eats_behind && from < n && is_white(at[from]);)
            from++;
    }
    return from < n ? add_between(r, at + from, n - from, raw, at_start && from == 0) : MDP_OK;
}

mdp_status mdp_tokenizer_json_run(const struct mdp_tokenizer_json *t, struct mdp_chars *text, size_t most,
                                  int32_t ids[], size_t *n_ids, struct mdp_error *err)
{
    struct run r = {.t = t, .most = most, .err = err};
    mdp_status st = add_text(&r, text->at, text->n, true, true);

    *n_ids = r.work.n < most ? r.work.n : most;
    if (*n_ids > 0)
        memcpy(ids, r.work.ids, *n_ids * sizeof *ids);
    mdp_json_words_release(&r.words);
    mdp_json_model_work_release(&r.work);
    mdp_text_release(&r.utf8);
    return st;
}
