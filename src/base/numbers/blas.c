/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/numbers/blas.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define MENDED "MEDPROBE_BLAS_MENDED" /* the core before; set once, so that this cannot loop */

void mdp_blas_sgemm_nt(size_t rows, size_t out, size_t in, const float *x, size_t ldx, const float *w,
                       size_t ldw, float *y, size_t ldy)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, (blasint)out, (blasint)in, 1, x,
                (blasint)ldx, w, (blasint)ldw, 0, y, (blasint)ldy);
}

void mdp_blas_dgemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, double alpha,
                    const double *a, size_t lda, const double *b, size_t ldb, double beta, double *c,
                    size_t ldc)
{
    cblas_dgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                transpose_b ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, alpha, a,
                (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}

void mdp_blas_dgemv(bool transpose, size_t m, size_t n, double alpha, const double *a, const double *x,
                    double beta, double *y)
{
    cblas_dgemv(CblasRowMajor, transpose ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, alpha, a,
                (blasint)n, x, 1, beta, y, 1);
}

void mdp_blas_dsyrk(size_t n, size_t k, double alpha, const double *a, double beta, double *c)
{
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (blasint)n, (blasint)k, alpha, a, (blasint)n, beta, c,
                (blasint)n);
}

double mdp_blas_ddot(size_t n, const double *x, const double *y)
{
    return cblas_ddot((blasint)n, x, 1, y, 1);
}

void mdp_blas_daxpy(size_t n, double alpha, const double *x, double *y)
{
    cblas_daxpy((blasint)n, alpha, x, 1, y, 1);
}

/* The configuration begins with "OpenBLAS 0.3.21 ". */
void mdp_blas_version(char text[32])
{
    const char *at = strchr(openblas_get_config(), ' ');
    size_t n = 0;

    for (at = at ? at + 1 : ""; at[n] && at[n] != ' ' && n < 31; n++)
        text[n] = at[n];
    text[n] = '\0';
}

const char *mdp_blas_core(void)
{
    return openblas_get_corename();
}

const char *mdp_blas_mended(void)
{
    return getenv(MENDED);
}

const char *mdp_blas_better_core(const char *core, int has_avx2, int has_avx512)
{
    static const char *const with_avx2[] = {"Haswell",  "Zen",        "Excavator",
                                            "SkylakeX", "Cooperlake", "SapphireRapids"};

    if (!has_avx2)
        return NULL;
    for (size_t i = 0; i < sizeof with_avx2 / sizeof with_avx2[0]; i++)
        if (strcasecmp(core, with_avx2[i]) == 0)
            return NULL;
    return has_avx512 ? "SkylakeX" : "Haswell";
}

void mdp_blas_one_thread(void)
{
    openblas_set_num_threads(1);
}

void mdp_blas_restart_if_slow(char *const argv[])
{
#if defined(__x86_64__)
    const int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const int has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    const char *better = mdp_blas_better_core(mdp_blas_core(), has_avx2, has_avx512);

    if (!better || getenv(MENDED) || getenv("OPENBLAS_CORETYPE"))
        return;
    if (setenv(MENDED, mdp_blas_core(), 1) != 0 || setenv("OPENBLAS_CORETYPE", better, 1) != 0)
        return;
    execv("/proc/self/exe", argv);
    unsetenv(MENDED); /* not replaced: go on as before */
    unsetenv("OPENBLAS_CORETYPE");
#else
    (void)argv;
#endif
}
