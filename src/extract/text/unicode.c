/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/unicode.h"

#include "base/memory.h"
#include "base/try.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static const uint32_t classes[] = {
#include "extract/text/char_classes.inc"
};
static const uint32_t words[] = {
#include "extract/text/word_classes.inc"
};

enum { WORD_BITS = 7 };

uint32_t mdp_char_run(const uint32_t runs[], size_t n, unsigned bits, uint32_t c)
{
    size_t low = 0, high = n;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (runs[middle] >> bits <= c)
            low = middle;
        else
            high = middle;
    }
    return runs[low] & ((1u << bits) - 1);
}

enum mdp_char_class mdp_char_class(uint32_t c)
{
    return (enum mdp_char_class)mdp_char_run(classes, MDP_COUNT(classes), 3, c);
}

unsigned mdp_char_word(uint32_t c)
{
    return mdp_char_run(words, MDP_COUNT(words), WORD_BITS, c);
}

size_t mdp_char_lower(uint32_t c, uint32_t out[2])
{
    out[0] = c;
    if (c == 0x130) { /* capital I with a dot above: the one letter whose lower case is two characters */
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    if (mdp_char_class(c) != MDP_CHAR_DROPPED)
        out[0] = (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
    return 1;
}

/* Is the nearest character before or behind place i that counts a cased one? */
static bool is_by_letter(const struct mdp_chars *in, size_t i, bool forward)
{
    for (size_t k = i; forward ? k + 1 < in->n : k > 0;) {
        k = forward ? k + 1 : k - 1;
        unsigned word = mdp_char_word(in->at[k]);
        if (!(word & MDP_WORD_IGNORED))
            return word & MDP_WORD_CASED;
    }
    return false;
}

mdp_status mdp_chars_lower(const struct mdp_chars *in, struct mdp_chars *out, struct mdp_error *err)
{
    out->n = 0;
    for (size_t i = 0; i < in->n; i++) {
        uint32_t lower[2] = {0};
        size_t n = mdp_char_lower(in->at[i], lower);
        if (in->at[i] == 0x3A3 && is_by_letter(in, i, false) && !is_by_letter(in, i, true))
            lower[0] = 0x3C2; /* the final form of sigma */
        for (size_t j = 0; j < n; j++)
            TRY(mdp_chars_add(out, lower[j], err));
    }
    return MDP_OK;
}

mdp_status mdp_chars_add(struct mdp_chars *chars, uint32_t c, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    if (chars->n == chars->capacity)
        st = mdp_grow(&chars->at, &chars->capacity, chars->n + 1, sizeof *chars->at, err);
    if (st == MDP_OK)
        chars->at[chars->n++] = c;
    return st;
}

void mdp_chars_release(struct mdp_chars *chars)
{
    free(chars->at);
    *chars = (struct mdp_chars){0};
}

mdp_status mdp_chars_decode(struct mdp_chars *chars, const char *text, size_t n, struct mdp_error *err)
{
    for (size_t i = 0; i < n;) {
        utf8proc_int32_t c = -1;
        size_t rest = n - i < 4 ? n - i : 4;
        utf8proc_ssize_t used =
            utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)rest, &c);
        if (used <= 0 || c < 0)
            return mdp_fail(err, MDP_ERR_VALUE, "byte %zu is not UTF-8", i);
        mdp_status st = mdp_chars_add(chars, (uint32_t)c, err);
        if (st != MDP_OK)
            return st;
        i += (size_t)used;
    }
    return MDP_OK;
}

size_t mdp_char_encode(uint32_t c, char out[4])
{
    utf8proc_uint8_t bytes[4] = {0};
    utf8proc_ssize_t n = utf8proc_encode_char((utf8proc_int32_t)c, bytes);

    memcpy(out, bytes, sizeof bytes);
    return n > 0 ? (size_t)n : 0;
}

static unsigned combining_class(uint32_t c)
{
    return (unsigned)utf8proc_get_property((utf8proc_int32_t)c)->combining_class & 0xff;
}

/* Sorts at[n] by combining class, keeping the order of equals: by insertion when short, by counting when
   not. */
static mdp_status order_marks(uint32_t *at, size_t n, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    if (n <= 32) {
        for (size_t i = 1; i < n; i++) {
            uint32_t held = at[i];
            size_t j = i;
            for (; j > 0 && combining_class(at[j - 1]) > combining_class(held); j--)
                at[j] = at[j - 1];
            at[j] = held;
        }
        return MDP_OK;
    }
    size_t first[257] = {0};
    uint32_t *sorted = mdp_new_array(n, sizeof *sorted, err, &st); /* [n] */
    if (!sorted)
        return st;
    for (size_t i = 0; i < n; i++)
        first[combining_class(at[i]) + 1]++;
    for (size_t k = 1; k < 257; k++)
        first[k] += first[k - 1];
    for (size_t i = 0; i < n; i++)
        sorted[first[combining_class(at[i])]++] = at[i];
    memcpy(at, sorted, n * sizeof *at);
    free(sorted);
    return MDP_OK;
}

mdp_status mdp_chars_nfd(const struct mdp_chars *in, struct mdp_chars *out, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    out->n = 0;
    for (size_t i = 0; i < in->n && st == MDP_OK; i++) {
        utf8proc_int32_t parts[8];
        int boundary = 0;
        utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)in->at[i], parts, 8,
                                                     UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, &boundary);
        if (n < 0 || n > 8) /* no character has so long a decomposition */
            return mdp_fail(err, MDP_ERR_VALUE, "character U+%04X cannot be decomposed", (unsigned)in->at[i]);
        for (utf8proc_ssize_t j = 0; j < n && st == MDP_OK; j++)
            st = mdp_chars_add(out, (uint32_t)parts[j], err);
    }
    for (size_t begin = 0, end; begin < out->n && st == MDP_OK; begin = end + 1) {
        for (end = begin; end < out->n && combining_class(out->at[end]) > 0; end++)
            continue;
        st = order_marks(out->at + begin, end - begin, err);
    }
    return st;
}

mdp_status mdp_chars_nfc(const struct mdp_chars *in, struct mdp_chars *out, struct mdp_error *err)
{
    mdp_status st = mdp_chars_nfd(in, out, err);

    if (st != MDP_OK || out->n == 0)
        return st;
    utf8proc_ssize_t n = utf8proc_normalize_utf32((utf8proc_int32_t *)out->at, (utf8proc_ssize_t)out->n,
                                                  UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (n < 0)
        return mdp_fail(err, MDP_ERR_VALUE, "text cannot be normalised: %s", utf8proc_errmsg(n));
    out->n = (size_t)n;
    return MDP_OK;
}

size_t mdp_chars_cluster_end(const struct mdp_chars *text, size_t at)
{
    utf8proc_int32_t state = 0;
    size_t end = at + 1;

    while (end < text->n && !utf8proc_grapheme_break_stateful((utf8proc_int32_t)text->at[end - 1],
                                                              (utf8proc_int32_t)text->at[end], &state))
        end++;
    return end;
}

bool mdp_char_is_cjk(uint32_t c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
           (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) ||
           (c >= 0x2B820 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}
