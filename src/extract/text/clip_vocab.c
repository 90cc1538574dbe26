/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/clip_vocab.h"

#include "base/file.h"
#include "base/formats/inflate.h"
#include "base/formats/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/try.h"
#include "extract/text/byte_chars.h"
#include "extract/text/unicode.h"
#include "extract/text/vocab.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_MERGE = 512 };

/* A merge as it stands in the file. */
struct line {
    const char *left, *right;
    size_t n_left, n_right; /* bytes */
};

struct reader {
    const char *path;
    struct mdp_text file; /* unpacked */
    struct line *lines;   /* [n] */
    size_t n, capacity;
    struct mdp_vocab *symbols;
};

/* Symbols of bytes in the order of their characters. */
static void number_bytes(struct mdp_clip_vocab *vocab, struct mdp_text *pieces, const char *ending)
{
    int32_t id = 0;

    for (int moved = 0; moved < 2; moved++)
        for (unsigned byte = 0; byte < 256; byte++) {
            char utf8[4];
            if ((mdp_byte_char(byte) >= 256) != moved)
                continue;
            mdp_text_add_bytes(pieces, utf8, mdp_char_encode(mdp_byte_char(byte), utf8));
            mdp_text_add(pieces, "%s\n", ending);
            vocab->bytes[byte] = id++;
        }
}

/* --- lines --- */

static mdp_status split_line(struct reader *r, const char *at, size_t n, size_t number, struct mdp_error *err)
{
    static const char blanks[] = " \t\r";
    struct line line = {.left = at};
    const char *end = at + n;

    while (end > at && strchr(blanks, end[-1]))
        end--;
    const char *blank = memchr(at, ' ', (size_t)(end - at));
    line.n_left = blank ? (size_t)(blank - at) : 0;
    line.right = blank ? blank + 1 : end;
    line.n_right = (size_t)(end - line.right);
    if (line.n_left == 0 || line.n_right == 0 || memchr(line.right, ' ', line.n_right))
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "%s: line %zu: '%.*s' is no merge (two symbols with a blank between)", r->path,
                        number, n < 100 ? (int)n : 100, at);
    TRY(mdp_grow(&r->lines, &r->capacity, r->n + 1, sizeof *r->lines, err));
    r->lines[r->n++] = line;
    return MDP_OK;
}

/* What is no head line is a merge, which would be lost. */
static bool has_version(const char *at, size_t n)
{
    static const char word[] = "#version";
    size_t m = sizeof word - 1;

    for (size_t i = 0; i + m <= n; i++)
        if (memcmp(at + i, word, m) == 0)
            return true;
    return false;
}

static mdp_status split_lines(struct reader *r, struct mdp_error *err)
{
    const char *at = r->file.at, *end = at + r->file.n;

    for (size_t number = 1; at < end && r->n < MDP_CLIP_MOST_MERGES; number++) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((line_end ? line_end : end) - at);
        if (memchr(at, '\0', n))
            return mdp_fail(err, MDP_ERR_FORMAT, "%s: line %zu has a NUL", r->path, number);
        if (number > 1)
            TRY(split_line(r, at, n, number, err));
        else if (!has_version(at, n))
            return mdp_fail(err, MDP_ERR_FORMAT,
                            "%s: line 1 has no '#version' (a file of merges begins with it)", r->path);
        at = line_end ? line_end + 1 : end;
    }
    return MDP_OK;
}

/* --- symbols --- */

static mdp_status name_symbols(struct reader *r, struct mdp_clip_vocab *vocab, struct mdp_error *err)
{
    struct mdp_text pieces = {0}, name = {0};

    number_bytes(vocab, &pieces, "");
    number_bytes(vocab, &pieces, "</w>");
    for (size_t i = 0; i < r->n; i++) {
        mdp_text_add_bytes(&pieces, r->lines[i].left, r->lines[i].n_left);
        mdp_text_add_bytes(&pieces, r->lines[i].right, r->lines[i].n_right);
        mdp_text_add(&pieces, "\n");
    }
    mdp_text_add(&name, "%s: its symbols, one a line", r->path);
    mdp_status st = mdp_text_status(&pieces, err);
    if (st == MDP_OK)
        st = mdp_text_status(&name, err);
    if (st == MDP_OK && pieces.n > MDP_VOCAB_MOST)
        st = mdp_fail(err, MDP_ERR_LIMIT, "%s: its symbols have more than %d bytes", r->path, MDP_VOCAB_MOST);
    if (st == MDP_OK) {
        st = mdp_vocab_parse(pieces.at, pieces.n, name.at, &r->symbols, err);
        pieces = (struct mdp_text){0};
    }
    mdp_text_release(&pieces);
    mdp_text_release(&name);
    return st;
}

static mdp_status add_merges(struct reader *r, struct mdp_clip_vocab *vocab, struct mdp_error *err)
{
    TRY(mdp_bpe_merges_new(r->n, &vocab->merges, err));
    for (size_t i = 0; i < r->n; i++) {
        const struct line *line = &r->lines[i];
        int32_t merged = FIRST_MERGE + (int32_t)i;
        int32_t left = mdp_vocab_find(r->symbols, line->left, line->n_left);
        int32_t right = mdp_vocab_find(r->symbols, line->right, line->n_right);
        if (left < 0 || right < 0 || left >= merged || right >= merged) {
            bool first = left < 0 || left >= merged;
            size_t n = first ? line->n_left : line->n_right;
            return mdp_fail(err, MDP_ERR_FORMAT, "%s: line %zu: no symbol '%.*s' before this line", r->path,
                            i + 2, n < 100 ? (int)n : 100, first ? line->left : line->right);
        }
        mdp_status st = mdp_bpe_merges_add(vocab->merges, left, right, merged, err);
        if (st != MDP_OK)
            return mdp_fail_at(err, st, "%s: line %zu", r->path, i + 2);
    }
    vocab->begin = FIRST_MERGE + (int32_t)r->n;
    vocab->end = vocab->begin + 1;
    return MDP_OK;
}

/* --- vocab.json --- */

struct compared {
    const struct reader *reader;
    const struct mdp_clip_vocab *vocab;
    const char *path;
};

static mdp_status compare_id(void *context, const char *key, const struct mdp_json_value *value,
                             struct mdp_error *err)
{
    const struct compared *c = context;
    int32_t expected = mdp_vocab_find(c->reader->symbols, key, strlen(key));
    size_t found = 0;

    if (strcmp(key, "<|startoftext|>") == 0)
        expected = c->vocab->begin;
    if (strcmp(key, "<|endoftext|>") == 0)
        expected = c->vocab->end;
    if (expected < 0)
        return mdp_fail(err, MDP_ERR_VALUE, "%s: '%.100s' is no symbol of merges.txt beside it", c->path,
                        key);
    if (!mdp_json_to_size(value, &found) || found != (size_t)expected)
        return mdp_fail(err, MDP_ERR_VALUE,
                        "%s: '%.100s' has not the id %d that it has by merges.txt beside it", c->path, key,
                        expected);
    return MDP_OK;
}

static mdp_status compare_json(const struct compared *c, struct mdp_error *err)
{
    struct mdp_json *doc = NULL;
    mdp_status st = mdp_json_read(c->path, &doc, err);

    if (st != MDP_OK)
        return st;
    const struct mdp_json_value *root = mdp_json_root(doc);
    if (mdp_json_count(root) != (size_t)c->vocab->end + 1)
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: %zu entries, but by merges.txt beside it there are %d",
                      c->path, mdp_json_count(root), c->vocab->end + 1);
    if (st == MDP_OK)
        st = mdp_json_each(root, compare_id, (void *)(uintptr_t)c, err);
    mdp_json_free(doc);
    return st;
}

static mdp_status compare_with_json(const struct reader *r, const struct mdp_clip_vocab *vocab,
                                    struct mdp_error *err)
{
    struct mdp_text path = {0};
    mdp_status st = MDP_OK;

    if (strcmp(mdp_path_base(r->path), "merges.txt") != 0)
        return MDP_OK;
    mdp_text_add(&path, "%.*svocab.json", (int)(mdp_path_base(r->path) - r->path), r->path);
    st = mdp_text_status(&path, err);
    if (st == MDP_OK && mdp_path_exists(path.at))
        st = compare_json(&(struct compared){r, vocab, path.at}, err);
    mdp_text_release(&path);
    return st;
}

mdp_status mdp_clip_vocab_read(const char *path, struct mdp_clip_vocab *vocab, struct mdp_error *err)
{
    struct reader r = {.path = path};
    mdp_status st = mdp_gzip_read(path, MDP_VOCAB_MOST, &r.file, err);

    *vocab = (struct mdp_clip_vocab){0};
    if (st == MDP_OK && r.file.n > 0)
        st = split_lines(&r, err);
    if (st == MDP_OK && r.n == 0)
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: no merges", path);
    if (st == MDP_OK)
        st = name_symbols(&r, vocab, err);
    if (st == MDP_OK)
        st = add_merges(&r, vocab, err);
    if (st == MDP_OK)
        st = compare_with_json(&r, vocab, err);
    mdp_vocab_free(r.symbols);
    mdp_text_release(&r.file);
    free(r.lines);
    if (st != MDP_OK)
        mdp_clip_vocab_release(vocab);
    return st;
}

void mdp_clip_vocab_release(struct mdp_clip_vocab *vocab)
{
    mdp_bpe_merges_free(vocab->merges);
    *vocab = (struct mdp_clip_vocab){0};
}
