/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/layers.h"

#include "base/memory.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_SIZE = 512 };

static mdp_status find_tensor(const struct mdp_layer_source *source, const struct mdp_tensor **tensor,
                              size_t rank, const size_t shape[], struct mdp_error *err, const char *format,
                              va_list arguments)
{
    char name[NAME_SIZE];
    const int begin = snprintf(name, sizeof name, "%s", source->prefix);

    if (begin < 0 || (size_t)begin >= sizeof name)
        return mdp_fail(err, MDP_ERR_VALUE, "the prefix of tensor names is longer than %d bytes",
                        NAME_SIZE - 1);
    vsnprintf(name + begin, sizeof name - (size_t)begin, format, arguments);
    return mdp_weights_get(source->weights, name, rank, shape, tensor, err);
}

mdp_status mdp_tensor_load(const struct mdp_layer_source *source, float **values, size_t rank,
                           const size_t shape[], struct mdp_error *err, const char *format, ...)
{
    const struct mdp_tensor *tensor = NULL;
    va_list arguments;

    va_start(arguments, format);
    mdp_status st = find_tensor(source, &tensor, rank, shape, err, format, arguments);
    va_end(arguments);
    if (st != MDP_OK)
        return st;
    *values = mdp_new_array(tensor->count, sizeof **values, err, &st);
    if (*values)
        mdp_tensor_to_f32(tensor, *values);
    return st;
}

mdp_status mdp_tensor_find(const struct mdp_layer_source *source, const struct mdp_tensor **tensor,
                           size_t rank, const size_t shape[], struct mdp_error *err, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    mdp_status st = find_tensor(source, tensor, rank, shape, err, format, arguments);
    va_end(arguments);
    return st;
}

mdp_status mdp_table_load(const struct mdp_layer_source *source, const char *name, size_t columns,
                          float **values, size_t *rows, struct mdp_error *err)
{
    char whole[NAME_SIZE];
    mdp_status st = MDP_OK;
    size_t leading = 1;

    snprintf(whole, sizeof whole, "%s%s", source->prefix, name);
    const struct mdp_tensor *tensor = mdp_weights_find(source->weights, whole);
    const size_t rank = tensor ? tensor->rank : 2, shape[] = {1, columns};
    for (size_t i = 0; i + 2 < rank; i++)
        leading *= tensor->shape[i];
    if (!tensor || rank == 0 || leading != 1 || tensor->shape[rank - 1] != columns)
        return mdp_weights_get(source->weights, whole, rank == 1 ? 1 : 2, rank == 1 ? shape + 1 : shape,
                               &tensor, err);
    *rows = rank == 1 ? 1 : tensor->shape[rank - 2];
    *values = mdp_new_array(tensor->count, sizeof **values, err, &st);
    if (*values)
        mdp_tensor_to_f32(tensor, *values);
    return st;
}

mdp_status mdp_norm_load(const struct mdp_layer_source *source, const char *name, size_t columns,
                         struct mdp_norm *norm, struct mdp_error *err)
{
    const size_t shape[] = {columns};
    mdp_status st = mdp_tensor_load(source, &norm->gain, 1, shape, err, "%s.weight", name);

    return st != MDP_OK ? st : mdp_tensor_load(source, &norm->bias, 1, shape, err, "%s.bias", name);
}

void mdp_norm_release(struct mdp_norm *norm)
{
    free(norm->gain);
    free(norm->bias);
    *norm = (struct mdp_norm){0};
}

/* Shapes come from a card, which may ask for anything: the file's tensors are looked at before memory is. */
mdp_status mdp_linear_load(const struct mdp_layer_source *source, const char *const names[], size_t n,
                           size_t out, size_t in, bool with_bias, struct mdp_linear *linear,
                           struct mdp_error *err)
{
    const size_t shape[] = {out, in};
    const struct mdp_tensor *parts[MDP_LAYER_STACK] = {NULL}, *biases[MDP_LAYER_STACK] = {NULL};
    float *weight = NULL, *bias = NULL;
    mdp_status st = MDP_OK;

    assert(n <= MDP_LAYER_STACK);
    for (size_t i = 0; i < n && st == MDP_OK; i++) {
        st = mdp_tensor_find(source, &parts[i], 2, shape, err, "%s.weight", names[i]);
        if (st == MDP_OK && with_bias)
            st = mdp_tensor_find(source, &biases[i], 1, shape, err, "%s.bias", names[i]);
    }
    if (st != MDP_OK || !(weight = mdp_new_array(n * out * in, sizeof *weight, err, &st)) ||
        (with_bias && !(bias = mdp_new_array(n * out, sizeof *bias, err, &st))))
        goto out;
    for (size_t i = 0; i < n; i++) {
        mdp_tensor_to_f32(parts[i], weight + i * out * in);
        if (with_bias)
            mdp_tensor_to_f32(biases[i], bias + i * out);
    }
    st = mdp_linear_init(linear, weight, bias, n * out, in, err);

out:
    free(weight);
    free(bias);
    return st;
}
