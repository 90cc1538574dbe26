/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading strings, of fixed and of variable length. */
#include "base/formats/h5_internal.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

void mdp_h5_strings_release(struct mdp_h5_strings *strings)
{
    mdp_text_release(&strings->bytes);
    free(strings->at);
    *strings = (struct mdp_h5_strings){0};
}

mdp_status mdp_h5_strings_add(struct mdp_h5_strings *strings, const char *text, size_t n,
                              struct mdp_error *err)
{
    mdp_status st = mdp_grow(&strings->at, &strings->capacity, strings->n + 1, sizeof *strings->at, err);

    if (st != MDP_OK)
        return st;
    strings->at[strings->n++] = strings->bytes.n;
    mdp_text_add_bytes(&strings->bytes, text, n);
    mdp_text_add_bytes(&strings->bytes, "", 1);
    return mdp_text_status(&strings->bytes, err);
}

mdp_status mdp_h5_strings_give(struct mdp_h5_strings *strings, char ***out, size_t *n, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    char **list = mdp_new_array(strings->n + 1, sizeof *list, err, &st);

    if (list) {
        for (size_t i = 0; i < strings->n; i++)
            list[i] = strings->bytes.at + strings->at[i];
        list[strings->n] = strings->bytes.at;
        strings->bytes = (struct mdp_text){0};
        *n = strings->n;
    }
    *out = list;
    return st;
}

void mdp_h5_strings_free(char **strings, size_t n)
{
    if (strings)
        free(strings[n]);
    free(strings);
}

/* Length of a string of fixed size without its padding. */
static size_t unpadded(const char *text, size_t size, H5T_str_t padding)
{
    size_t n = strnlen(text, size);

    while (padding == H5T_STR_SPACEPAD && n && text[n - 1] == ' ')
        n--;
    return n;
}

mdp_status mdp_h5_strings_add_block(const struct mdp_h5 *file, const char *name, hid_t type,
                                    const void *block, size_t count, struct mdp_h5_strings *out,
                                    struct mdp_error *err)
{
    bool variable = H5Tis_variable_str(type) > 0;
    size_t size = H5Tget_size(type);
    H5T_str_t padding = H5Tget_strpad(type);
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < count && st == MDP_OK; i++) {
        const char *text = variable ? ((char *const *)block)[i] : (const char *)block + i * size;
        size_t n = !text ? 0 : variable ? strlen(text) : unpadded(text, size, padding);
        if (!out->any_bytes && mdp_utf8_valid(text ? text : "", n) != n)
            st = mdp_fail(err, MDP_ERR_FORMAT, "%s: %s: string %zu is not valid UTF-8", file->path, name,
                          out->n);
        else
            st = mdp_h5_strings_add(out, text ? text : "", n, err);
    }
    return st;
}

/* HDF5 allocates strings of variable length while it reads, one by one, and forgets some of them when it fails in
   the middle. They come from here and are given back together. Every string has its own place in the file, so all
   together are not larger than it, unless many rows are made to point to one large string: `left` bounds them. */
enum { PIECE = 64 << 10 };

struct piece {
    struct piece *next;
    size_t used, size;
    max_align_t bytes[];
};

struct arena {
    struct piece *first;
    size_t left; /* bytes that may still be taken */
};

static void *take(size_t size, void *context)
{
    struct arena *arena = context;
    struct piece *piece = arena->first;
    size_t rounded = 0;

    if (size > arena->left || !mdp_add_size(size, sizeof(max_align_t) - 1, &rounded))
        return NULL;
    rounded -= rounded % sizeof(max_align_t);
    if (!piece || piece->size - piece->used < rounded) {
        size_t most = rounded > PIECE ? rounded : PIECE;
        piece = malloc(sizeof *piece + most);
        if (!piece)
            return NULL;
        *piece = (struct piece){.next = arena->first, .size = most};
        arena->first = piece;
    }
    void *at = (char *)piece->bytes + piece->used;
    piece->used += rounded;
    arena->left -= size;
    return at;
}

static void keep(void *block, void *context)
{
    (void)block;
    (void)context;
}

static void release_arena(struct arena *arena)
{
    while (arena->first) {
        struct piece *next = arena->first->next;
        free(arena->first);
        arena->first = next;
    }
}

mdp_status mdp_h5_strings_read(const struct mdp_h5 *file, const char *name, hid_t dataset,
                               const struct mdp_h5_shape *shape, struct mdp_h5_strings *out,
                               struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    hid_t type = H5Dget_type(dataset), transfer = H5Pcreate(H5P_DATASET_XFER);
    size_t size = H5Tget_size(type), rows = shape->rank ? shape->dims[0] : 1;
    size_t at_once = MDP_H5_BLOCK / size ? MDP_H5_BLOCK / size : 1;
    struct arena arena = {.left = file->size + MDP_H5_SLACK};
    char *block = mdp_new_array(rows < at_once ? rows : at_once, size, err, &st);

    if (st == MDP_OK && shape->rank == 1 && H5Tis_variable_str(type) > 0)
        st = mdp_h5_heaps_check_references(file, name, dataset, rows, err);
    H5Pset_vlen_mem_manager(transfer, take, &arena, keep, NULL);
    for (size_t row = 0; st == MDP_OK && row < rows; row += at_once) {
        size_t count = rows - row < at_once ? rows - row : at_once;
        memset(block, 0, count * size);
        st = mdp_h5_read_block(file, name, dataset, shape, type, transfer, row, count, block, err);
        if (st == MDP_OK)
            st = mdp_h5_strings_add_block(file, name, type, block, count, out, err);
        release_arena(&arena);
    }
    free(block);
    H5Pclose(transfer);
    H5Tclose(type);
    return st;
}

mdp_status mdp_h5_read_strings(const struct mdp_h5 *file, const char *name, char ***strings, size_t *n,
                               struct mdp_error *err)
{
    struct mdp_h5_shape shape;
    struct mdp_h5_strings list = {0};
    hid_t dataset = -1;
    mdp_status st = mdp_h5_dataset_open(file, name, &dataset, &shape, err);

    *strings = NULL;
    *n = 0;
    if (st == MDP_OK && (shape.type != MDP_H5_STRING || shape.rank != 1))
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: %s is no list of strings", file->path, name);
    if (st == MDP_OK)
        st = mdp_h5_strings_read(file, name, dataset, &shape, &list, err);
    if (st == MDP_OK)
        st = mdp_h5_strings_give(&list, strings, n, err);
    mdp_h5_strings_release(&list);
    return st;
}
