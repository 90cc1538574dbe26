/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/solvers/liblinear.h"

#include "base/memory.h"

#include <assert.h>
#include <linear.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void print_nothing(const char *text)
{
    (void)text;
}

static void silence(void)
{
    set_print_string_function(print_nothing); /* a global of the library: set once, never changed */
}

/* Rows as lists of (1-based index, value), each ended by index -1. */
static void copy_rows(const struct mdp_fit_problem *p, struct feature_node nodes[],
                      struct feature_node *rows[], double labels[])
{
    for (size_t i = 0; i < p->n; i++) {
        struct feature_node *at = rows[i] = nodes + i * (p->q + 1);
        for (size_t j = 0; j < p->q; j++)
            if (p->x[i * p->q + j] != 0)
                *at++ = (struct feature_node){.index = (int)(j + 1), .value = p->x[i * p->q + j]};
        at->index = -1;
        labels[i] = p->y[i] ? 1.0 : -1.0;
    }
}

mdp_status mdp_liblinear_start(const struct mdp_fit_problem *p, double c, double w[], struct mdp_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    mdp_status st = MDP_OK;

    assert(p->n * p->q <= MDP_LIBLINEAR_MAX_VALUES);
    pthread_once(&once, silence);
    struct feature_node *nodes = mdp_new_array(p->n * (p->q + 1), sizeof *nodes, err, &st);
    struct feature_node **rows = mdp_new_array(p->n, sizeof *rows, err, &st);
    double *labels = mdp_new_array(p->n, sizeof *labels, err, &st);
    if (st != MDP_OK)
        goto out;
    copy_rows(p, nodes, rows, labels);
    const struct problem data = {.l = (int)p->n, .n = (int)p->q, .y = labels, .x = rows, .bias = 1.0};
    const struct parameter how = {.solver_type = L2R_LR, .eps = 0.01, .C = c};
    struct model *model = train(&data, &how);
    /* The model's first label is the class whose scores are positive. */
    double sign = model->label[0] > 0 ? 1.0 : -1.0;
    for (size_t j = 0; j < p->q; j++)
        w[j] = sign * model->w[j];
    free_and_destroy_model(&model);
out:
    free(nodes);
    free(rows);
    free(labels);
    return st;
}

void mdp_liblinear_version(char text[16])
{
    snprintf(text, 16, "%d.%02d", liblinear_version / 100, liblinear_version % 100);
}
