/* SPDX-License-Identifier: BSD-3-Clause */
/* safetensors: 8 bytes of header length, a JSON header {name: {dtype, shape, data_offsets}}, then the data
   block, which the tensors fill without gap or overlap. */
#include "base/formats/json.h"
#include "base/memory.h"
#include "base/try.h"
#include "extract/weights/containers.h"

#include <stdlib.h>
#include <string.h>

enum {
    LENGTH_SIZE = 8,
    FORMAT_HEADER = 100000000, /* bytes; what the format itself allows */
    MAX_HEADER = 16 << 20,     /* bytes; what is read here */
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

static mdp_status read_dtype(const char *name, const struct mdp_json_value *entry, enum mdp_dtype *dtype,
                             struct mdp_error *err)
{
    const char *text = mdp_json_text(mdp_json_find(entry, "dtype"));

    for (size_t i = 0; text && i < MDP_DTYPE_COUNT; i++)
        if (strcmp(text, dtypes[i].name) == 0) {
            *dtype = dtypes[i].dtype;
            return MDP_OK;
        }
    return text
               ? mdp_fail(err, MDP_ERR_UNSUPPORTED, "tensor '%s': dtype '%.40s' is not supported", name, text)
               : mdp_fail(err, MDP_ERR_FORMAT, "tensor '%s': no dtype", name);
}

/* Whole numbers from 0 of the JSON list under `key`. */
static mdp_status read_sizes(const char *name, const char *key, const struct mdp_json_value *entry,
                             size_t least, size_t most, size_t sizes[], struct mdp_error *err)
{
    const struct mdp_json_value *list = mdp_json_find(entry, key);
    size_t n = mdp_json_count(list);

    if (mdp_json_kind(list) != MDP_JSON_LIST || n < least || n > most)
        return mdp_fail(err, MDP_ERR_FORMAT, "tensor '%s': its %s is no list of %zu to %zu numbers", name,
                        key, least, most);
    for (size_t i = 0; i < n; i++)
        if (!mdp_json_to_size(mdp_json_at(list, i), &sizes[i]))
            return mdp_fail(err, MDP_ERR_FORMAT,
                            "tensor '%s': a number of its %s is not whole and at least 0", name, key);
    return MDP_OK;
}

struct reading {
    struct block block;
    struct mdp_tensor_list *list;
};

/* One entry of the header. */
static mdp_status read_entry(void *context, const char *name, const struct mdp_json_value *entry,
                             struct mdp_error *err)
{
    struct reading *r = context;
    struct block *block = &r->block;
    struct mdp_tensor t = {0};
    size_t range[2] = {0};

    if (strcmp(name, "__metadata__") == 0)
        return MDP_OK;
    if (mdp_json_kind(entry) != MDP_JSON_MAP)
        return mdp_fail(err, MDP_ERR_FORMAT, "tensor '%s': its entry is no JSON object", name);
    TRY(read_dtype(name, entry, &t.dtype, err));
    TRY(read_sizes(name, "shape", entry, 0, MDP_MAX_RANK, t.shape, err));
    TRY(read_sizes(name, "data_offsets", entry, 2, 2, range, err));
    t.rank = mdp_json_count(mdp_json_find(entry, "shape"));
    if (range[0] > range[1] || range[1] > block->n)
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "tensor '%s': its bytes %zu to %zu are not in the data block of %zu", name, range[0],
                        range[1], block->n);
    if (!mdp_row_major(t.rank, t.shape, t.stride))
        return mdp_fail(err, MDP_ERR_FORMAT, "tensor '%s': the product of its sizes overflows", name);
    const size_t size = mdp_dtype_size(t.dtype);
    const struct mdp_storage storage = {block->bytes + range[0], (range[1] - range[0]) / size};
    TRY(mdp_tensor_list_add(r->list, name, strlen(name), &t, &storage, 0, err));
    const struct mdp_tensor *added = &r->list->at[r->list->n - 1];
    if (added->count * size != range[1] - range[0])
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "tensor '%s': has %zu bytes in the file, its shape and dtype need %zu", name,
                        range[1] - range[0], added->count * size);
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

mdp_status mdp_header_json_parse(const char *text, size_t n, const char *what, struct mdp_json **header,
                                 struct mdp_error *err)
{
    size_t punctuation = 0;

    *header = NULL;
    if (n > MAX_HEADER)
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: %zu bytes, at most %d are read", what, n, MAX_HEADER);
    for (size_t i = 0; i < n; i++)
        punctuation += text[i] == '{' || text[i] == '[' || text[i] == ',' || text[i] == ':';
    if (punctuation > MAX_PUNCTUATION)
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: %zu brackets, commas and colons, at most %d are read", what,
                        punctuation, MAX_PUNCTUATION);
    TRY(mdp_json_parse(text, n, what, header, err));
    if (mdp_json_kind(mdp_json_root(*header)) == MDP_JSON_MAP)
        return MDP_OK;
    mdp_json_free(*header);
    *header = NULL;
    return mdp_fail(err, MDP_ERR_FORMAT, "%s: not a JSON object", what);
}

bool mdp_safetensors_header(const unsigned char *bytes, size_t n, size_t *header)
{
    uint64_t length = 0;

    if (n <= LENGTH_SIZE || bytes[LENGTH_SIZE] != '{')
        return false;
    memcpy(&length, bytes, LENGTH_SIZE);
    *header = (size_t)length;
    return length <= FORMAT_HEADER;
}

/* A number that fits the file, then JSON: the only signature there is. A GGUF file of 123 tensors has the brace in the
   same place, but 3 << 32 and more in the number. */
static bool is_safetensors(const unsigned char *bytes, size_t n)
{
    size_t header = 0;

    return mdp_safetensors_header(bytes, n, &header) && header <= n - LENGTH_SIZE;
}

static mdp_status parse(const unsigned char *bytes, size_t n, struct mdp_tensor_list *list,
                        struct mdp_error *err)
{
    struct reading r = {.list = list};
    struct mdp_json *json = NULL;
    size_t header = 0;

    if (!mdp_safetensors_header(bytes, n, &header) || header > n - LENGTH_SIZE)
        return mdp_fail(err, MDP_ERR_FORMAT, "header: not inside the file of %zu bytes", n);
    mdp_status st = mdp_header_json_parse((const char *)bytes + LENGTH_SIZE, header, "header", &json, err);
    const struct mdp_json_value *root = st == MDP_OK ? mdp_json_root(json) : NULL;
    r.block.bytes = bytes + LENGTH_SIZE + header;
    r.block.n = n - LENGTH_SIZE - header;
    if (st == MDP_OK)
        r.block.ranges = mdp_new_array(mdp_json_count(root), sizeof *r.block.ranges, err, &st);
    if (st == MDP_OK)
        st = mdp_json_each(root, read_entry, &r, err);
    if (st == MDP_OK)
        st = check_ranges(&r.block, err);
    free(r.block.ranges);
    mdp_json_free(json);
    return st;
}

const struct mdp_container mdp_safetensors_container = {
    .name = "safetensors", .words = "safetensors", .is = is_safetensors, .parse = parse};
