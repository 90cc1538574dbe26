/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/solvers/span.h"

#include "base/memory.h"
#include "base/numbers/blas.h"
#include "base/numbers/linalg.h"

#include <stdlib.h>
#include <string.h>

static mdp_status copy_features(const float x[], size_t n, size_t d, struct mdp_span *span,
                                struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t count = 0;

    if (!mdp_mul_size(n, d + 1, &count))
        return mdp_fail(err, MDP_ERR_LIMIT, "%zu rows of %zu values do not fit into memory", n, d);
    span->r = d;
    span->z = mdp_new_array(count, sizeof *span->z, err, &st);
    if (!span->z)
        return st;
    for (size_t i = 0; i < n; i++) {
        double *row = span->z + i * (d + 1);
        for (size_t j = 0; j < d; j++)
            row[j] = (double)x[i * d + j];
        row[d] = 1.0;
    }
    return MDP_OK;
}

static mdp_status find_basis(const float x[], size_t n, size_t d, struct mdp_span *span,
                             struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    double *square = mdp_new_array(n * n, sizeof *square, err, &st);

    span->r = n;
    span->basis = mdp_new_array(n * d, sizeof *span->basis, err, &st);
    span->z = mdp_new_array(n * (n + 1), sizeof *span->z, err, &st);
    if (st != MDP_OK)
        goto out;
    for (size_t i = 0; i < n * d; i++)
        span->basis[i] = (double)x[i];
    st = mdp_lq(n, d, span->basis, square, err);
    if (st != MDP_OK)
        goto out;
    for (size_t i = 0; i < n; i++) {
        memcpy(span->z + i * (n + 1), square + i * n, n * sizeof *square);
        span->z[i * (n + 1) + n] = 1.0;
    }
out:
    free(square);
    return st;
}

mdp_status mdp_span_init(const float x[], size_t n, size_t d, struct mdp_span *span, struct mdp_error *err)
{
    *span = (struct mdp_span){.n = n, .d = d};
    mdp_status st = n < d ? find_basis(x, n, d, span, err) : copy_features(x, n, d, span, err);
    if (st != MDP_OK)
        mdp_span_release(span);
    return st;
}

void mdp_span_release(struct mdp_span *span)
{
    free(span->z);
    free(span->basis);
    *span = (struct mdp_span){0};
}

void mdp_span_lift(const struct mdp_span *span, const double w[], size_t m, double coef[], double intercept[])
{
    size_t q = span->r + 1;

    for (size_t k = 0; k < m; k++)
        intercept[k] = w[k * q + span->r];
    if (span->basis) {
        mdp_blas_dgemm(false, false, m, span->d, span->r, 1.0, w, q, span->basis, span->d, 0.0, coef,
                       span->d);
        return;
    }
    for (size_t k = 0; k < m; k++)
        memcpy(coef + k * span->d, w + k * q, span->d * sizeof *coef);
}
