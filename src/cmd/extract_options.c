/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/extract_options.h"

#include "base/file.h"
#include "base/try.h"
#include "cmd/commands.h"
#include "cmd/project.h"

static void add_model_options(struct mdp_extract_options *o, struct mdp_option options[], size_t *n)
{
    static const char *const precisions[] = {"fp32", NULL};
    const struct mdp_option rows[] = {
        {.heading = "model"},
        {.name = "model",
         .argument = "MODEL",
         .string = &o->model.model,
         .help = "a name of `medprobe models list`, or a model card's YAML file"},
        {.name = "weights",
         .argument = "FILE",
         .string = &o->model.weights,
         .help = "weights (default: the pulled file)"},
        {.name = "text-weights",
         .argument = "FILE",
         .string = &o->model.text_weights,
         .help = "weights of the text tower, where they are a file of their own"},
        {.name = "vocab",
         .argument = "FILE",
         .string = &o->model.vocab,
         .help = "vocabulary (default: beside the weights, or the pulled file)"},
        {.name = "precision",
         .argument = "NAME",
         .string = &o->precision,
         .choices = precisions,
         .help = "of the towers"},
    };

    mdp_options_add(options, n, rows, sizeof rows / sizeof rows[0]);
}

static void add_picture_options(struct mdp_extract_options *o, struct mdp_option options[], size_t *n)
{
    const struct mdp_option rows[] = {
        {.heading = "pictures"},
        {.name = "manifest", .argument = "FILE", .string = &o->manifest, .help = "CSV with a column `path`"},
        {.name = "root",
         .argument = "DIR",
         .string = &o->table.root,
         .help = "folder of the pictures (default: the manifest's)"},
        {.name = "labels",
         .argument = "A,B,...",
         .list = &o->table.labels,
         .help = "columns of 1, 0, -1 (uncertain) or blank"},
        {.name = "classes",
         .argument = "A,B,...",
         .list = &o->table.classes,
         .help = "order of the classes of column `label` (default: by bytes)"},
        {.name = "positive",
         .argument = "CLASS",
         .string = &o->table.positive,
         .help = "of two classes, the second"},
        {.name = "limit", .argument = "N", .size = &o->table.limit, .help = "the first N rows only (0: all)"},
        {.name = "max-pixels",
         .argument = "N",
         .size = &o->max_pixels,
         .least = 1,
         .help = "larger pictures are refused"},
        {.heading = "texts"},
        {.name = "prompts",
         .argument = "SET",
         .string = &o->prompts,
         .help = "prompt set: a name of configs/prompts, a YAML file, or `default`: the model's own"},
        {.name = "ensemble",
         .argument = "RULE",
         .string = &o->zero_shot.ensemble,
         .help = "how a class's prompts become one score, in place of the prompt set's or the model's rule"},
        {.name = "similarity",
         .argument = "RULE",
         .string = &o->zero_shot.similarity,
         .help = "what turns logits into scores, in place of the model's"},
        {.name = "text-pooling",
         .argument = "NAME",
         .string = &o->model.text_pooling,
         .help = "another pooling of the text tower than the model's"},
    };

    mdp_options_add(options, n, rows, sizeof rows / sizeof rows[0]);
}

static void add_run_options(struct mdp_extract_options *o, struct mdp_option options[], size_t *n)
{
    const struct mdp_option rows[] = {
        {.heading = "preprocessing"},
        {.name = "pipeline",
         .argument = "NAME",
         .string = &o->model.pipeline,
         .help = "one of `medprobe models show MODEL` (default: the model's)"},
        {.name = "grey16",
         .argument = "POLICY",
         .string = &o->model.grey16,
         .choices = mdp_pipeline_words("grey16"),
         .help = "16-bit grey to 8, in place of the pipeline's policy"},
        {.name = "orientation",
         .argument = "POLICY",
         .string = &o->model.orientation,
         .choices = mdp_pipeline_words("orientation"),
         .help = "EXIF orientation, in place of the pipeline's policy"},
        {.name = "resize-order",
         .argument = "ORDER",
         .string = &o->model.resize_order,
         .choices = mdp_pipeline_words("resize_order"),
         .help = "of the two passes, in place of the pipeline's"},
        {.heading = "run"},
        {.name = "out", .letter = 'o', .argument = "STORE", .string = &o->out, .help = "the store to write"},
        {.name = "batch-size",
         .argument = "N",
         .size = &o->batch_size,
         .least = 1,
         .most = 4096,
         .help = "pictures in flight; the result does not depend on it"},
        {.name = "skip-errors",
         .flag = &o->skip_errors,
         .help = "go on without pictures that cannot be used, list them in /failures, exit 3"},
        {.name = "resume", .flag = &o->resume, .help = "go on with an interrupted run (the default)"},
        {.name = "force", .flag = &o->force, .help = "start anew, replacing a store or an interrupted run"},
    };

    mdp_options_add(options, n, rows, sizeof rows / sizeof rows[0]);
}

size_t mdp_extract_options_fill(struct mdp_extract_options *o, struct mdp_option options[MDP_MOST_OPTIONS])
{
    size_t n = 0;

    add_model_options(o, options, &n);
    add_picture_options(o, options, &n);
    add_run_options(o, options, &n);
    return n;
}

size_t mdp_extract_keys(const char *keys[MDP_MOST_OPTIONS])
{
    struct mdp_extract_options none = {0};
    struct mdp_option options[MDP_MOST_OPTIONS];

    return mdp_option_names(options, mdp_extract_options_fill(&none, options), keys);
}

static mdp_status need(const char *value, const char *option, const char *what, struct mdp_error *err)
{
    return value ? MDP_OK : mdp_fail(err, MDP_ERR_USAGE, "--%s is missing (%s)", option, what);
}

/* Found out now, not when all pictures are done. */
static mdp_status check_out(const char *out, struct mdp_error *err)
{
    struct mdp_text folder = {0};
    mdp_status st = mdp_path_folder(&folder, out, err);

    if (st == MDP_OK && !mdp_path_is_folder(folder.at))
        st = mdp_fail(err, MDP_ERR_USAGE, "--out %s: there is no folder %s (make it first)", out, folder.at);
    mdp_text_release(&folder);
    return st;
}

mdp_status mdp_extract_options_check(const struct mdp_extract_options *o, struct mdp_error *err)
{
    const struct mdp_model_choice *m = &o->model;

    TRY(need(m->model, "model", "a name of medprobe models list, or a model's YAML file", err));
    TRY(need(o->manifest, "manifest", "a CSV file with a column 'path'", err));
    if (mdp_path_is_folder(o->manifest))
        return mdp_fail(err, MDP_ERR_USAGE,
                        "--manifest %s: is a folder, expected a CSV file (medprobe init %s makes one)",
                        o->manifest, o->manifest);
    TRY(need(o->out, "out", "the store to write, e.g. -o data.h5", err));
    TRY(check_out(o->out, err));
    if (o->resume && o->force)
        return mdp_fail(err, MDP_ERR_USAGE, "--resume and --force: only one can be meant");
    const struct {
        const char *value, *option;
    } of_texts[] = {{m->vocab, "vocab"},
                    {m->text_weights, "text-weights"},
                    {m->text_pooling, "text-pooling"},
                    {o->zero_shot.ensemble, "ensemble"},
                    {o->zero_shot.similarity, "similarity"}};
    for (size_t i = 0; !o->prompts && i < sizeof of_texts / sizeof *of_texts; i++)
        if (of_texts[i].value)
            return mdp_fail(err, MDP_ERR_USAGE, "--%s: without --prompts no text is read",
                            of_texts[i].option);
    return MDP_OK;
}
