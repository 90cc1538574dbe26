/* SPDX-License-Identifier: BSD-3-Clause */
/* The content hash. The digest of an object covers its kind, type, shape, values, attributes (by name) and, for a
   group, the names and digests of its members; that of the root is the content hash. An object with several names is
   read once. docs/FORMATS.md has the byte order of everything that goes in. */
#include "base/formats/h5_internal.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_DEPTH = 64,       /* of groups */
    MAX_OBJECTS = 100000, /* of one file */
};

struct hashed {
    haddr_t address;
    uint8_t digest[MDP_SHA256_SIZE];
    bool done; /* false while its members are being visited */
};

struct walk {
    const struct mdp_h5 *file;
    struct hashed *seen;
    size_t n, capacity;
    size_t depth;
};

static void add_size(struct mdp_sha256 *hash, size_t value)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)((uint64_t)value >> (8 * i));
    mdp_sha256_add(hash, bytes, sizeof bytes);
}

static void add_name(struct mdp_sha256 *hash, const char *name)
{
    add_size(hash, strlen(name));
    mdp_sha256_add(hash, name, strlen(name));
}

/* Strings of fixed and of variable length are one type. */
static void add_shape(struct mdp_sha256 *hash, hid_t type, const struct mdp_h5_shape *shape)
{
    char tag[32];
    bool is_signed = H5Tget_class(type) == H5T_INTEGER && H5Tget_sign(type) != H5T_SGN_NONE;

    if (shape->type == MDP_H5_STRING)
        snprintf(tag, sizeof tag, "string");
    else
        snprintf(tag, sizeof tag, "%s%zu",
                 mdp_h5_is_float(shape->type) ? "float"
                 : is_signed                  ? "int"
                                              : "uint",
                 8 * H5Tget_size(type));
    add_name(hash, tag);
    add_size(hash, shape->rank);
    for (size_t i = 0; i < shape->rank; i++)
        add_size(hash, shape->dims[i]);
}

static void add_strings(struct mdp_sha256 *hash, const struct mdp_h5_strings *list)
{
    for (size_t i = 0; i < list->n; i++)
        add_name(hash, list->bytes.at + list->at[i]);
}

static mdp_status hash_numbers(struct walk *w, const char *path, hid_t dataset,
                               const struct mdp_h5_shape *shape, struct mdp_sha256 *hash,
                               struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t rows = mdp_h5_row_count(shape), row = mdp_h5_row_elements(shape) * mdp_h5_type_size(shape->type);
    size_t at_once = row && MDP_H5_BLOCK / row ? MDP_H5_BLOCK / row : 1;
    hid_t memory = mdp_h5_file_type(shape->type);

    if (at_once > rows)
        at_once = rows;
    unsigned char *block = mdp_new_array(at_once, row, err, &st);
    for (size_t first = 0; block && row && st == MDP_OK && first < rows; first += at_once) {
        size_t count = rows - first < at_once ? rows - first : at_once;
        st = mdp_h5_read_block(w->file, path, dataset, shape, memory, H5P_DEFAULT, first, count, block, err);
        if (st == MDP_OK)
            mdp_sha256_add(hash, block, count * row);
    }
    free(block);
    H5Tclose(memory);
    return st;
}

static mdp_status hash_dataset(struct walk *w, const char *path, struct mdp_sha256 *hash,
                               struct mdp_error *err)
{
    struct mdp_h5_shape shape;
    struct mdp_h5_strings list = {.any_bytes = true};
    hid_t dataset = -1;
    mdp_status st = mdp_h5_dataset_open(w->file, path, &dataset, &shape, err);

    if (st == MDP_ERR_UNSUPPORTED) { /* compounds, references: its name and that it is there */
        add_name(hash, "other");
        return MDP_OK;
    }
    if (st != MDP_OK)
        return st;
    hid_t type = H5Dget_type(dataset);
    add_shape(hash, type, &shape);
    H5Tclose(type);
    if (shape.type != MDP_H5_STRING)
        return hash_numbers(w, path, dataset, &shape, hash, err);
    if (shape.rank > 1) {
        add_name(hash, "other");
        return MDP_OK;
    }
    st = mdp_h5_strings_read(w->file, path, dataset, &shape, &list, err);
    if (st == MDP_OK)
        add_strings(hash, &list);
    mdp_h5_strings_release(&list);
    return st;
}

static mdp_status hash_attribute(struct walk *w, const char *path, const char *name, struct mdp_sha256 *hash,
                                 struct mdp_error *err)
{
    struct mdp_h5_shape shape;
    struct mdp_text label = {0};
    struct mdp_h5_strings list = {.any_bytes = true};
    hid_t attribute = -1;
    mdp_status st = mdp_h5_attr_open(w->file, path, name, &attribute, &shape, &label, err);

    add_name(hash, name);
    if (st == MDP_ERR_UNSUPPORTED) {
        add_name(hash, "other");
        st = MDP_OK;
        goto out;
    }
    if (st != MDP_OK)
        goto out;
    hid_t type = H5Aget_type(attribute);
    add_shape(hash, type, &shape);
    H5Tclose(type);
    size_t count = mdp_h5_element_count(&shape);
    if (count && shape.type == MDP_H5_STRING) {
        st = mdp_h5_attr_strings(w->file, label.at, attribute, &shape, &list, err);
        add_strings(hash, &list);
    } else if (count) {
        hid_t memory = mdp_h5_file_type(shape.type);
        void *block = mdp_new_array(count, mdp_h5_type_size(shape.type), err, &st);
        if (block && H5Aread(attribute, memory, block) < 0)
            st = mdp_h5_fail(w->file, "read", label.at, err);
        else if (block)
            mdp_sha256_add(hash, block, count * mdp_h5_type_size(shape.type));
        free(block);
        H5Tclose(memory);
    }
out:
    if (attribute >= 0)
        H5Aclose(attribute);
    mdp_h5_strings_release(&list);
    mdp_text_release(&label);
    return st;
}

static mdp_status hash_attributes(struct walk *w, const char *path, struct mdp_sha256 *hash,
                                  struct mdp_error *err)
{
    char **names = NULL;
    size_t n = 0;
    mdp_status st = mdp_h5_list_names(w->file, path, true, &names, &n, err);

    add_size(hash, n);
    for (size_t i = 0; i < n && st == MDP_OK; i++)
        st = hash_attribute(w, path, names[i], hash, err);
    mdp_h5_strings_free(names, n);
    return st;
}

static mdp_status hash_object(struct walk *w, const char *path, uint8_t digest[MDP_SHA256_SIZE],
                              struct mdp_error *err);

static mdp_status hash_member(struct walk *w, const char *path, const char *name, struct mdp_sha256 *hash,
                              struct mdp_error *err)
{
    struct mdp_text member = {0};
    uint8_t digest[MDP_SHA256_SIZE];
    H5L_info_t info;

    mdp_text_add(&member, "%s%s%s", path, path[1] ? "/" : "", name);
    mdp_status st = mdp_text_status(&member, err);
    add_name(hash, name);
    if (st == MDP_OK && H5Lget_info(w->file->id, member.at, &info, H5P_DEFAULT) < 0)
        st = mdp_h5_fail(w->file, "read", member.at, err);
    if (st == MDP_OK && info.type == H5L_TYPE_HARD) {
        st = hash_object(w, member.at, digest, err);
        if (st == MDP_OK)
            mdp_sha256_add(hash, digest, sizeof digest);
    } else if (st == MDP_OK) {
        add_name(hash, "link");
    }
    mdp_text_release(&member);
    return st;
}

static mdp_status hash_group(struct walk *w, const char *path, struct mdp_sha256 *hash, struct mdp_error *err)
{
    char **names = NULL;
    size_t n = 0;
    mdp_status st = mdp_h5_list_names(w->file, path, false, &names, &n, err);

    if (st == MDP_OK && w->depth > MAX_DEPTH)
        st = mdp_fail(err, MDP_ERR_LIMIT, "%s: groups are nested deeper than %d", w->file->path,
                      (int)MAX_DEPTH);
    add_name(hash, "group");
    add_size(hash, n);
    for (size_t i = 0; i < n && st == MDP_OK; i++)
        st = hash_member(w, path, names[i], hash, err);
    mdp_h5_strings_free(names, n);
    return st;
}

static struct hashed *find_hashed(struct walk *w, haddr_t address)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->seen[i].address == address)
            return &w->seen[i];
    return NULL;
}

static mdp_status hash_object(struct walk *w, const char *path, uint8_t digest[MDP_SHA256_SIZE],
                              struct mdp_error *err)
{
    struct mdp_sha256 *hash = NULL;
    H5O_info_t info;

    if (H5Oget_info_by_name2(w->file->id, path, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return mdp_h5_fail(w->file, "read", path, err);
    struct hashed *known = find_hashed(w, info.addr);
    if (known && !known->done)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: the group %s contains itself", w->file->path, path);
    if (known) {
        memcpy(digest, known->digest, sizeof known->digest);
        return MDP_OK;
    }
    if (w->n == MAX_OBJECTS)
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: has more than %d objects", w->file->path, (int)MAX_OBJECTS);
    mdp_status st = mdp_grow(&w->seen, &w->capacity, w->n + 1, sizeof *w->seen, err);
    if (st == MDP_OK)
        st = mdp_sha256_new(&hash, err);
    if (st != MDP_OK)
        return st;
    size_t index = w->n++;
    w->seen[index] = (struct hashed){.address = info.addr};
    w->depth++;
    if (info.type == H5O_TYPE_GROUP)
        st = hash_group(w, path, hash, err);
    else if (info.type == H5O_TYPE_DATASET)
        st = hash_dataset(w, path, hash, err);
    else
        add_name(hash, "other");
    if (st == MDP_OK)
        st = hash_attributes(w, path, hash, err);
    w->depth--;
    if (st != MDP_OK) {
        mdp_sha256_free(hash);
        return st;
    }
    mdp_sha256_final(hash, digest);
    memcpy(w->seen[index].digest, digest, MDP_SHA256_SIZE);
    w->seen[index].done = true;
    return MDP_OK;
}

mdp_status mdp_h5_content_sha256(const struct mdp_h5 *file, char hex[65], struct mdp_error *err)
{
    struct walk w = {.file = file};
    uint8_t digest[MDP_SHA256_SIZE];
    mdp_status st = hash_object(&w, "/", digest, err);

    if (st == MDP_OK)
        mdp_sha256_hex(digest, hex);
    free(w.seen);
    return st;
}
