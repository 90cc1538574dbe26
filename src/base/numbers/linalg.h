/* SPDX-License-Identifier: BSD-3-Clause */
/* Factorisations in double precision, for solvers; linalg.c is the one file that knows LAPACKE (products are in
   base/numbers/blas.h). All matrices are row-major. Sizes above INT_MAX are wrong use. */
#ifndef MDP_BASE_LINALG_H
#define MDP_BASE_LINALG_H

#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

/* A = L L^T in place, from and into the lower triangle. False when A[n, n] is not positive definite. */
bool mdp_cholesky(size_t n, double *a);
/* Solves L L^T x = b in place for every row of b[rows, n]. */
void mdp_cholesky_solve(size_t n, const double *l, size_t rows, double *b);

/* X[n, d] = Z[n, n] Q[n, d], n <= d: Z lower triangular, rows of Q orthonormal (Householder). X is
   overwritten by Q. */
mdp_status mdp_lq(size_t n, size_t d, double *x_to_q, double *z, struct mdp_error *err);

#endif
