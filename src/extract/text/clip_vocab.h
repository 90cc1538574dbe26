/* SPDX-License-Identifier: BSD-3-Clause */
/* The vocabulary of CLIP's tokenizer, which is its list of merges: 256 symbols of bytes (those that can be printed first,
   as U+0021 ...; the others as U+0100 ...), the same at the end of a word (with "</w>"), one symbol a merge, and the two
   tokens that begin and end a text. Program matched: clip/simple_tokenizer.py (OpenAI), open_clip/tokenizer.py. */
#ifndef MDP_EXTRACT_CLIP_VOCAB_H
#define MDP_EXTRACT_CLIP_VOCAB_H

#include "extract/text/bpe_merges.h"
#include "medprobe/status.h"

struct mdp_clip_vocab {
    struct mdp_bpe_merges *merges;
    int32_t bytes[256]; /* ids of the symbols of bytes; + MDP_CLIP_WORD_END: at the end of a word */
    int32_t begin, end; /* ids of the tokens around a text; `end` is the largest id */
};

enum { MDP_CLIP_WORD_END = 256, MDP_CLIP_MOST_MERGES = 49152 - 256 - 2 };

/* Reads a file of merges, gzip or plain: a head line, then one merge a line, of which 48,894 are taken, as in the programs
   matched. Beside a file `merges.txt` its `vocab.json`, where it is there, must give the same ids. Errors name file and
   line: a line that is no merge of two symbols known by then, a symbol made twice, bytes that are not UTF-8. */
mdp_status mdp_clip_vocab_read(const char *path, struct mdp_clip_vocab *vocab, struct mdp_error *err);
void mdp_clip_vocab_release(struct mdp_clip_vocab *vocab);

#endif
