/* SPDX-License-Identifier: BSD-3-Clause */
/* Pictures that stand in the table several times: known only when all have been read. */
#ifndef MDP_EXTRACT_SAME_PICTURES_H
#define MDP_EXTRACT_SAME_PICTURES_H

#include "base/text.h"
#include "extract/job/manifest.h"
#include "extract/job/workfile.h"
#include "medprobe/status.h"

/* Appends a line about the rows whose picture has the very bytes of another row's that is not of the same patient and split
   (a patient that is not known counts as another), and about nothing else: empty where there are none. The line ends in a
   line break. `work` has a record for every row. */
mdp_status mdp_same_pictures_add(struct mdp_workfile *work, const struct mdp_manifest *manifest,
                                 struct mdp_text *out, struct mdp_error *err);

#endif
