/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/special_ids.h"

#include "base/try.h"

#include <string.h>

enum { MOST_ID = 1 << 24 };

static mdp_status get_id(const struct mdp_yaml *doc, const struct mdp_yaml_node *node, const char *key,
                         int32_t *id, struct mdp_error *err)
{
    const struct mdp_yaml_node *value = mdp_yaml_find(node, key);
    size_t found = 0;

    *id = MDP_UNSAID_ID;
    if (!value)
        return MDP_OK;
    if (value->kind == MDP_YAML_SCALAR && strcmp(value->scalar, "none") == 0 && strcmp(key, "pad") != 0) {
        *id = MDP_NO_ID;
        return MDP_OK;
    }
    TRY(mdp_yaml_get_size(doc, node, key, 0, MOST_ID, &found, err));
    *id = (int32_t)found;
    return MDP_OK;
}

mdp_status mdp_special_ids_from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                                     struct mdp_special_ids *ids, struct mdp_error *err)
{
    TRY(get_id(doc, node, "bos", &ids->bos, err));
    TRY(get_id(doc, node, "eos", &ids->eos, err));
    return get_id(doc, node, "pad", &ids->pad, err);
}

static mdp_status take(int32_t said, int32_t usual, const char *key, const char *vocab,
                       const struct mdp_tokenizer *tokenizer, int32_t *id, struct mdp_error *err)
{
    *id = said != MDP_UNSAID_ID ? said : usual;
    if (*id == MDP_UNSAID_ID)
        return mdp_fail(err, MDP_ERR_MISSING, "%s does not say which id is %s: say it in the card (%s: ID)",
                        vocab, key, key);
    if (*id != MDP_NO_ID && (size_t)*id >= tokenizer->vocab_size)
        return mdp_fail(err, MDP_ERR_VALUE, "%s is %d, but %s has %zu ids", key, *id, vocab,
                        tokenizer->vocab_size);
    return MDP_OK;
}

mdp_status mdp_special_ids_take(const struct mdp_special_ids *said, const struct mdp_special_ids *usual,
                                const char *vocab, struct mdp_tokenizer *tokenizer, struct mdp_error *err)
{
    TRY(take(said->bos, usual->bos, "bos", vocab, tokenizer, &tokenizer->bos, err));
    TRY(take(said->eos, usual->eos, "eos", vocab, tokenizer, &tokenizer->eos, err));
    return take(said->pad, usual->pad, "pad", vocab, tokenizer, &tokenizer->pad, err);
}
