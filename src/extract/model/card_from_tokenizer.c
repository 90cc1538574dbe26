/* SPDX-License-Identifier: BSD-3-Clause */
/* tokenizer_config.json as transformers 4.57 reads it for the tokenizers that medprobe has. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/model/card_from.h"

#include <math.h>
#include <string.h>

const char *mdp_folder_vocab(const struct mdp_folder *folder)
{
    static const char *const names[] = {"vocab.txt", "spiece.model", "sentencepiece.bpe.model"};

    return mdp_folder_first(folder, names, MDP_COUNT(names));
}

mdp_status mdp_card_text_length(struct mdp_folder *folder, size_t positions, size_t *length,
                                struct mdp_error *err)
{
    double most = 0;

    *length = positions;
    TRY(mdp_fields_number(&folder->tokenizer.fields, "model_max_length", (double)positions, &most, err));
    if (most < 3)
        return mdp_fields_refuse(&folder->tokenizer.fields, "model_max_length", "", err);
    if (most < (double)positions)
        *length = (size_t)most;
    return MDP_OK;
}

static void put_bool(struct mdp_text *card, const char *key, bool value)
{
    mdp_text_add(card, "  %s: %s\n", key, value ? "true" : "false");
}

mdp_status mdp_card_put_wordpiece(struct mdp_folder *folder, size_t length, const char *more,
                                  struct mdp_error *err)
{
    struct mdp_fields *f = &folder->tokenizer.fields;
    struct mdp_text *card = folder->card;
    const char *class = NULL;
    bool lower = false, strip = false, cjk = false;

    TRY(mdp_fields_text(f, "tokenizer_class", "BertTokenizer", &class, err));
    if (strncmp(class, "BertTokenizer", strlen("BertTokenizer")) != 0)
        return mdp_fields_refuse(f, "tokenizer_class", " for this text tower (BertTokenizer)", err);
    TRY(mdp_fields_bool(f, "do_lower_case", true, &lower, err));
    TRY(mdp_fields_bool(f, "strip_accents", lower, &strip, err));
    TRY(mdp_fields_bool(f, "tokenize_chinese_chars", true, &cjk, err));
    TRY(mdp_fields_same(f, "do_basic_tokenize", "true", err));
    TRY(mdp_fields_same(f, "unk_token", "\"[UNK]\"", err));
    mdp_text_add(card, "tokenizer:\n  kind: wordpiece\n  max_length: %zu\n", length);
    if (more)
        mdp_text_add(card, "%s", more);
    put_bool(card, "lower_case", lower);
    put_bool(card, "strip_accents", strip);
    put_bool(card, "split_cjk", cjk);
    return MDP_OK;
}

/* --- open_clip's HFTokenizer --- */

static const char full_length[] = "  padding: max-length\n  clean: whitespace\n";

mdp_status mdp_card_put_own_tokenizer(struct mdp_folder *folder, size_t length, struct mdp_error *err)
{
    static const struct {
        const char *class, *variant;
    } pieces[] = {{"SiglipTokenizer", "siglip"},
                  {"XLMRobertaTokenizer", "xlm-roberta"},
                  {"XLMRobertaTokenizerFast", "xlm-roberta"}};
    struct mdp_fields *f = &folder->tokenizer.fields;
    const char *class = NULL;

    TRY(mdp_fields_text(f, "tokenizer_class", "BertTokenizer", &class, err));
    for (size_t i = 0; i < MDP_COUNT(pieces); i++)
        if (mdp_folder_is(class, pieces[i].class)) {
            mdp_text_add(folder->card,
                         "tokenizer:\n  kind: sentencepiece\n  variant: %s\n  max_length: %zu\n%s",
                         pieces[i].variant, length, full_length);
            return MDP_OK;
        }
    return mdp_card_put_wordpiece(folder, length, full_length, err);
}
