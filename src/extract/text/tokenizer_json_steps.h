/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts `normalizer` and `pre_tokenizer` of a tokenizer.json, as lists of steps: the first change a text, the second cut it
   into words and may change these. Program matched: the library tokenizers 0.22; what is not known is refused by name. */
#ifndef MDP_EXTRACT_TOKENIZER_JSON_STEPS_H
#define MDP_EXTRACT_TOKENIZER_JSON_STEPS_H

#include "base/formats/json.h"
#include "extract/text/charsmap.h"
#include "extract/text/unicode.h"

#include <stdbool.h>

enum mdp_json_op {
    /* normalisers */
    MDP_JSON_BERT_CLEAN, /* control characters dropped, white space as blanks */
    MDP_JSON_SPACE_CJK,  /* blanks around CJK characters */
    MDP_JSON_NFC,
    MDP_JSON_NFD,
    MDP_JSON_DROP_MARKS,
    MDP_JSON_LOWERCASE,
    MDP_JSON_STRIP,       /* `left`, `right` */
    MDP_JSON_REPLACE,     /* what fits `what` by `content` */
    MDP_JSON_PREPEND,     /* `content`, before a text that is not empty */
    MDP_JSON_PRECOMPILED, /* `map` */
    /* pre-tokenizers */
    MDP_JSON_BERT_SPLIT,
    MDP_JSON_WHITESPACE_SPLIT,
    MDP_JSON_SPLIT,      /* at what fits `what`, kept as `how` says */
    MDP_JSON_CLIP_SPLIT, /* what CLIP's expression matches; `invert`: the rest is dropped */
    MDP_JSON_GPT2_SPLIT,
    MDP_JSON_PREFIX_BLANK, /* a blank before a word that has none */
    MDP_JSON_BYTES,        /* each byte as GPT-2's character of it */
    MDP_JSON_METASPACE /* blanks as `content`, one before (`always`, `first`), cut before each (`split`) */
};

enum mdp_json_what { MDP_JSON_TEXT, MDP_JSON_WHITE_RUN, MDP_JSON_BLANKS, MDP_JSON_CLASS };
enum mdp_json_how { MDP_JSON_REMOVED, MDP_JSON_ISOLATED, MDP_JSON_WITH_PREVIOUS, MDP_JSON_WITH_NEXT };

struct mdp_json_step {
    enum mdp_json_op op;
    bool left, right, invert, always, first, split;
    enum mdp_json_what
        what; /* TEXT: `pattern`; WHITE_RUN: \s+; BLANKS: two or more; CLASS: one of `members` */
    enum mdp_json_how how;
    struct mdp_chars pattern, content;
    bool members[128]; /* ASCII characters of a class */
    struct mdp_charsmap map;
};

struct mdp_json_steps {
    struct mdp_json_step *at; /* [n] */
    size_t n, room;
};

/* NULL and null are no steps. */
mdp_status mdp_json_normalizer_init(struct mdp_json_steps *steps, const struct mdp_json_value *node,
                                    struct mdp_error *err);
mdp_status mdp_json_pre_tokenizer_init(struct mdp_json_steps *steps, const struct mdp_json_value *node,
                                       struct mdp_error *err);
void mdp_json_steps_release(struct mdp_json_steps *steps);

/* `text` becomes what the steps make of it. */
mdp_status mdp_json_normalize(const struct mdp_json_steps *steps, struct mdp_chars *text,
                              struct mdp_error *err);

/* Words behind each other; {0} is empty. */
struct mdp_json_words {
    struct mdp_chars chars;
    size_t *ends; /* [n] in chars; none is empty */
    size_t n, room;
    bool at_start; /* the first word begins where the whole text does */
};
void mdp_json_words_release(struct mdp_json_words *words);

/* `words`, at first one that is the text, become what the steps make of them. */
mdp_status mdp_json_pre_tokenize(const struct mdp_json_steps *steps, struct mdp_json_words *words,
                                 struct mdp_error *err);

/* The end of the piece that GPT-2's expression finds at text[from..n); from < n. */
size_t mdp_gpt2_piece_end(const uint32_t text[], size_t from, size_t n);

#endif
