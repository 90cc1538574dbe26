/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE /* cpu_set_t */
#include "base/parallel.h"

#include "base/memory.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

struct shared_loop {
    pthread_mutex_t lock;
    size_t n, next; /* items; the next one to hand out */
    mdp_work *work;
    void *context;
    mdp_status status; /* of the smallest failed item */
    size_t failed_item;
    struct mdp_error err;
};

struct loop_worker {
    struct shared_loop *loop;
    size_t index;
    pthread_t thread;
};

static bool take_item(struct shared_loop *loop, size_t *item)
{
    pthread_mutex_lock(&loop->lock);
    bool more = loop->status == MDP_OK && loop->next < loop->n;
    if (more)
        *item = loop->next++;
    pthread_mutex_unlock(&loop->lock);
    return more;
}

/* Items are handed out in order, so every item before a failed one has been begun: the smallest failed item
   is the same however the threads ran. */
static void note_failure(struct shared_loop *loop, size_t item, mdp_status st, const struct mdp_error *err)
{
    pthread_mutex_lock(&loop->lock);
    if (loop->status == MDP_OK || item < loop->failed_item) {
        loop->status = st;
        loop->failed_item = item;
        loop->err = *err;
    }
    pthread_mutex_unlock(&loop->lock);
}

static void run_items(struct loop_worker *worker)
{
    struct shared_loop *loop = worker->loop;
    size_t item = 0;

#ifdef __SSE__
    const unsigned flush_to_zero = 0x8040; /* FTZ and DAZ bits of MXCSR */
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | flush_to_zero);
#endif
    while (take_item(loop, &item)) {
        struct mdp_error err = MDP_ERROR_INIT;
        mdp_status st = loop->work(loop->context, item, worker->index, &err);
        if (st != MDP_OK)
            note_failure(loop, item, st, &err);
    }
#ifdef __SSE__
    _mm_setcsr(before);
#endif
}

static void *worker_main(void *argument)
{
    run_items(argument);
    return NULL;
}

mdp_status mdp_parallel(size_t n, size_t threads, mdp_work *work, void *context, struct mdp_error *err)
{
    struct shared_loop loop = {.lock = PTHREAD_MUTEX_INITIALIZER, .n = n, .work = work, .context = context};
    struct loop_worker *workers = NULL;
    size_t started = 0;
    mdp_status st = MDP_OK;

    if (threads < 1)
        threads = 1;
    if (threads > n)
        threads = n ? n : 1;
    workers = mdp_new_array(threads, sizeof *workers, err, &st);
    if (!workers)
        return st;
    for (size_t i = 0; i < threads; i++)
        workers[i] = (struct loop_worker){.loop = &loop, .index = i};
    /* A thread that cannot be made is no error: the others take its items. */
    for (size_t i = 1; i < threads; i++) {
        if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) != 0)
            break;
        started = i;
    }
    run_items(&workers[0]);
    for (size_t i = 1; i <= started; i++)
        pthread_join(workers[i].thread, NULL);
    free(workers);
    if (loop.status != MDP_OK && err)
        *err = loop.err;
    return loop.status;
}

/* CPU time that a control group allows, in cores rounded up; 0 when nothing limits it. */
static size_t cgroup_cores(void)
{
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    unsigned long quota = 0, period = 0;

    if (!file)
        return 0;
    int fields = fscanf(file, "%lu %lu", &quota, &period);
    fclose(file);
    return fields == 2 && quota && period ? (quota + period - 1) / period : 0;
}

size_t mdp_usable_cores(void)
{
    cpu_set_t set;
    size_t cores = 1;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        cores = (size_t)CPU_COUNT(&set);
    size_t allowed = cgroup_cores();
    if (allowed && allowed < cores)
        cores = allowed;
    return cores ? cores : 1;
}
