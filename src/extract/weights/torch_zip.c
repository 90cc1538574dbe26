/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of torch.save since 1.6: a ZIP with <top>/data.pkl and one uncompressed entry <top>/data/<key> a storage. TorchScript
   archives have the same form; their <top>/code/ and <top>/constants* are not looked at. */
#include "base/memory.h"
#include "base/text.h"
#include "extract/weights/containers.h"
#include "extract/weights/torch_tensors.h"
#include "extract/weights/zip.h"

#include <string.h>

enum { MAX_PICKLE = 256 << 20 }; /* bytes */

struct torch_zip {
    struct mdp_zip zip;
    struct mdp_text name; /* of the entry that is looked for */
    size_t top;           /* bytes of "<top>/", with which `name` begins */
};

static const char *ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0 ? text + n - m : NULL;
}

/* "<top>/<name>" */
static mdp_status entry_named(struct torch_zip *z, const char *name, size_t n,
                              const struct mdp_zip_entry **entry, struct mdp_error *err)
{
    z->name.n = z->top;
    mdp_text_add_bytes(&z->name, name, n);
    mdp_status st = mdp_text_status(&z->name, err);
    if (st == MDP_OK)
        *entry = memchr(name, '\0', n) ? NULL : mdp_zip_find(&z->zip, z->name.at);
    return st;
}

/* What a ZIP without data.pkl may be, so that the user knows what to do. */
static mdp_status not_torch(const struct mdp_zip *zip, struct mdp_error *err)
{
    for (size_t i = 0; i < zip->n; i++) {
        const char *name = zip->entries[i].name;
        if (ends_with(name, ".bin") || ends_with(name, ".pt") || ends_with(name, ".pth") ||
            ends_with(name, ".safetensors"))
            return mdp_fail(
                err, MDP_ERR_FORMAT,
                "is a ZIP around '%s', not the weight file itself (unpack it, or use models pull)", name);
        if (ends_with(name, ".npy"))
            return mdp_fail(err, MDP_ERR_UNSUPPORTED, "is a NumPy archive, which is not a weight file");
    }
    return mdp_fail(err, MDP_ERR_FORMAT, "is a ZIP without data.pkl, not a file of torch.save");
}

static mdp_status find_top(struct torch_zip *z, struct mdp_error *err)
{
    const char *found = NULL;

    for (size_t i = 0; i < z->zip.n; i++) {
        const char *name = z->zip.entries[i].name;
        const char *end = ends_with(name, "/data.pkl");
        if (!end)
            continue;
        if (found)
            return mdp_fail(err, MDP_ERR_FORMAT, "is a ZIP with two pickles, '%s' and '%s'", found, name);
        found = name;
        z->top = (size_t)(end - name) + 1;
    }
    if (!found)
        return not_torch(&z->zip, err);
    mdp_text_add_bytes(&z->name, found, z->top);
    return mdp_text_status(&z->name, err);
}

static mdp_status check_order(struct torch_zip *z, struct mdp_error *err)
{
    static const char name[] = "byteorder";
    const struct mdp_zip_entry *order = NULL;

    mdp_status st = entry_named(z, name, strlen(name), &order, err);
    if (st == MDP_OK && order &&
        (!order->stored || order->size != 6 || memcmp(z->zip.bytes + order->begin, "little", 6) != 0))
        st =
            mdp_fail(err, MDP_ERR_UNSUPPORTED, "was written on a big-endian machine, which is not supported");
    return st;
}

static mdp_status need_stored(const struct mdp_zip_entry *entry, struct mdp_error *err)
{
    if (entry->stored)
        return MDP_OK;
    return mdp_fail(
        err, MDP_ERR_UNSUPPORTED,
        "zip: entry '%s' is compressed or encrypted; torch.save stores its entries as they are (pack "
        "again with zip -0)",
        entry->name);
}

static mdp_status find_storage(void *context, const struct mdp_storage_id *id, const unsigned char **bytes,
                               struct mdp_error *err)
{
    struct torch_zip *z = context;
    const struct mdp_zip_entry *entry = NULL;
    struct mdp_text name = {0};

    mdp_text_add(&name, "data/");
    mdp_text_add_bytes(&name, id->key.at, id->key.n);
    mdp_status st = mdp_text_status(&name, err);
    if (st == MDP_OK)
        st = entry_named(z, name.at, name.n, &entry, err);
    mdp_text_release(&name);
    if (st != MDP_OK)
        return st;
    if (!entry)
        return mdp_fail(err, MDP_ERR_FORMAT, "zip: no entry '%s' for its storage", z->name.at);
    st = need_stored(entry, err);
    if (st != MDP_OK)
        return st;
    size_t size = id->count * mdp_storage_element_size(id); /* was checked to fit */
    if (size != entry->size)
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "zip: entry '%s' has %zu bytes, its storage of %zu elements has %zu", entry->name,
                        entry->size, id->count, size);
    *bytes = z->zip.bytes + entry->begin;
    return MDP_OK;
}

static mdp_status read_pickle(struct torch_zip *z, struct mdp_tensor_list *list, struct mdp_error *err)
{
    static const char data[] = "data.pkl";
    const struct mdp_zip_entry *entry = NULL;
    struct mdp_pickle *pickle = NULL;
    size_t used = 0;

    mdp_status st = entry_named(z, data, strlen(data), &entry, err);
    if (st == MDP_OK)
        st = need_stored(entry, err);
    if (st == MDP_OK && entry->size > MAX_PICKLE)
        st = mdp_fail(err, MDP_ERR_LIMIT, "zip: entry '%s' has %zu bytes, at most %d are read", entry->name,
                      entry->size, MAX_PICKLE);
    if (st == MDP_OK)
        st = mdp_pickle_parse(z->zip.bytes + entry->begin, entry->size, &pickle, &used, err);
    if (st == MDP_OK)
        st = mdp_torch_tensors(mdp_pickle_root(pickle), find_storage, z, list, err);
    mdp_pickle_free(pickle);
    return st;
}

/* A ZIP's first entry, or the end record of an empty one. */
static bool is_zip(const unsigned char *bytes, size_t n)
{
    return n >= 4 && (memcmp(bytes, "PK\x03\x04", 4) == 0 || memcmp(bytes, "PK\x05\x06", 4) == 0);
}

static mdp_status parse(const unsigned char *bytes, size_t n, struct mdp_tensor_list *list,
                        struct mdp_error *err)
{
    struct torch_zip z = {0};
    mdp_status st = mdp_zip_parse(bytes, n, &z.zip, err);

    if (st == MDP_OK)
        st = find_top(&z, err);
    if (st == MDP_OK)
        st = check_order(&z, err);
    if (st == MDP_OK)
        st = read_pickle(&z, list, err);
    mdp_text_release(&z.name);
    mdp_zip_release(&z.zip);
    return st;
}

const struct mdp_container mdp_torch_zip_container = {
    .name = "torch zip", .words = "torch.save", .is = is_zip, .parse = parse};
