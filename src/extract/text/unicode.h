/* SPDX-License-Identifier: BSD-3-Clause */
/* Characters as WordPiece sees them: Unicode 14.0, as CPython 3.11, and as CLIP's tokenizer does: letters and numbers of
   Unicode 17.0, as the module regex that it uses. Classes come from tables of our own, so
   that a text has the same tokens whatever Unicode version the installed library has; lower case and
   normalisation, which are stable for characters that are assigned, come from utf8proc. */
#ifndef MDP_EXTRACT_UNICODE_H
#define MDP_EXTRACT_UNICODE_H

#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mdp_char_class {
    MDP_CHAR_OTHER,
    MDP_CHAR_DROPPED,     /* categories C* (unassigned ones among them) but for tab, LF and CR; U+FFFD */
    MDP_CHAR_SPACE,       /* Z*, tab, LF, CR */
    MDP_CHAR_PUNCTUATION, /* P* and every ASCII character that is no letter, digit or space */
    MDP_CHAR_MARK         /* Mn: what is stripped as an accent */
};

/* Of one character, by the table of Unicode 14.0. */
enum mdp_char_class mdp_char_class(uint32_t c);

/* Flags of one character, by a table as well. */
enum mdp_word_class {
    MDP_WORD_LETTER = 1,   /* \p{L} */
    MDP_WORD_NUMBER = 2,   /* \p{N} */
    MDP_WORD_WHITE = 4,    /* \s of a regular expression */
    MDP_WORD_STRIPPED = 8, /* what str.strip() and str.split() take for white space */
    MDP_WORD_CASED = 16,
    MDP_WORD_IGNORED = 32, /* does not count between a letter and a sigma */
    MDP_WORD_DIGIT = 64    /* \d */
};
unsigned mdp_char_word(uint32_t c);

/* The class of c in a table of runs[n]: first code point << bits | class, ascending, the first of code point 0. */
uint32_t mdp_char_run(const uint32_t runs[], size_t n, unsigned bits, uint32_t c);

/* str.lower() of one character: 1 or 2 characters, whatever stands around it. */
size_t mdp_char_lower(uint32_t c, uint32_t out[2]);

/* A growing run of characters; {0} is empty. */
struct mdp_chars {
    uint32_t *at;
    size_t n, capacity;
};

/* str.lower() of a text, into `out`, which is emptied first: a sigma at the end of a word has its final form. */
mdp_status mdp_chars_lower(const struct mdp_chars *in, struct mdp_chars *out, struct mdp_error *err);

/* One more at the end. */
mdp_status mdp_chars_add(struct mdp_chars *chars, uint32_t c, struct mdp_error *err);
void mdp_chars_release(struct mdp_chars *chars);

/* Adds the characters of text[n]; invalid UTF-8 is MDP_ERR_VALUE and names the byte (counted from 0). */
mdp_status mdp_chars_decode(struct mdp_chars *chars, const char *text, size_t n, struct mdp_error *err);

/* UTF-8 of one character into out[4]; the number of bytes. */
size_t mdp_char_encode(uint32_t c, char out[4]);

/* Canonical decomposition (NFD) of `in`, and its composition (NFC), into `out`, which is emptied first. Time
   is linear even for a text of nothing but accents. */
mdp_status mdp_chars_nfd(const struct mdp_chars *in, struct mdp_chars *out, struct mdp_error *err);
mdp_status mdp_chars_nfc(const struct mdp_chars *in, struct mdp_chars *out, struct mdp_error *err);

/* A CJK ideograph, as BERT's tokenizer has it. */
bool mdp_char_is_cjk(uint32_t c);

/* Where the grapheme cluster (what is seen as one character; UAX 29, by utf8proc) that begins at text[at] ends. */
size_t mdp_chars_cluster_end(const struct mdp_chars *text, size_t at);

#endif
