/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files options*.c share: a command line being read. Nobody else includes it. */
#ifndef MDP_BASE_OPTIONS_INTERNAL_H
#define MDP_BASE_OPTIONS_INTERNAL_H

#include "base/options/options.h"

enum { MDP_COMMON_OPTIONS = 5 };

/* Targets of the common options that are not in struct mdp_common. */
struct mdp_common_targets {
    bool help; /* looked for before all else, so that the page shows defaults: never set */
    bool quiet;
    const char *level;
};

struct mdp_option_parser {
    const struct mdp_usage *usage;
    struct mdp_option *options; /* [n] the command's own without headings, then the common ones */
    bool *given;                /* [n] */
    size_t n;
    const struct mdp_option *last; /* the option before the operands that are read now, or NULL */
    struct mdp_arguments *args;
    struct mdp_error *err;
};

/* The words of --log-level in the order of enum mdp_log_level, NULL-terminated. */
extern const char *const mdp_log_level_names[];

/* The rows that every command has. */
void mdp_options_common(struct mdp_option rows[MDP_COMMON_OPTIONS], struct mdp_common *common,
                        struct mdp_common_targets *targets);

/* Whether name[n] is `option`; "batch_size" is "batch-size". */
bool mdp_option_same_name(const char *option, const char *name, size_t n);

/* The option called name[n], or NULL. */
const struct mdp_option *mdp_option_find(const struct mdp_option_parser *p, const char *name, size_t n);

/* What a list or an option that may be repeated collects; NULL for others. */
struct mdp_list *mdp_option_entries(const struct mdp_option *option);

/* Sets a target from text; MDP_ERR_USAGE with what is allowed. */
mdp_status mdp_option_set(struct mdp_option_parser *p, const struct mdp_option *option, const char *text);

/* Adds text[n] as one entry to a list, or to an option that may be repeated; commas are part of it. */
mdp_status mdp_option_add_entry(struct mdp_option_parser *p, const struct mdp_option *option,
                                const char *text, size_t n);

/* What the operand at `i` is; NULL where the command takes none. */
const char *mdp_operand_name(const struct mdp_usage *usage, size_t i);

/* `text` as the next operand. MDP_ERR_USAGE: empty, or more than the command takes. */
mdp_status mdp_option_add_operand(struct mdp_option_parser *p, const char *text);

/* Options and operand from a YAML file, where the command line has none. */
mdp_status mdp_options_read_file(struct mdp_option_parser *p, const char *path);

#endif
