/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernels for CPUs with AVX2 and FMA. */
#define MDP_VECTOR_LANES 8
#include "extract/kernels/body/kernel_table.h"
#include "extract/kernels/variants.h"

const struct mdp_kernels mdp_kernels_avx2 = MDP_KERNEL_TABLE("avx2");
