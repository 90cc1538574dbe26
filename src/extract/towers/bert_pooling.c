/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/bert_pooling.h"

const struct mdp_bert_pooling mdp_bert_poolings[MDP_BERT_POOLINGS] = {
    {"layers-1-2-last", MDP_BERT_1_2_LAST, MDP_BERT_MEAN_ALL, false},   /* MedCLIP, FLAIR */
    {"pooler", MDP_BERT_LAST, MDP_BERT_FIRST, true},                    /* pooler_output */
    {"class", MDP_BERT_LAST, MDP_BERT_FIRST, false},                    /* last_hidden_state[:, 0] */
    {"end", MDP_BERT_LAST, MDP_BERT_END, false},                        /* CXR-CLIP */
    {"mean", MDP_BERT_LAST, MDP_BERT_MEAN, false},                      /* open_clip's mean_pooler */
    {"mean-all", MDP_BERT_LAST, MDP_BERT_MEAN_ALL, false},              /* last_hidden_state.mean(1) */
    {"max", MDP_BERT_LAST, MDP_BERT_MAX, false},                        /* what max_pooler is meant for */
    {"sum-last-4", MDP_BERT_LAST_4_SUM, MDP_BERT_SUM_BY_LENGTH, false}, /* GLoRIA */
};

size_t mdp_bert_pooling_least_layers(const struct mdp_bert_pooling *pooling)
{
    return pooling->states == MDP_BERT_LAST_4_SUM ? 4 : pooling->states == MDP_BERT_1_2_LAST ? 2 : 1;
}

bool mdp_bert_pooling_needs_padding(const struct mdp_bert_pooling *pooling)
{
    return pooling->over == MDP_BERT_MEAN_ALL;
}

/* How often the outputs of a block count. The second block may be the last: then it counts twice, as hidden_states[2] and
   [-1]. */
static int times_of(const struct mdp_bert_pooling *pooling, size_t layer, size_t layers)
{
    const int last = layer + 1 == layers;

    switch (pooling->states) {
    case MDP_BERT_LAST:
        break;
    case MDP_BERT_1_2_LAST:
        return (layer == 0 || layer == 1) + last;
    case MDP_BERT_LAST_4_SUM:
        return layer + 4 >= layers;
    }
    return last;
}

/* The values x[i * width] of one column, for i in [0, attended) or [0, longest). */
static double column_of(const struct mdp_bert_pooling *pooling, const float *x, size_t attended,
                        size_t longest, size_t width)
{
    const size_t n = pooling->over == MDP_BERT_MEAN_ALL ? longest : attended;
    double sum = 0, largest = (double)x[0];

    switch (pooling->over) {
    case MDP_BERT_FIRST:
        return (double)x[0];
    case MDP_BERT_END:
        return (double)x[(attended - 1) * width];
    case MDP_BERT_MAX:
        for (size_t i = 1; i < n; i++)
            largest = (double)x[i * width] > largest ? (double)x[i * width] : largest;
        return largest;
    case MDP_BERT_MEAN:
    case MDP_BERT_MEAN_ALL:
    case MDP_BERT_SUM_BY_LENGTH:
        break;
    }
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i * width];
    return sum / (double)(pooling->over == MDP_BERT_MEAN ? attended : longest);
}

void mdp_bert_pooling_add(const struct mdp_bert_pooling *pooling, size_t layer, size_t layers, const float *x,
                          size_t attended, size_t longest, size_t width, double sum[])
{
    const int times = times_of(pooling, layer, layers);

    for (size_t k = 0; times > 0 && k < width; k++)
        sum[k] += times * column_of(pooling, x + k, attended, longest, width);
}

void mdp_bert_pooling_end(const struct mdp_bert_pooling *pooling, const double sum[], size_t width,
                          float pooled[])
{
    for (size_t k = 0; k < width; k++)
        pooled[k] = (float)(pooling->states == MDP_BERT_1_2_LAST ? sum[k] / 3 : sum[k]);
}
