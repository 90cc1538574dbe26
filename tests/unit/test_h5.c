/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: base/formats/h5.h: what is written is read, the same values are the same bytes, and files that promise what they do
   not hold are refused. Hostile files are made here with HDF5 itself. */
#include "unit/unit.h"

#include "base/file.h"
#include "base/formats/h5.h"

#define H5_USE_110_API
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/mdp_h5_XXXXXX";
static char path[64], temporary[64 + 4], other[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/a.h5", folder);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    snprintf(other, sizeof other, "%s/b.h5", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    unlink(other);
    return rmdir(folder);
}

static const char *const names[] = {"a", "", "caf\xc3\xa9", "a much longer name than the others"};
static const float values[4][3] = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {-1, -2, -3}};

/* A file with one of everything; `changed` moves one value by the least that float knows. */
static void write_sample(const char *where, int changed)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_h5 *file = NULL;
    float rows[4][3];
    const int64_t support[] = {3, 1, 2};
    const size_t dims[] = {3};
    const double scale = 100.0;

    memcpy(rows, values, sizeof rows);
    if (changed)
        rows[2][1] = 8.000001F;
    assert_ok(mdp_h5_create(where, &file, &err), err);
    assert_ok(mdp_h5_create_growing(file, "/embeddings", MDP_H5_F32, 3, &err), err);
    assert_ok(mdp_h5_create_growing(file, "/ids", MDP_H5_STRING, 0, &err), err);
    assert_ok(mdp_h5_append(file, "/embeddings", 1, rows, &err), err);
    assert_ok(mdp_h5_append(file, "/embeddings", 3, rows[1], &err), err);
    assert_ok(mdp_h5_append(file, "/ids", 4, names, &err), err);
    assert_ok(mdp_h5_write(file, "/k16/s1/support", MDP_H5_I64, 1, dims, support, &err), err);
    assert_ok(mdp_h5_hard_link(file, "/embeddings", "/features", &err), err);
    assert_ok(mdp_h5_attr_write_string(file, "/", "schema", "sample/1", &err), err);
    assert_ok(mdp_h5_attr_write(file, "/ids", "class_names", MDP_H5_STRING, 4, names, &err), err);
    assert_ok(mdp_h5_attr_write_scalar(file, "/", "scale", MDP_H5_F64, &scale, &err), err);
    assert_ok(mdp_h5_commit(file, &err), err);
}

static void reads_what_was_written(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_h5 *file = NULL;
    struct mdp_h5_shape shape;
    double rows[2][3], scale = 0;
    char **strings = NULL, *schema = NULL;
    size_t n = 0;

    (void)state;
    write_sample(path, 0);
    assert_ok(mdp_h5_open(path, &file, &err), err);
    assert_ok(mdp_h5_shape_of(file, "/embeddings", &shape, &err), err);
    assert_int_equal(shape.type, MDP_H5_F32);
    assert_int_equal(shape.rank, 2);
    assert_int_equal(shape.dims[0], 4);
    assert_int_equal(shape.dims[1], 3);
    assert_ok(mdp_h5_read_rows(file, "/features", MDP_H5_F64, 2, 2, rows, &err), err);
    assert_true(rows[0][1] == 8 && rows[1][2] == -3);
    assert_ok(mdp_h5_read_strings(file, "/ids", &strings, &n, &err), err);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(strings[i], names[i]);
    mdp_h5_strings_free(strings, n);
    assert_ok(mdp_h5_attr_read_strings(file, "/ids", "class_names", &strings, &n, &err), err);
    assert_int_equal(n, 4);
    assert_string_equal(strings[2], names[2]);
    mdp_h5_strings_free(strings, n);
    assert_ok(mdp_h5_attr_read_string(file, "/", "schema", &schema, &err), err);
    assert_string_equal(schema, "sample/1");
    free(schema);
    assert_ok(mdp_h5_attr_read(file, "/", "scale", MDP_H5_F64, 1, &scale, &err), err);
    assert_true(scale == 100);
    assert_ok(mdp_h5_members(file, "/", &strings, &n, &err), err);
    assert_int_equal(n, 4);
    assert_string_equal(strings[0], "embeddings");
    assert_string_equal(strings[3], "k16");
    mdp_h5_strings_free(strings, n);
    assert_true(mdp_h5_has(file, "/k16/s1/support"));
    assert_false(mdp_h5_has(file, "/k16/s2/support"));
    assert_false(mdp_h5_has(file, "/ids/inside"));
    assert_false(mdp_h5_attr_has(file, "/ids", "nothing"));
    mdp_h5_close(file);
}

static herr_t no_times(hid_t object, const char *name, const H5O_info_t *info, void *context)
{
    (void)object;
    (void)context;
    if (info->atime || info->mtime || info->ctime || info->btime)
        fail_msg("'%s' holds a time", name);
    return 0;
}

/* Planted: HDF5's own way of making intermediate groups, which writes times into them, fails here. */
static void same_values_are_same_bytes(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    char *a = NULL, *b = NULL;
    size_t n_a = 0, n_b = 0;

    (void)state;
    write_sample(path, 0);
    write_sample(other, 0);
    assert_ok(mdp_file_read(path, 1 << 24, &a, &n_a, &err), err);
    assert_ok(mdp_file_read(other, 1 << 24, &b, &n_b, &err), err);
    assert_int_equal(n_a, n_b);
    assert_memory_equal(a, b, n_a);
    free(a);
    free(b);
    hid_t f = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(H5Ovisit2(f, H5_INDEX_NAME, H5_ITER_INC, no_times, NULL, H5O_INFO_TIME) >= 0);
    H5Fclose(f);
}

static void hash_of(const char *where, char hex[65])
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_h5 *file = NULL;

    assert_ok(mdp_h5_open(where, &file, &err), err);
    assert_ok(mdp_h5_content_sha256(file, hex, &err), err);
    mdp_h5_close(file);
}

/* The same content by other means: contiguous, big-endian, strings of fixed length, attributes in another
   order. */
static void write_repacked(const char *where)
{
    static const char fixed[4][40] = {"a", "", "caf\xc3\xa9", "a much longer name than the others"};
    const int64_t support[] = {3, 1, 2};
    const char *schema = "sample/1";
    const double scale = 100;
    hsize_t dims[] = {4, 3}, three = 3;
    hid_t f = H5Fcreate(where, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t table = H5Screate_simple(2, dims, NULL), list = H5Screate_simple(1, dims, NULL);
    hid_t short_list = H5Screate_simple(1, &three, NULL), one = H5Screate(H5S_SCALAR);
    hid_t text = H5Tcopy(H5T_C_S1), any = H5Tcopy(H5T_C_S1);
    hid_t packed = H5Pcreate(H5P_DATASET_CREATE);

    H5Tset_size(text, 40);
    H5Tset_size(any, H5T_VARIABLE);
    H5Pset_chunk(packed, 1, &three);
    H5Pset_deflate(packed, 4);
    hid_t a = H5Acreate2(f, "scale", H5T_IEEE_F64BE, one, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, H5T_NATIVE_DOUBLE, &scale);
    H5Aclose(a);
    a = H5Acreate2(f, "schema", any, one, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, any, &schema);
    H5Aclose(a);
    hid_t d = H5Dcreate2(f, "/ids", text, list, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(d, text, H5S_ALL, H5S_ALL, H5P_DEFAULT, fixed);
    a = H5Acreate2(d, "class_names", text, list, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, text, fixed);
    H5Aclose(a);
    H5Dclose(d);
    d = H5Dcreate2(f, "/features", H5T_IEEE_F32BE, table, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(d, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(d);
    H5Lcreate_hard(f, "/features", f, "/embeddings", H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(H5Gcreate2(f, "/k16", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Gclose(H5Gcreate2(f, "/k16/s1", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    d = H5Dcreate2(f, "/k16/s1/support", H5T_STD_I64BE, short_list, H5P_DEFAULT, packed, H5P_DEFAULT);
    H5Dwrite(d, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, support);
    H5Dclose(d);
    H5Pclose(packed);
    H5Tclose(text);
    H5Tclose(any);
    H5Sclose(table);
    H5Sclose(list);
    H5Sclose(short_list);
    H5Sclose(one);
    H5Fclose(f);
}

/* Planted: hashing the file's own element bytes (no conversion to little-endian) fails here. */
static void content_hash_is_of_values(void **state)
{
    char first[65], changed[65], repacked[65];

    (void)state;
    write_sample(path, 0);
    hash_of(path, first);
    write_sample(path, 1);
    hash_of(path, changed);
    assert_string_not_equal(first, changed);
    write_repacked(path);
    hash_of(path, repacked);
    assert_string_equal(first, repacked);
}

/* --- hostile files --- */

static void expect_refusal(const char *name, const char *words)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_h5 *file = NULL;
    struct mdp_h5_shape shape;

    assert_ok(mdp_h5_open(path, &file, &err), err);
    assert_int_not_equal(mdp_h5_shape_of(file, name, &shape, &err), MDP_OK);
    if (!strstr(err.message, words))
        fail_msg("'%s' lacks '%s'", err.message, words);
    mdp_h5_close(file);
}

static void refuses_what_is_not_there(void **state)
{
    hsize_t huge[] = {(hsize_t)1 << 40, 16}, chunk[] = {1024, 16};

    (void)state;
    hid_t f = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(2, huge, NULL), create = H5Pcreate(H5P_DATASET_CREATE);
    H5Dclose(H5Dcreate2(f, "late", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, create, H5P_DEFAULT));
    H5Pset_chunk(create, 2, chunk);
    H5Dclose(H5Dcreate2(f, "chunked", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, create, H5P_DEFAULT));
    H5Pset_deflate(create, 9);
    H5Dclose(H5Dcreate2(f, "deflated", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, create, H5P_DEFAULT));
    H5Pclose(create);
    H5Sclose(space);
    H5Fclose(f);
    expect_refusal("/late", "promises");
    expect_refusal("/chunked", "promises");
    expect_refusal("/deflated", "promises");
}

/* A heap and a string that promise gigabytes: HDF5 would allocate them first and look then. */
static void refuses_lengths_that_lie(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_h5 *file = NULL;
    char *bytes = NULL, **strings = NULL;
    size_t n = 0, count = 0, dims[] = {4};

    (void)state;
    for (int growing = 0; growing < 2; growing++) {
        assert_ok(mdp_h5_create(path, &file, &err), err);
        if (growing) {
            assert_ok(mdp_h5_create_growing(file, "/s", MDP_H5_STRING, 0, &err), err);
            assert_ok(mdp_h5_append(file, "/s", 4, names, &err), err);
        } else {
            assert_ok(mdp_h5_write(file, "/s", MDP_H5_STRING, 1, dims, names, &err), err);
        }
        assert_ok(mdp_h5_commit(file, &err), err);
        assert_ok(mdp_file_read(path, 1 << 24, &bytes, &n, &err), err);
        /* The length of the last string, before the place of the heap: 34 bytes, once in the file. */
        const unsigned char length[] = {34, 0, 0, 0};
        size_t found = 0;
        for (size_t at = 0; at + 16 <= n; at++)
            if (memcmp(bytes + at, length, 4) == 0 && memcmp(bytes + at + 13, "\0\0\0", 3) == 0 &&
                bytes[at + 12] >= 1 && bytes[at + 12] <= 4) {
                memcpy(bytes + at, "\xf0\xff\xff\x7f", 4);
                found++;
            }
        assert_int_equal(found, 1);
        assert_ok(mdp_file_write(path, bytes, n, &err), err);
        free(bytes);
        assert_ok(mdp_h5_open(path, &file, &err), err);
        assert_int_equal(mdp_h5_read_strings(file, "/s", &strings, &count, &err), MDP_ERR_FORMAT);
        assert_non_null(strstr(err.message, "they refer to what is not in the file"));
        mdp_h5_close(file);
    }
    write_sample(path, 0);
    assert_ok(mdp_file_read(path, 1 << 24, &bytes, &n, &err), err);
    size_t at = 0;
    while (at + 16 <= n && memcmp(bytes + at, "GCOL", 4) != 0)
        at++;
    assert_true(at + 16 <= n);
    bytes[at + 12] = 0x10; /* 64 GB */
    assert_ok(mdp_file_write(path, bytes, n, &err), err);
    free(bytes);
    assert_int_equal(mdp_h5_open(path, &file, &err), MDP_ERR_FORMAT);
    assert_non_null(strstr(err.message, "a heap at byte"));
}

static void refuses_other_files(void **state)
{
    hsize_t four = 4;

    (void)state;
    hid_t f = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(1, &four, NULL), create = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(create, "/etc/passwd", 0, 16);
    H5Dclose(H5Dcreate2(f, "raw", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, create, H5P_DEFAULT));
    H5Pclose(create);
    create = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_virtual(create, space, "other.h5", "/x", space);
    H5Dclose(H5Dcreate2(f, "virtual", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, create, H5P_DEFAULT));
    H5Lcreate_external("other.h5", "/x", f, "outside", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/raw", f, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(H5Gcreate2(f, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Lcreate_hard(f, "/", f, "/group/loop", H5P_DEFAULT, H5P_DEFAULT);
    H5Pclose(create);
    H5Sclose(space);
    H5Fclose(f);
    expect_refusal("/raw", "another file");
    expect_refusal("/virtual", "other files");
    expect_refusal("/outside", "not followed");
    expect_refusal("/soft", "not followed");
    expect_refusal("/group", "no dataset");
    expect_refusal("/none", "has no /none");

    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_h5 *file = NULL;
    char hex[65];
    assert_ok(mdp_h5_open(path, &file, &err), err);
    assert_int_not_equal(mdp_h5_content_sha256(file, hex, &err), MDP_OK);
    assert_non_null(strstr(err.message, "contains itself"));
    mdp_h5_close(file);
}

static void refuses_wrong_types(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_h5 *file = NULL;
    int32_t row[3];
    char **strings = NULL;
    size_t n = 0;

    (void)state;
    write_sample(path, 0);
    assert_ok(mdp_h5_open(path, &file, &err), err);
    assert_int_equal(mdp_h5_read_rows(file, "/embeddings", MDP_H5_I32, 0, 1, row, &err), MDP_ERR_FORMAT);
    assert_int_equal(mdp_h5_read_rows(file, "/ids", MDP_H5_I32, 0, 1, row, &err), MDP_ERR_FORMAT);
    assert_int_equal(mdp_h5_read_rows(file, "/embeddings", MDP_H5_F32, 4, 1, row, &err), MDP_ERR_VALUE);
    assert_int_equal(mdp_h5_read_strings(file, "/embeddings", &strings, &n, &err), MDP_ERR_FORMAT);
    mdp_h5_close(file);
}

static void refuses_bad_utf8(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_h5 *file = NULL;
    const char *const bad[] = {"fine", "\xc0\xaf"};
    char **strings = NULL;
    size_t n = 0, dims[] = {2};

    (void)state;
    assert_ok(mdp_h5_create(path, &file, &err), err);
    assert_ok(mdp_h5_write(file, "/ids", MDP_H5_STRING, 1, dims, bad, &err), err);
    assert_ok(mdp_h5_commit(file, &err), err);
    assert_ok(mdp_h5_open(path, &file, &err), err);
    assert_int_equal(mdp_h5_read_strings(file, "/ids", &strings, &n, &err), MDP_ERR_FORMAT);
    assert_non_null(strstr(err.message, "string 1 is not valid UTF-8"));
    mdp_h5_close(file);
}

/* Planted once: `unlink` left out of mdp_h5_close, and mdp_h5_create writing under the name itself. */
static void a_file_has_its_name_when_it_is_complete(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_h5 *file = NULL, *before = NULL;
    const double one = 1;

    (void)state;
    assert_ok(mdp_file_write(path, "what was there", 14, &err), err);
    assert_ok(mdp_h5_create(path, &file, &err), err);
    assert_ok(mdp_h5_write(file, "/x", MDP_H5_F64, 0, NULL, &one, &err), err);
    assert_int_equal(mdp_h5_open(path, &before, &err), MDP_ERR_FORMAT); /* not touched yet */
    assert_true(mdp_path_exists(temporary));
    mdp_h5_close(file); /* gives up */
    assert_false(mdp_path_exists(temporary));
    assert_int_equal(mdp_h5_open(path, &before, &err), MDP_ERR_FORMAT);

    assert_int_equal(unlink(path), 0);
    assert_ok(mdp_h5_create(path, &file, &err), err);
    assert_int_equal(mkdir(path, 0700), 0); /* so that the last step fails */
    assert_int_equal(mdp_h5_commit(file, &err), MDP_ERR_IO);
    assert_false(mdp_path_exists(temporary));
    assert_int_equal(rmdir(path), 0);

    write_sample(path, 0);
    assert_false(mdp_path_exists(temporary));
    assert_ok(mdp_h5_open(path, &file, &err), err);
    mdp_h5_close(file); /* of what was only read everything is left */
    assert_true(mdp_path_exists(path));
}

static void refuses_what_is_no_store(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_h5 *file = NULL;

    (void)state;
    assert_int_equal(mdp_h5_open(folder, &file, &err), MDP_ERR_IO);
    assert_int_equal(mdp_h5_create(folder, &file, &err), MDP_ERR_IO);
    assert_non_null(strstr(err.message, ": is a folder"));
    assert_int_equal(mkdir(temporary, 0700), 0);
    assert_int_equal(mdp_h5_create(path, &file, &err), MDP_ERR_IO);
    assert_non_null(strstr(err.message, "(Is a directory)")); /* the system's words, not HDF5's stack */
    assert_int_equal(rmdir(temporary), 0);
    assert_ok(mdp_file_write(path, "not a store", 11, &err), err);
    assert_int_equal(mdp_h5_open(path, &file, &err), MDP_ERR_FORMAT);
    unlink(path);
    assert_int_equal(mdp_h5_open(path, &file, &err), MDP_ERR_IO);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(mdp_h5_open(path, &file, &err), MDP_ERR_IO);
    assert_non_null(strstr(err.message, "named pipe"));
    unlink(path);
    assert_null(file);
}

/* A file that is cut anywhere is an error or reads as before, never a crash. */
static void survives_cuts(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_h5 *file = NULL;
    char *bytes = NULL, hex[65];
    size_t n = 0;

    (void)state;
    write_sample(path, 0);
    assert_ok(mdp_file_read(path, 1 << 24, &bytes, &n, &err), err);
    for (size_t cut = 0; cut < n; cut += n / 60 + 1) {
        assert_ok(mdp_file_write(path, bytes, cut, &err), err);
        if (mdp_h5_open(path, &file, &err) == MDP_OK) {
            (void)mdp_h5_content_sha256(file, hex, &err);
            mdp_h5_close(file);
        }
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_written),
        cmocka_unit_test(same_values_are_same_bytes),
        cmocka_unit_test(content_hash_is_of_values),
        cmocka_unit_test(refuses_what_is_not_there),
        cmocka_unit_test(refuses_lengths_that_lie),
        cmocka_unit_test(refuses_other_files),
        cmocka_unit_test(refuses_wrong_types),
        cmocka_unit_test(refuses_bad_utf8),
        cmocka_unit_test(refuses_what_is_no_store),
        cmocka_unit_test(survives_cuts),
        cmocka_unit_test(a_file_has_its_name_when_it_is_complete),
    };

    return cmocka_run_group_tests_name("h5", tests, make_folder, remove_folder);
}
