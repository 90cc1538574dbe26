/* SPDX-License-Identifier: BSD-3-Clause */
/* Strings of variable length: what the file says of them, checked before HDF5 believes it.

   In the file a string is its length (4 bytes), the address of a heap (8 bytes as a rule) and a number in it (4). A
   heap is a header of 16 bytes (four letters, version, size), then objects: number (2), references (2), 4 unused, size
   (8), bytes, padding to 8; number 0 is the free rest. HDF5 1.10 allocates the length before it looks at the heap,
   takes any number and copies as many bytes as the heap says. So everything that a dataset refers to is looked at
   here first: the heap must be whole, the object in it, and of the string's length. Compressed chunks are not looked
   into; deflate has a checksum of its own. */
#define _GNU_SOURCE /* memmem */
#include "base/formats/h5_internal.h"

#include "base/file.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* The next `head` at or behind `at`, or NULL. In steps, and what was passed leaves memory again: a store may be larger
   than that. Four letters are looked for first: a run of the zeros behind them would be slow. */
static const unsigned char *find_head(const struct mdp_map *map, const unsigned char *at,
                                      const unsigned char head[8])
{
    enum { LETTERS = 4, HEAD = 8, STEP = 64 << 20 };
    const unsigned char *end = map->bytes + map->n;

    while (end - at >= HEAD) {
        size_t n = end - at < STEP ? (size_t)(end - at) : STEP;
        const unsigned char *hit = memmem(at, n, head, LETTERS);
        if (hit && end - hit >= HEAD && memcmp(hit, head, HEAD) == 0)
            return hit;
        if (!hit && n == (size_t)(end - at))
            break;
        at = hit ? hit + 1 : at + n - (LETTERS - 1);
        if (!hit)
            mdp_map_forget(map, (size_t)(at - map->bytes));
    }
    return NULL;
}

/* A heap in the file (names of old groups, strings of variable length) begins with four letters, a version, three
   zeros and its size. HDF5 allocates that many bytes before it looks whether the file has them. */
mdp_status mdp_h5_heaps_check(const char *path, const struct mdp_map *map, struct mdp_error *err)
{
    static const unsigned char heads[][8] = {{'G', 'C', 'O', 'L', 1, 0, 0, 0},
                                             {'H', 'E', 'A', 'P', 0, 0, 0, 0}};
    const unsigned char *end = map->bytes + map->n, *at;

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        for (at = map->bytes; (at = find_head(map, at, heads[i])); at++) {
            uint64_t size = 0;
            for (size_t b = 0; b < sizeof size && at + 8 + b < end; b++)
                size |= (uint64_t)at[8 + b] << (8 * b);
            if (size > map->n)
                return mdp_fail(err, MDP_ERR_FORMAT,
                                "%s: a heap at byte %zu promises %llu bytes, the file has %zu", path,
                                (size_t)(at - map->bytes), (unsigned long long)size, map->n);
        }
    return MDP_OK;
}

enum { HEAP_HEADER = 16, OBJECT_HEADER = 16, MAX_OBJECT = 65535 };

struct heap {
    size_t at;    /* in the file */
    size_t first; /* of its objects in `sizes` */
    size_t n;     /* objects: numbers 0 to n - 1 */
};

struct mdp_h5_heaps {
    struct heap *at; /* [n], by place in the file */
    size_t n, capacity;
    uint32_t *sizes; /* size of an object + 1; 0: there is none of this number */
    size_t n_sizes, sizes_capacity;
    bool broken; /* one was not whole */
};

void mdp_h5_heaps_free(struct mdp_h5_heaps *heaps)
{
    if (!heaps)
        return;
    free(heaps->at);
    free(heaps->sizes);
    free(heaps);
}

static uint64_t little(const unsigned char *from, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

/* The objects of the heap at raw[size]; one that is not whole is left out (it may be a remnant that nothing refers
   to). */
static mdp_status add_heap(struct mdp_h5_heaps *heaps, const unsigned char *raw, size_t size, size_t at,
                           struct mdp_error *err)
{
    struct heap heap = {.at = at, .first = heaps->n_sizes, .n = size / OBJECT_HEADER};
    mdp_status st;

    if (heap.n > MAX_OBJECT + 1)
        heap.n = MAX_OBJECT + 1;
    st = mdp_grow(&heaps->sizes, &heaps->sizes_capacity, heaps->n_sizes + heap.n, sizeof *heaps->sizes, err);
    if (st == MDP_OK)
        st = mdp_grow(&heaps->at, &heaps->capacity, heaps->n + 1, sizeof *heaps->at, err);
    if (st != MDP_OK)
        return st;
    memset(heaps->sizes + heap.first, 0, heap.n * sizeof *heaps->sizes);
    for (size_t place = HEAP_HEADER; size - place >= OBJECT_HEADER;) {
        size_t number = (size_t)little(raw + place, 2), rest = size - place - OBJECT_HEADER;
        uint64_t bytes = little(raw + place + 8, 8);
        if (number == 0) { /* free to the end */
            heaps->broken |= bytes != size - place;
            if (bytes != size - place)
                return MDP_OK;
            break;
        }
        size_t padded = (size_t)(bytes + 7) / 8 * 8;
        if (bytes > rest || padded > rest || bytes >= UINT32_MAX || number >= heap.n ||
            heaps->sizes[heap.first + number]) {
            heaps->broken = true;
            return MDP_OK;
        }
        heaps->sizes[heap.first + number] = (uint32_t)bytes + 1;
        place += OBJECT_HEADER + padded;
    }
    heaps->n_sizes += heap.n;
    heaps->at[heaps->n++] = heap;
    return MDP_OK;
}

static mdp_status find_heaps(const struct mdp_h5 *file, struct mdp_h5_heaps *heaps, struct mdp_error *err)
{
    static const unsigned char head[8] = {'G', 'C', 'O', 'L', 1, 0, 0, 0};
    struct mdp_map map = {0};
    mdp_status st = mdp_map_open(file->path, &map, err);
    const unsigned char *at = map.bytes, *end = map.bytes + map.n;

    while (st == MDP_OK && (at = find_head(&map, at, head))) {
        size_t left = (size_t)(end - at);
        uint64_t size = left >= HEAP_HEADER ? little(at + 8, 8) : 0;
        if (size >= HEAP_HEADER && size <= left)
            st = add_heap(heaps, at, (size_t)size, (size_t)(at - map.bytes), err);
        else
            heaps->broken = true;
        at++;
    }
    mdp_map_close(&map);
    return st;
}

/* What one dataset refers to. */
struct references {
    const struct mdp_h5_heaps *heaps;
    size_t address, element; /* bytes of an address, of a reference */
    size_t left;             /* bytes that all strings may have together */
};

static int by_place(const void *key, const void *heap)
{
    size_t at = *(const size_t *)key, other = ((const struct heap *)heap)->at;

    return (at > other) - (at < other);
}

static bool references_hold(struct references *r, const unsigned char *raw, size_t bytes)
{
    const struct heap *heap = NULL;

    for (const unsigned char *at = raw; (size_t)(at - raw) + r->element <= bytes; at += r->element) {
        size_t length = (size_t)little(at, 4), place = (size_t)little(at + 4, r->address);
        size_t number = (size_t)little(at + 4 + r->address, 4);
        if (length == 0)
            continue;
        if (length > r->left)
            return false;
        r->left -= length;
        if (!heap || heap->at != place)
            heap = bsearch(&place, r->heaps->at, r->heaps->n, sizeof *heap, by_place);
        if (!heap || number >= heap->n || r->heaps->sizes[heap->first + number] != length + 1)
            return false;
    }
    return true;
}

static bool chunks_hold(hid_t dataset, struct references *r, size_t rows, size_t chunk_rows,
                        unsigned char *raw)
{
    bool hold = true;

    for (size_t row = 0; row < rows && hold; row += chunk_rows) {
        hsize_t start = row, stored = 0;
        uint32_t skipped = 0;
        if (H5Dget_chunk_storage_size(dataset, &start, &stored) >= 0 && stored == chunk_rows * r->element &&
            H5Dread_chunk(dataset, H5P_DEFAULT, &start, &skipped, raw) >= 0) {
            size_t used = rows - row < chunk_rows ? rows - row : chunk_rows;
            hold = references_hold(r, raw, used * r->element);
        }
    }
    return hold;
}

static bool contiguous_holds(const struct mdp_h5 *file, hid_t dataset, struct references *r, size_t rows)
{
    struct mdp_map map = {0};
    haddr_t at = H5Dget_offset(dataset);
    size_t bytes = 0;
    bool holds = true;

    if (at != HADDR_UNDEF && mdp_mul_size(rows, r->element, &bytes) &&
        mdp_map_open(file->path, &map, NULL) == MDP_OK && at < map.n && bytes <= map.n - (size_t)at)
        holds = references_hold(r, map.bytes + at, bytes);
    mdp_map_close(&map);
    return holds;
}

static mdp_status need_heaps(const struct mdp_h5 *file, struct mdp_error *err)
{
    struct mdp_h5 *open = (struct mdp_h5 *)(uintptr_t)file; /* a cache: what the file says does not change */
    mdp_status st = MDP_OK;

    if (file->heaps)
        return MDP_OK;
    open->heaps = mdp_new_array(1, sizeof *open->heaps, err, &st);
    return st == MDP_OK ? find_heaps(file, open->heaps, err) : st;
}

mdp_status mdp_h5_heaps_check_references(const struct mdp_h5 *file, const char *name, hid_t dataset,
                                         size_t rows, struct mdp_error *err)
{
    hid_t creation = H5Dget_create_plist(dataset), origin = H5Fget_create_plist(file->id);
    struct references r = {.address = 8, .left = file->size + MDP_H5_SLACK};
    size_t unused = 0;
    hsize_t chunk_rows = 0, user_block = 0;
    mdp_status st = need_heaps(file, err);
    bool hold = true;

    r.heaps = file->heaps;
    H5Pget_sizes(origin, &r.address, &unused);
    H5Pget_userblock(origin, &user_block);
    r.element = 4 + r.address + 4;
    if (st != MDP_OK || user_block || H5Pget_nfilters(creation) > 0) {
        ; /* addresses count from behind the user block; what is compressed has a checksum */
    } else if (H5Pget_layout(creation) == H5D_CONTIGUOUS) {
        hold = contiguous_holds(file, dataset, &r, rows);
    } else if (H5Pget_layout(creation) == H5D_CHUNKED && H5Pget_chunk(creation, 1, &chunk_rows) == 1 &&
               chunk_rows) {
        /* check_chunks has bounded their size */
        unsigned char *raw = mdp_new_array((size_t)chunk_rows, r.element, err, &st);
        hold = !raw || chunks_hold(dataset, &r, rows, (size_t)chunk_rows, raw);
        free(raw);
    }
    H5Pclose(creation);
    H5Pclose(origin);
    H5Eclear2(H5E_DEFAULT);
    if (st == MDP_OK && !hold)
        st = mdp_fail(err, MDP_ERR_FORMAT,
                      "%s: the strings of %s are damaged: they refer to what is not in the file", file->path,
                      name);
    return st;
}

mdp_status mdp_h5_heaps_check_whole(const struct mdp_h5 *file, const char *label, struct mdp_error *err)
{
    mdp_status st = need_heaps(file, err);

    if (st == MDP_OK && file->heaps->broken)
        st = mdp_fail(err, MDP_ERR_FORMAT,
                      "%s: %s: a heap of strings in the file is damaged (h5repack may mend it)", file->path,
                      label);
    return st;
}
