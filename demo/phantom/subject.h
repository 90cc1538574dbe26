/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is on a picture and how it was taken: what a patient keeps from picture to picture (anatomy, findings),
   and what changes (view, pose, exposure, noise, site).

   Lengths are in body units: half the height of the field, x to the right of the picture (the patient's
   left), y down, origin in the middle of the chest. */
#ifndef PHANTOM_SUBJECT_H
#define PHANTOM_SUBJECT_H

#include "chance.h"

enum finding { CAVITY, CONSOLIDATION, EFFUSION, NODULES, CARDIOMEGALY, FINDINGS };
extern const char *const finding_names[FINDINGS];

enum side { RIGHT, LEFT, SIDES }; /* the patient's; his right is on the left of the picture */
enum zone { UPPER, MIDDLE, LOWER };
extern const char *const side_names[SIDES];
extern const char *const zone_names[];
enum { SITES = 3 };

/* One finding of a patient; severity 0 means absent. */
struct lesion {
    double severity; /* (0, 1] */
    enum side side;
    enum zone zone;
    double across, down; /* where in the lung: 0..1 from medial to lateral, 0..1 from apex to base */
    double radius;       /* body units */
    uint64_t key;        /* of its texture and of its satellites */
};

struct patient {
    uint64_t key;
    bool female;
    int age; /* years */
    struct lesion lesion[FINDINGS];
    double chest_width, chest_height; /* factors, about 1 */
    double girth;                     /* soft tissue over the chest: 0 slim .. 1 stout */
    double apex[SIDES], dome[SIDES];  /* shifts of lung apex and diaphragm, body units */
    double heart_width, heart_height, heart_x, heart_tilt;
    double knob; /* size of the aortic knob */
    double rib_gap, rib_slope, rib_phase, bone;
    double clavicle[SIDES]; /* shift up or down */
    double trachea;         /* shift to the side */
    double markings;        /* how much the vessels show */
    double granuloma;       /* a harmless small dense spot: 0 none, else its brightness */
};

enum picture_format { JPEG, PNG8, PNG16, FORMATS };

struct shot {
    uint64_t key;
    bool ap; /* anteroposterior: taken lying, from the front */
    size_t site;
    double exposure; /* over (> 0, darker) or under, about -1 .. 1 */
    double contrast, noise;
    double scale, shift_x, shift_y, turn; /* turn: tangent of half the angle */
    double breath;                        /* diaphragm lower (> 0: deep breath), body units */
    double severity;                      /* factor on the severity of every finding */
    double collimation[4];                /* dark borders left, right, top, bottom; share of the side */
    enum picture_format format;
    size_t width, height; /* pixels */
};

/* Knobs of a set. */
struct cohort {
    uint64_t seed;
    double confounder;            /* 0: view and site tell nothing of the label; 1: nearly everything */
    double difficulty;            /* 0: severe findings only; 1: down to the barely visible */
    size_t size_least, size_most; /* pixels of the longer side */
    bool formats[FORMATS];
};

/* Anatomy of patient `index`; findings are added by patient_add_finding. */
struct patient patient_draw(const struct cohort *cohort, size_t index);
void patient_add_finding(struct patient *p, const struct cohort *cohort, enum finding finding);

/* Picture `index` of a patient. `ill`: whether the label is a positive one (for the confounder). */
struct shot shot_draw(const struct cohort *cohort, const struct patient *p, size_t index, bool ill);

#endif
