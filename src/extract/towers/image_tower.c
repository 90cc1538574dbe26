/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/image_tower.h"

#include "base/memory.h"
#include "base/names.h"
#include "base/numbers/blas.h"
#include "base/text.h"
#include "extract/kernels/kernels.h"
#include "extract/towers/image_family.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct mdp_image_family *const families[] = {
    &mdp_swin_family,
};

enum { FAMILY_COUNT = sizeof families / sizeof families[0] };

static mdp_status find_family(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                              const struct mdp_image_family **family, struct mdp_error *err)
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
    return mdp_yaml_fail(doc, mdp_yaml_find(node, "family"), err, "no family of image towers '%s' (%s)",
                         wanted, mdp_name_hint(wanted, names, FAMILY_COUNT).text);
}

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

mdp_status mdp_image_tower_new(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                               const struct mdp_weights *weights, struct mdp_image_tower **tower,
                               struct mdp_error *err)
{
    const struct mdp_image_family *family = NULL;
    mdp_status st = find_family(doc, node, &family, err);

    *tower = NULL;
    if (st != MDP_OK)
        return st;
    struct mdp_image_tower *t = mdp_new_array(1, sizeof *t, err, &st);
    if (!t)
        return st;
    t->family = family;
    st = name_kernel(t->kernel, sizeof t->kernel, err);
    if (st == MDP_OK)
        st = family->load(doc, node, weights, t, err);
    if (st != MDP_OK) {
        mdp_image_tower_free(t);
        return st;
    }
    *tower = t;
    return MDP_OK;
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
    return tower->width;
}

size_t mdp_image_tower_input_size(const struct mdp_image_tower *tower)
{
    return tower->input_size;
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
    tower->family->run(tower->model, input, scratch, features, tap, tap_context);
    for (size_t i = 0; i < tower->width; i++)
        if (!isfinite(features[i]))
            return mdp_fail(err, MDP_ERR_VALUE, "the tower's output is not finite (value %zu of %zu)", i,
                            tower->width);
    return MDP_OK;
}
