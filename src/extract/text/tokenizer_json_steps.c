/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the steps; tokenizer_json_normalize.c and tokenizer_json_split.c do them. */
#include "extract/text/tokenizer_json_steps.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/text/base64.h"

#include <stdlib.h>
#include <string.h>

#define CLIP_PATTERN "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"

enum { MOST_STEPS = 64 };

void mdp_json_steps_release(struct mdp_json_steps *steps)
{
    for (size_t i = 0; i < steps->n; i++) {
        mdp_chars_release(&steps->at[i].pattern);
        mdp_chars_release(&steps->at[i].content);
        mdp_charsmap_release(&steps->at[i].map);
    }
    free(steps->at);
    *steps = (struct mdp_json_steps){0};
}

/* A new step at the end, kept by the list whatever happens then. */
static mdp_status add_step(struct mdp_json_steps *steps, enum mdp_json_op op, struct mdp_json_step **step,
                           struct mdp_error *err)
{
    if (steps->n == MOST_STEPS)
        return mdp_fail(err, MDP_ERR_LIMIT, "more than %d steps", MOST_STEPS);
    TRY(mdp_grow(&steps->at, &steps->room, steps->n + 1, sizeof *steps->at, err));
    *step = &steps->at[steps->n++];
    **step = (struct mdp_json_step){.op = op};
    return MDP_OK;
}

static bool flag(const struct mdp_json_value *node, const char *key, bool usual)
{
    const struct mdp_json_value *value = mdp_json_find(node, key);

    return mdp_json_kind(value) == MDP_JSON_BOOL ? mdp_json_true(value) : usual;
}

static mdp_status take_text(const struct mdp_json_value *node, const char *key, struct mdp_chars *out,
                            struct mdp_error *err)
{
    const char *text = mdp_json_text(mdp_json_find(node, key));

    if (!text)
        return mdp_fail(err, MDP_ERR_FORMAT, "'%s' is no string", key);
    return mdp_chars_decode(out, text, strlen(text), err);
}

/* [...] of single ASCII characters, escaped ones and ranges between them; false for any other expression. */
static bool read_class(const char *pattern, bool class[128])
{
    const size_t n = strlen(pattern);
    int before = -1;

    if (n < 3 || pattern[0] != '[' || pattern[n - 1] != ']' || pattern[1] == '^')
        return false;
    for (size_t i = 1; i < n - 1; i++) {
        unsigned char c = (unsigned char)pattern[i];
        if (c == '-' && before >= 0 && i + 1 < n - 1) {
            unsigned char last = (unsigned char)pattern[++i];
            if (last == '\\' || last == '[' || last > 127 || last < before)
                return false;
            for (int k = before; k <= last; k++)
                class[k] = true;
            before = -1;
            continue;
        }
        if (c == '\\') {
            c = (unsigned char)pattern[++i];
            if (i >= n - 1 || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'))
                return false; /* \s and its like, or the last ] escaped */
        } else if (c == '[' || c == ']' || c > 127 || (c == '&' && pattern[i + 1] == '&')) {
            return false;
        }
        if (c > 127)
            return false;
        class[c] = true;
        before = c;
    }
    return true;
}

static mdp_status read_pattern(const struct mdp_json_value *node, struct mdp_json_step *step,
                               struct mdp_error *err)
{
    const struct mdp_json_value *pattern = mdp_json_find(node, "pattern");
    const char *regex = mdp_json_text(mdp_json_find(pattern, "Regex"));

    if (mdp_json_text(mdp_json_find(pattern, "String"))) {
        TRY(take_text(pattern, "String", &step->pattern, err));
        return step->pattern.n ? MDP_OK : mdp_fail(err, MDP_ERR_UNSUPPORTED, "an empty pattern");
    }
    if (regex && strcmp(regex, "\\s+") == 0)
        step->what = MDP_JSON_WHITE_RUN;
    else if (regex && strcmp(regex, " {2,}") == 0)
        step->what = MDP_JSON_BLANKS;
    else if (regex && read_class(regex, step->members))
        step->what = MDP_JSON_CLASS;
    else
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "the expression '%.200s' is not supported",
                        regex ? regex : "");
    return MDP_OK;
}

/* --- normalisers --- */

static mdp_status read_bert(struct mdp_json_steps *steps, const struct mdp_json_value *node,
                            struct mdp_error *err)
{
    const bool lower = flag(node, "lowercase", true);
    struct mdp_json_step *step = NULL;

    if (flag(node, "clean_text", true))
        TRY(add_step(steps, MDP_JSON_BERT_CLEAN, &step, err));
    if (flag(node, "handle_chinese_chars", true))
        TRY(add_step(steps, MDP_JSON_SPACE_CJK, &step, err));
    if (flag(node, "strip_accents", lower)) {
        TRY(add_step(steps, MDP_JSON_NFD, &step, err));
        TRY(add_step(steps, MDP_JSON_DROP_MARKS, &step, err));
    }
    return lower ? add_step(steps, MDP_JSON_LOWERCASE, &step, err) : MDP_OK;
}

static mdp_status read_charsmap(const struct mdp_json_value *node, struct mdp_charsmap *map,
                                struct mdp_error *err)
{
    const char *text = mdp_json_text(mdp_json_find(node, "precompiled_charsmap"));
    mdp_status st = MDP_OK;
    unsigned char *bytes = mdp_new_array(text ? strlen(text) : 0, 1, err, &st);
    size_t n = 0;

    TRY(st);
    if (!text || !mdp_base64_decode(text, bytes, &n))
        st = mdp_fail(err, MDP_ERR_FORMAT, "precompiled_charsmap is no base64");
    if (st == MDP_OK)
        st = mdp_charsmap_init(map, bytes, n, err);
    free(bytes);
    return st;
}

static mdp_status read_normalizer(struct mdp_json_steps *steps, const struct mdp_json_value *node,
                                  const char *type, struct mdp_error *err)
{
    static const struct {
        const char *type;
        enum mdp_json_op op;
    } plain[] = {{"NFC", MDP_JSON_NFC},
                 {"NFD", MDP_JSON_NFD},
                 {"Lowercase", MDP_JSON_LOWERCASE},
                 {"StripAccents", MDP_JSON_DROP_MARKS}};
    struct mdp_json_step *step = NULL;

    if (strcmp(type, "BertNormalizer") == 0)
        return read_bert(steps, node, err);
    for (size_t i = 0; i < MDP_COUNT(plain); i++)
        if (strcmp(type, plain[i].type) == 0)
            return add_step(steps, plain[i].op, &step, err);
    if (strcmp(type, "Strip") == 0) {
        TRY(add_step(steps, MDP_JSON_STRIP, &step, err));
        step->left = flag(node, "strip_left", true);
        step->right = flag(node, "strip_right", true);
        return MDP_OK;
    }
    if (strcmp(type, "Replace") == 0) {
        TRY(add_step(steps, MDP_JSON_REPLACE, &step, err));
        TRY(read_pattern(node, step, err));
        return take_text(node, "content", &step->content, err);
    }
    if (strcmp(type, "Prepend") == 0) {
        TRY(add_step(steps, MDP_JSON_PREPEND, &step, err));
        return take_text(node, "prepend", &step->content, err);
    }
    if (strcmp(type, "Precompiled") == 0) {
        TRY(add_step(steps, MDP_JSON_PRECOMPILED, &step, err));
        return read_charsmap(node, &step->map, err);
    }
    return mdp_fail(err, MDP_ERR_UNSUPPORTED, "it is not supported");
}

/* --- pre-tokenizers --- */

static mdp_status read_split(struct mdp_json_steps *steps, const struct mdp_json_value *node,
                             struct mdp_error *err)
{
    static const char *const hows[] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext"};
    const char *regex = mdp_json_text(mdp_json_find(mdp_json_find(node, "pattern"), "Regex"));
    const char *how = mdp_json_text(mdp_json_find(node, "behavior"));
    const bool invert = flag(node, "invert", false);
    struct mdp_json_step *step = NULL;
    size_t at = 0;

    while (at < MDP_COUNT(hows) && (!how || strcmp(how, hows[at]) != 0))
        at++;
    if (regex && strcmp(regex, CLIP_PATTERN) == 0 && invert && at == MDP_JSON_REMOVED)
        return add_step(steps, MDP_JSON_CLIP_SPLIT, &step, err);
    if (at == MDP_COUNT(hows) || invert)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "behavior '%.50s'%s is not supported", how ? how : "",
                        invert ? " with invert" : "");
    TRY(add_step(steps, MDP_JSON_SPLIT, &step, err));
    step->how = (enum mdp_json_how)at;
    return read_pattern(node, step, err);
}

static mdp_status read_metaspace(struct mdp_json_steps *steps, const struct mdp_json_value *node,
                                 struct mdp_error *err)
{
    const char *scheme = mdp_json_text(mdp_json_find(node, "prepend_scheme"));
    struct mdp_json_step *step = NULL;

    if (!scheme)
        scheme = flag(node, "add_prefix_space", true) ? "always" : "never";
    TRY(add_step(steps, MDP_JSON_METASPACE, &step, err));
    step->always = strcmp(scheme, "always") == 0;
    step->first = strcmp(scheme, "first") == 0;
    step->split = flag(node, "split", true);
    if (!step->always && !step->first && strcmp(scheme, "never") != 0)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "prepend_scheme '%.50s' is not supported", scheme);
    TRY(take_text(node, "replacement", &step->content, err));
    return step->content.n == 1 ? MDP_OK : mdp_fail(err, MDP_ERR_FORMAT, "replacement is not one character");
}

static mdp_status read_pre_tokenizer(struct mdp_json_steps *steps, const struct mdp_json_value *node,
                                     const char *type, struct mdp_error *err)
{
    struct mdp_json_step *step = NULL;

    if (strcmp(type, "BertPreTokenizer") == 0)
        return add_step(steps, MDP_JSON_BERT_SPLIT, &step, err);
    if (strcmp(type, "WhitespaceSplit") == 0)
        return add_step(steps, MDP_JSON_WHITESPACE_SPLIT, &step, err);
    if (strcmp(type, "Split") == 0)
        return read_split(steps, node, err);
    if (strcmp(type, "Metaspace") == 0)
        return read_metaspace(steps, node, err);
    if (strcmp(type, "ByteLevel") == 0) {
        if (flag(node, "add_prefix_space", true))
            TRY(add_step(steps, MDP_JSON_PREFIX_BLANK, &step, err));
        if (flag(node, "use_regex", true))
            TRY(add_step(steps, MDP_JSON_GPT2_SPLIT, &step, err));
        return add_step(steps, MDP_JSON_BYTES, &step, err);
    }
    return mdp_fail(err, MDP_ERR_UNSUPPORTED, "it is not supported");
}

/* --- lists of them --- */

struct part {
    const char *what, *list; /* in messages; key of a Sequence's members */
    mdp_status (*read)(struct mdp_json_steps *steps, const struct mdp_json_value *node, const char *type,
                       struct mdp_error *err);
};

static mdp_status read_part(const struct part *part, struct mdp_json_steps *steps,
                            const struct mdp_json_value *node, int depth, struct mdp_error *err)
{
    const char *type = mdp_json_text(mdp_json_find(node, "type"));
    const struct mdp_json_value *members = mdp_json_find(node, part->list);

    if (mdp_json_kind(node) == MDP_JSON_NULL)
        return MDP_OK;
    if (!type || depth > 4)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: it has no type, or too many sequences in it", part->what);
    if (strcmp(type, "Sequence") == 0) {
        for (size_t i = 0; i < mdp_json_count(members); i++)
            TRY(read_part(part, steps, mdp_json_at(members, i), depth + 1, err));
        return MDP_OK;
    }
    mdp_status st = part->read(steps, node, type, err);
    return st == MDP_OK ? MDP_OK : mdp_fail_at(err, st, "%s %.50s", part->what, type);
}

mdp_status mdp_json_normalizer_init(struct mdp_json_steps *steps, const struct mdp_json_value *node,
                                    struct mdp_error *err)
{
    static const struct part part = {"normalizer", "normalizers", read_normalizer};

    return read_part(&part, steps, node, 0, err);
}

mdp_status mdp_json_pre_tokenizer_init(struct mdp_json_steps *steps, const struct mdp_json_value *node,
                                       struct mdp_error *err)
{
    static const struct part part = {"pre_tokenizer", "pretokenizers", read_pre_tokenizer};

    return read_part(&part, steps, node, 0, err);
}
