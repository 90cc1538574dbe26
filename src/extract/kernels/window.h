/* SPDX-License-Identifier: BSD-3-Clause */
/* A square window that steps over a map: the geometry of convolutions and pools. Maps are channels-last, [H * W, C]:
   pixel (y, x) is row y * W + x. What stands beyond the map is 0 for a convolution and absent for a pool. */
#ifndef MDP_EXTRACT_WINDOW_H
#define MDP_EXTRACT_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

struct mdp_window {
    size_t side, stride;          /* pixels, both directions */
    size_t before;                /* padding above and left, pixels */
    size_t in_height, in_width;   /* H and W of the map */
    size_t out_height, out_width; /* of the map of places */
};

/* As torch: places = floor((n + before + after - side) / stride) + 1 in each direction, `after` being the padding below
   and right. False where the padded map is smaller than the window, or a size is 0. */
bool mdp_window_init(struct mdp_window *window, size_t side, size_t stride, size_t before, size_t after,
                     size_t height, size_t width);

/* Pixels of the map, and places of the window on it. */
static inline size_t mdp_window_inputs(const struct mdp_window *w)
{
    return w->in_height * w->in_width;
}

static inline size_t mdp_window_places(const struct mdp_window *w)
{
    return w->out_height * w->out_width;
}

/* What of the window's side lies on a map of n pixels when the window is at place `at` of one direction: its pixels
   [from, to), which may be none, and the map's pixel under the first of them. */
struct mdp_overlap {
    size_t from, to, first;
};

static inline struct mdp_overlap mdp_window_overlap(const struct mdp_window *w, size_t at, size_t n)
{
    const size_t begin = at * w->stride, end = w->before + n; /* with the padding before counted */
    struct mdp_overlap s = {0, w->side, 0};

    if (begin < w->before)
        s.from = w->before - begin < w->side ? w->before - begin : w->side;
    if (begin + w->side > end)
        s.to = end > begin ? end - begin : 0;
    if (s.to < s.from)
        s.to = s.from;
    if (s.from < s.to)
        s.first = begin + s.from - w->before;
    return s;
}

#endif
