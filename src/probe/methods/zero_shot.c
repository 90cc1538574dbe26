/* SPDX-License-Identifier: BSD-3-Clause */
/* Zero-shot: the prompts of a class against the picture, by the store's own ensemble rule and similarity.

   Letters: D features, K classes of the labels, P prompts; x unit embedding of a picture, t_p of a prompt, s logit
   scale, b logit bias. Logit of class k over its prompts p:

       mean-logits     mean_p (s x.t_p + b)                              MedCLIP with ensemble=True
       max-logits      max_p (s x.t_p + b)                               MedCLIP with ensemble=False
       mean-embedding  s x.u_k + b, u_k = mean_p t_p at unit length      CLIP, open_clip

   Scores: softmax over the classes, or a sigmoid of each where the store says so. */
#include "base/exchange/zero_shot_rules.h"
#include "base/memory.h"
#include "base/names.h"
#include "probe/method.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The prompts that belong to a class of the labels. */
struct class_prompts {
    size_t n;
    double *text;  /* [n, D]: unit vectors, or one vector a class where the rule averages first */
    size_t *class; /* [n]: index of the label's class, ascending */
};

static void class_prompts_release(struct class_prompts *p)
{
    free(p->text);
    free(p->class);
}

/* The class of the labels that a prompt is for; K for prompts of other classes. */
static size_t class_of(const struct mdp_store_info *info, size_t prompt)
{
    return mdp_name_index(info->text_class_names[info->prompt_class[prompt]], info->class_names,
                          info->n_classes);
}

static mdp_status zero_shot_check(const struct mdp_store_info *info, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    if (mdp_name_index(info->similarity, mdp_similarity_names, MDP_SIMILARITY_COUNT) == MDP_SIMILARITY_COUNT)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "%s: zero-shot with similarity '%s' (%s)", info->path,
                        info->similarity,
                        mdp_name_hint(info->similarity, mdp_similarity_names, MDP_SIMILARITY_COUNT).text);
    bool *found = mdp_new_array(info->n_classes + 1, sizeof *found, err, &st);
    for (size_t p = 0; p < info->n_prompts && st == MDP_OK; p++)
        found[class_of(info, p)] = true;
    for (size_t k = 0; k < info->n_classes && st == MDP_OK; k++)
        if (!found[k])
            st = mdp_fail(err, MDP_ERR_MISSING,
                          "%s: class '%s' has no prompts (name it in the prompt set and extract anew; "
                          "--method %s goes without)",
                          info->path, info->class_names[k], mdp_method_without_text()->name);
    free(found);
    return st;
}

static mdp_status gather_prompts(const struct mdp_store_info *info, struct class_prompts *out,
                                 struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t d = info->d;

    *out = (struct class_prompts){0};
    out->text = mdp_new_array(info->n_prompts * d, sizeof *out->text, err, &st);
    out->class = mdp_new_array(info->n_prompts, sizeof *out->class, err, &st);
    for (size_t k = 0; k < info->n_classes && st == MDP_OK; k++)
        for (size_t p = 0; p < info->n_prompts; p++) {
            if (class_of(info, p) != k)
                continue;
            for (size_t j = 0; j < d; j++)
                out->text[out->n * d + j] = (double)info->text[p * d + j];
            out->class[out->n++] = k;
        }
    return st;
}

/* One vector a class: the mean of its prompts, of unit length when `unit`. */
static void average_prompts(size_t d, bool unit, struct class_prompts *p)
{
    size_t made = 0;

    for (size_t first = 0, next; first < p->n; first = next, made++) {
        double *mean = p->text + made * d, length = 0.0;
        for (next = first + 1; next < p->n && p->class[next] == p->class[first]; next++)
            ;
        if (made != first)
            memcpy(mean, p->text + first * d, d * sizeof *mean);
        for (size_t i = first + 1; i < next; i++)
            for (size_t j = 0; j < d; j++)
                mean[j] += p->text[i * d + j];
        for (size_t j = 0; j < d; j++) {
            mean[j] /= (double)(next - first);
            length += mean[j] * mean[j];
        }
        for (size_t j = 0; j < d && unit && length > 0; j++)
            mean[j] /= sqrt(length);
        p->class[made] = p->class[first];
    }
    p->n = made;
}

/* Softmax over row[k], or a sigmoid of each. */
static void turn_into_scores(double row[], size_t k, bool sigmoid)
{
    double largest = row[0], sum = 0.0;

    for (size_t c = 1; c < k; c++)
        largest = fmax(largest, row[c]);
    for (size_t c = 0; c < k; c++)
        sum += row[c] = sigmoid ? 1.0 / (1.0 + exp(-row[c])) : exp(row[c] - largest);
    for (size_t c = 0; c < k && !sigmoid; c++)
        row[c] /= sum;
}

static void score_row(const struct mdp_store_info *info, const struct class_prompts *p, bool sigmoid,
                      const double cosines[], double row[])
{
    for (size_t c = 0; c < info->n_classes; c++)
        row[c] = -INFINITY;
    for (size_t i = 0; i < p->n; i++)
        row[p->class[i]] = fmax(row[p->class[i]], info->logit_scale * cosines[i] + info->logit_bias);
    turn_into_scores(row, info->n_classes, sigmoid);
}

static mdp_status zero_shot_run(const struct mdp_method *method, const struct mdp_probe_data *data,
                                const struct mdp_draw *draw, const struct mdp_method_options *options,
                                struct mdp_outcome *outcome, struct mdp_error *err)
{
    const struct mdp_store_info *info = data->info;
    const size_t ensemble = mdp_name_index(info->ensemble, mdp_ensemble_names, MDP_ENSEMBLE_COUNT);
    const bool sigmoid = strcmp(info->similarity, mdp_similarity_names[MDP_SIMILARITY_SIGMOID]) == 0;
    size_t n = draw->n_query, *slots = NULL;
    struct class_prompts prompts;
    double *cosines = NULL, *none = NULL;

    (void)method;
    (void)options;
    *outcome = (struct mdp_outcome){.c = {.c = NAN}};
    mdp_status st = gather_prompts(info, &prompts, err);
    if (st != MDP_OK)
        goto out;
    if (ensemble != MDP_ENSEMBLE_MAX_LOGITS)
        average_prompts(info->d, ensemble == MDP_ENSEMBLE_MEAN_EMBEDDING, &prompts);
    slots = mdp_new_array(n, sizeof *slots, err, &st);
    none = mdp_new_array(prompts.n, sizeof *none, err, &st);
    cosines = mdp_new_array(n * prompts.n, sizeof *cosines, err, &st);
    outcome->scores = mdp_new_array(n * info->n_classes, sizeof *outcome->scores, err, &st);
    for (size_t i = 0; i < n && st == MDP_OK; i++)
        slots[i] = data->slot[draw->query[i]];
    if (st == MDP_OK)
        st = mdp_linear_logits(data->x, slots, n, info->d, prompts.text, none, prompts.n, cosines, err);
    for (size_t i = 0; i < n && st == MDP_OK; i++)
        score_row(info, &prompts, sigmoid, cosines + i * prompts.n, outcome->scores + i * info->n_classes);
out:
    free(slots);
    free(cosines);
    free(none);
    class_prompts_release(&prompts);
    if (st != MDP_OK)
        mdp_outcome_release(outcome);
    return st;
}

const struct mdp_method mdp_zero_shot = {
    .name = "zero-shot",
    .in_default = true,
    .summary = "the store's prompts, no training",
    .sentence = "Zero-shot scores pictures by the prompts of each class, without any labelled picture",
    .needs_text = true,
    .check = zero_shot_check,
    .run = zero_shot_run,
};
