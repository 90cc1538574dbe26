/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/preprocess/geometry.h"

#include <math.h>

/* The larger is below MDP_MAX_SIDE times the largest input, so that every product is exact in double. */
static void sizes(enum mdp_fit fit, double w, double h, double target_w, double target_h, double *out_w,
                  double *out_h)
{
    const double longer = w > h ? w : h;
    const double across = w / target_w, down = h / target_h;
    double ratio = 1.0;

    *out_w = target_w;
    *out_h = target_h;
    switch (fit) {
    case MDP_FIT_STRETCH:
        break;
    case MDP_FIT_SHORTER:
        if (w <= h)
            *out_h = floor(target_w * h / w);
        else
            *out_w = floor(target_w * w / h);
        break;
    case MDP_FIT_COVER:
    case MDP_FIT_INSIDE:
        ratio = (across > down) == (fit == MDP_FIT_INSIDE) ? across : down;
        *out_w = rint(w / ratio);
        *out_h = rint(h / ratio);
        break;
    case MDP_FIT_LONGEST:
        ratio = target_w / longer;
        if (h >= w)
            *out_w = floor(w * ratio);
        else
            *out_h = floor(h * ratio);
        break;
    case MDP_FIT_LONGEST_EACH:
        ratio = target_w / longer;
        *out_w = floor(w * ratio);
        *out_h = floor(h * ratio);
        break;
    case MDP_FIT_LONGEST_QUOTIENT:
        ratio = longer / target_w;
        *out_w = floor(w / ratio);
        *out_h = floor(h / ratio);
        break;
    }
}

mdp_status mdp_fit_size(enum mdp_fit fit, size_t w, size_t h, size_t target_w, size_t target_h, size_t *out_w,
                        size_t *out_h, struct mdp_error *err)
{
    double across = 0, down = 0;

    sizes(fit, (double)w, (double)h, (double)target_w, (double)target_h, &across, &down);
    if (across < 1 || down < 1)
        return mdp_fail(err, MDP_ERR_VALUE,
                        "a picture of %zu x %zu pixels is too thin: resized to %.0f x %.0f, nothing is left "
                        "of it",
                        w, h, across, down);
    *out_w = (size_t)across;
    *out_h = (size_t)down;
    return MDP_OK;
}

ptrdiff_t mdp_place_of(enum mdp_place place, size_t side, size_t frame)
{
    const size_t less = side < frame ? frame - side : 0, more = side > frame ? side - frame : 0;

    switch (place) {
    case MDP_PLACE_TORCHVISION:
        return more ? -(ptrdiff_t)(more / 2 + (more % 2 && more / 2 % 2)) : (ptrdiff_t)(less / 2);
    case MDP_PLACE_TRANSFORMERS:
        return more ? -(ptrdiff_t)(more / 2) : (ptrdiff_t)((less + 1) / 2);
    case MDP_PLACE_FLOOR:
        return more ? -(ptrdiff_t)((more + 1) / 2) : (ptrdiff_t)(less / 2);
    case MDP_PLACE_TOP_LEFT:
        break;
    }
    return 0;
}
