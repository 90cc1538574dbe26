/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/wordpiece.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/text/tokenizer_kinds.h"
#include "extract/text/unicode.h"
#include "extract/text/wordpiece_clean.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_WORD = 100 /* characters */ };

struct special {
    const char *text;
    size_t n;
    size_t id_at; /* offset in struct mdp_wordpiece */
};

#define SPECIAL(name, member)                                                                                \
    {                                                                                                        \
        name, sizeof name - 1, offsetof(struct mdp_wordpiece, member)                                        \
    }
static const struct special specials[] = {SPECIAL("[UNK]", unk), SPECIAL("[SEP]", sep), SPECIAL("[PAD]", pad),
                                          SPECIAL("[CLS]", cls), SPECIAL("[MASK]", mask)};
enum { N_SPECIALS = sizeof specials / sizeof *specials };

static int32_t *id_of(struct mdp_wordpiece *wordpiece, const struct special *s)
{
    return (int32_t *)(void *)((char *)wordpiece + s->id_at);
}

mdp_status mdp_wordpiece_init(struct mdp_wordpiece *wordpiece, const struct mdp_vocab *vocab,
                              struct mdp_error *err)
{
    wordpiece->vocab = vocab;
    for (size_t i = 0; i < N_SPECIALS; i++) {
        int32_t id = mdp_vocab_find(vocab, specials[i].text, specials[i].n);
        if (id < 0)
            return mdp_fail(err, MDP_ERR_MISSING, "no line '%s' among %zu (a WordPiece vocabulary has it)",
                            specials[i].text, mdp_vocab_count(vocab));
        *id_of(wordpiece, &specials[i]) = id;
    }
    return MDP_OK;
}

struct run {
    struct mdp_wordpiece wordpiece;
    int32_t *ids; /* [most] */
    size_t n, most;
    struct mdp_chars word, other; /* the word that is being gathered, and its next form */
    struct mdp_error *err;
};

static void add_id(struct run *r, int32_t id)
{
    if (r->n < r->most)
        r->ids[r->n++] = id;
}

/* The longest piece of the vocabulary at word[from..n) into *id; where it ends, or `from` when there is
   none. Character i of the word is bytes[at[i]..at[i + 1]). */
static size_t longest_piece(const struct mdp_vocab *vocab, const char *bytes, const size_t at[], size_t from,
                            size_t n, int32_t *id)
{
    size_t n_head = from > 0 ? 2 : 0;
    uint64_t hash[MAX_WORD + 1]; /* of the piece that ends before character i */
    size_t end = from;

    hash[from] = mdp_vocab_hash_add(mdp_vocab_hash_begin(), "##", n_head);
    for (size_t i = from; i < n; i++)
        hash[i + 1] = mdp_vocab_hash_add(hash[i], bytes + at[i], at[i + 1] - at[i]);
    for (end = n; end > from; end--) {
        *id = mdp_vocab_find_hashed(vocab, hash[end], "##", n_head, bytes + at[from], at[end] - at[from]);
        if (*id >= 0)
            break;
    }
    return end;
}

static void add_pieces(struct run *r, const uint32_t word[], size_t n)
{
    char bytes[4 * MAX_WORD];
    size_t at[MAX_WORD + 1] = {0};
    int32_t pieces[MAX_WORD];
    size_t n_pieces = 0;

    if (n > MAX_WORD) {
        add_id(r, r->wordpiece.unk);
        return;
    }
    for (size_t i = 0; i < n; i++)
        at[i + 1] = at[i] + mdp_char_encode(word[i], bytes + at[i]);
    for (size_t from = 0, end; from < n; from = end) {
        end = longest_piece(r->wordpiece.vocab, bytes, at, from, n, &pieces[n_pieces]);
        if (end == from) {
            add_id(r, r->wordpiece.unk);
            return;
        }
        n_pieces++;
    }
    for (size_t i = 0; i < n_pieces; i++)
        add_id(r, pieces[i]);
}

static const struct special *special_at(const uint32_t chars[], size_t n)
{
    for (size_t i = 0; i < N_SPECIALS; i++) {
        size_t j = 0;
        while (j < specials[i].n && j < n && chars[j] == (unsigned char)specials[i].text[j])
            j++;
        if (j == specials[i].n)
            return &specials[i];
    }
    return NULL;
}

static void use_other_form(struct run *r)
{
    struct mdp_chars held = r->word;
    r->word = r->other;
    r->other = held;
}

static void drop_marks(struct mdp_chars *chars)
{
    size_t kept = 0;

    for (size_t i = 0; i < chars->n; i++)
        if (mdp_char_class(chars->at[i]) != MDP_CHAR_MARK)
            chars->at[kept++] = chars->at[i];
    chars->n = kept;
}

static void split_punctuation(struct run *r)
{
    const uint32_t *at = r->word.at;
    size_t from = 0;

    for (size_t i = 0; i <= r->word.n; i++) {
        bool end = i == r->word.n;
        if (!end && mdp_char_class(at[i]) != MDP_CHAR_PUNCTUATION)
            continue;
        if (i > from)
            add_pieces(r, at + from, i - from);
        if (!end)
            add_pieces(r, at + i, 1);
        from = i + 1;
    }
}

/* Composing first changes nothing when the word is decomposed afterwards, and lower case is closed under it;
   so it is done only where its result is seen. */
static mdp_status end_word(struct run *r)
{
    const struct mdp_wordpiece *w = &r->wordpiece;
    mdp_status st = MDP_OK;

    if (r->word.n == 0 || r->n == r->most) {
        r->word.n = 0;
        return MDP_OK;
    }
    if (!w->lower_case || !w->strip_accents) {
        st = mdp_chars_nfc(&r->word, &r->other, r->err);
        use_other_form(r);
    }
    if (st == MDP_OK && w->strip_accents) {
        st = mdp_chars_nfd(&r->word, &r->other, r->err);
        use_other_form(r);
        drop_marks(&r->word);
    }
    /* What the first step did not see, because of dropped characters or marks in it. */
    const struct special *special = special_at(r->word.at, r->word.n);
    if (st == MDP_OK && special && special->n == r->word.n)
        add_id(r, *id_of(&r->wordpiece, special));
    else if (st == MDP_OK)
        split_punctuation(r);
    r->word.n = 0;
    return st;
}

static mdp_status add_char(struct run *r, uint32_t c)
{
    mdp_status st = MDP_OK;

    switch (mdp_char_class(c)) {
    case MDP_CHAR_DROPPED:
        return MDP_OK;
    case MDP_CHAR_SPACE:
        return end_word(r);
    default:
        if (!r->wordpiece.split_cjk || !mdp_char_is_cjk(c))
            return mdp_chars_add(&r->word, c, r->err);
        st = end_word(r);
        if (st == MDP_OK)
            st = mdp_chars_add(&r->word, c, r->err);
        return st == MDP_OK ? end_word(r) : st;
    }
}

static mdp_status add_text(struct run *r, const struct mdp_chars *text)
{
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < text->n && st == MDP_OK && r->n < r->most;) {
        const struct special *special = special_at(text->at + i, text->n - i);
        if (special) {
            st = end_word(r);
            add_id(r, *id_of(&r->wordpiece, special));
            i += special->n;
            continue;
        }
        uint32_t lower[2] = {text->at[i++]};
        size_t n = r->wordpiece.lower_case ? mdp_char_lower(lower[0], lower) : 1;
        for (size_t j = 0; j < n && st == MDP_OK; j++)
            st = add_char(r, lower[j]);
    }
    return st == MDP_OK ? end_word(r) : st;
}

mdp_status mdp_wordpiece_run(const struct mdp_wordpiece *wordpiece, const char *text, size_t n, size_t most,
                             int32_t ids[], size_t *n_ids, struct mdp_error *err)
{
    struct run r = {.wordpiece = *wordpiece, .ids = ids, .most = most, .err = err};
    struct mdp_chars chars = {0};
    mdp_status st = mdp_chars_decode(&chars, text, n, err);

    if (st == MDP_OK)
        st = add_text(&r, &chars);
    *n_ids = r.n;
    mdp_chars_release(&chars);
    mdp_chars_release(&r.word);
    mdp_chars_release(&r.other);
    return st;
}

/* --- the kind --- */

struct model {
    struct mdp_vocab *vocab;
    struct mdp_wordpiece wordpiece;
    enum mdp_wordpiece_clean clean;
};

static const char *const keys[] = {"lower_case", "strip_accents", "split_cjk", "clean", NULL};
static const char *const files[] = {"vocab.txt", NULL};

static mdp_status from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_tokenizer *tokenizer, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct model *m = tokenizer->model = mdp_new_array(1, sizeof *m, err, &st);
    const struct mdp_yaml_node *lower = mdp_yaml_find(node, "lower_case");
    const struct mdp_yaml_node *strip = mdp_yaml_find(node, "strip_accents");
    const struct mdp_yaml_node *split = mdp_yaml_find(node, "split_cjk");
    size_t clean = MDP_WORDPIECE_CLEAN_NONE;

    TRY(st);
    TRY(mdp_yaml_optional_choice(doc, node, "clean", "way to clean a text", mdp_wordpiece_cleans,
                                 MDP_WORDPIECE_CLEANS, &clean, err));
    m->clean = (enum mdp_wordpiece_clean)clean;
    m->wordpiece.lower_case = m->wordpiece.split_cjk = true;
    if (lower)
        TRY(mdp_yaml_to_bool(doc, lower, &m->wordpiece.lower_case, err));
    m->wordpiece.strip_accents = m->wordpiece.lower_case;
    if (strip)
        TRY(mdp_yaml_to_bool(doc, strip, &m->wordpiece.strip_accents, err));
    return split ? mdp_yaml_to_bool(doc, split, &m->wordpiece.split_cjk, err) : MDP_OK;
}

static mdp_status load(struct mdp_tokenizer *tokenizer, const char *vocab, struct mdp_error *err)
{
    struct model *m = tokenizer->model;

    TRY(mdp_vocab_read(vocab, &m->vocab, err));
    mdp_status st = mdp_wordpiece_init(&m->wordpiece, m->vocab, err);
    if (st != MDP_OK)
        return mdp_fail_at(err, st, "%s", vocab);
    tokenizer->vocab_size = mdp_vocab_count(m->vocab);
    tokenizer->bos = m->wordpiece.cls;
    tokenizer->eos = m->wordpiece.sep;
    tokenizer->pad = m->wordpiece.pad;
    return MDP_OK;
}

static mdp_status encode(const void *model, const char *text, size_t n, size_t most, int32_t ids[],
                         size_t *n_ids, struct mdp_error *err)
{
    const struct model *m = model;
    struct mdp_text cleaned = {0};

    if (m->clean == MDP_WORDPIECE_CLEAN_NONE)
        return mdp_wordpiece_run(&m->wordpiece, text, n, most, ids, n_ids, err);
    mdp_status st = mdp_wordpiece_clean(m->clean, text, n, &cleaned, err);
    if (st == MDP_OK)
        st = mdp_wordpiece_run(&m->wordpiece, cleaned.n ? cleaned.at : "", cleaned.n, most, ids, n_ids, err);
    mdp_text_release(&cleaned);
    return st;
}

static void free_model(void *model)
{
    struct model *m = model;

    if (m)
        mdp_vocab_free(m->vocab);
    free(m);
}

const struct mdp_tokenizer_kind mdp_wordpiece_kind = {.name = "wordpiece",
                                                      .keys = keys,
                                                      .files = files,
                                                      .from_yaml = from_yaml,
                                                      .load = load,
                                                      .encode = encode,
                                                      .free = free_model};
