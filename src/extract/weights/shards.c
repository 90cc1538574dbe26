/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/weights/shards.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/weights/containers.h"

#include <stdlib.h>
#include <string.h>

bool mdp_shards_is_index(const unsigned char *bytes, size_t n)
{
    size_t at = 0;

    while (at < n && memchr(" \t\r\n", bytes[at], 4))
        at++;
    return at < n && bytes[at] == '{';
}

/* --- the index --- */

/* A plain name: a file of the index's own folder. */
static bool is_plain(const char *file)
{
    return *file && !strchr(file, '/') && strcmp(file, ".") != 0 && strcmp(file, "..") != 0;
}

static mdp_status read_entry(void *context, const char *name, const struct mdp_json_value *value,
                             struct mdp_error *err)
{
    struct mdp_shards *s = context;
    const char *file = mdp_json_text(value);

    if (!file)
        return mdp_fail(err, MDP_ERR_FORMAT, "weight_map: the file of tensor '%.200s' is no text", name);
    if (!is_plain(file))
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "weight_map: tensor '%.200s' is in '%.200s', expected the name of a file in the "
                        "index's folder",
                        name, file);
    s->tensors[s->n_tensors++] = (struct mdp_shard_tensor){.name = name, .file = file};
    s->files[s->n_files++] = file;
    return MDP_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct mdp_shard_tensor *)a)->name, ((const struct mdp_shard_tensor *)b)->name);
}

/* Every file once, in order. */
static mdp_status sort_files(struct mdp_shards *s, struct mdp_error *err)
{
    size_t kept = 0;

    qsort(s->files, s->n_files, sizeof *s->files, by_text);
    for (size_t i = 0; i < s->n_files; i++)
        if (kept == 0 || strcmp(s->files[kept - 1], s->files[i]) != 0)
            s->files[kept++] = s->files[i];
    s->n_files = kept;
    return kept <= MDP_MAX_SHARDS ? MDP_OK
                                  : mdp_fail(err, MDP_ERR_LIMIT, "weight_map: %zu files, at most %d are read",
                                             kept, MDP_MAX_SHARDS);
}

static mdp_status read_map(struct mdp_shards *s, struct mdp_error *err)
{
    const struct mdp_json_value *map = mdp_json_find(mdp_json_root(s->doc), "weight_map");
    size_t n = mdp_json_count(map);
    mdp_status st = MDP_OK;

    if (mdp_json_kind(map) != MDP_JSON_MAP || n == 0)
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "is JSON without a weight_map, not the index of a checkpoint in several files");
    if (n > MDP_MAX_TENSORS)
        return mdp_fail(err, MDP_ERR_LIMIT, "weight_map: %zu tensors, at most %d are read", n,
                        MDP_MAX_TENSORS);
    s->tensors = mdp_new_array(n, sizeof *s->tensors, err, &st);
    s->files = s->tensors ? mdp_new_array(n, sizeof *s->files, err, &st) : NULL;
    if (st == MDP_OK)
        st = mdp_json_each(map, read_entry, s, err);
    if (st != MDP_OK)
        return st;
    qsort(s->tensors, s->n_tensors, sizeof *s->tensors, by_name);
    return sort_files(s, err);
}

mdp_status mdp_shards_parse(const unsigned char *bytes, size_t n, struct mdp_shards *shards,
                            struct mdp_error *err)
{
    *shards = (struct mdp_shards){0};
    mdp_status st = mdp_header_json_parse((const char *)bytes, n, "index", &shards->doc, err);
    if (st == MDP_OK)
        st = read_map(shards, err);
    if (st != MDP_OK)
        mdp_shards_release(shards);
    return st;
}

void mdp_shards_release(struct mdp_shards *shards)
{
    free(shards->files);
    free(shards->tensors);
    mdp_json_free(shards->doc);
    *shards = (struct mdp_shards){0};
}

/* --- the files --- */

/* From the tensors of one file to `list`: those that the index has in this file. The names go over with them. */
static mdp_status take_tensors(struct mdp_shards *s, const char *file, struct mdp_tensor_list *part,
                               struct mdp_tensor_list *list, struct mdp_error *err)
{
    for (size_t i = 0; i < part->n; i++) {
        const struct mdp_shard_tensor key = {.name = part->at[i].name};
        struct mdp_shard_tensor *wanted =
            bsearch(&key, s->tensors, s->n_tensors, sizeof *s->tensors, by_name);
        if (wanted && strcmp(wanted->file, file) != 0)
            wanted->elsewhere = file;
        if (!wanted || strcmp(wanted->file, file) != 0)
            continue;
        if (wanted->found)
            return mdp_fail(err, MDP_ERR_FORMAT, "two tensors have the name '%s'", wanted->name);
        TRY(mdp_grow(&list->at, &list->capacity, list->n + 1, sizeof *list->at, err));
        list->at[list->n++] = part->at[i];
        part->at[i].name = NULL;
        wanted->found = true;
    }
    return MDP_OK;
}

static mdp_status read_file(struct mdp_shards *s, const char *folder, const char *file, struct mdp_map *map,
                            struct mdp_tensor_list *list, const char **format, struct mdp_error *err)
{
    struct mdp_tensor_list part = {0};
    struct mdp_text path = {0};

    mdp_status st = mdp_path_join(&path, folder, file, err);
    if (st == MDP_OK && !mdp_path_exists(path.at))
        st = mdp_fail(err, MDP_ERR_MISSING,
                      "%s: is not there, but the index beside it names it (%zu files in all)", path.at,
                      s->n_files);
    if (st == MDP_OK)
        st = mdp_map_open(path.at, map, err);
    if (st == MDP_OK) {
        st = mdp_container_parse(map->bytes, map->n, &part, format, err);
        if (st == MDP_OK)
            st = take_tensors(s, file, &part, list, err);
        if (st != MDP_OK)
            mdp_fail_at(err, st, "%s", path.at);
    }
    mdp_tensor_list_release(&part);
    mdp_text_release(&path);
    return st;
}

static mdp_status check_found(const struct mdp_shards *s, const char *path, struct mdp_error *err)
{
    for (size_t i = 0; i < s->n_tensors; i++) {
        const struct mdp_shard_tensor *t = &s->tensors[i];
        if (!t->found)
            return mdp_fail(err, MDP_ERR_FORMAT,
                            "%s: tensor '%s' is not in '%s', where the index has it%s%s%s", path, t->name,
                            t->file, t->elsewhere ? " (it is in '" : "", t->elsewhere ? t->elsewhere : "",
                            t->elsewhere ? "')" : "");
    }
    return MDP_OK;
}

mdp_status mdp_shards_read(struct mdp_shards *shards, const char *path, struct mdp_map maps[],
                           struct mdp_tensor_list *list, const char **format, struct mdp_error *err)
{
    struct mdp_text folder = {0};
    const char *other = NULL;

    mdp_status st = mdp_path_folder(&folder, path, err);
    for (size_t i = 0; i < shards->n_files && st == MDP_OK; i++)
        st = read_file(shards, folder.at, shards->files[i], &maps[i], list, i ? &other : format, err);
    if (st == MDP_OK)
        st = check_found(shards, path, err);
    mdp_text_release(&folder);
    return st;
}

/* --- the digest --- */

/* One line of sha256sum a file, in order. */
static mdp_status digest_files(const struct mdp_shards *s, const char *path, uint8_t digest[MDP_SHA256_SIZE],
                               struct mdp_error *err)
{
    struct mdp_text folder = {0}, file = {0}, lines = {0};
    char hex[MDP_SHA256_HEX];

    mdp_status st = mdp_path_folder(&folder, path, err);
    for (size_t i = 0; i < s->n_files && st == MDP_OK; i++) {
        st = mdp_path_join(&file, folder.at, s->files[i], err);
        if (st == MDP_OK)
            st = mdp_sha256_of_file(file.at, digest, err);
        if (st == MDP_OK) {
            mdp_sha256_hex(digest, hex);
            mdp_text_add(&lines, "%s  %s\n", hex, s->files[i]);
        }
    }
    if (st == MDP_OK)
        st = mdp_text_status(&lines, err);
    if (st == MDP_OK)
        mdp_sha256_of(lines.at, lines.n, digest);
    mdp_text_release(&folder);
    mdp_text_release(&file);
    mdp_text_release(&lines);
    return st;
}

mdp_status mdp_weights_sha256_of_file(const char *path, uint8_t digest[MDP_SHA256_SIZE],
                                      struct mdp_error *err)
{
    struct mdp_map map = {0};
    struct mdp_shards shards;

    TRY(mdp_map_open(path, &map, err));
    if (!mdp_shards_is_index(map.bytes, map.n)) {
        mdp_map_close(&map);
        return mdp_sha256_of_file(path, digest, err);
    }
    mdp_status st = mdp_shards_parse(map.bytes, map.n, &shards, err);
    mdp_map_close(&map);
    if (st != MDP_OK)
        return mdp_fail_at(err, st, "%s", path);
    st = digest_files(&shards, path, digest, err);
    mdp_shards_release(&shards);
    return st;
}
