/* SPDX-License-Identifier: BSD-3-Clause */
/* Byte-pair encoding of one word, given as ids of its symbols: the pair of neighbours that stands first in the list of
   merges becomes one symbol, and so on until no pair is in the list; of equal pairs the leftmost first. (Sennrich et
   al. 2016, https://arxiv.org/abs/1508.07909; as CLIP's simple_tokenizer.bpe and the library tokenizers do it, which
   agree where the parts of a merge are merged before it.) Time is O(n log n): a word of a megabyte is no trap.

       mdp_bpe_merges_new(n, &merges, err);
       mdp_bpe_merges_add(merges, left, right, merged, err);     n times, in the order of the list
       struct mdp_bpe_work work = {0};
       mdp_bpe_merge(merges, ids, &n_ids, &work, err);           each word
       mdp_bpe_work_release(&work);                                                                      */
#ifndef MDP_EXTRACT_BPE_MERGES_H
#define MDP_EXTRACT_BPE_MERGES_H

#include "medprobe/status.h"

#include <stddef.h>
#include <stdint.h>

struct mdp_bpe_merges;

/* An empty list with room for n merges, at most 16,777,216. */
mdp_status mdp_bpe_merges_new(size_t n, struct mdp_bpe_merges **merges, struct mdp_error *err);
void mdp_bpe_merges_free(struct mdp_bpe_merges *merges);

/* The next merge of the list: symbols `left` and `right`, side by side, become `merged`; ids are not negative. A pair
   that is there already is MDP_ERR_FORMAT; more pairs of one hash than a list that is not made for it has, MDP_ERR_LIMIT. */
mdp_status mdp_bpe_merges_add(struct mdp_bpe_merges *merges, int32_t left, int32_t right, int32_t merged,
                              struct mdp_error *err);

/* Room that words share; {0} is empty. Not for two threads at a time. */
struct mdp_bpe_work {
    uint32_t *links; /* [n_links] neighbours of each place: before, behind */
    uint64_t *heap;  /* [n_heap] candidates: rank << 32 | place */
    size_t n_links, n_heap;
};
void mdp_bpe_work_release(struct mdp_bpe_work *work);

/* ids[*n], the symbols of a word, merged in place; *n is what is left. A word of 2^30 symbols is MDP_ERR_LIMIT. */
mdp_status mdp_bpe_merge(const struct mdp_bpe_merges *merges, int32_t ids[], size_t *n,
                         struct mdp_bpe_work *work, struct mdp_error *err);

#endif
