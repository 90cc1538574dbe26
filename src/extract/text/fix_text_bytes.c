/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/fix_text_bytes.h"

#include "base/memory.h"
#include "base/try.h"

#include <string.h>

/* --- sets of bytes, by a letter --- */

static bool is_next(unsigned b)
{
    return b >= 0x80 && b <= 0xBF;
}

/* Patterns below are words of these letters, a letter a byte. */
static bool is_in(char set, unsigned b)
{
    switch (set) {
    case '_':
        return b == ' ';
    case 'c':
        return is_next(b);
    case 'k':
        return is_next(b) && b != 0x85 && b != 0xA0; /* hardly ever read as a blank */
    case '2':
        return b == 0xC2 || b == 0xC3 || b == 0xC5 || b == 0xCE || b == 0xD0 || b == 0xD9;
    case 'T':
        return b == 0xE2 || b == 0xE3;
    case '3':
        return b >= 0xE0 && b <= 0xE3;
    case '4':
        return b == 0xF0;
    case 'x':
        return b == 0x1A;
    case '?':
        return b == '?';
    case 'l':
        return b == 0x1A || b == '?';
    case 'u':
        return b == 0x1A || is_next(b);
    case 'v':
        return b == 0x1A || b == '?' || is_next(b);
    case 'A':
        return b >= 0xC2 && b <= 0xDF;
    case 'a':
        return b == 0xC2 || b == 0xC3;
    case 'B':
        return b >= 0xE0 && b <= 0xEF;
    case 'C':
        return b >= 0xF0 && b <= 0xF4;
    case 'E':
        return b == 0xED;
    case 'H':
        return b >= 0xA0 && b <= 0xAF; /* of the first half of a surrogate pair */
    case 'L':
        return b >= 0xB0 && b <= 0xBF; /* of the second */
    default:
        return false;
    }
}

/* The length of the first pattern that bytes[n] begins with, or 0. */
static size_t match(const char *const patterns[], size_t n_patterns, const unsigned char bytes[], size_t n)
{
    for (size_t p = 0; p < n_patterns; p++) {
        size_t m = 0;
        while (patterns[p][m] && m < n && is_in(patterns[p][m], bytes[m]))
            m++;
        if (!patterns[p][m])
            return m;
    }
    return 0;
}

/* --- blanks --- */

/* Sequences that are UTF-8 but for a blank. */
static const char *const altered[] = {"2_", "T_k", "3k_", "4_cc", "4c_c", "4cc_"};

static bool follows(const unsigned char bytes[], size_t n, const char *word)
{
    size_t m = strlen(word);

    return n >= m && memcmp(bytes, word, m) == 0;
}

/* C3 and a blank are an a with grave, mostly a word of its own: its blank stays behind it. In Portuguese it begins these. */
static bool is_word_alone(const unsigned char bytes[], size_t n)
{
    static const char *const others[] = {" ", "quele", "quela", "quilo", "s "};

    if (!follows(bytes, n, "\xC3 "))
        return false;
    for (size_t i = 0; i < MDP_COUNT(others); i++)
        if (follows(bytes + 2, n - 2, others[i]))
            return false;
    return true;
}

/* From behind, so that it is done in place. */
static void keep_blanks(unsigned char bytes[], size_t *n)
{
    size_t more = 0, end = *n;

    for (size_t i = 0; i < *n; i++)
        more += is_word_alone(bytes + i, *n - i);
    if (more == 0)
        return;
    *n += more;
    /* What is_word_alone looks at lies behind i, where bytes were moved already: so it is asked of the moved ones. */
    for (size_t to = *n; end > 0;) {
        bytes[--to] = bytes[--end];
        if (bytes[to] == 0xC3 && is_word_alone(bytes + to, *n - to)) {
            bytes[--to] = 0xC3;
            bytes[to + 1] = 0xA0;
        }
    }
}

void mdp_restore_a0(unsigned char bytes[], size_t *n)
{
    size_t m = 0;

    for (m = 0; m < *n && match(altered, MDP_COUNT(altered), bytes + m, *n - m) == 0; m++)
        continue;
    if (m == *n)
        return;
    keep_blanks(bytes, n);
    for (size_t i = 0; i<*n; i += m> 0 ? m : 1) {
        m = match(altered, MDP_COUNT(altered), bytes + i, *n - i);
        for (size_t j = i; j < i + m; j++)
            if (bytes[j] == ' ')
                bytes[j] = 0xA0;
    }
}

/* --- lost bytes --- */

size_t mdp_replace_lossy(const unsigned char bytes[], size_t n, unsigned char out[])
{
    static const char *const lossy[] = {"Ax",  "a?",   "EHlELv", "EHvELl", "Blu",
                                        "Bul", "Cluu", "Culu",   "Cuul",   "x"};
    size_t kept = 0, m = 0;

    for (size_t i = 0; i<n; i += m> 0 ? m : 1) {
        m = match(lossy, MDP_COUNT(lossy), bytes + i, n - i);
        if (m > 0) {
            memcpy(out + kept, "\xEF\xBF\xBD", 3);
            kept += 3;
        } else
            out[kept++] = bytes[i];
    }
    return kept;
}

/* --- characters --- */

/* One character of bytes[n] into *c: its length, 0 when it is not UTF-8. */
static size_t decode_one(const unsigned char bytes[], size_t n, uint32_t *c)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned b = bytes[0];
    const size_t m = b < 0x80                 ? 1
                     : b >= 0xC2 && b <= 0xDF ? 2
                     : b >= 0xE0 && b <= 0xEF ? 3
                     : b >= 0xF0 && b <= 0xF4 ? 4
                                              : 0;

    if (m == 0 || m > n)
        return 0;
    *c = m == 1 ? b : b & (0x7Fu >> m);
    for (size_t i = 1; i < m; i++) {
        if (!is_next(bytes[i]))
            return 0;
        *c = *c << 6 | (bytes[i] & 0x3F);
    }
    return *c < least[m] || *c > 0x10FFFF || (*c >= 0xD800 && *c <= 0xDFFF) ? 0 : m;
}

/* Likewise, of the variants. The line feed that ends the bytes passes for the last byte of what is cut short before it: so the
   program has it. */
static size_t decode_variant(const unsigned char bytes[], size_t n, uint32_t *c)
{
    static const char *const pair[] = {"EHcELc"}, *const cut_pair[] = {"EHcEL"};

    if (n > 1 && bytes[0] == 0xC0 && (bytes[1] == 0x80 || (bytes[1] == '\n' && n == 2))) {
        *c = 0;
        return 2;
    }
    if (match(pair, 1, bytes, n) == 0 && !(n == 6 && bytes[5] == '\n' && match(cut_pair, 1, bytes, n) > 0))
        return decode_one(bytes, n, c);
    *c = 0x10000 +
         ((bytes[1] & 0x0Fu) << 16 | (bytes[2] & 0x3Fu) << 10 | (bytes[4] & 0x0Fu) << 6 | (bytes[5] & 0x3Fu));
    return 6;
}

mdp_status mdp_decode_variants(const unsigned char bytes[], size_t n, struct mdp_chars *out, bool *valid,
                               struct mdp_error *err)
{
    const bool variants = memchr(bytes, 0xED, n) || memchr(bytes, 0xC0, n);
    size_t m = 0;

    out->n = 0;
    *valid = true;
    for (size_t i = 0; i < n && *valid; i += m) {
        uint32_t c = 0;
        m = variants ? decode_variant(bytes + i, n - i, &c) : decode_one(bytes + i, n - i, &c);
        *valid = m > 0;
        if (*valid)
            TRY(mdp_chars_add(out, c, err));
    }
    return MDP_OK;
}
