/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/prompt_embeddings.h"

#include "base/memory.h"

#include <stdlib.h>

mdp_status mdp_prompt_embeddings_init(struct mdp_prompt_embeddings *out, const struct mdp_prompts *prompts,
                                      struct mdp_error *err)
{
    size_t n = 0, row = 0;
    mdp_status st = MDP_OK;

    *out = (struct mdp_prompt_embeddings){0};
    for (size_t c = 0; c < prompts->n; c++)
        n += prompts->classes[c].n;
    out->prompts = mdp_new_array(n, sizeof *out->prompts, err, &st);
    out->class_index = mdp_new_array(n, sizeof *out->class_index, err, &st);
    out->class_names = mdp_new_array(prompts->n, sizeof *out->class_names, err, &st);
    if (st != MDP_OK)
        return st;
    for (size_t c = 0; c < prompts->n; c++) {
        out->class_names[c] = prompts->classes[c].name;
        for (size_t i = 0; i < prompts->classes[c].n; i++, row++) {
            out->prompts[row] = prompts->classes[c].phrases[i];
            out->class_index[row] = (int32_t)c;
        }
    }
    out->part = (struct mdp_text_part){.n = n,
                                       .prompts = out->prompts,
                                       .class_index = out->class_index,
                                       .n_classes = prompts->n,
                                       .class_names = out->class_names,
                                       .ensemble = prompts->ensemble,
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
    for (size_t c = 0; c < prompts->n && st == MDP_OK; c++) {
        const struct mdp_prompt_class *class = &prompts->classes[c];
        st = mdp_model_embed_texts(model, class->phrases, class->n, threads, out->embeddings + row * d,
                                   out->norms + row, err);
        if (st != MDP_OK)
            mdp_fail_at(err, st, "prompt set %s: class '%.100s'", prompts->name, class->name);
        row += class->n;
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
    free(out->class_names);
    *out = (struct mdp_prompt_embeddings){0};
}
