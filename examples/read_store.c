/* SPDX-License-Identifier: BSD-3-Clause */
/* What is in a store that extract wrote, and the beginning of every embedding.

       read_store STORE                                                                                          */
#include <medprobe/store.h>

#include <stdio.h>
#include <stdlib.h>

static mdp_status print_rows(const struct mdp_store *store, struct mdp_error *err)
{
    const struct mdp_store_info *info = mdp_store_info(store);
    float *row = calloc(info->d, sizeof *row);
    mdp_status st = row ? MDP_OK : mdp_fail(err, MDP_ERR_MEMORY, "out of memory");

    for (int64_t i = 0; st == MDP_OK && (size_t)i < info->n; i++) {
        st = mdp_store_rows(store, &i, 1, row, err); /* many at once are faster */
        if (st != MDP_OK)
            break;
        printf("%s: %.9g %.9g ...", info->ids[i], (double)row[0], info->d > 1 ? (double)row[1] : 0.0);
        if (info->labels && info->labels[i] >= 0)
            printf(" (%s)", info->class_names[info->labels[i]]);
        printf("\n");
    }
    free(row);
    return st;
}

int main(int argc, char *argv[])
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_store *store = NULL;
    mdp_status st;

    if (argc != 2) {
        fprintf(stderr, "usage: read_store STORE (medprobe %s)\n", mdp_version());
        return 2;
    }
    st = mdp_store_open(argv[1], &store, &err);
    if (st == MDP_OK) {
        const struct mdp_store_info *info = mdp_store_info(store);
        printf("%zu pictures of %zu values by %s, %zu classes, %zu prompts\n", info->n, info->d, info->model,
               info->n_classes, info->n_prompts);
        st = print_rows(store, &err);
    }
    if (st != MDP_OK)
        fprintf(stderr, "%s\n", err.message);
    mdp_store_close(store);
    return st != MDP_OK;
}
