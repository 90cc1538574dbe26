/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/head.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/towers/conv_load.h"
#include "extract/towers/scratch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_STEPS = 16 };

/* --- keys --- */

/* Which kind a step is: the one of the three keys that it has. */
static mdp_status read_kind(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_head_step *step, struct mdp_error *err)
{
    static const struct {
        const char *key;
        enum mdp_head_kind kind;
    } kinds[] = {{"linear", MDP_HEAD_LINEAR},
                 {"norm", MDP_HEAD_NORM},
                 {"batch_norm", MDP_HEAD_BATCH_NORM},
                 {"append", MDP_HEAD_APPEND}};
    size_t found = 0;

    for (size_t i = 0; i < MDP_COUNT(kinds); i++) {
        if (!mdp_yaml_find(node, kinds[i].key))
            continue;
        TRY(mdp_yaml_get_string(doc, node, kinds[i].key, &step->name, err));
        step->kind = kinds[i].kind;
        found++;
    }
    return found == 1
               ? MDP_OK
               : mdp_yaml_fail(doc, node, err,
                               "a step of a head has one of linear, norm, batch_norm and append (found %zu)",
                               found);
}

static mdp_status read_linear(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, size_t most,
                              struct mdp_head_step *step, struct mdp_error *err)
{
    static const char *const keys[] = {"linear", "width", "bias", "activation"};
    size_t activation = MDP_ACTIVATION_NONE;

    TRY(mdp_yaml_known_keys(doc, node, keys, MDP_COUNT(keys), err));
    TRY(mdp_yaml_get_size(doc, node, "width", 1, most, &step->out, err));
    step->bias = true;
    TRY(mdp_yaml_optional_bool(doc, node, "bias", &step->bias, err));
    TRY(mdp_yaml_optional_choice(doc, node, "activation", "activation", mdp_activation_names,
                                 MDP_ACTIVATION_COUNT, &activation, err));
    step->activation = (enum mdp_activation)activation;
    return MDP_OK;
}

static mdp_status read_norm(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_head_step *step, struct mdp_error *err)
{
    static const char *const norm_keys[] = {"norm", "eps"}, *batch_keys[] = {"batch_norm", "eps", "relu"};
    double eps = 0;

    TRY(step->kind == MDP_HEAD_NORM ? mdp_yaml_known_keys(doc, node, norm_keys, MDP_COUNT(norm_keys), err)
                                    : mdp_yaml_known_keys(doc, node, batch_keys, MDP_COUNT(batch_keys), err));
    TRY(mdp_yaml_get_double(doc, node, "eps", 1e-30, 1, &eps, err));
    TRY(mdp_yaml_optional_bool(doc, node, "relu", &step->relu, err));
    step->eps = (float)eps;
    step->out = step->in;
    return MDP_OK;
}

static mdp_status read_append(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, size_t most,
                              struct mdp_head_step *step, struct mdp_error *err)
{
    static const char *const keys[] = {"append", "width"};
    size_t width = 0;

    TRY(mdp_yaml_known_keys(doc, node, keys, MDP_COUNT(keys), err));
    TRY(mdp_yaml_get_size(doc, node, "width", 1, most, &width, err));
    step->out = step->in + width;
    return MDP_OK;
}

static mdp_status read_step(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, size_t most,
                            struct mdp_head_step *step, struct mdp_error *err)
{
    TRY(read_kind(doc, node, step, err));
    if (step->kind == MDP_HEAD_LINEAR)
        return read_linear(doc, node, most, step, err);
    if (step->kind == MDP_HEAD_APPEND)
        return read_append(doc, node, most, step, err);
    return read_norm(doc, node, step, err);
}

static mdp_status read_steps(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, size_t most,
                             struct mdp_head *head, struct mdp_error *err)
{
    const struct mdp_yaml_node *list = NULL;
    mdp_status st = MDP_OK;

    TRY(mdp_yaml_get(doc, map, "head", MDP_YAML_LIST, &list, err));
    if (list->n == 0 || list->n > MOST_STEPS)
        return mdp_yaml_fail(doc, list, err, "head has %zu steps (expected 1 to %d)", list->n, MOST_STEPS);
    head->steps = mdp_new_array(list->n, sizeof *head->steps, err, &st);
    TRY(st);
    for (head->n = 0; head->n < list->n; head->n++) {
        struct mdp_head_step *step = &head->steps[head->n];
        const struct mdp_yaml_node *node = list->values[head->n];
        if (node->kind != MDP_YAML_MAP)
            return mdp_yaml_fail(doc, node, err, "a step of a head is a map, as {linear: NAME, width: 512}");
        step->in = head->out;
        TRY(read_step(doc, node, most, step, err));
        head->out = step->out;
        head->widest = step->out > head->widest ? step->out : head->widest;
    }
    return MDP_OK;
}

/* `projection` is one step. */
static mdp_status read_projection(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, size_t most,
                                  struct mdp_head *head, struct mdp_error *err)
{
    static const char *const orders[] = {"output-input", "input-output"};
    mdp_status st = MDP_OK;
    size_t order = 0;

    head->steps = mdp_new_array(1, sizeof *head->steps, err, &st);
    TRY(st);
    head->n = 1;
    struct mdp_head_step *step = head->steps;
    TRY(mdp_yaml_get_string(doc, map, "projection", &step->name, err));
    TRY(mdp_yaml_optional_choice(doc, map, "projection_order", "order of a projection", orders,
                                 MDP_COUNT(orders), &order, err));
    step->kind = MDP_HEAD_MATRIX;
    step->input_first = order == 1;
    step->in = head->out;
    TRY(mdp_yaml_get_size(doc, map, "output_width", 1, most, &step->out, err));
    head->out = head->widest = step->out;
    return MDP_OK;
}

mdp_status mdp_head_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *map, size_t width,
                              size_t most, struct mdp_head *head, struct mdp_error *err)
{
    const struct mdp_yaml_node *output = mdp_yaml_find(map, "output_width"),
                               *order = mdp_yaml_find(map, "projection_order");
    const bool projects = mdp_yaml_find(map, "projection"), steps = mdp_yaml_find(map, "head");
    size_t stated = 0;

    *head = (struct mdp_head){.in = width, .out = width, .widest = width};
    TRY(mdp_kernels_choose(&head->kernels, err));
    if (projects && steps)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "head"), err, "both 'projection' and 'head'");
    if (order && !projects)
        return mdp_yaml_fail(doc, order, err, "'projection_order' without 'projection'");
    if (projects)
        return read_projection(doc, map, most, head, err);
    if (steps)
        TRY(read_steps(doc, map, most, head, err));
    if (!output && !steps)
        return MDP_OK;
    TRY(mdp_yaml_get_size(doc, map, "output_width", 1, most, &stated, err));
    return stated == head->out
               ? MDP_OK
               : mdp_yaml_fail(doc, output, err, "output_width is %zu (expected %zu: %s)", stated, head->out,
                               steps ? "what the head gives" : "there is no projection");
}

/* --- weights --- */

/* <name>.weight[O, I], or [O, I, 1, 1] of a convolution over one pixel. */
static mdp_status load_weight(const struct mdp_layer_source *source, const struct mdp_head_step *step,
                              float **weight, struct mdp_error *err)
{
    const size_t shape[] = {step->out, step->in, 1, 1};
    struct mdp_text name = {0};

    mdp_text_add(&name, "%s.weight", step->name);
    mdp_status st = mdp_text_status(&name, err);
    const struct mdp_tensor *tensor = st == MDP_OK ? mdp_weights_find(source->weights, name.at) : NULL;
    mdp_text_release(&name);
    TRY(st);
    return mdp_tensor_load(source, weight, tensor && tensor->rank == 4 ? 4 : 2, shape, err, "%s.weight",
                           step->name);
}

static mdp_status load_linear(const struct mdp_layer_source *source, struct mdp_head_step *step,
                              struct mdp_error *err)
{
    float *weight = NULL, *bias = NULL;
    mdp_status st = load_weight(source, step, &weight, err);

    if (st == MDP_OK && step->bias)
        st = mdp_tensor_load(source, &bias, 1, &step->out, err, "%s.bias", step->name);
    if (st == MDP_OK)
        st = mdp_linear_init(&step->linear, weight, bias, step->out, step->in, err);
    free(weight);
    free(bias);
    return st;
}

/* weight[in, out] -> [out, in] */
static mdp_status transpose(float **weight, size_t in, size_t out, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    float *turned = mdp_new_array(in * out, sizeof *turned, err, &st);

    for (size_t i = 0; turned && i < in; i++)
        for (size_t o = 0; o < out; o++)
            turned[o * in + i] = (*weight)[i * out + o];
    free(*weight);
    *weight = turned;
    return st;
}

static mdp_status load_matrix(const struct mdp_layer_source *source, struct mdp_head_step *step,
                              struct mdp_error *err)
{
    const size_t shape[] = {step->input_first ? step->in : step->out,
                            step->input_first ? step->out : step->in};
    float *weight = NULL;
    mdp_status st = mdp_tensor_load(source, &weight, 2, shape, err, "%s", step->name);

    if (st == MDP_OK && step->input_first)
        st = transpose(&weight, step->in, step->out, err);
    if (st == MDP_OK)
        st = mdp_linear_init(&step->linear, weight, NULL, step->out, step->in, err);
    free(weight);
    return st;
}

/* Any tensor of so many values, as [1, W, 1, 1]: its shape says nothing. */
static mdp_status load_appended(const struct mdp_layer_source *source, struct mdp_head_step *step,
                                struct mdp_error *err)
{
    const size_t width = step->out - step->in;
    const struct mdp_tensor *tensor = mdp_weights_find(source->weights, step->name);
    const bool fits = tensor && tensor->count == width;

    return mdp_tensor_load(source, &step->norm.bias, fits ? tensor->rank : 1, fits ? tensor->shape : &width,
                           err, "%s", step->name);
}

mdp_status mdp_head_load(struct mdp_head *head, const struct mdp_weights *weights, struct mdp_error *err)
{
    const struct mdp_layer_source source = {weights, ""};

    for (size_t i = 0; i < head->n; i++) {
        struct mdp_head_step *step = &head->steps[i];
        switch (step->kind) {
        case MDP_HEAD_LINEAR:
            TRY(load_linear(&source, step, err));
            break;
        case MDP_HEAD_MATRIX:
            TRY(load_matrix(&source, step, err));
            break;
        case MDP_HEAD_NORM:
            TRY(mdp_norm_load(&source, step->name, step->in, &step->norm, err));
            break;
        case MDP_HEAD_BATCH_NORM:
            TRY(mdp_batch_norm_load(&source, step->name, step->in, (double)step->eps, &step->norm, err));
            break;
        case MDP_HEAD_APPEND:
            TRY(load_appended(&source, step, err));
            break;
        }
        step->name = NULL; /* the YAML may be gone when the tower runs */
    }
    return MDP_OK;
}

void mdp_head_release(struct mdp_head *head)
{
    for (size_t i = 0; i < head->n; i++) {
        mdp_linear_release(&head->steps[i].linear);
        mdp_norm_release(&head->steps[i].norm);
    }
    free(head->steps);
    *head = (struct mdp_head){0};
}

/* --- run --- */

size_t mdp_head_scratch_size(const struct mdp_head *head, size_t rows)
{
    struct mdp_scratch s = {0};

    mdp_scratch_take(&s, rows * head->widest);
    mdp_scratch_take(&s, rows * head->widest);
    return s.used;
}

static void run_batch_norm(const struct mdp_head_step *step, const float *x, float *y)
{
    for (size_t i = 0; i < step->in; i++) {
        const float value = x[i] * step->norm.gain[i] + step->norm.bias[i];
        y[i] = step->relu && value < 0 ? 0 : value;
    }
}

static void run_step(const struct mdp_head *head, const struct mdp_head_step *step, const float *x,
                     size_t rows, size_t ldx, float *y)
{
    switch (step->kind) {
    case MDP_HEAD_LINEAR:
    case MDP_HEAD_MATRIX:
        mdp_linear_run(&step->linear, x, rows, ldx, step->activation, NULL, y, step->out);
        break;
    case MDP_HEAD_NORM:
        head->kernels->layer_norm(x, rows, step->in, ldx, step->norm.gain, step->norm.bias, step->eps, y,
                                  step->out);
        break;
    case MDP_HEAD_BATCH_NORM:
        for (size_t r = 0; r < rows; r++)
            run_batch_norm(step, x + r * ldx, y + r * step->out);
        break;
    case MDP_HEAD_APPEND:
        for (size_t r = 0; r < rows; r++) {
            memcpy(y + r * step->out, x + r * ldx, step->in * sizeof *y);
            memcpy(y + r * step->out + step->in, step->norm.bias, (step->out - step->in) * sizeof *y);
        }
        break;
    }
}

void mdp_head_run(const struct mdp_head *head, const float *x, size_t rows, size_t ldx, float *scratch,
                  float *y)
{
    struct mdp_scratch s = {.block = scratch};
    float *const between[] = {mdp_scratch_take(&s, rows * head->widest),
                              mdp_scratch_take(&s, rows * head->widest)};

    assert(x != y);
    for (size_t r = 0; head->n == 0 && r < rows; r++)
        memcpy(y + r * head->out, x + r * ldx, head->out * sizeof *y);
    for (size_t i = 0; i < head->n; i++) {
        float *to = i + 1 == head->n ? y : between[i % 2];
        run_step(head, &head->steps[i], x, rows, ldx, to);
        x = to;
        ldx = head->steps[i].out;
    }
}
