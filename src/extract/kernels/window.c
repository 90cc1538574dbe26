/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/kernels/window.h"

#include "base/memory.h"

/* Places of a side on n pixels; 0 where there is none. */
static size_t places(size_t side, size_t stride, size_t before, size_t after, size_t n)
{
    size_t padded = 0;

    if (!mdp_add_size(before, after, &padded) || !mdp_add_size(padded, n, &padded) || padded < side)
        return 0;
    return (padded - side) / stride + 1;
}

bool mdp_window_init(struct mdp_window *w, size_t side, size_t stride, size_t before, size_t after,
                     size_t height, size_t width)
{
    *w = (struct mdp_window){side, stride, before, height, width, 0, 0};
    if (side == 0 || stride == 0 || height == 0 || width == 0)
        return false;
    w->out_height = places(side, stride, before, after, height);
    w->out_width = places(side, stride, before, after, width);
    return w->out_height > 0 && w->out_width > 0;
}
