/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening a dataset: links, filters, chunks and sizes that a hostile file could promise are checked first. */
#include "base/formats/h5_internal.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { DEFLATE_RATIO = 1100 };                     /* deflate makes at most 1032 bytes of one */
static const size_t max_chunk = (size_t)512 << 20; /* bytes, uncompressed */

bool mdp_h5_dataset_close(struct mdp_h5_dataset *dataset)
{
    bool fine = dataset->id < 0 || H5Dclose(dataset->id) >= 0;

    free(dataset->name);
    *dataset = (struct mdp_h5_dataset){.id = -1};
    return fine;
}

mdp_status mdp_h5_check_links(const struct mdp_h5 *file, const char *name, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    char *part = mdp_copy_string(name, err, &st);
    H5L_info_t info;

    if (!part)
        return st;
    for (char *c = part + (part[0] == '/'); st == MDP_OK && *part && *c; c++) {
        while (*c && *c != '/')
            c++;
        char kept = *c;
        *c = '\0';
        if (H5Lexists(file->id, part, H5P_DEFAULT) <= 0)
            st = mdp_fail(err, MDP_ERR_MISSING, "%s: has no %s", file->path, part);
        else if (H5Lget_info(file->id, part, &info, H5P_DEFAULT) < 0)
            st = mdp_h5_fail(file, "read", part, err);
        else if (info.type != H5L_TYPE_HARD)
            st = mdp_fail(err, MDP_ERR_UNSUPPORTED,
                          "%s: %s is a soft or external link, which is not followed", file->path, part);
        *c = kept;
        if (!kept)
            break;
    }
    H5Eclear2(H5E_DEFAULT);
    free(part);
    return st;
}

mdp_status mdp_h5_refuse_link(const struct mdp_h5 *file, const char *name, struct mdp_error *err)
{
    struct mdp_error inner = MDP_ERROR_INIT;
    mdp_status st = mdp_h5_check_links(file, name, &inner);

    return st == MDP_ERR_UNSUPPORTED ? mdp_fail(err, st, "%s", inner.message) : MDP_OK;
}

bool mdp_h5_has(const struct mdp_h5 *file, const char *name)
{
    return mdp_h5_check_links(file, name, NULL) == MDP_OK;
}

static mdp_status check_filters(const struct mdp_h5 *file, const char *name, hid_t creation, bool *deflated,
                                struct mdp_error *err)
{
    int n = H5Pget_nfilters(creation);

    for (int i = 0; i < n; i++) {
        unsigned flags = 0, config = 0;
        size_t values = 0;
        char filter_name[64] = "";
        H5Z_filter_t filter = H5Pget_filter2(creation, (unsigned)i, &flags, &values, NULL, sizeof filter_name,
                                             filter_name, &config);
        *deflated |= filter == H5Z_FILTER_DEFLATE;
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32)
            return mdp_fail(
                err, MDP_ERR_UNSUPPORTED,
                "%s: %s is stored with filter %d (gzip, shuffle and fletcher32 are read; repack it)",
                file->path, name, (int)filter);
    }
    return MDP_OK;
}

static mdp_status check_chunks(const struct mdp_h5 *file, const char *name, hid_t creation, size_t element,
                               struct mdp_error *err)
{
    hsize_t chunk[H5S_MAX_RANK] = {0};
    int rank = H5Pget_chunk(creation, H5S_MAX_RANK, chunk);
    size_t bytes = element;

    for (int i = 0; i < rank; i++)
        if (!mdp_mul_size(bytes, (size_t)chunk[i], &bytes) || bytes > max_chunk)
            return mdp_fail(err, MDP_ERR_LIMIT, "%s: %s has chunks of more than %zu bytes", file->path, name,
                            max_chunk);
    return MDP_OK;
}

static mdp_status check_storage(const struct mdp_h5 *file, const char *name, hid_t dataset, size_t bytes,
                                struct mdp_error *err)
{
    bool deflated = false;
    mdp_status st = MDP_OK;
    hid_t creation = H5Dget_create_plist(dataset);
    hid_t type = H5Dget_type(dataset);

    if (creation < 0 || type < 0)
        st = mdp_h5_fail(file, "read", name, err);
    else if (H5Pget_layout(creation) == H5D_VIRTUAL)
        st = mdp_fail(err, MDP_ERR_UNSUPPORTED, "%s: %s is a view of other files, which is not read",
                      file->path, name);
    else if (H5Pget_external_count(creation) > 0)
        st = mdp_fail(err, MDP_ERR_UNSUPPORTED, "%s: %s keeps its values in another file, which is not read",
                      file->path, name);
    else
        st = check_filters(file, name, creation, &deflated, err);
    if (st == MDP_OK && H5Pget_layout(creation) == H5D_CHUNKED)
        st = check_chunks(file, name, creation, H5Tget_size(type), err);
    if (st == MDP_OK) {
        size_t stored = (size_t)H5Dget_storage_size(dataset), most = 0;
        if (file->size && stored > file->size)
            stored = file->size;
        if (!mdp_mul_size(stored, deflated ? DEFLATE_RATIO : 1, &most) ||
            !mdp_add_size(most, MDP_H5_SLACK, &most))
            most = SIZE_MAX;
        if (bytes > most)
            st = mdp_fail(err, MDP_ERR_LIMIT, "%s: %s promises %zu bytes, but the file holds %zu of them",
                          file->path, name, bytes, stored);
    }
    H5Tclose(type);
    H5Pclose(creation);
    return st;
}

mdp_status mdp_h5_shape_from_space(const struct mdp_h5 *file, const char *name, hid_t space, hid_t type,
                                   struct mdp_h5_shape *shape, size_t *bytes, struct mdp_error *err)
{
    hsize_t dims[H5S_MAX_RANK] = {0};
    int rank = H5Sget_simple_extent_ndims(space);

    *shape = (struct mdp_h5_shape){0};
    if (!mdp_h5_nearest_type(type, &shape->type))
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "%s: %s is neither numbers nor strings", file->path, name);
    if (rank < 0 || rank > MDP_H5_MAX_RANK)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "%s: %s has %d dimensions, at most %d are read", file->path,
                        name, rank, (int)MDP_H5_MAX_RANK);
    shape->rank = (size_t)rank;
    *bytes = H5Tget_size(type);
    if (H5Sget_simple_extent_type(space) == H5S_NULL) {
        shape->rank = 1; /* h5py's Empty: no elements */
        *bytes = 0;
        return MDP_OK;
    }
    H5Sget_simple_extent_dims(space, dims, NULL);
    bool fits = true;
    for (int i = 0; i < rank; i++) {
        shape->dims[i] = (size_t)dims[i];
        fits = fits && mdp_mul_size(*bytes, (size_t)dims[i], bytes);
    }
    if (!fits)
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: %s promises more elements than can be", file->path, name);
    return MDP_OK;
}

static mdp_status shape_of(const struct mdp_h5 *file, const char *name, hid_t dataset,
                           struct mdp_h5_shape *shape, struct mdp_error *err)
{
    size_t bytes = 0;
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    mdp_status st;

    if (space < 0 || type < 0)
        st = mdp_h5_fail(file, "read", name, err);
    else
        st = mdp_h5_shape_from_space(file, name, space, type, shape, &bytes, err);
    if (st == MDP_OK)
        st = check_storage(file, name, dataset, bytes, err);
    H5Sclose(space);
    H5Tclose(type);
    H5Eclear2(H5E_DEFAULT);
    return st;
}

mdp_status mdp_h5_dataset_open(const struct mdp_h5 *file, const char *name, hid_t *dataset,
                               struct mdp_h5_shape *shape, struct mdp_error *err)
{
    struct mdp_h5_dataset *last = file->last;
    H5O_info_t info;
    mdp_status st = MDP_OK;

    if (last->id < 0 || strcmp(last->name, name) != 0) {
        mdp_h5_dataset_close(last);
        st = mdp_h5_check_links(file, name, err);
        if (st != MDP_OK)
            return st;
        if (H5Oget_info_by_name2(file->id, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
            return mdp_h5_fail(file, "read", name, err);
        if (info.type != H5O_TYPE_DATASET)
            return mdp_fail(err, MDP_ERR_FORMAT, "%s: %s is no dataset", file->path, name);
        last->name = mdp_copy_string(name, err, &st);
        if (!last->name)
            return st;
        last->id = H5Dopen2(file->id, name, H5P_DEFAULT);
        if (last->id < 0)
            st = mdp_h5_fail(file, "open", name, err);
    }
    if (st == MDP_OK)
        st = shape_of(file, name, last->id, shape, err);
    if (st != MDP_OK)
        mdp_h5_dataset_close(last);
    *dataset = last->id;
    return st;
}

mdp_status mdp_h5_shape_of(const struct mdp_h5 *file, const char *name, struct mdp_h5_shape *shape,
                           struct mdp_error *err)
{
    hid_t dataset = -1;

    return mdp_h5_dataset_open(file, name, &dataset, shape, err);
}
