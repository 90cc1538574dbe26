/* SPDX-License-Identifier: BSD-3-Clause */
/* SentencePiece's compiled table of character sequences and what stands for them (`precompiled_charsmap` of its models and of
   tokenizer.json): the size of a double array in bytes, the array (Darts: https://github.com/s-yata/darts-clone), and
   NUL-terminated replacements. The libraries that walk it believe it; here every step was shown to stay inside before. */
#ifndef MDP_EXTRACT_CHARSMAP_H
#define MDP_EXTRACT_CHARSMAP_H

#include "medprobe/status.h"

#include <stddef.h>
#include <stdint.h>

struct mdp_charsmap {
    uint32_t *units; /* [n_units]; NULL: an empty table */
    char *texts;     /* [n_texts], the last one NUL */
    size_t n_units, n_texts;
};

/* Copies bytes[n], little-endian; none is an empty table. A table that leads out of itself is MDP_ERR_FORMAT. */
mdp_status mdp_charsmap_init(struct mdp_charsmap *map, const void *bytes, size_t n, struct mdp_error *err);
void mdp_charsmap_release(struct mdp_charsmap *map);

/* What stands for the shortest beginning of text[n] that is in the table, or NULL. (The shortest is what the library
   tokenizers takes, spm_precompiled 0.1; SentencePiece takes the longest.) */
const char *mdp_charsmap_shortest(const struct mdp_charsmap *map, const char *text, size_t n);

#endif
