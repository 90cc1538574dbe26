/* SPDX-License-Identifier: BSD-3-Clause */
/* predictions.h5 of a run folder (docs/FORMATS.md): what the probe stage hands to the eval stage. Predictions are written
   and read one at a time, so that memory does not grow with the number of episodes:

       TRY(mdp_predictions_writer_create(path, info, &facts, &writer, err));
       TRY(mdp_predictions_writer_add(writer, &prediction, err));
       TRY(mdp_predictions_writer_commit(writer, err));

       TRY(mdp_predictions_reader_open(path, info, &reader, err));
       for (size_t i = 0; i < mdp_predictions_reader_count(reader); i++)
           TRY(mdp_predictions_reader_at(reader, i, &prediction, err));

   Letters: n query rows, K classes, N rows of the store. */
#ifndef MDP_BASE_PREDICTIONS_H
#define MDP_BASE_PREDICTIONS_H

#include "base/exchange/episode_key.h"

#include "medprobe/store.h"

#include <stdint.h>

/* Scores of one method in one episode. */
struct mdp_prediction {
    char method[64];            /* "zero-shot", "logreg" */
    struct mdp_episode_key key; /* k0/s0 for zero-shot */
    double c;                   /* regularisation, NaN where the method has none */
    size_t n, k;                /* query rows, classes */
    int64_t *rows;              /* [n] */
    double *scores;             /* [n, k]: probabilities */
};

/* Leaves it empty; an empty one is fine. */
void mdp_prediction_release(struct mdp_prediction *prediction);

/* predictions.h5, being written. The file has its name when mdp_predictions_writer_commit succeeds, not before.
   Equal row lists of successive predictions are stored once. */
struct mdp_predictions_writer;

/* How the run was made, so that whoever scores its file again does as it did. */
struct mdp_predictions_facts {
    bool by_patient;    /* false: --group none, patients were not looked at */
    const char *c_rule; /* name of the rule for C; NULL: not said */
    size_t resamples;   /* for the intervals; MDP_RESAMPLES_NOT_SAID */
    bool names_store;   /* read: the file says that its rows are this store's; else that is taken on trust */
};

#define MDP_RESAMPLES_NOT_SAID SIZE_MAX
enum { MDP_MOST_RESAMPLES = 1000000 };

/* Rows and classes of the store `info`. */
mdp_status mdp_predictions_writer_create(const char *path, const struct mdp_store_info *info,
                                         const struct mdp_predictions_facts *facts,
                                         struct mdp_predictions_writer **writer, struct mdp_error *err);
mdp_status mdp_predictions_writer_add(struct mdp_predictions_writer *writer,
                                      const struct mdp_prediction *prediction, struct mdp_error *err);
/* Frees the writer, whatever it returns. */
MDP_MUST_USE mdp_status mdp_predictions_writer_commit(struct mdp_predictions_writer *writer,
                                                      struct mdp_error *err);
/* Gives up: nothing is left of the file. NULL is fine. */
void mdp_predictions_writer_free(struct mdp_predictions_writer *writer);

/* predictions.h5, being read: every group with `rows` and `scores`; those of no shots first, then by method and key. Rows
   outside the store and scores that are not finite are errors. */
struct mdp_predictions_reader;

/* Scores are given in the store's order of classes, whatever their order in the file. MDP_ERR_CHECK when the file names
   another store, MDP_ERR_VALUE when it has scores of another class, or none of one of the store's. A file that does not name
   its classes has them in the store's order. */
mdp_status mdp_predictions_reader_open(const char *path, const struct mdp_store_info *info,
                                       struct mdp_predictions_reader **reader, struct mdp_error *err);
size_t mdp_predictions_reader_count(const struct mdp_predictions_reader *reader);
/* Valid until the reader is closed. */
const struct mdp_predictions_facts *mdp_predictions_reader_facts(const struct mdp_predictions_reader *reader);
/* Prediction i; stays valid until the next call. The signature is that of mdp_prediction_source.get. */
mdp_status mdp_predictions_reader_at(void *reader, size_t i, const struct mdp_prediction **prediction,
                                     struct mdp_error *err);
void mdp_predictions_reader_close(struct mdp_predictions_reader *reader);

#endif
