/* SPDX-License-Identifier: BSD-3-Clause */
/* The store (schema medprobe.store/1): embeddings and what is known of their pictures, as the later stages
   read it.

       #include <medprobe/store.h>
       #include <stdio.h>
       #include <stdlib.h>

       static mdp_status print_first(const char *path, struct mdp_error *err)
       {
           struct mdp_store *store = NULL;
           const int64_t rows[] = {0, 1};
           mdp_status st = mdp_store_open(path, &store, err);

           if (st != MDP_OK)
               return st;
           const struct mdp_store_info *info = mdp_store_info(store);
           float *embeddings = calloc(2 * info->d, sizeof *embeddings);
           st = mdp_store_rows(store, rows, 2, embeddings, err);
           if (st == MDP_OK)
               printf("%s: %g, %g ...\n", info->ids[0], (double)embeddings[0], (double)embeddings[1]);
           free(embeddings);
           mdp_store_close(store);
           return st;
       }

   examples/read_store.c is a whole program.

   Letters: N pictures (rows), D width of an embedding, Q vectors a picture, K classes, P prompts. docs/FORMATS.md describes the
   file. */
#ifndef MEDPROBE_STORE_H
#define MEDPROBE_STORE_H

#include "medprobe/status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MDP_STORE_SCHEMA "medprobe.store/1" /* root attribute `schema` */

struct mdp_store;

/* Everything but the embeddings, in memory; owned by the store. Absent parts are NULL. */
struct mdp_store_info {
    size_t n, d;
    const char *path;
    char content_hash
        [65]; /* SHA-256 over names, types and values, as hexadecimal digits; a repacked store has the same */
    const char *model, *pretrained, *weights_sha256, *pipeline, *precision,
        *kernel;                    /* root attributes, "" when absent */
    const char *const *ids;         /* [N] */
    const char *const *paths;       /* [N] or NULL */
    const char *const *patient_ids; /* [N] or NULL when no row has one; "" for a row without */
    const char *const *splits;      /* [N] or NULL when all are empty */
    const uint8_t *sha256;          /* [N, 32] or NULL */
    const int32_t *labels;          /* [N], -1 = none; NULL when the store has none */
    size_t n_classes;               /* K */
    const char *const *class_names; /* [K] */
    size_t n_failures; /* pictures that could not be used and have no row (extract --skip-errors) */
    /* text: n_prompts = 0 when the store has no /text */
    size_t n_prompts;            /* P */
    const float *text;           /* [P, D], unit length */
    const int32_t *prompt_class; /* [P]: index into text_class_names */
    size_t n_text_classes;
    const char *const *text_class_names;
    const char *const *prompts; /* [P] */
    const char *ensemble;       /* "mean-logits", "max-logits", "mean-embedding", "mean-raw" */
    const char *prompt_set, *prompt_set_sha256;
    double logit_scale;      /* the factor itself; 1 when absent */
    double logit_bias;       /* 0 when absent */
    const char *similarity;  /* "softmax", "sigmoid", "pairs", "max-query", ...; "softmax" when absent */
    const float *text_norms; /* [P]: lengths before they were made unit vectors; NULL when absent */
    const int32_t *prompt_negative; /* [P]: 1 where a prompt says that its class is absent; NULL: none does */
    size_t n_queries;               /* Q: vectors a picture in /query_embeddings; 0 without */
};

/* Opens a store. Errors: not a store of a known schema, lengths that are not N, labels out of range, a logit scale
   that is not finite, external raw storage. Embeddings are read, and checked to be finite, row by row as they
   are asked for. */
MDP_MUST_USE mdp_status mdp_store_open(const char *path, struct mdp_store **store, struct mdp_error *err);
/* NULL is fine. */
void mdp_store_close(struct mdp_store *store);
/* Valid until the store is closed. */
const struct mdp_store_info *mdp_store_info(const struct mdp_store *store);

/* Embeddings of rows[n] into out[n, D]. A row outside the store or a value that is not finite is an error
 * with its row. */
MDP_MUST_USE mdp_status mdp_store_rows(const struct mdp_store *store, const int64_t rows[], size_t n,
                                       float *out, struct mdp_error *err);

/* Embeddings x[n, D] of the rows rows[first] .. rows[first + n - 1]; they are gone after the call. */
typedef mdp_status mdp_store_visit(void *context, size_t first, size_t n, const float *x,
                                   struct mdp_error *err);

/* As mdp_store_rows for any number of rows, block by block in the order of rows[n]: calls visit until it fails. rows = NULL: all
   N, and n is not looked at. */
MDP_MUST_USE mdp_status mdp_store_each_block(const struct mdp_store *store, const int64_t rows[], size_t n,
                                             mdp_store_visit *visit, void *context, struct mdp_error *err);

/* Lengths of the features before they were made unit vectors, of rows[n] into out[n]: embedding times length is the
   feature. MDP_ERR_MISSING when the store has none. */
MDP_MUST_USE mdp_status mdp_store_norms(const struct mdp_store *store, const int64_t rows[], size_t n,
                                        float *out, struct mdp_error *err);

/* The vectors of rows[n] in /query_embeddings into out[n, Q, D]. MDP_ERR_MISSING when the store has none; a value that is not
   finite is an error with its row. */
MDP_MUST_USE mdp_status mdp_store_queries(const struct mdp_store *store, const int64_t rows[], size_t n,
                                          float *out, struct mdp_error *err);

/* The row of an id, or N. */
size_t mdp_store_find_id(const struct mdp_store *store, const char *id);

#ifdef __cplusplus
}
#endif
#endif
