/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"
#include "base/try.h"
#include "extract/text/tokenizer_json_steps.h"

#include <string.h>

static bool is_white(uint32_t c)
{
    return mdp_char_word(c) & MDP_WORD_WHITE;
}

static mdp_status add_all(struct mdp_chars *out, const struct mdp_chars *more, struct mdp_error *err)
{
    for (size_t i = 0; i < more->n; i++)
        TRY(mdp_chars_add(out, more->at[i], err));
    return MDP_OK;
}

/* Characters of text[n] that the step's pattern takes at its beginning; 0 when it does not fit. */
static size_t fits(const struct mdp_json_step *step, const uint32_t text[], size_t n)
{
    size_t m = 0;

    switch (step->what) {
    case MDP_JSON_TEXT:
        if (n < step->pattern.n)
            return 0;
        return memcmp(text, step->pattern.at, step->pattern.n * sizeof *text) == 0 ? step->pattern.n : 0;
    case MDP_JSON_WHITE_RUN:
        while (m < n && is_white(text[m]))
            m++;
        return m;
    case MDP_JSON_BLANKS:
        while (m < n && text[m] == ' ')
            m++;
        return m >= 2 ? m : 0;
    case MDP_JSON_CLASS:
        break;
    }
    return text[0] < 128 && step->members[text[0]] ? 1 : 0;
}

static mdp_status replace(const struct mdp_json_step *step, const struct mdp_chars *in, struct mdp_chars *out,
                          struct mdp_error *err)
{
    for (size_t at = 0; at < in->n;) {
        const size_t m = fits(step, in->at + at, in->n - at);
        if (m > 0)
            TRY(add_all(out, &step->content, err));
        else
            TRY(mdp_chars_add(out, in->at[at], err));
        at += m > 0 ? m : 1;
    }
    return MDP_OK;
}

static mdp_status add_utf8(struct mdp_chars *out, const char *text, struct mdp_error *err)
{
    return mdp_chars_decode(out, text, strlen(text), err);
}

/* The library looks for a short cluster first, and takes what stands for any beginning of it for all of it. */
static mdp_status precompiled(const struct mdp_charsmap *map, const struct mdp_chars *in,
                              struct mdp_chars *out, struct mdp_error *err)
{
    enum { SHORT = 6 }; /* bytes */

    for (size_t at = 0, end = 0; at < in->n; at = end) {
        char bytes[2 * SHORT];
        size_t n = 0;
        end = mdp_chars_cluster_end(in, at);
        for (size_t i = at; i < end && n < SHORT; i++)
            n += mdp_char_encode(in->at[i], bytes + n);
        const char *whole = n < SHORT ? mdp_charsmap_shortest(map, bytes, n) : NULL;
        if (whole) {
            TRY(add_utf8(out, whole, err));
            continue;
        }
        for (size_t i = at; i < end; i++) {
            n = mdp_char_encode(in->at[i], bytes);
            const char *one = mdp_charsmap_shortest(map, bytes, n);
            TRY(one ? add_utf8(out, one, err) : mdp_chars_add(out, in->at[i], err));
        }
    }
    return MDP_OK;
}

/* One character of the steps that look at no other. */
static mdp_status add_changed(enum mdp_json_op op, uint32_t c, struct mdp_chars *out, struct mdp_error *err)
{
    uint32_t lower[2] = {c};

    switch (op) {
    case MDP_JSON_BERT_CLEAN:
        if (mdp_char_class(c) == MDP_CHAR_DROPPED)
            return MDP_OK;
        return mdp_chars_add(out, is_white(c) ? ' ' : c, err);
    case MDP_JSON_SPACE_CJK:
        /* The library leaves out the first 256 of extension E. */
        if (!mdp_char_is_cjk(c) || (c >= 0x2B820 && c < 0x2B920))
            return mdp_chars_add(out, c, err);
        TRY(mdp_chars_add(out, ' ', err));
        TRY(mdp_chars_add(out, c, err));
        return mdp_chars_add(out, ' ', err);
    case MDP_JSON_DROP_MARKS:
        return mdp_char_class(c) == MDP_CHAR_MARK ? MDP_OK : mdp_chars_add(out, c, err);
    default: /* MDP_JSON_LOWERCASE */
        break;
    }
    const size_t n = mdp_char_lower(c, lower);
    TRY(mdp_chars_add(out, lower[0], err));
    return n > 1 ? mdp_chars_add(out, lower[1], err) : MDP_OK;
}

static mdp_status strip(const struct mdp_json_step *step, const struct mdp_chars *in, struct mdp_chars *out,
                        struct mdp_error *err)
{
    size_t begin = 0, end = in->n;

    while (step->left && begin < end && is_white(in->at[begin]))
        begin++;
    while (step->right && end > begin && is_white(in->at[end - 1]))
        end--;
    for (size_t i = begin; i < end; i++)
        TRY(mdp_chars_add(out, in->at[i], err));
    return MDP_OK;
}

static mdp_status run_step(const struct mdp_json_step *step, const struct mdp_chars *in,
                           struct mdp_chars *out, struct mdp_error *err)
{
    switch (step->op) {
    case MDP_JSON_NFC:
        return mdp_chars_nfc(in, out, err);
    case MDP_JSON_NFD:
        return mdp_chars_nfd(in, out, err);
    case MDP_JSON_STRIP:
        return strip(step, in, out, err);
    case MDP_JSON_REPLACE:
        return replace(step, in, out, err);
    case MDP_JSON_PREPEND:
        if (in->n > 0)
            TRY(add_all(out, &step->content, err));
        return add_all(out, in, err);
    case MDP_JSON_PRECOMPILED:
        return precompiled(&step->map, in, out, err);
    default:
        break;
    }
    for (size_t i = 0; i < in->n; i++)
        TRY(add_changed(step->op, in->at[i], out, err));
    return MDP_OK;
}

mdp_status mdp_json_normalize(const struct mdp_json_steps *steps, struct mdp_chars *text,
                              struct mdp_error *err)
{
    struct mdp_chars other = {0};
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < steps->n && st == MDP_OK; i++) {
        other.n = 0;
        st = run_step(&steps->at[i], text, &other, err);
        const struct mdp_chars held = *text;
        *text = other;
        other = held;
    }
    mdp_chars_release(&other);
    return st;
}
