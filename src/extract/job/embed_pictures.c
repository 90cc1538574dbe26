/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/embed_pictures.h"

#include "base/memory.h"
#include "base/ordered.h"
#include "base/try.h"

#include <stdlib.h>
#include <string.h>

struct loop {
    struct mdp_embed_pictures *job;
    struct mdp_record *slots; /* [window], each with room for an embedding */
    size_t window, failures;
};

static mdp_status make_record(void *context, size_t row, size_t worker, void *slot, struct mdp_error *err)
{
    const struct loop *loop = context;

    return mdp_encode(&loop->job->encoder, row, worker, slot, err);
}

static mdp_status take_record(void *context, size_t row, void *slot, struct mdp_error *err)
{
    struct loop *loop = context;
    const struct mdp_record *record = slot;

    (void)row;
    TRY(mdp_workfile_append(loop->job->work, record, err));
    loop->failures += record->failed;
    loop->job->take(loop->job->context, record, loop->failures);
    return MDP_OK;
}

static mdp_status check_earlier(struct loop *loop, struct mdp_error *err)
{
    struct mdp_workfile *work = loop->job->work;
    const struct mdp_encoder *encoder = &loop->job->encoder;
    struct mdp_record *was = &loop->slots[0], *is = &loop->slots[1];
    size_t rows = mdp_workfile_count(work);

    for (size_t row = 0; row < rows; row++) {
        TRY(mdp_workfile_read(work, row, was, err));
        if (!was->failed) {
            TRY(mdp_encode_unchanged(encoder, was, err));
            continue;
        }
        TRY(mdp_encode(encoder, row, 0, is, err));
        if (!is->failed || strcmp(was->reason, is->reason) != 0)
            return mdp_workfile_cut(work, row, err);
        loop->failures++;
    }
    return MDP_OK;
}

static mdp_status run(struct loop *loop, struct mdp_error *err)
{
    struct mdp_embed_pictures *job = loop->job;

    TRY(check_earlier(loop, err));
    const struct mdp_ordered rows = {.first = mdp_workfile_count(job->work),
                                     .n = job->encoder.manifest->n,
                                     .threads = job->threads,
                                     .window = loop->window,
                                     .slots = loop->slots,
                                     .slot_size = sizeof *loop->slots,
                                     .make = make_record,
                                     .take = take_record,
                                     .context = loop,
                                     .stop = job->stop};
    job->begin(job->context, rows.first, loop->failures);
    mdp_status st = mdp_ordered_run(&rows, err);
    mdp_status synced = mdp_workfile_sync(job->work, st == MDP_OK ? err : NULL);
    return st == MDP_OK ? synced : st;
}

mdp_status mdp_embed_pictures(struct mdp_embed_pictures *job, size_t *failures, struct mdp_error *err)
{
    size_t d = mdp_model_picture_size(job->encoder.model), least = 2 * job->threads;
    struct loop loop = {.job = job, .window = job->batch_size > least ? job->batch_size : least};
    mdp_status st = MDP_OK;
    float *embeddings = NULL;

    loop.slots = mdp_new_array(loop.window, sizeof *loop.slots, err, &st);
    if (st == MDP_OK)
        embeddings = mdp_new_array(loop.window * d, sizeof *embeddings, err, &st);
    for (size_t i = 0; i < loop.window && st == MDP_OK; i++)
        loop.slots[i].embedding = embeddings + i * d;
    if (st == MDP_OK)
        st = mdp_encoder_init(&job->encoder, job->threads, err);
    if (st == MDP_OK)
        st = run(&loop, err);
    *failures = loop.failures;
    mdp_encoder_release(&job->encoder);
    free(embeddings);
    free(loop.slots);
    return st;
}
