/* SPDX-License-Identifier: BSD-3-Clause */
/* One probe out of a probes.h5, for a store whose embeddings it can take. */
#ifndef MDP_PROBE_SAVED_PROBE_H
#define MDP_PROBE_SAVED_PROBE_H

#include "base/text.h"
#include "medprobe/store.h"
#include "probe/probes_file.h"

/* `asked` is "<method>/<group>", as logreg/k16/s1; NULL: the only probe of the file. *name says which it is. Several of
   them, and a name that is none (MDP_ERR_USAGE), are answered with the names; weights for another model's embeddings, or
   for another width, are refused. */
mdp_status mdp_saved_probe_read(const char *path, const char *asked, const struct mdp_store_info *info,
                                struct mdp_probe_weights *weights, struct mdp_text *name,
                                struct mdp_error *err);

/* class_of[k]: the probe's class of the store's class k, by name; MDP_ERR_VALUE names a class that the probe lacks and
   that a row in rows[n] has. */
mdp_status mdp_saved_probe_match_classes(const struct mdp_probe_weights *weights,
                                         const struct mdp_store_info *info, const int64_t rows[], size_t n,
                                         int32_t class_of[], struct mdp_error *err);

#endif
