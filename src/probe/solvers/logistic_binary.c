/* SPDX-License-Identifier: BSD-3-Clause */
/* Two classes: Newton with the Hessian's Cholesky factors. Letters as in logistic.h; z_i = w x_i, t_i = +-1.
 */
#include "base/memory.h"
#include "base/numbers/blas.h"
#include "base/numbers/linalg.h"
#include "probe/solvers/liblinear.h"
#include "probe/solvers/logistic.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 200, MAX_HALVINGS = 60, HESSIAN_ROWS = 256 };

struct binary_fit {
    const struct mdp_fit_problem *p;
    double c;
    double *z, *z_trial; /* [n] */
    double *along;       /* [n]: X step */
    double *residual;    /* [n]: p_i - y_i */
    double *weight;      /* [n]: p_i (1 - p_i) */
    double *norms;       /* [n]: |x_i| */
    double *gradient;    /* [q] */
    double *step;        /* [q] */
    double *trial;       /* [q] */
    double *hessian;     /* [q, q], lower triangle */
    double *block;       /* [HESSIAN_ROWS, q] */
};

static void binary_release(struct binary_fit *f)
{
    double *blocks[] = {f->z,    f->z_trial, f->along,    f->residual, f->weight, f->norms,
                        f->step, f->trial,   f->gradient, f->hessian,  f->block};

    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        free(blocks[i]);
}

static mdp_status binary_init(struct binary_fit *f, const struct mdp_fit_problem *p, double c,
                              struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t n = p->n, q = p->q;

    *f = (struct binary_fit){.p = p, .c = c};
    f->z = mdp_new_array(n, sizeof(double), err, &st);
    f->z_trial = mdp_new_array(n, sizeof(double), err, &st);
    f->along = mdp_new_array(n, sizeof(double), err, &st);
    f->residual = mdp_new_array(n, sizeof(double), err, &st);
    f->weight = mdp_new_array(n, sizeof(double), err, &st);
    f->norms = mdp_new_array(n, sizeof(double), err, &st);
    f->gradient = mdp_new_array(q, sizeof(double), err, &st);
    f->step = mdp_new_array(q, sizeof(double), err, &st);
    f->trial = mdp_new_array(q, sizeof(double), err, &st);
    f->hessian = mdp_new_array(q * q, sizeof(double), err, &st);
    f->block = mdp_new_array(HESSIAN_ROWS * q, sizeof(double), err, &st);
    if (st != MDP_OK)
        return st;
    for (size_t i = 0; i < n; i++)
        f->norms[i] = sqrt(mdp_blas_ddot(q, p->x + i * q, p->x + i * q));
    return MDP_OK;
}

/* f(w) for logits z. */
static double objective(const struct binary_fit *f, const double w[], const double z[])
{
    double loss = 0.0;

    for (size_t i = 0; i < f->p->n; i++) {
        double margin = f->p->y[i] ? z[i] : -z[i];
        loss += margin > 0 ? log1p(exp(-margin)) : log1p(exp(margin)) - margin;
    }
    return f->c * loss + 0.5 * mdp_blas_ddot(f->p->q - 1, w, w);
}

/* Gradient, weights of the Hessian, and the gradient's size as mdp_logistic_report means it. Probabilities
   near 1 keep their distance from it: residuals come from exp(-margin), never from 1 - p. */
static double differentiate(struct binary_fit *f, const double w[])
{
    const struct mdp_fit_problem *p = f->p;
    double scale = 0.0;

    for (size_t i = 0; i < p->n; i++) {
        double margin = p->y[i] ? f->z[i] : -f->z[i];
        double e = exp(-fabs(margin));
        double wrong = margin > 0 ? e / (1.0 + e) : 1.0 / (1.0 + e);
        f->residual[i] = p->y[i] ? -wrong : wrong;
        f->weight[i] = e / ((1.0 + e) * (1.0 + e));
        scale += wrong * f->norms[i];
    }
    memcpy(f->gradient, w, (p->q - 1) * sizeof *w);
    f->gradient[p->q - 1] = 0.0;
    mdp_blas_dgemv(true, p->n, p->q, f->c, p->x, f->residual, 1.0, f->gradient);
    scale = f->c * scale + sqrt(mdp_blas_ddot(p->q - 1, w, w));
    return sqrt(mdp_blas_ddot(p->q, f->gradient, f->gradient)) / scale;
}

/* I (0 for the intercept) + C sum_i weight_i x_i x_i^T. */
static void make_hessian(struct binary_fit *f)
{
    const struct mdp_fit_problem *p = f->p;
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
        mdp_blas_dsyrk(q, rows, f->c, f->block, 1.0, f->hessian);
    }
}

/* step = -H^-1 g. Where rounding has cost H its definiteness (weights of fully certain rows vanish), a little
   more of the diagonal gives a direction that still descends. */
static bool newton_step(struct binary_fit *f)
{
    size_t q = f->p->q;

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
            f->step[j] = -f->gradient[j];
        mdp_cholesky_solve(q, f->hessian, 1, f->step);
        return true;
    }
    return false;
}

/* Slope of f along the step, at w and its logits z; `along` = X step. */
static double slope_at(const struct binary_fit *f, const double w[], const double z[], const double along[])
{
    double slope = 0.0;

    for (size_t i = 0; i < f->p->n; i++) {
        double t = f->p->y[i] ? 1.0 : -1.0;
        slope -= t * along[i] / (1.0 + exp(t * z[i]));
    }
    return f->c * slope + mdp_blas_ddot(f->p->q - 1, w, f->step);
}

/* Halves the step until f falls by Armijo's part of the slope. Where rounding hides the fall, f is convex: a
   slope that has shrunk to a tenth says that the step leads towards the optimum (Hager and Zhang's
   approximate Wolfe condition, SIAM J. Optim. 16, 2005). */
static bool line_search(struct binary_fit *f, double w[], double *value)
{
    const struct mdp_fit_problem *p = f->p;
    double slope = mdp_blas_ddot(p->q, f->gradient, f->step), length = 1.0;

    mdp_blas_dgemv(false, p->n, p->q, 1.0, p->x, f->step, 0.0, f->along);
    for (int halving = 0; halving < MAX_HALVINGS; halving++, length *= 0.5) {
        for (size_t j = 0; j < p->q; j++)
            f->trial[j] = w[j] + length * f->step[j];
        for (size_t i = 0; i < p->n; i++)
            f->z_trial[i] = f->z[i] + length * f->along[i];
        double now = objective(f, f->trial, f->z_trial);
        if (now <= *value + 1e-4 * length * slope ||
            (now <= *value + 1e-9 * fabs(*value) &&
             fabs(slope_at(f, f->trial, f->z_trial, f->along)) <= 0.1 * fabs(slope))) {
            memcpy(w, f->trial, p->q * sizeof *w);
            mdp_blas_dgemv(false, p->n, p->q, 1.0, p->x, w, 0.0, f->z);
            *value = objective(f, w, f->z);
            return true;
        }
    }
    return false;
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
    struct binary_fit f;
    mdp_status st = binary_init(&f, problem, c, err);

    if (st == MDP_OK)
        st = find_start(problem, c, w, err);
    if (st != MDP_OK)
        goto out;
    mdp_blas_dgemv(false, problem->n, problem->q, 1.0, problem->x, w, 0.0, f.z);
    double value = objective(&f, w, f.z);
    for (;;) {
        report->gradient = differentiate(&f, w);
        if (report->gradient <= MDP_LOGISTIC_TOLERANCE)
            break;
        if (report->steps == MAX_STEPS || !newton_step(&f) || !line_search(&f, w, &value)) {
            st =
                mdp_fail(err, MDP_ERR_VALUE,
                         "logistic regression with C = %g did not converge: relative gradient %.3g after %zu "
                         "Newton steps, expected at most %g",
                         c, report->gradient, report->steps, MDP_LOGISTIC_TOLERANCE);
            break;
        }
        report->steps++;
    }
out:
    binary_release(&f);
    return st;
}
