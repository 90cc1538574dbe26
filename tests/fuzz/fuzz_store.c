/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: stores: any bytes are read or refused with one line. libhdf5 does the parsing and is not instrumented: what it does
   wrong shows as a crash of its own. Seeds: any small store (tests/tools/tiny_medclip and extract make one).

   make fuzz FLAVOUR=fuzz && build/fuzz/fuzz/fuzz_store -max_len=200000 -timeout=30 -rss_limit_mb=1500 SEEDS */
#include "medprobe/store.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_rows(const struct mdp_store *store)
{
    struct mdp_error err = MDP_ERROR_INIT;
    const struct mdp_store_info *info = mdp_store_info(store);
    size_t n = info->n < 64 ? info->n : 64;
    int64_t rows[64];
    size_t length = 0;

    if (info->d > 4096)
        return;
    float *values = malloc(64 * info->d * sizeof *values);
    for (size_t i = 0; i < n; i++) {
        rows[i] = (int64_t)(info->n - 1 - i);
        length += strlen(info->ids[i]) + (info->splits ? strlen(info->splits[i]) : 0);
        assert(!info->labels || (info->labels[i] >= -1 && info->labels[i] < (int32_t)info->n_classes));
    }
    if (mdp_store_rows(store, rows, n, values, &err) == MDP_OK)
        for (size_t i = 0; i < n * info->d; i++)
            assert(isfinite(values[i]));
    else
        assert(err.message[0]);
    assert(length < SIZE_MAX);
    free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_store *store = NULL;

    if (!path[0])
        snprintf(path, sizeof path, "/dev/shm/fuzz_store.%ld.h5", (long)getpid());
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0)
        abort();
    if (mdp_store_open(path, &store, &err) == MDP_OK)
        read_rows(store);
    else
        assert(err.message[0]);
    mdp_store_close(store);
    unlink(path);
    return 0;
}
