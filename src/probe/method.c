/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe/method.h"

#include "base/names.h"

#include <stdlib.h>

const struct mdp_method *const mdp_methods[] = {&mdp_zero_shot, &mdp_logreg, NULL};

enum { METHOD_COUNT = sizeof mdp_methods / sizeof mdp_methods[0] - 1 };

mdp_status mdp_method_get(const char *name, const struct mdp_method **method, struct mdp_error *err)
{
    const char *names[METHOD_COUNT];

    for (size_t i = 0; i < METHOD_COUNT; i++)
        names[i] = mdp_methods[i]->name;
    const size_t i = mdp_name_index(name, names, METHOD_COUNT);
    *method = i < METHOD_COUNT ? mdp_methods[i] : NULL;
    return *method ? MDP_OK
                   : mdp_fail(err, MDP_ERR_USAGE, "no method '%s' (%s)", name,
                              mdp_name_hint(name, names, METHOD_COUNT).text);
}

const struct mdp_method *mdp_method_without_text(void)
{
    size_t i = 0;

    while (i < METHOD_COUNT && mdp_methods[i]->needs_text)
        i++;
    return mdp_methods[i];
}

void mdp_outcome_release(struct mdp_outcome *outcome)
{
    free(outcome->scores);
    free(outcome->coef);
    free(outcome->intercept);
    *outcome = (struct mdp_outcome){0};
}
