/* SPDX-License-Identifier: BSD-3-Clause */
/* The chest as a field: how dense the picture is at a point of the body, 0 (air) to about 1 (bone over
   heart). Built from smooth steps, ellipses and bands, with + - * / and square roots only. */
#ifndef PHANTOM_BODY_H
#define PHANTOM_BODY_H

#include "subject.h"

/* A body with what does not change from point to point worked out once. */
struct body {
    const struct patient *patient;
    const struct shot *shot;
    double lesion[FINDINGS];                       /* severity on this picture */
    double at_x[FINDINGS], at_y[FINDINGS];         /* middle of the finding */
    double lung_top[SIDES], lung_base, lung_reach; /* apex, costophrenic angle, half width */
    double heart_x, heart_y, heart_rx, heart_ry, heart_c, heart_s;
    double rib_slope, scale_x;
    struct lattice coarse; /* texture of the tissue */
    struct lattice patch;  /* texture of the findings */
};

void body_init(struct body *b, const struct patient *patient, const struct shot *shot);

/* Density at (x, y), and how much of it is lung (0..1), for what is drawn into the lungs afterwards. */
double body_density(const struct body *b, double x, double y, double *lung);

/* A point of a lung: across 0..1 from the middle to the rib cage, down 0..1 from apex to base. */
void body_lung_point(const struct body *b, enum side side, double across, double down, double *x, double *y);

double body_step(double from, double to, double x); /* 0 before `from`, 1 after `to`, smooth between */

#endif
