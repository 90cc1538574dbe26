/* SPDX-License-Identifier: BSD-3-Clause */
/* probes.h5: the fitted weights of a run (docs/FORMATS.md), to be applied to another store.

   Letters: D features, K classes, m = 1 model row for two classes (positive = second class), K for more. */
#ifndef MDP_PROBE_PROBES_FILE_H
#define MDP_PROBE_PROBES_FILE_H

#include "base/exchange/draws.h"
#include "medprobe/store.h"
#include "probe/linear_scores.h"

struct mdp_probes_writer;

/* Weights for embeddings of this store's model, fitted on its rows; held[n_held]: rows by which C of every probe was chosen (a
   whole val split). Both must outlive the writer. The file has its name when mdp_probes_writer_commit succeeds, not before. */
mdp_status mdp_probes_writer_create(const char *path, const struct mdp_store_info *info, const int64_t held[],
                                    size_t n_held, struct mdp_probes_writer **writer, struct mdp_error *err);
/* coef[m, D], intercept[m], fitted on the support of `draw` (and its val rows, where it has some, looked at); c: NaN for
   none. */
mdp_status mdp_probes_writer_add(struct mdp_probes_writer *writer, const char *method,
                                 const struct mdp_draw *draw, enum mdp_link link, const double coef[],
                                 const double intercept[], double c, struct mdp_error *err);
/* Frees the writer, whatever it returns. */
MDP_MUST_USE mdp_status mdp_probes_writer_commit(struct mdp_probes_writer *writer, struct mdp_error *err);
void mdp_probes_writer_free(struct mdp_probes_writer *writer);

/* One probe, read back. */
struct mdp_probe_weights {
    size_t k, d, m;
    double *coef, *intercept; /* [m, D], [m] */
    double c;                 /* NaN: not in the file */
    enum mdp_link link;
    char **class_names; /* [K] */
    char *
        store_sha256; /* of the store that it learnt from (mdp_store_info.content_hash); "" when not in the file */
    size_t n_seen;
    int64_t *seen; /* [n_seen]: rows of that store that it has learnt from: support, then val; not checked */
    uint8_t *seen_sha256; /* [n_seen, 32]: of the files of their pictures; NULL: not in the file */
};

/* The probe /method/group. Errors name what the file has instead. */
mdp_status mdp_probe_weights_read(const char *path, const char *method, const char *group,
                                  struct mdp_probe_weights *weights, struct mdp_error *err);
void mdp_probe_weights_release(struct mdp_probe_weights *weights);

/* Scores[n, K] of embeddings x[n, D], as the run gave them. */
mdp_status mdp_probe_weights_apply(const struct mdp_probe_weights *weights, const float x[], size_t n,
                                   double scores[], struct mdp_error *err);

#endif
