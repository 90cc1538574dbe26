/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/wordpiece_clean.h"

#include "extract/text/clip_clean.h"
#include "extract/text/unicode.h"

#include <stdbool.h>
#include <string.h>

const char *const mdp_wordpiece_cleans[MDP_WORDPIECE_CLEANS] = {
    [MDP_WORDPIECE_CLEAN_NONE] = "none",
    [MDP_WORDPIECE_CLEAN_WHITESPACE] = "whitespace",
    [MDP_WORDPIECE_CLEAN_END_PUNCTUATION] = "end-punctuation",
    [MDP_WORDPIECE_CLEAN_REPORT] = "report",
};

/* \w of Python's re: letters and numbers of Unicode 14.0, and _. */
static bool is_of_word(uint32_t c)
{
    return c == '_' ||
           (mdp_char_word(c) & (MDP_WORD_LETTER | MDP_WORD_NUMBER) && mdp_char_class(c) != MDP_CHAR_DROPPED);
}

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

/* Words of one sentence. */
struct sentence {
    struct mdp_text *out;
    size_t words;
    bool in_word; /* the last character was of a word */
    bool begun;   /* the word has a character in `out` */
};

static void add_char(struct sentence *s, uint32_t c)
{
    if (!is_of_word(c)) {
        s->in_word = false;
        return;
    }
    if (!s->in_word) {
        s->words++;
        s->begun = false;
    }
    s->in_word = true;
    if (c >= 0x80)
        return;
    if (!s->begun && s->out->n)
        mdp_text_add(s->out, " ");
    s->begun = true;
    mdp_text_add(s->out, "%c", (char)c);
}

static void add_sentence(const uint32_t at[], size_t n, struct mdp_text *out)
{
    struct sentence s = {.out = out};
    const size_t before = out->n;

    for (size_t i = 0; i < n; i++) {
        uint32_t lower[2] = {0};
        const size_t parts = mdp_char_lower(at[i], lower);
        for (size_t j = 0; j < parts; j++)
            add_char(&s, lower[j]);
    }
    if (s.words < 2 && out->n > before) {
        out->n = before;
        out->at[before] = '\0';
    }
}

static void add_sentences(const struct mdp_chars *chars, struct mdp_text *out)
{
    for (size_t from = 0, i = 0; i <= chars->n; i++) {
        if (i < chars->n && chars->at[i] != '.')
            continue;
        size_t end = i;
        while (i < chars->n && end > from && is_digit(chars->at[end - 1]))
            end--;
        add_sentence(chars->at + from, end - from, out);
        from = i + 1;
    }
}

static void add_all(const struct mdp_chars *chars, struct mdp_text *out)
{
    char bytes[4];

    for (size_t i = 0; i < chars->n; i++)
        mdp_text_add_bytes(out, bytes, mdp_char_encode(chars->at[i], bytes));
}

mdp_status mdp_wordpiece_clean(enum mdp_wordpiece_clean how, const char *text, size_t n, struct mdp_text *out,
                               struct mdp_error *err)
{
    struct mdp_chars chars = {0};

    while (how == MDP_WORDPIECE_CLEAN_END_PUNCTUATION && n > 0 && strchr("!?.", text[n - 1]))
        n--;
    mdp_status st = mdp_chars_decode(&chars, text, n, err);
    if (st == MDP_OK && how == MDP_WORDPIECE_CLEAN_WHITESPACE)
        st = mdp_clip_clean(MDP_CLIP_WHITESPACE, &chars, err);
    if (st == MDP_OK && chars.n && how == MDP_WORDPIECE_CLEAN_REPORT)
        add_sentences(&chars, out);
    else if (st == MDP_OK)
        add_all(&chars, out);
    mdp_chars_release(&chars);
    return st == MDP_OK ? mdp_text_status(out, err) : st;
}
