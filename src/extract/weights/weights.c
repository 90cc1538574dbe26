/* SPDX-License-Identifier: BSD-3-Clause */
/* The door: which container a file is, and its tensors by name. */
#include "extract/weights/weights.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"
#include "extract/weights/containers.h"
#include "extract/weights/shards.h"

#include <stdlib.h>
#include <string.h>

struct mdp_weights {
    char *path;
    const char *format;
    struct mdp_map *maps; /* [n_maps] files; empty when the bytes are somebody else's */
    size_t n_maps;
    struct mdp_tensor_list list;
    size_t *order; /* [list.n] tensors in byte order of their names */
    bool *used;    /* [list.n] */
};

/* Tensors may share bytes, or repeat them by a stride of 0; what they hold together is bounded by the file,
   so that reading them all ends in time. */
enum { MAX_REPEATS = 4, FREE_REPEATS = 64 << 20 };

/* The first whose is() says yes reads the file. Those that begin with a signature come first; safetensors, which has
   none, comes last: its beginning is a number that fits the file, and a brace. */
const struct mdp_container *const mdp_containers[] = {
    &mdp_torch_zip_container,
    &mdp_torch_legacy_container,
    &mdp_safetensors_container,
    NULL,
};

static const struct mdp_container *container_of(const unsigned char *bytes, size_t n)
{
    size_t i = 0;

    while (mdp_containers[i] && !mdp_containers[i]->is(bytes, n))
        i++;
    return mdp_containers[i];
}

void mdp_text_add_weight_formats(struct mdp_text *out, const char *joint)
{
    const char *last = NULL;

    for (size_t i = 0; mdp_containers[i]; i++) {
        const char *words = mdp_containers[i]->words;
        bool more = false;
        if (last && strcmp(last, words) == 0)
            continue;
        for (size_t j = i + 1; mdp_containers[j]; j++)
            more = more || strcmp(mdp_containers[j]->words, words) != 0;
        if (last)
            mdp_text_add(out, more ? ", " : " %s ", joint);
        mdp_text_add(out, "%s", words);
        last = words;
    }
}

static bool begins(const unsigned char *bytes, size_t n, const char *text)
{
    return n >= strlen(text) && memcmp(bytes, text, strlen(text)) == 0;
}

/* What the file is instead, so that the user knows what to do. */
static mdp_status explain(const unsigned char *bytes, size_t n, const char *expected, struct mdp_error *err)
{
    size_t header = 0;

    if (n == 0)
        return mdp_fail(err, MDP_ERR_FORMAT, "is empty, %s", expected);
    if (begins(bytes, n, "version https://git-lfs"))
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "is a Git LFS pointer, not the weights themselves (git lfs pull)");
    if (begins(bytes, n, "<"))
        return mdp_fail(err, MDP_ERR_FORMAT, "is a web page or XML, %s (download it again)", expected);
    if (begins(bytes, n, "\x89HDF\r\n"))
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "is an HDF5 file, %s", expected);
    if (begins(bytes, n, "\x1f\x8b"))
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "is compressed with gzip, %s (gunzip it)", expected);
    if (n > 262 && memcmp(bytes + 257, "ustar", 5) == 0)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "is a tar file, %s", expected);
    if (bytes[0] == 0x80)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "is a pickle, but not one of torch.save");
    if (mdp_safetensors_header(bytes, n, &header))
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "is cut short: a safetensors header of %zu bytes passes the end of the file (%zu)",
                        header, n);
    return mdp_fail(err, MDP_ERR_FORMAT, "is of no known format, %s", expected);
}

static mdp_status unknown_format(const unsigned char *bytes, size_t n, struct mdp_error *err)
{
    struct mdp_text expected = {0};

    mdp_text_add(&expected, "expected a file of ");
    mdp_text_add_weight_formats(&expected, "or");
    mdp_status st = mdp_text_status(&expected, err);
    if (st == MDP_OK)
        st = explain(bytes, n, expected.at, err);
    mdp_text_release(&expected);
    return st;
}

/* --- names --- */

struct named {
    const char *name;
    size_t index;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static mdp_status index_names(struct mdp_weights *w, struct mdp_error *err)
{
    size_t n = w->list.n;
    mdp_status st = MDP_OK;
    struct named *names = mdp_new_array(n, sizeof *names, err, &st);

    free(w->order);
    free(w->used);
    w->order = names ? mdp_new_array(n, sizeof *w->order, err, &st) : NULL;
    w->used = w->order ? mdp_new_array(n, sizeof *w->used, err, &st) : NULL;
    if (!w->used)
        goto out;
    for (size_t i = 0; i < n; i++)
        names[i] = (struct named){w->list.at[i].name, i};
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        w->order[i] = names[i].index;
        if (i && strcmp(names[i - 1].name, names[i].name) == 0) {
            st = mdp_fail(err, MDP_ERR_FORMAT, "two tensors have the name '%s'", names[i].name);
            goto out;
        }
    }
out:
    free(names);
    return st;
}

static mdp_status bound_repeats(const struct mdp_tensor_list *list, size_t n, struct mdp_error *err)
{
    size_t total = 0, bytes = 0;

    for (size_t i = 0; i < list->n; i++) {
        const struct mdp_tensor *t = &list->at[i];
        if (!mdp_mul_size(t->count, mdp_dtype_size(t->dtype), &bytes) ||
            !mdp_add_size(total, bytes, &total) || total / MAX_REPEATS > n + FREE_REPEATS / MAX_REPEATS)
            return mdp_fail(
                err, MDP_ERR_LIMIT,
                "tensor '%s': the tensors up to it repeat the file's %zu bytes more than %d times", t->name,
                n, MAX_REPEATS);
    }
    return MDP_OK;
}

mdp_status mdp_container_parse(const unsigned char *bytes, size_t n, struct mdp_tensor_list *list,
                               const char **format, struct mdp_error *err)
{
    const struct mdp_container *container = container_of(bytes, n);

    if (!container)
        return unknown_format(bytes, n, err);
    *format = container->name;
    TRY(container->parse(bytes, n, list, err));
    return bound_repeats(list, n, err);
}

/* --- open and close --- */

static struct mdp_weights *new_weights(const char *path, size_t maps, struct mdp_error *err, mdp_status *st)
{
    struct mdp_weights *w = mdp_new_array(1, sizeof *w, err, st);

    if (!w)
        return NULL;
    w->path = mdp_copy_string(path, err, st);
    if (w->path)
        w->maps = mdp_new_array(maps, sizeof *w->maps, err, st);
    if (!w->maps) {
        mdp_weights_close(w);
        return NULL;
    }
    w->n_maps = maps;
    return w;
}

mdp_status mdp_weights_parse(const unsigned char *bytes, size_t n, const char *path,
                             struct mdp_weights **weights, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *weights = NULL;
    struct mdp_weights *w = new_weights(path, 1, err, &st); /* its map stays empty */
    if (!w)
        return st;
    st = mdp_container_parse(bytes, n, &w->list, &w->format, err);
    if (st == MDP_OK)
        st = index_names(w, err);
    if (st == MDP_OK) {
        *weights = w;
        return MDP_OK;
    }
    mdp_fail_at(err, st, "%s", path);
    mdp_weights_close(w);
    return st;
}

/* The files that the index in bytes[n] names. */
static mdp_status open_shards(const unsigned char *bytes, size_t n, const char *path,
                              struct mdp_weights **weights, struct mdp_error *err)
{
    struct mdp_shards shards;
    mdp_status st = mdp_shards_parse(bytes, n, &shards, err);

    if (st != MDP_OK)
        return mdp_fail_at(err, st, "%s", path);
    struct mdp_weights *w = new_weights(path, shards.n_files, err, &st);
    if (w)
        st = mdp_shards_read(&shards, path, w->maps, &w->list, &w->format, err);
    if (st == MDP_OK)
        st = index_names(w, err); /* names are different already */
    mdp_shards_release(&shards);
    if (st == MDP_OK)
        *weights = w;
    else
        mdp_weights_close(w);
    return st;
}

mdp_status mdp_weights_open(const char *path, struct mdp_weights **weights, struct mdp_error *err)
{
    struct mdp_map map;

    *weights = NULL;
    TRY(mdp_map_open(path, &map, err));
    if (mdp_shards_is_index(map.bytes, map.n)) {
        mdp_status st = open_shards(map.bytes, map.n, path, weights, err);
        mdp_map_close(&map);
        return st;
    }
    mdp_status st = mdp_weights_parse(map.bytes, map.n, path, weights, err);
    if (st == MDP_OK)
        (*weights)->maps[0] = map;
    else
        mdp_map_close(&map);
    return st;
}

bool mdp_weights_known(const char *path)
{
    struct mdp_map map;

    if (mdp_map_open(path, &map, NULL) != MDP_OK)
        return false;
    bool known = container_of(map.bytes, map.n) || mdp_shards_is_index(map.bytes, map.n);
    mdp_map_close(&map);
    return known;
}

void mdp_weights_close(struct mdp_weights *weights)
{
    if (!weights)
        return;
    mdp_tensor_list_release(&weights->list);
    for (size_t i = 0; i < weights->n_maps; i++)
        mdp_map_close(&weights->maps[i]);
    free(weights->maps);
    free(weights->order);
    free(weights->used);
    free(weights->path);
    free(weights);
}

void mdp_weights_forget(const struct mdp_weights *weights)
{
    for (size_t i = 0; weights && i < weights->n_maps; i++)
        mdp_map_forget(&weights->maps[i], weights->maps[i].n);
}

/* The rest of a name behind `prefix`; NULL when it begins otherwise or nothing is left. */
static const char *behind(const char *name, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncmp(name, prefix, n) == 0 && name[n] ? name + n : NULL;
}

static mdp_status no_such_prefix(const struct mdp_weights *w, const char *const prefixes[], size_t n,
                                 struct mdp_error *err)
{
    struct mdp_text all = {0};

    for (size_t i = 0; i < n; i++)
        mdp_text_add(&all, "%s'%s'", i == 0 ? "" : i + 1 < n ? ", " : " or ", prefixes[i]);
    mdp_status st = mdp_text_status(&all, err);
    if (st == MDP_OK)
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: no tensor's name begins with %s", w->path, all.at);
    mdp_text_release(&all);
    return st;
}

/* The first of prefixes[n] that a tensor's name begins with, or NULL. */
static const char *choose_prefix(const struct mdp_weights *w, const char *const prefixes[], size_t n)
{
    for (size_t p = 0; p < n; p++)
        for (size_t i = 0; i < w->list.n; i++)
            if (behind(w->list.at[i].name, prefixes[p]))
                return prefixes[p];
    return NULL;
}

mdp_status mdp_weights_narrow(struct mdp_weights *weights, const char *const prefixes[], size_t n,
                              struct mdp_error *err)
{
    struct mdp_tensor_list *list = &weights->list;
    const char *prefix = choose_prefix(weights, prefixes, n);
    size_t kept = 0;

    if (!prefix)
        return no_such_prefix(weights, prefixes, n, err);
    for (size_t i = 0; i < list->n; i++) {
        char *name = (char *)(uintptr_t)list->at[i].name;
        const char *rest = behind(name, prefix);
        if (rest) {
            memmove(name, rest, strlen(rest) + 1);
            list->at[kept++] = list->at[i];
        } else {
            free(name);
        }
    }
    list->n = kept;
    mdp_status st = index_names(weights, err);
    return st == MDP_OK ? MDP_OK : mdp_fail_at(err, st, "%s", weights->path);
}

/* --- asking --- */

const char *mdp_weights_path(const struct mdp_weights *weights)
{
    return weights->path;
}

const char *mdp_weights_format(const struct mdp_weights *weights)
{
    return weights->format;
}

size_t mdp_weights_files(const struct mdp_weights *weights)
{
    return weights->n_maps;
}

size_t mdp_weights_count(const struct mdp_weights *weights)
{
    return weights->list.n;
}

const struct mdp_tensor *mdp_weights_at(const struct mdp_weights *weights, size_t index)
{
    return &weights->list.at[index];
}

const struct mdp_tensor *mdp_weights_find(const struct mdp_weights *weights, const char *name)
{
    size_t low = 0, high = weights->list.n;

    while (low < high) {
        size_t middle = low + (high - low) / 2, index = weights->order[middle];
        int order = strcmp(name, weights->list.at[index].name);
        if (order == 0) {
            weights->used[index] = true;
            return &weights->list.at[index];
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* The tensor's name nearest to one that is missing: most often a checkpoint with another prefix. */
static const char *same_ending(const struct mdp_weights *w, const char *name)
{
    const char *dot = strchr(name, '.');

    for (; dot; dot = strchr(dot + 1, '.'))
        for (size_t i = 0; i < w->list.n; i++) {
            const char *other = w->list.at[i].name;
            size_t n = strlen(other), m = strlen(dot);
            if (n >= m && strcmp(other + n - m, dot) == 0 && strchr(dot + 1, '.'))
                return other;
        }
    return NULL;
}

static mdp_status missing(const struct mdp_weights *w, const char *name, size_t rank, const size_t shape[],
                          struct mdp_error *err)
{
    const char *similar = same_ending(w, name);
    struct mdp_text expected = {0};

    mdp_shape_to_text(rank, shape, &expected);
    mdp_status st = mdp_text_status(&expected, err);
    if (st == MDP_OK)
        st = mdp_fail(err, MDP_ERR_MISSING,
                      "%s: tensor '%s' is missing, expected with shape %s (%zu tensors in the file%s%s%s)",
                      w->path, name, expected.at, w->list.n, similar ? ", among them '" : "",
                      similar ? similar : "", similar ? "'" : "");
    mdp_text_release(&expected);
    return st;
}

static mdp_status wrong_shape(const struct mdp_weights *w, const struct mdp_tensor *t, size_t rank,
                              const size_t shape[], struct mdp_error *err)
{
    struct mdp_text found = {0}, expected = {0};

    mdp_shape_to_text(t->rank, t->shape, &found);
    mdp_shape_to_text(rank, shape, &expected);
    mdp_status st = mdp_text_status(&found, err);
    if (st == MDP_OK)
        st = mdp_text_status(&expected, err);
    if (st == MDP_OK)
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: tensor '%s' has shape %s, expected %s", w->path, t->name,
                      found.at, expected.at);
    mdp_text_release(&found);
    mdp_text_release(&expected);
    return st;
}

mdp_status mdp_weights_get(const struct mdp_weights *weights, const char *name, size_t rank,
                           const size_t shape[], const struct mdp_tensor **tensor, struct mdp_error *err)
{
    const struct mdp_tensor *t = mdp_weights_find(weights, name);

    *tensor = NULL;
    if (!t)
        return missing(weights, name, rank, shape, err);
    bool same = t->rank == rank;
    for (size_t d = 0; same && d < rank; d++)
        same = t->shape[d] == shape[d];
    if (!same)
        return wrong_shape(weights, t, rank, shape, err);
    *tensor = t;
    return MDP_OK;
}

bool mdp_name_matches(const char *name, const char *pattern)
{
    const char *star = NULL, *resume = NULL;

    /* At a mismatch the last star takes one more character; earlier stars need not be tried again. */
    while (*name) {
        if (*pattern == '*') {
            star = ++pattern;
            resume = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star;
            name = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

bool mdp_weights_is_used(const struct mdp_weights *weights, size_t i)
{
    return weights->used[i];
}

const struct mdp_tensor *mdp_weights_first_unused(const struct mdp_weights *weights,
                                                  const char *const ignorable[], size_t n)
{
    for (size_t i = 0; i < weights->list.n; i++) {
        bool known = weights->used[i];
        for (size_t p = 0; p < n && !known; p++)
            known = mdp_name_matches(weights->list.at[i].name, ignorable[p]);
        if (!known)
            return &weights->list.at[i];
    }
    return NULL;
}
