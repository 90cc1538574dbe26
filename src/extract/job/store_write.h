/* SPDX-License-Identifier: BSD-3-Clause */
/* The store (schema medprobe.store/1, docs/FORMATS.md) made of a complete work file, in one pass that reads
   one block of records after the other: its bytes depend on what goes in alone.

   Letters: D width of an embedding, Q vectors a picture, P prompts, K classes of the prompts. */
#ifndef MDP_EXTRACT_STORE_WRITE_H
#define MDP_EXTRACT_STORE_WRITE_H

#include "base/exchange/zero_shot_rules.h"
#include "extract/job/facts.h"
#include "extract/job/manifest.h"
#include "extract/job/workfile.h"
#include "extract/model/model_similarity.h"
#include "medprobe/status.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Prompts and their embeddings. */
struct mdp_text_part {
    size_t n;                       /* P */
    const float *embeddings;        /* [P, D], unit length */
    const float *norms;             /* [P] */
    const char *const *prompts;     /* [P] */
    const int32_t *class_index;     /* [P] */
    const uint8_t *negative;        /* [P]: 1 where it says that the class is absent; NULL: none does */
    size_t n_classes;               /* K */
    const char *const *class_names; /* [K] */
    enum mdp_ensemble ensemble;
    const char *prompt_set, *prompt_set_sha256;
};

struct mdp_store_content {
    const struct mdp_manifest *manifest;
    struct mdp_workfile *work;          /* a record of (1 + Q) * D values for every row of the manifest */
    size_t width;                       /* D */
    size_t vectors;                     /* Q: in /query_embeddings; 0: none */
    const struct mdp_facts *attributes; /* of the root, strings, besides `schema` */
    const struct mdp_text_part *text;   /* NULL: none */
    bool has_logits;
    struct mdp_logits logits; /* with has_logits, as the next */
    enum mdp_similarity similarity;
};

/* Writes "<path>.tmp", then renames it. `stop` not 0 in between: MDP_ERR_INTERRUPTED and no file. */
mdp_status mdp_store_write(const char *path, const struct mdp_store_content *content,
                           const volatile sig_atomic_t *stop, struct mdp_error *err);

#endif
