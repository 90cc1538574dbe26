/* SPDX-License-Identifier: BSD-3-Clause */
/* Kinds `tokenizer-json` (tokenizer.json) and `byte-bpe` (RoBERTa's vocab.json and merges.txt, which become the text of a
   tokenizer.json and are read as such). */
#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"
#include "extract/text/clip_clean.h"
#include "extract/text/tokenizer_json.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 256 << 20 };

struct model {
    struct mdp_tokenizer_json json;
    size_t clean; /* mdp_clip_cleans */
    bool prefix_blank;
    struct mdp_special_ids said;
};

static mdp_status from_yaml(const struct mdp_yaml *doc, const struct mdp_yaml_node *node,
                            struct mdp_tokenizer *tokenizer, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct model *m = tokenizer->model = mdp_new_array(1, sizeof *m, err, &st);

    TRY(st);
    m->clean = MDP_CLIP_NONE;
    if (mdp_yaml_find(node, "clean"))
        TRY(mdp_yaml_get_choice(doc, node, "clean", "way to clean a text", mdp_clip_cleans, MDP_CLIP_CLEANS,
                                &m->clean, err));
    if (mdp_yaml_find(node, "prefix_blank"))
        TRY(mdp_yaml_to_bool(doc, mdp_yaml_find(node, "prefix_blank"), &m->prefix_blank, err));
    return mdp_special_ids_from_yaml(doc, node, &m->said, err);
}

static mdp_status take_json(struct mdp_tokenizer *tokenizer, const struct mdp_json *doc, const char *path,
                            struct mdp_error *err)
{
    struct model *m = tokenizer->model;
    mdp_status st = mdp_tokenizer_json_init(&m->json, doc, err);

    if (st != MDP_OK)
        return strncmp(err->message, path, strlen(path)) == 0 ? st : mdp_fail_at(err, st, "%s", path);
    tokenizer->vocab_size = m->json.vocab_size;
    return mdp_special_ids_take(&m->said, &m->json.around, path, tokenizer, err);
}

static mdp_status load_json(struct mdp_tokenizer *tokenizer, const char *vocab, struct mdp_error *err)
{
    struct mdp_json *doc = NULL;
    mdp_status st = mdp_json_read(vocab, &doc, err);

    if (st == MDP_OK)
        st = take_json(tokenizer, doc, vocab, err);
    mdp_json_free(doc);
    return st;
}

/* merges.txt as a list of JSON; its head line is left out. */
static mdp_status add_merges(struct mdp_text *out, char *merges, struct mdp_error *err)
{
    bool any = false;

    for (char *line = merges, *end = NULL; *line; line = *end ? end + 1 : end) {
        end = line + strcspn(line, "\n");
        const size_t n = (size_t)(end - line) - (end > line && end[-1] == '\r');
        if (n == 0 || (line == merges && strncmp(line, "#version", 8) == 0))
            continue;
        const char held = line[n];
        line[n] = '\0';
        mdp_text_add(out, "%s", any ? ", " : "");
        mdp_text_add_json(out, line);
        line[n] = held;
        any = true;
    }
    return mdp_text_status(out, err);
}

static mdp_status write_json(const struct model *m, const char *vocab, char *merges, struct mdp_text *out,
                             struct mdp_error *err)
{
    static const char *const specials[] = {"<s>", "<pad>", "</s>", "<unk>"};

    mdp_text_add(out, "{\"added_tokens\": [");
    for (size_t i = 0; i < MDP_COUNT(specials); i++)
        mdp_text_add(out, "{\"id\": %zu, \"content\": \"%s\", \"normalized\": true}, ", i, specials[i]);
    mdp_text_add(out,
                 "{\"id\": 50264, \"content\": \"<mask>\", \"lstrip\": true, \"normalized\": false}], "
                 "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": %s}, "
                 "\"post_processor\": {\"type\": \"RobertaProcessing\", \"cls\": [\"<s>\", 0], \"sep\": "
                 "[\"</s>\", 2]}, "
                 "\"model\": {\"type\": \"BPE\", \"unk_token\": \"<unk>\", \"vocab\": %s, \"merges\": [",
                 m->prefix_blank ? "true" : "false", vocab);
    TRY(add_merges(out, merges, err));
    mdp_text_add(out, "]}}");
    return mdp_text_status(out, err);
}

static mdp_status load_pair(struct mdp_tokenizer *tokenizer, const char *vocab, struct mdp_error *err)
{
    struct mdp_text folder = {0}, path = {0}, text = {0};
    char *table = NULL, *merges = NULL;
    struct mdp_json *doc = NULL;
    size_t n = 0;
    mdp_status st = MDP_OK;

    OR_OUT(mdp_path_folder(&folder, vocab, err));
    OR_OUT(mdp_path_join(&path, folder.at, "merges.txt", err));
    OR_OUT(mdp_file_read(vocab, MOST_BYTES, &table, &n, err));
    OR_OUT(mdp_file_read(path.at, MOST_BYTES, &merges, &n, err));
    OR_OUT(write_json(tokenizer->model, table, merges, &text, err));
    OR_OUT(mdp_json_parse(text.at, text.n, vocab, &doc, err));
    OR_OUT(take_json(tokenizer, doc, vocab, err));
out:
    mdp_json_free(doc);
    free(table);
    free(merges);
    mdp_text_release(&folder);
    mdp_text_release(&path);
    mdp_text_release(&text);
    return st;
}

static mdp_status encode(const void *model, const char *text, size_t n, size_t most, int32_t ids[],
                         size_t *n_ids, struct mdp_error *err)
{
    const struct model *m = model;
    struct mdp_chars chars = {0};
    mdp_status st = mdp_chars_decode(&chars, text, n, err);

    *n_ids = 0;
    if (st == MDP_OK)
        st = mdp_clip_clean((enum mdp_clip_clean)m->clean, &chars, err);
    if (st == MDP_OK)
        st = mdp_tokenizer_json_run(&m->json, &chars, most, ids, n_ids, err);
    mdp_chars_release(&chars);
    return st;
}

static void free_model(void *model)
{
    struct model *m = model;

    if (m)
        mdp_tokenizer_json_release(&m->json);
    free(m);
}

static const char *const json_keys[] = {"clean", "bos", "eos", "pad", NULL};
static const char *const json_files[] = {"tokenizer.json", NULL};
static const char *const pair_keys[] = {"clean", "prefix_blank", "bos", "eos", "pad", NULL};
static const char *const pair_files[] = {"vocab.json", NULL};

const struct mdp_tokenizer_kind mdp_tokenizer_json_kind = {.name = "tokenizer-json",
                                                           .keys = json_keys,
                                                           .files = json_files,
                                                           .from_yaml = from_yaml,
                                                           .load = load_json,
                                                           .encode = encode,
                                                           .free = free_model};

const struct mdp_tokenizer_kind mdp_byte_bpe_kind = {.name = "byte-bpe",
                                                     .keys = pair_keys,
                                                     .files = pair_files,
                                                     .from_yaml = from_yaml,
                                                     .load = load_pair,
                                                     .encode = encode,
                                                     .free = free_model};
