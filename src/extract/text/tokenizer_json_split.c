/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"
#include "base/try.h"
#include "extract/text/byte_chars.h"
#include "extract/text/tokenizer_json_steps.h"

#include <stdlib.h>
#include <string.h>

static unsigned word_class(uint32_t c)
{
    return mdp_char_word(c) & (MDP_WORD_LETTER | MDP_WORD_NUMBER | MDP_WORD_WHITE);
}

void mdp_json_words_release(struct mdp_json_words *words)
{
    mdp_chars_release(&words->chars);
    free(words->ends);
    *words = (struct mdp_json_words){0};
}

static mdp_status add_chars(struct mdp_json_words *out, const uint32_t at[], size_t n, struct mdp_error *err)
{
    for (size_t i = 0; i < n; i++)
        TRY(mdp_chars_add(&out->chars, at[i], err));
    return MDP_OK;
}

/* What was added since the last word is one, unless it is nothing. */
static mdp_status end_word(struct mdp_json_words *out, struct mdp_error *err)
{
    if (out->chars.n == (out->n ? out->ends[out->n - 1] : 0))
        return MDP_OK;
    TRY(mdp_grow(&out->ends, &out->room, out->n + 1, sizeof *out->ends, err));
    out->ends[out->n++] = out->chars.n;
    return MDP_OK;
}

static mdp_status add_word(struct mdp_json_words *out, const uint32_t at[], size_t n, struct mdp_error *err)
{
    TRY(add_chars(out, at, n, err));
    return end_word(out, err);
}

/* --- expressions --- */

static size_t ending_length(const uint32_t text[], size_t n)
{
    static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};

    for (size_t i = 0; i < MDP_COUNT(endings); i++) {
        size_t m = 0;
        while (endings[i][m] && m < n && text[m] == (unsigned char)endings[i][m])
            m++;
        if (!endings[i][m])
            return m;
    }
    return 0;
}

/* The end of the run of text[at]'s class; `one`: a number is alone. */
static size_t run_end(const uint32_t text[], size_t at, size_t n)
{
    const unsigned class = word_class(text[at]);

    while (at < n && word_class(text[at]) == class)
        at++;
    return at;
}

size_t mdp_gpt2_piece_end(const uint32_t text[], size_t from, size_t n)
{
    const size_t ending = ending_length(text + from, n - from);

    if (ending)
        return from + ending;
    if (!(word_class(text[from]) & MDP_WORD_WHITE))
        return run_end(text, from, n);
    const size_t end = run_end(text, from, n);
    if (end == n)
        return n;
    if (end - from > 1)
        return end - 1; /* the last one belongs to what follows, or is alone */
    return text[from] == ' ' ? run_end(text, end, n) : end;
}

/* The end of what CLIP's expression finds at text[from]; `from` where it finds nothing. */
static size_t clip_piece_end(const uint32_t text[], size_t from, size_t n)
{
    const size_t ending = ending_length(text + from, n - from);
    const unsigned class = word_class(text[from]);

    if (ending)
        return from + ending;
    if (class & MDP_WORD_WHITE)
        return from;
    return class & MDP_WORD_NUMBER ? from + 1 : run_end(text, from, n);
}

/* --- steps, of one word at[n] --- */

static mdp_status split_bert(const uint32_t at[], size_t n, struct mdp_json_words *out, struct mdp_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const bool sign = mdp_char_class(at[i]) == MDP_CHAR_PUNCTUATION;
        const bool white = word_class(at[i]) & MDP_WORD_WHITE;
        if (sign || white)
            TRY(end_word(out, err));
        if (!white)
            TRY(add_chars(out, at + i, 1, err));
        if (sign)
            TRY(end_word(out, err));
    }
    return end_word(out, err);
}

static mdp_status split_white(const uint32_t at[], size_t n, struct mdp_json_words *out,
                              struct mdp_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (word_class(at[i]) & MDP_WORD_WHITE)
            TRY(end_word(out, err));
        else
            TRY(add_chars(out, at + i, 1, err));
    return end_word(out, err);
}

static size_t pattern_length(const struct mdp_json_step *step, const uint32_t at[], size_t n)
{
    size_t m = 0;

    switch (step->what) {
    case MDP_JSON_TEXT:
        m = step->pattern.n;
        return m <= n && memcmp(at, step->pattern.at, m * sizeof *at) == 0 ? m : 0;
    case MDP_JSON_WHITE_RUN:
        while (m < n && word_class(at[m]) & MDP_WORD_WHITE)
            m++;
        return m;
    case MDP_JSON_BLANKS:
        while (m < n && at[m] == ' ')
            m++;
        return m >= 2 ? m : 0;
    case MDP_JSON_CLASS:
        break;
    }
    return at[0] < 128 && step->members[at[0]] ? 1 : 0;
}

static mdp_status split_at(const struct mdp_json_step *step, const uint32_t at[], size_t n,
                           struct mdp_json_words *out, struct mdp_error *err)
{
    bool joins = false; /* what precedes is no delimiter */

    for (size_t i = 0, m = 0; i < n; i += m ? m : 1) {
        m = pattern_length(step, at + i, n - i);
        if (m == 0) {
            TRY(add_chars(out, at + i, 1, err));
            joins = true;
            continue;
        }
        if (step->how != MDP_JSON_WITH_PREVIOUS || !joins)
            TRY(end_word(out, err));
        if (step->how != MDP_JSON_REMOVED)
            TRY(add_chars(out, at + i, m, err));
        if (step->how != MDP_JSON_WITH_NEXT)
            TRY(end_word(out, err));
        joins = false;
    }
    return end_word(out, err);
}

static mdp_status split_clip(const uint32_t at[], size_t n, struct mdp_json_words *out, struct mdp_error *err)
{
    for (size_t i = 0, end = 0; i<n; i = end> i ? end : i + 1) {
        end = clip_piece_end(at, i, n);
        TRY(add_word(out, at + i, end - i, err));
    }
    return MDP_OK;
}

static mdp_status split_gpt2(const uint32_t at[], size_t n, struct mdp_json_words *out, struct mdp_error *err)
{
    for (size_t i = 0, end = 0; i < n; i = end) {
        end = mdp_gpt2_piece_end(at, i, n);
        TRY(add_word(out, at + i, end - i, err));
    }
    return MDP_OK;
}

static mdp_status to_bytes(const uint32_t at[], size_t n, struct mdp_json_words *out, struct mdp_error *err)
{
    for (size_t i = 0; i < n; i++) {
        char utf8[4];
        const size_t m = mdp_char_encode(at[i], utf8);
        for (size_t j = 0; j < m; j++)
            TRY(mdp_chars_add(&out->chars, mdp_byte_char((unsigned char)utf8[j]), err));
    }
    return end_word(out, err);
}

static mdp_status metaspace(const struct mdp_json_step *step, const uint32_t at[], size_t n, bool at_start,
                            struct mdp_json_words *out, struct mdp_error *err)
{
    const uint32_t sign = step->content.at[0];

    if ((step->always || (step->first && at_start)) && at[0] != ' ' && at[0] != sign)
        TRY(add_chars(out, &sign, 1, err));
    for (size_t i = 0; i < n; i++) {
        const uint32_t c = at[i] == ' ' ? sign : at[i];
        if (step->split && c == sign)
            TRY(end_word(out, err));
        TRY(add_chars(out, &c, 1, err));
    }
    return end_word(out, err);
}

static mdp_status run_step(const struct mdp_json_step *step, const uint32_t at[], size_t n, bool at_start,
                           struct mdp_json_words *out, struct mdp_error *err)
{
    static const uint32_t blank = ' ';

    switch (step->op) {
    case MDP_JSON_BERT_SPLIT:
        return split_bert(at, n, out, err);
    case MDP_JSON_WHITESPACE_SPLIT:
        return split_white(at, n, out, err);
    case MDP_JSON_SPLIT:
        return split_at(step, at, n, out, err);
    case MDP_JSON_CLIP_SPLIT:
        return split_clip(at, n, out, err);
    case MDP_JSON_GPT2_SPLIT:
        return split_gpt2(at, n, out, err);
    case MDP_JSON_PREFIX_BLANK:
        if (at[0] != ' ')
            TRY(add_chars(out, &blank, 1, err));
        return add_word(out, at, n, err);
    case MDP_JSON_BYTES:
        return to_bytes(at, n, out, err);
    default: /* MDP_JSON_METASPACE; normalisers are in no list of these */
        return metaspace(step, at, n, at_start, out, err);
    }
}

mdp_status mdp_json_pre_tokenize(const struct mdp_json_steps *steps, struct mdp_json_words *words,
                                 struct mdp_error *err)
{
    struct mdp_json_words other = {0};
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < steps->n && st == MDP_OK; i++) {
        const bool starts = words->n > 0 && words->at_start;
        const uint32_t first = words->n > 0 ? words->chars.at[0] : 0;
        other.chars.n = other.n = 0;
        for (size_t w = 0, from = 0; w < words->n && st == MDP_OK; from = words->ends[w++])
            st = run_step(&steps->at[i], words->chars.at + from, words->ends[w] - from, starts && w == 0,
                          &other, err);
        /* White space that was dropped is what can stand before the first word. */
        other.at_start =
            starts && !(steps->at[i].op <= MDP_JSON_CLIP_SPLIT && other.n > 0 && other.chars.at[0] != first);
        const struct mdp_json_words held = *words;
        *words = other;
        other = held;
    }
    mdp_json_words_release(&other);
    return st;
}
