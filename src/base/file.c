/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const unsigned char no_bytes[1];

static mdp_status open_regular(const char *path, int *fd, size_t *n, struct mdp_error *err)
{
    struct stat info;

    /* O_NONBLOCK: opening a named pipe without a writer must not wait. */
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return mdp_fail_errno(err, MDP_ERR_IO, "%s", path);
    if (fstat(*fd, &info) != 0) {
        mdp_status st = mdp_fail_errno(err, MDP_ERR_IO, "%s", path);
        close(*fd);
        return st;
    }
    if (!S_ISREG(info.st_mode)) {
        close(*fd);
        return mdp_fail(err, MDP_ERR_IO, "%s: is %s, expected a regular file", path,
                        S_ISDIR(info.st_mode)    ? "a folder"
                        : S_ISFIFO(info.st_mode) ? "a named pipe"
                                                 : "a special file");
    }
    *n = (size_t)info.st_size;
    return MDP_OK;
}

mdp_status mdp_map_open(const char *path, struct mdp_map *map, struct mdp_error *err)
{
    int fd = -1;
    size_t n = 0;

    *map = (struct mdp_map){0};
    mdp_status st = open_regular(path, &fd, &n, err);
    if (st != MDP_OK)
        return st;
    if (n == 0) {
        map->bytes = no_bytes;
    } else {
        void *bytes = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED)
            st = mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot map %zu bytes", path, n);
        else
            *map = (struct mdp_map){.bytes = bytes, .n = n};
    }
    close(fd);
    return st;
}

void mdp_map_forget(const struct mdp_map *map, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = n <= map->n ? n / page * page : 0;

    if (whole)
        madvise((void *)(uintptr_t)map->bytes, whole, MADV_DONTNEED);
}

void mdp_map_close(struct mdp_map *map)
{
    if (map->n)
        munmap((void *)(uintptr_t)map->bytes, map->n);
    *map = (struct mdp_map){0};
}

static mdp_status read_all(int fd, const char *path, char *bytes, size_t n, struct mdp_error *err)
{
    size_t done = 0;

    while (done < n) {
        ssize_t got = read(fd, bytes + done, n - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot read", path);
        if (got == 0)
            return mdp_fail(err, MDP_ERR_IO, "%s: ends after %zu of %zu bytes", path, done, n);
        done += (size_t)got;
    }
    return MDP_OK;
}

mdp_status mdp_file_read(const char *path, size_t limit, char **bytes, size_t *n, struct mdp_error *err)
{
    int fd = -1;

    *bytes = NULL;
    *n = 0;
    mdp_status st = open_regular(path, &fd, n, err);
    if (st != MDP_OK)
        return st;
    if (*n > limit) {
        st = mdp_fail(err, MDP_ERR_LIMIT, "%s: has %zu bytes, at most %zu are read", path, *n, limit);
        goto out;
    }
    *bytes = mdp_new_array(*n + 1, 1, err, &st);
    if (*bytes)
        st = read_all(fd, path, *bytes, *n, err);
out:
    close(fd);
    if (st != MDP_OK) {
        free(*bytes);
        *bytes = NULL;
        *n = 0;
    }
    return st;
}

/* The new name must survive a power cut too: the folder that holds it is synced. Some file systems refuse to
   sync folders; the file itself is safe then, so that is no error. */
static void sync_folder_of(const char *path)
{
    struct mdp_text folder = {0};

    if (mdp_path_folder(&folder, path, NULL) == MDP_OK) {
        int fd = open(folder.at, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
        if (fd >= 0) {
            fsync(fd);
            close(fd);
        }
    }
    mdp_text_release(&folder);
}

mdp_status mdp_atomic_create(const char *path, struct mdp_atomic *out, struct mdp_error *err)
{
    struct mdp_text temporary = {0};
    mdp_status st = MDP_OK;

    *out = (struct mdp_atomic){0};
    mdp_text_add(&temporary, "%s.tmp", path);
    st = mdp_text_status(&temporary, err);
    if (st == MDP_OK)
        out->path = mdp_copy_string(path, err, &st);
    out->temporary = temporary.at;
    if (st == MDP_OK) {
        out->file = fopen(out->temporary, "wbe");
        if (!out->file)
            st = mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot write", out->temporary);
    }
    if (st != MDP_OK)
        mdp_atomic_release(out);
    return st;
}

mdp_status mdp_atomic_commit(struct mdp_atomic *out, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    bool failed = ferror(out->file) || fflush(out->file) != 0 || fsync(fileno(out->file)) != 0;
    if (failed)
        st = mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot write", out->path);
    if (fclose(out->file) != 0 && st == MDP_OK)
        st = mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot write", out->path);
    out->file = NULL;
    if (st == MDP_OK && rename(out->temporary, out->path) != 0)
        st = mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot rename '%s' to it", out->path, out->temporary);
    if (st == MDP_OK) {
        sync_folder_of(out->path);
        free(out->temporary);
        out->temporary = NULL;
    }
    mdp_atomic_release(out);
    return st;
}

void mdp_atomic_release(struct mdp_atomic *out)
{
    if (out->file)
        fclose(out->file);
    if (out->temporary)
        unlink(out->temporary);
    free(out->temporary);
    free(out->path);
    *out = (struct mdp_atomic){0};
}

mdp_status mdp_file_write(const char *path, const void *bytes, size_t n, struct mdp_error *err)
{
    struct mdp_atomic out = {0};
    mdp_status st = mdp_atomic_create(path, &out, err);

    if (st != MDP_OK)
        return st;
    if (n && fwrite(bytes, 1, n, out.file) != n) {
        st = mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot write", path);
        mdp_atomic_release(&out);
        return st;
    }
    return mdp_atomic_commit(&out, err);
}

mdp_status mdp_file_write_text(const char *folder, const char *name, const struct mdp_text *text,
                               struct mdp_error *err)
{
    struct mdp_text path = {0}, above = {0};
    mdp_status st = mdp_text_status(text, err);

    if (st == MDP_OK)
        st = mdp_path_join(&path, folder, name, err);
    if (st == MDP_OK)
        st = mdp_path_folder(&above, path.at, err);
    if (st == MDP_OK)
        st = mdp_path_make_folders(above.at, err);
    if (st == MDP_OK)
        st = mdp_file_write(path.at, text->at ? text->at : "", text->n, err);
    mdp_text_release(&path);
    mdp_text_release(&above);
    return st;
}

mdp_status mdp_file_commit(const char *temporary, const char *path, struct mdp_error *err)
{
    int fd = open(temporary, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return mdp_fail_errno(err, MDP_ERR_IO, "%s", temporary);
    int failed = fsync(fd);
    close(fd);
    if (failed)
        return mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot sync", temporary);
    if (rename(temporary, path) != 0)
        return mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot rename '%s' to it", path, temporary);
    sync_folder_of(path);
    return MDP_OK;
}

bool mdp_path_exists(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0;
}

bool mdp_path_is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

mdp_status mdp_path_make_folders(const char *path, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    char *part = mdp_copy_string(path, err, &st);

    if (!part)
        return st;
    for (char *c = part + 1; st == MDP_OK && *part; c++) {
        char kept = *c;
        if (kept != '/' && kept != '\0')
            continue;
        *c = '\0';
        if (mkdir(part, 0777) != 0 && !mdp_path_is_folder(part))
            st = mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot make the folder", part);
        *c = kept;
        if (kept == '\0')
            break;
    }
    free(part);
    return st;
}

mdp_status mdp_path_join(struct mdp_text *out, const char *folder, const char *name, struct mdp_error *err)
{
    mdp_text_clear(out);
    if (name[0] == '/' || folder[0] == '\0')
        mdp_text_add(out, "%s", name);
    else
        mdp_text_add(out, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name);
    return mdp_text_status(out, err);
}

mdp_status mdp_path_folder(struct mdp_text *out, const char *path, struct mdp_error *err)
{
    const char *slash = strrchr(path, '/');

    mdp_text_clear(out);
    if (!slash)
        mdp_text_add(out, ".");
    else
        mdp_text_add_bytes(out, path, slash == path ? 1 : (size_t)(slash - path));
    return mdp_text_status(out, err);
}

const char *mdp_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

mdp_status mdp_path_stem(struct mdp_text *out, const char *path, struct mdp_error *err)
{
    const char *base = mdp_path_base(path), *dot = strrchr(base, '.');

    mdp_text_add_bytes(out, base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
    return mdp_text_status(out, err);
}
