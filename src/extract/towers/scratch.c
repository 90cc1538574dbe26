/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/scratch.h"

#include "base/memory.h"

float *mdp_scratch_take(struct mdp_scratch *scratch, size_t n)
{
    const size_t line = MDP_ALIGNMENT / sizeof(float);
    float *at = scratch->block ? scratch->block + scratch->used : NULL;

    scratch->used += (n + line - 1) / line * line;
    return at;
}
