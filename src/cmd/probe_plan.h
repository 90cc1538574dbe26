/* SPDX-License-Identifier: BSD-3-Clause */
/* What a user of `probe` asked for, checked as far as it can be without the store. */
#ifndef MDP_CMD_PROBE_PLAN_H
#define MDP_CMD_PROBE_PLAN_H

#include "base/options.h"
#include "probe/method.h"

enum { MDP_PROBE_MOST_METHODS = 8 };

struct mdp_probe_plan {
    const char *store;
    /* as typed */
    struct mdp_list shots_list, seed_list, method_list;
    size_t n_seeds;
    const char *protocol, *group, *c_rule_name, *train_split, *test_split, *val_split, *draws_file, *out;
    double c;
    size_t resamples;
    bool allow_short, save_probes, force, json;
    /* as meant */
    size_t *shots, *seeds; /* [n_shots], [n_seed_values] */
    size_t n_shots, n_seed_values;
    bool by_patient, selects_shots, selects_seeds; /* selects_*: of the episodes of draws_file */
    enum mdp_c_rule c_rule;
    const struct mdp_method *methods[MDP_PROBE_MOST_METHODS];
    size_t n_methods;
    bool methods_given;
    /* behind it */
    struct mdp_option options[MDP_MOST_OPTIONS];
    size_t n_options;
    struct mdp_common common;
    struct mdp_arguments arguments;
};

/* Parses and checks; plan->arguments.help says that there is nothing more to do. */
mdp_status mdp_probe_plan_init(int argc, char **argv, struct mdp_probe_plan *plan, struct mdp_error *err);
void mdp_probe_plan_release(struct mdp_probe_plan *plan);

/* Methods that need the store's text are left out where it has none, unless they were asked for by name. */
mdp_status mdp_probe_plan_fit_store(struct mdp_probe_plan *plan, const struct mdp_store_info *info,
                                    struct mdp_error *err);

/* config.yaml of the run: what was resolved, valid for --config. */
mdp_status mdp_probe_plan_to_yaml(const struct mdp_probe_plan *plan, struct mdp_text *out,
                                  struct mdp_error *err);

#endif
