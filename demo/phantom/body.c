/* SPDX-License-Identifier: BSD-3-Clause */
#include "body.h"

#include <math.h>

static double clamp(double x, double least, double most)
{
    return x < least ? least : x > most ? most : x;
}

double body_step(double from, double to, double x)
{
    double t = clamp((x - from) / (to - from), 0, 1);

    return t * t * (3 - 2 * t);
}

/* 1 in the middle, 0 at distance 1 and beyond; `r2` is the square of the distance. */
static double bump(double r2)
{
    return r2 < 1 ? (1 - r2) * (1 - r2) : 0;
}

static double square(double x)
{
    return x * x;
}

void body_init(struct body *b, const struct patient *patient, const struct shot *shot)
{
    const struct patient *p = patient;

    *b = (struct body){.patient = p, .shot = shot};
    for (int f = 0; f < FINDINGS; f++)
        b->lesion[f] = p->lesion[f].severity > 0 ? clamp(p->lesion[f].severity * shot->severity, 0.02, 1) : 0;
    for (int s = 0; s < SIDES; s++)
        b->lung_top[s] = (-0.78 + p->apex[s]) * p->chest_height;
    b->lung_base = 0.60 * p->chest_height + shot->breath;
    b->lung_reach = 0.76 * p->chest_width;
    double large = 1 + 0.42 * b->lesion[CARDIOMEGALY];
    b->heart_rx = 0.305 * p->heart_width * large * (shot->ap ? 1.10 : 1);
    b->heart_ry = 0.235 * p->heart_height * (0.6 + 0.4 * large);
    b->heart_x = 0.105 + p->heart_x + 0.35 * (b->heart_rx - 0.305);
    b->heart_y = b->lung_base - 0.30 - 0.2 * (b->heart_ry - 0.235);
    double length = sqrt(1 + p->heart_tilt * p->heart_tilt);
    b->heart_c = 1 / length;
    b->heart_s = p->heart_tilt / length;
    for (int f = 0; f < FINDINGS; f++)
        body_lung_point(b, p->lesion[f].side, p->lesion[f].across, p->lesion[f].down, &b->at_x[f],
                        &b->at_y[f]);
    lattice_fill(&b->coarse, chance_hash(p->key, 1001));
    lattice_fill(&b->patch, chance_hash(p->key, 1002));
}

/* --- outlines --- */

/* Half width of a lung's outer border, `t` from apex (0) to base (1). */
static double lung_outer(const struct body *b, double t)
{
    double s = clamp(1 - t / 0.72, 0, 1);

    return 0.20 + (b->lung_reach - 0.20) * sqrt(1 - s * s * (0.35 + 0.65 * s)) -
           0.02 * square(clamp((t - 0.7) / 0.3, 0, 1));
}

static double lung_inner(double t)
{
    double s = clamp(1 - t / 0.3, 0, 1);

    return 0.105 + 0.085 * s * s * s + 0.03 * body_step(0.35, 0.6, t);
}

/* Height of the diaphragm under a lung at distance `a` from the middle. */
static double diaphragm(const struct body *b, enum side side, double a)
{
    double u = (a - 0.36) / (0.46 * b->patient->chest_width);
    double dome = 0.21 + 0.02 * b->patient->chest_height;

    return b->lung_base + 0.04 - dome * (1 - u * u) + b->patient->dome[side];
}

void body_lung_point(const struct body *b, enum side side, double across, double down, double *x, double *y)
{
    double inner = lung_inner(down), outer = lung_outer(b, down);
    double a = inner + across * (outer - inner);
    double floor = diaphragm(b, side, a);

    *y = b->lung_top[side] + down * (floor - b->lung_top[side]);
    *x = side == RIGHT ? -a : a;
}

/* Inside of the torso, neck and shoulders included. */
static double torso(const struct body *b, double a, double y)
{
    double girth = 0.10 * b->patient->girth;
    double shoulder = body_step(-0.99, -0.62, y + 0.04 * girth);
    double half = 0.25 + 0.5 * girth + (0.86 + girth) * shoulder - 0.13 * body_step(-0.5, 0.25, y);

    return body_step(half + 0.015, half - 0.05, a) * (0.82 + 0.18 * body_step(half, half - 0.3, a));
}

/* An egg with its tip down to the patient's left, and the right atrium as a second, smaller curve. */
static double heart(const struct body *b, double x, double y)
{
    double dx = x - b->heart_x, dy = y - b->heart_y;

    if (dx * dx + dy * dy > 4 * b->heart_rx * b->heart_rx)
        return 0;
    double u = (dx * b->heart_c + dy * b->heart_s) / b->heart_rx;
    double v = (dy * b->heart_c - dx * b->heart_s) / (b->heart_ry * (1 - 0.22 * clamp(u, -1, 1)));
    double egg = sqrt(u * u + v * v);
    double atrium = sqrt(square((dx + 0.62 * b->heart_rx) / 0.5) + square((dy + 0.015) / 0.72)) / b->heart_ry;
    double soft = 0.05 + 0.03 * (b->shot->ap ? 1 : 0);

    return body_step(1 + soft, 1 - soft, egg < atrium ? egg : atrium);
}

/* The great vessels above the heart: a waisted column, with the aortic knob and the pulmonary trunk as bulges
   of its left border. */
static double mediastinum(const struct body *b, double x, double y)
{
    double wide = 0.05 * body_step(-0.35, 0.15, y) + 0.05 * body_step(-0.7, -1.0, y);
    double r = 0.055 * b->patient->knob;
    double knob = r * bump(square((y + 0.37) / 0.125));
    double trunk = 0.045 * bump(square((y + 0.13) / 0.16));
    double cava = 0.02 * bump(square((y + 0.30) / 0.30));
    double half = x < 0 ? 0.105 + wide + cava : 0.115 + wide + knob + trunk;

    return body_step(half + 0.022, half - 0.018, x < 0 ? -x : x);
}

/* --- bones --- */

/* A tube seen from the side: dense border, lighter marrow; `d` is the distance from its middle in half
 * widths. */
static double tube(double d)
{
    d = d < 0 ? -d : d;
    return d < 1.15 ? (0.55 + 0.45 * d * d) * body_step(1.15, 0.85, d) : 0;
}

/* Ribs: the picture plane is combed by a family of parallel curves; the nearest one is found by division. */
static double ribs(const struct body *b, double a, double y)
{
    const struct patient *p = b->patient;
    double s = a / (b->lung_reach + 0.03), s2 = s * s, s4 = s2 * s2;
    double low = 1 + 0.5 * (y + 0.3);
    double slope = p->rib_slope * low;
    double gap = p->rib_gap * p->chest_height;

    if (s > 1.04 || y < -0.95 || y > b->lung_base + 0.32)
        return 0;
    double inside = body_step(1.04, 0.97, s) * body_step(-0.93, -0.8, y) *
                    body_step(b->lung_base + 0.16, b->lung_base - 0.14, y);
    double back =
        (y - slope * (0.30 * s2 * s - 0.10 * s * (1 - s) + 0.16 * s4 * s4)) / gap + 40 + p->rib_phase;
    double front = (y + slope * 0.46 * s2 * (1 - 0.25 * s2) - 0.30) / (gap * 1.12) + 40.5 + p->rib_phase;
    double half = 0.21 / (1 + 0.5 * s2); /* of the gap */

    back = (back - (double)(int)back - 0.5) / half;
    front = (front - (double)(int)front - 0.5) / (half * 1.15);
    return inside * (tube(back) * body_step(0.02, 0.12, s) +
                     0.42 * tube(front) * body_step(0.30, 0.55, s) * body_step(-0.62, -0.45, y));
}

static double clavicles(const struct body *b, enum side side, double a, double y)
{
    double u = (a - 0.07) / 0.75;

    if (u < -0.05 || u > 1.2)
        return 0;
    double middle = -0.575 + b->patient->clavicle[side] - 0.20 * u + 0.16 * u * (1 - u) * (0.9 - 1.6 * u) -
                    (b->shot->ap ? 0.05 : 0);
    double half = 0.030 + 0.012 * square(1 - 2 * u);

    return tube((y - middle) / half) * body_step(-0.04, 0.03, u) * body_step(1.2, 1.05, u);
}

static double scapula(const struct body *b, double a, double y)
{
    double border = 0.70 + (b->shot->ap ? -0.09 : 0.01) - 0.10 * (y + 0.35);

    return body_step(border - 0.012, border + 0.02, a) * body_step(-0.85, -0.7, y) *
           body_step(0.10, -0.12, y - 0.9 * (a - border)) *
           (0.6 + 0.4 * body_step(border + 0.05, border + 0.015, a));
}

static double spine(double x, double y)
{
    double u = x / 0.085;

    if (u * u >= 2)
        return 0;
    double k = y / 0.108 + 40;
    double disc = 2 * (k - (double)(int)k) - 1; /* -1 .. 1 along a vertebra */

    return bump(u * u * 0.5) * (0.88 + 0.12 * body_step(0.95, 0.7, disc < 0 ? -disc : disc));
}

static double airways(const struct body *b, double x, double y)
{
    double middle = 0.012 + b->patient->trachea * (1 + y);
    double pipe = bump(square((x - middle) / 0.045)) * body_step(-0.19, -0.26, y);
    double a = x - middle < 0 ? middle - x : x - middle;
    double branch = bump(square((y + 0.235 - 0.75 * a) / 0.035)) * body_step(0.16, 0.12, a);

    return pipe > branch ? pipe : branch;
}

/* --- findings --- */

static double texture(const struct lattice *l, double x, double y, double cells)
{
    return 0.6 * lattice_at(l, x * cells + 7.3, y * cells + 3.1) +
           0.4 * lattice_at(l, x * cells * 2.1 + 19.7, y * cells * 2.1 + 31.9);
}

/* Ring with a wall, air inside, soft infiltrate around. */
static double cavity(const struct body *b, double x, double y)
{
    const struct lesion *l = &b->patient->lesion[CAVITY];
    double dx = x - b->at_x[CAVITY], dy = (y - b->at_y[CAVITY]) * 0.92;

    if (dx * dx + dy * dy > 0.16)
        return 0;
    double distance = sqrt(dx * dx + dy * dy);
    double wobble = 1 + 0.30 * texture(&b->patch, dx + 0.5, dy + 0.5, 8);
    double r = distance / (l->radius * wobble);
    double thick = 0.40 + 0.22 * texture(&b->patch, dx + 2.5, dy + 0.5, 6);
    double wall = bump(square((r - 1) / (r < 1 ? thick : 1.5 * thick)));
    double air = body_step(0.95, 0.55, r);
    double around =
        bump(square(distance / (l->radius + 0.17))) * clamp(0.5 + texture(&b->patch, x, y, 14), 0, 1.3);

    return b->lesion[CAVITY] * (0.15 * wall - 0.05 * air + 0.22 * around * (1 - air));
}

/* Patchy shadow without a border. */
static double consolidation(const struct body *b, double x, double y)
{
    const struct lesion *l = &b->patient->lesion[CONSOLIDATION];
    double dx = (x - b->at_x[CONSOLIDATION]) / (l->radius * 1.25),
           dy = (y - b->at_y[CONSOLIDATION]) / l->radius;
    double r2 = dx * dx + dy * dy;

    if (r2 > 1.7)
        return 0;
    double edge = bump(clamp(r2 * 0.6 * (1 + 0.5 * texture(&b->patch, x + 3, y, 8)), 0, 1));
    double patch = clamp(0.7 + 0.75 * texture(&b->patch, x, y + 5, 17), 0, 1.3);

    return b->lesion[CONSOLIDATION] * 0.30 * edge * patch;
}

/* How much of the base is under fluid: level with a rise along the rib cage. */
static double effusion(const struct body *b, enum side side, double a, double y)
{
    const struct lesion *l = &b->patient->lesion[EFFUSION];
    double severity = b->lesion[EFFUSION];

    if (severity <= 0 || l->side != side)
        return 0;
    double out = clamp(a / b->lung_reach, 0, 1);
    double level = b->lung_base - 0.02 - 0.52 * severity * (0.30 + 0.70 * out * out * out);
    return body_step(level - 0.035, level + 0.05, y) * (0.55 + 0.45 * severity);
}

/* --- the whole --- */

static double lung_mask(const struct body *b, enum side side, double a, double y)
{
    double t = (y - b->lung_top[side]) / (b->lung_base - b->lung_top[side]);

    if (t < -0.02 || t > 1.15)
        return 0;
    t = clamp(t, 0, 1);
    double inner = lung_inner(t), outer = lung_outer(b, t), floor = diaphragm(b, side, a);
    return body_step(inner - 0.015, inner + 0.025, a) * body_step(outer + 0.012, outer - 0.03, a) *
           body_step(floor + 0.012, floor - 0.018, y) * (0.86 + 0.14 * body_step(outer, outer - 0.16, a));
}

/* Shadow of the breasts: denser towards its lower border, which is seen against the lung. */
static double breast(const struct body *b, double a, double y)
{
    if (!b->patient->female)
        return 0;
    double r = sqrt(square((a - 0.43) / 0.36) + square((y - 0.16) / 0.36));
    return (0.05 + 0.06 * b->patient->girth) * body_step(1.04, 0.93, r) * body_step(-0.4, 0.4, y);
}

static double below_diaphragm(const struct body *b, enum side side, double x, double a, double y)
{
    double floor = diaphragm(b, side, a);
    double belly = 0.15 * body_step(floor - 0.01, floor + 0.15, y) * body_step(0.85, 0.6, a);
    double gas = bump(square((x - 0.38) / 0.17) + square((y - floor - 0.10) / 0.085));

    return belly - 0.16 * gas;
}

double body_density(const struct body *b, double x, double y, double *lung)
{
    double a = x < 0 ? -x : x;
    enum side side = x < 0 ? RIGHT : LEFT;
    double inside = torso(b, a, y);

    *lung = 0;
    if (inside <= 0)
        return 0;
    double core = mediastinum(b, x, y), beat = heart(b, x, y);
    /* Below the diaphragm the heart drowns in the belly. */
    double seen = beat * body_step(0.06, -0.02, y - diaphragm(b, side, a));
    double solid = 0.95 * (core > beat ? core : beat);
    double mask = lung_mask(b, side, a, y);
    *lung = mask * (1 - effusion(b, side, a, y)) * (1 - solid);
    double tissue = 0.56 + 0.08 * b->patient->girth + 0.030 * texture(&b->coarse, x, y, 5);
    double bone = b->patient->bone;
    double d = tissue + 0.12 * spine(x, y) + 0.075 * (core > seen ? core : seen);

    if (*lung > 0) {
        double haze = 0.05 * body_step(0.55, 0.05, a) + 0.05 * body_step(-0.2, -0.85, y) +
                      0.03 * lattice_at(&b->coarse, 3 * x + 9, 3 * y);
        d -= (0.41 - haze) * *lung;
    }
    d += bone * (0.080 * ribs(b, a, y) + 0.13 * clavicles(b, side, a, y) + 0.07 * scapula(b, a, y));
    d += below_diaphragm(b, side, x, a, y) + breast(b, a, y) - 0.10 * airways(b, x, y);
    /* Findings show where there is lung to darken; behind the heart only a little. */
    double show = mask * (0.3 + 0.7 * (1 - solid));
    if (show > 0) {
        if (b->lesion[CAVITY] > 0)
            d += show * cavity(b, x, y);
        if (b->lesion[CONSOLIDATION] > 0)
            d += show * consolidation(b, x, y);
    }
    return inside * d;
}
