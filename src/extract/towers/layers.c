/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/layers.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 512 };

mdp_status mdp_layer_tensor(const struct mdp_layer_source *source, float **values, size_t rank,
                            const size_t shape[], struct mdp_error *err, const char *format, ...)
{
    const struct mdp_tensor *tensor = NULL;
    char name[NAME_SIZE];
    mdp_status st = MDP_OK;
    va_list arguments;

    const int begin = snprintf(name, sizeof name, "%s", source->prefix);
    if (begin < 0 || (size_t)begin >= sizeof name)
        return mdp_fail(err, MDP_ERR_VALUE, "the prefix of tensor names is longer than %d bytes",
                        NAME_SIZE - 1);
    va_start(arguments, format);
    vsnprintf(name + begin, sizeof name - (size_t)begin, format, arguments);
    va_end(arguments);
    st = mdp_weights_get(source->weights, name, rank, shape, &tensor, err);
    if (st != MDP_OK)
        return st;
    *values = mdp_new_array(tensor->count, sizeof **values, err, &st);
    if (*values)
        mdp_tensor_to_f32(tensor, *values);
    return st;
}

mdp_status mdp_layer_norm_read(const struct mdp_layer_source *source, const char *name, size_t columns,
                               struct mdp_norm *norm, struct mdp_error *err)
{
    const size_t shape[] = {columns};
    mdp_status st = mdp_layer_tensor(source, &norm->gain, 1, shape, err, "%s.weight", name);

    return st != MDP_OK ? st : mdp_layer_tensor(source, &norm->bias, 1, shape, err, "%s.bias", name);
}

void mdp_layer_norm_release(struct mdp_norm *norm)
{
    free(norm->gain);
    free(norm->bias);
    *norm = (struct mdp_norm){0};
}

/* Appends one tensor to stacked[...] at `at`. */
static mdp_status stack_tensor(const struct mdp_layer_source *source, const char *name, const char *part,
                               size_t rank, const size_t shape[], float *stacked, struct mdp_error *err)
{
    float *values = NULL;
    mdp_status st = mdp_layer_tensor(source, &values, rank, shape, err, "%s.%s", name, part);

    if (st == MDP_OK)
        memcpy(stacked, values, shape[0] * (rank == 2 ? shape[1] : 1) * sizeof *values);
    free(values);
    return st;
}

mdp_status mdp_layer_linear_read(const struct mdp_layer_source *source, const char *const names[], size_t n,
                                 size_t out, size_t in, bool with_bias, struct mdp_linear *linear,
                                 struct mdp_error *err)
{
    const size_t shape[] = {out, in};
    mdp_status st = MDP_OK;
    float *weight = mdp_new_array(n * out * in, sizeof *weight, err, &st), *bias = NULL;

    if (!weight || (with_bias && !(bias = mdp_new_array(n * out, sizeof *bias, err, &st))))
        goto out;
    for (size_t i = 0; i < n && st == MDP_OK; i++) {
        st = stack_tensor(source, names[i], "weight", 2, shape, weight + i * out * in, err);
        if (st == MDP_OK && with_bias)
            st = stack_tensor(source, names[i], "bias", 1, shape, bias + i * out, err);
    }
    if (st == MDP_OK)
        st = mdp_linear_init(linear, weight, bias, n * out, in, err);

out:
    free(weight);
    free(bias);
    return st;
}
