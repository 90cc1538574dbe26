/* SPDX-License-Identifier: BSD-3-Clause */
/* From the states of a text to one vector: which blocks' outputs, and which of their positions. What is called `attended`
   here are the positions that are no padding. */
#ifndef MDP_EXTRACT_BERT_POOLING_H
#define MDP_EXTRACT_BERT_POOLING_H

#include <stdbool.h>
#include <stddef.h>

enum mdp_bert_states {
    MDP_BERT_LAST,       /* the last block's */
    MDP_BERT_1_2_LAST,   /* the mean of the first's, the second's and the last's */
    MDP_BERT_LAST_4_SUM, /* the sum of the last four's */
};

enum mdp_bert_over {
    MDP_BERT_FIRST,         /* [CLS] */
    MDP_BERT_END,           /* the last attended position: [SEP] */
    MDP_BERT_MEAN,          /* mean over attended positions */
    MDP_BERT_MEAN_ALL,      /* mean over all, padding included */
    MDP_BERT_SUM_BY_LENGTH, /* sum over attended ones, divided by the number of all */
    MDP_BERT_MAX,           /* largest over attended positions, each value for itself */
};

struct mdp_bert_pooling {
    const char *name; /* in a card and behind --text-pooling */
    enum mdp_bert_states states;
    enum mdp_bert_over over;
    bool dense; /* then tanh(W x + b): BERT's own pooler */
};

enum { MDP_BERT_POOLINGS = 8 };
extern const struct mdp_bert_pooling mdp_bert_poolings[MDP_BERT_POOLINGS];

/* Blocks that a tower has at least. */
size_t mdp_bert_pooling_least_layers(const struct mdp_bert_pooling *pooling);
/* It looks at padding: the states of padding have to be made. */
bool mdp_bert_pooling_needs_padding(const struct mdp_bert_pooling *pooling);

/* sum[C] is 0 at first, and takes the outputs x[rows, C] of block `layer` of `layers`, in order; `attended` rows are no
   padding, `longest` positions a padded text has (rows may be fewer where no padding is looked at). */
void mdp_bert_pooling_add(const struct mdp_bert_pooling *pooling, size_t layer, size_t layers, const float *x,
                          size_t attended, size_t longest, size_t width, double sum[]);
/* sum[C] -> pooled[C] */
void mdp_bert_pooling_end(const struct mdp_bert_pooling *pooling, const double sum[], size_t width,
                          float pooled[]);

#endif
