/* SPDX-License-Identifier: BSD-3-Clause */
/* The public door to extract/model/model.h. */
#include "medprobe/embed.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/try.h"
#include "extract/input/picture.h"
#include "extract/model/model.h"

#include <stdlib.h>
#include <string.h>

struct mdp_embedder {
    struct mdp_model *model;
};

mdp_status mdp_embedder_open(const char *model, const char *weights, bool texts,
                             struct mdp_embedder **embedder, struct mdp_error *err)
{
    const struct mdp_model_choice choice = {.model = model, .weights = weights, .texts = texts};
    mdp_status st = MDP_OK;
    struct mdp_embedder *e = mdp_new_array(1, sizeof *e, err, &st);

    *embedder = NULL;
    if (e)
        st = mdp_model_open(&choice, &e->model, err);
    if (st == MDP_OK)
        *embedder = e;
    else
        mdp_embedder_close(e);
    return st;
}

void mdp_embedder_close(struct mdp_embedder *e)
{
    if (!e)
        return;
    mdp_model_close(e->model);
    free(e);
}

size_t mdp_embedder_width(const struct mdp_embedder *e)
{
    return mdp_model_width(e->model);
}

double mdp_embedder_logit_scale(const struct mdp_embedder *e)
{
    return e->model->logits.scale;
}

struct picture_job {
    const struct mdp_model *model;
    const void *bytes;
    size_t n;
    const char *name;
    float *vectors, norm; /* [mdp_model_picture_size] */
};

static mdp_status embed_picture(void *context, size_t item, size_t worker, struct mdp_error *err)
{
    struct picture_job *job = context;
    struct mdp_picture picture = {0};
    struct mdp_model_room room = {0};
    mdp_status st = MDP_OK;

    (void)item;
    (void)worker;
    OR_OUT(mdp_picture_decode(job->bytes, job->n, job->name, NULL, &picture, err));
    OR_OUT(mdp_model_room_init(&room, job->model, err));
    st = mdp_model_embed_picture(job->model, &picture, &room, job->vectors, &job->norm, err);
    if (st != MDP_OK)
        mdp_fail_at(err, st, "%s", job->name);
out:
    mdp_model_room_release(&room);
    mdp_picture_release(&picture);
    return st;
}

mdp_status mdp_embed_picture(const struct mdp_embedder *e, const void *bytes, size_t n, const char *name,
                             float *embedding, float *norm, struct mdp_error *err)
{
    struct picture_job job = {.model = e->model, .bytes = bytes, .n = n, .name = name};
    mdp_status st = MDP_OK;

    job.vectors = mdp_new_array(mdp_model_picture_size(e->model), sizeof *job.vectors, err, &st);
    /* On the caller's thread, but with the rounding that extract's threads have. */
    if (st == MDP_OK)
        st = mdp_parallel(1, 1, embed_picture, &job, err);
    if (st == MDP_OK)
        memcpy(embedding, job.vectors, mdp_model_width(e->model) * sizeof *embedding);
    if (st == MDP_OK && norm)
        *norm = job.norm;
    free(job.vectors);
    return st;
}

mdp_status mdp_embed_texts(const struct mdp_embedder *e, const char *const texts[], size_t n,
                           float *embeddings, float *norms, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    float *lengths = norms;

    if (!e->model->text)
        return mdp_fail(err, MDP_ERR_USAGE, "%s was opened without texts", e->model->card.name);
    if (!norms)
        lengths = mdp_new_array(n, sizeof *lengths, err, &st);
    if (st == MDP_OK)
        st = mdp_model_embed_texts(e->model, texts, n, 1, embeddings, lengths, err);
    if (!norms)
        free(lengths);
    return st;
}
