/* SPDX-License-Identifier: BSD-3-Clause */
/* medprobe models inspect: the tensors of a weight file, with digests. */
#include "base/formats/json.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "cmd/models_common.h"
#include "extract/weights/weights.h"

#include <stdio.h>
#include <stdlib.h>

struct digests {
    const struct mdp_weights *weights;
    char (*hex)[MDP_SHA256_HEX]; /* [tensors], or NULL: none are wanted */
};

static mdp_status digest_one(void *context, size_t item, size_t worker, struct mdp_error *err)
{
    struct digests *d = context;
    uint8_t digest[MDP_SHA256_SIZE];
    mdp_status st = mdp_tensor_sha256(mdp_weights_at(d->weights, item), digest, err);

    (void)worker;
    if (st == MDP_OK)
        mdp_sha256_hex(digest, d->hex[item]);
    return st;
}

/* Elements and bytes of all tensors. */
static void sum_up(const struct mdp_weights *w, size_t *elements, size_t *bytes)
{
    *elements = *bytes = 0;
    for (size_t i = 0; i < mdp_weights_count(w); i++) {
        const struct mdp_tensor *t = mdp_weights_at(w, i);
        *elements += t->count; /* bounded by mdp_weights_open */
        *bytes += t->count * mdp_dtype_size(t->dtype);
    }
}

static void put_tensor(struct mdp_json_writer *w, const struct mdp_tensor *t, const char *hex)
{
    mdp_json_begin(w, NULL, '{', NULL);
    mdp_json_put_text(w, "name", t->name);
    mdp_json_put_text(w, "dtype", mdp_dtype_name(t->dtype));
    mdp_json_begin(w, "shape", '[', NULL);
    for (size_t i = 0; i < t->rank; i++)
        mdp_json_put_size(w, NULL, t->shape[i]);
    mdp_json_end(w, NULL);
    mdp_json_put_size(w, "bytes", t->count * mdp_dtype_size(t->dtype));
    mdp_json_put_bool(w, "contiguous", t->contiguous);
    mdp_json_put_text(w, "sha256", hex);
    mdp_json_end(w, NULL);
}

static mdp_status inspect_json(const struct digests *d, struct mdp_error *err)
{
    const struct mdp_weights *weights = d->weights;
    struct mdp_text out = {0};
    struct mdp_json_writer w = {.out = &out};
    size_t elements = 0, bytes = 0;

    sum_up(weights, &elements, &bytes);
    mdp_json_begin(&w, NULL, '{', NULL);
    mdp_json_put_text(&w, "file", mdp_weights_path(weights));
    mdp_json_put_text(&w, "format", mdp_weights_format(weights));
    mdp_json_put_size(&w, "files", mdp_weights_files(weights));
    mdp_json_put_size(&w, "count", mdp_weights_count(weights));
    mdp_json_put_size(&w, "elements", elements);
    mdp_json_put_size(&w, "bytes", bytes);
    mdp_json_begin(&w, "tensors", '[', "\n  ");
    for (size_t i = 0; i < mdp_weights_count(weights); i++)
        put_tensor(&w, mdp_weights_at(weights, i), d->hex ? d->hex[i] : NULL);
    mdp_json_end(&w, NULL);
    mdp_json_end(&w, NULL);
    mdp_status st = mdp_models_print_json(&out, err);
    mdp_text_release(&out);
    return st;
}

static mdp_status inspect_text(const struct digests *d, struct mdp_error *err)
{
    const struct mdp_weights *w = d->weights;
    struct mdp_text line = {0};
    size_t elements = 0, bytes = 0;
    mdp_status st = MDP_OK;

    sum_up(w, &elements, &bytes);
    mdp_models_print_fact("file", mdp_weights_path(w));
    mdp_models_print_fact("format", mdp_weights_format(w));
    if (mdp_weights_files(w) > 1)
        mdp_models_print_count("files", mdp_weights_files(w));
    mdp_models_print_count("tensors", mdp_weights_count(w));
    mdp_models_print_count("elements", elements);
    mdp_models_print_count("bytes", bytes);
    for (size_t i = 0; i < mdp_weights_count(w) && st == MDP_OK; i++) {
        const struct mdp_tensor *t = mdp_weights_at(w, i);
        struct mdp_text shape = {0};
        mdp_shape_to_text(t->rank, t->shape, &shape);
        mdp_text_clear(&line);
        if (d->hex)
            mdp_text_add(&line, "%s  ", d->hex[i]);
        mdp_text_add(&line, "%-13s %-20s ", mdp_dtype_name(t->dtype), shape.failed ? "?" : shape.at);
        mdp_text_add_printable(&line, t->name);
        mdp_text_release(&shape);
        st = mdp_text_status(&line, err);
        if (st == MDP_OK)
            printf("%s%s\n", i ? "" : "\n", line.at);
    }
    mdp_text_release(&line);
    return st;
}

static mdp_status inspect(const char *path, bool json, bool no_digest, size_t threads, struct mdp_error *err)
{
    struct mdp_weights *weights = NULL;
    struct digests d = {0};

    mdp_status st = mdp_weights_open(path, &weights, err);
    if (st != MDP_OK)
        return st;
    d.weights = weights;
    if (!no_digest) {
        d.hex = mdp_new_array(mdp_weights_count(weights), sizeof *d.hex, err, &st);
        if (st == MDP_OK)
            st = mdp_parallel(mdp_weights_count(weights), threads, digest_one, &d, err);
    }
    if (st == MDP_OK)
        st = json ? inspect_json(&d, err) : inspect_text(&d, err);
    free(d.hex);
    mdp_weights_close(weights);
    return st;
}

mdp_status mdp_models_inspect(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    bool json = false, no_digest = false;
    const struct mdp_option options[] = {
        {.name = "json", .flag = &json, .help = "print JSON instead of lines"},
        {.name = "no-digest",
         .flag = &no_digest,
         .help = "leave out the SHA-256 of each tensor (quicker: only the file's directory is read)"}};
    struct mdp_text summary = {0};

    mdp_text_add(&summary, "Lists the tensors of a weight file (");
    mdp_text_add_weight_formats(&summary, "and");
    mdp_text_add(&summary,
                 "): SHA-256 of the elements in row-major order, dtype, shape, name. Nothing in the file is "
                 "executed.");
    mdp_status st = mdp_text_status(&summary, err);
    const struct mdp_usage usage = {.command = "models inspect",
                                    .synopsis = "FILE [options]",
                                    .summary = summary.at,
                                    .example = "medprobe models inspect pytorch_model.bin",
                                    .least_operands = 1,
                                    .most_operands = 1,
                                    .operands = {"a weight file"}};
    struct mdp_common common = {0};
    struct mdp_arguments args = {0};

    (void)exit_code;
    if (st == MDP_OK)
        st = mdp_options_parse(&usage, options, 2, argc, argv, &common, &args, err);
    if (st == MDP_OK && !args.help)
        st = inspect(args.operands[0], json, no_digest, common.threads, err);
    mdp_arguments_release(&args);
    mdp_text_release(&summary);
    return st;
}
