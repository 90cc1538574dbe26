/* SPDX-License-Identifier: BSD-3-Clause */
/* Three classes and more: truncated Newton. Letters as in logistic.h; P[n, K] probabilities, a direction V is
   shaped as W[K, q].

   Gradient: G = C (P - Y)^T X + W, intercept column without W.
   Hessian product: H V = C B^T X + V (intercepts without V), B_ik = p_ik (a_ik - sum_j p_ij a_ij), A = X V^T.
   H does not change when every intercept moves by the same amount; the system stays solvable, and intercepts
   are centred at the end. */
#include "base/memory.h"
#include "base/numbers/blas.h"
#include "base/numbers/linalg.h"
#include "probe/solvers/newton.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 300, MAX_PRODUCTS = 2000, BLOCK_ROWS = 256, DENSE_COLUMNS = 256 };

struct multinomial_fit {
    struct mdp_newton newton;    /* first */
    double *probability;         /* [n, K] */
    double *residual;            /* [n, K]: P - Y, then B */
    double *metric;              /* [q, q] lower triangle of M, then its factor; or [q], its diagonal */
    double *r, *s, *search, *hv; /* [K, q]: of the conjugate gradients */
    double *block;               /* [BLOCK_ROWS, q] */
    bool dense, factored;
};

static void multinomial_release(struct multinomial_fit *f)
{
    double *const blocks[] = {f->probability, f->residual, f->metric, f->r, f->s, f->search, f->hv, f->block};

    mdp_newton_release(&f->newton);
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        free(blocks[i]);
}

static mdp_status multinomial_init(struct multinomial_fit *f, const struct mdp_fit_problem *p, double c,
                                   struct mdp_error *err)
{
    size_t n = p->n, q = p->q, k = p->k;

    *f = (struct multinomial_fit){.dense = q <= DENSE_COLUMNS * k};
    mdp_status st = mdp_newton_init(&f->newton, p, c, err);
    double **const row_blocks[] = {&f->probability, &f->residual};
    double **const model_blocks[] = {&f->r, &f->s, &f->search, &f->hv};
    for (size_t i = 0; i < sizeof row_blocks / sizeof row_blocks[0]; i++)
        *row_blocks[i] = mdp_new_array(n * k, sizeof(double), err, &st);
    for (size_t i = 0; i < sizeof model_blocks / sizeof model_blocks[0]; i++)
        *model_blocks[i] = mdp_new_array(k * q, sizeof(double), err, &st);
    f->metric = mdp_new_array(f->dense ? q * q : q, sizeof(double), err, &st);
    f->block = mdp_new_array(BLOCK_ROWS * q, sizeof(double), err, &st);
    return st;
}

/* out[n, K] = X V^T */
static void logits_of(const struct mdp_newton *f, const double v[], double out[])
{
    const struct mdp_fit_problem *p = f->problem;

    mdp_blas_dgemm(false, true, p->n, p->k, p->q, 1.0, p->x, p->q, v, p->q, 0.0, out, p->k);
}

/* out[K, q] = C rows^T X + v, intercepts without v. */
static void back_to_model(const struct multinomial_fit *f, const double rows[], const double v[],
                          double out[])
{
    const struct mdp_fit_problem *p = f->newton.problem;

    memcpy(out, v, p->k * p->q * sizeof *out);
    for (size_t k = 0; k < p->k; k++)
        out[k * p->q + p->q - 1] = 0.0;
    mdp_blas_dgemm(true, false, p->k, p->q, p->n, f->newton.c, rows, p->k, p->x, p->q, 1.0, out, p->q);
}

static double penalty(const struct mdp_fit_problem *p, const double w[])
{
    double sum = 0.0;

    for (size_t k = 0; k < p->k; k++)
        sum += mdp_blas_ddot(p->q - 1, w + k * p->q, w + k * p->q);
    return sum;
}

static double objective(const struct mdp_newton *f, const double w[], const double z[])
{
    const struct mdp_fit_problem *p = f->problem;

    return f->c * (double)p->n * mdp_logistic_loss(z, p->n, p->k, p->y) + 0.5 * penalty(p, w);
}

/* Probabilities and residuals of logits z, and sum_i |residual_i| |x_i| into *size. The residual of the true
   class is minus the sum of the others, so that it keeps its digits when the row is almost certain. Returns
   sum_ik residual_ik along_ik (0 without `along`). */
static double residuals(struct multinomial_fit *f, const double z[], double *size, const double along[])
{
    const struct mdp_fit_problem *p = f->newton.problem;
    double product = 0.0;

    *size = 0.0;
    mdp_logistic_probabilities(z, p->n, p->k, f->probability);
    for (size_t i = 0; i < p->n; i++) {
        const double *probability = f->probability + i * p->k;
        double *residual = f->residual + i * p->k;
        double others = 0.0, squares = 0.0;
        for (size_t k = 0; k < p->k; k++) {
            residual[k] = probability[k];
            if ((size_t)p->y[i] == k)
                continue;
            others += probability[k];
            squares += probability[k] * probability[k];
        }
        residual[p->y[i]] = -others;
        *size += sqrt(squares + others * others) * f->newton.norms[i];
        if (along)
            product += mdp_blas_ddot(p->k, residual, along + i * p->k);
    }
    return product;
}

/* Probabilities, gradient, and the gradient's size as mdp_logistic_report means it. */
static double differentiate(struct mdp_newton *newton, const double w[])
{
    struct multinomial_fit *f = (struct multinomial_fit *)newton;
    double size = 0.0;

    residuals(f, newton->z, &size, NULL);
    back_to_model(f, f->residual, w, newton->gradient);
    return sqrt(mdp_blas_ddot(newton->size, newton->gradient, newton->gradient)) /
           (newton->c * size + sqrt(penalty(newton->problem, w)));
}

/* The conjugate gradients are preconditioned by one matrix for every class, so that directions that sum to
   zero over the classes stay so (along the others H is flat):

       M = I (0 for the intercept) + C sum_i weight_i x_i x_i^T,   weight_i = sum_k p_ik (1 - p_ik) / (K - 1),

   which is H itself when the probabilities of a row are equal. Its Cholesky factor costs about q / 4K Hessian
   products; where that is too many its diagonal serves. */
static void make_preconditioner(struct multinomial_fit *f)
{
    const struct mdp_fit_problem *p = f->newton.problem;
    size_t q = p->q;
    bool dense = f->dense;

    memset(f->metric, 0, (dense ? q * q : q) * sizeof *f->metric);
    for (size_t j = 0; j + 1 < q; j++)
        f->metric[dense ? j * q + j : j] = 1.0;
    for (size_t at = 0; at < p->n; at += BLOCK_ROWS) {
        size_t rows = p->n - at < BLOCK_ROWS ? p->n - at : BLOCK_ROWS;
        for (size_t i = 0; i < rows; i++) {
            const double *probability = f->probability + (at + i) * p->k, *x = p->x + (at + i) * q;
            double weight = 0.0;
            for (size_t k = 0; k < p->k; k++)
                weight += probability[k] * (1.0 - probability[k]);
            weight = sqrt(weight / (double)(p->k - 1));
            for (size_t j = 0; j < q; j++)
                f->block[i * q + j] = weight * x[j];
        }
        if (dense) {
            mdp_blas_dsyrk(q, rows, f->newton.c, f->block, 1.0, f->metric);
            continue;
        }
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < q; j++)
                f->metric[j] += f->newton.c * f->block[i * q + j] * f->block[i * q + j];
    }
    if (dense) {
        f->metric[q * q - 1] *= 1.0 + 1e-10; /* the intercept has no penalty to keep M definite */
        f->factored = mdp_cholesky(q, f->metric);
    }
}

/* out = M^-1 r */
static void precondition(const struct multinomial_fit *f, const double r[], double out[])
{
    size_t q = f->newton.problem->q;

    memcpy(out, r, f->newton.problem->k * q * sizeof *out);
    if (f->dense && f->factored)
        mdp_cholesky_solve(q, f->metric, f->newton.problem->k, out);
    for (size_t k = 0; k < f->newton.problem->k && !f->dense; k++)
        for (size_t j = 0; j < q; j++)
            out[k * q + j] /= f->metric[j];
}

/* hv = H v */
static void hessian_product(struct multinomial_fit *f, const double v[], double hv[])
{
    const struct mdp_fit_problem *p = f->newton.problem;

    logits_of(&f->newton, v, f->newton.z_trial);
    for (size_t i = 0; i < p->n; i++) {
        const double *probability = f->probability + i * p->k, *a = f->newton.z_trial + i * p->k;
        double *b = f->residual + i * p->k, mean = 0.0;
        for (size_t k = 0; k < p->k; k++)
            mean += probability[k] * a[k];
        for (size_t k = 0; k < p->k; k++)
            b[k] = probability[k] * (a[k] - mean);
    }
    back_to_model(f, f->residual, v, hv);
}

/* step = -H^-1 g to a relative residual of `forcing`, by preconditioned conjugate gradients. */
static void solve(struct multinomial_fit *f, double forcing, size_t *products)
{
    size_t size = f->newton.problem->k * f->newton.problem->q;

    make_preconditioner(f);
    memset(f->newton.step, 0, size * sizeof *f->newton.step);
    for (size_t j = 0; j < size; j++)
        f->r[j] = -f->newton.gradient[j];
    precondition(f, f->r, f->s);
    memcpy(f->search, f->s, size * sizeof *f->s);
    double rs = mdp_blas_ddot(size, f->r, f->s);
    double enough = forcing * sqrt(mdp_blas_ddot(size, f->r, f->r));
    for (int product = 0; product < MAX_PRODUCTS; product++) {
        hessian_product(f, f->search, f->hv);
        ++*products;
        double curvature = mdp_blas_ddot(size, f->search, f->hv);
        if (!(curvature > 0))
            break;
        mdp_blas_daxpy(size, rs / curvature, f->search, f->newton.step);
        mdp_blas_daxpy(size, -rs / curvature, f->hv, f->r);
        if (sqrt(mdp_blas_ddot(size, f->r, f->r)) <= enough)
            break;
        precondition(f, f->r, f->s);
        double rs_next = mdp_blas_ddot(size, f->r, f->s);
        for (size_t j = 0; j < size; j++)
            f->search[j] = f->s[j] + rs_next / rs * f->search[j];
        rs = rs_next;
    }
}

static bool find_step(struct mdp_newton *newton, double gradient, struct mdp_logistic_report *report)
{
    /* Quadratic convergence, without solving further than the bound asks. */
    const double forcing = fmin(0.1, fmax(gradient, 0.1 * MDP_LOGISTIC_TOLERANCE / gradient));

    solve((struct multinomial_fit *)newton, forcing, &report->products);
    return true;
}

/* Slope of f along the step, at w and its logits z. Overwrites the residual. */
static double slope_at(struct mdp_newton *newton, const double w[], const double z[])
{
    struct multinomial_fit *f = (struct multinomial_fit *)newton;
    const struct mdp_fit_problem *p = newton->problem;
    double slope = newton->c * residuals(f, z, &(double){0.0}, newton->along);

    for (size_t k = 0; k < p->k; k++)
        slope += mdp_blas_ddot(p->q - 1, w + k * p->q, newton->step + k * p->q);
    return slope;
}

/* Every column of W[K, q] is moved to sum to zero; of all W with the same probabilities it has the smallest
   norm. */
static void centre_columns(const struct mdp_fit_problem *p, double w[])
{
    for (size_t j = 0; j < p->q; j++) {
        double sum = 0.0;
        for (size_t k = 0; k < p->k; k++)
            sum += w[k * p->q + j];
        for (size_t k = 0; k < p->k; k++)
            w[k * p->q + j] -= sum / (double)p->k;
    }
}

mdp_status mdp_logistic_fit_multinomial(const struct mdp_fit_problem *problem, double c, double w[],
                                        struct mdp_logistic_report *report, struct mdp_error *err)
{
    static const struct mdp_newton_steps steps = {.most = MAX_STEPS,
                                                  .logits = logits_of,
                                                  .objective = objective,
                                                  .differentiate = differentiate,
                                                  .find_step = find_step,
                                                  .slope = slope_at};
    struct multinomial_fit f;
    mdp_status st = multinomial_init(&f, problem, c, err);

    if (st == MDP_OK) {
        centre_columns(problem, w);
        st = mdp_newton_minimise(&f.newton, &steps, w, report, err);
        centre_columns(problem, w);
    }
    multinomial_release(&f);
    return st;
}
