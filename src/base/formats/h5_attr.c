/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes: reading and writing. */
#include "base/formats/h5_internal.h"

#include "base/memory.h"

#include <stdlib.h>

static const size_t max_attribute = (size_t)64 << 20; /* bytes */

mdp_status mdp_h5_attr_open(const struct mdp_h5 *file, const char *object, const char *name, hid_t *attribute,
                            struct mdp_h5_shape *shape, struct mdp_text *label, struct mdp_error *err)
{
    size_t bytes = 0;
    hid_t space = -1, type = -1;

    *attribute = -1;
    mdp_text_add(label, "attribute %s of %s", name, object);
    mdp_status st = mdp_text_status(label, err);
    if (st == MDP_OK)
        st = mdp_h5_check_links(file, object, err);
    if (st != MDP_OK)
        return st;
    if (H5Aexists_by_name(file->id, object, name, H5P_DEFAULT) <= 0) {
        H5Eclear2(H5E_DEFAULT);
        return mdp_fail(err, MDP_ERR_MISSING, "%s: has no %s", file->path, label->at);
    }
    *attribute = H5Aopen_by_name(file->id, object, name, H5P_DEFAULT, H5P_DEFAULT);
    space = H5Aget_space(*attribute);
    type = H5Aget_type(*attribute);
    if (*attribute < 0 || space < 0 || type < 0)
        st = mdp_h5_fail(file, "read", label->at, err);
    else
        st = mdp_h5_shape_from_space(file, label->at, space, type, shape, &bytes, err);
    if (st == MDP_OK && bytes > max_attribute)
        st = mdp_fail(err, MDP_ERR_LIMIT, "%s: %s has %zu bytes, at most %zu are read", file->path, label->at,
                      bytes, max_attribute);
    H5Sclose(space);
    H5Tclose(type);
    H5Eclear2(H5E_DEFAULT);
    return st;
}

bool mdp_h5_attr_has(const struct mdp_h5 *file, const char *object, const char *name)
{
    bool has = mdp_h5_has(file, object) && H5Aexists_by_name(file->id, object, name, H5P_DEFAULT) > 0;

    H5Eclear2(H5E_DEFAULT);
    return has;
}

mdp_status mdp_h5_attr_read(const struct mdp_h5 *file, const char *object, const char *name,
                            enum mdp_h5_type type, size_t n, void *out, struct mdp_error *err)
{
    struct mdp_h5_shape shape;
    struct mdp_text label = {0};
    hid_t attribute = -1;
    mdp_status st = mdp_h5_attr_open(file, object, name, &attribute, &shape, &label, err);

    if (st == MDP_OK &&
        (shape.type == MDP_H5_STRING || (mdp_h5_is_float(shape.type) && !mdp_h5_is_float(type))))
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: %s is no %s", file->path, label.at,
                      mdp_h5_is_float(type) ? "number" : "whole number");
    if (st == MDP_OK && mdp_h5_element_count(&shape) != n)
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: %s has %zu values, expected %zu", file->path, label.at,
                      mdp_h5_element_count(&shape), n);
    if (st == MDP_OK && n) {
        hid_t memory = mdp_h5_memory_type(type);
        if (H5Aread(attribute, memory, out) < 0)
            st = mdp_h5_fail(file, "read", label.at, err);
        H5Tclose(memory);
    }
    if (attribute >= 0)
        H5Aclose(attribute);
    mdp_text_release(&label);
    return st;
}

mdp_status mdp_h5_attr_strings(const struct mdp_h5 *file, const char *label, hid_t attribute,
                               const struct mdp_h5_shape *shape, struct mdp_h5_strings *list,
                               struct mdp_error *err)
{
    hid_t type = H5Aget_type(attribute);
    size_t count = mdp_h5_element_count(shape);
    mdp_status st = MDP_OK;
    char *block = mdp_new_array(count, H5Tget_size(type), err, &st);

    if (st == MDP_OK && H5Tis_variable_str(type) > 0)
        st = mdp_h5_heaps_check_whole(file, label, err);
    bool read = st == MDP_OK && (count == 0 || H5Aread(attribute, type, block) >= 0);
    if (st == MDP_OK && !read)
        st = mdp_h5_fail(file, "read", label, err);
    if (st == MDP_OK)
        st = mdp_h5_strings_add_block(file, label, type, block, count, list, err);
    for (size_t i = 0; read && H5Tis_variable_str(type) > 0 && i < count; i++)
        H5free_memory(((char **)(void *)block)[i]);
    free(block);
    H5Tclose(type);
    return st;
}

mdp_status mdp_h5_attr_read_strings(const struct mdp_h5 *file, const char *object, const char *name,
                                    char ***strings, size_t *n, struct mdp_error *err)
{
    struct mdp_h5_shape shape;
    struct mdp_text label = {0};
    struct mdp_h5_strings list = {0};
    hid_t attribute = -1;
    mdp_status st = mdp_h5_attr_open(file, object, name, &attribute, &shape, &label, err);

    *strings = NULL;
    *n = 0;
    if (st == MDP_OK && mdp_h5_element_count(&shape) && shape.type != MDP_H5_STRING)
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: %s holds numbers, expected strings", file->path, label.at);
    if (st == MDP_OK && mdp_h5_element_count(&shape))
        st = mdp_h5_attr_strings(file, label.at, attribute, &shape, &list, err);
    if (st == MDP_OK)
        st = mdp_h5_strings_give(&list, strings, n, err);
    if (attribute >= 0)
        H5Aclose(attribute);
    mdp_h5_strings_release(&list);
    mdp_text_release(&label);
    return st;
}

mdp_status mdp_h5_attr_read_string(const struct mdp_h5 *file, const char *object, const char *name,
                                   char **value, struct mdp_error *err)
{
    char **strings = NULL;
    size_t n = 0;
    mdp_status st = mdp_h5_attr_read_strings(file, object, name, &strings, &n, err);

    *value = NULL;
    if (st == MDP_OK && n != 1)
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: attribute %s of %s has %zu strings, expected one", file->path,
                      name, object, n);
    if (st == MDP_OK)
        *value = mdp_copy_string(strings[0], err, &st);
    mdp_h5_strings_free(strings, n);
    return st;
}

static mdp_status write_attribute(struct mdp_h5 *file, const char *object, const char *name,
                                  enum mdp_h5_type type, hid_t space, bool any, const void *data,
                                  struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    hid_t stored = mdp_h5_file_type(type), memory = mdp_h5_memory_type(type);
    hid_t attribute =
        H5Acreate_by_name(file->id, object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

    if (attribute < 0 || (any && H5Awrite(attribute, memory, data) < 0))
        st = mdp_h5_fail(file, "write the attribute", name, err);
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Tclose(memory);
    H5Tclose(stored);
    H5Sclose(space);
    return st;
}

mdp_status mdp_h5_attr_write(struct mdp_h5 *file, const char *object, const char *name, enum mdp_h5_type type,
                             size_t n, const void *data, struct mdp_error *err)
{
    hsize_t extent = n;

    return write_attribute(file, object, name, type, H5Screate_simple(1, &extent, NULL), n > 0, data, err);
}

mdp_status mdp_h5_attr_write_scalar(struct mdp_h5 *file, const char *object, const char *name,
                                    enum mdp_h5_type type, const void *value, struct mdp_error *err)
{
    return write_attribute(file, object, name, type, H5Screate(H5S_SCALAR), true, value, err);
}

mdp_status mdp_h5_attr_write_string(struct mdp_h5 *file, const char *object, const char *name,
                                    const char *value, struct mdp_error *err)
{
    return mdp_h5_attr_write_scalar(file, object, name, MDP_H5_STRING, &value, err);
}
