/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/probes_file.h"

#include "base/formats/h5.h"
#include "base/memory.h"
#include "base/text.h"
#include "probe/solvers/logistic.h"
#include "probe/solvers/span.h"

#include <math.h>
#include <stdlib.h>

struct mdp_probes_writer {
    struct mdp_h5 *file;
    size_t m, d;
};

mdp_status mdp_probes_writer_create(const char *path, const char *model, const char *const class_names[],
                                    size_t k, size_t d, struct mdp_probes_writer **out, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_probes_writer *writer = mdp_new_array(1, sizeof *writer, err, &st);

    *out = NULL;
    if (!writer)
        return st;
    writer->m = mdp_logistic_rows(k);
    writer->d = d;
    st = mdp_h5_create(path, &writer->file, err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write(writer->file, "/", "class_names", MDP_H5_STRING, k, class_names, err);
    if (st == MDP_OK)
        st = mdp_h5_attr_write_string(writer->file, "/", "model", model, err);
    if (st != MDP_OK) {
        mdp_probes_writer_free(writer);
        return st;
    }
    *out = writer;
    return MDP_OK;
}

mdp_status mdp_probes_writer_add(struct mdp_probes_writer *writer, const char *method, const char *group,
                                 const double coef[], const double intercept[], double c,
                                 struct mdp_error *err)
{
    const size_t shape[2] = {writer->m, writer->d};
    struct mdp_text name = {0};

    mdp_text_add(&name, "/%s/%s/coef", method, group);
    mdp_status st = mdp_text_status(&name, err);
    if (st == MDP_OK)
        st = mdp_h5_write(writer->file, name.at, MDP_H5_F64, 2, shape, coef, err);
    mdp_text_clear(&name);
    mdp_text_add(&name, "/%s/%s/intercept", method, group);
    if (st == MDP_OK)
        st = mdp_text_status(&name, err);
    if (st == MDP_OK)
        st = mdp_h5_write(writer->file, name.at, MDP_H5_F64, 1, shape, intercept, err);
    mdp_text_clear(&name);
    mdp_text_add(&name, "/%s/%s", method, group);
    if (st == MDP_OK)
        st = mdp_text_status(&name, err);
    if (st == MDP_OK && !isnan(c))
        st = mdp_h5_attr_write_scalar(writer->file, name.at, "C", MDP_H5_F64, &c, err);
    mdp_text_release(&name);
    return st;
}

mdp_status mdp_probes_writer_commit(struct mdp_probes_writer *writer, struct mdp_error *err)
{
    mdp_status st = mdp_h5_commit(writer->file, err);

    writer->file = NULL;
    mdp_probes_writer_free(writer);
    return st;
}

void mdp_probes_writer_free(struct mdp_probes_writer *writer)
{
    if (!writer)
        return;
    mdp_h5_close(writer->file);
    free(writer);
}

static mdp_status read_weights(const struct mdp_h5 *file, const char *path, const char *coef,
                               const char *intercept, struct mdp_probe_weights *w, struct mdp_error *err)
{
    struct mdp_h5_shape shape, intercepts;
    mdp_status st = mdp_h5_attr_read_strings(file, "/", "class_names", &w->class_names, &w->k, err);
    size_t count = 0;

    if (st == MDP_OK)
        st = mdp_h5_shape_of(file, coef, &shape, err);
    if (st == MDP_OK)
        st = mdp_h5_shape_of(file, intercept, &intercepts, err);
    if (st != MDP_OK)
        return st;
    w->m = mdp_logistic_rows(w->k);
    if (w->k < 2 || shape.rank != 2 || shape.dims[0] != w->m || shape.dims[1] == 0 || intercepts.rank != 1 ||
        intercepts.dims[0] != w->m || !mdp_mul_size(w->m, shape.dims[1], &count))
        return mdp_fail(err, MDP_ERR_FORMAT, "%s: %s: expected weights [%zu, features] for %zu classes", path,
                        coef, w->m, w->k);
    w->d = shape.dims[1];
    w->coef = mdp_new_array(count, sizeof *w->coef, err, &st);
    w->intercept = mdp_new_array(w->m, sizeof *w->intercept, err, &st);
    if (st == MDP_OK)
        st = mdp_h5_read_rows(file, coef, MDP_H5_F64, 0, w->m, w->coef, err);
    if (st == MDP_OK)
        st = mdp_h5_read_rows(file, intercept, MDP_H5_F64, 0, w->m, w->intercept, err);
    for (size_t i = 0; i < count && st == MDP_OK; i++)
        if (!isfinite(w->coef[i]) || !isfinite(w->intercept[i % w->m]))
            st = mdp_fail(err, MDP_ERR_VALUE, "%s: %s: a weight is not finite", path, coef);
    return st;
}

mdp_status mdp_probe_weights_read(const char *path, const char *method, const char *group,
                                  struct mdp_probe_weights *w, struct mdp_error *err)
{
    struct mdp_text coef = {0}, intercept = {0}, place = {0};
    struct mdp_h5 *file = NULL;

    *w = (struct mdp_probe_weights){.c = NAN};
    mdp_text_add(&place, "/%s/%s", method, group);
    mdp_text_add(&coef, "/%s/%s/coef", method, group);
    mdp_text_add(&intercept, "/%s/%s/intercept", method, group);
    mdp_status st = mdp_text_status(&place, err);
    if (st == MDP_OK)
        st = mdp_text_status(&coef, err);
    if (st == MDP_OK)
        st = mdp_text_status(&intercept, err);
    if (st == MDP_OK)
        st = mdp_h5_open(path, &file, err);
    if (st == MDP_OK && (!mdp_h5_has(file, coef.at) || !mdp_h5_has(file, intercept.at)))
        st = mdp_fail(err, MDP_ERR_MISSING, "%s: no probe %s", path, place.at);
    if (st == MDP_OK)
        st = read_weights(file, path, coef.at, intercept.at, w, err);
    if (st == MDP_OK && mdp_h5_attr_has(file, place.at, "C"))
        st = mdp_h5_attr_read(file, place.at, "C", MDP_H5_F64, 1, &w->c, err);
    if (st != MDP_OK)
        mdp_probe_weights_release(w);
    mdp_h5_close(file);
    mdp_text_release(&coef);
    mdp_text_release(&intercept);
    mdp_text_release(&place);
    return st;
}

void mdp_probe_weights_release(struct mdp_probe_weights *w)
{
    free(w->coef);
    free(w->intercept);
    mdp_h5_strings_free(w->class_names, w->class_names ? w->k : 0);
    *w = (struct mdp_probe_weights){0};
}

mdp_status mdp_probe_weights_apply(const struct mdp_probe_weights *w, const float x[], size_t n,
                                   double scores[], struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    double *z = mdp_new_array(n * w->m, sizeof *z, err, &st);

    if (st == MDP_OK)
        st = mdp_linear_logits(x, NULL, n, w->d, w->coef, w->intercept, w->m, z, err);
    if (st == MDP_OK)
        mdp_logistic_probabilities(z, n, w->k, scores);
    free(z);
    return st;
}
