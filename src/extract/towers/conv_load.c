/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/conv_load.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* --- batch norms --- */

/* y = gain x + bias, both [n]; still in double. */
struct affine {
    double *gain, *bias;
};

static void release_affine(struct affine *a)
{
    free(a->gain);
    free(a->bias);
    *a = (struct affine){0};
}

static mdp_status load_affine(const struct mdp_layer_source *source, const char *name, size_t n, double eps,
                              struct affine *a, struct mdp_error *err)
{
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    float *value[MDP_COUNT(parts)] = {NULL};
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < MDP_COUNT(parts) && st == MDP_OK; i++)
        st = mdp_tensor_load(source, &value[i], 1, &n, err, "%s.%s", name, parts[i]);
    if (st == MDP_OK)
        a->gain = mdp_new_array(n, sizeof *a->gain, err, &st);
    if (st == MDP_OK)
        a->bias = mdp_new_array(n, sizeof *a->bias, err, &st);
    for (size_t i = 0; i < n && st == MDP_OK; i++) {
        a->gain[i] = (double)value[0][i] / sqrt((double)value[3][i] + eps);
        a->bias[i] = (double)value[1][i] - a->gain[i] * (double)value[2][i];
    }
    for (size_t i = 0; i < MDP_COUNT(parts); i++)
        free(value[i]);
    if (st != MDP_OK)
        release_affine(a);
    return st;
}

mdp_status mdp_batch_norm_load(const struct mdp_layer_source *source, const char *name, size_t columns,
                               double eps, struct mdp_norm *norm, struct mdp_error *err)
{
    struct affine a = {0};
    mdp_status st = load_affine(source, name, columns, eps, &a, err);

    if (st == MDP_OK)
        norm->gain = mdp_new_array(columns, sizeof *norm->gain, err, &st);
    if (st == MDP_OK)
        norm->bias = mdp_new_array(columns, sizeof *norm->bias, err, &st);
    for (size_t i = 0; i < columns && st == MDP_OK; i++) {
        norm->gain[i] = (float)a.gain[i];
        norm->bias[i] = (float)a.bias[i];
    }
    release_affine(&a);
    return st;
}

/* --- convolutions --- */

/* weight[out, depth] and bias[out] of a convolution with its norm folded in. */
struct folded {
    float *weight, *bias;
};

static void fold(const struct affine *a, size_t out, size_t depth, struct folded *f)
{
    for (size_t o = 0; o < out; o++) {
        for (size_t i = 0; i < depth; i++)
            f->weight[o * depth + i] = (float)((double)f->weight[o * depth + i] * a->gain[o]);
        f->bias[o] = (float)((double)f->bias[o] * a->gain[o] + a->bias[o]);
    }
}

static mdp_status load_folded(const struct mdp_layer_source *source, const struct mdp_conv_names *names,
                              const size_t shape[4], struct folded *f, struct mdp_error *err)
{
    struct affine a = {0};
    mdp_status st = mdp_tensor_load(source, &f->weight, 4, shape, err, "%s.weight", names->conv);

    if (st == MDP_OK && names->bias)
        st = mdp_tensor_load(source, &f->bias, 1, shape, err, "%s.bias", names->conv);
    else if (st == MDP_OK)
        f->bias = mdp_new_array(shape[0], sizeof *f->bias, err, &st);
    if (st == MDP_OK && names->norm)
        st = load_affine(source, names->norm, shape[0], names->eps, &a, err);
    if (st == MDP_OK && names->norm)
        fold(&a, shape[0], shape[1] * shape[2] * shape[3], f);
    release_affine(&a);
    return st;
}

mdp_status mdp_conv_load(const struct mdp_layer_source *source, const struct mdp_conv_names *names,
                         struct mdp_conv *conv, struct mdp_error *err)
{
    const size_t side = conv->window.side, shape[] = {conv->out, conv->channels, side, side};
    struct folded f = {0};
    mdp_status st = load_folded(source, names, shape, &f, err);

    if (st == MDP_OK)
        st = mdp_conv_init(conv, f.weight, f.bias, err);
    free(f.weight);
    free(f.bias);
    return st;
}

mdp_status mdp_depthwise_load(const struct mdp_layer_source *source, const struct mdp_conv_names *names,
                              struct mdp_depthwise *conv, struct mdp_error *err)
{
    const size_t side = conv->window.side, shape[] = {conv->channels, 1, side, side};
    struct folded f = {0};
    mdp_status st = load_folded(source, names, shape, &f, err);

    if (st == MDP_OK)
        st = mdp_depthwise_init(conv, f.weight, f.bias, err);
    free(f.weight);
    free(f.bias);
    return st;
}
