/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs an image tower on random pictures, on request: for bench/towers.py, which asks in turn with other programs.

       towers MODEL.yaml WEIGHTS THREADS

   MODEL.yaml holds the `image` map. Prints the kernel's name and the seconds of loading; then, for every line "N" on
   standard input, runs N pictures and prints the seconds that passed and the processor seconds that all threads took. */
#include "base/memory.h"
#include "base/parallel.h"
#include "extract/towers/image_tower.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PICTURES = 8, MOST_THREADS = 256 };

struct job {
    const struct mdp_image_tower *tower;
    float *input[PICTURES], *scratch[MOST_THREADS], *features[MOST_THREADS];
};

static double seconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static mdp_status run_picture(void *context, size_t item, size_t worker, struct mdp_error *err)
{
    const struct job *job = context;

    return mdp_image_tower_run(job->tower, job->input[item % PICTURES], job->scratch[worker],
                               job->features[worker], NULL, NULL, err);
}

static mdp_status prepare(struct job *job, size_t threads, struct mdp_error *err)
{
    const size_t input_size = mdp_image_tower_input_size(job->tower);
    uint32_t state = 1; /* of a linear congruential generator: any numbers will do */
    mdp_status st = MDP_OK;

    for (size_t i = 0; i < PICTURES; i++) {
        job->input[i] = mdp_new_array(input_size, sizeof(float), err, &st);
        for (size_t j = 0; job->input[i] && j < input_size; j++) {
            state = state * 1664525 + 1013904223;
            job->input[i][j] = (float)(state >> 8) / (float)(1 << 22) - 2;
        }
    }
    for (size_t i = 0; i < threads; i++) {
        job->scratch[i] = mdp_new_array(mdp_image_tower_scratch_size(job->tower), sizeof(float), err, &st);
        job->features[i] = mdp_new_array(mdp_image_tower_width(job->tower), sizeof(float), err, &st);
    }
    return st;
}

static mdp_status serve(struct job *job, size_t threads, struct mdp_error *err)
{
    char line[64];
    mdp_status st = MDP_OK;

    while (st == MDP_OK && fgets(line, sizeof line, stdin)) {
        const double wall = seconds(CLOCK_MONOTONIC), processor = seconds(CLOCK_PROCESS_CPUTIME_ID);
        st = mdp_parallel(strtoul(line, NULL, 10), threads, run_picture, job, err);
        printf("%.6f %.6f\n", seconds(CLOCK_MONOTONIC) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - processor);
        fflush(stdout);
    }
    return st;
}

/* Not getrusage(): its peak begins with the memory of the process that started this one. */
static void print_peak_memory(void)
{
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");

    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            printf("peak memory %ld MiB\n", strtol(line + 6, NULL, 10) / 1024);
    if (f)
        fclose(f);
}

int main(int argc, char **argv)
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_yaml *doc = NULL;
    struct mdp_weights *weights = NULL;
    struct mdp_image_tower *tower = NULL;
    struct job job = {0};

    if (argc != 4) {
        fprintf(stderr, "usage: towers MODEL.yaml WEIGHTS THREADS\n");
        return 2;
    }
    const size_t threads = strtoul(argv[3], NULL, 10);
    if (threads < 1 || threads > MOST_THREADS) {
        fprintf(stderr, "threads: '%s' (expected 1 to %d)\n", argv[3], MOST_THREADS);
        return 2;
    }
    const double begin = seconds(CLOCK_MONOTONIC);
    mdp_status st = mdp_yaml_read(argv[1], &doc, &err);
    if (st == MDP_OK)
        st = mdp_weights_open(argv[2], &weights, &err);
    if (st == MDP_OK)
        st = mdp_image_tower_new(doc, mdp_yaml_find(mdp_yaml_root(doc), "image"), weights, &tower, &err);
    job.tower = tower;
    if (st == MDP_OK)
        st = prepare(&job, threads, &err);
    if (st == MDP_OK) {
        printf("%s %.3f\n", mdp_image_tower_kernel(tower), seconds(CLOCK_MONOTONIC) - begin);
        fflush(stdout);
        st = serve(&job, threads, &err);
    }
    if (st != MDP_OK)
        fprintf(stderr, "towers: %s\n", err.message);
    print_peak_memory();
    for (size_t i = 0; i < PICTURES; i++)
        free(job.input[i]);
    for (size_t i = 0; i < threads; i++)
        free(job.scratch[i]), free(job.features[i]);
    mdp_image_tower_free(tower);
    mdp_weights_close(weights);
    mdp_yaml_free(doc);
    return st == MDP_OK ? 0 : 1;
}
