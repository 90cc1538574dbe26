/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/protocol.h"

#include "base/names.h"

#include <string.h>

const struct mdp_protocol *const mdp_protocols[] = {&mdp_medprobe, NULL};

const struct mdp_protocol *mdp_protocol_find(const char *name)
{
    for (size_t i = 0; mdp_protocols[i]; i++)
        if (strcmp(mdp_protocols[i]->name, name) == 0)
            return mdp_protocols[i];
    return NULL;
}

const char *mdp_protocol_default_rule(const struct mdp_protocol *protocol)
{
    return protocol->c_rules ? protocol->c_rules[0] : mdp_c_rules[0].name;
}

mdp_status mdp_protocol_check(const struct mdp_protocol *protocol, const struct mdp_c_rule *rule,
                              bool by_patient, struct mdp_error *err)
{
    size_t n = 0;

    if (protocol->by_picture && by_patient)
        return mdp_fail(
            err, MDP_ERR_USAGE,
            "--protocol %s does not go with --group patient_id (it draws by picture: --group none)",
            protocol->name);
    while (protocol->c_rules && protocol->c_rules[n])
        n++;
    if (!protocol->c_rules || mdp_name_index(rule->name, protocol->c_rules, n) < n)
        return MDP_OK;
    return mdp_fail(err, MDP_ERR_USAGE, "--protocol %s does not go with --c-rule %s (%s)", protocol->name,
                    rule->name, mdp_name_hint("", protocol->c_rules, n).text);
}

size_t mdp_protocol_splits(const struct mdp_protocol *protocol, const struct mdp_c_rule *c_rule,
                           const struct mdp_draw_rule *rule, const char *splits[MDP_SPLIT_COUNT])
{
    const unsigned wanted =
        protocol->splits | (c_rule->rows == MDP_C_ROWS_VAL_SPLIT ? (unsigned)MDP_SPLIT_VAL : 0);
    size_t n = 0;

    if (wanted & MDP_SPLIT_TRAIN)
        splits[n++] = rule->train_split;
    if (wanted & MDP_SPLIT_TEST)
        splits[n++] = rule->test_split;
    if (wanted & MDP_SPLIT_VAL)
        splits[n++] = rule->val_split;
    return n;
}
