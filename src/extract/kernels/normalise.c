/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/kernels/normalise.h"

#include <float.h>
#include <math.h>

mdp_status mdp_l2_normalise(float *v, size_t n, float *norm, struct mdp_error *err)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        if (!isfinite(v[i]))
            return mdp_fail(err, MDP_ERR_VALUE, "the embedding is not finite (value %zu of %zu)", i, n);
        sum += (double)v[i] * (double)v[i];
    }
    const double length = sqrt(sum);
    if (length == 0)
        return mdp_fail(err, MDP_ERR_VALUE, "the embedding is zero and has no direction");
    if (length > (double)FLT_MAX)
        return mdp_fail(err, MDP_ERR_VALUE, "the embedding is longer than float32 can say");
    for (size_t i = 0; i < n; i++)
        v[i] = (float)((double)v[i] / length);
    *norm = (float)length;
    return MDP_OK;
}
