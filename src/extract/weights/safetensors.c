/* SPDX-License-Identifier: BSD-3-Clause */
/* safetensors: 8 bytes of header length, a JSON header {name: {dtype, shape, data_offsets}}, then the data
   block, which the tensors fill without gap or overlap. */
#include "base/memory.h"
#include "extract/weights/tensor_list.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    LENGTH_SIZE = 8,
    MAX_HEADER = 16 << 20,     /* bytes */
    MAX_PUNCTUATION = 2 << 20, /* of JSON values, which cost more memory than bytes; a tensor has a dozen */
};

static const struct {
    const char *name;
    enum mdp_dtype dtype;
} dtypes[] = {
#define DTYPE_ROW(id, torch, safetensors, size) {safetensors, MDP_##id},
    MDP_DTYPE_LIST(DTYPE_ROW)
#undef DTYPE_ROW
};

/* A range of the data block and whose it is. */
struct range {
    size_t begin, end;
    const char *name;
};

struct block {
    const unsigned char *bytes; /* [n] */
    size_t n;
    struct range *ranges; /* [n_ranges] */
    size_t n_ranges;
};

static mdp_status read_dtype(const char *name, const json_t *entry, enum mdp_dtype *dtype,
                             struct mdp_error *err)
{
    const char *text = json_string_value(json_object_get(entry, "dtype"));

    for (size_t i = 0; text && i < sizeof dtypes / sizeof dtypes[0]; i++)
        if (strcmp(text, dtypes[i].name) == 0) {
            *dtype = dtypes[i].dtype;
            return MDP_OK;
        }
    return text
               ? mdp_fail(err, MDP_ERR_UNSUPPORTED, "tensor '%s': dtype '%.40s' is not supported", name, text)
               : mdp_fail(err, MDP_ERR_FORMAT, "tensor '%s': no dtype", name);
}

/* Whole numbers from 0 of a JSON list. */
static mdp_status read_sizes(const char *name, const char *what, const json_t *list, size_t least,
                             size_t most, size_t sizes[], struct mdp_error *err)
{
    size_t n = json_array_size(list);

    if (!json_is_array(list) || n < least || n > most)
        return mdp_fail(err, MDP_ERR_FORMAT, "tensor '%s': its %s is no list of %zu to %zu numbers", name,
                        what, least, most);
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(list, i);
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return mdp_fail(err, MDP_ERR_FORMAT,
                            "tensor '%s': a number of its %s is not whole and at least 0", name, what);
        sizes[i] = (size_t)json_integer_value(value);
    }
    return MDP_OK;
}

static mdp_status read_entry(struct block *block, const char *name, const json_t *entry,
                             struct mdp_tensor_list *list, struct mdp_error *err)
{
    struct mdp_tensor t = {0};
    size_t range[2] = {0};

    if (!json_is_object(entry))
        return mdp_fail(err, MDP_ERR_FORMAT, "tensor '%s': its entry is no JSON object", name);
    mdp_status st = read_dtype(name, entry, &t.dtype, err);
    if (st == MDP_OK)
        st = read_sizes(name, "shape", json_object_get(entry, "shape"), 0, MDP_MAX_RANK, t.shape, err);
    if (st == MDP_OK)
        st = read_sizes(name, "data_offsets", json_object_get(entry, "data_offsets"), 2, 2, range, err);
    if (st != MDP_OK)
        return st;
    t.rank = json_array_size(json_object_get(entry, "shape"));
    if (range[0] > range[1] || range[1] > block->n)
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "tensor '%s': its bytes %zu to %zu are not in the data block of %zu", name, range[0],
                        range[1], block->n);
    if (!mdp_row_major(t.rank, t.shape, t.stride))
        return mdp_fail(err, MDP_ERR_FORMAT, "tensor '%s': the product of its sizes overflows", name);
    const struct mdp_storage storage = {block->bytes + range[0],
                                        (range[1] - range[0]) / mdp_dtype_size(t.dtype)};
    st = mdp_tensor_list_add(list, name, strlen(name), &t, &storage, 0, err);
    if (st != MDP_OK)
        return st;
    const struct mdp_tensor *added = &list->at[list->n - 1];
    if (added->count * mdp_dtype_size(t.dtype) != range[1] - range[0])
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "tensor '%s': has %zu bytes in the file, its shape and dtype need %zu", name,
                        range[1] - range[0], added->count * mdp_dtype_size(t.dtype));
    block->ranges[block->n_ranges++] = (struct range){range[0], range[1], added->name};
    return MDP_OK;
}

static int by_begin(const void *a, const void *b)
{
    const struct range *x = a, *y = b;

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

static mdp_status check_ranges(struct block *block, struct mdp_error *err)
{
    size_t end = 0;

    qsort(block->ranges, block->n_ranges, sizeof *block->ranges, by_begin);
    for (size_t i = 0; i < block->n_ranges; i++) {
        const struct range *r = &block->ranges[i];
        if (r->begin < end)
            return mdp_fail(err, MDP_ERR_FORMAT, "tensor '%s': its bytes overlap those of tensor '%s'",
                            r->name, block->ranges[i - 1].name);
        if (r->begin > end)
            return mdp_fail(err, MDP_ERR_FORMAT, "tensor '%s': %zu bytes before it belong to no tensor",
                            r->name, r->begin - end);
        end = r->end;
    }
    if (end != block->n)
        return mdp_fail(err, MDP_ERR_FORMAT, "%zu bytes at its end belong to no tensor", block->n - end);
    return MDP_OK;
}

static mdp_status read_header(struct block *block, const json_t *header, struct mdp_tensor_list *list,
                              struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const char *name = NULL;
    json_t *entry = NULL;

    block->ranges = mdp_new_array(json_object_size(header), sizeof *block->ranges, err, &st);
    if (!block->ranges)
        return st;
    json_object_foreach((json_t *)(uintptr_t)header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        st = read_entry(block, name, entry, list, err);
        if (st != MDP_OK)
            return st;
    }
    return check_ranges(block, err);
}

static mdp_status parse_header(const char *text, size_t n, json_t **header, struct mdp_error *err)
{
    json_error_t where;
    size_t punctuation = 0;

    for (size_t i = 0; i < n; i++)
        punctuation += text[i] == '{' || text[i] == '[' || text[i] == ',' || text[i] == ':';
    if (punctuation > MAX_PUNCTUATION)
        return mdp_fail(err, MDP_ERR_LIMIT, "header: %zu brackets, commas and colons, at most %d are read",
                        punctuation, MAX_PUNCTUATION);
    *header = json_loadb(text, n, JSON_REJECT_DUPLICATES, &where);
    if (!*header)
        return mdp_fail(err, MDP_ERR_FORMAT, "header: byte %d: %s", where.position, where.text);
    if (!json_is_object(*header))
        return mdp_fail(err, MDP_ERR_FORMAT, "header: not a JSON object");
    return MDP_OK;
}

mdp_status mdp_safetensors_parse(const unsigned char *bytes, size_t n, struct mdp_tensor_list *list,
                                 struct mdp_error *err)
{
    struct block block = {0};
    json_t *header = NULL;
    uint64_t length = 0;

    memcpy(&length, bytes, LENGTH_SIZE); /* the caller has seen that many bytes */
    if (length > n - LENGTH_SIZE)
        return mdp_fail(err, MDP_ERR_FORMAT, "header: %llu bytes pass the end of the file (%zu)",
                        (unsigned long long)length, n);
    if (length > MAX_HEADER)
        return mdp_fail(err, MDP_ERR_LIMIT, "header: %llu bytes, at most %d are read",
                        (unsigned long long)length, MAX_HEADER);
    mdp_status st = parse_header((const char *)bytes + LENGTH_SIZE, (size_t)length, &header, err);
    if (st == MDP_OK) {
        block.bytes = bytes + LENGTH_SIZE + length;
        block.n = n - LENGTH_SIZE - (size_t)length;
        st = read_header(&block, header, list, err);
    }
    free(block.ranges);
    json_decref(header);
    return st;
}
