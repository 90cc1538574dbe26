/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/run_folder.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONFIG_LIMIT = 1 << 20, OPEN_FOLDERS = 16 };

/* Everything a run writes at the top of its folder, its last file last. */
static const char *const members[] = {"config.yaml", "draws.h5",    "predictions.h5",
                                      "probes.h5",   "report.html", "report.md",
                                      "tables",      "figures",     "results.json"};

enum { MEMBER_COUNT = sizeof members / sizeof members[0] };

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info;
    (void)kind;
    (void)ftw;
    return remove(path);
}

/* Links are removed, not followed. */
static mdp_status remove_tree(const char *path, struct mdp_error *err)
{
    if (nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot remove", path);
    return MDP_OK;
}

static bool is_empty(const char *path)
{
    DIR *folder = opendir(path);
    size_t n = 0;

    for (struct dirent *e = folder ? readdir(folder) : NULL; e; e = readdir(folder))
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (folder)
        closedir(folder);
    return folder && n == 0;
}

static bool has_member(const char *path, const char *name)
{
    struct mdp_text t = {0};

    mdp_text_add(&t, "%s/%s", path, name);
    bool found = !t.failed && mdp_path_exists(t.at);
    mdp_text_release(&t);
    return found;
}

/* config.yaml of a run folder, or NULL when it has none that begins with our mark. */
static char *read_config(const char *path)
{
    struct mdp_text t = {0};
    char *bytes = NULL;
    size_t n = 0;

    mdp_text_add(&t, "%s/config.yaml", path);
    if (!t.failed && mdp_file_read(t.at, CONFIG_LIMIT, &bytes, &n, NULL) == MDP_OK &&
        strncmp(bytes, MDP_RUN_FOLDER_MARK, strlen(MDP_RUN_FOLDER_MARK)) != 0) {
        free(bytes);
        bytes = NULL;
    }
    mdp_text_release(&t);
    return bytes;
}

mdp_status mdp_run_folder_check(const char *path, bool force, struct mdp_error *err)
{
    if (!mdp_path_exists(path) || (mdp_path_is_folder(path) && is_empty(path)))
        return MDP_OK;
    char *config = mdp_path_is_folder(path) ? read_config(path) : NULL;
    bool ours = config != NULL;
    free(config);
    if (!ours)
        return mdp_fail(err, MDP_ERR_USAGE, "%s: exists and is no run folder of medprobe (choose another -o)",
                        path);
    if (has_member(path, "results.json") && !force)
        return mdp_fail(err, MDP_ERR_USAGE, "%s: this run exists (--force replaces it, or choose another -o)",
                        path);
    return MDP_OK;
}

/* An unfinished run of other options is not thrown away silently. */
static mdp_status check_unfinished(const char *path, const struct mdp_text *config, bool force,
                                   struct mdp_error *err)
{
    mdp_status st = mdp_run_folder_check(path, force, err);
    char *old = st == MDP_OK && mdp_path_exists(path) ? read_config(path) : NULL;

    if (old && !force && strcmp(old, config->at) != 0)
        st = mdp_fail(err, MDP_ERR_USAGE,
                      "%s: an unfinished run with other options (--force replaces it, or choose another -o)",
                      path);
    free(old);
    return st;
}

/* "config.yaml" or "config.yaml.tmp", and so on. */
static bool is_member(const char *name)
{
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        size_t n = strlen(members[i]);
        if (strncmp(name, members[i], n) == 0 && (name[n] == '\0' || strcmp(name + n, ".tmp") == 0))
            return true;
    }
    return false;
}

/* Whether a folder holds nothing that a run does not write. A run may be killed before it has any file. */
static bool has_members_only(const char *path)
{
    DIR *folder = opendir(path);
    bool ours = folder != NULL;

    for (struct dirent *e = folder ? readdir(folder) : NULL; e; e = readdir(folder))
        ours = ours && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || is_member(e->d_name));
    if (folder)
        closedir(folder);
    return ours;
}

static bool is_same(const char *a, const char *b)
{
    struct stat of_a, of_b;

    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

mdp_status mdp_run_folder_check_report(const char *path, const char *own, struct mdp_error *err)
{
    if (!mdp_path_exists(path) || (own && is_same(path, own)))
        return MDP_OK;
    if (mdp_path_is_folder(path)) {
        char *config = read_config(path);
        const bool run = config != NULL || has_member(path, "results.json");
        free(config);
        if (run)
            return mdp_fail(
                err, MDP_ERR_USAGE,
                "%s: is the folder of another run, whose own report would be lost (choose another -o)", path);
        if (has_members_only(path))
            return MDP_OK;
    }
    return mdp_fail(
        err, MDP_ERR_USAGE,
        "%s: exists and is no folder of a report or run, so nothing is written into it (choose another -o)",
        path);
}

/* What an earlier run left in <path>.partial goes; anything else there is refused. */
static mdp_status clear_partial(const char *partial, struct mdp_error *err)
{
    if (!mdp_path_exists(partial))
        return MDP_OK;
    if (!has_members_only(partial))
        return mdp_fail(err, MDP_ERR_USAGE, "%s: in the way of the run, and not of medprobe (remove it)",
                        partial);
    return remove_tree(partial, err);
}

/* Two probes into one folder at a time would mix their files. File systems without locks do without. */
static mdp_status take_lock(const char *file, int *lock, struct mdp_error *err)
{
    *lock = open(file, O_RDONLY | O_CLOEXEC);
    if (*lock >= 0 && flock(*lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        close(*lock);
        *lock = -1;
        return mdp_fail(err, MDP_ERR_USAGE, "%s: another probe is writing this run", file);
    }
    return MDP_OK;
}

mdp_status mdp_run_folder_create(const char *path, const struct mdp_text *config, bool force,
                                 struct mdp_run_folder *folder, struct mdp_error *err)
{
    struct mdp_text file = {0};
    int lock = -1;
    size_t n = strlen(path);

    *folder = (struct mdp_run_folder){.lock = -1};
    while (n > 1 && path[n - 1] == '/')
        n--;
    mdp_text_add_bytes(&folder->path, path, n);
    mdp_text_add_bytes(&folder->partial, path, n);
    mdp_text_add(&folder->partial, ".partial");
    mdp_text_add_bytes(&file, path, n);
    mdp_text_add(&file, ".partial/config.yaml");
    mdp_status st = mdp_text_status(&file, err);
    if (st == MDP_OK)
        st = mdp_text_status(&folder->partial, err);
    if (st == MDP_OK)
        st = mdp_text_status(&folder->path, err);
    if (st == MDP_OK)
        st = check_unfinished(folder->path.at, config, force, err);
    if (st == MDP_OK)
        st = take_lock(file.at, &lock, err);
    if (st == MDP_OK)
        st = clear_partial(folder->partial.at, err);
    if (st == MDP_OK)
        st = mdp_path_make_folders(folder->partial.at, err);
    if (lock >= 0)
        close(lock);
    if (st == MDP_OK) {
        st = mdp_file_write(file.at, config->at, config->n, err);
        if (st == MDP_OK)
            st = take_lock(file.at, &folder->lock, err);
    } else {
        mdp_text_clear(&folder->partial); /* not ours to remove */
    }
    mdp_text_release(&file);
    return st;
}

/* Into an old run folder: its files go, results.json first, and the new ones come, results.json last, so that
   a folder without it is unfinished at every moment. */
static mdp_status replace_members(const struct mdp_run_folder *folder, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_text from = {0}, to = {0};

    for (size_t pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < MEMBER_COUNT && st == MDP_OK; i++) {
            const char *name = pass == 0 ? members[MEMBER_COUNT - 1 - i] : members[i];
            mdp_text_clear(&from);
            mdp_text_clear(&to);
            mdp_text_add(&from, "%s/%s", folder->partial.at, name);
            mdp_text_add(&to, "%s/%s", folder->path.at, name);
            st = mdp_text_status(&from, err);
            if (st == MDP_OK)
                st = mdp_text_status(&to, err);
            if (st == MDP_OK && pass == 0 && strcmp(name, "config.yaml") != 0)
                st = remove_tree(to.at, err);
            if (st == MDP_OK && pass == 1 && mdp_path_exists(from.at) && rename(from.at, to.at) != 0)
                st = mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot rename '%s' to it", to.at, from.at);
        }
    mdp_text_release(&from);
    mdp_text_release(&to);
    return st;
}

mdp_status mdp_run_folder_commit(struct mdp_run_folder *folder, struct mdp_error *err)
{
    if (rename(folder->partial.at, folder->path.at) == 0) {
        mdp_text_clear(&folder->partial);
        return MDP_OK;
    }
    if (errno != ENOTEMPTY && errno != EEXIST)
        return mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot rename '%s' to it", folder->path.at,
                              folder->partial.at);
    return replace_members(folder, err);
}

void mdp_run_folder_release(struct mdp_run_folder *folder)
{
    if (folder->partial.n)
        (void)remove_tree(folder->partial.at, NULL);
    if (folder->lock >= 0)
        close(folder->lock);
    mdp_text_release(&folder->path);
    mdp_text_release(&folder->partial);
    *folder = (struct mdp_run_folder){.lock = -1};
}
