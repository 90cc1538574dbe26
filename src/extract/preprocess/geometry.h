/* SPDX-License-Identifier: BSD-3-Clause */
/* To which size a picture is resized, and where it then lies on the frame, the picture that the tower sees: the rules
   of the programs that published the models, to the pixel. */
#ifndef MDP_EXTRACT_GEOMETRY_H
#define MDP_EXTRACT_GEOMETRY_H

#include "medprobe/status.h"

#include <stddef.h>

/* From the size (w, h) of a picture and a target (W, H); one number n where W = H. Python's int() cuts, its round() goes
   to the even one. A side that comes to 0 is refused, as Pillow does. */
enum mdp_fit {
    MDP_FIT_STRETCH, /* (W, H); proportions change */
    MDP_FIT_SHORTER, /* shorter side n, longer int(n * long / short): torchvision's Resize(n), transformers' */
    MDP_FIT_COVER, /* each round(side / min(w / W, h / H)): open_clip, "shortest" on a frame that is no square */
    MDP_FIT_INSIDE,           /* each round(side / max(w / W, h / H)): open_clip, "longest" */
    MDP_FIT_LONGEST,          /* longer side n, the other int(side * (n / long)): GLoRIA */
    MDP_FIT_LONGEST_EACH,     /* both int(side * (n / long)), so the longer may be n - 1: CheXzero */
    MDP_FIT_LONGEST_QUOTIENT, /* both int(side / (long / n)): FLAIR */
};

/* Where a resized side of s pixels begins on a frame of f: negative where it is cropped. */
enum mdp_place {
    MDP_PLACE_TORCHVISION,  /* CenterCrop: crops round((s - f) / 2), to the even one; pads (f - s) / 2, cut */
    MDP_PLACE_TRANSFORMERS, /* center_crop: (f - s) / 2 rounded up */
    MDP_PLACE_FLOOR,        /* (f - s) / 2 rounded down: CheXzero, GLoRIA */
    MDP_PLACE_TOP_LEFT,     /* 0: padded on the right and below */
};

/* The size of the resized picture. */
mdp_status mdp_fit_size(enum mdp_fit fit, size_t w, size_t h, size_t target_w, size_t target_h, size_t *out_w,
                        size_t *out_h, struct mdp_error *err);

/* Where a resized side of `side` pixels begins on a frame of `frame`. */
ptrdiff_t mdp_place_of(enum mdp_place place, size_t side, size_t frame);

#endif
