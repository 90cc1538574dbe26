/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/model/model_similarity.h"

#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"

#include <math.h>

/* --- the sections --- */

/* `clamp: [least, most]`, which may be missing. */
static mdp_status read_clamp(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                             struct mdp_model_similarity *s, struct mdp_error *err)
{
    const struct mdp_yaml_node *clamp = mdp_yaml_find(map, "clamp");

    if (!clamp)
        return MDP_OK;
    if (clamp->kind != MDP_YAML_LIST || clamp->n != 2)
        return mdp_yaml_fail(doc, clamp, err, "clamp: expected a list of two numbers");
    s->clamps = true;
    TRY(mdp_yaml_to_double(doc, clamp->values[0], &s->least, err));
    return mdp_yaml_to_double(doc, clamp->values[1], &s->most, err);
}

/* `logit_scale` and what becomes of its value; without it the cosine is the logit. */
static mdp_status read_scale(const struct mdp_yaml *doc, const struct mdp_yaml_node *map,
                             struct mdp_model_similarity *s, struct mdp_error *err)
{
    static const char *const transforms[MDP_SCALE_COUNT] = {"exp", "reciprocal", "identity"};
    size_t transform = 0;

    TRY(mdp_yaml_optional_string(doc, map, "logit_scale", &s->logit_scale, err));
    for (size_t i = 0; i < 2 && !s->logit_scale; i++) {
        const char *key = i ? "clamp" : "transform";
        if (mdp_yaml_find(map, key))
            return mdp_yaml_fail(doc, mdp_yaml_find(map, key), err,
                                 "%s: without logit_scale it means nothing", key);
    }
    if (!s->logit_scale)
        return MDP_OK;
    TRY(read_clamp(doc, map, s, err));
    TRY(mdp_yaml_get_choice(doc, map, "transform", "transform of a logit scale", transforms, MDP_SCALE_COUNT,
                            &transform, err));
    s->transform = (enum mdp_scale_transform)transform;
    return MDP_OK;
}

mdp_status mdp_model_similarity_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *root,
                                          struct mdp_model_similarity *s, struct mdp_error *err)
{
    static const char *const keys[] = {"kind", "logit_scale", "clamp", "transform", "logit_bias"};
    const struct mdp_yaml_node *map = NULL;
    size_t kind = 0;

    TRY(mdp_yaml_optional_map(doc, root, "similarity", &map, err));
    *s = (struct mdp_model_similarity){.given = map};
    if (!map)
        return MDP_OK;
    TRY(mdp_yaml_known_keys(doc, map, keys, MDP_COUNT(keys), err));
    if (mdp_yaml_find(map, "kind"))
        TRY(mdp_yaml_get_choice(doc, map, "kind", "similarity", mdp_similarity_names, MDP_SIMILARITY_COUNT,
                                &kind, err));
    s->kind = (enum mdp_similarity)kind;
    TRY(read_scale(doc, map, s, err));
    TRY(mdp_yaml_optional_string(doc, map, "logit_bias", &s->logit_bias, err));
    if (s->logit_bias && s->kind != MDP_SIMILARITY_SIGMOID)
        return mdp_yaml_fail(doc, mdp_yaml_find(map, "logit_bias"), err,
                             "logit_bias: changes nothing with kind %s, only with sigmoid",
                             mdp_similarity_names[s->kind]);
    return MDP_OK;
}

mdp_status mdp_model_zero_shot_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *root,
                                         struct mdp_model_zero_shot *z, struct mdp_error *err)
{
    static const char *const keys[] = {"ensemble", "prompts"};
    const struct mdp_yaml_node *map = NULL;
    size_t ensemble = 0;

    TRY(mdp_yaml_optional_map(doc, root, "zero_shot", &map, err));
    *z = (struct mdp_model_zero_shot){0};
    if (!map)
        return MDP_OK;
    TRY(mdp_yaml_known_keys(doc, map, keys, MDP_COUNT(keys), err));
    z->has_ensemble = mdp_yaml_find(map, "ensemble");
    if (z->has_ensemble)
        TRY(mdp_yaml_get_choice(doc, map, "ensemble", "ensemble", mdp_ensemble_names, MDP_ENSEMBLE_COUNT,
                                &ensemble, err));
    z->ensemble = (enum mdp_ensemble)ensemble;
    return mdp_yaml_optional_string(doc, map, "prompts", &z->prompts, err);
}

/* --- logits --- */

static double transformed(double value, enum mdp_scale_transform transform)
{
    switch (transform) {
    case MDP_SCALE_EXP:
        return exp(value);
    case MDP_SCALE_RECIPROCAL:
        return 1 / value;
    case MDP_SCALE_IDENTITY:
    case MDP_SCALE_COUNT:
        break;
    }
    return value;
}

/* The value of a tensor of one element. */
static mdp_status get_scalar(const struct mdp_weights *weights, const char *name, float *value,
                             struct mdp_error *err)
{
    const struct mdp_tensor *t = mdp_weights_find(weights, name);
    const size_t one = 1;

    if (!t)
        return mdp_weights_get(weights, name, 0, NULL, &t, err);
    if (t->count != 1)
        return mdp_weights_get(weights, name, 1, &one, &t, err);
    mdp_tensor_to_f32(t, value);
    return MDP_OK;
}

static mdp_status check_finite(const struct mdp_weights *weights, const char *name, double value,
                               const char *what, struct mdp_error *err)
{
    return isfinite(value) ? MDP_OK
                           : mdp_fail(err, MDP_ERR_FORMAT, "%s: tensor '%s' gives no finite %s",
                                      mdp_weights_path(weights), name, what);
}

mdp_status mdp_model_logits(const struct mdp_model_similarity *s, const struct mdp_weights *weights,
                            struct mdp_logits *logits, struct mdp_error *err)
{
    float value = 0;

    *logits = (struct mdp_logits){.scale = s->given ? 1 : NAN};
    if (s->logit_scale) {
        TRY(get_scalar(weights, s->logit_scale, &value, err));
        TRY(check_finite(weights, s->logit_scale, (double)value, "logit scale", err));
        if (s->clamps) /* in float32, as the models do it */
            value = fminf(fmaxf(value, (float)s->least), (float)s->most);
        logits->scale = transformed((double)value, s->transform);
        TRY(check_finite(weights, s->logit_scale, logits->scale, "logit scale", err));
    }
    if (!s->logit_bias)
        return MDP_OK;
    TRY(get_scalar(weights, s->logit_bias, &value, err));
    logits->bias = (double)value;
    return check_finite(weights, s->logit_bias, logits->bias, "logit bias", err);
}
