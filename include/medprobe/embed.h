/* SPDX-License-Identifier: BSD-3-Clause */
/* Embeddings of pictures and texts by a model: what `medprobe extract` writes into a store, one by one.

       #include <medprobe/embed.h>
       #include <stdio.h>
       #include <stdlib.h>

       static mdp_status similarity_of(const void *jpeg, size_t n, const char *text, struct mdp_error *err)
       {
           struct mdp_embedder *e = NULL;
           mdp_status st = mdp_embedder_open("demo-phantom", NULL, true, &e, err);
           size_t d = st == MDP_OK ? mdp_embedder_width(e) : 0;
           float *of_picture = calloc(2 * d, sizeof *of_picture), *of_text = of_picture + d;
           double cosine = 0;

           if (st == MDP_OK)
               st = mdp_embed_picture(e, jpeg, n, "film.jpg", of_picture, NULL, err);
           if (st == MDP_OK)
               st = mdp_embed_texts(e, &text, 1, of_text, NULL, err);
           for (size_t i = 0; i < d; i++)
               cosine += (double)of_picture[i] * (double)of_text[i];
           if (st == MDP_OK)
               printf("%s: %.4f\n", text, cosine);
           free(of_picture);
           mdp_embedder_close(e);
           return st;
       }

   examples/embed_picture.c is a whole program. Research use only: nothing here is a medical device.

   Letters: D width of an embedding. */
#ifndef MEDPROBE_EMBED_H
#define MEDPROBE_EMBED_H

#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An opened model. It never changes: any number of threads may embed with it at the same time. */
struct mdp_embedder;

/* `model`: a name of `medprobe models list`, or the path of a model's YAML file. `weights`: the file of its weights; NULL: the
   one that `medprobe models pull` fetched, or that lies beside the YAML file. `texts`: the text tower is read, too; an error
   where the model has none. *embedder is NULL on failure. With MEDPROBE_KERNEL=portable, and on CPUs without AVX2, OpenBLAS is
   set to one thread for the whole process: embeddings then do not depend on OPENBLAS_NUM_THREADS. */
mdp_status mdp_embedder_open(const char *model, const char *weights, bool texts,
                             struct mdp_embedder **embedder, struct mdp_error *err);
/* NULL is fine. */
void mdp_embedder_close(struct mdp_embedder *embedder);

/* D: floats of an embedding, the same for pictures and texts. */
size_t mdp_embedder_width(const struct mdp_embedder *embedder);
/* What the model multiplies cosines by before a softmax; NaN where it was opened without texts or has no such factor. */
double mdp_embedder_logit_scale(const struct mdp_embedder *embedder);

/* bytes[n] of a file of any format that extract reads -> embedding[D] of unit length; the length that it had goes to *norm (may be NULL). `name`
   stands for the file in messages. A damaged file is an error and never gives an embedding. The floats are those that
   extract writes on this machine, to the last bit. */
mdp_status mdp_embed_picture(const struct mdp_embedder *embedder, const void *bytes, size_t n,
                             const char *name, float *embedding, float *norm, struct mdp_error *err);

/* texts[n], UTF-8, as one batch -> embeddings[n, D] of unit length; the lengths that they had go to norms[n] (may be NULL).
   With some models a text's embedding depends on the longest text beside it, as it does in a prompt set: docs/TEXTS.md.
   Errors: an embedder that was opened without texts (MDP_ERR_USAGE), text that is not UTF-8. */
mdp_status mdp_embed_texts(const struct mdp_embedder *embedder, const char *const texts[], size_t n,
                           float *embeddings, float *norms, struct mdp_error *err);

#ifdef __cplusplus
}
#endif
#endif
