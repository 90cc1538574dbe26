/* SPDX-License-Identifier: BSD-3-Clause */
/* probes.h5: the fitted weights of a run (docs/FORMATS.md), to be applied to another store.

   Letters: D features, K classes, m = 1 model row for two classes (positive = second class), K for more. */
#ifndef MDP_PROBE_PROBES_FILE_H
#define MDP_PROBE_PROBES_FILE_H

#include "medprobe/status.h"

#include <stddef.h>

struct mdp_probes_writer;

/* model: the name of the model whose embeddings the weights are for. The file has its name when
   mdp_probes_writer_commit succeeds, not before. */
mdp_status mdp_probes_writer_create(const char *path, const char *model, const char *const class_names[],
                                    size_t k, size_t d, struct mdp_probes_writer **writer,
                                    struct mdp_error *err);
/* coef[m, D], intercept[m]; c: NaN for none. */
mdp_status mdp_probes_writer_add(struct mdp_probes_writer *writer, const char *method, const char *group,
                                 const double coef[], const double intercept[], double c,
                                 struct mdp_error *err);
/* Frees the writer, whatever it returns. */
mdp_status mdp_probes_writer_commit(struct mdp_probes_writer *writer, struct mdp_error *err);
void mdp_probes_writer_free(struct mdp_probes_writer *writer);

/* One probe, read back. */
struct mdp_probe_weights {
    size_t k, d, m;
    double *coef, *intercept; /* [m, D], [m] */
    double c;                 /* NaN: not in the file */
    char **class_names;       /* [K] */
};

/* The probe /method/group. Errors name what the file has instead. */
mdp_status mdp_probe_weights_read(const char *path, const char *method, const char *group,
                                  struct mdp_probe_weights *weights, struct mdp_error *err);
void mdp_probe_weights_release(struct mdp_probe_weights *weights);

/* Probabilities scores[n, K] of embeddings x[n, D], as the run gave them. */
mdp_status mdp_probe_weights_apply(const struct mdp_probe_weights *weights, const float x[], size_t n,
                                   double scores[], struct mdp_error *err);

#endif
