/* SPDX-License-Identifier: BSD-3-Clause */
/* The protocol `medprobe` (docs/METHODS.md, "Draws"), opened up for its tests; a run draws by the row in protocol.c.

   Letters: N rows of the store, K classes, k shots (pictures a class), s seed. */
#ifndef MDP_PROBE_MEDPROBE_H
#define MDP_PROBE_MEDPROBE_H

#include "probe/protocol.h"

/* Val pictures a class at k shots, where a val set is drawn. */
enum { MDP_MOST_VAL_SHOTS = 4 };

/* A patient's pictures of one class. */
struct mdp_class_patient {
    size_t patient;
    size_t first, n; /* its rows: source.rows[first .. first + n) */
};

/* Of one class. */
struct mdp_class_pool {
    struct mdp_class_patient *patients; /* [n_patients], by first row */
    size_t n_patients, n_rows;
    size_t most; /* patients that an episode may draw: all, or half without a split */
};

/* What episodes are drawn from. */
struct mdp_draw_source {
    const struct mdp_store_info *info;
    struct mdp_draw_rule rule;
    bool has_split;
    uint32_t *patient; /* [N], as mdp_patients_number gives them */
    size_t n_patients;
    struct mdp_class_pool *classes;           /* [K] */
    struct mdp_class_patient *class_patients; /* of all classes */
    int64_t *rows;                            /* labelled rows that may be drawn, by class, patient, row */
    size_t *first_class,
        *classes_of; /* classes of patient p: classes_of[first_class[p] .. first_class[p + 1]) */
    size_t *order;   /* [K]: classes in the order of drawing, fewest patients first */
    int64_t *query;  /* [n_query]: with a split, every labelled row of the test split */
    size_t n_query;
};

/* Of a store that mdp_check_probed_store passed. Errors: unknown splits, no patients (names --group none), a
   class without pictures. */
mdp_status mdp_draw_source_init(const struct mdp_store_info *info, const struct mdp_draw_rule *rule,
                                struct mdp_draw_source *source, struct mdp_error *err);
void mdp_draw_source_release(struct mdp_draw_source *source);

/* Draws episode (shots, seed): depends on the store, the rule, shots and seed alone. With a split the query
   rows are source.query itself, else a list of the episode's own. Too few pictures of a class are an error
   with the counts. */
mdp_status mdp_draw_episode(const struct mdp_draw_source *source, size_t shots, uint64_t seed,
                            struct mdp_draw *draw, struct mdp_error *err);

/* Every pair of shots[n_shots] and seeds[n_seeds], in the order of keys; too few pictures of a class are an error that
   says how many shots would do. */
mdp_status mdp_draw_episodes(const struct mdp_draw_source *source, const size_t shots[], size_t n_shots,
                             const size_t seeds[], size_t n_seeds, struct mdp_draws *draws,
                             struct mdp_error *err);

#endif
