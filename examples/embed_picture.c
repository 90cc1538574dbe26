/* SPDX-License-Identifier: BSD-3-Clause */
/* One picture's embedding, and how near it is to some texts.

       embed_picture MODEL PICTURE [TEXT ...]
       embed_picture demo-phantom film.png "clear lungs" "a cavity in the upper lobe"                                */
#include <medprobe/embed.h>

#include <stdio.h>
#include <stdlib.h>

/* The whole file, for free(); NULL when it cannot be read. */
static unsigned char *read_file(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = NULL;
    long size = 0;

    *n = 0;
    if (!file)
        return NULL;
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) > 0 && fseek(file, 0, SEEK_SET) == 0)
        bytes = malloc((size_t)size);
    if (bytes)
        *n = fread(bytes, 1, (size_t)size, file);
    fclose(file);
    return bytes;
}

static void print_cosines(const float *picture, const float *texts, char *names[], size_t n, size_t d)
{
    for (size_t t = 0; t < n; t++) {
        double cosine = 0;
        for (size_t i = 0; i < d; i++)
            cosine += (double)picture[i] * (double)texts[t * d + i];
        printf("%+.4f  %s\n", cosine, names[t]);
    }
}

int main(int argc, char *argv[])
{
    struct mdp_error err = MDP_ERROR_INIT;
    struct mdp_embedder *e = NULL;
    unsigned char *bytes = NULL;
    float *embeddings = NULL, norm = 0; /* [1 + n, D]: the picture's, then the texts' */
    size_t n_bytes = 0, d = 0, n = argc > 3 ? (size_t)argc - 3 : 0;
    mdp_status st;

    if (argc < 3) {
        fprintf(stderr, "usage: embed_picture MODEL PICTURE [TEXT ...] (medprobe %s)\n", mdp_version());
        return 2;
    }
    bytes = read_file(argv[2], &n_bytes);
    if (!bytes) {
        fprintf(stderr, "%s: cannot be read\n", argv[2]);
        return 1;
    }
    st = mdp_embedder_open(argv[1], NULL, n > 0, &e, &err);
    if (st != MDP_OK)
        goto out;
    d = mdp_embedder_width(e);
    embeddings = calloc((1 + n) * d, sizeof *embeddings);
    if (!embeddings) {
        st = mdp_fail(&err, MDP_ERR_MEMORY, "out of memory");
        goto out;
    }
    st = mdp_embed_picture(e, bytes, n_bytes, argv[2], embeddings, &norm, &err);
    if (st == MDP_OK && n)
        st = mdp_embed_texts(e, (const char *const *)argv + 3, n, embeddings + d, NULL, &err);
    if (st != MDP_OK)
        goto out;
    printf("%zu values, norm %.9g: %.9g %.9g ...\n", d, (double)norm, (double)embeddings[0],
           (double)embeddings[1]);
    print_cosines(embeddings, embeddings + d, argv + 3, n, d);
out:
    if (st != MDP_OK)
        fprintf(stderr, "%s\n", err.message);
    mdp_embedder_close(e);
    free(embeddings);
    free(bytes);
    return st != MDP_OK;
}
