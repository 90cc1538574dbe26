/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernels for CPUs with AVX-512 (F, VL, BW, DQ). */
#define MDP_VECTOR_LANES 16
#include "extract/kernels/body/kernel_table.h"
#include "extract/kernels/variants.h"

const struct mdp_kernels mdp_kernels_avx512 = MDP_KERNEL_TABLE("avx512");
