/* SPDX-License-Identifier: BSD-3-Clause */
/* A store of made-up embeddings for tests: Gaussian clusters a class, pictures of patients, splits, prompts
   near the clusters. The same options give the same bytes.

       make_store OUT.h5 [key=value ...]

   patients=40 a class, pictures=2 a patient, classes=2, d=16, separation=1.0, seed=1; splits=1 (patients
   dealt train, val, test in the ratio 2:1:1; 0: none), ids=1 (0: no patient ids), text=2 (prompts a class; 0:
   no /text), ensemble=mean-logits, similarity=softmax, mixed=0 (patients whose pictures carry all classes in turn), rare=1 (every
   other patient of the first class has the second), unlabelled=0 (rows without a label), failures=0 (pictures without a row), and faults: leak_split=1 (a patient in train and test), twin=1
   (a file of train again in test, under another patient), nan=1 (a value), no_prompts=1 (the last class has
   none). */
#include "base/formats/h5.h"
#include "base/memory.h"
#include "base/numbers/rng.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct made {
    size_t n, d;
    float *x, *norms;
    char (*ids)[32], (*patients)[32];
    const char **id, **patient, **split;
    uint8_t *sha256;
    int32_t *labels;
};

static int n_arguments;
static char **arguments;

static const char *option(const char *name, const char *otherwise)
{
    size_t n = strlen(name);

    for (int i = 2; i < n_arguments; i++)
        if (strncmp(arguments[i], name, n) == 0 && arguments[i][n] == '=')
            return arguments[i] + n + 1;
    return otherwise;
}

static size_t count(const char *name, const char *otherwise)
{
    return (size_t)strtoull(option(name, otherwise), NULL, 10);
}

static double normal(struct mdp_rng *rng)
{
    double u = ((double)mdp_rng_u32(rng) + 0.5) / 4294967296.0;

    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * (double)mdp_rng_u32(rng) / 4294967296.0);
}

/* centre + noise, of unit length; the length before. */
static float unit_near(struct mdp_rng *rng, const double centre[], size_t d, double noise, float out[])
{
    double length = 0.0;

    for (size_t j = 0; j < d; j++) {
        double value = centre[j] + noise * normal(rng);
        out[j] = (float)value;
        length += value * value;
    }
    for (size_t j = 0; j < d; j++)
        out[j] = (float)((double)out[j] / sqrt(length));
    return (float)sqrt(length);
}

static void add_row(struct made *m, struct mdp_rng *rng, const double centres[], size_t class, size_t patient,
                    size_t picture, const char *split)
{
    size_t i = m->n++;

    m->norms[i] = unit_near(rng, centres + class * m->d, m->d, 1.0, m->x + i * m->d);
    snprintf(m->ids[i], sizeof m->ids[i], "img_%04zu_%zu", patient, picture);
    snprintf(m->patients[i], sizeof m->patients[i], "P%04zu", patient);
    m->id[i] = m->ids[i];
    m->patient[i] = m->patients[i];
    m->split[i] = split;
    m->labels[i] = (int32_t) class;
    for (size_t j = 0; j < 32; j++)
        m->sha256[i * 32 + j] = (uint8_t)mdp_rng_u32(rng);
}

static size_t class_of(size_t patient, size_t picture, size_t classes)
{
    if (patient < count("mixed", "0"))
        return (patient + picture) % classes;
    return patient % classes == 0 && count("rare", "0") && patient / classes % 2 ? 1 : patient % classes;
}

static void add_rows(struct made *m, struct mdp_rng *rng, const double centres[], size_t classes)
{
    static const char *const splits[] = {"train", "train", "val", "test"};
    size_t patients = count("patients", "40") * classes, pictures = count("pictures", "2");
    bool has_splits = count("splits", "1");

    for (size_t p = 0; p < patients; p++)
        for (size_t i = 0; i < pictures; i++)
            add_row(m, rng, centres, class_of(p, i, classes), p, i,
                    has_splits ? splits[(p / classes) % 4] : "");
    for (size_t i = 0; i < count("unlabelled", "0"); i++) {
        add_row(m, rng, centres, 0, patients + i, 0, has_splits ? "test" : "");
        m->labels[m->n - 1] = -1;
    }
    if (count("leak_split", "0"))
        m->split[pictures - 1] = "test"; /* the last picture of the first patient, who is in train */
    if (count("twin", "0"))
        memcpy(m->sha256 + 32 * (3 * classes * pictures), m->sha256, 32); /* the first patient of test */
    if (count("nan", "0"))
        m->x[m->n * m->d - 1] = NAN;
}

static mdp_status write_text(struct mdp_h5 *h5, struct mdp_rng *rng, const double centres[], size_t classes,
                             size_t d, const char *const names[], struct mdp_error *err)
{
    size_t each = count("text", "2"), n = 0, shape[2];
    float *text = calloc(classes * each * d + 1, sizeof *text),
          *norms = calloc(classes * each + 1, sizeof *norms);
    int32_t *class = calloc(classes * each + 1, sizeof *class);
    const char **prompts = calloc(classes * each + 1, sizeof *prompts);

    for (size_t c = 0; c < classes - (count("no_prompts", "0") ? 1 : 0); c++)
        for (size_t i = 0; i < each; i++, n++) {
            norms[n] = unit_near(rng, centres + c * d, d, 0.7, text + n * d);
            class[n] = (int32_t)c;
            prompts[n] = names[c];
        }
    shape[0] = n;
    shape[1] = d;
    mdp_status st = mdp_h5_write(h5, "/text/embeddings", MDP_H5_F32, 2, shape, text, err);
    if (st == MDP_OK)
        st = mdp_h5_write(h5, "/text/norms", MDP_H5_F32, 1, shape, norms, err);
    if (st == MDP_OK)
        st = mdp_h5_write(h5, "/text/prompts", MDP_H5_STRING, 1, shape, prompts, err);
    if (st == MDP_OK)
        st = mdp_h5_write(h5, "/text/class_index", MDP_H5_I32, 1, shape, class, err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write(h5, "/text", "class_names", MDP_H5_STRING, classes, names, err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write_string(h5, "/text", "ensemble", option("ensemble", "mean-logits"), err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write_string(h5, "/text", "prompt_set", "made-up", err);
    free(text);
    free(norms);
    free(class);
    free(prompts);
    return st;
}

static mdp_status write_rows(struct mdp_h5 *h5, const struct made *m, const char *const names[],
                             size_t classes, struct mdp_error *err)
{
    const size_t shape[2] = {m->n, m->d}, digest[2] = {m->n, 32};
    const double scale = 20.0;
    mdp_status st = mdp_h5_write(h5, "/embeddings", MDP_H5_F32, 2, shape, m->x, err);

    if (st == MDP_OK)
        st = mdp_h5_write(h5, "/norms", MDP_H5_F32, 1, shape, m->norms, err);
    if (st == MDP_OK)
        st = mdp_h5_write(h5, "/ids", MDP_H5_STRING, 1, shape, m->id, err);
    if (st == MDP_OK && count("ids", "1"))
        st = mdp_h5_write(h5, "/patient_ids", MDP_H5_STRING, 1, shape, m->patient, err);
    if (st == MDP_OK)
        st = mdp_h5_write(h5, "/splits", MDP_H5_STRING, 1, shape, m->split, err);
    if (st == MDP_OK)
        st = mdp_h5_write(h5, "/sha256", MDP_H5_U8, 2, digest, m->sha256, err);
    if (st == MDP_OK)
        st = mdp_h5_write(h5, "/labels", MDP_H5_I32, 1, shape, m->labels, err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write(h5, "/labels", "class_names", MDP_H5_STRING, classes, names, err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write_string(h5, "/", "schema", "medprobe.store/1", err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write_string(h5, "/", "model", "made-up", err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write_string(h5, "/", "similarity", option("similarity", "softmax"), err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write_scalar(h5, "/", "logit_scale", MDP_H5_F64, &scale, err);
    return st;
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"normal", "tuberculosis", "effusion", "nodule", "edema", "mass"};
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_rng rng;
    struct mdp_h5 *h5 = NULL;
    struct made m = {0};

    n_arguments = argc;
    arguments = argv;
    size_t classes = count("classes", "2");
    if (argc < 2 || argv[1][0] == '-' || classes > sizeof names / sizeof names[0]) {
        fprintf(stderr, "make_store OUT.h5 [key=value ...]\n");
        return 2;
    }
    size_t most = count("patients", "40") * classes * count("pictures", "2") + count("unlabelled", "0");
    m.d = count("d", "16");
    m.x = calloc(most * m.d + 1, sizeof *m.x);
    m.norms = calloc(most + 1, sizeof *m.norms);
    m.ids = calloc(most + 1, sizeof *m.ids);
    m.patients = calloc(most + 1, sizeof *m.patients);
    m.id = calloc(most + 1, sizeof *m.id);
    m.patient = calloc(most + 1, sizeof *m.patient);
    m.split = calloc(most + 1, sizeof *m.split);
    m.sha256 = calloc(most + 1, 32);
    m.labels = calloc(most + 1, sizeof *m.labels);
    mdp_rng_init(&rng, count("seed", "1"), 0, 0x7e57);
    double *centres = calloc(classes * m.d + 1, sizeof *centres);
    for (size_t i = 0; i < classes * m.d; i++)
        centres[i] = strtod(option("separation", "1.0"), NULL) * normal(&rng);
    add_rows(&m, &rng, centres, classes);
    mdp_status st = mdp_h5_create(argv[1], &h5, &err);
    if (st == MDP_OK)
        st = write_rows(h5, &m, names, classes, &err);
    const int64_t failed[] = {0, 1, 2, 3, 4, 5, 6, 7};
    const size_t failures = count("failures", "0");
    if (st == MDP_OK && failures && failures <= sizeof failed / sizeof failed[0])
        st = mdp_h5_write(h5, "/failures/row", MDP_H5_I64, 1, &failures, failed, &err);
    if (st == MDP_OK && count("text", "2"))
        st = write_text(h5, &rng, centres, classes, m.d, names, &err);
    if (st == MDP_OK)
        st = mdp_h5_commit(h5, &err);
    if (st != MDP_OK)
        fprintf(stderr, "make_store: %s\n", err.message);
    void *const blocks[] = {m.x,       m.norms, m.ids,    m.patients, m.id,
                            m.patient, m.split, m.sha256, m.labels,   centres};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        free(blocks[i]);
    return st != MDP_OK;
}
