/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/config_files.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/names.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct mdp_config_kind mdp_config_models = {"models", "model"};
const struct mdp_config_kind mdp_config_prompts = {"prompts", "prompt set"};
const struct mdp_config_kind mdp_config_vocab = {"vocab", "vocabulary"};

static const char extension[] = ".yaml";

enum { FOLDERS = 4 };

/* A variable that is set to something. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && value[0] ? value : NULL;
}

/* The folder above that of the running program; false where the system does not tell. */
static bool program_prefix(char folder[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", folder, PATH_MAX - 1);

    if (n <= 0)
        return false;
    folder[n] = '\0';
    for (int level = 0; level < 2; level++) {
        char *slash = strrchr(folder, '/');
        if (!slash)
            return false;
        *slash = '\0';
    }
    return true;
}

/* The i-th folder of the order in config_files.h; empty when there is none. */
static mdp_status folder_at(const struct mdp_config_kind *kind, int i, struct mdp_text *out,
                            struct mdp_error *err)
{
    char program[PATH_MAX];

    mdp_text_clear(out);
    if (i == 0 && program_prefix(program))
        mdp_text_add(out, "%s/configs/%s", program, kind->folder);
    else if (i == 1 && program_prefix(program))
        mdp_text_add(out, "%s/share/medprobe/%s", program, kind->folder);
    else if (i == 2 && mdp_home_folder(out, NULL) == MDP_OK)
        mdp_text_add(out, "/%s", kind->folder);
    else if (i == 3)
        mdp_text_add(out, "configs/%s", kind->folder);
    return mdp_text_status(out, err);
}

/* --- all names --- */

/* Length of the name in a file name "name.yaml", 0 when it is no such. */
static size_t name_length(const char *file)
{
    size_t n = strlen(file), m = strlen(extension);

    return n > m && file[0] != '.' && strcmp(file + n - m, extension) == 0 ? n - m : 0;
}

static mdp_status add_name(struct mdp_names *names, const char *file, size_t n, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < names->n; i++)
        if (strlen(names->at[i]) == n && memcmp(names->at[i], file, n) == 0)
            return MDP_OK;
    st = mdp_grow(&names->at, &names->capacity, names->n + 1, sizeof *names->at, err);
    if (st != MDP_OK)
        return st;
    char *copy = mdp_copy_string(file, err, &st);
    if (copy) {
        copy[n] = '\0';
        names->at[names->n++] = copy;
    }
    return st;
}

static mdp_status add_folder(struct mdp_names *names, const char *folder, struct mdp_error *err)
{
    DIR *dir = opendir(folder);
    struct dirent *entry = NULL;
    mdp_status st = MDP_OK;

    if (!dir)
        return MDP_OK;
    while (st == MDP_OK && (entry = readdir(dir))) {
        size_t n = name_length(entry->d_name);
        if (n)
            st = add_name(names, entry->d_name, n, err);
    }
    closedir(dir);
    return st;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

mdp_status mdp_config_names(const struct mdp_config_kind *kind, struct mdp_names *names,
                            struct mdp_error *err)
{
    struct mdp_text folder = {0};
    mdp_status st = MDP_OK;

    *names = (struct mdp_names){0};
    for (int i = 0; i < FOLDERS && st == MDP_OK; i++) {
        st = folder_at(kind, i, &folder, err);
        if (st == MDP_OK && folder.n)
            st = add_folder(names, folder.at, err);
    }
    if (st == MDP_OK && names->n)
        qsort(names->at, names->n, sizeof *names->at, by_bytes);
    if (st != MDP_OK)
        mdp_names_release(names);
    mdp_text_release(&folder);
    return st;
}

void mdp_names_release(struct mdp_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->at[i]);
    free(names->at);
    *names = (struct mdp_names){0};
}

/* --- one name --- */

static mdp_status unknown_name(const struct mdp_config_kind *kind, const char *value, struct mdp_error *err)
{
    struct mdp_names names;
    struct mdp_text list = {0};
    mdp_status st = mdp_config_names(kind, &names, err);

    if (st != MDP_OK)
        return st;
    const char *nearest = mdp_nearest_name(value, (const char *const *)names.at, names.n);
    bool here = mdp_path_exists(value); /* meant as a path? */
    for (size_t i = 0; i < names.n; i++)
        mdp_text_add(&list, "%s%s", i ? ", " : "", names.at[i]);
    st = mdp_text_status(&list, err);
    if (st != MDP_OK)
        ;
    else if (nearest)
        st = mdp_fail(err, MDP_ERR_USAGE, "no %s '%s' (did you mean '%s'%s%s?)", kind->word, value, nearest,
                      here ? " or ./" : "", here ? value : "");
    else
        st = mdp_fail(err, MDP_ERR_USAGE, "no %s '%s' (known: %s%s%s%s)", kind->word, value,
                      names.n ? list.at : "none", here ? "; ./" : "", here ? value : "",
                      here ? " is taken as a path" : "");
    mdp_text_release(&list);
    mdp_names_release(&names);
    return st;
}

static bool is_path(const char *value)
{
    size_t n = strlen(value);

    return strchr(value, '/') || (n > 5 && strcmp(value + n - 5, ".yaml") == 0) ||
           (n > 4 && strcmp(value + n - 4, ".yml") == 0);
}

/* The first of the folders that has the file; *found says whether one has. */
static mdp_status look_for(const struct mdp_config_kind *kind, const char *name, const char *ending,
                           struct mdp_text *path, bool *found, struct mdp_error *err)
{
    *found = false;
    for (int i = 0; i < FOLDERS && !*found; i++) {
        mdp_status st = folder_at(kind, i, path, err);
        if (st != MDP_OK)
            return st;
        if (path->n == 0 || name[0] == '\0')
            continue;
        mdp_text_add(path, "/%s%s", name, ending);
        st = mdp_text_status(path, err);
        if (st != MDP_OK)
            return st;
        *found = mdp_path_exists(path->at);
    }
    return MDP_OK;
}

mdp_status mdp_config_locate(const struct mdp_config_kind *kind, const char *value, struct mdp_text *path,
                             struct mdp_error *err)
{
    bool found = false;

    mdp_text_clear(path);
    if (is_path(value) && mdp_path_exists(value)) {
        mdp_text_add(path, "%s", value);
        return mdp_text_status(path, err);
    }
    if (strchr(value, '/'))
        return mdp_fail(err, MDP_ERR_USAGE, "%s: no such file", value);
    mdp_status st = look_for(kind, value, extension, path, &found, err);
    return st != MDP_OK || found ? st : unknown_name(kind, value, err);
}

mdp_status mdp_config_find_file(const struct mdp_config_kind *kind, const char *name, struct mdp_text *path,
                                struct mdp_error *err)
{
    bool found = false;
    mdp_status st = look_for(kind, name, "", path, &found, err);

    if (st != MDP_OK || found)
        return st;
    return mdp_fail(err, MDP_ERR_MISSING,
                    "%s/%s, which comes with medprobe, is not in ../configs or ../share/medprobe beside the "
                    "program, nor in $MEDPROBE_HOME",
                    kind->folder, name);
}

mdp_status mdp_home_folder(struct mdp_text *path, struct mdp_error *err)
{
    const char *own = variable("MEDPROBE_HOME"), *data = variable("XDG_DATA_HOME"), *home = variable("HOME");

    mdp_text_clear(path);
    if (own)
        mdp_text_add(path, "%s", own);
    else if (data)
        mdp_text_add(path, "%s/medprobe", data);
    else if (home)
        mdp_text_add(path, "%s/.local/share/medprobe", home);
    else
        return mdp_fail(
            err, MDP_ERR_MISSING,
            "no folder for medprobe's files: none of MEDPROBE_HOME, XDG_DATA_HOME and HOME is set");
    return mdp_text_status(path, err);
}
