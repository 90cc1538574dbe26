/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/evaluate.h"

const struct mdp_eval_options mdp_eval_defaults = {
    .resamples = 1000, .seed = 0, .threads = 1, .level = 0.95, .baseline = "zero-shot"};

static mdp_status get_from_memory(void *context, size_t i, const struct mdp_prediction **prediction,
                                  struct mdp_error *err)
{
    const struct mdp_predictions *all = context;

    (void)err;
    *prediction = &all->at[i];
    return MDP_OK;
}

struct mdp_prediction_source mdp_predictions_source(const struct mdp_predictions *predictions)
{
    return (struct mdp_prediction_source){
        .n = predictions->n, .get = get_from_memory, .context = (void *)(uintptr_t)predictions};
}

mdp_status mdp_evaluate(const struct mdp_eval_input *in, const struct mdp_eval_options *options,
                        struct mdp_results *results, struct mdp_error *err)
{
    (void)in;
    (void)options;
    (void)err;
    *results = (struct mdp_results){0};
    return MDP_OK;
}

mdp_status mdp_results_write(const char *folder, const struct mdp_results *results, struct mdp_error *err)
{
    (void)results;
    return mdp_fail(err, MDP_ERR_UNSUPPORTED, "%s: results are not written yet", folder);
}
