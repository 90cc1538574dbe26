/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/linear_scores.h"

#include "base/memory.h"
#include "base/names.h"
#include "base/numbers/blas.h"
#include "probe/solvers/logistic.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { LOGIT_ROWS = 128 }; /* rows turned into double at a time */

mdp_status mdp_linear_logits(const float x[], const size_t slots[], size_t n, size_t d, const double coef[],
                             const double intercept[], size_t m, double z[], struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    double *block = mdp_new_array(LOGIT_ROWS * d, sizeof *block, err, &st);

    if (!block)
        return st;
    for (size_t at = 0; at < n; at += LOGIT_ROWS) {
        size_t rows = n - at < LOGIT_ROWS ? n - at : LOGIT_ROWS;
        for (size_t i = 0; i < rows; i++) {
            const float *row = x + (slots ? slots[at + i] : at + i) * d;
            for (size_t j = 0; j < d; j++)
                block[i * d + j] = (double)row[j];
            memcpy(z + (at + i) * m, intercept, m * sizeof *z);
        }
        mdp_blas_dgemm(false, true, rows, m, d, 1.0, block, d, coef, d, 1.0, z + at * m, m);
    }
    free(block);
    return MDP_OK;
}

static void as_they_are(const double z[], size_t n, size_t k, double scores[])
{
    if (k > 2) {
        memcpy(scores, z, n * k * sizeof *scores);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        scores[2 * i] = -z[i];
        scores[2 * i + 1] = z[i];
    }
}

static const char *const names[] = {[MDP_LINK_LOGISTIC] = "logistic", [MDP_LINK_NONE] = "none"};
static void (*const functions[])(const double z[], size_t n, size_t k, double scores[]) = {
    [MDP_LINK_LOGISTIC] = mdp_logistic_probabilities, [MDP_LINK_NONE] = as_they_are};

static_assert(sizeof names / sizeof names[0] == MDP_LINK_COUNT, "a link without a name");
static_assert(sizeof functions / sizeof functions[0] == MDP_LINK_COUNT, "a link without a function");

const char *mdp_link_name(enum mdp_link link)
{
    return names[link];
}

mdp_status mdp_link_find(const char *name, enum mdp_link *link, struct mdp_error *err)
{
    const size_t i = mdp_name_index(name, names, MDP_LINK_COUNT);

    *link = (enum mdp_link)i;
    return i < MDP_LINK_COUNT ? MDP_OK
                              : mdp_fail(err, MDP_ERR_UNSUPPORTED, "link '%s' (%s)", name,
                                         mdp_name_hint(name, names, MDP_LINK_COUNT).text);
}

void mdp_link_scores(enum mdp_link link, const double z[], size_t n, size_t k, double scores[])
{
    functions[link](z, n, k, scores);
}
