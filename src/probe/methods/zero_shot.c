/* SPDX-License-Identifier: BSD-3-Clause */
/* Zero-shot: the prompts of a class against the picture, by the store's own ensemble rule and similarity.

   Letters: D features, Q vectors a picture, K classes of the labels, P prompts; x unit embedding of a picture, t_p of a
   prompt, |t_p| the length it had; s logit scale, b logit bias. Logit of a class over its prompts p:

       mean-logits     mean_p (s x.t_p + b)                                 MedCLIP with ensemble=True
       max-logits      max_p (s x.t_p + b)                                  MedCLIP with ensemble=False, GLoRIA
       mean-embedding  s x.u + b, u = mean_p t_p at unit length             CLIP, open_clip, CheXzero
       mean-raw        s x.u + b, u = mean_p |t_p| t_p at unit length       CXR-BERT, BioViL

   With max-query x.t is the largest over the picture's Q vectors (BLIP-2). Scores from the logits z: softmax over the
   classes; sigmoid: of each alone; pairs: of each class e^z / (e^z + e^z'), z' the logit over the prompts that say it
   is absent (CheXzero) - where no prompt says so, two classes are each other's absence. */
#include "base/exchange/zero_shot_rules.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/try.h"
#include "probe/method.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The prompts that belong to a class of the labels. */
struct class_prompts {
    size_t n;
    double *text;   /* [n, D]: unit vectors, or one vector a group where the rule averages first */
    double *length; /* [n]: |t_p| */
    size_t *group;  /* [n], ascending: the label's class; K more for prompts that say it is absent */
};

static void class_prompts_release(struct class_prompts *p)
{
    free(p->text);
    free(p->length);
    free(p->group);
}

/* Groups of prompts: the classes, and again as many where there are prompts of their absence. */
static size_t group_count(const struct mdp_store_info *info)
{
    return info->prompt_negative ? 2 * info->n_classes : info->n_classes;
}

/* The group of a prompt; group_count for prompts of classes that no label has. */
static size_t group_of(const struct mdp_store_info *info, size_t prompt)
{
    const size_t k = info->n_classes,
                 class =
                     mdp_name_index(info->text_class_names[info->prompt_class[prompt]], info->class_names, k);

    if (class == k)
        return group_count(info);
    return class + (info->prompt_negative && info->prompt_negative[prompt] ? k : 0);
}

static size_t similarity_of(const struct mdp_store_info *info)
{
    return mdp_name_index(info->similarity, mdp_similarity_names, MDP_SIMILARITY_COUNT);
}

/* --- check --- */

static mdp_status check_groups(const struct mdp_store_info *info, const bool found[], bool pairs,
                               struct mdp_error *err)
{
    const size_t k = info->n_classes;

    for (size_t c = 0; c < k; c++) {
        if (!found[c])
            return mdp_fail(err, MDP_ERR_MISSING,
                            "%s: class '%s' has no prompts (name it in the prompt set and extract anew; "
                            "--method %s goes without)",
                            info->path, info->class_names[c], mdp_method_without_text()->name);
        if (pairs && info->prompt_negative && !found[k + c])
            return mdp_fail(err, MDP_ERR_MISSING,
                            "%s: class '%s' has no prompts that say it is absent, which pairs need "
                            "(negatives of the prompt set)",
                            info->path, info->class_names[c]);
    }
    return MDP_OK;
}

static mdp_status zero_shot_check(const struct mdp_store_info *info, struct mdp_error *err)
{
    const size_t similarity = similarity_of(info);
    mdp_status st = MDP_OK;

    if (similarity == MDP_SIMILARITY_COUNT)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "%s: zero-shot with similarity '%s' (%s)", info->path,
                        info->similarity,
                        mdp_name_hint(info->similarity, mdp_similarity_names, MDP_SIMILARITY_COUNT).text);
    if (similarity == MDP_SIMILARITY_MAX_QUERY && info->n_queries == 0)
        return mdp_fail(err, MDP_ERR_MISSING,
                        "%s: similarity is max-query, but there are no /query_embeddings", info->path);
    if (similarity == MDP_SIMILARITY_PAIRS && !info->prompt_negative && info->n_classes != 2)
        return mdp_fail(err, MDP_ERR_MISSING,
                        "%s: similarity is pairs and no prompt says that a class is absent: only two classes "
                        "are each other's absence, here are %zu (negatives of the prompt set)",
                        info->path, info->n_classes);
    if (similarity != MDP_SIMILARITY_PAIRS && info->prompt_negative)
        return mdp_fail(err, MDP_ERR_UNSUPPORTED,
                        "%s: prompts that say a class is absent belong to similarity pairs, not %s",
                        info->path, info->similarity);
    bool *found = mdp_new_array(group_count(info) + 1, sizeof *found, err, &st);
    for (size_t p = 0; p < info->n_prompts && st == MDP_OK; p++)
        found[group_of(info, p)] = true;
    if (st == MDP_OK)
        st = check_groups(info, found, similarity == MDP_SIMILARITY_PAIRS, err);
    free(found);
    return st;
}

/* --- prompts --- */

static mdp_status gather_prompts(const struct mdp_store_info *info, struct class_prompts *out,
                                 struct mdp_error *err)
{
    const size_t d = info->d, groups = group_count(info);
    mdp_status st = MDP_OK;

    *out = (struct class_prompts){0};
    out->text = mdp_new_array(info->n_prompts * d, sizeof *out->text, err, &st);
    out->length = mdp_new_array(info->n_prompts, sizeof *out->length, err, &st);
    out->group = mdp_new_array(info->n_prompts, sizeof *out->group, err, &st);
    for (size_t g = 0; g < groups && st == MDP_OK; g++)
        for (size_t p = 0; p < info->n_prompts; p++) {
            if (group_of(info, p) != g)
                continue;
            for (size_t j = 0; j < d; j++)
                out->text[out->n * d + j] = (double)info->text[p * d + j];
            out->length[out->n] = info->text_norms ? (double)info->text_norms[p] : 1.0;
            out->group[out->n++] = g;
        }
    return st;
}

static void scale_to_length(size_t d, struct class_prompts *p)
{
    for (size_t i = 0; i < p->n; i++)
        for (size_t j = 0; j < d; j++)
            p->text[i * d + j] *= p->length[i];
}

/* One vector a group: the mean of its prompts, of unit length when `unit`. */
static void average_prompts(size_t d, bool unit, struct class_prompts *p)
{
    size_t made = 0;

    for (size_t first = 0, next; first < p->n; first = next, made++) {
        double *mean = p->text + made * d, length = 0.0;
        for (next = first + 1; next < p->n && p->group[next] == p->group[first]; next++)
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
        p->group[made] = p->group[first];
    }
    p->n = made;
}

/* Averages before any picture is looked at, where the rule allows: what is linear in the prompts. */
static void combine_prompts(const struct mdp_store_info *info, size_t ensemble, struct class_prompts *p)
{
    const bool one_vector = similarity_of(info) != MDP_SIMILARITY_MAX_QUERY;

    if (ensemble == MDP_ENSEMBLE_MEAN_RAW)
        scale_to_length(info->d, p);
    if (ensemble == MDP_ENSEMBLE_MEAN_EMBEDDING || ensemble == MDP_ENSEMBLE_MEAN_RAW)
        average_prompts(info->d, true, p);
    else if (ensemble == MDP_ENSEMBLE_MEAN_LOGITS && one_vector)
        average_prompts(info->d, false, p);
}

/* --- cosines[n, prompts] of the query rows --- */

static mdp_status take_cosines(const struct mdp_probe_data *data, const struct mdp_draw *draw,
                               const struct class_prompts *p, double cosines[], struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const size_t n = draw->n_query;
    size_t *slots = mdp_new_array(n, sizeof *slots, err, &st);
    double *none = mdp_new_array(p->n, sizeof *none, err, &st);

    for (size_t i = 0; i < n && st == MDP_OK; i++)
        slots[i] = data->slot[draw->query[i]];
    if (st == MDP_OK)
        st = mdp_linear_logits(data->x, slots, n, data->info->d, p->text, none, p->n, cosines, err);
    free(slots);
    free(none);
    return st;
}

enum { AT_ONCE = 64 }; /* rows */

/* The largest over the vectors of a picture. */
static mdp_status take_largest(const struct mdp_probe_data *data, const struct mdp_draw *draw,
                               const struct class_prompts *p, double cosines[], struct mdp_error *err)
{
    const size_t q = data->info->n_queries, d = data->info->d, most = AT_ONCE * q;
    mdp_status st = MDP_OK;
    size_t floats = 0, products = 0;

    if (!mdp_mul_size(most, d, &floats) || !mdp_mul_size(most, p->n, &products))
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: rows of %zu vectors do not fit into memory",
                        data->info->path, q);
    float *x = mdp_new_array(floats, sizeof *x, err, &st);
    double *z = mdp_new_array(products, sizeof *z, err, &st),
           *none = mdp_new_array(p->n, sizeof *none, err, &st);
    for (size_t first = 0; first < draw->n_query && st == MDP_OK; first += AT_ONCE) {
        const size_t left = draw->n_query - first, n = left < AT_ONCE ? left : AT_ONCE;
        st = mdp_store_queries(data->store, draw->query + first, n, x, err);
        if (st == MDP_OK)
            st = mdp_linear_logits(x, NULL, n * q, d, p->text, none, p->n, z, err);
        for (size_t i = 0; i < n * p->n && st == MDP_OK; i++) {
            double *largest = &cosines[first * p->n + i];
            *largest = -INFINITY;
            for (size_t v = 0; v < q; v++)
                *largest = fmax(*largest, z[(i / p->n * q + v) * p->n + i % p->n]);
        }
    }
    free(x);
    free(z);
    free(none);
    return st;
}

/* --- scores --- */

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

/* logits[groups] of one picture: the mean or the largest over what is left of each group's prompts. */
static void combine_logits(const struct mdp_store_info *info, const struct class_prompts *p, bool largest,
                           const double cosines[], double logits[])
{
    for (size_t first = 0, next; first < p->n; first = next) {
        double z = largest ? -INFINITY : 0.0;
        for (next = first; next < p->n && p->group[next] == p->group[first]; next++) {
            double one = info->logit_scale * cosines[next] + info->logit_bias;
            z = largest ? fmax(z, one) : z + one;
        }
        logits[p->group[first]] = largest ? z : z / (double)(next - first);
    }
}

/* row[K] of logits[groups]. */
static void score_row(const struct mdp_store_info *info, const double logits[], double row[])
{
    const size_t k = info->n_classes;
    const bool negative = info->prompt_negative;

    for (size_t c = 0; c < k; c++)
        row[c] = negative ? logits[c] - logits[k + c] : logits[c];
    turn_into_scores(row, k, negative || similarity_of(info) == MDP_SIMILARITY_SIGMOID);
}

static mdp_status zero_shot_run(const struct mdp_method *method, const struct mdp_probe_data *data,
                                const struct mdp_draw *draw, const struct mdp_method_options *options,
                                struct mdp_outcome *outcome, struct mdp_error *err)
{
    const struct mdp_store_info *info = data->info;
    const size_t ensemble = mdp_name_index(info->ensemble, mdp_ensemble_names, MDP_ENSEMBLE_COUNT);
    const size_t n = draw->n_query, k = info->n_classes;
    struct class_prompts prompts;
    double *cosines = NULL, *logits = NULL;

    (void)method;
    (void)options;
    *outcome = (struct mdp_outcome){.c = {.c = NAN}};
    mdp_status st = gather_prompts(info, &prompts, err);
    if (st != MDP_OK)
        goto out;
    combine_prompts(info, ensemble, &prompts);
    cosines = mdp_new_array(n * prompts.n, sizeof *cosines, err, &st);
    logits = mdp_new_array(group_count(info), sizeof *logits, err, &st);
    outcome->scores = mdp_new_array(n * k, sizeof *outcome->scores, err, &st);
    if (st == MDP_OK)
        st = similarity_of(info) == MDP_SIMILARITY_MAX_QUERY
                 ? take_largest(data, draw, &prompts, cosines, err)
                 : take_cosines(data, draw, &prompts, cosines, err);
    for (size_t i = 0; i < n && st == MDP_OK; i++) {
        combine_logits(info, &prompts, ensemble == MDP_ENSEMBLE_MAX_LOGITS, cosines + i * prompts.n, logits);
        score_row(info, logits, outcome->scores + i * k);
    }
out:
    free(cosines);
    free(logits);
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
