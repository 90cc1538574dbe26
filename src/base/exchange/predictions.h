/* SPDX-License-Identifier: BSD-3-Clause */
/* draws.h5 and predictions.h5 of a run folder (docs/FORMATS.md): what the probe stage hands to the eval
   stage. Predictions are written and read one at a time, so that memory does not grow with the number of
   episodes:

       TRY(mdp_predictions_writer_create(path, class_names, k, &writer, err));
       TRY(mdp_predictions_writer_add(writer, &prediction, err));
       TRY(mdp_predictions_writer_commit(writer, err));

       TRY(mdp_predictions_reader_open(path, n_rows, &reader, err));
       for (size_t i = 0; i < mdp_predictions_reader_count(reader); i++)
           TRY(mdp_predictions_reader_at(reader, i, &prediction, err));

   Letters: n query rows, K classes, N rows of the store. */
#ifndef MDP_BASE_PREDICTIONS_H
#define MDP_BASE_PREDICTIONS_H

#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The rows of one episode. Row numbers of the store; support and val in the order drawn. */
struct mdp_draw {
    char group[128];    /* "k16/s1", or the name of a group in a file given with --draws */
    size_t shots, seed; /* 0 where the group has another name */
    size_t n_support, n_val, n_query;
    bool has_val;                   /* a val set was drawn, though it may be empty */
    int64_t *support, *val, *query; /* [n_*]; a query may be the shared one below */
};

struct mdp_draws {
    size_t n;
    struct mdp_draw *at;   /* [n], by shots then seed; groups with other names after them, by bytes */
    int64_t *shared_query; /* the query rows that several episodes have in common, or NULL */
};

/* Writes the file complete or not at all. */
mdp_status mdp_draws_write(const char *path, const struct mdp_draws *draws, struct mdp_error *err);
/* Every group with `support` and `query` is an episode, however deep; rows outside [0, n_rows), a row twice
   in one list and a file without an episode are errors that name group and row. */
mdp_status mdp_draws_read(const char *path, size_t n_rows, struct mdp_draws *draws, struct mdp_error *err);
void mdp_draws_release(struct mdp_draws *draws);

/* Sorts the episodes as said above. */
void mdp_draws_sort(struct mdp_draws *draws);

/* Shots and seed of a group named "k<shots>/s<seed>"; false, and both 0, for another name. */
bool mdp_draw_group_parse(const char *group, size_t *shots, size_t *seed);

/* Scores of one method in one episode. */
struct mdp_prediction {
    char method[64]; /* "zero-shot", "logreg" */
    char group[128]; /* "k0/s0" for zero-shot */
    size_t shots, seed;
    double c;       /* regularisation, NaN where the method has none */
    size_t n, k;    /* query rows, classes */
    int64_t *rows;  /* [n] */
    double *scores; /* [n, k]: probabilities */
};

/* Predictions that are all in memory. */
struct mdp_predictions {
    size_t n;
    struct mdp_prediction *at; /* [n] */
};

void mdp_prediction_release(struct mdp_prediction *prediction);

/* predictions.h5, being written. The file has its name when mdp_predictions_writer_commit succeeds, not before.
   Equal row lists of successive predictions are stored once. */
struct mdp_predictions_writer;

mdp_status mdp_predictions_writer_create(const char *path, const char *const class_names[], size_t k,
                                         struct mdp_predictions_writer **writer, struct mdp_error *err);
mdp_status mdp_predictions_writer_add(struct mdp_predictions_writer *writer,
                                      const struct mdp_prediction *prediction, struct mdp_error *err);
/* Frees the writer, whatever it returns. */
mdp_status mdp_predictions_writer_commit(struct mdp_predictions_writer *writer, struct mdp_error *err);
/* Gives up: nothing is left of the file. NULL is fine. */
void mdp_predictions_writer_free(struct mdp_predictions_writer *writer);

/* predictions.h5, being read: every group with `rows` and `scores`; zero-shot first, then by method, shots,
   seed and name, groups that are not named by shots and seed last. Rows outside [0, n_rows) and scores that
   are not finite are errors. */
struct mdp_predictions_reader;

mdp_status mdp_predictions_reader_open(const char *path, size_t n_rows,
                                       struct mdp_predictions_reader **reader, struct mdp_error *err);
size_t mdp_predictions_reader_count(const struct mdp_predictions_reader *reader);
/* Prediction i; stays valid until the next call. The signature is that of mdp_prediction_source.get. */
mdp_status mdp_predictions_reader_at(void *reader, size_t i, const struct mdp_prediction **prediction,
                                     struct mdp_error *err);
void mdp_predictions_reader_close(struct mdp_predictions_reader *reader);

#endif
