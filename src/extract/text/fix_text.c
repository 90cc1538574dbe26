/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/fix_text.h"

#include "base/try.h"
#include "extract/text/fix_text_characters.h"
#include "extract/text/fix_text_encoding.h"
#include "extract/text/html_entities.h"

#include <stdbool.h>
#include <string.h>

enum {
    LONGEST_SEGMENT = 1000000, /* characters */
    TIMES = 32,                /* the characters that steps may look at, in texts */
    LEAST_BUDGET = 1 << 24     /* and at the least */
};

static void take(struct mdp_chars *text, struct mdp_chars *other)
{
    struct mdp_chars held = *text;

    *text = *other;
    *other = held;
}

static bool has(const uint32_t text[], size_t n, uint32_t c)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] == c)
            return true;
    return false;
}

/* --- single characters --- */

/* What stands for c: nothing for control characters that show nothing, else 1 to 3 characters. */
static size_t mend_char(uint32_t c, uint32_t out[3])
{
    size_t n = mdp_char_usual(c, out);

    for (size_t i = 0; i < n; i++) {
        if (out[i] >= 0x201C && out[i] <= 0x201F)
            out[i] = '"';
        if (out[i] == 0x2BC || (out[i] >= 0x2018 && out[i] <= 0x201B))
            out[i] = '\'';
        if (out[i] == 0x2028 || out[i] == 0x2029 || out[i] == 0x85)
            out[i] = '\n';
    }
    return n;
}

static bool is_dropped(uint32_t c)
{
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\f' && c != '\r') || c == 0x7F ||
           (c >= 0x206A && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFC);
}

static mdp_status mend_chars(const struct mdp_chars *in, struct mdp_chars *out, struct mdp_error *err)
{
    out->n = 0;
    for (size_t i = 0; i < in->n; i++) {
        uint32_t mended[3] = {0};
        size_t n = mend_char(in->at[i], mended);
        if (in->at[i] == '\r') { /* with the line feed behind it or alone */
            mended[0] = '\n';
            i += i + 1 < in->n && in->at[i + 1] == '\n';
        }
        for (size_t j = 0; j < n; j++)
            TRY(mdp_chars_add(out, mended[j], err));
    }
    return MDP_OK;
}

/* --- terminals --- */

/* The length of an escape sequence (ESC [ numbers letter) that text[n] begins with, or 0. */
static size_t escape_length(const uint32_t text[], size_t n)
{
    size_t m = 2;

    if (n < 3 || text[0] != 0x1B || text[1] != '[')
        return 0;
    while (m < n && (text[m] == ';' || mdp_char_word(text[m]) & MDP_WORD_DIGIT))
        m++;
    return m < n && ((text[m] >= 'a' && text[m] <= 'z') || (text[m] >= 'A' && text[m] <= 'Z')) ? m + 1 : 0;
}

static void drop_controls(struct mdp_chars *text)
{
    size_t kept = 0;

    for (size_t i = 0; i < text->n;) {
        size_t n = escape_length(text->at + i, text->n - i);
        if (n == 0 && !is_dropped(text->at[i]))
            text->at[kept++] = text->at[i];
        i += n > 0 ? n : 1;
    }
    text->n = kept;
}

/* --- a segment --- */

static mdp_status compose(struct mdp_chars *text, struct mdp_chars *other, struct mdp_error *err)
{
    bool any = false;

    for (size_t i = 0; i < text->n && !any; i++)
        any = text->at[i] >= 0x300; /* all before are composed, and begin what they are part of */
    if (!any)
        return MDP_OK;
    TRY(mdp_chars_nfc(text, other, err));
    take(text, other);
    return MDP_OK;
}

static mdp_status fix_once(struct mdp_chars *text, struct mdp_chars *other, bool entities, size_t *budget,
                           struct mdp_error *err)
{
    if (entities) {
        TRY(mdp_html_unescape_strict(text, other, err));
        take(text, other);
    }
    TRY(mdp_fix_encoding(text, budget, err));
    mdp_fix_c1_controls(text);
    TRY(mend_chars(text, other, err));
    take(text, other);
    drop_controls(text);
    return compose(text, other, err);
}

/* All of it again until nothing changes: what an entity meant may be mojibake, and the other way round. */
static mdp_status fix_segment(struct mdp_chars *segment, struct mdp_chars *other, struct mdp_chars *before,
                              bool entities, size_t *budget, struct mdp_error *err)
{
    while (*budget >= segment->n) {
        *budget -= segment->n;
        before->n = 0;
        for (size_t i = 0; i < segment->n; i++)
            TRY(mdp_chars_add(before, segment->at[i], err));
        TRY(fix_once(segment, other, entities, budget, err));
        if (segment->n == before->n &&
            (segment->n == 0 || memcmp(segment->at, before->at, segment->n * sizeof *segment->at) == 0))
            return MDP_OK;
    }
    return MDP_OK;
}

static size_t segment_length(const uint32_t text[], size_t n)
{
    size_t m = 0;

    while (m < n && m < LONGEST_SEGMENT && text[m] != '\n')
        m++;
    return m + (m < n && m < LONGEST_SEGMENT);
}

mdp_status mdp_fix_text(struct mdp_chars *text, struct mdp_error *err)
{
    struct mdp_chars out = {0}, segment = {0}, other = {0}, before = {0};
    size_t budget = text->n > LEAST_BUDGET / TIMES ? text->n * TIMES : LEAST_BUDGET;
    mdp_status st = MDP_OK;
    bool entities = true; /* until a < is seen: then it is HTML, and means them */

    for (size_t at = 0, n = 0; at < text->n; at += n) {
        n = segment_length(text->at + at, text->n - at);
        entities = entities && !has(text->at + at, n, '<');
        segment.n = 0;
        for (size_t i = 0; i < n; i++)
            OR_OUT(mdp_chars_add(&segment, text->at[at + i], err));
        OR_OUT(fix_segment(&segment, &other, &before, entities, &budget, err));
        for (size_t i = 0; i < segment.n; i++)
            OR_OUT(mdp_chars_add(&out, segment.at[i], err));
    }
    take(text, &out);
out:
    mdp_chars_release(&out);
    mdp_chars_release(&segment);
    mdp_chars_release(&other);
    mdp_chars_release(&before);
    return st;
}
