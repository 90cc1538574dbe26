/* SPDX-License-Identifier: BSD-3-Clause */
/* Grey pictures as JPEG, 8-bit PNG and 16-bit PNG files. */
#ifndef PHANTOM_ENCODE_H
#define PHANTOM_ENCODE_H

#include "base/text.h"
#include "medprobe/status.h"
#include "subject.h"

/* grey[height, width], 0 .. 65535, appended to `out` as a file of `format`; 8-bit formats round v / 257. */
mdp_status encode_picture(const uint16_t *grey, size_t width, size_t height, enum picture_format format,
                          struct mdp_text *out, struct mdp_error *err);

#endif
