/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: vocabularies and texts: any bytes are read or refused with one line, and every id is one of the vocabulary.

   Input: flags, a vocabulary, NUL, a text. make fuzz FLAVOUR=fuzz && build/fuzz/fuzz/fuzz_wordpiece */
#include "base/file.h"
#include "extract/text/vocab.h"
#include "extract/text/wordpiece.h"
#include "extract/text/wordpiece_clean.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 75 };
static const char specials[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";

/* Reports only lose characters; what ftfy mends may grow. */
static void clean(const char *text, size_t n)
{
    for (int how = 0; how < MDP_WORDPIECE_CLEANS; how++) {
        struct mdp_error err = MDP_ERROR_INIT;
        struct mdp_text out = {0};
        if (mdp_wordpiece_clean((enum mdp_wordpiece_clean)how, text, n, &out, &err) == MDP_OK)
            assert(how != MDP_WORDPIECE_CLEAN_REPORT || out.n <= n);
        else
            assert(err.status == MDP_ERR_VALUE && strstr(err.message, "is not UTF-8"));
        mdp_text_release(&out);
    }
}

static void tokenize(const struct mdp_vocab *vocab, unsigned flags, const char *text, size_t n)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_wordpiece w = {.lower_case = flags & 1, .strip_accents = flags & 2, .split_cjk = flags & 4};
    int32_t ids[MOST];
    size_t n_ids = 0;

    if (mdp_wordpiece_init(&w, vocab, &err) != MDP_OK) {
        assert(err.message[0]);
        return;
    }
    if (mdp_wordpiece_run(&w, text, n, MOST, ids, &n_ids, &err) != MDP_OK) {
        assert(err.status == MDP_ERR_VALUE && strstr(err.message, "is not UTF-8"));
        return;
    }
    assert(n_ids <= MOST);
    for (size_t i = 0; i < n_ids; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= mdp_vocab_count(vocab))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_vocab *vocab = NULL;

    if (!path[0])
        snprintf(path, sizeof path, "/tmp/fuzz_wordpiece.%ld.txt", (long)getpid());
    if (size < 1)
        return 0;
    const uint8_t *begin = data + 1, *end = memchr(begin, 0, size - 1);
    const size_t n_vocab = end ? (size_t)(end - begin) : size - 1;
    FILE *f = fopen(path, "wb");
    if (!f || ((data[0] & 8) && fputs(specials, f) < 0) || fwrite(begin, 1, n_vocab, f) != n_vocab ||
        fclose(f))
        abort();
    if (mdp_vocab_read(path, &vocab, &err) == MDP_OK)
        tokenize(vocab, data[0], end ? (const char *)end + 1 : "", end ? size - n_vocab - 2 : 0);
    else
        assert(err.message[0]);
    if (end)
        clean((const char *)end + 1, size - n_vocab - 2);
    mdp_vocab_free(vocab);
    remove(path);
    return 0;
}
