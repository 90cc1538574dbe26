/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/image_tower.h"

#include "base/memory.h"
#include "base/numbers/blas.h"
#include "extract/kernels/kernels.h"
#include "extract/towers/families.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* "avx2", "avx512", or "openblas-" and the core that OpenBLAS has code for. */
static mdp_status name_kernel(char *name, size_t size, struct mdp_error *err)
{
    const struct mdp_kernels *kernels = NULL;
    mdp_status st = mdp_kernels_choose(&kernels, err);

    if (st != MDP_OK)
        return st;
    if (!kernels->by_blas)
        snprintf(name, size, "%s", kernels->name);
    else
        snprintf(name, size, "openblas-%s", mdp_blas_core());
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return MDP_OK;
}

/* A tower without weights. */
static mdp_status tower_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                  struct mdp_image_tower **tower, struct mdp_error *err)
{
    const struct mdp_image_family *family = NULL;
    mdp_status st = mdp_image_family_get(doc, node, &family, err);
    struct mdp_image_tower *t = st == MDP_OK ? mdp_new_array(1, sizeof *t, err, &st) : NULL;

    *tower = NULL;
    if (!t)
        return st;
    t->family = family;
    st = family->from_yaml(doc, node, t, err);
    if (st == MDP_OK)
        *tower = t;
    else
        mdp_image_tower_free(t);
    return st;
}

mdp_status mdp_image_tower_new(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                               const struct mdp_weights *weights, struct mdp_image_tower **tower,
                               struct mdp_error *err)
{
    mdp_status st = tower_from_yaml(doc, node, tower, err);

    if (st == MDP_OK)
        st = name_kernel((*tower)->kernel, sizeof(*tower)->kernel, err);
    if (st == MDP_OK)
        st = (*tower)->family->load((*tower)->model, weights, err);
    if (st != MDP_OK) {
        mdp_image_tower_free(*tower);
        *tower = NULL;
    }
    return st;
}

mdp_status mdp_image_tower_sizes_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                           struct mdp_image_sizes *sizes, struct mdp_error *err)
{
    struct mdp_image_tower *tower = NULL;
    mdp_status st = tower_from_yaml(doc, node, &tower, err);

    *sizes = tower ? tower->sizes : (struct mdp_image_sizes){0};
    mdp_image_tower_free(tower);
    return st;
}

void mdp_image_tower_free(struct mdp_image_tower *tower)
{
    if (!tower)
        return;
    tower->family->free(tower->model);
    free(tower);
}

size_t mdp_image_tower_width(const struct mdp_image_tower *tower)
{
    return tower->sizes.embedding;
}

size_t mdp_image_tower_vectors(const struct mdp_image_tower *tower)
{
    return tower->vectors;
}

size_t mdp_image_tower_input_size(const struct mdp_image_tower *tower)
{
    return tower->sizes.channels * tower->sizes.height * tower->sizes.width;
}

size_t mdp_image_tower_scratch_size(const struct mdp_image_tower *tower)
{
    return tower->scratch_size;
}

const char *mdp_image_tower_kernel(const struct mdp_image_tower *tower)
{
    return tower->kernel;
}

mdp_status mdp_image_tower_run(const struct mdp_image_tower *tower, const float *input, float *scratch,
                               float *features, mdp_tap *tap, void *tap_context, struct mdp_error *err)
{
    const struct mdp_tapped tapped = {tap, tap_context};

    const size_t vectors = tower->vectors ? tower->vectors : 1;

    tower->family->run(tower->model, input, scratch, features, &tapped);
    return mdp_features_check(features, vectors * tower->sizes.embedding, err);
}
