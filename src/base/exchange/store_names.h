/* SPDX-License-Identifier: BSD-3-Clause */
/* The store's names: its writer (extract/job/store_write.c), its reader (store.c) and who compares a finished one have them
   from here. What stands under them: docs/FORMATS.md. Names of a file that is written never change; a new one is a line here.

   Letters: N pictures, D width of an embedding, Q vectors a picture, P prompts. */
#ifndef MDP_BASE_STORE_NAMES_H
#define MDP_BASE_STORE_NAMES_H

/* --- datasets and groups --- */

#define MDP_STORE_EMBEDDINGS "/embeddings"    /* [N, D] float32 */
#define MDP_STORE_FEATURES "/features"        /* hard link to it */
#define MDP_STORE_QUERIES "/query_embeddings" /* [N, Q, D] float32, where a picture has several vectors */
#define MDP_STORE_NORMS "/norms"              /* [N] float32 */
#define MDP_STORE_IDS "/ids"                  /* [N] strings, as the next three */
#define MDP_STORE_PATHS "/paths"
#define MDP_STORE_PATIENT_IDS "/patient_ids"
#define MDP_STORE_SPLITS "/splits"
#define MDP_STORE_SHA256 "/sha256"               /* [N, 32] uint8, of the file */
#define MDP_STORE_PHASH "/phash"                 /* [N] uint64 */
#define MDP_STORE_ORIENTATION "/orientation"     /* [N] uint8, of EXIF */
#define MDP_STORE_LABELS "/labels"               /* [N] int32; class_names */
#define MDP_STORE_TARGETS "/targets"             /* [N, columns] int8; target_names */
#define MDP_STORE_ATTRIBUTES "/attributes"       /* group: a column of the table each */
#define MDP_STORE_FAILURES_PATH "/failures/path" /* [rows without embedding], as the next two */
#define MDP_STORE_FAILURES_ROW "/failures/row"
#define MDP_STORE_FAILURES_REASON "/failures/reason"
#define MDP_STORE_TEXT "/text" /* group; class_names, ensemble, prompt_set, prompt_set_sha256 */
#define MDP_STORE_TEXT_EMBEDDINGS "/text/embeddings"   /* [P, D] float32 */
#define MDP_STORE_TEXT_NORMS "/text/norms"             /* [P] float32 */
#define MDP_STORE_TEXT_PROMPTS "/text/prompts"         /* [P] strings */
#define MDP_STORE_TEXT_CLASS_INDEX "/text/class_index" /* [P] int32, into class_names of /text */
#define MDP_STORE_TEXT_NEGATIVE "/text/negative" /* [P] uint8: 1 where it says that the class is absent */

/* --- attributes of a dataset or group --- */

#define MDP_STORE_ATTR_CLASS_NAMES "class_names"
#define MDP_STORE_ATTR_TARGET_NAMES "target_names"
#define MDP_STORE_ATTR_ENSEMBLE "ensemble"
#define MDP_STORE_ATTR_PROMPT_SET "prompt_set"
#define MDP_STORE_ATTR_PROMPT_SET_SHA256 "prompt_set_sha256"

/* --- attributes of the root --- */

#define MDP_STORE_ATTR_SCHEMA "schema"
#define MDP_STORE_ATTR_MODEL "model"
#define MDP_STORE_ATTR_PRETRAINED "pretrained"
#define MDP_STORE_ATTR_WEIGHTS_SHA256 "weights_sha256"
#define MDP_STORE_ATTR_PIPELINE "pipeline"
#define MDP_STORE_ATTR_PRECISION "precision"
#define MDP_STORE_ATTR_KERNEL "kernel"
#define MDP_STORE_ATTR_LOGIT_SCALE "logit_scale"
#define MDP_STORE_ATTR_LOGIT_BIAS "logit_bias"
#define MDP_STORE_ATTR_SIMILARITY "similarity"

#endif
