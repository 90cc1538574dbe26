/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/text_tower.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "extract/towers/families.h"

#include <assert.h>
#include <stdlib.h>

/* A tower without weights. */
static mdp_status tower_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                  const char *pooling, struct mdp_text_tower **tower, struct mdp_error *err)
{
    const struct mdp_text_family *family = NULL;
    mdp_status st = mdp_text_family_get(doc, node, &family, err);

    *tower = NULL;
    if (st == MDP_OK && pooling && !mdp_yaml_find(node, "pooling"))
        st = mdp_fail(err, MDP_ERR_USAGE, "no text pooling '%s' for this model (its text tower has one way)",
                      pooling);
    struct mdp_text_tower *t = st == MDP_OK ? mdp_new_array(1, sizeof *t, err, &st) : NULL;
    if (!t)
        return st;
    t->family = family;
    t->pooling = pooling;
    st = family->from_yaml(doc, node, t, err);
    if (st == MDP_OK)
        *tower = t;
    else
        mdp_text_tower_free(t);
    return st;
}

mdp_status mdp_text_tower_new(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                              const char *pooling, const struct mdp_weights *weights,
                              struct mdp_text_tower **tower, struct mdp_error *err)
{
    mdp_status st = tower_from_yaml(doc, node, pooling, tower, err);

    if (st == MDP_OK)
        st = (*tower)->family->load((*tower)->model, weights, err);
    if (st != MDP_OK) {
        mdp_text_tower_free(*tower);
        *tower = NULL;
    }
    return st;
}

mdp_status mdp_text_tower_sizes_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                          struct mdp_text_sizes *sizes, struct mdp_error *err)
{
    struct mdp_text_tower *tower = NULL;
    mdp_status st = tower_from_yaml(doc, node, NULL, &tower, err);

    *sizes = tower ? tower->sizes : (struct mdp_text_sizes){0};
    mdp_text_tower_free(tower);
    return st;
}

void mdp_text_tower_free(struct mdp_text_tower *tower)
{
    if (!tower)
        return;
    tower->family->free(tower->model);
    free(tower);
}

size_t mdp_text_tower_width(const struct mdp_text_tower *tower)
{
    return tower->sizes.embedding;
}

const char *mdp_text_tower_pooling(const struct mdp_text_tower *tower)
{
    return tower->pooling;
}

size_t mdp_text_tower_vocab_size(const struct mdp_text_tower *tower)
{
    return tower->sizes.vocab_size;
}

/* One call of mdp_text_tower_run. */
struct batch {
    const struct mdp_text_tower *tower;
    const int32_t *ids;
    const size_t *lengths;
    size_t longest;
    float *scratch;      /* [threads, scratch_size] */
    size_t scratch_size; /* floats, a multiple of a cache line */
    float *features;
    struct mdp_tapped tapped;
};

static mdp_status run_text(void *context, size_t text, size_t worker, struct mdp_error *err)
{
    const struct batch *b = context;
    const size_t width = b->tower->sizes.embedding;
    float *features = b->features + text * width;

    b->tower->family->run(b->tower->model, b->ids + text * b->longest, b->lengths[text], b->longest,
                          b->scratch + worker * b->scratch_size, features, &b->tapped);
    mdp_status st = mdp_features_check(features, width, err);
    return st == MDP_OK ? st : mdp_fail_at(err, st, "text %zu", text + 1);
}

static mdp_status check_batch(const struct mdp_text_tower *tower, const int32_t *ids, const size_t lengths[],
                              size_t texts, size_t longest, struct mdp_error *err)
{
    if (longest > tower->sizes.positions)
        return mdp_fail(err, MDP_ERR_VALUE,
                        "texts of %zu ids, but the text tower has %zu positions (max_length of the tokenizer "
                        "is too large)",
                        longest, tower->sizes.positions);
    for (size_t t = 0; t < texts; t++) {
        assert(lengths[t] >= 1 && lengths[t] <= longest);
        for (size_t i = 0; i < longest; i++) {
            int32_t id = ids[t * longest + i];
            if (id < 0 || (size_t)id >= tower->sizes.vocab_size)
                return mdp_fail(err, MDP_ERR_VALUE,
                                "text %zu: id %d is outside the text tower's vocabulary of %zu (the "
                                "vocabulary file does not belong to the weights)",
                                t + 1, (int)id, tower->sizes.vocab_size);
        }
    }
    return MDP_OK;
}

mdp_status mdp_text_tower_run(const struct mdp_text_tower *tower, const int32_t *ids, const size_t lengths[],
                              size_t texts, size_t longest, size_t threads, float *features, mdp_tap *tap,
                              void *tap_context, struct mdp_error *err)
{
    const size_t line = MDP_ALIGNMENT / sizeof(float);
    size_t size = 0;
    mdp_status st = check_batch(tower, ids, lengths, texts, longest, err);

    if (st != MDP_OK || texts == 0)
        return st;
    if (tap || threads < 1) /* a tap sees one text after the other */
        threads = 1;
    if (threads > texts)
        threads = texts;
    struct batch b = {.tower = tower,
                      .ids = ids,
                      .lengths = lengths,
                      .longest = longest,
                      .features = features,
                      .tapped = {tap, tap_context}};
    b.scratch_size = (tower->family->scratch_size(tower->model, longest) + line - 1) / line * line;
    if (!mdp_mul_size(threads, b.scratch_size, &size))
        return mdp_fail(err, MDP_ERR_MEMORY, "out of memory: %zu texts at a time", threads);
    b.scratch = mdp_new_array(size, sizeof *b.scratch, err, &st);
    if (b.scratch)
        st = mdp_parallel(texts, threads, run_text, &b, err);
    free(b.scratch);
    return st;
}
