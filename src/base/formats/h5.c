/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE /* memmem */
#include "base/formats/h5.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"

/* The calls as HDF5 1.10 (Debian 12) has them; later versions keep them under this macro. */
#define H5_USE_110_API
#include <assert.h>
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

enum {
    NARROW_CHUNK = 16 << 10, /* bytes of a chunk of a rank-1 dataset that grows */
    WIDE_CHUNK = 128 << 10,  /* and of a wider one */
    BLOCK = 1 << 20,         /* bytes read or hashed at once */
    SLACK = 1 << 20,         /* bytes that a file may declare without holding them: unwritten chunks */
    DEFLATE_RATIO = 1100,    /* deflate makes at most 1032 bytes of one */
    MAX_DEPTH = 64,          /* of groups */
    MAX_OBJECTS = 100000,    /* of one file, in a content hash */
};
static const size_t max_chunk = (size_t)512 << 20;    /* bytes, uncompressed */
static const size_t max_attribute = (size_t)64 << 20; /* bytes */

struct heaps;

/* A dataset that is being appended to, or that was read last. */
struct open_dataset {
    char *name;
    hid_t id;
    enum mdp_h5_type type;
    size_t rows, columns;
};

struct mdp_h5 {
    hid_t id;
    char *path;
    size_t size; /* bytes of the file when it was opened for reading */
    struct open_dataset *growing;
    size_t n_growing, growing_capacity;
    struct heaps *heaps;       /* strings of variable length, once some were read */
    struct open_dataset *last; /* the dataset read last stays open: rows are often asked for one by one */
};

/* --- errors --- */

/* The innermost sentence of HDF5's error stack; for a failed system call the system's own words, which HDF5
   puts into "..., error message = '...', ...". */
static herr_t first_sentence(unsigned n, const H5E_error2_t *entry, void *context)
{
    char(*reason)[256] = context;

    if (n == 0 && entry->desc) {
        const char *mark = strstr(entry->desc, "error message = '");
        const char *from = mark ? mark + strlen("error message = '") : entry->desc;
        const char *end = mark ? strchr(from, '\'') : NULL;
        size_t length = end ? (size_t)(end - from) : strlen(from);
        snprintf(*reason, sizeof *reason, "%.*s", (int)(length < 200 ? length : 200), from);
    }
    return 0;
}

static mdp_status fail(const struct mdp_h5 *file, const char *what, const char *name, struct mdp_error *err)
{
    char reason[256] = "no reason given";

    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_sentence, &reason);
    H5Eclear2(H5E_DEFAULT);
    return mdp_fail(err, MDP_ERR_IO, "%s: cannot %s%s%s (%s)", file->path, what, name ? " " : "",
                    name ? name : "", reason);
}

static void begin(void)
{
    /* A file that could not be flushed stays open in the library; its cleanup at exit would then try again
       and complain on stderr. */
    H5dont_atexit();
    H5open();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0); /* a file must not be able to ask for a plugin of its choice */
}

/* --- files --- */

/* No file locks: stores appear under their name when complete, and some cluster file systems refuse locks. */
static hid_t file_access(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);

    /* Format 1.10: all that describes the data has checksums, indices of chunks among it. */
    H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
    H5Pset_file_locking(access, false, true);
    return access;
}

static mdp_status new_file(const char *path, struct mdp_h5 **out, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_h5 *file = mdp_new_array(1, sizeof *file, err, &st);

    *out = NULL;
    if (!file)
        return st;
    file->id = -1;
    file->path = mdp_copy_string(path, err, &st);
    file->last = mdp_new_array(1, sizeof *file->last, err, &st);
    if (st == MDP_OK) {
        file->last->id = -1;
        *out = file;
    } else {
        mdp_h5_close(file);
    }
    return st;
}

mdp_status mdp_h5_create(const char *path, struct mdp_h5 **out, struct mdp_error *err)
{
    mdp_status st = new_file(path, out, err);
    struct mdp_h5 *file = *out;

    if (st != MDP_OK)
        return st;
    begin();
    hid_t access = file_access();
    hid_t creation = H5Pcreate(H5P_FILE_CREATE); /* also the creation list of the root group */
    H5Pset_obj_track_times(creation, false);
    file->id = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    if (file->id < 0)
        st = fail(file, "write", NULL, err);
    H5Pclose(creation);
    H5Pclose(access);
    if (st != MDP_OK) {
        mdp_h5_close(file);
        *out = NULL;
    }
    return st;
}

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
static mdp_status check_heaps(const char *path, const struct mdp_map *map, struct mdp_error *err)
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

mdp_status mdp_h5_open(const char *path, struct mdp_h5 **out, struct mdp_error *err)
{
    struct mdp_map map = {0};
    mdp_status st = mdp_map_open(path, &map, err); /* refuses what is no regular file, never waits */
    size_t size = map.n;

    *out = NULL;
    begin();
    if (st == MDP_OK && H5Fis_hdf5(path) <= 0)
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: is no HDF5 file", path);
    H5Eclear2(H5E_DEFAULT);
    if (st == MDP_OK)
        st = check_heaps(path, &map, err);
    mdp_map_close(&map);
    if (st != MDP_OK)
        return st;
    st = new_file(path, out, err);
    if (st != MDP_OK)
        return st;
    hid_t access = file_access();
    (*out)->size = size;
    if (((*out)->id = H5Fopen(path, H5F_ACC_RDONLY, access)) < 0)
        st = fail(*out, "open", NULL, err);
    H5Pclose(access);
    if (st != MDP_OK) {
        mdp_h5_close(*out);
        *out = NULL;
    }
    return st;
}

static void free_heaps(struct heaps *heaps);

static bool close_dataset(struct open_dataset *dataset)
{
    bool fine = dataset->id < 0 || H5Dclose(dataset->id) >= 0;

    free(dataset->name);
    *dataset = (struct open_dataset){.id = -1};
    return fine;
}

mdp_status mdp_h5_commit(struct mdp_h5 *file, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < file->n_growing; i++)
        if (!close_dataset(&file->growing[i]) && st == MDP_OK)
            st = fail(file, "write", NULL, err);
    file->n_growing = 0;
    close_dataset(file->last);
    if (st == MDP_OK && H5Fflush(file->id, H5F_SCOPE_LOCAL) < 0)
        st = fail(file, "write", NULL, err);
    if (H5Fclose(file->id) < 0 && st == MDP_OK)
        st = fail(file, "write", NULL, err);
    file->id = -1;
    mdp_h5_close(file);
    return st;
}

void mdp_h5_close(struct mdp_h5 *file)
{
    if (!file)
        return;
    for (size_t i = 0; i < file->n_growing; i++)
        close_dataset(&file->growing[i]);
    if (file->last)
        close_dataset(file->last);
    if (file->id >= 0)
        H5Fclose(file->id);
    H5Eclear2(H5E_DEFAULT);
    free(file->growing);
    free_heaps(file->heaps);
    free(file->last);
    free(file->path);
    free(file);
}

/* --- types --- */

static hid_t string_type(void)
{
    hid_t type = H5Tcopy(H5T_C_S1);

    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

/* Little-endian in the file and in content hashes, whatever the machine. For H5Tclose. */
static hid_t file_type(enum mdp_h5_type type)
{
    switch (type) {
    case MDP_H5_F32:
        return H5Tcopy(H5T_IEEE_F32LE);
    case MDP_H5_F64:
        return H5Tcopy(H5T_IEEE_F64LE);
    case MDP_H5_I8:
        return H5Tcopy(H5T_STD_I8LE);
    case MDP_H5_I32:
        return H5Tcopy(H5T_STD_I32LE);
    case MDP_H5_I64:
        return H5Tcopy(H5T_STD_I64LE);
    case MDP_H5_U8:
        return H5Tcopy(H5T_STD_U8LE);
    case MDP_H5_U64:
        return H5Tcopy(H5T_STD_U64LE);
    case MDP_H5_STRING:
        break;
    }
    return string_type();
}

static hid_t memory_type(enum mdp_h5_type type)
{
    switch (type) {
    case MDP_H5_F32:
        return H5Tcopy(H5T_NATIVE_FLOAT);
    case MDP_H5_F64:
        return H5Tcopy(H5T_NATIVE_DOUBLE);
    case MDP_H5_I8:
        return H5Tcopy(H5T_NATIVE_INT8);
    case MDP_H5_I32:
        return H5Tcopy(H5T_NATIVE_INT32);
    case MDP_H5_I64:
        return H5Tcopy(H5T_NATIVE_INT64);
    case MDP_H5_U8:
        return H5Tcopy(H5T_NATIVE_UINT8);
    case MDP_H5_U64:
        return H5Tcopy(H5T_NATIVE_UINT64);
    case MDP_H5_STRING:
        break;
    }
    return string_type();
}

static size_t type_size(enum mdp_h5_type type)
{
    static const size_t sizes[] = {
        [MDP_H5_F32] = 4, [MDP_H5_F64] = 8, [MDP_H5_I8] = 1,  [MDP_H5_I32] = 4,
        [MDP_H5_I64] = 8, [MDP_H5_U8] = 1,  [MDP_H5_U64] = 8, [MDP_H5_STRING] = 16};

    return sizes[type];
}

static bool is_float(enum mdp_h5_type type)
{
    return type == MDP_H5_F32 || type == MDP_H5_F64;
}

/* The nearest of our types that holds every value of an HDF5 type; false for compounds, references, ... */
static bool nearest_type(hid_t type, enum mdp_h5_type *out)
{
    size_t size = H5Tget_size(type);

    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        *out = size <= 4 ? MDP_H5_F32 : MDP_H5_F64;
        return true;
    case H5T_INTEGER:
        if (H5Tget_sign(type) == H5T_SGN_NONE)
            *out = size == 1 ? MDP_H5_U8 : size == 2 ? MDP_H5_I32 : size == 4 ? MDP_H5_I64 : MDP_H5_U64;
        else
            *out = size == 1 ? MDP_H5_I8 : size <= 4 ? MDP_H5_I32 : MDP_H5_I64;
        return size <= 8;
    case H5T_STRING:
        *out = MDP_H5_STRING;
        return true;
    default:
        return false;
    }
}

/* --- links --- */

/* Every link on the way to `name` must be a hard link: soft and external ones can lead out of the file. */
static mdp_status check_links(const struct mdp_h5 *file, const char *name, struct mdp_error *err)
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
            st = fail(file, "read", part, err);
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
    mdp_status st = check_links(file, name, &inner);

    return st == MDP_ERR_UNSUPPORTED ? mdp_fail(err, st, "%s", inner.message) : MDP_OK;
}

bool mdp_h5_has(const struct mdp_h5 *file, const char *name)
{
    return check_links(file, name, NULL) == MDP_OK;
}

/* --- opening a dataset, with everything that a hostile file could promise checked --- */

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
        st = fail(file, "read", name, err);
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
        if (!mdp_mul_size(stored, deflated ? DEFLATE_RATIO : 1, &most) || !mdp_add_size(most, SLACK, &most))
            most = SIZE_MAX;
        if (bytes > most)
            st = mdp_fail(err, MDP_ERR_LIMIT, "%s: %s promises %zu bytes, but the file holds %zu of them",
                          file->path, name, bytes, stored);
    }
    H5Tclose(type);
    H5Pclose(creation);
    return st;
}

/* Type and dimensions of a dataset or attribute (`name`, for messages); *bytes: all elements in memory. */
static mdp_status read_shape(const struct mdp_h5 *file, const char *name, hid_t space, hid_t type,
                             struct mdp_h5_shape *shape, size_t *bytes, struct mdp_error *err)
{
    hsize_t dims[H5S_MAX_RANK] = {0};
    int rank = H5Sget_simple_extent_ndims(space);

    *shape = (struct mdp_h5_shape){0};
    if (!nearest_type(type, &shape->type))
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
        st = fail(file, "read", name, err);
    else
        st = read_shape(file, name, space, type, shape, &bytes, err);
    if (st == MDP_OK)
        st = check_storage(file, name, dataset, bytes, err);
    H5Sclose(space);
    H5Tclose(type);
    H5Eclear2(H5E_DEFAULT);
    return st;
}

/* An open handle and the shape; the handle belongs to file->last. */
static mdp_status open_dataset(const struct mdp_h5 *file, const char *name, hid_t *dataset,
                               struct mdp_h5_shape *shape, struct mdp_error *err)
{
    struct open_dataset *last = file->last;
    H5O_info_t info;
    mdp_status st = MDP_OK;

    if (last->id < 0 || strcmp(last->name, name) != 0) {
        close_dataset(last);
        st = check_links(file, name, err);
        if (st != MDP_OK)
            return st;
        if (H5Oget_info_by_name2(file->id, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
            return fail(file, "read", name, err);
        if (info.type != H5O_TYPE_DATASET)
            return mdp_fail(err, MDP_ERR_FORMAT, "%s: %s is no dataset", file->path, name);
        last->name = mdp_copy_string(name, err, &st);
        if (!last->name)
            return st;
        last->id = H5Dopen2(file->id, name, H5P_DEFAULT);
        if (last->id < 0)
            st = fail(file, "open", name, err);
    }
    if (st == MDP_OK)
        st = shape_of(file, name, last->id, shape, err);
    if (st != MDP_OK)
        close_dataset(last);
    *dataset = last->id;
    return st;
}

mdp_status mdp_h5_shape_of(const struct mdp_h5 *file, const char *name, struct mdp_h5_shape *shape,
                           struct mdp_error *err)
{
    hid_t dataset = -1;

    return open_dataset(file, name, &dataset, shape, err);
}

/* --- reading --- */

static size_t row_count(const struct mdp_h5_shape *shape)
{
    return shape->rank ? shape->dims[0] : 1;
}

static size_t row_elements(const struct mdp_h5_shape *shape)
{
    size_t n = 1; /* read_shape has checked the product */

    for (size_t i = 1; i < shape->rank; i++)
        n *= shape->dims[i];
    return n;
}

/* Rows [row, row + rows) as `memory`, an HDF5 type, with `transfer` options. */
static mdp_status read_block(const struct mdp_h5 *file, const char *name, hid_t dataset,
                             const struct mdp_h5_shape *shape, hid_t memory, hid_t transfer, size_t row,
                             size_t rows, void *out, struct mdp_error *err)
{
    hsize_t start[MDP_H5_MAX_RANK] = {row}, count[MDP_H5_MAX_RANK] = {rows};
    hsize_t elements = rows * row_elements(shape);
    hid_t file_space = H5Dget_space(dataset);
    hid_t memory_space = H5Screate_simple(1, &elements, NULL);
    bool fine = file_space >= 0 && memory_space >= 0;

    for (size_t i = 1; i < shape->rank; i++)
        count[i] = shape->dims[i];
    if (fine && shape->rank)
        fine = H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0;
    fine = fine && H5Dread(dataset, memory, memory_space, file_space, transfer, out) >= 0;
    mdp_status st = fine ? MDP_OK : fail(file, "read", name, err);
    H5Sclose(file_space);
    H5Sclose(memory_space);
    return st;
}

mdp_status mdp_h5_read_rows(const struct mdp_h5 *file, const char *name, enum mdp_h5_type type, size_t row,
                            size_t rows, void *out, struct mdp_error *err)
{
    struct mdp_h5_shape shape;
    hid_t dataset = -1;
    mdp_status st = open_dataset(file, name, &dataset, &shape, err);

    assert(type != MDP_H5_STRING);
    if (st != MDP_OK)
        return st;
    if (shape.type == MDP_H5_STRING || (is_float(shape.type) && !is_float(type)))
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: %s holds %s, expected %s", file->path, name,
                        shape.type == MDP_H5_STRING ? "strings" : "floating-point numbers",
                        is_float(type) ? "numbers" : "whole numbers");
    if (row > row_count(&shape) || rows > row_count(&shape) - row)
        return mdp_fail(err, MDP_ERR_VALUE, "%s: %s has %zu rows, rows %zu to %zu were asked for", file->path,
                        name, row_count(&shape), row, row + rows);
    if (rows == 0 || row_elements(&shape) == 0)
        return MDP_OK;
    hid_t memory = memory_type(type);
    st = read_block(file, name, dataset, &shape, memory, H5P_DEFAULT, row, rows, out, err);
    H5Tclose(memory);
    return st;
}

/* --- strings --- */

/* Strings one after the other in one block; the array given out has one entry more, which owns the block. */
struct strings {
    struct mdp_text bytes;
    size_t *at; /* [n] */
    size_t n, capacity;
    bool any_bytes; /* not only UTF-8 */
};

static void release_strings(struct strings *strings)
{
    mdp_text_release(&strings->bytes);
    free(strings->at);
    *strings = (struct strings){0};
}

static mdp_status add_string(struct strings *strings, const char *text, size_t n, struct mdp_error *err)
{
    mdp_status st = mdp_grow(&strings->at, &strings->capacity, strings->n + 1, sizeof *strings->at, err);

    if (st != MDP_OK)
        return st;
    strings->at[strings->n++] = strings->bytes.n;
    mdp_text_add_bytes(&strings->bytes, text, n);
    mdp_text_add_bytes(&strings->bytes, "", 1);
    return mdp_text_status(&strings->bytes, err);
}

static mdp_status give_strings(struct strings *strings, char ***out, size_t *n, struct mdp_error *err)
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

/* Adds `count` elements of `block`, read as `type`. A content hash takes any bytes, readers get UTF-8. */
static mdp_status add_block(const struct mdp_h5 *file, const char *name, hid_t type, const void *block,
                            size_t count, struct strings *out, struct mdp_error *err)
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
            st = add_string(out, text ? text : "", n, err);
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

/* --- strings of variable length: what the file says of them, checked before HDF5 believes it --- */

/* In the file a string is its length (4 bytes), the address of a heap (8 bytes as a rule) and a number in it (4). A
   heap is a header of 16 bytes (four letters, version, size), then objects: number (2), references (2), 4 unused, size
   (8), bytes, padding to 8; number 0 is the free rest. HDF5 1.10 allocates the length before it looks at the heap,
   takes any number and copies as many bytes as the heap says. So everything that a dataset refers to is looked at
   here first: the heap must be whole, the object in it, and of the string's length. Compressed chunks are not looked
   into; deflate has a checksum of its own. */
enum { HEAP_HEADER = 16, OBJECT_HEADER = 16, MAX_OBJECT = 65535 };

struct heap {
    size_t at;    /* in the file */
    size_t first; /* of its objects in `sizes` */
    size_t n;     /* objects: numbers 0 to n - 1 */
};

struct heaps {
    struct heap *at; /* [n], by place in the file */
    size_t n, capacity;
    uint32_t *sizes; /* size of an object + 1; 0: there is none of this number */
    size_t n_sizes, sizes_capacity;
    bool broken; /* one was not whole */
};

static void free_heaps(struct heaps *heaps)
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
static mdp_status add_heap(struct heaps *heaps, const unsigned char *raw, size_t size, size_t at,
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

static mdp_status find_heaps(const struct mdp_h5 *file, struct heaps *heaps, struct mdp_error *err)
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
    const struct heaps *heaps;
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

static mdp_status check_references(const struct mdp_h5 *file, const char *name, hid_t dataset, size_t rows,
                                   struct mdp_error *err)
{
    hid_t creation = H5Dget_create_plist(dataset), origin = H5Fget_create_plist(file->id);
    struct references r = {.address = 8, .left = file->size + SLACK};
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

static mdp_status read_all_strings(const struct mdp_h5 *file, const char *name, hid_t dataset,
                                   const struct mdp_h5_shape *shape, struct strings *out,
                                   struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    hid_t type = H5Dget_type(dataset), transfer = H5Pcreate(H5P_DATASET_XFER);
    size_t size = H5Tget_size(type), rows = shape->rank ? shape->dims[0] : 1;
    size_t at_once = BLOCK / size ? BLOCK / size : 1;
    struct arena arena = {.left = file->size + SLACK};
    char *block = mdp_new_array(rows < at_once ? rows : at_once, size, err, &st);

    if (st == MDP_OK && shape->rank == 1 && H5Tis_variable_str(type) > 0)
        st = check_references(file, name, dataset, rows, err);
    H5Pset_vlen_mem_manager(transfer, take, &arena, keep, NULL);
    for (size_t row = 0; st == MDP_OK && row < rows; row += at_once) {
        size_t count = rows - row < at_once ? rows - row : at_once;
        memset(block, 0, count * size);
        st = read_block(file, name, dataset, shape, type, transfer, row, count, block, err);
        if (st == MDP_OK)
            st = add_block(file, name, type, block, count, out, err);
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
    struct strings list = {0};
    hid_t dataset = -1;
    mdp_status st = open_dataset(file, name, &dataset, &shape, err);

    *strings = NULL;
    *n = 0;
    if (st == MDP_OK && (shape.type != MDP_H5_STRING || shape.rank != 1))
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: %s is no list of strings", file->path, name);
    if (st == MDP_OK)
        st = read_all_strings(file, name, dataset, &shape, &list, err);
    if (st == MDP_OK)
        st = give_strings(&list, strings, n, err);
    release_strings(&list);
    return st;
}

/* --- attributes: reading --- */

/* Opens an attribute; `label` (for messages) is "object/@name". */
static mdp_status open_attribute(const struct mdp_h5 *file, const char *object, const char *name,
                                 hid_t *attribute, struct mdp_h5_shape *shape, struct mdp_text *label,
                                 struct mdp_error *err)
{
    size_t bytes = 0;
    hid_t space = -1, type = -1;

    *attribute = -1;
    mdp_text_add(label, "attribute %s of %s", name, object);
    mdp_status st = mdp_text_status(label, err);
    if (st == MDP_OK)
        st = check_links(file, object, err);
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
        st = fail(file, "read", label->at, err);
    else
        st = read_shape(file, label->at, space, type, shape, &bytes, err);
    if (st == MDP_OK && bytes > max_attribute)
        st = mdp_fail(err, MDP_ERR_LIMIT, "%s: %s has %zu bytes, at most %zu are read", file->path, label->at,
                      bytes, max_attribute);
    H5Sclose(space);
    H5Tclose(type);
    H5Eclear2(H5E_DEFAULT);
    return st;
}

static size_t element_count(const struct mdp_h5_shape *shape)
{
    return row_count(shape) * row_elements(shape);
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
    mdp_status st = open_attribute(file, object, name, &attribute, &shape, &label, err);

    if (st == MDP_OK && (shape.type == MDP_H5_STRING || (is_float(shape.type) && !is_float(type))))
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: %s is no %s", file->path, label.at,
                      is_float(type) ? "number" : "whole number");
    if (st == MDP_OK && element_count(&shape) != n)
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: %s has %zu values, expected %zu", file->path, label.at,
                      element_count(&shape), n);
    if (st == MDP_OK && n) {
        hid_t memory = memory_type(type);
        if (H5Aread(attribute, memory, out) < 0)
            st = fail(file, "read", label.at, err);
        H5Tclose(memory);
    }
    if (attribute >= 0)
        H5Aclose(attribute);
    mdp_text_release(&label);
    return st;
}

/* All strings of an open attribute. */
static mdp_status attribute_strings(const struct mdp_h5 *file, const char *label, hid_t attribute,
                                    const struct mdp_h5_shape *shape, struct strings *list,
                                    struct mdp_error *err)
{
    hid_t type = H5Aget_type(attribute);
    size_t count = element_count(shape);
    mdp_status st = need_heaps(file, err);
    char *block = mdp_new_array(count, H5Tget_size(type), err, &st);

    /* Where an attribute's strings lie cannot be seen from here: every heap must be whole. */
    if (st == MDP_OK && H5Tis_variable_str(type) > 0 && file->heaps->broken)
        st = mdp_fail(err, MDP_ERR_FORMAT,
                      "%s: %s: a heap of strings in the file is damaged (h5repack may mend it)", file->path,
                      label);
    bool read = st == MDP_OK && (count == 0 || H5Aread(attribute, type, block) >= 0);
    if (st == MDP_OK && !read)
        st = fail(file, "read", label, err);
    if (st == MDP_OK)
        st = add_block(file, label, type, block, count, list, err);
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
    struct strings list = {0};
    hid_t attribute = -1;
    mdp_status st = open_attribute(file, object, name, &attribute, &shape, &label, err);

    *strings = NULL;
    *n = 0;
    if (st == MDP_OK && element_count(&shape) && shape.type != MDP_H5_STRING)
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: %s holds numbers, expected strings", file->path, label.at);
    if (st == MDP_OK && element_count(&shape))
        st = attribute_strings(file, label.at, attribute, &shape, &list, err);
    if (st == MDP_OK)
        st = give_strings(&list, strings, n, err);
    if (attribute >= 0)
        H5Aclose(attribute);
    release_strings(&list);
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

/* --- groups --- */

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct collected {
    struct strings names;
    mdp_status st;
    struct mdp_error *err;
};

static herr_t collect_link(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    struct collected *all = context;

    (void)group;
    (void)info;
    all->st = add_string(&all->names, name, strlen(name), all->err);
    return all->st == MDP_OK ? 0 : -1;
}

static herr_t collect_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
    struct collected *all = context;

    (void)object;
    (void)info;
    all->st = add_string(&all->names, name, strlen(name), all->err);
    return all->st == MDP_OK ? 0 : -1;
}

void mdp_h5_version(char text[32])
{
    unsigned major = 0, minor = 0, release = 0;

    H5get_libversion(&major, &minor, &release);
    snprintf(text, 32, "%u.%u.%u", major, minor, release);
}

/* Names of the members of a group, or of the attributes of an object, in byte order. */
static mdp_status list_names(const struct mdp_h5 *file, const char *object, bool attributes, char ***names,
                             size_t *n, struct mdp_error *err)
{
    struct collected all = {.err = err};
    mdp_status st = check_links(file, object, err);
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
        st = fail(file, "list", object, err);
    else
        st = give_strings(&all.names, names, n, err);
    if (st == MDP_OK)
        qsort(*names, *n, sizeof **names, by_bytes);
    H5Eclear2(H5E_DEFAULT);
    release_strings(&all.names);
    return st;
}

mdp_status mdp_h5_members(const struct mdp_h5 *file, const char *group, char ***names, size_t *n,
                          struct mdp_error *err)
{
    return list_names(file, group, false, names, n, err);
}

/* --- writing --- */

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
                st = fail(file, "make the group", part, err);
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
    hid_t stored = file_type(type);
    H5Pset_obj_track_times(creation, false);
    if (chunk)
        H5Pset_chunk(creation, rank, chunk);
    *dataset = H5Dcreate2(file->id, name, stored, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (*dataset < 0)
        st = fail(file, "make", name, err);
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
        hid_t memory = memory_type(type);
        if (H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
            st = fail(file, "write", name, err);
        H5Tclose(memory);
    }
    if (dataset >= 0 && H5Dclose(dataset) < 0 && st == MDP_OK)
        st = fail(file, "write", name, err);
    H5Sclose(space);
    return st;
}

mdp_status mdp_h5_create_growing(struct mdp_h5 *file, const char *name, enum mdp_h5_type type, size_t columns,
                                 struct mdp_error *err)
{
    size_t row = (columns ? columns : 1) * type_size(type);
    size_t chunk_rows = (size_t)(columns ? WIDE_CHUNK : NARROW_CHUNK) / row;
    hsize_t none[2] = {0, columns}, most[2] = {H5S_UNLIMITED, columns};
    hsize_t chunk[2] = {chunk_rows ? chunk_rows : 1, columns};
    int rank = columns ? 2 : 1;
    hid_t dataset = -1;

    mdp_status st =
        mdp_grow(&file->growing, &file->growing_capacity, file->n_growing + 1, sizeof *file->growing, err);
    if (st != MDP_OK)
        return st;
    hid_t space = H5Screate_simple(rank, none, most);
    st = make_dataset(file, name, type, space, chunk, rank, &dataset, err);
    H5Sclose(space);
    if (st != MDP_OK)
        return st;
    struct open_dataset *growing = &file->growing[file->n_growing];
    *growing = (struct open_dataset){.id = dataset, .type = type, .columns = columns};
    growing->name = mdp_copy_string(name, err, &st);
    if (growing->name)
        file->n_growing++;
    else
        H5Dclose(dataset);
    return st;
}

static struct open_dataset *find_growing(struct mdp_h5 *file, const char *name)
{
    for (size_t i = 0; i < file->n_growing; i++)
        if (strcmp(file->growing[i].name, name) == 0)
            return &file->growing[i];
    return NULL;
}

mdp_status mdp_h5_append(struct mdp_h5 *file, const char *name, size_t rows, const void *data,
                         struct mdp_error *err)
{
    struct open_dataset *growing = find_growing(file, name);

    assert(growing);
    if (rows == 0)
        return MDP_OK;
    hsize_t extent[2] = {growing->rows + rows, growing->columns};
    hsize_t start[2] = {growing->rows, 0}, count[2] = {rows, growing->columns};
    bool fine = H5Dset_extent(growing->id, extent) >= 0;
    hid_t file_space = H5Dget_space(growing->id);
    hid_t memory_space = H5Screate_simple(growing->columns ? 2 : 1, count, NULL);
    hid_t memory = memory_type(growing->type);
    fine = fine && H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
           H5Dwrite(growing->id, memory, memory_space, file_space, H5P_DEFAULT, data) >= 0;
    mdp_status st = fine ? MDP_OK : fail(file, "write", name, err);
    growing->rows += rows;
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
        st = fail(file, "link", name, err);
    return st;
}

static mdp_status write_attribute(struct mdp_h5 *file, const char *object, const char *name,
                                  enum mdp_h5_type type, hid_t space, bool any, const void *data,
                                  struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    hid_t stored = file_type(type), memory = memory_type(type);
    hid_t attribute =
        H5Acreate_by_name(file->id, object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

    if (attribute < 0 || (any && H5Awrite(attribute, memory, data) < 0))
        st = fail(file, "write the attribute", name, err);
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

/* --- content hash --- */

/* The digest of an object covers its kind, type, shape, values, attributes (by name) and, for a group, the
   names and digests of its members; that of the root is the content hash. An object with several names is
   read once. docs/FORMATS.md has the byte order of everything that goes in. */
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
                 is_float(shape->type) ? "float"
                 : is_signed           ? "int"
                                       : "uint",
                 8 * H5Tget_size(type));
    add_name(hash, tag);
    add_size(hash, shape->rank);
    for (size_t i = 0; i < shape->rank; i++)
        add_size(hash, shape->dims[i]);
}

static void add_strings(struct mdp_sha256 *hash, const struct strings *list)
{
    for (size_t i = 0; i < list->n; i++)
        add_name(hash, list->bytes.at + list->at[i]);
}

static mdp_status hash_numbers(struct walk *w, const char *path, hid_t dataset,
                               const struct mdp_h5_shape *shape, struct mdp_sha256 *hash,
                               struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t rows = row_count(shape), row = row_elements(shape) * type_size(shape->type);
    size_t at_once = row && BLOCK / row ? BLOCK / row : 1;
    hid_t memory = file_type(shape->type);

    if (at_once > rows)
        at_once = rows;
    unsigned char *block = mdp_new_array(at_once, row, err, &st);
    for (size_t first = 0; block && row && st == MDP_OK && first < rows; first += at_once) {
        size_t count = rows - first < at_once ? rows - first : at_once;
        st = read_block(w->file, path, dataset, shape, memory, H5P_DEFAULT, first, count, block, err);
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
    struct strings list = {.any_bytes = true};
    hid_t dataset = -1;
    mdp_status st = open_dataset(w->file, path, &dataset, &shape, err);

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
    st = read_all_strings(w->file, path, dataset, &shape, &list, err);
    if (st == MDP_OK)
        add_strings(hash, &list);
    release_strings(&list);
    return st;
}

static mdp_status hash_attribute(struct walk *w, const char *path, const char *name, struct mdp_sha256 *hash,
                                 struct mdp_error *err)
{
    struct mdp_h5_shape shape;
    struct mdp_text label = {0};
    struct strings list = {.any_bytes = true};
    hid_t attribute = -1;
    mdp_status st = open_attribute(w->file, path, name, &attribute, &shape, &label, err);

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
    size_t count = element_count(&shape);
    if (count && shape.type == MDP_H5_STRING) {
        st = attribute_strings(w->file, label.at, attribute, &shape, &list, err);
        add_strings(hash, &list);
    } else if (count) {
        hid_t memory = file_type(shape.type);
        void *block = mdp_new_array(count, type_size(shape.type), err, &st);
        if (block && H5Aread(attribute, memory, block) < 0)
            st = fail(w->file, "read", label.at, err);
        else if (block)
            mdp_sha256_add(hash, block, count * type_size(shape.type));
        free(block);
        H5Tclose(memory);
    }
out:
    if (attribute >= 0)
        H5Aclose(attribute);
    release_strings(&list);
    mdp_text_release(&label);
    return st;
}

static mdp_status hash_attributes(struct walk *w, const char *path, struct mdp_sha256 *hash,
                                  struct mdp_error *err)
{
    char **names = NULL;
    size_t n = 0;
    mdp_status st = list_names(w->file, path, true, &names, &n, err);

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
        st = fail(w->file, "read", member.at, err);
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
    mdp_status st = list_names(w->file, path, false, &names, &n, err);

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
        return fail(w->file, "read", path, err);
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
