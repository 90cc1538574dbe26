/* SPDX-License-Identifier: BSD-3-Clause */
/* Protocols: how episodes are drawn. A new one, of a paper say, is one file in protocols/, its declaration below and its row
   in the table of protocol.c; --protocol's names and help, the audit's splits the default and the check of --c-rule, and whether patients are looked at come from the row.

   Letters: k shots (pictures a class). */
#ifndef MDP_PROBE_PROTOCOL_H
#define MDP_PROBE_PROTOCOL_H

#include "base/exchange/draws.h"
#include "medprobe/store.h"
#include "probe/c_rule.h"

/* What the user may say of a draw. */
struct mdp_draw_rule {
    bool by_patient;  /* false: every row is its own patient */
    bool draws_val;   /* the rule for C looks at a val set that is drawn */
    bool allow_short; /* a class with fewer pictures than k gives all it has */
    const char *train_split, *val_split, *test_split; /* of a store with splits */
};

/* Splits of the store, as bits. */
enum { MDP_SPLIT_TRAIN = 1, MDP_SPLIT_VAL = 2, MDP_SPLIT_TEST = 4, MDP_SPLIT_COUNT = 3 };

struct mdp_protocol {
    const char *name;
    const char *summary; /* for --help */
    unsigned splits;     /* those it takes rows from: no patient may stand in two of them */
    bool by_picture;     /* its draws do not look at patients: it goes with --group none only */
    const char *const
        *c_rules; /* names of the rules for C that it allows, the default first, NULL-terminated; NULL: all */
    /* Every pair of shots and seeds, in the order of keys. Of a store that mdp_check_probed_store passed. Errors: unknown
       splits, rows without a patient, a class with too few pictures. */
    mdp_status (*draw)(const struct mdp_store_info *info, const struct mdp_draw_rule *rule,
                       const size_t shots[], size_t n_shots, const size_t seeds[], size_t n_seeds,
                       struct mdp_draws *draws, struct mdp_error *err);
};

extern const struct mdp_protocol *const mdp_protocols[]; /* NULL-terminated */

/* The protocol of a name, or NULL. */
const struct mdp_protocol *mdp_protocol_find(const char *name);

/* The rule for C when the user names none: the first that the protocol allows. */
const char *mdp_protocol_default_rule(const struct mdp_protocol *protocol);

/* MDP_ERR_USAGE when the protocol does not allow the rule, with those it allows, or does not look at patients and by_patient
   asks for it. */
mdp_status mdp_protocol_check(const struct mdp_protocol *protocol, const struct mdp_c_rule *rule,
                              bool by_patient, struct mdp_error *err);

/* The names of the splits that the protocol and the rule for C look at: what the audit keeps apart. Returns how many. */
size_t mdp_protocol_splits(const struct mdp_protocol *protocol, const struct mdp_c_rule *c_rule,
                           const struct mdp_draw_rule *rule, const char *splits[MDP_SPLIT_COUNT]);

extern const struct mdp_protocol mdp_medprobe;

#endif
