/* SPDX-License-Identifier: BSD-3-Clause */
/* OpenBLAS, as this program uses it: one thread a call, the right code for the CPU.

   liblinear and LAPACKE call a BLAS and a LAPACK of their own: they name libblas.so.3 and liblapack.so.3, which on
   Debian the system's administrator chooses. It does not matter which: libopenblas.so.0 has the functions of both and
   stands before them among the libraries of this program, so the loader finds every one of them there (test_blas
   sees to it). One setting of its threads thus holds for all. */
#ifndef MDP_BASE_BLAS_H
#define MDP_BASE_BLAS_H

#include <stdbool.h>
#include <stddef.h>

/* y[R, O] = x[R, I] W[O, I]^T, row-major with row strides. */
void mdp_blas_sgemm_nt(size_t rows, size_t out, size_t in, const float *x, size_t ldx, const float *w,
                       size_t ldw, float *y, size_t ldy);

/* --- double precision, for solvers; row-major --- */

/* C[m, n] = alpha op(A) op(B) + beta C, op(A) [m, k], op(B) [k, n]; lda, ldb, ldc are row lengths in memory.
 */
void mdp_blas_dgemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, double alpha,
                    const double *a, size_t lda, const double *b, size_t ldb, double beta, double *c,
                    size_t ldc);

/* y = alpha op(A) x + beta y for A [m, n]. */
void mdp_blas_dgemv(bool transpose, size_t m, size_t n, double alpha, const double *a, const double *x,
                    double beta, double *y);

/* C[n, n] = alpha A^T A + beta C for A [k, n]; the lower triangle only. */
void mdp_blas_dsyrk(size_t n, size_t k, double alpha, const double *a, double beta, double *c);

/* The sum of x[i] y[i], for x[n] and y[n]. */
double mdp_blas_ddot(size_t n, const double *x, const double *y);
void mdp_blas_daxpy(size_t n, double alpha, const double *x, double *y); /* y[n] += alpha x[n] */

/* OpenBLAS's own version, "0.3.21". */
void mdp_blas_version(char text[32]);

/* The name of the CPU that OpenBLAS has code for and uses: "Zen", "SkylakeX", "Prescott", ... */
const char *mdp_blas_core(void);

/* One thread a call from now on, in the whole process: medprobe's own threads each take whole pictures or episodes, and
   the bytes of a product depend on how many share it. main says it for solvers; mdp_kernels_choose for towers, so that
   it also holds in a program that only links the library. */
void mdp_blas_one_thread(void);

/* First thing in main. OpenBLAS releases before 0.3.25 do not know newer CPUs and fall back to code without AVX, five
   times slower; what they should use is read from OPENBLAS_CORETYPE when the library is loaded, so it is set
   and this program replaced by itself, once. A core type that the user set is left alone. Where the program
   cannot be replaced, nothing happens. */
void mdp_blas_restart_if_slow(char *const argv[]);

/* The core that was mended, "Prescott", or NULL: for --log-level debug and `doctor`. */
const char *mdp_blas_mended(void);

/* The core type that OpenBLAS should be told to use where it chose `core` on a CPU with these features, or
   NULL where its choice stands. */
const char *mdp_blas_better_core(const char *core, int has_avx2, int has_avx512);

#endif
