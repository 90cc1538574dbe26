/* SPDX-License-Identifier: BSD-3-Clause */
/* Making, opening and closing files, and what HDF5 says when it fails. */
#include "base/formats/h5_internal.h"

#include "base/file.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

mdp_status mdp_h5_fail(const struct mdp_h5 *file, const char *what, const char *name, struct mdp_error *err)
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

void mdp_h5_version(char text[32])
{
    unsigned major = 0, minor = 0, release = 0;

    H5get_libversion(&major, &minor, &release);
    snprintf(text, 32, "%u.%u.%u", major, minor, release);
}

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

/* "PATH.tmp", in a block of its own. */
static char *temporary_name(const char *path, struct mdp_error *err, mdp_status *st)
{
    struct mdp_text name = {0};

    mdp_text_add(&name, "%s.tmp", path);
    *st = mdp_text_status(&name, err);
    if (*st != MDP_OK)
        mdp_text_release(&name);
    return name.at;
}

mdp_status mdp_h5_create(const char *path, struct mdp_h5 **out, struct mdp_error *err)
{
    mdp_status st = new_file(path, out, err);
    struct mdp_h5 *file = *out;

    if (st != MDP_OK)
        return st;
    file->temporary = temporary_name(path, err, &st);
    if (st == MDP_OK && mdp_path_is_folder(path)) /* the last step would fail */
        st = mdp_fail(err, MDP_ERR_IO, "%s: is a folder", path);
    if (st != MDP_OK)
        goto out;
    begin();
    hid_t access = file_access();
    hid_t creation = H5Pcreate(H5P_FILE_CREATE); /* also the creation list of the root group */
    H5Pset_obj_track_times(creation, false);
    file->id = H5Fcreate(file->temporary, H5F_ACC_TRUNC, creation, access);
    if (file->id < 0)
        st = mdp_h5_fail(file, "write", NULL, err);
    H5Pclose(creation);
    H5Pclose(access);
out:
    if (st != MDP_OK) {
        mdp_h5_close(file);
        *out = NULL;
    }
    return st;
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
        st = mdp_h5_heaps_check(path, &map, err);
    mdp_map_close(&map);
    if (st != MDP_OK)
        return st;
    st = new_file(path, out, err);
    if (st != MDP_OK)
        return st;
    hid_t access = file_access();
    (*out)->size = size;
    if (((*out)->id = H5Fopen(path, H5F_ACC_RDONLY, access)) < 0)
        st = mdp_h5_fail(*out, "open", NULL, err);
    H5Pclose(access);
    if (st != MDP_OK) {
        mdp_h5_close(*out);
        *out = NULL;
    }
    return st;
}

mdp_status mdp_h5_commit(struct mdp_h5 *file, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < file->n_growing; i++)
        if (!mdp_h5_dataset_close(&file->growing[i]) && st == MDP_OK)
            st = mdp_h5_fail(file, "write", NULL, err);
    file->n_growing = 0;
    mdp_h5_dataset_close(file->last);
    if (st == MDP_OK && H5Fflush(file->id, H5F_SCOPE_LOCAL) < 0)
        st = mdp_h5_fail(file, "write", NULL, err);
    if (H5Fclose(file->id) < 0 && st == MDP_OK)
        st = mdp_h5_fail(file, "write", NULL, err);
    file->id = -1;
    if (st == MDP_OK)
        st = mdp_file_commit(file->temporary, file->path, err);
    if (st == MDP_OK) {
        free(file->temporary);
        file->temporary = NULL;
    }
    mdp_h5_close(file);
    return st;
}

void mdp_h5_close(struct mdp_h5 *file)
{
    if (!file)
        return;
    for (size_t i = 0; i < file->n_growing; i++)
        mdp_h5_dataset_close(&file->growing[i]);
    if (file->last)
        mdp_h5_dataset_close(file->last);
    if (file->id >= 0)
        H5Fclose(file->id);
    H5Eclear2(H5E_DEFAULT);
    if (file->temporary)
        unlink(file->temporary);
    free(file->temporary);
    free(file->growing);
    mdp_h5_heaps_free(file->heaps);
    free(file->last);
    free(file->path);
    free(file);
}
