/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/prompt_embeddings.h"

#include "base/memory.h"
#include "extract/kernels/normalise.h"

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

/* The batch of one class: features[n, D], not yet of unit length. */
static mdp_status run_class(const struct mdp_prompt_class *class, const struct mdp_tokenizer *tokenizer,
                            const struct mdp_text_tower *tower, size_t threads, float *features,
                            struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t longest = 0;
    int32_t *ids = NULL;
    size_t *lengths = mdp_new_array(class->n, sizeof *lengths, err, &st);

    if (st == MDP_OK)
        st = mdp_tokenize_batch(tokenizer, class->phrases, class->n, &ids, lengths, &longest, err);
    if (st == MDP_OK)
        st = mdp_text_tower_run(tower, ids, lengths, class->n, longest, threads, features, NULL, NULL, err);
    free(ids);
    free(lengths);
    return st;
}

mdp_status mdp_prompt_embeddings_run(struct mdp_prompt_embeddings *out, const struct mdp_prompts *prompts,
                                     const struct mdp_tokenizer *tokenizer,
                                     const struct mdp_text_tower *tower, size_t threads,
                                     struct mdp_error *err)
{
    size_t d = mdp_text_tower_width(tower), row = 0, cells = 0;
    size_t pieces = mdp_tokenizer_vocab_size(tokenizer), known = mdp_text_tower_vocab_size(tower);
    mdp_status st = MDP_OK;

    /* Fewer are allowed: some models round their table up. */
    if (pieces > known)
        return mdp_fail(
            err, MDP_ERR_VALUE,
            "the vocabulary file has %zu pieces, but the text tower %zu (it does not belong to the "
            "weights)",
            pieces, known);
    if (!mdp_mul_size(out->part.n, d, &cells))
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: more prompts than can be embedded", prompts->name);
    out->embeddings = mdp_new_array(cells, sizeof *out->embeddings, err, &st);
    out->norms = mdp_new_array(out->part.n, sizeof *out->norms, err, &st);
    for (size_t c = 0; c < prompts->n && st == MDP_OK; c++) {
        const struct mdp_prompt_class *class = &prompts->classes[c];
        st = run_class(class, tokenizer, tower, threads, out->embeddings + row * d, err);
        for (size_t i = 0; i < class->n && st == MDP_OK; i++, row++) {
            st = mdp_l2_normalise(out->embeddings + row * d, d, &out->norms[row], err);
            if (st != MDP_OK)
                mdp_fail_at(err, st, "prompt set %s: prompt %zu of class '%.100s'", prompts->name, i,
                            class->name);
        }
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
