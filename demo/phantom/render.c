/* SPDX-License-Identifier: BSD-3-Clause */
#include "render.h"

#include "base/memory.h"
#include "body.h"

#include <math.h>
#include <stdlib.h>

/* Picture and body coordinates: body = turn(pixel - middle) / unit. */
struct pose {
    double unit; /* pixels of one body unit */
    double middle_x, middle_y;
    double c, s; /* cosine and sine of the turn */
};

static struct pose pose_of(const struct shot *shot)
{
    double t = shot->turn, longer = (double)(shot->width > shot->height ? shot->width : shot->height);

    return (struct pose){
        .unit = 0.5 * longer * shot->scale,
        .middle_x = (double)shot->width * (0.5 + 0.5 * shot->shift_x),
        .middle_y = (double)shot->height * (0.5 + 0.5 * shot->shift_y),
        .c = (1 - t * t) / (1 + t * t),
        .s = 2 * t / (1 + t * t),
    };
}

static void to_body(const struct pose *p, double px, double py, double *x, double *y)
{
    double dx = (px - p->middle_x) / p->unit, dy = (py - p->middle_y) / p->unit;

    *x = dx * p->c + dy * p->s;
    *y = dy * p->c - dx * p->s;
}

static void to_pixel(const struct pose *p, double x, double y, double *px, double *py)
{
    *px = (x * p->c - y * p->s) * p->unit + p->middle_x;
    *py = (x * p->s + y * p->c) * p->unit + p->middle_y;
}

/* A canvas of densities under construction. */
struct canvas {
    size_t width, height;
    float *density, *lung, *layer; /* [height, width] */
    struct pose pose;
};

static void draw_body(struct canvas *k, const struct body *b)
{
    for (size_t j = 0; j < k->height; j++)
        for (size_t i = 0; i < k->width; i++) {
            double x, y, lung;

            to_body(&k->pose, (double)i + 0.5, (double)j + 0.5, &x, &y);
            k->density[j * k->width + i] = (float)body_density(b, x, y, &lung);
            k->lung[j * k->width + i] = (float)lung;
        }
}

/* Adds a soft round spot to a layer of the canvas. */
static void stamp(const struct canvas *k, float *layer, double x, double y, double radius, double amount)
{
    double px, py, r = radius * k->pose.unit;

    if (r < 0.75) { /* thinner than a pixel: fainter instead */
        amount *= r / 0.75;
        r = 0.75;
    }
    to_pixel(&k->pose, x, y, &px, &py);
    if (px < -r || py < -r || px > (double)k->width + r || py > (double)k->height + r)
        return;
    size_t i0 = px - r > 0 ? (size_t)(px - r) : 0, j0 = py - r > 0 ? (size_t)(py - r) : 0;
    for (size_t j = j0; j < k->height && (double)j + 0.5 < py + r; j++)
        for (size_t i = i0; i < k->width && (double)i + 0.5 < px + r; i++) {
            double dx = ((double)i + 0.5 - px) / r, dy = ((double)j + 0.5 - py) / r, q = dx * dx + dy * dy;

            if (q < 1)
                layer[j * k->width + i] += (float)(amount * (1 - q));
        }
}

/* One vessel: from the hilum outwards, thinner and fainter on its way, bent by `bend`. */
static void draw_vessel(struct canvas *k, double x0, double y0, double x1, double y1, double bend,
                        double width, double amount)
{
    double dx = x1 - x0, dy = y1 - y0, length = sqrt(dx * dx + dy * dy);
    double step = width * 0.45 > 0.9 / k->pose.unit ? width * 0.45 : 0.9 / k->pose.unit;
    size_t n = (size_t)(length / step) + 2;

    for (size_t i = 0; i < n; i++) {
        double t = (double)i / (double)(n - 1), b = bend * t * (1 - t);

        stamp(k, k->layer, x0 + dx * t - dy * b, y0 + dy * t + dx * b, width * (1 - 0.75 * t),
              amount * (1 - 0.5 * t));
    }
}

/* The lungs' vessels fan out from the two hila, each with one fork. */
static void draw_vessels(struct canvas *k, const struct body *b)
{
    struct chance c = chance_stream(b->patient->key, 2001, 0, 0);
    double much = b->patient->markings;

    for (int s = 0; s < SIDES; s++) {
        double hilum_x = s == RIGHT ? -0.16 : 0.175, hilum_y = s == RIGHT ? -0.07 : -0.11;

        for (int i = 0; i < 8; i++) {
            double x = hilum_x + 0.035 * chance_bell(&c), y = hilum_y + 0.07 * chance_bell(&c);

            stamp(k, k->layer, x, y, 0.065, 0.075 * much);
        }
        for (int v = 0; v < 24; v++) {
            double across = chance_between(&c, 0.2, 0.95), down = chance_between(&c, 0.05, 1.0), x, y;
            double bend = chance_between(&c, -0.5, 0.5), width = chance_between(&c, 0.008, 0.020);
            double t = chance_between(&c, 0.3, 0.7), turn = chance_between(&c, -0.4, 0.4);
            double x0 = hilum_x + 0.02 * chance_bell(&c), y0 = hilum_y + 0.085 * (2 * down - 1);

            body_lung_point(b, (enum side)s, across, down, &x, &y);
            draw_vessel(k, x0, y0, x, y, bend, width, 0.055 * much);
            double mx = x0 + (x - x0) * t - (y - y0) * bend * t * (1 - t);
            double my = y0 + (y - y0) * t + (x - x0) * bend * t * (1 - t);
            draw_vessel(k, mx, my, x - (y - my) * turn, y + (x - mx) * turn, -bend, width * 0.6,
                        0.042 * much);
        }
    }
}

/* Puts the layer into the lungs. Vessels that cross do not add up without end: the sum v becomes v / (1 + v /
   most); most = 0 means that they do. */
static void merge_layer(struct canvas *k, double most)
{
    for (size_t i = 0; i < k->width * k->height; i++) {
        double v = (double)k->layer[i];

        k->density[i] += (float)((most > 0 ? v / (1 + v / most) : v) * (double)k->lung[i]);
        k->layer[i] = 0;
    }
}

static void draw_nodules(struct canvas *k, const struct body *b)
{
    struct chance c = {.key = b->patient->lesion[NODULES].key};
    double severity = b->lesion[NODULES];
    size_t n = 3 + (size_t)(6 * severity);

    for (size_t i = 0; i < n; i++) {
        enum side side = chance_yes(&c, 0.5) ? RIGHT : LEFT;
        double across = chance_between(&c, 0.15, 0.9), down = chance_between(&c, 0.12, 0.88);
        double radius = chance_between(&c, 0.026, 0.058) * (0.75 + 0.5 * severity), x, y;

        body_lung_point(b, side, across, down, &x, &y);
        stamp(k, k->layer, x, y, radius, 0.08 + 0.16 * severity);
    }
}

/* A harmless scar: one small dense spot anywhere in the lungs. */
static void draw_granuloma(struct canvas *k, const struct body *b)
{
    struct chance c = chance_stream(b->patient->key, 2002, 0, 0);
    enum side side = chance_yes(&c, 0.5) ? RIGHT : LEFT;
    double across = chance_between(&c, 0.2, 0.85), down = chance_between(&c, 0.15, 0.85), x, y;

    body_lung_point(b, side, across, down, &x, &y);
    stamp(k, k->layer, x, y, 0.018, b->patient->granuloma);
}

/* --- from density to grey --- */

/* The film curve: straight in the middle, bent at both ends; 0..1 in and out. */
static double film(double density, const struct shot *s)
{
    double v = (density - 0.45 - 0.07 * s->exposure) * s->contrast * 2.9;

    return 0.5 + 0.5 * v / sqrt(1 + v * v);
}

/* Noise of counting, a little blurred as detectors do: fewer quanta, more noise, behind dense parts. */
static void add_noise(const struct canvas *k, const struct shot *s, float *film_value, float *noise)
{
    size_t w = k->width, h = k->height;

    for (size_t i = 0; i < w * h; i++) {
        uint64_t bits = chance_hash(s->key, i);
        uint64_t sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);

        noise[i] = (float)((double)sum * 0x1p-16 - 2);
    }
    for (size_t j = 0; j < h; j++)
        for (size_t i = 0; i < w; i++) {
            size_t at = j * w + i, left = i > 0 ? at - 1 : at, up = j > 0 ? at - w : at;
            double blurred = 0.6 * (double)noise[at] + 0.4 * (double)noise[left] + 0.4 * (double)noise[up];
            double amount = 1.7 * s->noise * (0.5 + (double)k->density[at]);

            film_value[at] = (float)((double)film_value[at] + amount * blurred);
        }
}

/* Letters of 5 x 7 cells, a row in five bits. */
static const uint8_t glyph_L[7] = {16, 16, 16, 16, 16, 16, 31}, glyph_R[7] = {30, 17, 17, 30, 20, 18, 17},
                     glyph_A[7] = {14, 17, 17, 31, 17, 17, 17}, glyph_P[7] = {30, 17, 17, 30, 16, 16, 16};

static void draw_letter(const struct canvas *k, float *value, const uint8_t glyph[7], double x, double y,
                        double cell)
{
    for (size_t j = 0; j < k->height; j++) {
        double v = ((double)j + 0.5 - y) / cell;
        if (v < 0 || v >= 7)
            continue;
        for (size_t i = 0; i < k->width; i++) {
            double u = ((double)i + 0.5 - x) / cell;

            if (u >= 0 && u < 5 && (glyph[(int)v] >> (4 - (int)u) & 1))
                value[j * k->width + i] = 0.97f;
        }
    }
}

/* Each site has its own habit of marking sides. */
static void draw_marker(const struct canvas *k, const struct shot *s, float *value)
{
    struct chance c = chance_stream(s->key, 2003, 0, 0);
    double side = (double)(s->width < s->height ? s->width : s->height),
           cell = side * (s->site == 2 ? 0.007 : 0.010);
    double x = (double)s->width * chance_between(&c, 0.05, 0.09),
           y = (double)s->height * chance_between(&c, 0.05, 0.11);
    double right = (double)s->width - x - 5 * cell;

    switch (s->site) {
    case 0:
        draw_letter(k, value, glyph_R, x, y, cell);
        break;
    case 1:
        draw_letter(k, value, glyph_L, right, y, cell);
        break;
    default:
        draw_letter(k, value, glyph_L, right, (double)s->height - y - 7 * cell, cell);
    }
    if (s->ap && chance_yes(&c, 0.7)) {
        draw_letter(k, value, glyph_A, right - 7 * cell, y + 9 * cell, cell * 0.8);
        draw_letter(k, value, glyph_P, right - 2 * cell, y + 9 * cell, cell * 0.8);
    }
}

static bool is_collimated(const struct canvas *k, const struct shot *s, size_t i, size_t j)
{
    double x = ((double)i + 0.5) / (double)k->width, y = ((double)j + 0.5) / (double)k->height;

    return x < s->collimation[0] || 1 - x < s->collimation[1] || y < s->collimation[2] ||
           1 - y < s->collimation[3];
}

static void to_grey(const struct canvas *k, const struct shot *s, const float *value, uint16_t *grey)
{
    for (size_t j = 0; j < k->height; j++)
        for (size_t i = 0; i < k->width; i++) {
            double v = (double)value[j * k->width + i];

            if (is_collimated(k, s, i, j))
                v = 0.015;
            v = v < 0 ? 0 : v > 1 ? 1 : v;
            grey[j * k->width + i] = (uint16_t)(v * 65535 + 0.5);
        }
}

mdp_status render_picture(const struct patient *patient, const struct shot *shot, uint16_t **grey,
                          struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    size_t n = shot->width * shot->height;
    struct canvas k = {.width = shot->width, .height = shot->height, .pose = pose_of(shot)};
    float *value = NULL, *noise = NULL; /* [height, width] */
    struct body *body = NULL;

    *grey = NULL;
    if (!(body = mdp_new_array(1, sizeof *body, err, &st)) ||
        !(k.density = mdp_new_array(n, sizeof(float), err, &st)) ||
        !(k.lung = mdp_new_array(n, sizeof(float), err, &st)) ||
        !(k.layer = mdp_new_array(n, sizeof(float), err, &st)) ||
        !(value = mdp_new_array(n, sizeof(float), err, &st)) ||
        !(noise = mdp_new_array(n, sizeof(float), err, &st)) ||
        !(*grey = mdp_new_array(n, sizeof(uint16_t), err, &st)))
        goto out;
    body_init(body, patient, shot);
    draw_body(&k, body);
    draw_vessels(&k, body);
    merge_layer(&k, 0.20);
    if (body->lesion[NODULES] > 0)
        draw_nodules(&k, body);
    if (patient->granuloma > 0)
        draw_granuloma(&k, body);
    merge_layer(&k, 0);
    for (size_t i = 0; i < n; i++)
        value[i] = (float)film((double)k.density[i], shot);
    add_noise(&k, shot, value, noise);
    draw_marker(&k, shot, value);
    to_grey(&k, shot, value, *grey);
out:
    free(body);
    free(k.density);
    free(k.lung);
    free(k.layer);
    free(value);
    free(noise);
    return st;
}
