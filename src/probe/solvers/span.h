/* SPDX-License-Identifier: BSD-3-Clause */
/* Few rows, many features: the optimum of an L2-penalised fit lies in the span of its rows (representer
   theorem), so it is sought there. x_i = Q^T z_i with orthonormal rows of Q; a model row u for z is Q^T u for
   x, of the same norm and with the same logits.

   Letters: n rows, D features, r = min(n, D) coordinates. */
#ifndef MDP_PROBE_SPAN_H
#define MDP_PROBE_SPAN_H

#include "medprobe/status.h"

#include <stddef.h>

struct mdp_span {
    size_t n, d, r;
    double *z;     /* [n, r + 1]: coordinates, then 1 */
    double *basis; /* [r, D]: Q; NULL when r = D: coordinates are the features */
};

/* Of x[n, D]. */
mdp_status mdp_span_init(const float x[], size_t n, size_t d, struct mdp_span *span, struct mdp_error *err);
void mdp_span_release(struct mdp_span *span);

/* coef[m, D] and intercept[m] of the model w[m, r + 1]. */
void mdp_span_lift(const struct mdp_span *span, const double w[], size_t m, double coef[],
                   double intercept[]);

#endif
