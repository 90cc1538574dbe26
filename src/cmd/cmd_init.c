/* SPDX-License-Identifier: BSD-3-Clause */
/* init: looks at a folder of pictures and writes medprobe.yaml, the project file, and a manifest where there
 * is none. */
#include "base/config_files.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/options.h"
#include "cmd/commands.h"
#include "extract/job/manifest.h"
#include "extract/text/prompts.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct mdp_usage usage = {
    .command = "init",
    .synopsis = "FOLDER [options]",
    .summary =
        "Looks at a folder (a CSV in it, or a sub-folder a class) and writes medprobe.yaml and, if needed, "
        "manifest.csv into the working folder. Overwrites nothing.",
    .example = "  medprobe init images/\n  extract\n  probe --shots 16",
    .least_operands = 1,
    .most_operands = 1,
    .operand = "a folder",
};

enum { MAX_DEPTH = 16 };

/* What the walk through the folder gathers. */
struct manifest {
    struct mdp_text rows; /* CSV lines without the header */
    size_t pictures;
};

static bool is_picture(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot &&
           (strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0 || strcasecmp(dot, ".png") == 0);
}

static bool is_split(const char *name)
{
    return strcmp(name, "train") == 0 || strcmp(name, "val") == 0 || strcmp(name, "test") == 0;
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_field(const char *text, struct mdp_text *out)
{
    mdp_text_add(out, "\"");
    for (const char *c = text; *c; c++)
        mdp_text_add(out, *c == '"' ? "\"\"" : "%c", *c);
    mdp_text_add(out, "\"");
}

/* Every picture at and below root/relative, in byte order. The first sub-folder that is no split is the
 * class. */
static mdp_status walk(const char *root, const char *relative, const char *split, const char *label,
                       int depth, struct manifest *m, struct mdp_error *err)
{
    struct mdp_text folder = {0}, inner = {0};
    struct dirent **entries = NULL;
    mdp_status st = mdp_path_join(&folder, root, relative, err);
    int n = 0;

    if (st == MDP_OK && depth > MAX_DEPTH)
        st = mdp_fail(err, MDP_ERR_LIMIT, "%s: folders nested deeper than %d", folder.at, MAX_DEPTH);
    if (st == MDP_OK && (n = scandir(folder.at, &entries, not_hidden, by_bytes)) < 0)
        st = mdp_fail_errno(err, MDP_ERR_IO, "%s", folder.at);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        mdp_text_clear(&inner);
        mdp_text_add(&inner, "%s%s%s", relative, *relative ? "/" : "", name);
        mdp_text_clear(&folder);
        mdp_text_add(&folder, "%s/%s", root, inner.at ? inner.at : "");
        if (st == MDP_OK)
            st = mdp_text_status(&folder, err);
        if (st == MDP_OK && mdp_path_is_folder(folder.at)) {
            bool splits = depth == 0 && is_split(name);
            st = walk(root, inner.at, splits ? name : split, splits || *label ? label : name, depth + 1, m,
                      err);
        } else if (st == MDP_OK && is_picture(name)) {
            m->pictures++;
            add_field(inner.at, &m->rows);
            mdp_text_add(&m->rows, ",");
            add_field(label, &m->rows);
            mdp_text_add(&m->rows, ",%s\n", split);
        }
        free(entries[i]);
    }
    free(entries);
    mdp_text_release(&folder);
    mdp_text_release(&inner);
    return st;
}

/* The CSV of the folder, when there is exactly one: manifest.csv before any other. */
static mdp_status find_csv(const char *folder, struct mdp_text *path, struct mdp_error *err)
{
    struct dirent **entries = NULL;
    size_t found = 0;
    mdp_status st = mdp_path_join(path, folder, "manifest.csv", err);

    if (st != MDP_OK || mdp_path_exists(path->at))
        return st;
    mdp_text_clear(path);
    int n = scandir(folder, &entries, not_hidden, by_bytes);
    for (int i = 0; i < n; i++) {
        const char *dot = strrchr(entries[i]->d_name, '.');
        if (dot && strcasecmp(dot, ".csv") == 0 && found++ == 0)
            st = mdp_path_join(path, folder, entries[i]->d_name, err);
        free(entries[i]);
    }
    free(entries);
    if (st == MDP_OK && found > 1)
        st = mdp_fail(err, MDP_ERR_USAGE,
                      "%s: has %zu CSV files and none is manifest.csv (name one with extract --manifest)",
                      folder, found);
    return st;
}

/* The smallest prompt set that has every class of the labels, if there is one. */
static mdp_status find_prompts(const struct mdp_manifest *m, struct mdp_text *name, struct mdp_error *err)
{
    struct mdp_names names;
    struct mdp_text path = {0};
    size_t smallest = SIZE_MAX;
    mdp_status st = mdp_config_names(&mdp_config_prompts, &names, err);

    for (size_t i = 0; st == MDP_OK && m->n_classes > 1 && i < names.n; i++) {
        struct mdp_prompts set = {0};
        size_t found = 0;
        if (strncmp(names.at[i], "demo-", 5) == 0)
            continue;
        mdp_text_clear(&path);
        st = mdp_config_locate(&mdp_config_prompts, names.at[i], &path, err);
        if (st != MDP_OK || mdp_prompts_read(path.at, &set, NULL) != MDP_OK)
            continue; /* a set that is broken says so when it is used */
        for (size_t k = 0; k < m->n_classes; k++)
            for (size_t c = 0; c < set.n; c++)
                found += strcmp(set.classes[c].name, m->class_names[k]) == 0;
        if (found == m->n_classes && set.n < smallest) {
            smallest = set.n;
            mdp_text_clear(name);
            mdp_text_add(name, "%s", names.at[i]);
        }
        mdp_prompts_release(&set);
    }
    mdp_names_release(&names);
    mdp_text_release(&path);
    return st == MDP_OK ? mdp_text_status(name, err) : st;
}

static bool any(const char *const strings[], size_t n)
{
    for (size_t i = 0; strings && i < n; i++)
        if (*strings[i])
            return true;
    return false;
}

static void add_project(const char *manifest, const char *root, const char *prompts, bool patients,
                        struct mdp_text *t)
{
    mdp_text_add(
        t,
        "# medprobe project: read by extract, probe and report in this folder; options on the command line "
        "win.\n\n# CSV with path, label and, best, patient_id and split (docs/FORMATS.md)\nmanifest: ");
    mdp_text_add_quoted(t, manifest);
    mdp_text_add(t, "\n\n# put before relative paths of the manifest\nroot: ");
    mdp_text_add_quoted(t, root);
    mdp_text_add(
        t,
        "\n\n# the frozen encoder: a name of `medprobe models list` or a file\nmodel: medclip-vit\n\n"
        "# its files, when `medprobe models pull` did not fetch them\n# weights: pytorch_model.bin\n"
        "# vocab: vocab.txt\n\n# zero-shot prompts: a name (tb, pneumonia, ...) or a YAML file whose "
        "classes are your labels; without it there is no zero-shot\n%sprompts: %s\n\n"
        "# where embeddings go\nstore: data.h5\n\n# where runs go\nresults: results/run\n\n"
        "# labelled pictures a class, and how many draws of each\nshots: [16]\nseeds: 10\n",
        *prompts ? "" : "# ", *prompts ? prompts : "my-prompts.yaml");
    mdp_text_add(
        t, patients
               ? "\n# never on both sides of an episode\ngroup: patient_id\n"
               : "\n# no patients are known here: pictures of one person may stand on both sides.\n# Add a "
                 "patient_id column to the manifest and say patient_id instead\ngroup: none\n");
}

/* Reads the manifest as extract will, so that what is wrong with it is said now, and writes what it shows. */
static mdp_status write_project(const char *manifest, const char *root, struct mdp_error *err)
{
    const struct mdp_manifest_options options = {.root = root};
    struct mdp_manifest m = {0};
    struct mdp_text t = {0}, prompts = {0};
    mdp_status st = mdp_manifest_read(manifest, &options, &m, err);

    if (st == MDP_OK)
        st = find_prompts(&m, &prompts, err);
    add_project(manifest, root, prompts.n ? prompts.at : "", any(m.patient_ids, m.n), &t);
    if (st == MDP_OK)
        st = mdp_text_status(&t, err);
    if (st == MDP_OK)
        st = mdp_file_write(MDP_PROJECT_FILE, t.at, t.n, err);
    mdp_text_clear(&t);
    mdp_text_add(&t, "%s: %zu picture%s", manifest, m.n, m.n == 1 ? "" : "s");
    for (size_t k = 0; k < m.n_classes && k < 8; k++)
        mdp_text_add(&t, "%s%s",
                     k                  ? ", "
                     : m.n_classes == 1 ? ", 1 class: "
                                        : ", classes: ",
                     m.class_names[k]);
    mdp_text_add(&t, "%s%s%s", m.n_classes > 8 ? ", ..." : "", m.n_classes ? "" : ", no labels",
                 any(m.splits, m.n) ? ", splits" : "");
    mdp_text_add(&t, "%s", any(m.patient_ids, m.n) ? ", patients" : ", no patients");
    if (st == MDP_OK)
        st = mdp_text_status(&t, err);
    if (st == MDP_OK) {
        struct mdp_text line = {0};
        mdp_text_add_printable(&line, t.at);
        printf("%s\n%s\n", line.at ? line.at : "", MDP_PROJECT_FILE);
        mdp_text_release(&line);
    }
    mdp_text_release(&t);
    mdp_text_release(&prompts);
    mdp_manifest_release(&m);
    return st;
}

/* A manifest of class sub-folders, written here. */
static mdp_status make_manifest(const char *folder, struct mdp_error *err)
{
    struct manifest m = {0};
    struct mdp_text all = {0};
    mdp_status st = walk(folder, "", "", "", 0, &m, err);

    if (st == MDP_OK && !m.pictures)
        st = mdp_fail(err, MDP_ERR_USAGE, "%s: no CSV and no JPEG or PNG in it", folder);
    if (st == MDP_OK && mdp_path_exists("manifest.csv"))
        st = mdp_fail(err, MDP_ERR_USAGE,
                      "manifest.csv: is there already and is not overwritten (medprobe init . uses it)");
    mdp_text_add(&all, "path,label,split\n");
    mdp_text_add_bytes(&all, m.rows.at ? m.rows.at : "", m.rows.n);
    if (st == MDP_OK)
        st = mdp_text_status(&all, err);
    if (st == MDP_OK)
        st = mdp_file_write("manifest.csv", all.at, all.n, err);
    if (st == MDP_OK) {
        st = write_project("manifest.csv", folder, err);
        if (st != MDP_OK)
            remove("manifest.csv"); /* ours, of this moment */
    }
    mdp_text_release(&m.rows);
    mdp_text_release(&all);
    return st;
}

mdp_status mdp_cmd_init(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    struct mdp_common common;
    struct mdp_arguments args = {0};
    struct mdp_text csv = {0};

    (void)exit_code;
    mdp_status st = mdp_options_parse(&usage, NULL, 0, argc, argv, &common, &args, NULL, err);
    if (st != MDP_OK || args.help)
        goto out;
    const char *folder = args.operands[0];
    if (!mdp_path_is_folder(folder))
        st = mdp_fail(err, MDP_ERR_USAGE, "%s: is no folder", folder);
    else if (mdp_path_exists(MDP_PROJECT_FILE))
        st = mdp_fail(err, MDP_ERR_USAGE, "%s: is there already and is never overwritten", MDP_PROJECT_FILE);
    else
        st = find_csv(folder, &csv, err);
    if (st != MDP_OK)
        goto out;
    st = csv.n ? write_project(csv.at, folder, err) : make_manifest(folder, err);
out:
    mdp_text_release(&csv);
    mdp_arguments_release(&args);
    return st;
}
