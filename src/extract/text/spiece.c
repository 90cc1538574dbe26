/* SPDX-License-Identifier: BSD-3-Clause */
/* Kind `sentencepiece`: a model of SentencePiece as the programs use it that published models are run with.

   plain         SentencePieceProcessor.encode, nothing else
   siglip        SiglipTokenizer of transformers 4.57: lower case, no ASCII punctuation, one blank, </s> behind
   xlm-roberta   XLMRobertaTokenizer of the same: ids of fairseq, <s> before and </s> behind

   The last two cut out special tokens that are written in a text, as there. tests/reference/test_sentencepiece.py compares. */
#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"
#include "extract/text/clip_clean.h"
#include "extract/text/sentencepiece.h"
#include "extract/text/special_ids.h"
#include "extract/text/spiece_proto.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 64 << 20, BLANK_SIGN = 0x2581 };
enum variant { PLAIN, SIGLIP, XLM_ROBERTA, VARIANTS };

static const char *const variants[VARIANTS] = {"plain", "siglip", "xlm-roberta"};

/* A token that a text may hold written out. */
struct special {
    const char *text;
    int32_t id; /* of fairseq; OF_MODEL: the model's; BEHIND_MODEL: the first that it has not */
    bool eats_before, eats_behind; /* white space beside it is dropped */
};

enum { OF_MODEL = -1, BEHIND_MODEL = -2 };
static const struct special no_specials[] = {{0}};
static const struct special siglip_specials[] = {
    {"</s>", OF_MODEL, true, true}, {"<unk>", OF_MODEL, true, true}, {0}};
static const struct special fairseq_specials[] = {{"<s>", 0, false, false},
                                                  {"<pad>", 1, false, false},
                                                  {"</s>", 2, false, false},
                                                  {"<unk>", 3, false, false},
                                                  {"<mask>", BEHIND_MODEL, true, false},
                                                  {0}};
static const struct special *const specials[VARIANTS] = {no_specials, siglip_specials, fairseq_specials};

struct model {
    struct mdp_sentencepiece *pieces;
    enum variant variant;
    size_t clean; /* mdp_clip_cleans */
    struct mdp_special_ids said;
    int32_t end, blank; /* ids of </s> and of a lone blank */
    size_t n_unknown;   /* ids that "<unk>" is cut into */
};

/* --- texts --- */

struct run {
    const struct model *model;
    int32_t *ids; /* [most] */
    size_t n, most;
    struct mdp_text utf8;
    struct mdp_error *err;
};

static void add_id(struct run *r, int32_t id)
{
    if (r->n < r->most)
        r->ids[r->n++] = id;
}

static bool is_white(uint32_t c)
{
    return mdp_char_word(c) & MDP_WORD_STRIPPED;
}

static bool is_ascii_sign(uint32_t c)
{
    return c > ' ' && c < 0x7F && mdp_char_class(c) == MDP_CHAR_PUNCTUATION;
}

static void add_utf8(struct mdp_text *out, uint32_t c)
{
    char bytes[4];

    mdp_text_add_bytes(out, bytes, mdp_char_encode(c, bytes));
}

/* SiglipTokenizer.canonicalize_text */
static void add_canonical(struct mdp_text *out, const uint32_t text[], size_t n)
{
    bool any = false, blank = false;

    for (size_t i = 0; i < n; i++) {
        if (is_ascii_sign(text[i]))
            continue;
        if (is_white(text[i])) {
            blank = any;
            continue;
        }
        if (blank)
            mdp_text_add_bytes(out, " ", 1);
        blank = false;
        any = true;
        add_utf8(out, text[i]);
    }
}

static mdp_status add_segment(struct run *r, const uint32_t text[], size_t n)
{
    const struct model *m = r->model;
    const size_t skipped = m->variant == SIGLIP ? m->n_unknown : 0;
    int32_t *ids = NULL;
    size_t n_ids = 0;

    if (n == 0)
        return MDP_OK;
    mdp_text_clear(&r->utf8);
    if (m->variant ==
        SIGLIP) { /* so that the library does not take the blank before the text for a surplus one */
        mdp_text_add(&r->utf8, "<unk>");
        add_canonical(&r->utf8, text, n);
    } else {
        for (size_t i = 0; i < n; i++)
            add_utf8(&r->utf8, text[i]);
    }
    TRY(mdp_text_status(&r->utf8, r->err));
    TRY(mdp_sentencepiece_encode(m->pieces, r->utf8.at, r->utf8.n, &ids, &n_ids, r->err));
    for (size_t i = n_ids >= skipped ? skipped : 0; i < n_ids; i++)
        if (m->variant == XLM_ROBERTA)
            add_id(r, ids[i] == 0 ? 3 : ids[i] + 1);
        else
            add_id(r, ids[i]);
    free(ids);
    return MDP_OK;
}

/* The longest special token that text[n] begins with, or NULL. */
static const struct special *special_at(const struct special *all, const uint32_t text[], size_t n,
                                        size_t *length)
{
    const struct special *best = NULL;

    *length = 0;
    for (const struct special *s = all; s->text; s++) {
        size_t m = 0;
        while (s->text[m] && m < n && text[m] == (unsigned char)s->text[m])
            m++;
        if (!s->text[m] && m > *length) {
            best = s;
            *length = m;
        }
    }
    return best;
}

static void add_special(struct run *r, const struct special *s)
{
    const struct model *m = r->model;

    /* SiglipTokenizer.tokenize: a blank alone before a special token is none of the text's. */
    if (m->variant == SIGLIP && r->n == 1 && r->ids[0] == m->blank)
        r->n = 0;
    if (s->id == OF_MODEL)
        add_id(r, strcmp(s->text, "</s>") == 0 ? m->end : mdp_sentencepiece_unknown(m->pieces));
    else
        add_id(r, s->id == BEHIND_MODEL ? (int32_t)mdp_sentencepiece_count(m->pieces) + 1 : s->id);
}

static mdp_status add_text(struct run *r, const uint32_t text[], size_t n)
{
    size_t from = 0, length = 0;

    for (size_t at = 0; at < n && r->n < r->most;) {
        const struct special *s = special_at(specials[r->model->variant], text + at, n - at, &length);
        if (!s) {
            at++;
            continue;
        }
        size_t end = at;
        while (s->eats_before && end > from && is_white(text[end - 1]))
            end--;
        TRY(add_segment(r, text + from, end - from));
        add_special(r, s);
        from = at += length;
        while (s->eats_behind && from < n && is_white(text[from]))
            at = ++from;
    }
    return r->n < r->most ? add_segment(r, text + from, n - from) : MDP_OK;
}

/* SiglipTokenizer lower-cases each character for itself, and begins every text with the sign of a blank. */
static mdp_status prepare_siglip(const struct mdp_chars *in, struct mdp_chars *out, struct mdp_error *err)
{
    TRY(mdp_chars_add(out, BLANK_SIGN, err));
    for (size_t i = 0; i < in->n; i++) {
        uint32_t lower[2] = {0};
        size_t n = mdp_char_lower(in->at[i] == BLANK_SIGN ? ' ' : in->at[i], lower);
        for (size_t j = 0; j < n; j++)
            TRY(mdp_chars_add(out, lower[j], err));
    }
    return MDP_OK;
}

static mdp_status encode(const void *model, const char *text, size_t n, size_t most, int32_t ids[],
                         size_t *n_ids, struct mdp_error *err)
{
    const struct model *m = model;
    struct run r = {.model = m, .ids = ids, .most = most, .err = err};
    struct mdp_chars chars = {0}, prepared = {0};
    mdp_status st = MDP_OK;

    OR_OUT(mdp_chars_decode(&chars, text, n, err));
    OR_OUT(mdp_clip_clean((enum mdp_clip_clean)m->clean, &chars, err));
    if (m->variant == SIGLIP) {
        OR_OUT(prepare_siglip(&chars, &prepared, err));
        OR_OUT(add_text(&r, prepared.at, prepared.n));
        if (r.n > 0 && ids[r.n - 1] == m->end) /* it is not put behind itself */
            r.n--;
    } else {
        OR_OUT(add_text(&r, chars.at, chars.n));
    }
out:
    *n_ids = r.n;
    mdp_chars_release(&chars);
    mdp_chars_release(&prepared);
    mdp_text_release(&r.utf8);
    return st;
}

/* --- the kind --- */

static const char *const keys[] = {"variant", "clean", "bos", "eos", "pad", NULL};
static const char *const files[] = {"spiece.model", "sentencepiece.bpe.model", "tokenizer.model",
                                    "tokenizer.spm", NULL};

static mdp_status from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_tokenizer *tokenizer, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct model *m = tokenizer->model = mdp_new_array(1, sizeof *m, err, &st);
    size_t variant = PLAIN;

    TRY(st);
    m->clean = MDP_CLIP_NONE;
    if (mdp_yaml_find(node, "variant"))
        TRY(mdp_yaml_get_choice(doc, node, "variant", "variant of SentencePiece", variants, VARIANTS,
                                &variant, err));
    if (mdp_yaml_find(node, "clean"))
        TRY(mdp_yaml_get_choice(doc, node, "clean", "way to clean a text", mdp_clip_cleans, MDP_CLIP_CLEANS,
                                &m->clean, err));
    m->variant = (enum variant)variant;
    return mdp_special_ids_from_yaml(doc, node, &m->said, err);
}

static mdp_status read_model(struct model *m, const char *path, struct mdp_error *err)
{
    char *bytes = NULL;
    size_t n = 0;

    TRY(mdp_file_read(path, MOST_BYTES, &bytes, &n, err));
    mdp_status st = mdp_spiece_proto_check(bytes, n, err);
    if (st == MDP_OK)
        st = mdp_sentencepiece_new(bytes, n, m->variant == SIGLIP, &m->pieces, err);
    free(bytes);
    return st == MDP_OK ? MDP_OK : mdp_fail_at(err, st, "%s", path);
}

/* What SiglipTokenizer asks its model once. */
static mdp_status look_up(struct model *m, const char *path, struct mdp_error *err)
{
    int32_t *ids = NULL;

    m->end = mdp_sentencepiece_find(m->pieces, "</s>");
    m->blank = mdp_sentencepiece_find(m->pieces, "\xE2\x96\x81");
    if (m->end < 0)
        return mdp_fail(err, MDP_ERR_MISSING, "%s: no piece '</s>' (SigLIP's models have it)", path);
    TRY(mdp_sentencepiece_encode(m->pieces, "<unk>", strlen("<unk>"), &ids, &m->n_unknown, err));
    free(ids);
    return MDP_OK;
}

static mdp_status load(struct mdp_tokenizer *tokenizer, const char *vocab, struct mdp_error *err)
{
    struct model *m = tokenizer->model;
    struct mdp_special_ids usual = {MDP_NO_ID, MDP_NO_ID, 0};

    TRY(read_model(m, vocab, err));
    tokenizer->vocab_size = mdp_sentencepiece_count(m->pieces);
    if (m->variant == SIGLIP) {
        TRY(look_up(m, vocab, err));
        usual = (struct mdp_special_ids){MDP_NO_ID, m->end, m->end};
    } else if (m->variant == XLM_ROBERTA) {
        tokenizer->vocab_size += 2;
        usual = (struct mdp_special_ids){0, 2, 1};
    }
    return mdp_special_ids_take(&m->said, &usual, vocab, tokenizer, err);
}

static void free_model(void *model)
{
    struct model *m = model;

    if (m)
        mdp_sentencepiece_free(m->pieces);
    free(m);
}

const struct mdp_tokenizer_kind mdp_sentencepiece_kind = {.name = "sentencepiece",
                                                          .keys = keys,
                                                          .files = files,
                                                          .from_yaml = from_yaml,
                                                          .load = load,
                                                          .encode = encode,
                                                          .free = free_model};
