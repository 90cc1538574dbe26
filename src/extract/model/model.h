/* SPDX-License-Identifier: BSD-3-Clause */
/* One opened model: what its card names, found, read and ready to embed pictures and texts.

       struct mdp_model *model = NULL;
       TRY(mdp_model_open(&(struct mdp_model_choice){.model = "medclip-vit", .texts = true}, &model, err));
       mdp_model_embed_texts(model, phrases, n, threads, embeddings, norms, err);
       mdp_model_close(model);

   Letters: D width of an embedding, Q vectors a picture (0 where it has one). */
#ifndef MDP_EXTRACT_MODEL_H
#define MDP_EXTRACT_MODEL_H

#include "base/exchange/zero_shot_rules.h"
#include "base/hash.h"
#include "extract/model/model_card.h"
#include "extract/preprocess/pipeline.h"
#include "extract/text/tokenizer.h"
#include "extract/towers/image_tower.h"
#include "extract/towers/text_tower.h"

/* What the user may say of a model; NULL: as its card has it. */
struct mdp_model_choice {
    const char *model;                                          /* a name of `models list`, or a YAML file */
    const char *weights, *text_weights, *vocab;                 /* files; `vocab` may be a folder */
    const char *pipeline, *grey16, *orientation, *resize_order; /* preprocessing, and words of it */
    const char *text_pooling;
    bool texts; /* texts will be embedded, too */
};

/* A file that the model was read from. */
struct mdp_model_source {
    struct mdp_text path;        /* empty where the model has no such file or none was needed */
    char sha256[MDP_SHA256_HEX]; /* "" then */
    bool is_other;               /* than the published one, whose digest the card has */
};

/* Read only after it was opened; all threads share it. */
struct mdp_model {
    struct mdp_model_card card;
    struct mdp_pipeline pipeline; /* makes what `image` takes */
    struct mdp_model_source weights_file, text_weights_file, vocab_file;
    struct mdp_weights *weights,
        *text_weights; /* mapped; the latter NULL where texts have no file of their own */
    struct mdp_image_tower *image;
    struct mdp_tokenizer *tokenizer; /* NULL without `texts` */
    struct mdp_text_tower *text;     /* NULL without `texts` */
    const char *pooling;             /* of the text tower, by name; NULL where it has no choice of it */
    struct mdp_logits logits;        /* of a cosine; scale NaN without `texts` or where the card has none */
};

/* Finds the files, reads card, weights and towers, and checks that they belong together: the card whole
   (mdp_model_card_check), pieces of the vocabulary, no tensor left over. Every failure names the file and, where an option would help, the option. */
mdp_status mdp_model_open(const struct mdp_model_choice *choice, struct mdp_model **model,
                          struct mdp_error *err);
/* NULL is fine. */
void mdp_model_close(struct mdp_model *model);
/* For a run of many pictures: no more texts will come, and a text tower may hold most of a model's memory. */
void mdp_model_forget_texts(struct mdp_model *model);

size_t mdp_model_width(const struct mdp_model *model);   /* D */
size_t mdp_model_vectors(const struct mdp_model *model); /* Q */
/* Floats of a picture's record: (1 + Q) * D. */
size_t mdp_model_picture_size(const struct mdp_model *model);
/* "published", or the start of the SHA-256 of the file that is another (file names are not identity). */
mdp_status mdp_model_pretrained(const struct mdp_model *model, struct mdp_text *out, struct mdp_error *err);
/* The tokenizer's settings as the card has them, the vocabulary's SHA-256 and the pooling, as JSON. */
void mdp_model_text_pipeline_to_json(const struct mdp_model *model, struct mdp_text *out);

/* Working memory of one thread that embeds pictures; {0} is empty. */
struct mdp_model_room {
    float *input, *scratch;
};
mdp_status mdp_model_room_init(struct mdp_model_room *room, const struct mdp_model *model,
                               struct mdp_error *err);
void mdp_model_room_release(struct mdp_model_room *room);

/* A decoded picture -> vectors[(1 + Q) * D] of unit length each: the embedding[D], which is the mean of the Q vectors where
   there are such, then these [Q, D]. *norm is the length that the embedding had. */
mdp_status mdp_model_embed_picture(const struct mdp_model *model, const struct mdp_picture *picture,
                                   const struct mdp_model_room *room, float *vectors, float *norm,
                                   struct mdp_error *err);

/* texts[n], one batch (a text may depend on the longest beside it: docs/TEXTS.md) -> embeddings[n, D] of unit length, the
   lengths they had in norms[n]. The bytes do not depend on `threads`. A failure names the text by its place. */
mdp_status mdp_model_embed_texts(const struct mdp_model *model, const char *const texts[], size_t n,
                                 size_t threads, float *embeddings, float *norms, struct mdp_error *err);

#endif
