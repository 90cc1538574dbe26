/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of a variant whose products are its own. */
#ifndef MDP_EXTRACT_KERNEL_TABLE_H
#define MDP_EXTRACT_KERNEL_TABLE_H

#include "extract/kernels/body/attention.h"
#include "extract/kernels/body/depthwise.h"
#include "extract/kernels/body/layer_norm.h"
#include "extract/kernels/body/product.h"

#define MDP_KERNEL_TABLE(variant)                                                                            \
    {                                                                                                        \
        .name = variant, .layer_norm = layer_norm, .attention = attention,                                   \
        .attention_scratch = attention_scratch, .packed_size = packed_size, .pack = pack,                    \
        .product = product, .depthwise = depthwise                                                           \
    }

#endif
