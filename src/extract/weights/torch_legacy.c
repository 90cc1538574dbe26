/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of torch.save before 1.6: five pickles (magic number, protocol, system, object, storage keys), then
   for each key in that order an int64 count of elements and the bytes. */
#include "base/memory.h"
#include "extract/weights/containers.h"
#include "extract/weights/torch_tensors.h"

#include <stdlib.h>
#include <string.h>

enum { MAGIC_SIZE = 10, PROTOCOL = 1001 };

/* 0x1950a86a20f9469cfc6c, as LONG1 writes it. */
static const unsigned char magic[MAGIC_SIZE] = {0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19};

struct stored {
    struct mdp_storage_id id;
    const unsigned char *bytes; /* NULL until its place in the file is known */
};

struct legacy {
    const unsigned char *bytes; /* [n] */
    size_t n, at;
    struct stored *storages; /* [n_storages], sorted by key */
    size_t n_storages;
};

static bool is_legacy(const unsigned char *bytes, size_t n)
{
    /* PROTO p, in protocol 4 and later FRAME and 8 bytes of length, LONG1 10, magic. */
    size_t at = n > 3 && bytes[2] == 0x95 ? 11 : 2;

    return n >= at + 2 + MAGIC_SIZE && bytes[0] == 0x80 && bytes[at] == 0x8A && bytes[at + 1] == MAGIC_SIZE &&
           memcmp(bytes + at + 2, magic, MAGIC_SIZE) == 0;
}

static mdp_status next_pickle(struct legacy *f, const char *what, struct mdp_pickle **pickle,
                              struct mdp_error *err)
{
    size_t used = 0;
    mdp_status st = mdp_pickle_parse(f->bytes + f->at, f->n - f->at, pickle, &used, err);

    if (st != MDP_OK)
        return mdp_fail_at(err, st, "%s at byte %zu", what, f->at);
    f->at += used;
    return MDP_OK;
}

/* The first three pickles: nothing of them is kept. */
static mdp_status read_head(struct legacy *f, struct mdp_error *err)
{
    struct mdp_pickle *number = NULL, *protocol = NULL, *machine = NULL;

    mdp_status st = next_pickle(f, "magic number", &number, err);
    if (st == MDP_OK)
        st = next_pickle(f, "protocol", &protocol, err);
    if (st == MDP_OK)
        st = next_pickle(f, "system", &machine, err);
    if (st != MDP_OK)
        goto out;
    const struct mdp_value *p = mdp_pickle_root(protocol), *m = mdp_pickle_root(machine);
    if (p->kind != MDP_VALUE_INT || p->integer != PROTOCOL || m->kind != MDP_VALUE_DICT)
        st = mdp_fail(err, MDP_ERR_FORMAT, "its protocol is not %d", PROTOCOL);
    for (size_t i = 0; st == MDP_OK && i < m->items.n; i += 2) {
        const struct mdp_value *key = m->items.at[i], *value = m->items.at[i + 1];
        if (key->kind == MDP_VALUE_STRING && mdp_piece_is(key->text, "little_endian") &&
            (value->kind != MDP_VALUE_BOOL || !value->truth))
            st = mdp_fail(err, MDP_ERR_UNSUPPORTED,
                          "was written on a big-endian machine, which is not supported");
    }
out:
    mdp_pickle_free(number);
    mdp_pickle_free(protocol);
    mdp_pickle_free(machine);
    return st;
}

static int by_key(const void *a, const void *b)
{
    const struct mdp_piece *x = &((const struct stored *)a)->id.key, *y = &((const struct stored *)b)->id.key;
    int order = memcmp(x->at, y->at, x->n < y->n ? x->n : y->n);

    return order ? order : (x->n > y->n) - (x->n < y->n);
}

/* Every storage that the object speaks of, once. */
static mdp_status collect_storages(struct legacy *f, const struct mdp_pickle *object, struct mdp_error *err)
{
    struct mdp_value *const *values = NULL;
    size_t n = mdp_pickle_persistent(object, &values), kept = 0;
    mdp_status st = MDP_OK;

    f->storages = mdp_new_array(n, sizeof *f->storages, err, &st);
    for (size_t i = 0; i < n && st == MDP_OK; i++)
        if (!mdp_persistent_is_class(values[i]))
            st = mdp_storage_id_read(values[i], &f->storages[f->n_storages++].id, err);
    if (st != MDP_OK)
        return st;
    n = f->n_storages;
    qsort(f->storages, n, sizeof *f->storages, by_key);
    for (size_t i = 0; i < n; i++) {
        const struct mdp_storage_id *last = kept ? &f->storages[kept - 1].id : NULL, *id = &f->storages[i].id;
        if (!last || by_key(&f->storages[kept - 1], &f->storages[i]) != 0)
            f->storages[kept++] = f->storages[i];
        else if (last->typed != id->typed || last->dtype != id->dtype || last->count != id->count)
            return mdp_fail(err, MDP_ERR_FORMAT, "storage '%.*s' is described in two ways",
                            (int)(id->key.n < 80 ? id->key.n : 80), id->key.at);
    }
    f->n_storages = kept;
    return MDP_OK;
}

static struct stored *storage_of(const struct legacy *f, struct mdp_piece key)
{
    const struct stored wanted = {.id = {.key = key}};

    return f->n_storages ? bsearch(&wanted, f->storages, f->n_storages, sizeof wanted, by_key) : NULL;
}

static mdp_status place_storage(struct legacy *f, const struct mdp_value *key, struct mdp_error *err)
{
    struct stored *s = key->kind == MDP_VALUE_STRING ? storage_of(f, key->text) : NULL;
    uint64_t count = 0;

    if (!s || s->bytes)
        return mdp_fail(err, MDP_ERR_FORMAT, "a storage key that %s",
                        s ? "is listed twice" : "no tensor has");
    const struct mdp_piece k = s->id.key;
    size_t size = s->id.count * mdp_storage_element_size(&s->id); /* was checked to fit */
    if (f->n - f->at < sizeof count)
        return mdp_fail(err, MDP_ERR_FORMAT, "storage '%.*s': the file ends before it",
                        (int)(k.n < 80 ? k.n : 80), k.at);
    memcpy(&count, f->bytes + f->at, sizeof count);
    f->at += sizeof count;
    if (count != s->id.count)
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "storage '%.*s': has %llu elements in the file, %zu in the tensors",
                        (int)(k.n < 80 ? k.n : 80), k.at, (unsigned long long)count, s->id.count);
    if (size > f->n - f->at)
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "storage '%.*s': %zu bytes at %zu pass the end of the file (%zu)",
                        (int)(k.n < 80 ? k.n : 80), k.at, size, f->at, f->n);
    s->bytes = f->bytes + f->at;
    f->at += size;
    return MDP_OK;
}

static mdp_status place_storages(struct legacy *f, struct mdp_error *err)
{
    struct mdp_pickle *keys = NULL;
    mdp_status st = next_pickle(f, "storage keys", &keys, err);

    if (st != MDP_OK)
        return st;
    const struct mdp_value *list = mdp_pickle_root(keys);
    if (list->kind != MDP_VALUE_LIST)
        st = mdp_fail(err, MDP_ERR_FORMAT, "its storage keys are %s, expected a list",
                      mdp_value_kind_name(list->kind));
    for (size_t i = 0; st == MDP_OK && i < list->items.n; i++)
        st = place_storage(f, list->items.at[i], err);
    mdp_pickle_free(keys);
    return st;
}

static mdp_status find_storage(void *context, const struct mdp_storage_id *id, const unsigned char **bytes,
                               struct mdp_error *err)
{
    const struct stored *s = storage_of(context, id->key);

    if (!s || !s->bytes)
        return mdp_fail(err, MDP_ERR_FORMAT, "its storage '%.*s' is not in the file",
                        (int)(id->key.n < 80 ? id->key.n : 80), id->key.at);
    *bytes = s->bytes;
    return MDP_OK;
}

static mdp_status parse(const unsigned char *bytes, size_t n, struct mdp_tensor_list *list,
                        struct mdp_error *err)
{
    struct legacy f = {.bytes = bytes, .n = n};
    struct mdp_pickle *object = NULL;

    mdp_status st = read_head(&f, err);
    if (st == MDP_OK)
        st = next_pickle(&f, "object", &object, err);
    if (st == MDP_OK)
        st = collect_storages(&f, object, err);
    if (st == MDP_OK)
        st = place_storages(&f, err);
    if (st == MDP_OK)
        st = mdp_torch_tensors(mdp_pickle_root(object), find_storage, &f, list, err);
    free(f.storages);
    mdp_pickle_free(object);
    return st;
}

const struct mdp_container mdp_torch_legacy_container = {
    .name = "legacy torch", .words = "torch.save", .is = is_legacy, .parse = parse};
