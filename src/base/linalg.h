/* SPDX-License-Identifier: BSD-3-Clause */
/* Double-precision linear algebra for solvers; linalg.c is the one file that knows CBLAS's and LAPACKE's
   double routines. All matrices are row-major. Sizes above INT_MAX are wrong use. */
#ifndef MDP_BASE_LINALG_H
#define MDP_BASE_LINALG_H

#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

/* From here on products run on the calling thread alone: medprobe shares out whole episodes instead, and sums
   keep one order. To be called before the first product, once a process. */
void mdp_linalg_one_thread(void);

/* C[m, n] = alpha op(A) op(B) + beta C, op(A) [m, k], op(B) [k, n]; lda, ldb, ldc are row lengths in memory.
 */
void mdp_gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, double alpha, const double *a,
              size_t lda, const double *b, size_t ldb, double beta, double *c, size_t ldc);

/* y = alpha op(A) x + beta y for A [m, n]. */
void mdp_gemv(bool transpose, size_t m, size_t n, double alpha, const double *a, const double *x, double beta,
              double *y);

/* C[n, n] = alpha A^T A + beta C for A [k, n]; the lower triangle only. */
void mdp_syrk(size_t n, size_t k, double alpha, const double *a, double beta, double *c);

double mdp_dot(size_t n, const double *x, const double *y);
void mdp_axpy(size_t n, double alpha, const double *x, double *y); /* y += alpha x */

/* A = L L^T in place, from and into the lower triangle. False when A[n, n] is not positive definite. */
bool mdp_cholesky(size_t n, double *a);
/* Solves L L^T x = b in place for every row of b[rows, n]. */
void mdp_cholesky_solve(size_t n, const double *l, size_t rows, double *b);

/* X[n, d] = Z[n, n] Q[n, d], n <= d: Z lower triangular, rows of Q orthonormal (Householder). X is
   overwritten by Q. */
mdp_status mdp_lq(size_t n, size_t d, double *x_to_q, double *z, struct mdp_error *err);

#endif
