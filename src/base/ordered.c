/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/ordered.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

/* Item i waits in slot i % window. Items are begun in order; a worker that finds its slot not yet taken
   waits. Whoever completes the item that is next takes it and all complete ones behind it. */
struct run {
    const struct mdp_ordered *loop;
    pthread_mutex_t lock;
    pthread_cond_t moved; /* `taken` has grown, or the run has ended */
    size_t next;          /* item to begin */
    size_t taken;         /* items [first, taken) have been taken */
    bool *ready;          /* [window] */
    bool taking;          /* a thread is in `take` */
    size_t end;           /* no item from here on is begun or taken: n, or the first that failed */
    mdp_status st;
    struct mdp_error err;
};

static bool stopped(const struct mdp_ordered *loop)
{
    return loop->stop && *loop->stop;
}

/* Items are begun in order, so all before a failed one have been begun. */
static void end_at(struct run *run, size_t item, mdp_status st, const struct mdp_error *err)
{
    if (item >= run->end)
        return;
    run->end = item;
    run->st = st;
    if (err)
        run->err = *err;
    pthread_cond_broadcast(&run->moved);
}

static void *slot_of(const struct run *run, size_t item)
{
    return (char *)run->loop->slots + item % run->loop->window * run->loop->slot_size;
}

/* Called with the lock held; gives it up while `take` works. */
static void take_ready(struct run *run)
{
    const struct mdp_ordered *loop = run->loop;

    if (run->taking)
        return;
    run->taking = true;
    while (run->taken < run->end && run->ready[run->taken % loop->window]) {
        size_t item = run->taken;
        struct mdp_error err = MDP_ERROR_INIT;
        pthread_mutex_unlock(&run->lock);
        mdp_status st = loop->take(loop->context, item, slot_of(run, item), &err);
        pthread_mutex_lock(&run->lock);
        if (st != MDP_OK) {
            end_at(run, item, st, &err);
            break;
        }
        run->ready[item % loop->window] = false;
        run->taken++;
        pthread_cond_broadcast(&run->moved);
    }
    run->taking = false;
}

/* Waits for a free slot and begins the next item; false when there is none. Lock held. */
static bool begin_item(struct run *run, size_t *item)
{
    const struct mdp_ordered *loop = run->loop;

    while (run->next < run->end && run->next - run->taken >= loop->window)
        pthread_cond_wait(&run->moved, &run->lock);
    if (stopped(loop))
        end_at(run, run->next, MDP_ERR_INTERRUPTED, NULL);
    if (run->next >= run->end)
        return false;
    *item = run->next++;
    return true;
}

static mdp_status work(void *context, size_t unused, size_t worker, struct mdp_error *unused_error)
{
    struct run *run = context;
    const struct mdp_ordered *loop = run->loop;
    size_t item = 0;

    (void)unused;
    (void)unused_error;
    pthread_mutex_lock(&run->lock);
    while (begin_item(run, &item)) {
        struct mdp_error err = MDP_ERROR_INIT;
        pthread_mutex_unlock(&run->lock);
        mdp_status st = loop->make(loop->context, item, worker, slot_of(run, item), &err);
        pthread_mutex_lock(&run->lock);
        if (st == MDP_OK)
            run->ready[item % loop->window] = true;
        else
            end_at(run, item, st, &err);
        take_ready(run);
    }
    pthread_mutex_unlock(&run->lock);
    return MDP_OK;
}

mdp_status mdp_ordered_run(const struct mdp_ordered *loop, struct mdp_error *err)
{
    struct run run = {.loop = loop, .next = loop->first, .taken = loop->first, .end = loop->n};
    mdp_status st = MDP_OK;

    assert(loop->window >= 1 && loop->threads >= 1);
    run.ready = mdp_new_array(loop->window, sizeof *run.ready, err, &st);
    if (!run.ready)
        return st;
    pthread_mutex_init(&run.lock, NULL);
    pthread_cond_init(&run.moved, NULL);
    st = mdp_parallel(loop->threads, loop->threads, work, &run, err); /* one item a thread: its life */
    pthread_mutex_destroy(&run.lock);
    pthread_cond_destroy(&run.moved);
    free(run.ready);
    if (st == MDP_OK && run.st == MDP_ERR_INTERRUPTED)
        st = mdp_fail(err, MDP_ERR_INTERRUPTED, "interrupted");
    else if (st == MDP_OK && run.st != MDP_OK) {
        st = run.st;
        if (err)
            *err = run.err;
    }
    return st;
}
