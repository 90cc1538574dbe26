/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading rows of numbers, and listing what is in a group. */
#include "base/formats/h5_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

size_t mdp_h5_row_count(const struct mdp_h5_shape *shape)
{
    return shape->rank ? shape->dims[0] : 1;
}

size_t mdp_h5_row_elements(const struct mdp_h5_shape *shape)
{
    size_t n = 1; /* read_shape has checked the product */

    for (size_t i = 1; i < shape->rank; i++)
        n *= shape->dims[i];
    return n;
}

size_t mdp_h5_element_count(const struct mdp_h5_shape *shape)
{
    return mdp_h5_row_count(shape) * mdp_h5_row_elements(shape);
}

mdp_status mdp_h5_read_block(const struct mdp_h5 *file, const char *name, hid_t dataset,
                             const struct mdp_h5_shape *shape, hid_t memory, hid_t transfer, size_t row,
                             size_t rows, void *out, struct mdp_error *err)
{
    hsize_t start[MDP_H5_MAX_RANK] = {row}, count[MDP_H5_MAX_RANK] = {rows};
    hsize_t elements = rows * mdp_h5_row_elements(shape);
    hid_t file_space = H5Dget_space(dataset);
    hid_t memory_space = H5Screate_simple(1, &elements, NULL);
    bool fine = file_space >= 0 && memory_space >= 0;

    for (size_t i = 1; i < shape->rank; i++)
        count[i] = shape->dims[i];
    if (fine && shape->rank)
        fine = H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0;
    fine = fine && H5Dread(dataset, memory, memory_space, file_space, transfer, out) >= 0;
    mdp_status st = fine ? MDP_OK : mdp_h5_fail(file, "read", name, err);
    H5Sclose(file_space);
    H5Sclose(memory_space);
    return st;
}

mdp_status mdp_h5_read_rows(const struct mdp_h5 *file, const char *name, enum mdp_h5_type type, size_t row,
                            size_t rows, void *out, struct mdp_error *err)
{
    struct mdp_h5_shape shape;
    hid_t dataset = -1;
    mdp_status st = mdp_h5_dataset_open(file, name, &dataset, &shape, err);

    assert(type != MDP_H5_STRING);
    if (st != MDP_OK)
        return st;
    if (shape.type == MDP_H5_STRING || (mdp_h5_is_float(shape.type) && !mdp_h5_is_float(type)))
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: %s holds %s, expected %s", file->path, name,
                        shape.type == MDP_H5_STRING ? "strings" : "floating-point numbers",
                        mdp_h5_is_float(type) ? "numbers" : "whole numbers");
    if (row > mdp_h5_row_count(&shape) || rows > mdp_h5_row_count(&shape) - row)
        return mdp_fail(err, MDP_ERR_VALUE, "%s: %s has %zu rows, rows %zu to %zu were asked for", file->path,
                        name, mdp_h5_row_count(&shape), row, row + rows);
    if (rows == 0 || mdp_h5_row_elements(&shape) == 0)
        return MDP_OK;
    hid_t memory = mdp_h5_memory_type(type);
    st = mdp_h5_read_block(file, name, dataset, &shape, memory, H5P_DEFAULT, row, rows, out, err);
    H5Tclose(memory);
    return st;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct collected {
    struct mdp_h5_strings names;
    mdp_status st;
    struct mdp_error *err;
};

static herr_t collect_link(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    struct collected *all = context;

    (void)group;
    (void)info;
    all->st = mdp_h5_strings_add(&all->names, name, strlen(name), all->err);
    return all->st == MDP_OK ? 0 : -1;
}

static herr_t collect_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
    struct collected *all = context;

    (void)object;
    (void)info;
    all->st = mdp_h5_strings_add(&all->names, name, strlen(name), all->err);
    return all->st == MDP_OK ? 0 : -1;
}

mdp_status mdp_h5_list_names(const struct mdp_h5 *file, const char *object, bool attributes, char ***names,
                             size_t *n, struct mdp_error *err)
{
    struct collected all = {.err = err};
    mdp_status st = mdp_h5_check_links(file, object, err);
    herr_t done = -1;

    *names = NULL;
    *n = 0;
    if (st != MDP_OK)
        return st;
    if (attributes)
        done = H5Aiterate_by_name(file->id, object, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, collect_attribute,
                                  &all, H5P_DEFAULT);
    else
        done = H5Literate_by_name(file->id, object, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, collect_link, &all,
                                  H5P_DEFAULT);
    if (all.st != MDP_OK)
        st = all.st;
    else if (done < 0)
        st = mdp_h5_fail(file, "list", object, err);
    else
        st = mdp_h5_strings_give(&all.names, names, n, err);
    if (st == MDP_OK)
        qsort(*names, *n, sizeof **names, by_bytes);
    H5Eclear2(H5E_DEFAULT);
    mdp_h5_strings_release(&all.names);
    return st;
}

mdp_status mdp_h5_members(const struct mdp_h5 *file, const char *group, char ***names, size_t *n,
                          struct mdp_error *err)
{
    return mdp_h5_list_names(file, group, false, names, n, err);
}
