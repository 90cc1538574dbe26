/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: weight files of any form: opened, every tensor's first and last bytes and its digest and conversion read, or refused. Bytes
   that are no weight file by their beginning also go to the pickle and ZIP readers and to every container alone, so that the
   fuzzer need not find the outer form first.

       make fuzz FLAVOUR=fuzz && tests/fuzz/seed_weights seeds && build/fuzz/fuzz/fuzz_weights corpus/ seeds/   */
#include "base/memory.h"
#include "extract/model/card_from_openai.h"
#include "extract/weights/containers.h"
#include "extract/weights/pickle.h"
#include "extract/weights/shards.h"
#include "extract/weights/torch_tensors.h"
#include "extract/weights/weights.h"
#include "extract/weights/zip.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { MOST = 1 << 22 }; /* elements and bytes that one input may make us touch */

static void use_tensor(const struct mdp_tensor *t, size_t *touched)
{
    struct mdp_error err = MDP_ERROR_INIT;
    uint8_t digest[MDP_SHA256_SIZE];

    if (t->count > MOST - *touched)
        return;
    *touched += t->count;
    float *values = malloc((t->count + 1) * sizeof *values);
    if (!values)
        abort();
    mdp_tensor_to_f32(t, values);
    free(values);
    if (mdp_tensor_sha256(t, digest, &err) != MDP_OK)
        abort();
}

static void use_tensors(const struct mdp_weights *w)
{
    size_t touched = 0;

    for (size_t i = 0; i < mdp_weights_count(w); i++) {
        const struct mdp_tensor *t = mdp_weights_at(w, i);
        use_tensor(t, &touched);
        if (mdp_weights_find(w, t->name) != t)
            abort();
    }
}

/* The card that it would be. */
static void use_as_model(const struct mdp_weights *w)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_text card = {0};

    mdp_openai_weights_to_card(w, "m", "/", "f", &card, &err);
    mdp_text_release(&card);
}

/* Names only: files that an index speaks of are not opened. */
static void use_index(const uint8_t *bytes, size_t n)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_shards shards;

    if (!mdp_shards_is_index(bytes, n) || mdp_shards_parse(bytes, n, &shards, &err) != MDP_OK)
        return;
    for (size_t i = 0; i < shards.n_files; i++)
        if (strchr(shards.files[i], '/') || strcmp(shards.files[i], "..") == 0)
            abort();
    mdp_shards_release(&shards);
}

static mdp_status count_piece(void *context, const void *piece, size_t n, struct mdp_error *err)
{
    size_t *left = context;

    (void)piece;
    if (n > *left)
        return mdp_fail(err, MDP_ERR_LIMIT, "enough");
    *left -= n;
    return MDP_OK;
}

static void use_zip(const uint8_t *bytes, size_t n)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_zip zip;
    size_t left = MOST;

    if (mdp_zip_parse(bytes, n, &zip, &err) != MDP_OK)
        return;
    for (size_t i = 0; i < zip.n; i++) {
        if (mdp_zip_find(&zip, zip.entries[i].name) != &zip.entries[i])
            abort();
        mdp_zip_unpack(&zip, &zip.entries[i], count_piece, &left, &err);
    }
    mdp_zip_release(&zip);
}

/* Every storage of at most 64 bytes exists; the sanitizer sees reads outside of its size. */
struct storages {
    void *at[256];
    size_t n;
};

static mdp_status give_storage(void *context, const struct mdp_storage_id *id, const unsigned char **bytes,
                               struct mdp_error *err)
{
    struct storages *s = context;
    size_t size = id->count * mdp_storage_element_size(id);

    if (size > 64 || s->n == sizeof s->at / sizeof s->at[0])
        return mdp_fail(err, MDP_ERR_FORMAT, "no such storage");
    s->at[s->n] = calloc(1, size ? size : 1);
    if (!s->at[s->n])
        abort();
    *bytes = s->at[s->n++];
    return MDP_OK;
}

/* A pickle without the ZIP around it. */
static void use_pickle(const uint8_t *bytes, size_t n)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_pickle *pickle = NULL;
    struct mdp_tensor_list list = {0};
    struct storages storages = {.n = 0};
    size_t used = 0, touched = 0;

    if (mdp_pickle_parse(bytes, n, &pickle, &used, &err) != MDP_OK)
        return;
    if (used > n)
        abort();
    mdp_torch_tensors(mdp_pickle_root(pickle), give_storage, &storages, &list, &err);
    for (size_t i = 0; i < list.n; i++)
        use_tensor(&list.at[i], &touched);
    while (storages.n)
        free(storages.at[--storages.n]);
    mdp_tensor_list_release(&list);
    mdp_pickle_free(pickle);
}

/* Every reader on bytes that the others would get: none relies on what is() has seen. */
static void use_containers(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; mdp_containers[i]; i++) {
        struct mdp_error err = MDP_ERROR_INIT;
        struct mdp_tensor_list list = {0};
        if (mdp_containers[i]->parse(bytes, n, &list, &err) != MDP_OK && err.message[0] == '\0')
            abort();
        mdp_tensor_list_release(&list);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_weights *w = NULL;

    if (mdp_weights_parse(bytes, n, "f", &w, &err) == MDP_OK) {
        use_tensors(w);
        use_as_model(w);
    } else if (err.message[0] == '\0')
        abort();
    mdp_weights_close(w);
    use_index(bytes, n);
    use_zip(bytes, n);
    use_pickle(bytes, n);
    use_containers(bytes, n);
    return 0;
}
