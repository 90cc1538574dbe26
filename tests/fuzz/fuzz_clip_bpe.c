/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: merges and texts of CLIP's tokenizer, the repair of texts among it: any bytes are read or refused with one line, every id is
   one of the vocabulary, and a repaired text is one of characters.

   Input: flags, merges, NUL, a text. make fuzz FLAVOUR=fuzz && build/fuzz/fuzz/fuzz_clip_bpe */
#include "base/file.h"
#include "extract/text/clip_bpe.h"
#include "extract/text/fix_text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 75 };
static const char head[] = "#version: 0.2\nt h\nth e</w>\na n\ni n\nin g</w>\n";

/* By itself, and of whatever came of that. */
static void repair_twice(const char *text, size_t n)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_chars once = {0}, twice = {0};

    if (mdp_chars_decode(&once, text, n, &err) != MDP_OK) {
        mdp_chars_release(&once);
        return;
    }
    if (mdp_fix_text(&once, &err) != MDP_OK)
        abort();
    for (size_t i = 0; i < once.n; i++)
        if (once.at[i] > 0x10FFFF || (once.at[i] & 0xFFFFF800) == 0xD800 ||
            mdp_chars_add(&twice, once.at[i], &err) != MDP_OK)
            abort();
    if (mdp_fix_text(&twice, &err) != MDP_OK)
        abort();
    mdp_chars_release(&once);
    mdp_chars_release(&twice);
}

static void tokenize(struct mdp_clip_bpe *bpe, unsigned flags, const char *text, size_t n)
{
    struct mdp_error err = MDP_ERROR_INIT;
    int32_t ids[MOST];
    size_t n_ids = 0;

    bpe->variant = (enum mdp_clip_variant)(flags % MDP_CLIP_VARIANTS);
    bpe->clean = (enum mdp_clip_clean)((flags >> 2) % MDP_CLIP_CLEANS);
    if (mdp_clip_bpe_run(bpe, text, n, MOST, ids, &n_ids, &err) != MDP_OK) {
        assert(err.status == MDP_ERR_VALUE && strstr(err.message, "is not UTF-8"));
        return;
    }
    assert(n_ids <= MOST);
    for (size_t i = 0; i < n_ids; i++)
        if (ids[i] < 0 || ids[i] > bpe->vocab.end)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_clip_bpe bpe = {0};

    if (!path[0])
        snprintf(path, sizeof path, "/tmp/fuzz_clip_bpe.%ld.txt", (long)getpid());
    if (size < 1)
        return 0;
    const uint8_t *begin = data + 1, *end = memchr(begin, 0, size - 1);
    const size_t n_merges = end ? (size_t)(end - begin) : size - 1;
    const char *text = end ? (const char *)end + 1 : "";
    const size_t n_text = end ? size - n_merges - 2 : 0;
    FILE *f = fopen(path, "wb");
    if (!f || ((data[0] & 64) && fputs(head, f) < 0) || fwrite(begin, 1, n_merges, f) != n_merges ||
        fclose(f))
        abort();
    if (mdp_clip_vocab_read(path, &bpe.vocab, &err) == MDP_OK)
        tokenize(&bpe, data[0], text, n_text);
    else
        assert(err.message[0]);
    repair_twice(text, n_text);
    mdp_clip_vocab_release(&bpe.vocab);
    remove(path);
    return 0;
}
