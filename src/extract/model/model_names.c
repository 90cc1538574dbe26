/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/model/model_names.h"

#include "base/config_files.h"
#include "base/file.h"
#include "base/formats/yaml.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Something that a card is called by. */
struct spelling {
    char *text;
    const char *card; /* its name, of `cards` */
};

struct spellings {
    struct mdp_names cards;
    struct spelling *at; /* [n]: aliases */
    size_t n, capacity;
};

static void release(struct spellings *all)
{
    for (size_t i = 0; i < all->n; i++)
        free(all->at[i].text);
    free(all->at);
    mdp_names_release(&all->cards);
}

static mdp_status add_aliases(struct spellings *all, const char *card, const struct mdp_yaml_node *list,
                              struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    for (size_t i = 0; list->kind == MDP_YAML_LIST && i < list->n && st == MDP_OK; i++) {
        if (list->values[i]->kind != MDP_YAML_SCALAR)
            continue; /* whoever reads the card says so */
        TRY(mdp_grow(&all->at, &all->capacity, all->n + 1, sizeof *all->at, err));
        char *copy = mdp_copy_string(list->values[i]->scalar, err, &st);
        if (copy)
            all->at[all->n++] = (struct spelling){copy, card};
    }
    return st;
}

/* Of one card; a file that is no YAML has none. */
static mdp_status read_aliases(struct spellings *all, const char *card, struct mdp_error *err)
{
    struct mdp_text path = {0};
    struct mdp_yaml *doc = NULL;
    mdp_status st = mdp_config_locate(&mdp_config_models, card, &path, err);

    if (st == MDP_OK && mdp_yaml_read(path.at, &doc, NULL) == MDP_OK) {
        const struct mdp_yaml_node *root = mdp_yaml_root(doc);
        const struct mdp_yaml_node *list =
            root && root->kind == MDP_YAML_MAP ? mdp_yaml_find(root, "aliases") : NULL;
        if (list)
            st = add_aliases(all, card, list, err);
    }
    mdp_yaml_free(doc);
    mdp_text_release(&path);
    return st;
}

static mdp_status read_all(struct spellings *all, struct mdp_error *err)
{
    TRY(mdp_config_names(&mdp_config_models, &all->cards, err));
    for (size_t i = 0; i < all->cards.n; i++)
        TRY(read_aliases(all, all->cards.at[i], err));
    return MDP_OK;
}

/* --- an unknown name --- */

/* The nearest of all names and aliases: the same but for capitals, else by edits; NULL. */
static const char *nearest(const struct spellings *all, const char *names[], size_t n, const char *model)
{
    size_t count = 0;

    for (size_t i = 0; i < all->cards.n; i++)
        names[count++] = all->cards.at[i];
    for (size_t i = 0; i < all->n; i++)
        names[count++] = all->at[i].text;
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(names[i], model) == 0)
            return names[i];
    return mdp_nearest_name(model, names, n);
}

static mdp_status unknown_model(const struct spellings *all, const char *model, struct mdp_error *err)
{
    const size_t n = all->cards.n + all->n;
    const bool here = mdp_path_exists(model); /* meant as a path? */
    mdp_status st = MDP_OK;
    const char **names = mdp_new_array(n, sizeof *names, err, &st);

    if (!names)
        return st;
    const char *near = nearest(all, names, n, model);
    if (near)
        st = mdp_fail(err, MDP_ERR_USAGE, "no model '%s' (did you mean '%s'%s%s?)", model, near,
                      here ? " or ./" : "", here ? model : "");
    else
        st = mdp_fail(err, MDP_ERR_USAGE, "no model '%s'%s (%s%s%s)", model,
                      strchr(model, '/') ? ", and no such file" : "",
                      mdp_name_hint(model, names, all->cards.n).text, here ? "; a path is written ./" : "",
                      here ? model : "");
    free(names);
    return st;
}

/* --- one name --- */

mdp_status mdp_model_locate(const char *model, struct mdp_text *path, struct mdp_error *err)
{
    struct spellings all = {0};
    const char *card = NULL, *other = NULL;
    mdp_status st = mdp_config_locate(&mdp_config_models, model, path, err);

    if (st != MDP_ERR_USAGE)
        return st;
    st = read_all(&all, err);
    for (size_t i = 0; i < all.n && st == MDP_OK; i++)
        if (strcmp(all.at[i].text, model) == 0)
            *(card ? &other : &card) = all.at[i].card;
    if (st == MDP_OK && !card)
        st = unknown_model(&all, model, err);
    else if (st == MDP_OK && other)
        st =
            mdp_fail(err, MDP_ERR_USAGE, "model '%s': both %s and %s are called so (take one of these names)",
                     model, card, other);
    else if (st == MDP_OK)
        st = mdp_config_locate(&mdp_config_models, card, path, err);
    release(&all);
    return st;
}
