/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/fix_text_encoding.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/text/fix_text_badness.h"
#include "extract/text/fix_text_bytes.h"
#include "extract/text/fix_text_characters.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A part of a part of ...: each is shorter than the whole, and no text of people goes deeper than a few. */
enum { MOST_DEPTH = 16 };

struct fixer {
    size_t *budget; /* characters that steps may still take */
    unsigned depth;
    struct mdp_error *err;
};

static mdp_status fix(struct fixer *f, struct mdp_chars *text);

static bool is_ascii(const struct mdp_chars *text)
{
    for (size_t i = 0; i < text->n; i++)
        if (text->at[i] >= 0x80)
            return false;
    return true;
}

/* --- the whole text --- */

/* In which of the encodings the text can be written: bit i is mdp_encodings[i]. */
static unsigned possible_encodings(const struct mdp_chars *text)
{
    unsigned possible = (1u << MDP_ENCODINGS) - 1;

    for (size_t i = 0; i < text->n && possible; i++) {
        uint8_t bytes[MDP_ENCODINGS];
        if (text->at[i] < 0x80 && text->at[i] != 0x1A)
            continue;
        mdp_char_bytes(text->at[i], bytes);
        for (unsigned e = 0; e < MDP_ENCODINGS; e++)
            if (bytes[e] == 0)
                possible &= ~(1u << e);
    }
    return possible;
}

/* The text written in an encoding and read as UTF-8, into `out`; *valid says whether it is such. `bytes` has room for 6 n. */
static mdp_status read_again(const struct mdp_chars *text, unsigned encoding, unsigned char bytes[],
                             struct mdp_chars *out, bool *valid, struct mdp_error *err)
{
    const char *name = mdp_encodings[encoding];
    unsigned char *other = bytes + 2 * text->n;
    size_t n = 0;

    for (; n < text->n; n++) {
        uint8_t all[MDP_ENCODINGS];
        mdp_char_bytes(text->at[n], all);
        bytes[n] = all[encoding];
    }
    if (strcmp(name, "macroman") != 0) /* where a dash and a blank look so */
        mdp_restore_a0(bytes, &n);
    if (strncmp(name, "sloppy", 6) == 0) {
        n = mdp_replace_lossy(bytes, n, other);
        bytes = other;
    }
    return mdp_decode_variants(bytes, n, out, valid, err);
}

/* *done: `out` is the text read rightly. */
static mdp_status read_whole(const struct mdp_chars *text, unsigned possible, struct mdp_chars *out,
                             bool *done, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    unsigned char *bytes =
        mdp_new_array(text->n, 8, err, &st); /* [2 n] as written, [6 n] without what was lost */

    *done = false;
    for (unsigned e = 0; e < MDP_ENCODINGS && st == MDP_OK && !*done; e++)
        if (possible >> e & 1)
            st = read_again(text, e, bytes, out, done, err);
    free(bytes);
    return st;
}

/* --- parts --- */

/* The length of the part that text[n] begins with and that may be UTF-8 read wrongly, or 0. */
static size_t part_length(const uint32_t text[], size_t n)
{
    static const unsigned firsts[] = {MDP_CLUE_FIRST_OF_2, MDP_CLUE_FIRST_OF_3, MDP_CLUE_FIRST_OF_4};
    size_t end = 0;

    for (bool any = true; any;) {
        any = false;
        for (size_t k = 0; k < MDP_COUNT(firsts) && !any && end < n; k++) {
            size_t m = 1;
            if (!(mdp_char_clue(text[end]) & firsts[k]))
                continue;
            while (m < k + 2 && end + m < n && mdp_char_clue(text[end + m]) & MDP_CLUE_NEXT)
                m++;
            any = m == k + 2;
            end += any ? m : 0;
        }
    }
    return end;
}

static mdp_status add_part(struct fixer *f, const uint32_t part[], size_t n, size_t n_text,
                           struct mdp_chars *out)
{
    struct mdp_chars alone = {0};
    mdp_status st = MDP_OK;
    bool fixed = n < n_text && f->depth < MOST_DEPTH && mdp_fix_text_is_bad(part, n);

    for (size_t i = 0; i < n && st == MDP_OK; i++)
        st = mdp_chars_add(fixed ? &alone : out, part[i], f->err);
    if (st == MDP_OK && fixed) {
        struct fixer inner = {f->budget, f->depth + 1, f->err};
        st = fix(&inner, &alone);
        for (size_t i = 0; i < alone.n && st == MDP_OK; i++)
            st = mdp_chars_add(out, alone.at[i], f->err);
    }
    mdp_chars_release(&alone);
    return st;
}

/* Parts that look like mojibake, each fixed as if it were a text; not right behind a character that only mojibake has, where a
   part would be a bit of something larger. */
static mdp_status fix_parts(struct fixer *f, const struct mdp_chars *text, struct mdp_chars *out)
{
    out->n = 0;
    for (size_t i = 0, n = 0; i < text->n; i += n) {
        n = i > 0 && mdp_char_clue(text->at[i - 1]) & MDP_CLUE_STRICT
                ? 0
                : part_length(text->at + i, text->n - i);
        if (n > 0)
            TRY(add_part(f, text->at + i, n, text->n, out));
        else {
            n = 1;
            TRY(mdp_chars_add(out, text->at[i], f->err));
        }
    }
    return MDP_OK;
}

/* --- control characters --- */

void mdp_fix_c1_controls(struct mdp_chars *text)
{
    for (size_t i = 0; i < text->n; i++) {
        uint32_t c = mdp_char_windows_1252(text->at[i]);
        text->at[i] = c ? c : text->at[i];
    }
}

/* --- steps --- */

static bool is_same(const struct mdp_chars *a, const struct mdp_chars *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->at, b->at, a->n * sizeof *a->at) == 0);
}

static void take(struct mdp_chars *text, struct mdp_chars *other)
{
    struct mdp_chars held = *text;

    *text = *other;
    *other = held;
}

/* The text after one step into `out`. A text of Latin-1 that is no UTF-8 is Windows-1252, where all of it is in that; else
   only its control characters are: the same characters, but that the former fails as a whole. Both leave them as they are
   where Windows-1252 has none. */
static mdp_status step(struct fixer *f, const struct mdp_chars *text, struct mdp_chars *out)
{
    bool done = false;

    TRY(read_whole(text, possible_encodings(text), out, &done, f->err));
    if (done)
        return MDP_OK;
    TRY(fix_parts(f, text, out));
    if (is_same(text, out))
        mdp_fix_c1_controls(out);
    return MDP_OK;
}

static mdp_status fix(struct fixer *f, struct mdp_chars *text)
{
    struct mdp_chars out = {0};
    mdp_status st = MDP_OK;

    while (st == MDP_OK && !is_ascii(text) && mdp_fix_text_is_bad(text->at, text->n) &&
           *f->budget >= text->n) {
        *f->budget -= text->n;
        st = step(f, text, &out);
        if (st != MDP_OK || is_same(text, &out))
            break;
        take(text, &out);
    }
    mdp_chars_release(&out);
    return st;
}

mdp_status mdp_fix_encoding(struct mdp_chars *text, size_t *budget, struct mdp_error *err)
{
    return fix(&(struct fixer){budget, 0, err}, text);
}
