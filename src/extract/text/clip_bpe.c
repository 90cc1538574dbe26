/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/clip_bpe.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/text/tokenizer_kinds.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct variant {
    const char *name, *begin, *end; /* end: tokens as they are written */
    bool any_case;                  /* case of tokens and of endings does not count */
    bool anywhere;                  /* a token is also cut out of a run of other characters */
    enum mdp_clip_clean clean;      /* where the card says nothing */
} variants[MDP_CLIP_VARIANTS] = {
    [MDP_CLIP_OPEN_CLIP] = {"open-clip", "<start_of_text>", "<end_of_text>", true, false, MDP_CLIP_LOWER},
    [MDP_CLIP_OPENAI] = {"openai", "<|startoftext|>", "<|endoftext|>", true, false, MDP_CLIP_LOWER},
    [MDP_CLIP_TRANSFORMERS] = {"transformers", "<|startoftext|>", "<|endoftext|>", false, true,
                               MDP_CLIP_NFC_LOWER},
};

/* --- pieces --- */

/* Case as regular expressions ignore it: the long s is an s, too. */
static uint32_t fold(uint32_t c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c == 0x17F ? 's' : c;
}

/* The length of `word` when text[n] begins with it, else 0. */
static size_t starts_with(const uint32_t text[], size_t n, const char *word, bool any_case)
{
    size_t m = strlen(word);

    for (size_t i = 0; i < m; i++)
        if (i >= n || (any_case ? fold(text[i]) : text[i]) != (unsigned char)word[i])
            return 0;
    return m;
}

static size_t token_length(const struct variant *v, const uint32_t text[], size_t n)
{
    size_t m = starts_with(text, n, v->begin, v->any_case);

    return m ? m : starts_with(text, n, v->end, v->any_case);
}

static size_t ending_length(const struct variant *v, const uint32_t text[], size_t n)
{
    static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    size_t m = 0;

    for (size_t i = 0; i < MDP_COUNT(endings) && m == 0; i++)
        m = starts_with(text, n, endings[i], v->any_case);
    return m;
}

/* The iota below is no letter, but its upper case is one: the module regex, when case does not count, finds it neither
   among the letters nor among the others, so it stands between pieces as white space does. */
static unsigned class_of(const struct variant *v, uint32_t c)
{
    return v->any_case && c == 0x345 ? MDP_WORD_WHITE : mdp_char_word(c);
}

/* The length of the piece that text[n] begins with; 0 at white space. */
static size_t piece_length(const struct variant *v, const uint32_t text[], size_t n)
{
    const unsigned not_other = MDP_WORD_LETTER | MDP_WORD_NUMBER | MDP_WORD_WHITE;
    const unsigned first = class_of(v, text[0]);
    size_t m = token_length(v, text, n);

    if (m == 0)
        m = ending_length(v, text, n);
    if (m > 0 || first & MDP_WORD_WHITE)
        return m;
    if (first & MDP_WORD_NUMBER)
        return 1;
    m = 1;
    if (first & MDP_WORD_LETTER)
        while (m < n && class_of(v, text[m]) & MDP_WORD_LETTER)
            m++;
    else
        while (m < n && !(class_of(v, text[m]) & not_other) &&
               !(v->anywhere && token_length(v, text + m, n - m)))
            m++;
    return m;
}

/* --- ids --- */

struct run {
    const struct mdp_clip_bpe *bpe;
    int32_t *ids; /* [most] */
    size_t n, most;
    int32_t *word; /* [n_word] symbols of a piece */
    size_t n_word;
    struct mdp_bpe_work work;
    struct mdp_error *err;
};

static void add_id(struct run *r, int32_t id)
{
    if (r->n < r->most)
        r->ids[r->n++] = id;
}

static mdp_status add_piece(struct run *r, const uint32_t text[], size_t n)
{
    const struct variant *v = &variants[r->bpe->variant];
    const struct mdp_clip_vocab *vocab = &r->bpe->vocab;
    size_t m = 0;

    if (starts_with(text, n, v->begin, false) == n) {
        add_id(r, vocab->begin);
        return MDP_OK;
    }
    if (starts_with(text, n, v->end, false) == n) {
        add_id(r, vocab->end);
        return MDP_OK;
    }
    TRY(mdp_grow(&r->word, &r->n_word, 4 * n, sizeof *r->word, r->err));
    for (size_t i = 0; i < n; i++) {
        char utf8[4];
        size_t bytes = mdp_char_encode(text[i], utf8);
        for (size_t j = 0; j < bytes; j++)
            r->word[m++] = vocab->bytes[(unsigned char)utf8[j]];
    }
    if (m == 0)
        return MDP_OK;
    r->word[m - 1] += MDP_CLIP_WORD_END;
    TRY(mdp_bpe_merge(vocab->merges, r->word, &m, &r->work, r->err));
    for (size_t i = 0; i < m; i++)
        add_id(r, r->word[i]);
    return MDP_OK;
}

mdp_status mdp_clip_bpe_run(const struct mdp_clip_bpe *bpe, const char *text, size_t n, size_t most,
                            int32_t ids[], size_t *n_ids, struct mdp_error *err)
{
    struct run r = {.bpe = bpe, .ids = ids, .most = most, .err = err};
    struct mdp_chars chars = {0};
    mdp_status st = mdp_chars_decode(&chars, text, n, err);

    if (st == MDP_OK)
        st = mdp_clip_clean(bpe->clean, &chars, err);
    for (size_t at = 0, m = 0; at < chars.n && st == MDP_OK && r.n < most; at += m) {
        m = piece_length(&variants[bpe->variant], chars.at + at, chars.n - at);
        if (m > 0)
            st = add_piece(&r, chars.at + at, m);
        else
            m = 1;
    }
    *n_ids = r.n;
    mdp_chars_release(&chars);
    mdp_bpe_work_release(&r.work);
    free(r.word);
    return st;
}

/* --- the kind --- */

static const char *const keys[] = {"variant", "clean", "pad", NULL};
static const char *const files[] = {"bpe_simple_vocab_16e6.txt.gz", "bpe_simple_vocab_16e6.txt", "merges.txt",
                                    NULL};

struct model {
    struct mdp_clip_bpe bpe;
    size_t pad; /* an id, or NO_PAD: the variant's */
};

enum { MOST_PAD = 1 << 24 };
static const size_t NO_PAD = SIZE_MAX;

static mdp_status from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_tokenizer *tokenizer, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct model *m = tokenizer->model = mdp_new_array(1, sizeof *m, err, &st);
    const char *names[MDP_CLIP_VARIANTS];
    size_t variant = MDP_CLIP_OPEN_CLIP;

    TRY(st);
    for (size_t i = 0; i < MDP_CLIP_VARIANTS; i++)
        names[i] = variants[i].name;
    if (mdp_yaml_find(node, "variant"))
        TRY(mdp_yaml_get_choice(doc, node, "variant", "variant of CLIP's tokenizer", names, MDP_CLIP_VARIANTS,
                                &variant, err));
    size_t clean = variants[variant].clean;
    if (mdp_yaml_find(node, "clean"))
        TRY(mdp_yaml_get_choice(doc, node, "clean", "way to clean a text", mdp_clip_cleans, MDP_CLIP_CLEANS,
                                &clean, err));
    m->bpe.variant = (enum mdp_clip_variant)variant;
    m->bpe.clean = (enum mdp_clip_clean)clean;
    m->pad = NO_PAD;
    return mdp_yaml_find(node, "pad") ? mdp_yaml_get_size(doc, node, "pad", 0, MOST_PAD, &m->pad, err)
                                      : MDP_OK;
}

static mdp_status load(struct mdp_tokenizer *tokenizer, const char *vocab, struct mdp_error *err)
{
    struct model *m = tokenizer->model;
    bool ends = m->bpe.variant == MDP_CLIP_TRANSFORMERS;

    TRY(mdp_clip_vocab_read(vocab, &m->bpe.vocab, err));
    tokenizer->bos = m->bpe.vocab.begin;
    tokenizer->eos = m->bpe.vocab.end;
    tokenizer->vocab_size = (size_t)m->bpe.vocab.end + 1;
    if (m->pad != NO_PAD && m->pad >= tokenizer->vocab_size)
        return mdp_fail(err, MDP_ERR_VALUE, "pad is %zu, but %s has %zu ids", m->pad, vocab,
                        tokenizer->vocab_size);
    tokenizer->pad = m->pad != NO_PAD ? (int32_t)m->pad : ends ? m->bpe.vocab.end : 0;
    return MDP_OK;
}

static mdp_status encode(const void *model, const char *text, size_t n, size_t most, int32_t ids[],
                         size_t *n_ids, struct mdp_error *err)
{
    const struct model *m = model;

    return mdp_clip_bpe_run(&m->bpe, text, n, most, ids, n_ids, err);
}

static void free_model(void *model)
{
    struct model *m = model;

    if (m)
        mdp_clip_vocab_release(&m->bpe.vocab);
    free(m);
}

const struct mdp_tokenizer_kind mdp_clip_bpe_kind = {.name = "clip-bpe",
                                                     .keys = keys,
                                                     .files = files,
                                                     .shipped = true,
                                                     .from_yaml = from_yaml,
                                                     .load = load,
                                                     .encode = encode,
                                                     .free = free_model};
