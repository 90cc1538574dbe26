/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: files of tokenizers and texts: any bytes are read or refused with one line, and every id is below the count of ids.

   Input: a tokenizer.json, NUL, a text. make fuzz FLAVOUR=fuzz && build/fuzz/fuzz/fuzz_tokenizer_json */
#include "base/formats/json.h"
#include "extract/text/spiece_proto.h"
#include "extract/text/tokenizer_json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 75 };

static void tokenize(const struct mdp_json *doc, const char *text, size_t n)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_tokenizer_json t;
    struct mdp_chars chars = {0};
    int32_t ids[MOST];
    size_t n_ids = 0;

    if (mdp_tokenizer_json_init(&t, doc, &err) != MDP_OK) {
        assert(err.message[0] && !strchr(err.message, '\n'));
        return;
    }
    if (mdp_chars_decode(&chars, text, n, &err) == MDP_OK) {
        mdp_status st = mdp_tokenizer_json_run(&t, &chars, MOST, ids, &n_ids, &err);
        assert(st == MDP_OK && n_ids <= MOST);
        for (size_t i = 0; i < n_ids; i++)
            if (ids[i] < 0 || (size_t)ids[i] >= t.vocab_size)
                abort();
    }
    mdp_chars_release(&chars);
    mdp_tokenizer_json_release(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_json *doc = NULL;
    const uint8_t *end = memchr(data, 0, size);
    const size_t n = end ? (size_t)(end - data) : size;

    if (size == 0)
        return 0;
    if (mdp_spiece_proto_check((const char *)data, size, &err) != MDP_OK)
        assert(err.message[0]);
    err = (struct mdp_error)MDP_ERROR_INIT;
    if (mdp_json_parse((const char *)data, n, "t.json", &doc, &err) == MDP_OK)
        tokenize(doc, end ? (const char *)end + 1 : "aab lung's", end ? size - n - 1 : 10);
    else
        assert(err.message[0]);
    mdp_json_free(doc);
    return 0;
}
