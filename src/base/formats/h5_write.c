/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing: whole datasets, and datasets that grow by rows. */
#include "base/formats/h5_internal.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    NARROW_CHUNK = 16 << 10, /* bytes of a chunk of a rank-1 dataset that grows */
    WIDE_CHUNK = 128 << 10,  /* and of a wider one */
};

/* Groups are made one by one: HDF5's own way of making the missing ones writes times into them. */
static mdp_status make_groups(struct mdp_h5 *file, const char *name, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    char *part = mdp_copy_string(name, err, &st);
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE);

    H5Pset_obj_track_times(creation, false);
    for (char *c = part ? strchr(part + 1, '/') : NULL; c && st == MDP_OK; c = strchr(c + 1, '/')) {
        *c = '\0';
        if (H5Lexists(file->id, part, H5P_DEFAULT) <= 0) {
            hid_t group = H5Gcreate2(file->id, part, H5P_DEFAULT, creation, H5P_DEFAULT);
            if (group < 0)
                st = mdp_h5_fail(file, "make the group", part, err);
            else
                H5Gclose(group);
        }
        *c = '/';
    }
    H5Pclose(creation);
    free(part);
    return st;
}

static mdp_status make_dataset(struct mdp_h5 *file, const char *name, enum mdp_h5_type type, hid_t space,
                               const hsize_t chunk[], int rank, hid_t *dataset, struct mdp_error *err)
{
    mdp_status st = make_groups(file, name, err);

    *dataset = -1;
    if (st != MDP_OK)
        return st;
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t stored = mdp_h5_file_type(type);
    H5Pset_obj_track_times(creation, false);
    if (chunk)
        H5Pset_chunk(creation, rank, chunk);
    *dataset = H5Dcreate2(file->id, name, stored, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (*dataset < 0)
        st = mdp_h5_fail(file, "make", name, err);
    H5Tclose(stored);
    H5Pclose(creation);
    return st;
}

mdp_status mdp_h5_write(struct mdp_h5 *file, const char *name, enum mdp_h5_type type, size_t rank,
                        const size_t dims[], const void *data, struct mdp_error *err)
{
    hsize_t extent[MDP_H5_MAX_RANK] = {0}, elements = 1;
    hid_t dataset = -1;

    assert(rank <= MDP_H5_MAX_RANK);
    for (size_t i = 0; i < rank; i++) {
        extent[i] = dims[i];
        elements *= dims[i];
    }
    hid_t space = rank ? H5Screate_simple((int)rank, extent, NULL) : H5Screate(H5S_SCALAR);
    mdp_status st = make_dataset(file, name, type, space, NULL, 0, &dataset, err);
    if (st == MDP_OK && elements) {
        hid_t memory = mdp_h5_memory_type(type);
        if (H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
            st = mdp_h5_fail(file, "write", name, err);
        H5Tclose(memory);
    }
    if (dataset >= 0 && H5Dclose(dataset) < 0 && st == MDP_OK)
        st = mdp_h5_fail(file, "write", name, err);
    H5Sclose(space);
    return st;
}

/* `rank` dimensions; a row is row[rank - 1]. */
static mdp_status create_growing(struct mdp_h5 *file, const char *name, enum mdp_h5_type type, int rank,
                                 const hsize_t row[], struct mdp_error *err)
{
    hsize_t none[3] = {0}, most[3] = {H5S_UNLIMITED}, chunk[3] = {0};
    size_t bytes = mdp_h5_type_size(type);
    hid_t dataset = -1;

    for (int i = 1; i < rank; i++) {
        none[i] = most[i] = chunk[i] = row[i - 1];
        bytes *= row[i - 1];
    }
    size_t chunk_rows = (size_t)(rank > 1 ? WIDE_CHUNK : NARROW_CHUNK) / bytes;
    chunk[0] = chunk_rows ? chunk_rows : 1;

    mdp_status st =
        mdp_grow(&file->growing, &file->growing_capacity, file->n_growing + 1, sizeof *file->growing, err);
    if (st != MDP_OK)
        return st;
    hid_t space = H5Screate_simple(rank, none, most);
    st = make_dataset(file, name, type, space, chunk, rank, &dataset, err);
    H5Sclose(space);
    if (st != MDP_OK)
        return st;
    struct mdp_h5_dataset *growing = &file->growing[file->n_growing];
    *growing = (struct mdp_h5_dataset){.id = dataset, .type = type, .rank = rank};
    memcpy(growing->extent, none, sizeof none);
    growing->name = mdp_copy_string(name, err, &st);
    if (growing->name)
        file->n_growing++;
    else
        H5Dclose(dataset);
    return st;
}

mdp_status mdp_h5_create_growing(struct mdp_h5 *file, const char *name, enum mdp_h5_type type, size_t columns,
                                 struct mdp_error *err)
{
    return create_growing(file, name, type, columns ? 2 : 1, (const hsize_t[]){columns}, err);
}

mdp_status mdp_h5_create_growing_tables(struct mdp_h5 *file, const char *name, enum mdp_h5_type type,
                                        size_t depth, size_t columns, struct mdp_error *err)
{
    return create_growing(file, name, type, 3, (const hsize_t[]){depth, columns}, err);
}

static struct mdp_h5_dataset *find_growing(struct mdp_h5 *file, const char *name)
{
    for (size_t i = 0; i < file->n_growing; i++)
        if (strcmp(file->growing[i].name, name) == 0)
            return &file->growing[i];
    return NULL;
}

mdp_status mdp_h5_append(struct mdp_h5 *file, const char *name, size_t rows, const void *data,
                         struct mdp_error *err)
{
    struct mdp_h5_dataset *growing = find_growing(file, name);

    assert(growing);
    if (rows == 0)
        return MDP_OK;
    hsize_t start[3] = {growing->extent[0], 0, 0};
    hsize_t count[3] = {rows, growing->extent[1], growing->extent[2]};
    growing->extent[0] += rows;
    bool fine = H5Dset_extent(growing->id, growing->extent) >= 0;
    hid_t file_space = H5Dget_space(growing->id);
    hid_t memory_space = H5Screate_simple(growing->rank, count, NULL);
    hid_t memory = mdp_h5_memory_type(growing->type);
    fine = fine && H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
           H5Dwrite(growing->id, memory, memory_space, file_space, H5P_DEFAULT, data) >= 0;
    mdp_status st = fine ? MDP_OK : mdp_h5_fail(file, "write", name, err);
    H5Tclose(memory);
    H5Sclose(memory_space);
    H5Sclose(file_space);
    return st;
}

mdp_status mdp_h5_hard_link(struct mdp_h5 *file, const char *existing, const char *name,
                            struct mdp_error *err)
{
    mdp_status st = make_groups(file, name, err);

    if (st == MDP_OK && H5Lcreate_hard(file->id, existing, H5L_SAME_LOC, name, H5P_DEFAULT, H5P_DEFAULT) < 0)
        st = mdp_h5_fail(file, "link", name, err);
    return st;
}
