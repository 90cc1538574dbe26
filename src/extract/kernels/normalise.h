/* SPDX-License-Identifier: BSD-3-Clause */
/* Unit length. */
#ifndef MDP_EXTRACT_NORMALISE_H
#define MDP_EXTRACT_NORMALISE_H

#include "medprobe/status.h"

#include <stddef.h>

/* v[n] /= its L2 norm (summed in double); *norm is the length before. A vector that has no direction (zero,
   or with a value that is not finite) or a norm above FLT_MAX is MDP_ERR_VALUE and stays as it is. */
mdp_status mdp_l2_normalise(float *v, size_t n, float *norm, struct mdp_error *err);

#endif
