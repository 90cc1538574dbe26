/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/numbers/linalg.h"

#include "base/memory.h"

#include <assert.h>
#include <lapacke.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static int size_to_int(size_t n)
{
    assert(n <= INT_MAX);
    return (int)n;
}

/* The lower triangle of a row-major matrix is the upper one of the same memory read column by column. */
bool mdp_cholesky(size_t n, double *a)
{
    return n == 0 || LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', size_to_int(n), a, size_to_int(n)) == 0;
}

void mdp_cholesky_solve(size_t n, const double *l, size_t rows, double *b)
{
    if (n > 0)
        LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, 'U', size_to_int(n), size_to_int(rows), l, size_to_int(n), b,
                            size_to_int(n));
}

/* X row by row is X^T column by column, so the QR factors of X^T are what is wanted: X^T = Q^T R, Z = R^T. */
mdp_status mdp_lq(size_t n, size_t d, double *x_to_q, double *z, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    int rows = size_to_int(d), columns = size_to_int(n);

    assert(n <= d);
    double *tau = mdp_new_array(n, sizeof *tau, err, &st);
    if (!tau)
        return st;
    int info = n ? LAPACKE_dgeqrf(LAPACK_COL_MAJOR, rows, columns, x_to_q, rows, tau) : 0;
    for (size_t i = 0; i < n; i++) {
        memcpy(z + i * n, x_to_q + i * d, (i + 1) * sizeof *z);
        memset(z + i * n + i + 1, 0, (n - i - 1) * sizeof *z);
    }
    if (info == 0 && n > 0)
        info = LAPACKE_dorgqr(LAPACK_COL_MAJOR, rows, columns, columns, x_to_q, rows, tau);
    free(tau);
    return info == 0 ? MDP_OK
                     : mdp_fail(err, MDP_ERR_VALUE, "orthogonal basis of %zu x %zu values: failed with %d", n,
                                d, info);
}
