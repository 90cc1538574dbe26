/* SPDX-License-Identifier: BSD-3-Clause */
/* The variants that exist; only kernels.c and tests name them. */
#ifndef MDP_EXTRACT_VARIANTS_H
#define MDP_EXTRACT_VARIANTS_H

#include "extract/kernels/kernels.h"

extern const struct mdp_kernels mdp_kernels_portable;
#if defined(__x86_64__)
extern const struct mdp_kernels mdp_kernels_avx2;
extern const struct mdp_kernels mdp_kernels_avx512;
#endif

#endif
