/* SPDX-License-Identifier: BSD-3-Clause */
#include "subject.h"

const char *const finding_names[FINDINGS] = {"upper_lobe_cavity", "consolidation", "effusion", "nodules",
                                             "cardiomegaly"};
const char *const side_names[SIDES] = {"right", "left"};
const char *const zone_names[] = {"upper", "middle", "lower"};

enum stream { STREAM_ANATOMY = 1, STREAM_FINDING = 16, STREAM_SHOT = 64 };

struct patient patient_draw(const struct cohort *cohort, size_t index)
{
    struct chance c = chance_stream(cohort->seed, STREAM_ANATOMY, index, 0);
    struct patient p = {.key = chance_next(&c)};

    p.female = chance_yes(&c, 0.47);
    p.age = 18 + (int)(chance_unit(&c) * 38 + chance_unit(&c) * 38);
    p.chest_width = (p.female ? 0.96 : 1.02) + 0.035 * chance_bell(&c);
    p.chest_height = (p.female ? 0.97 : 1.01) + 0.035 * chance_bell(&c);
    p.girth = chance_unit(&c) * chance_unit(&c);
    for (int s = 0; s < SIDES; s++) {
        p.apex[s] = 0.02 * chance_bell(&c);
        p.dome[s] = (s == RIGHT ? -0.02 : 0.02) + 0.018 * chance_bell(&c);
        p.clavicle[s] = 0.018 * chance_bell(&c);
    }
    p.heart_width = 1 + 0.06 * chance_bell(&c) + 0.0015 * (p.age - 50);
    p.heart_height = 1 + 0.05 * chance_bell(&c);
    p.heart_x = 0.025 * chance_bell(&c);
    p.heart_tilt = 0.32 + 0.10 * chance_bell(&c);
    p.knob = 0.85 + 0.006 * (p.age - 18) + 0.1 * chance_bell(&c);
    p.rib_gap = 0.134 + 0.006 * chance_bell(&c);
    p.rib_slope = 1 + 0.15 * chance_bell(&c);
    p.rib_phase = chance_unit(&c);
    p.bone = 1 - 0.004 * (p.age - 40) + 0.12 * chance_bell(&c);
    p.trachea = 0.012 * chance_bell(&c);
    p.markings = 1 + 0.25 * chance_bell(&c);
    p.granuloma = chance_yes(&c, 0.18) ? chance_between(&c, 0.08, 0.2) : 0;
    return p;
}

/* Where a finding likes to be. */
static void place(struct lesion *l, enum finding finding, struct chance *c)
{
    l->side = chance_yes(c, 0.55) ? RIGHT : LEFT;
    l->across = chance_between(c, 0.3, 0.72);
    switch (finding) {
    case CAVITY:
        l->zone = UPPER;
        break;
    case CONSOLIDATION:
        l->zone = chance_yes(c, 0.55) ? LOWER : chance_yes(c, 0.7) ? MIDDLE : UPPER;
        break;
    case EFFUSION:
        l->zone = LOWER;
        break;
    default:
        l->zone = (enum zone)chance_below(c, 3);
    }
    l->down = l->zone == UPPER    ? chance_between(c, 0.17, 0.33)
              : l->zone == MIDDLE ? chance_between(c, 0.40, 0.58)
                                  : chance_between(c, 0.64, 0.80);
}

void patient_add_finding(struct patient *p, const struct cohort *cohort, enum finding finding)
{
    struct chance c = chance_stream(p->key, STREAM_FINDING + (uint64_t)finding, 0, 0);
    struct lesion *l = &p->lesion[finding];
    double least = 0.75 - 0.6 * cohort->difficulty;

    l->key = chance_next(&c);
    l->severity = chance_between(&c, least, 1);
    place(l, finding, &c);
    if (finding == CAVITY)
        l->radius = 0.055 + 0.05 * l->severity + 0.012 * chance_bell(&c);
    else
        l->radius = 0.12 + 0.11 * l->severity + 0.02 * chance_bell(&c);
}

static void draw_size(struct shot *s, const struct cohort *cohort, struct chance *c)
{
    size_t longer = cohort->size_least + chance_below(c, cohort->size_most - cohort->size_least + 1);
    double ratio = chance_between(c, 0.82, 1.0);
    size_t shorter = (size_t)((double)longer * ratio + 0.5);
    bool tall = chance_yes(c, 0.6);

    s->width = tall ? shorter : longer;
    s->height = tall ? longer : shorter;
}

static enum picture_format draw_format(const struct cohort *cohort, struct chance *c)
{
    enum picture_format some[FORMATS];
    size_t n = 0;

    for (int f = 0; f < FORMATS; f++)
        if (cohort->formats[f])
            some[n++] = (enum picture_format)f;
    return some[chance_below(c, n)];
}

struct shot shot_draw(const struct cohort *cohort, const struct patient *p, size_t index, bool ill)
{
    struct chance c = chance_stream(p->key, STREAM_SHOT, index, 0);
    struct shot s = {.key = chance_next(&c)};
    double bias = ill ? cohort->confounder : -cohort->confounder;

    s.ap = chance_yes(&c, 0.4 + 0.5 * bias * (bias > 0 ? 1.2 : 0.8));
    s.site = chance_yes(&c, (bias > 0 ? bias : -bias) * 0.8) ? (ill ? 0 : 1) : chance_below(&c, SITES);
    s.exposure = 0.45 * chance_bell(&c) + (s.ap ? -0.25 : 0.1);
    s.contrast = 1 + 0.09 * chance_bell(&c) + (s.site == 2 ? 0.12 : 0) - (s.ap ? 0.08 : 0);
    s.noise = 0.010 + 0.012 * chance_unit(&c) + (s.ap ? 0.006 : 0);
    s.scale = (s.ap ? 1.0 : 0.94) * (1 + 0.035 * chance_bell(&c));
    s.shift_x = 0.03 * chance_bell(&c);
    s.shift_y = 0.03 * chance_bell(&c);
    s.turn = (s.ap ? 0.022 : 0.010) * chance_bell(&c);
    s.breath = (s.ap ? -0.05 : 0.02) + 0.02 * chance_bell(&c);
    s.severity = 1 + 0.08 * chance_bell(&c);
    for (int b = 0; b < 4; b++)
        s.collimation[b] = chance_yes(&c, s.site == 1 ? 0.6 : 0.25) ? chance_between(&c, 0.01, 0.05) : 0;
    s.format = draw_format(cohort, &c);
    draw_size(&s, cohort, &c);
    return s;
}
