/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/clip_clean.h"

#include "base/try.h"
#include "extract/text/fix_text.h"
#include "extract/text/html_entities.h"

#include <stdbool.h>
#include <string.h>

const char *const mdp_clip_cleans[MDP_CLIP_CLEANS] = {"lower", "whitespace", "canonicalize", "nfc-lower",
                                                      "none"};

/* `other` becomes the text. */
static void take(struct mdp_chars *text, struct mdp_chars *other)
{
    struct mdp_chars held = *text;

    *text = *other;
    *other = held;
}

/* " ".join(text.split()) */
static void join_words(struct mdp_chars *text)
{
    size_t kept = 0;
    bool blank = false;

    for (size_t i = 0; i < text->n; i++) {
        if (mdp_char_word(text->at[i]) & MDP_WORD_STRIPPED) {
            blank = kept > 0;
            continue;
        }
        if (blank)
            text->at[kept++] = ' ';
        blank = false;
        text->at[kept++] = text->at[i];
    }
    text->n = kept;
}

static bool is_ascii_punctuation(uint32_t c)
{
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
           (c >= '{' && c <= '~');
}

static void drop_punctuation(struct mdp_chars *text)
{
    size_t kept = 0;

    for (size_t i = 0; i < text->n; i++) {
        uint32_t c = text->at[i] == '_' ? ' ' : text->at[i];
        if (!is_ascii_punctuation(c))
            text->at[kept++] = c;
    }
    text->n = kept;
}

static mdp_status lower_each(struct mdp_chars *text, struct mdp_chars *other, struct mdp_error *err)
{
    other->n = 0;
    for (size_t i = 0; i < text->n; i++) {
        uint32_t lower[2] = {0};
        size_t n = mdp_char_lower(text->at[i], lower);
        for (size_t j = 0; j < n; j++)
            TRY(mdp_chars_add(other, lower[j], err));
    }
    take(text, other);
    return MDP_OK;
}

static mdp_status lower(struct mdp_chars *text, struct mdp_chars *other, struct mdp_error *err)
{
    TRY(mdp_chars_lower(text, other, err));
    take(text, other);
    return MDP_OK;
}

/* open_clip's basic_clean; white space at its ends is taken by what follows. */
static mdp_status repair(struct mdp_chars *text, struct mdp_chars *other, struct mdp_error *err)
{
    TRY(mdp_fix_text(text, err));
    for (int twice = 0; twice < 2; twice++) {
        TRY(mdp_html_unescape(text, other, err));
        take(text, other);
    }
    return MDP_OK;
}

static mdp_status clean(enum mdp_clip_clean how, struct mdp_chars *text, struct mdp_chars *other,
                        struct mdp_error *err)
{
    switch (how) {
    case MDP_CLIP_LOWER:
        TRY(repair(text, other, err));
        join_words(text);
        return lower(text, other, err);
    case MDP_CLIP_WHITESPACE:
        TRY(repair(text, other, err));
        join_words(text);
        return MDP_OK;
    case MDP_CLIP_CANONICALIZE:
        TRY(repair(text, other, err));
        drop_punctuation(text);
        TRY(lower(text, other, err));
        join_words(text);
        return MDP_OK;
    case MDP_CLIP_NFC_LOWER: /* white space of whatever length splits alike */
        TRY(mdp_chars_nfc(text, other, err));
        take(text, other);
        return lower_each(text, other, err);
    case MDP_CLIP_NONE:
    case MDP_CLIP_CLEANS:
        break;
    }
    return MDP_OK;
}

mdp_status mdp_clip_clean(enum mdp_clip_clean how, struct mdp_chars *text, struct mdp_error *err)
{
    struct mdp_chars other = {0};
    mdp_status st = clean(how, text, &other, err);

    mdp_chars_release(&other);
    return st;
}
