/* SPDX-License-Identifier: BSD-3-Clause */
/* From a body to the grey values of its radiograph: vessels, exposure, noise, marker letters, collimation. */
#ifndef PHANTOM_RENDER_H
#define PHANTOM_RENDER_H

#include "medprobe/status.h"
#include "subject.h"

/* grey[height, width], 0 black .. 65535 white; a block for free(). */
mdp_status render_picture(const struct patient *patient, const struct shot *shot, uint16_t **grey,
                          struct mdp_error *err);

#endif
