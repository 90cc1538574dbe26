/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/saved_probe.h"

#include "base/formats/h5.h"
#include "base/formats/h5_groups.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"

#include <stdlib.h>
#include <string.h>

/* "logreg/k16/s1" for every probe of a file, in the order of the file. */
struct probe_names {
    size_t n, capacity;
    char **at; /* [n], owned */
};

static void names_release(struct probe_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->at[i]);
    free(names->at);
    *names = (struct probe_names){0};
}

static mdp_status note_probe(void *context, const struct mdp_h5_group *group, struct mdp_error *err)
{
    struct probe_names *names = context;
    mdp_status st = MDP_OK;

    if (!*group->path || !mdp_h5_group_has(group, "coef"))
        return MDP_OK;
    TRY(mdp_grow(&names->at, &names->capacity, names->n + 1, sizeof *names->at, err));
    names->at[names->n] = mdp_copy_string(group->path + 1, err, &st);
    names->n += st == MDP_OK;
    return st;
}

/* `asked`, or the only one. */
static mdp_status choose(const struct probe_names *names, const char *path, const char *asked,
                         struct mdp_text *name, struct mdp_error *err)
{
    const char *const *all = (const char *const *)names->at;

    if (names->n == 0)
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: no probes in it (expected /<method>/<group>/coef)", path);
    if (asked && mdp_name_index(asked, all, names->n) == names->n)
        return mdp_fail(err, MDP_ERR_USAGE, "%s: no probe '%s' (%s)", path, asked,
                        mdp_name_hint(asked, all, names->n).text);
    if (!asked && names->n > 1)
        return mdp_fail(err, MDP_ERR_USAGE, "%s: %zu probes (choose one with --probe; %s)", path, names->n,
                        mdp_name_hint("", all, names->n).text);
    mdp_text_clear(name);
    mdp_text_add(name, "%s", asked ? asked : all[0]);
    return mdp_text_status(name, err);
}

/* A probe of another model's embeddings would give numbers that mean nothing. */
static mdp_status same_model(const struct mdp_h5 *file, const char *path, const struct mdp_store_info *info,
                             struct mdp_error *err)
{
    char *model = NULL;
    mdp_status st = MDP_OK;

    if (!mdp_h5_attr_has(file, "/", "model"))
        return MDP_OK;
    st = mdp_h5_attr_read_string(file, "/", "model", &model, err);
    if (st == MDP_OK && *model && *info->model && strcmp(model, info->model) != 0)
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: probes for model '%s', but %s has embeddings of '%s'", path,
                      model, info->path, info->model);
    free(model);
    return st;
}

static mdp_status read_weights(const char *path, const struct mdp_text *name,
                               struct mdp_probe_weights *weights, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    char *method = mdp_copy_string(name->at, err, &st);
    char *slash = method ? strchr(method, '/') : NULL;

    if (st == MDP_OK && (!slash || slash == method || !slash[1]))
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: '%s' is no name of a probe (expected <method>/<group>)", path,
                      name->at);
    if (st == MDP_OK) {
        *slash = '\0';
        st = mdp_probe_weights_read(path, method, slash + 1, weights, err);
    }
    free(method);
    return st;
}

mdp_status mdp_saved_probe_read(const char *path, const char *asked, const struct mdp_store_info *info,
                                struct mdp_probe_weights *weights, struct mdp_text *name,
                                struct mdp_error *err)
{
    struct mdp_h5 *file = NULL;
    struct probe_names names = {0};
    mdp_status st = mdp_h5_open(path, &file, err);

    if (st == MDP_OK)
        st = same_model(file, path, info, err);
    if (st == MDP_OK)
        st = mdp_h5_visit_groups(file, path, note_probe, &names, err);
    if (st == MDP_OK)
        st = choose(&names, path, asked, name, err);
    mdp_h5_close(file);
    names_release(&names);
    if (st == MDP_OK)
        st = read_weights(path, name, weights, err);
    if (st == MDP_OK && weights->d != info->d)
        st = mdp_fail(err, MDP_ERR_VALUE, "%s: weights for %zu features, but %s has %zu", path, weights->d,
                      info->path, info->d);
    return st;
}

mdp_status mdp_saved_probe_match_classes(const struct mdp_probe_weights *weights,
                                         const struct mdp_store_info *info, const int64_t rows[], size_t n,
                                         int32_t class_of[], struct mdp_error *err)
{
    for (size_t k = 0; k < info->n_classes; k++)
        class_of[k] = (int32_t)mdp_name_index(info->class_names[k], (const char *const *)weights->class_names,
                                              weights->k);
    for (size_t i = 0; info->labels && i < n; i++) {
        const int32_t label = info->labels[rows[i]];
        if (label >= 0 && (size_t)class_of[label] == weights->k)
            return mdp_fail(err, MDP_ERR_VALUE, "%s: id '%s' (row %lld): the probe has no class '%s'",
                            info->path, info->ids[rows[i]], (long long)rows[i], info->class_names[label]);
    }
    return MDP_OK;
}
