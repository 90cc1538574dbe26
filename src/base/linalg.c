/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/linalg.h"

#include "base/memory.h"

#include <assert.h>
#include <cblas.h>
#include <lapacke.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static int size_to_int(size_t n)
{
    assert(n <= INT_MAX);
    return (int)n;
}

void mdp_linalg_one_thread(void)
{
    openblas_set_num_threads(1);
}

void mdp_gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, double alpha, const double *a,
              size_t lda, const double *b, size_t ldb, double beta, double *c, size_t ldc)
{
    cblas_dgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                transpose_b ? CblasTrans : CblasNoTrans, size_to_int(m), size_to_int(n), size_to_int(k),
                alpha, a, size_to_int(lda), b, size_to_int(ldb), beta, c, size_to_int(ldc));
}

void mdp_gemv(bool transpose, size_t m, size_t n, double alpha, const double *a, const double *x, double beta,
              double *y)
{
    cblas_dgemv(CblasRowMajor, transpose ? CblasTrans : CblasNoTrans, size_to_int(m), size_to_int(n), alpha,
                a, size_to_int(n), x, 1, beta, y, 1);
}

void mdp_syrk(size_t n, size_t k, double alpha, const double *a, double beta, double *c)
{
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, size_to_int(n), size_to_int(k), alpha, a,
                size_to_int(n), beta, c, size_to_int(n));
}

double mdp_dot(size_t n, const double *x, const double *y)
{
    return cblas_ddot(size_to_int(n), x, 1, y, 1);
}

void mdp_axpy(size_t n, double alpha, const double *x, double *y)
{
    cblas_daxpy(size_to_int(n), alpha, x, 1, y, 1);
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
