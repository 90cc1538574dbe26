/* SPDX-License-Identifier: BSD-3-Clause */
/* init: looks at a folder of pictures and writes medprobe.yaml, the project file, and a manifest where there
   is none. */
#include "base/config_files.h"
#include "base/file.h"
#include "base/formats/csv.h"
#include "base/options/options.h"
#include "base/try.h"
#include "cmd/commands.h"
#include "extract/input/picture.h"
#include "extract/job/manifest.h"
#include "extract/job/manifest_summary.h"
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
    .operands = {"a folder"},
};

#define MANIFEST_FILE "manifest.csv"

enum { MAX_DEPTH = 16, CLASSES_SHOWN = 8 };

/* A manifest to be, gathered by the walk through the folder. */
struct gathered {
    struct mdp_text rows;   /* CSV lines without the header */
    size_t pictures;        /* rows */
    size_t unread;          /* files of formats that are known and not read */
    struct mdp_text unlike; /* the first of those: "a.dcm (DICOM)" */
};

/* The split that a folder is called as, in any case, in the word that probe looks for; NULL: none. */
static const char *split_of(const char *name)
{
    static const char *const splits[] = {"train", "val", "test", NULL};

    for (size_t i = 0; splits[i]; i++)
        if (strcasecmp(name, splits[i]) == 0)
            return splits[i];
    return NULL;
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* The rows that a file gives, by the ending of its name. */
static void gather(const char *path, const char *name, const char *split, const char *label,
                   struct gathered *g)
{
    bool read = false;
    const char *format = mdp_picture_format_of_name(name, &read);

    if (read) {
        g->pictures++;
        mdp_text_add_csv(&g->rows, path);
        mdp_text_add(&g->rows, ",");
        mdp_text_add_csv(&g->rows, label);
        mdp_text_add(&g->rows, ",%s\n", split);
    } else if (format && g->unread++ == 0) {
        mdp_text_add(&g->unlike, "%s (%s)", path, format);
    }
}

/* Every picture at and below root/relative, in byte order. The first sub-folder that is no split is the
 * class. */
static mdp_status walk(const char *root, const char *relative, const char *split, const char *label,
                       int depth, struct gathered *g, struct mdp_error *err)
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
            const char *here = depth == 0 ? split_of(name) : NULL;
            st = walk(root, inner.at, here ? here : split, here || *label ? label : name, depth + 1, g, err);
        } else if (st == MDP_OK) {
            gather(inner.at, name, split, label, g);
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
    mdp_status st = mdp_path_join(path, folder, MANIFEST_FILE, err);

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

/* Of two classes, the key that says which is positive, to be taken in. */
static void add_positive(const struct mdp_manifest *m, struct mdp_text *t)
{
    if (m->n_classes != 2)
        return;
    mdp_text_add(t, "\n# the positive class; without this key it is the second by bytes, ");
    mdp_text_add_quoted(t, m->class_names[1]);
    mdp_text_add(t, "\n# positive: ");
    mdp_text_add_quoted(t, m->class_names[!mdp_manifest_positive_sounds_normal(m)]);
    mdp_text_add(t, "\n");
}

static void add_project(const struct mdp_manifest *m, const char *root, const char *prompts,
                        struct mdp_text *t)
{
    bool patients = any(m->patient_ids, m->n);

    mdp_text_add(
        t,
        "# medprobe project: read by extract, probe and report in this folder; options on the command line "
        "win.\n\n# CSV with path, label and, best, patient_id and split (docs/FORMATS.md)\nmanifest: ");
    mdp_text_add_quoted(t, m->file);
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
        t,
        patients
            ? "\n# never on both sides of an episode\ngroup: patient_id\n"
            : "\n# no patients are known here, so pictures of one person may stand on both sides. When the "
              "manifest has a\n# column patient_id, say patient_id here and extract anew with --force\n"
              "group: none\n");
    add_positive(m, t);
}

/* "list.csv: 4 pictures, classes: normal, tb (positive), splits, no patients" */
static mdp_status print_summary(const struct mdp_manifest *m, struct mdp_error *err)
{
    struct mdp_text t = {0}, line = {0};

    mdp_text_add(&t, "%s: %zu picture%s", m->file, m->n, m->n == 1 ? "" : "s");
    for (size_t k = 0; k < m->n_classes && k < CLASSES_SHOWN; k++)
        mdp_text_add(&t, "%s%s%s",
                     k                   ? ", "
                     : m->n_classes == 1 ? ", 1 class: "
                                         : ", classes: ",
                     m->class_names[k], m->n_classes == 2 && k == 1 ? " (positive)" : "");
    mdp_text_add(&t, "%s%s%s%s", m->n_classes > CLASSES_SHOWN ? ", ..." : "",
                 m->n_classes ? "" : ", no labels", any(m->splits, m->n) ? ", splits" : "",
                 any(m->patient_ids, m->n) ? ", patients" : ", no patients");
    mdp_status st = mdp_text_status(&t, err);
    if (st == MDP_OK) {
        mdp_text_add_printable(&line, t.at);
        st = mdp_text_status(&line, err);
    }
    if (st == MDP_OK)
        printf("%s\n%s\n", line.at, MDP_PROJECT_FILE);
    mdp_text_release(&line);
    mdp_text_release(&t);
    return st;
}

/* What is still to be done before probe can work, or work well. */
static void say_next(const struct mdp_log *log, const struct mdp_manifest *m)
{
    if (m->n_classes == 0)
        mdp_log(log, MDP_LOG_WARN,
                "%s: no labels: before extract, give every picture its class in a column 'label' (probe "
                "needs them)",
                m->file);
    if (mdp_manifest_positive_sounds_normal(m))
        mdp_log(log, MDP_LOG_WARN,
                "positive class will be '%s': positive: '%s' in %s makes the other one positive",
                m->class_names[1], m->class_names[0], MDP_PROJECT_FILE);
    if (!any(m->patient_ids, m->n))
        mdp_log(log, MDP_LOG_WARN,
                "%s: no patients: pictures of one person may stand on both sides of an episode (add a column "
                "'patient_id', then say group: patient_id in %s)",
                m->file, MDP_PROJECT_FILE);
}

/* Reads the manifest as extract will, so that what is wrong with it is said now, and writes what it shows. */
static mdp_status write_project(const char *manifest, const char *root, const struct mdp_log *log,
                                struct mdp_error *err)
{
    const struct mdp_manifest_options options = {.root = root};
    struct mdp_manifest m = {0};
    struct mdp_text t = {0}, prompts = {0};
    mdp_status st = MDP_OK;

    OR_OUT(mdp_manifest_read(manifest, &options, &m, err));
    OR_OUT(find_prompts(&m, &prompts, err));
    add_project(&m, root, prompts.n ? prompts.at : "", &t);
    OR_OUT(mdp_text_status(&t, err));
    OR_OUT(mdp_file_write(MDP_PROJECT_FILE, t.at, t.n, err));
    OR_OUT(print_summary(&m, err));
    say_next(log, &m);
out:
    mdp_text_release(&t);
    mdp_text_release(&prompts);
    mdp_manifest_release(&m);
    return st;
}

static mdp_status no_pictures(const char *folder, const struct gathered *g, struct mdp_error *err)
{
    struct mdp_text formats = {0};

    mdp_text_add_picture_formats(&formats, "or");
    mdp_status st = mdp_text_status(&formats, err);
    if (st == MDP_OK && g->unread)
        st = mdp_fail(err, MDP_ERR_USAGE,
                      "%s: no CSV and no %s in it (%s is not read: convert it without loss to PNG)", folder,
                      formats.at, g->unlike.at ? g->unlike.at : "");
    else if (st == MDP_OK)
        st = mdp_fail(err, MDP_ERR_USAGE, "%s: no CSV and no %s in it", folder, formats.at);
    mdp_text_release(&formats);
    return st;
}

/* A manifest of class sub-folders, written here. */
static mdp_status make_manifest(const char *folder, const struct mdp_log *log, struct mdp_error *err)
{
    struct gathered g = {0};
    struct mdp_text all = {0};
    mdp_status st = MDP_OK;

    OR_OUT(walk(folder, "", "", "", 0, &g, err));
    if (!g.pictures)
        OR_OUT(no_pictures(folder, &g, err));
    if (mdp_path_exists(MANIFEST_FILE))
        OR_OUT(mdp_fail(err, MDP_ERR_USAGE,
                        "%s: is there already and is not overwritten (medprobe init . uses it)",
                        MANIFEST_FILE));
    OR_OUT(mdp_text_status(&g.rows, err));
    mdp_text_add(&all, "path,label,split\n");
    mdp_text_add_bytes(&all, g.rows.at, g.rows.n);
    OR_OUT(mdp_text_status(&all, err));
    OR_OUT(mdp_file_write(MANIFEST_FILE, all.at, all.n, err));
    st = write_project(MANIFEST_FILE, folder, log, err);
    if (st != MDP_OK)
        remove(MANIFEST_FILE); /* ours, of this moment */
    else if (g.unread)
        mdp_log(log, MDP_LOG_WARN, "%zu picture%s left out, of formats that are not read: %s%s", g.unread,
                g.unread == 1 ? "" : "s", g.unlike.at ? g.unlike.at : "", g.unread == 1 ? "" : ", ...");
out:
    mdp_text_release(&g.rows);
    mdp_text_release(&g.unlike);
    mdp_text_release(&all);
    return st;
}

/* The one operand must be a folder, and no project be here yet. */
static mdp_status check_use(const char *folder, struct mdp_error *err)
{
    if (!mdp_path_exists(folder))
        return mdp_fail(err, MDP_ERR_USAGE, "%s: is no folder, and no file either", folder);
    if (!mdp_path_is_folder(folder))
        return mdp_fail(
            err, MDP_ERR_USAGE,
            "%s: is no folder (init takes the folder and finds the CSV in it; without a project file: "
            "extract --manifest %s)",
            folder, folder);
    if (mdp_path_exists(MDP_PROJECT_FILE))
        return mdp_fail(err, MDP_ERR_USAGE,
                        "%s: is there already and is never overwritten (delete it to start anew)",
                        MDP_PROJECT_FILE);
    return MDP_OK;
}

mdp_status mdp_cmd_init(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    struct mdp_common common;
    struct mdp_arguments args = {0};
    struct mdp_text csv = {0};
    mdp_status st = MDP_OK;

    (void)exit_code;
    OR_OUT(mdp_options_parse(&usage, NULL, 0, argc, argv, &common, &args, err));
    if (args.help)
        goto out;
    const char *folder = args.operands[0];
    OR_OUT(check_use(folder, err));
    OR_OUT(find_csv(folder, &csv, err));
    st = csv.n ? write_project(csv.at, folder, &common.log, err) : make_manifest(folder, &common.log, err);
out:
    mdp_text_release(&csv);
    mdp_arguments_release(&args);
    return st;
}
