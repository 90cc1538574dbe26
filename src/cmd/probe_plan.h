/* SPDX-License-Identifier: BSD-3-Clause */
/* What a user of `probe` asked for, checked as far as it can be without the store. */
#ifndef MDP_CMD_PROBE_PLAN_H
#define MDP_CMD_PROBE_PLAN_H

#include "base/options/options.h"
#include "probe/method.h"
#include "probe/protocol.h"

enum { MDP_MOST_CHOICES = 32 }; /* of an option whose values are the rows of a table */

/* The options' targets: strings and lists that the fields of the plan say in the program's own terms. config.yaml is
   written from here. */
struct mdp_probe_typed {
    struct mdp_list shots, seed, methods;
    size_t n_seeds;
    const char *protocol, *group, *c_rule;
};

struct mdp_probe_plan {
    const char *store;
    const struct mdp_protocol *protocol; /* also with draws_file, which is not drawn by it */
    const struct mdp_c_rule *c_rule;
    const struct mdp_method **methods; /* [n_methods], each once */
    size_t n_methods;
    bool methods_given;
    size_t *shots, *seeds; /* [n_shots], [n_seeds] */
    size_t n_shots, n_seeds;
    bool selects_shots, selects_seeds; /* of the episodes of draws_file */
    struct mdp_draw_rule draw;
    double c;               /* --c-rule fixed */
    const char *draws_file; /* NULL: drawn anew */
    size_t resamples;
    bool save_probes, force, json;
    const char *out;
    /* behind it */
    struct mdp_probe_typed typed;
    const char *protocol_names[MDP_MOST_CHOICES + 1], *c_rule_names[MDP_MOST_CHOICES + 1];
    char method_help[320], protocol_help[320], c_help[320];
    struct mdp_option options[MDP_MOST_OPTIONS]; /* first those that say what the run is */
    size_t n_options, n_run_options;
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
