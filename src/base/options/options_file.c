/* SPDX-License-Identifier: BSD-3-Clause */
/* Options from a YAML file: --config, and the project file. */
#include "base/file.h"
#include "base/formats/yaml.h"
#include "base/names.h"
#include "base/options/options_internal.h"

#include <string.h>

/* A YAML list of values. */
static mdp_status set_entries(struct mdp_option_parser *p, const struct mdp_yaml *doc,
                              const struct mdp_option *o, const struct mdp_yaml_node *node)
{
    mdp_status st = MDP_OK;

    mdp_list_release(mdp_option_entries(o));
    for (size_t i = 0; i < node->n && st == MDP_OK; i++) {
        const struct mdp_yaml_node *value = node->values[i];
        if (value->kind != MDP_YAML_SCALAR)
            return mdp_yaml_fail(doc, value, p->err, "an entry of '%s' must be one value", o->name);
        st = mdp_option_add_entry(p, o, value->scalar, strlen(value->scalar));
    }
    return st;
}

static mdp_status set_from_node(struct mdp_option_parser *p, const struct mdp_yaml *doc,
                                const struct mdp_option *o, const struct mdp_yaml_node *node)
{
    bool several = mdp_option_entries(o) != NULL;
    mdp_status st = MDP_OK;

    if (o->flag)
        return mdp_yaml_to_bool(doc, node, o->flag, p->err);
    if (node->kind == MDP_YAML_LIST && several)
        st = set_entries(p, doc, o, node);
    else if (node->kind == MDP_YAML_SCALAR)
        st = mdp_option_set(p, o, node->scalar);
    else
        return mdp_yaml_fail(doc, node, p->err, "'%s' must be one value%s", o->name,
                             several ? " or a list" : "");
    if (st != MDP_ERR_USAGE)
        return st;
    struct mdp_error inner = *p->err;
    return mdp_yaml_fail(doc, node, p->err, "%s", inner.message);
}

/* A key that is no option of this command: MDP_OK when it speaks to another one, by the project file. */
static mdp_status other_key(const struct mdp_option_parser *p, const struct mdp_yaml *doc, bool project,
                            const struct mdp_yaml_node *key)
{
    const char *keys[MDP_MOST_PROJECT_KEYS + MDP_COMMON_OPTIONS + MDP_MOST_OPTIONS];
    size_t n = project ? p->usage->project_keys(keys) : 0;

    for (size_t i = 0; i < n; i++)
        if (mdp_option_same_name(keys[i], key->scalar, strlen(key->scalar)))
            return MDP_OK;
    n += mdp_option_names(p->options, p->n, keys + n);
    const char *nearest = mdp_nearest_name(key->scalar, keys, n);
    if (nearest)
        return mdp_yaml_fail(doc, key, p->err, "no option '%s' (did you mean '%s'?)", key->scalar, nearest);
    return mdp_yaml_fail(doc, key, p->err, "no option '%s' (see --help)", key->scalar);
}

/* One key of a configuration. `project`: the file speaks to several commands. */
static mdp_status apply_key(struct mdp_option_parser *p, const struct mdp_yaml *doc, bool project,
                            const struct mdp_yaml_node *key, const struct mdp_yaml_node *value)
{
    const char *name = key->scalar;

    if (project && p->usage->project_out && strcmp(name, p->usage->project_out) == 0)
        name = "out";
    const struct mdp_option *o = mdp_option_find(p, name, strlen(name));
    if (!o)
        return other_key(p, doc, project, key);
    if (strcmp(o->name, "config") == 0 || strcmp(o->name, "help") == 0)
        return mdp_yaml_fail(doc, key, p->err, "'%s' is for the command line only", name);
    bool *given = &p->given[o - p->options];
    if (*given)
        return MDP_OK;
    *given = true;
    return set_from_node(p, doc, o, value);
}

mdp_status mdp_options_read_file(struct mdp_option_parser *p, const char *path)
{
    const char *operand = p->usage->file_operand;
    struct mdp_yaml *doc = NULL;
    bool project = p->usage->project_out && strcmp(mdp_path_base(path), MDP_PROJECT_FILE) == 0;
    bool has_operands = p->args->n > 0;
    mdp_status st = mdp_yaml_read(path, &doc, p->err);

    if (st != MDP_OK)
        return st;
    const struct mdp_yaml_node *root = mdp_yaml_root(doc);
    if (root->kind != MDP_YAML_MAP)
        st = mdp_yaml_fail(doc, root, p->err, "expected option names and values");
    for (size_t i = 0; st == MDP_OK && i < root->n; i++) {
        const struct mdp_yaml_node *key = root->keys[i], *value = root->values[i];
        if (!operand || strcmp(key->scalar, operand) != 0)
            st = apply_key(p, doc, project, key, value);
        else if (value->kind != MDP_YAML_SCALAR)
            st = mdp_yaml_fail(doc, value, p->err, "'%s' must be one value", operand);
        else if (!has_operands)
            st = mdp_option_add_operand(p, value->scalar);
    }
    mdp_yaml_free(doc);
    return st;
}
