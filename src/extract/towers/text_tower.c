/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/text_tower.h"

#include "base/memory.h"
#include "base/names.h"
#include "base/parallel.h"
#include "base/text.h"
#include "extract/towers/text_family.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct mdp_text_family *const families[] = {
    &mdp_bert_family,
};

enum { FAMILY_COUNT = sizeof families / sizeof *families };

static mdp_status find_family(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                              const struct mdp_text_family **family, struct mdp_error *err)
{
    const char *names[FAMILY_COUNT], *wanted = NULL;
    mdp_status st = mdp_yaml_get_string(doc, node, "family", &wanted, err);

    if (st != MDP_OK)
        return st;
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        names[i] = families[i]->name;
        if (strcmp(wanted, names[i]) == 0) {
            *family = families[i];
            return MDP_OK;
        }
    }
    return mdp_yaml_fail(doc, mdp_yaml_find(node, "family"), err, "no family of text towers '%s' (%s)",
                         wanted, mdp_name_hint(wanted, names, FAMILY_COUNT).text);
}

mdp_status mdp_text_tower_new(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                              const char *pooling, const struct mdp_weights *weights,
                              struct mdp_text_tower **tower, struct mdp_error *err)
{
    const struct mdp_text_family *family = NULL;
    mdp_status st = find_family(doc, node, &family, err);

    *tower = NULL;
    if (st != MDP_OK)
        return st;
    struct mdp_text_tower *t = mdp_new_array(1, sizeof *t, err, &st);
    if (!t)
        return st;
    t->family = family;
    st = family->load(doc, node, pooling, weights, t, err);
    if (st != MDP_OK) {
        mdp_text_tower_free(t);
        return st;
    }
    *tower = t;
    return MDP_OK;
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
    return tower->width;
}

size_t mdp_text_tower_vocab_size(const struct mdp_text_tower *tower)
{
    return tower->vocab_size;
}

const char *mdp_text_tower_pooling(const struct mdp_text_tower *tower)
{
    return tower->pooling;
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
    mdp_tap *tap;
    void *tap_context;
};

static mdp_status run_text(void *context, size_t text, size_t worker, struct mdp_error *err)
{
    const struct batch *b = context;
    const size_t width = b->tower->width;
    float *features = b->features + text * width;

    b->tower->family->run(b->tower->model, b->ids + text * b->longest, b->lengths[text], b->longest,
                          b->scratch + worker * b->scratch_size, features, b->tap, b->tap_context);
    for (size_t i = 0; i < width; i++)
        if (!isfinite(features[i]))
            return mdp_fail(err, MDP_ERR_VALUE,
                            "text %zu: the tower's output is not finite (value %zu of %zu)", text + 1, i,
                            width);
    return MDP_OK;
}

static mdp_status check_batch(const struct mdp_text_tower *tower, const int32_t *ids, const size_t lengths[],
                              size_t texts, size_t longest, struct mdp_error *err)
{
    if (longest > tower->positions)
        return mdp_fail(err, MDP_ERR_VALUE,
                        "texts of %zu ids, but the text tower has %zu positions (max_length of the tokenizer "
                        "is too large)",
                        longest, tower->positions);
    for (size_t t = 0; t < texts; t++) {
        assert(lengths[t] >= 1 && lengths[t] <= longest);
        for (size_t i = 0; i < longest; i++) {
            int32_t id = ids[t * longest + i];
            if (id < 0 || (size_t)id >= tower->vocab_size)
                return mdp_fail(err, MDP_ERR_VALUE,
                                "text %zu: id %d is outside the text tower's vocabulary of %zu (the "
                                "vocabulary file does not belong to the weights)",
                                t + 1, (int)id, tower->vocab_size);
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
                      .tap = tap,
                      .tap_context = tap_context};
    b.scratch_size = (tower->family->scratch_size(tower->model, longest) + line - 1) / line * line;
    if (!mdp_mul_size(threads, b.scratch_size, &size))
        return mdp_fail(err, MDP_ERR_MEMORY, "out of memory: %zu texts at a time", threads);
    b.scratch = mdp_new_array(size, sizeof *b.scratch, err, &st);
    if (b.scratch)
        st = mdp_parallel(texts, threads, run_text, &b, err);
    free(b.scratch);
    return st;
}
