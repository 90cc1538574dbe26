/* SPDX-License-Identifier: BSD-3-Clause */
/* Text towers of BERT's kind in a configuration of transformers (4.57: models/bert/configuration_bert.py). */
#include "base/memory.h"
#include "base/try.h"
#include "extract/model/card_from.h"

mdp_status mdp_card_read_bert(struct mdp_fields *f, struct mdp_card_bert *bert, struct mdp_error *err)
{
    *bert = (struct mdp_card_bert){.blocks = {.layout = "bert",
                                              .activation = "gelu",
                                              .layers = 12,
                                              .width = 768,
                                              .heads = 12,
                                              .hidden = 3072,
                                              .eps = 1e-12}};
    TRY(mdp_card_read_blocks(f, &bert->blocks, err));
    TRY(mdp_fields_size(f, "vocab_size", 30522, &bert->vocab_size, err));
    TRY(mdp_fields_size(f, "max_position_embeddings", 512, &bert->positions, err));
    TRY(mdp_fields_size(f, "type_vocab_size", 2, &bert->token_types, err));
    TRY(mdp_fields_same(f, "position_embedding_type", "\"absolute\"", err));
    TRY(mdp_fields_same(f, "pad_token_id", "0", err));
    return mdp_fields_done(f, NULL, 0, err);
}

void mdp_card_put_bert(struct mdp_text *card, const struct mdp_card_bert *bert, const char *prefix,
                       const char *pooling)
{
    mdp_card_put_tower(card, "text", "bert", prefix);
    mdp_card_put_blocks(card, &bert->blocks);
    mdp_text_add(card, "  vocab_size: %zu\n  positions: %zu\n  token_types: %zu\n  pooling: %s\n",
                 bert->vocab_size, bert->positions, bert->token_types, pooling);
}
