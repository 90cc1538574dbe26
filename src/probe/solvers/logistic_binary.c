/* SPDX-License-Identifier: BSD-3-Clause */
/* Two classes: Newton with the Hessian's Cholesky factors. Letters as in logistic.h; z_i = w x_i, t_i = +-1.
 */
#include "base/memory.h"
#include "base/numbers/blas.h"
#include "base/numbers/linalg.h"
#include "probe/solvers/liblinear.h"
#include "probe/solvers/newton.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 200, HESSIAN_ROWS = 256 };

struct binary_fit {
    struct mdp_newton newton; /* first */
    double *residual;         /* [n]: p_i - y_i */
    double *weight;           /* [n]: p_i (1 - p_i) */
    double *hessian;          /* [q, q], lower triangle */
    double *block;            /* [HESSIAN_ROWS, q] */
};

static void binary_release(struct binary_fit *f)
{
    mdp_newton_release(&f->newton);
    free(f->residual);
    free(f->weight);
    free(f->hessian);
    free(f->block);
}

static mdp_status binary_init(struct binary_fit *f, const struct mdp_fit_problem *p, double c,
                              struct mdp_error *err)
{
    *f = (struct binary_fit){0};
    mdp_status st = mdp_newton_init(&f->newton, p, c, err);

    f->residual = mdp_new_array(p->n, sizeof(double), err, &st);
    f->weight = mdp_new_array(p->n, sizeof(double), err, &st);
    f->hessian = mdp_new_array(p->q * p->q, sizeof(double), err, &st);
    f->block = mdp_new_array(HESSIAN_ROWS * p->q, sizeof(double), err, &st);
    return st;
}

/* z[n] = X v */
static void logits_of(const struct mdp_newton *f, const double v[], double z[])
{
    mdp_blas_dgemv(false, f->problem->n, f->problem->q, 1.0, f->problem->x, v, 0.0, z);
}

/* f(w) for logits z. */
static double objective(const struct mdp_newton *f, const double w[], const double z[])
{
    double loss = 0.0;

    for (size_t i = 0; i < f->problem->n; i++) {
        double margin = f->problem->y[i] ? z[i] : -z[i];
        loss += margin > 0 ? log1p(exp(-margin)) : log1p(exp(margin)) - margin;
    }
    return f->c * loss + 0.5 * mdp_blas_ddot(f->problem->q - 1, w, w);
}

/* Gradient, weights of the Hessian, and the gradient's size as mdp_logistic_report means it. Probabilities
   near 1 keep their distance from it: residuals come from exp(-margin), never from 1 - p. */
static double differentiate(struct mdp_newton *newton, const double w[])
{
    struct binary_fit *f = (struct binary_fit *)newton;
    const struct mdp_fit_problem *p = newton->problem;
    double scale = 0.0;

    for (size_t i = 0; i < p->n; i++) {
        double margin = p->y[i] ? newton->z[i] : -newton->z[i];
        double e = exp(-fabs(margin));
        double wrong = margin > 0 ? e / (1.0 + e) : 1.0 / (1.0 + e);
        f->residual[i] = p->y[i] ? -wrong : wrong;
        f->weight[i] = e / ((1.0 + e) * (1.0 + e));
        scale += wrong * newton->norms[i];
    }
    memcpy(newton->gradient, w, (p->q - 1) * sizeof *w);
    newton->gradient[p->q - 1] = 0.0;
    mdp_blas_dgemv(true, p->n, p->q, newton->c, p->x, f->residual, 1.0, newton->gradient);
    scale = newton->c * scale + sqrt(mdp_blas_ddot(p->q - 1, w, w));
    return sqrt(mdp_blas_ddot(p->q, newton->gradient, newton->gradient)) / scale;
}

/* I (0 for the intercept) + C sum_i weight_i x_i x_i^T. */
static void make_hessian(struct binary_fit *f)
{
    const struct mdp_fit_problem *p = f->newton.problem;
    size_t q = p->q;

    memset(f->hessian, 0, q * q * sizeof *f->hessian);
    for (size_t j = 0; j + 1 < q; j++)
        f->hessian[j * q + j] = 1.0;
    for (size_t at = 0; at < p->n; at += HESSIAN_ROWS) {
        size_t rows = p->n - at < HESSIAN_ROWS ? p->n - at : HESSIAN_ROWS;
        for (size_t i = 0; i < rows; i++) {
            double root = sqrt(f->weight[at + i]);
            for (size_t j = 0; j < q; j++)
                f->block[i * q + j] = root * p->x[(at + i) * q + j];
        }
        mdp_blas_dsyrk(q, rows, f->newton.c, f->block, 1.0, f->hessian);
    }
}

/* step = -H^-1 g. Where rounding has cost H its definiteness (weights of fully certain rows vanish), a little
   more of the diagonal gives a direction that still descends. */
static bool find_step(struct mdp_newton *newton, double gradient, struct mdp_logistic_report *report)
{
    struct binary_fit *f = (struct binary_fit *)newton;
    size_t q = newton->problem->q;

    (void)gradient;
    (void)report;
    for (double extra = 0.0; extra<1.0; extra = extra> 0 ? 100 * extra : 1e-12) {
        double largest = 0.0;
        make_hessian(f);
        for (size_t j = 0; j < q; j++)
            largest = fmax(largest, f->hessian[j * q + j]);
        for (size_t j = 0; j < q; j++)
            f->hessian[j * q + j] += extra * largest;
        if (!mdp_cholesky(q, f->hessian))
            continue;
        for (size_t j = 0; j < q; j++)
            newton->step[j] = -newton->gradient[j];
        mdp_cholesky_solve(q, f->hessian, 1, newton->step);
        return true;
    }
    return false;
}

/* Slope of f along the step, at w and its logits z. */
static double slope_at(struct mdp_newton *f, const double w[], const double z[])
{
    double slope = 0.0;

    for (size_t i = 0; i < f->problem->n; i++) {
        double t = f->problem->y[i] ? 1.0 : -1.0;
        slope -= t * f->along[i] / (1.0 + exp(t * z[i]));
    }
    return f->c * slope + mdp_blas_ddot(f->problem->q - 1, w, f->step);
}

/* A start of zeros, the mark of a caller that knows none, is replaced by LIBLINEAR's solution. */
static mdp_status find_start(const struct mdp_fit_problem *p, double c, double w[], struct mdp_error *err)
{
    for (size_t j = 0; j < p->q; j++)
        if (w[j] != 0)
            return MDP_OK;
    return p->n * p->q <= MDP_LIBLINEAR_MAX_VALUES ? mdp_liblinear_start(p, c, w, err) : MDP_OK;
}

mdp_status mdp_logistic_fit_binary(const struct mdp_fit_problem *problem, double c, double w[],
                                   struct mdp_logistic_report *report, struct mdp_error *err)
{
    static const struct mdp_newton_steps steps = {.most = MAX_STEPS,
                                                  .logits = logits_of,
                                                  .objective = objective,
                                                  .differentiate = differentiate,
                                                  .find_step = find_step,
                                                  .slope = slope_at};
    struct binary_fit f;
    mdp_status st = binary_init(&f, problem, c, err);

    if (st == MDP_OK)
        st = find_start(problem, c, w, err);
    if (st == MDP_OK)
        st = mdp_newton_minimise(&f.newton, &steps, w, report, err);
    binary_release(&f);
    return st;
}
