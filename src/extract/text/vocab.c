/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/vocab.h"

#include "base/file.h"
#include "base/memory.h"
#include "extract/text/unicode.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_LINES = 1000000,
    MAX_PROBES = 1024 /* slots looked at for one piece; only a file made for it needs more */
};

struct piece {
    uint64_t hash;
    uint32_t at, n; /* bytes of the file */
    int32_t id;     /* -1: an empty slot */
};

struct mdp_vocab {
    char *bytes; /* the file */
    size_t lines;
    struct piece *slots; /* [mask + 1], open addressing */
    size_t mask;
};

/* FNV-1a over the bytes; the slot is taken from well-mixed bits of it. */
uint64_t mdp_vocab_hash_begin(void)
{
    return 0xcbf29ce484222325u;
}

uint64_t mdp_vocab_hash_add(uint64_t hash, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    return hash;
}

static size_t first_slot(const struct mdp_vocab *vocab, uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= 0x9e3779b97f4a7c15u;
    return (size_t)(hash >> 32) & vocab->mask;
}

static bool is_piece(const struct mdp_vocab *vocab, const struct piece *p, uint64_t hash, const char *head,
                     size_t n_head, const char *tail, size_t n_tail)
{
    const char *bytes = vocab->bytes + p->at;

    return p->hash == hash && p->n == n_head + n_tail && memcmp(bytes, head, n_head) == 0 &&
           memcmp(bytes + n_head, tail, n_tail) == 0;
}

int32_t mdp_vocab_find_hashed(const struct mdp_vocab *vocab, uint64_t hash, const char *head, size_t n_head,
                              const char *tail, size_t n_tail)
{
    for (size_t slot = first_slot(vocab, hash);; slot = (slot + 1) & vocab->mask) {
        const struct piece *p = &vocab->slots[slot];
        if (p->id < 0 || is_piece(vocab, p, hash, head, n_head, tail, n_tail))
            return p->id;
    }
}

int32_t mdp_vocab_find(const struct mdp_vocab *vocab, const char *piece, size_t n)
{
    return mdp_vocab_find_hashed(vocab, mdp_vocab_hash_add(mdp_vocab_hash_begin(), piece, n), "", 0, piece,
                                 n);
}

static size_t line_end(const char *bytes, size_t n, size_t at)
{
    while (at < n && bytes[at] != '\n' && bytes[at] != '\r')
        at++;
    return at;
}

static size_t after_line(const char *bytes, size_t n, size_t end)
{
    return end + (end < n) + (end + 1 < n && bytes[end] == '\r' && bytes[end + 1] == '\n');
}

static mdp_status add_piece(struct mdp_vocab *vocab, struct piece piece, const char *path,
                            struct mdp_error *err)
{
    const char *bytes = vocab->bytes + piece.at;
    size_t slot;

    piece.hash = mdp_vocab_hash_add(mdp_vocab_hash_begin(), bytes, piece.n);
    slot = first_slot(vocab, piece.hash);
    for (size_t probes = 0; vocab->slots[slot].id >= 0; slot = (slot + 1) & vocab->mask) {
        if (is_piece(vocab, &vocab->slots[slot], piece.hash, "", 0, bytes, piece.n))
            return mdp_fail(err, MDP_ERR_FORMAT, "%s: line %d: '%.*s' stands on line %d already", path,
                            piece.id + 1, piece.n < 100 ? (int)piece.n : 100, bytes,
                            vocab->slots[slot].id + 1);
        if (++probes == MAX_PROBES)
            return mdp_fail(err, MDP_ERR_LIMIT, "%s: line %d: more than %d pieces with the same hash", path,
                            piece.id + 1, MAX_PROBES);
    }
    vocab->slots[slot] = piece;
    return MDP_OK;
}

static mdp_status check_encoding(const char *bytes, size_t n, struct mdp_error *err)
{
    struct mdp_chars chars = {0};
    mdp_status st = mdp_chars_decode(&chars, bytes, n, err);

    mdp_chars_release(&chars);
    return st;
}

static mdp_status index_lines(struct mdp_vocab *vocab, size_t n, const char *path, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const char *bytes = vocab->bytes;
    size_t slots = 16;

    for (size_t at = 0; at < n; at = after_line(bytes, n, line_end(bytes, n, at)))
        if (++vocab->lines > MAX_LINES)
            return mdp_fail(err, MDP_ERR_LIMIT, "%s: more than %d lines", path, MAX_LINES);
    while (slots < 2 * vocab->lines)
        slots *= 2;
    vocab->mask = slots - 1;
    vocab->slots = mdp_new_array(slots, sizeof *vocab->slots, err, &st);
    if (!vocab->slots)
        return st;
    for (size_t i = 0; i < slots; i++)
        vocab->slots[i].id = -1;

    int32_t line = 0;
    for (size_t at = 0; at < n && st == MDP_OK; line++) {
        size_t end = line_end(bytes, n, at);
        st = check_encoding(bytes + at, end - at, err);
        if (st != MDP_OK)
            return mdp_fail_at(err, st, "%s: line %d", path, line + 1);
        if (end > at)
            st = add_piece(vocab, (struct piece){.at = (uint32_t)at, .n = (uint32_t)(end - at), .id = line},
                           path, err);
        at = after_line(bytes, n, end);
    }
    return st;
}

mdp_status mdp_vocab_parse(char *bytes, size_t n, const char *name, struct mdp_vocab **vocab,
                           struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_vocab *v = mdp_new_array(1, sizeof *v, err, &st);

    *vocab = NULL;
    if (!v) {
        free(bytes);
        return st;
    }
    v->bytes = bytes;
    st = index_lines(v, n, name, err);
    if (st != MDP_OK) {
        mdp_vocab_free(v);
        return st;
    }
    *vocab = v;
    return MDP_OK;
}

mdp_status mdp_vocab_read(const char *path, struct mdp_vocab **vocab, struct mdp_error *err)
{
    char *bytes = NULL;
    size_t n = 0;
    mdp_status st = mdp_file_read(path, MDP_VOCAB_MOST, &bytes, &n, err);

    *vocab = NULL;
    return st == MDP_OK ? mdp_vocab_parse(bytes, n, path, vocab, err) : st;
}

void mdp_vocab_free(struct mdp_vocab *vocab)
{
    if (!vocab)
        return;
    free(vocab->bytes);
    free(vocab->slots);
    free(vocab);
}

size_t mdp_vocab_count(const struct mdp_vocab *vocab)
{
    return vocab->lines;
}
