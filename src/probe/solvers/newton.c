/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/solvers/newton.h"

#include "base/memory.h"
#include "base/numbers/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HALVINGS = 60 };

mdp_status mdp_newton_init(struct mdp_newton *f, const struct mdp_fit_problem *p, double c,
                           struct mdp_error *err)
{
    const size_t m = mdp_linear_rows(p->k);
    mdp_status st = MDP_OK;

    *f = (struct mdp_newton){.problem = p, .c = c, .size = m * p->q, .n_logits = p->n * m};
    double **const models[] = {&f->gradient, &f->step, &f->trial};
    double **const logits[] = {&f->z, &f->z_trial, &f->along};
    for (size_t i = 0; i < 3; i++) {
        *models[i] = mdp_new_array(f->size, sizeof(double), err, &st);
        *logits[i] = mdp_new_array(f->n_logits, sizeof(double), err, &st);
    }
    f->norms = mdp_new_array(p->n, sizeof(double), err, &st);
    for (size_t i = 0; i < p->n && st == MDP_OK; i++)
        f->norms[i] = sqrt(mdp_blas_ddot(p->q, p->x + i * p->q, p->x + i * p->q));
    if (st != MDP_OK)
        mdp_newton_release(f);
    return st;
}

void mdp_newton_release(struct mdp_newton *f)
{
    double *const blocks[] = {f->gradient, f->step, f->trial, f->z, f->z_trial, f->along, f->norms};

    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        free(blocks[i]);
    *f = (struct mdp_newton){0};
}

/* Halves the step until f falls by Armijo's part of the slope. Where rounding hides the fall, f is convex: a
   slope that has shrunk to a tenth says that the step leads towards the optimum (Hager and Zhang's
   approximate Wolfe condition, SIAM J. Optim. 16, 2005). */
static bool line_search(struct mdp_newton *f, const struct mdp_newton_steps *steps, double w[], double *value)
{
    double slope = mdp_blas_ddot(f->size, f->gradient, f->step), length = 1.0;

    steps->logits(f, f->step, f->along);
    for (int halving = 0; halving < MAX_HALVINGS; halving++, length *= 0.5) {
        for (size_t j = 0; j < f->size; j++)
            f->trial[j] = w[j] + length * f->step[j];
        for (size_t i = 0; i < f->n_logits; i++)
            f->z_trial[i] = f->z[i] + length * f->along[i];
        double now = steps->objective(f, f->trial, f->z_trial);
        if (now <= *value + 1e-4 * length * slope ||
            (now <= *value + 1e-9 * fabs(*value) &&
             fabs(steps->slope(f, f->trial, f->z_trial)) <= 0.1 * fabs(slope))) {
            memcpy(w, f->trial, f->size * sizeof *w);
            steps->logits(f, w, f->z);
            *value = steps->objective(f, w, f->z);
            return true;
        }
    }
    return false;
}

mdp_status mdp_newton_minimise(struct mdp_newton *f, const struct mdp_newton_steps *steps, double w[],
                               struct mdp_logistic_report *report, struct mdp_error *err)
{
    steps->logits(f, w, f->z);
    double value = steps->objective(f, w, f->z);
    for (;;) {
        report->gradient = steps->differentiate(f, w);
        if (report->gradient <= MDP_LOGISTIC_TOLERANCE)
            return MDP_OK;
        if (report->steps == steps->most || !steps->find_step(f, report->gradient, report) ||
            !line_search(f, steps, w, &value))
            return mdp_fail(
                err, MDP_ERR_VALUE,
                "logistic regression with C = %g did not converge: relative gradient %.3g after %zu "
                "Newton steps, expected at most %g",
                f->c, report->gradient, report->steps, MDP_LOGISTIC_TOLERANCE);
        report->steps++;
    }
}
