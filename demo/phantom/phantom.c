/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes chest-like synthetic radiographs with a manifest: the pictures of the demonstration and of the tests.

       phantom --out DIR --pictures 1000 --seed 7

   The pixels and the manifest are a function of the options alone: the same on every machine, whatever the
   number of threads. The pictures are drawings, for trying software on; they say nothing about medicine. */
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/options/options.h"
#include "base/parallel.h"
#include "picture_file.h"
#include "render.h"
#include "set.h"

#include <stdlib.h>
#include <string.h>

static const char *const task_names[] = {"tb", "findings", "multi", NULL};
static const char *const format_names[] = {"jpeg", "png8", "png16", NULL};

struct options {
    const char *out, *task, *size;
    size_t pictures, patients, seed;
    double confounder, difficulty, prevalence;
    struct mdp_list formats;
    bool digest;
    struct mdp_common common;
};

/* One run: the set, and the digest of every picture's pixels. */
struct run {
    struct set set;
    const char *out; /* NULL: nothing is written */
    uint8_t (*digests)[MDP_SHA256_SIZE];
};

static mdp_status make_picture(void *context, size_t row, size_t worker, struct mdp_error *err)
{
    struct run *run = context;
    struct patient p = set_patient(&run->set, run->set.rows[row].patient);
    struct shot s = set_shot(&run->set, &p, row);
    struct mdp_text name = {0}, path = {0}, file = {0};
    uint16_t *grey = NULL;

    (void)worker;
    mdp_status st = render_picture(&p, &s, &grey, err);
    if (st != MDP_OK)
        goto out;
    for (size_t i = 0; i < s.width * s.height; i++) /* as 16-bit little-endian, on any machine */
        grey[i] = s.format == PNG16 ? grey[i] : (uint16_t)((grey[i] + 128u) / 257u * 257u);
    mdp_sha256_of(grey, s.width * s.height * sizeof *grey, run->digests[row]);
    if (!run->out)
        goto out;
    set_path(&run->set, row, s.format, &name);
    if ((st = mdp_text_status(&name, err)) != MDP_OK ||
        (st = mdp_path_join(&path, run->out, name.at, err)) != MDP_OK ||
        (st = encode_picture(grey, s.width, s.height, s.format, &file, err)) != MDP_OK)
        goto out;
    FILE *f = fopen(path.at, "wb");
    if (!f || fwrite(file.at, 1, file.n, f) != file.n)
        st = mdp_fail_errno(err, MDP_ERR_IO, "%s", path.at);
    if (f && fclose(f) != 0 && st == MDP_OK)
        st = mdp_fail_errno(err, MDP_ERR_IO, "%s", path.at);
out:
    free(grey);
    mdp_text_release(&name);
    mdp_text_release(&path);
    mdp_text_release(&file);
    return st;
}

static mdp_status read_size(const char *text, struct cohort *cohort, struct mdp_error *err)
{
    char *end;

    cohort->size_least = cohort->size_most = strtoul(text, &end, 10);
    if (*end == '-')
        cohort->size_most = strtoul(end + 1, &end, 10);
    if (*end || cohort->size_least < 32 || cohort->size_most > 8192 || cohort->size_least > cohort->size_most)
        return mdp_fail(err, MDP_ERR_USAGE,
                        "--size '%s' (expected pixels, 32 to 8192, or a range like 256-512)", text);
    return MDP_OK;
}

static mdp_status read_formats(const struct mdp_list *list, struct cohort *cohort, struct mdp_error *err)
{
    for (size_t i = 0; i < list->n; i++) {
        int f = 0;

        while (f < FORMATS && strcmp(list->at[i], format_names[f]) != 0)
            f++;
        if (f == FORMATS)
            return mdp_fail(err, MDP_ERR_USAGE, "--formats '%s' (expected jpeg, png8 or png16)", list->at[i]);
        cohort->formats[f] = true;
    }
    if (list->n == 0)
        cohort->formats[JPEG] = cohort->formats[PNG8] = true;
    return MDP_OK;
}

static mdp_status fill_set(const struct options *opt, struct set *set, struct mdp_error *err)
{
    struct cohort *cohort = &set->cohort;
    mdp_status st;

    while (strcmp(task_names[set->task], opt->task) != 0)
        set->task++;
    set->n = opt->pictures;
    set->patients = opt->patients ? opt->patients : (opt->pictures + 1) / 2;
    set->prevalence = opt->prevalence;
    *cohort =
        (struct cohort){.seed = opt->seed, .confounder = opt->confounder, .difficulty = opt->difficulty};
    if (set->patients > set->n)
        return mdp_fail(err, MDP_ERR_USAGE, "--patients %zu (at most one a picture: %zu)", set->patients,
                        set->n);
    const double shares[] = {opt->confounder, opt->difficulty, opt->prevalence};
    static const char *const names[] = {"confounder", "difficulty", "prevalence"};
    for (int i = 0; i < 3; i++)
        if (!(shares[i] >= 0 && shares[i] <= 1))
            return mdp_fail(err, MDP_ERR_USAGE, "--%s %g (expected 0 to 1)", names[i], shares[i]);
    if ((st = read_size(opt->size, cohort, err)) != MDP_OK ||
        (st = read_formats(&opt->formats, cohort, err)) != MDP_OK)
        return st;
    return set_init(set, err);
}

/* One digest for the manifest and all pixels, whatever codecs do with them. */
static mdp_status print_digest(const struct run *run, const struct mdp_text *manifest, struct mdp_error *err)
{
    struct mdp_sha256 *hash;
    uint8_t digest[MDP_SHA256_SIZE];
    char hex[MDP_SHA256_HEX];
    mdp_status st = mdp_sha256_new(&hash, err);

    if (st != MDP_OK)
        return st;
    mdp_sha256_add(hash, manifest->at, manifest->n);
    mdp_sha256_add(hash, run->digests, run->set.n * MDP_SHA256_SIZE);
    mdp_sha256_final(hash, digest);
    mdp_sha256_hex(digest, hex);
    printf("%s\n", hex);
    return MDP_OK;
}

static mdp_status make(const struct options *opt, struct mdp_error *err)
{
    struct run run = {.out = opt->out};
    struct mdp_text manifest = {0}, path = {0};
    mdp_status st = fill_set(opt, &run.set, err);

    if (st != MDP_OK || !(run.digests = mdp_new_array(run.set.n, MDP_SHA256_SIZE, err, &st)))
        goto out;
    set_manifest(&run.set, &manifest);
    if ((st = mdp_text_status(&manifest, err)) != MDP_OK)
        goto out;
    if (opt->out && ((st = mdp_path_join(&path, opt->out, "images", err)) != MDP_OK ||
                     (st = mdp_path_make_folders(path.at, err)) != MDP_OK))
        goto out;
    if ((st = mdp_parallel(run.set.n, opt->common.threads, make_picture, &run, err)) != MDP_OK)
        goto out;
    /* The manifest comes last: where it stands, the pictures are complete. */
    if (opt->out && ((st = mdp_path_join(&path, opt->out, "manifest.csv", err)) != MDP_OK ||
                     (st = mdp_file_write(path.at, manifest.at, manifest.n, err)) != MDP_OK))
        goto out;
    if (opt->digest)
        st = print_digest(&run, &manifest, err);
out:
    free(run.digests);
    set_release(&run.set);
    mdp_text_release(&manifest);
    mdp_text_release(&path);
    return st;
}

static const struct mdp_usage usage = {
    .command = "phantom",
    .synopsis = "--out DIR [options]",
    .summary = "Makes synthetic chest-like radiographs with a manifest, for demonstrations and tests.",
    .example = "phantom --out phantoms --pictures 1000 --seed 7",
};

static mdp_status run_phantom(int argc, char **argv, struct mdp_error *err)
{
    struct options o = {.task = "tb",
                        .size = "256",
                        .pictures = 100,
                        .seed = 1,
                        .confounder = 0.125,
                        .difficulty = 0.75,
                        .prevalence = 0.5};
    const struct mdp_option table[] = {
        {.name = "out",
         .letter = 'o',
         .argument = "DIR",
         .string = &o.out,
         .help = "folder for images/ and manifest.csv"},
        {.name = "pictures",
         .letter = 'n',
         .argument = "N",
         .size = &o.pictures,
         .least = 1,
         .help = "number of pictures"},
        {.name = "patients",
         .argument = "N",
         .size = &o.patients,
         .help = "number of patients; 0: half of the pictures"},
        {.name = "seed", .argument = "N", .size = &o.seed, .help = "another seed gives other patients"},
        {.name = "task",
         .argument = "NAME",
         .string = &o.task,
         .choices = task_names,
         .help = "tb, findings, or multi (several findings, no label)"},
        {.name = "size",
         .argument = "PIXELS",
         .string = &o.size,
         .help = "longer side, or a range like 256-512"},
        {.name = "formats",
         .argument = "LIST",
         .list = &o.formats,
         .help = "of jpeg, png8, png16; default jpeg,png8"},
        {.name = "prevalence",
         .argument = "SHARE",
         .number = &o.prevalence,
         .help = "of patients who are not normal"},
        {.name = "difficulty",
         .argument = "0..1",
         .number = &o.difficulty,
         .help = "how faint findings may be"},
        {.name = "confounder",
         .argument = "0..1",
         .number = &o.confounder,
         .help = "how much view and site tell of the label"},
        {.name = "digest", .flag = &o.digest, .help = "print one SHA-256 of the manifest and all pixels"},
    };
    struct mdp_arguments args = {0};
    mdp_status st =
        mdp_options_parse(&usage, table, sizeof table / sizeof table[0], argc, argv, &o.common, &args, err);

    if (st != MDP_OK || args.help)
        goto out;
    if (!o.out && !o.digest) {
        st = mdp_fail(err, MDP_ERR_USAGE, "no --out DIR (or --digest, which writes nothing)");
        goto out;
    }
    st = make(&o, err);
out:
    mdp_list_release(&o.formats);
    mdp_arguments_release(&args);
    return st;
}

int main(int argc, char **argv)
{
    struct mdp_error err = MDP_ERROR_INIT;
    mdp_status st = run_phantom(argc, argv, &err);

    if (st == MDP_OK)
        return 0;
    fprintf(stderr, "phantom: %s\n", err.message);
    return st == MDP_ERR_USAGE ? 2 : 1;
}
