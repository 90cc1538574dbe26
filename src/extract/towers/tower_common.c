/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/tower_common.h"

#include "base/try.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_PIXELS = 4096, MAX_PATCH = 256, MAX_CHANNELS = 16 };

/* --- pictures and stages --- */

mdp_status mdp_input_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                               struct mdp_image_sizes *input, struct mdp_error *err)
{
    const struct mdp_yaml_node *node = mdp_yaml_find(map, "image_size");

    if (!node || node->kind == MDP_YAML_SCALAR) {
        TRY(mdp_yaml_get_size(doc, map, "image_size", 1, MAX_PIXELS, &input->height, err));
        input->width = input->height;
    } else {
        if (node->kind != MDP_YAML_LIST || node->n != 2)
            return mdp_yaml_fail(doc, node, err, "image_size is no number and no [height, width]");
        TRY(mdp_yaml_to_size(doc, node->values[0], 1, MAX_PIXELS, &input->height, err));
        TRY(mdp_yaml_to_size(doc, node->values[1], 1, MAX_PIXELS, &input->width, err));
    }
    return mdp_yaml_get_size(doc, map, "channels", 1, MAX_CHANNELS, &input->channels, err);
}

mdp_status mdp_stages_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, const char *key,
                                size_t most, size_t *n, size_t values[MDP_MAX_STAGES], struct mdp_error *err)
{
    const struct mdp_yaml_node *list = NULL;

    TRY(mdp_yaml_get(doc, map, key, MDP_YAML_LIST, &list, err));
    if (list->n == 0 || list->n > MDP_MAX_STAGES)
        return mdp_yaml_fail(doc, list, err, "%s has %zu entries (expected 1 to %d, one a stage)", key,
                             list->n, MDP_MAX_STAGES);
    if (*n != 0 && list->n != *n)
        return mdp_yaml_fail(doc, list, err, "%s has %zu entries (expected %zu, as many as depths)", key,
                             list->n, *n);
    *n = list->n;
    for (size_t i = 0; i < list->n; i++)
        TRY(mdp_yaml_to_size(doc, list->values[i], 1, most, &values[i], err));
    return MDP_OK;
}

/* --- patches --- */

mdp_status mdp_patches_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                                 struct mdp_patches *patches, struct mdp_error *err)
{
    struct mdp_image_sizes input = {0};

    TRY(mdp_input_from_yaml(doc, map, &input, err));
    patches->channels = input.channels;
    patches->height = input.height;
    patches->width = input.width;
    return mdp_yaml_get_size(doc, map, "patch_size", 1, MAX_PATCH, &patches->patch, err);
}

size_t mdp_patches_rows(const struct mdp_patches *p)
{
    return (p->height + (p->whole ? 0 : p->patch - 1)) / p->patch;
}

size_t mdp_patches_columns(const struct mdp_patches *p)
{
    return (p->width + (p->whole ? 0 : p->patch - 1)) / p->patch;
}

size_t mdp_patches_values(const struct mdp_patches *p)
{
    return p->channels * p->patch * p->patch;
}

mdp_status mdp_patches_load(const struct mdp_patches *p, const struct mdp_layer_source *source,
                            const char *name, size_t out, bool with_bias, struct mdp_linear *linear,
                            struct mdp_error *err)
{
    const size_t shape[] = {out, p->channels, p->patch, p->patch};
    float *weight = NULL, *bias = NULL;
    mdp_status st = mdp_tensor_load(source, &weight, 4, shape, err, "%s.weight", name);

    if (st == MDP_OK && with_bias)
        st = mdp_tensor_load(source, &bias, 1, shape, err, "%s.bias", name);
    if (st == MDP_OK)
        st = mdp_linear_init(linear, weight, bias, out, mdp_patches_values(p), err);
    free(weight);
    free(bias);
    return st;
}

void mdp_patches_cut(const struct mdp_patches *p, const float *input, size_t row, float *out)
{
    const size_t columns = mdp_patches_columns(p);

    for (size_t x = 0; x < columns; x++)
        for (size_t channel = 0; channel < p->channels; channel++)
            for (size_t py = 0; py < p->patch; py++, out += p->patch) {
                const size_t top = row * p->patch + py, left = x * p->patch;
                const float *from = input + (channel * p->height + top) * p->width + left;
                for (size_t px = 0; px < p->patch; px++)
                    out[px] = top < p->height && left + px < p->width ? from[px] : 0;
            }
}

/* --- taps, results --- */

void mdp_tap_show(const struct mdp_tapped *tapped, const float *values, size_t rows, size_t columns,
                  const char *format, ...)
{
    char name[80];
    va_list arguments;

    if (!tapped->tap)
        return;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    tapped->tap(tapped->context, name, values, rows, columns);
}

mdp_status mdp_features_check(const float *features, size_t n, struct mdp_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(features[i]))
            return mdp_fail(err, MDP_ERR_VALUE, "the tower's output is not finite (value %zu of %zu)", i, n);
    return MDP_OK;
}
