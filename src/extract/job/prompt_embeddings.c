/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/prompt_embeddings.h"

#include "base/memory.h"

#include <stdlib.h>

/* The lists of classes in the order of rows: all that are for a class, then all that are against one. */
static const struct mdp_prompt_class *batch_at(const struct mdp_prompts *prompts, size_t i)
{
    return i < prompts->n ? &prompts->classes[i] : &prompts->negatives[i - prompts->n];
}

static size_t batch_count(const struct mdp_prompts *prompts)
{
    return prompts->negatives ? 2 * prompts->n : prompts->n;
}

mdp_status mdp_prompt_embeddings_init(struct mdp_prompt_embeddings *out, const struct mdp_prompts *prompts,
                                      struct mdp_error *err)
{
    size_t n = 0, row = 0;
    mdp_status st = MDP_OK;

    *out = (struct mdp_prompt_embeddings){0};
    for (size_t i = 0; i < batch_count(prompts); i++)
        n += batch_at(prompts, i)->n;
    out->prompts = mdp_new_array(n, sizeof *out->prompts, err, &st);
    out->class_index = mdp_new_array(n, sizeof *out->class_index, err, &st);
    out->negative = mdp_new_array(n, sizeof *out->negative, err, &st);
    out->class_names = mdp_new_array(prompts->n, sizeof *out->class_names, err, &st);
    if (st != MDP_OK)
        return st;
    for (size_t c = 0; c < prompts->n; c++)
        out->class_names[c] = prompts->classes[c].name;
    for (size_t i = 0; i < batch_count(prompts); i++) {
        const struct mdp_prompt_class *batch = batch_at(prompts, i);
        for (size_t p = 0; p < batch->n; p++, row++) {
            out->prompts[row] = batch->phrases[p];
            out->class_index[row] = (int32_t)(i % prompts->n);
            out->negative[row] = i >= prompts->n;
        }
    }
    out->part = (struct mdp_text_part){.n = n,
                                       .prompts = out->prompts,
                                       .class_index = out->class_index,
                                       .negative = prompts->negatives ? out->negative : NULL,
                                       .n_classes = prompts->n,
                                       .class_names = out->class_names,
                                       .prompt_set = prompts->name,
                                       .prompt_set_sha256 = prompts->sha256};
    return MDP_OK;
}

mdp_status mdp_prompt_embeddings_run(struct mdp_prompt_embeddings *out, const struct mdp_prompts *prompts,
                                     const struct mdp_model *model, size_t threads, struct mdp_error *err)
{
    size_t d = mdp_model_width(model), row = 0, cells = 0;
    mdp_status st = MDP_OK;

    if (!mdp_mul_size(out->part.n, d, &cells))
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: more prompts than can be embedded", prompts->name);
    out->embeddings = mdp_new_array(cells, sizeof *out->embeddings, err, &st);
    out->norms = mdp_new_array(out->part.n, sizeof *out->norms, err, &st);
    for (size_t i = 0; i < batch_count(prompts) && st == MDP_OK; i++) {
        const struct mdp_prompt_class *batch = batch_at(prompts, i);
        st = mdp_model_embed_texts(model, batch->phrases, batch->n, threads, out->embeddings + row * d,
                                   out->norms + row, err);
        if (st != MDP_OK)
            mdp_fail_at(err, st, "prompt set %s: class '%.100s'%s", prompts->name, batch->name,
                        i < prompts->n ? "" : ", negatives");
        row += batch->n;
    }
    out->part.embeddings = out->embeddings;
    out->part.norms = out->norms;
    return st;
}

void mdp_prompt_embeddings_release(struct mdp_prompt_embeddings *out)
{
    free(out->embeddings);
    free(out->norms);
    free(out->prompts);
    free(out->class_index);
    free(out->negative);
    free(out->class_names);
    *out = (struct mdp_prompt_embeddings){0};
}
