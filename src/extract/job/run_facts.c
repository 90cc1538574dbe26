/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/run_facts.h"

#include "base/exchange/store_names.h"
#include "base/try.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* --- the facts and how two runs' are compared --- */

enum sort { VALUE, MAP, DIGEST, PROMPTS, ELSEWHERE };

/* Every fact of a run. Prompts come before all that only they bring along. */
static const struct {
    const char *key, *what;
    enum sort sort;
    bool work_only; /* does not count once the store is finished */
} compared[] = {
    {MDP_STORE_ATTR_MODEL, "--model", VALUE, false},
    {MDP_STORE_ATTR_WEIGHTS_SHA256, "--weights", DIGEST, false},
    {MDP_STORE_ATTR_PROMPT_SET_SHA256, "--prompts", PROMPTS, false},
    {"text_weights_sha256", "--text-weights", DIGEST, false},
    {MDP_STORE_ATTR_PRETRAINED, "weights", VALUE, false},
    {MDP_STORE_ATTR_PIPELINE, "another --pipeline, --grey16, --orientation or --resize-order", MAP, false},
    {"text_pipeline", "another --vocab or --text-pooling", MAP, false},
    {MDP_STORE_ATTR_ENSEMBLE, "--ensemble (or another rule of the prompt set or the model's card)", VALUE,
     false},
    {MDP_STORE_ATTR_SIMILARITY, "--similarity", VALUE, false},
    {"rendering", "rendering", VALUE, false},
    {MDP_STORE_ATTR_PRECISION, "--precision", VALUE, false},
    {"max_pixels", "--max-pixels", VALUE, true},
    {"medprobe_version", "medprobe", VALUE, true},
    {MDP_STORE_ATTR_KERNEL, "the kernels", VALUE, true},
    {"prompt_set", NULL, ELSEWHERE, false},      /* a name; prompts are told apart by their bytes */
    {"manifest_sha256", NULL, ELSEWHERE, false}, /* the table's rows say more */
};

enum { FACT_COUNT = sizeof compared / sizeof *compared };

/* A fact without a row would be written and never compared. (Planted: no row of `kernel`; extract_store.sh sees it.) */
static bool have_rows(const struct mdp_facts *facts)
{
    for (size_t i = 0; i < facts->n; i++) {
        size_t row = 0;
        while (row < FACT_COUNT && strcmp(compared[row].key, facts->at[i].key) != 0)
            row++;
        if (row == FACT_COUNT)
            return false;
    }
    return true;
}

/* --- what there is --- */

static mdp_status add_text(struct mdp_facts *facts, const char *key, struct mdp_text *value,
                           struct mdp_error *err)
{
    mdp_status st = mdp_text_status(value, err);

    if (st == MDP_OK)
        st = mdp_facts_add(facts, key, value->at, err);
    mdp_text_release(value);
    return st;
}

static mdp_status add_model(const struct mdp_model *m, struct mdp_facts *a, struct mdp_error *err)
{
    struct mdp_text pretrained = {0}, pipeline = {0}, texts = {0};

    TRY(mdp_facts_add(a, MDP_STORE_ATTR_MODEL, m->card.name, err));
    TRY(mdp_facts_add(a, MDP_STORE_ATTR_WEIGHTS_SHA256, m->weights_file.sha256, err));
    if (m->text_weights)
        TRY(mdp_facts_add(a, "text_weights_sha256", m->text_weights_file.sha256, err));
    TRY(mdp_model_pretrained(m, &pretrained, err));
    TRY(add_text(a, MDP_STORE_ATTR_PRETRAINED, &pretrained, err));
    mdp_pipeline_to_json(&m->pipeline, &pipeline);
    TRY(add_text(a, MDP_STORE_ATTR_PIPELINE, &pipeline, err));
    if (!m->text)
        return MDP_OK;
    mdp_model_text_pipeline_to_json(m, &texts);
    return add_text(a, "text_pipeline", &texts, err);
}

/* What only prompts bring along; "" without. */
static mdp_status add_prompts(const struct mdp_run *run, struct mdp_facts *facts, struct mdp_error *err)
{
    const struct mdp_prompts *p = run->prompts;
    const bool scored = p && run->model->card.similarity.given; /* else a store says no similarity */

    TRY(mdp_facts_add(facts, MDP_STORE_ATTR_PROMPT_SET, p ? p->name : "", err));
    TRY(mdp_facts_add(facts, MDP_STORE_ATTR_PROMPT_SET_SHA256, p ? p->sha256 : "", err));
    TRY(mdp_facts_add(facts, MDP_STORE_ATTR_ENSEMBLE, p ? mdp_ensemble_names[run->rules.ensemble] : "", err));
    return mdp_facts_add(facts, MDP_STORE_ATTR_SIMILARITY,
                         scored ? mdp_similarity_names[run->rules.similarity] : "", err);
}

mdp_status mdp_run_facts(const struct mdp_run *run, struct mdp_facts *attributes, struct mdp_facts *facts,
                         struct mdp_error *err)
{
    char hex[MDP_SHA256_HEX], number[32];

    TRY(add_model(run->model, attributes, err));
    TRY(mdp_facts_add(attributes, "rendering", "none", err));
    TRY(mdp_facts_add(attributes, MDP_STORE_ATTR_PRECISION, run->precision, err));
    TRY(mdp_manifest_sha256(run->manifest, hex, err));
    TRY(mdp_facts_add(attributes, "manifest_sha256", hex, err));
    TRY(mdp_facts_add(attributes, "medprobe_version", MDP_VERSION, err));
    TRY(mdp_facts_add(attributes, MDP_STORE_ATTR_KERNEL, mdp_image_tower_kernel(run->model->image), err));
    for (size_t i = 0; i < attributes->n; i++)
        TRY(mdp_facts_add(facts, attributes->at[i].key, attributes->at[i].value, err));
    TRY(add_prompts(run, facts, err));
    snprintf(number, sizeof number, "%zu", run->max_pixels);
    TRY(mdp_facts_add(facts, "max_pixels", number, err));
    assert(have_rows(facts));
    return MDP_OK;
}

/* --- how a difference is said --- */

enum { SHOWN = 100, BEFORE = 30, DIGITS = 12 };

/* At most SHOWN bytes of `text` from `start`, not cut inside a UTF-8 sequence. */
static void add_part(struct mdp_text *out, const char *text, size_t start)
{
    size_t n = strlen(text), end;

    if (n <= SHOWN) {
        mdp_text_add(out, "'%s'", text);
        return;
    }
    start = start < n ? start : n;
    while (start > 0 && ((unsigned char)text[start] & 0xC0) == 0x80)
        start--;
    end = n - start > SHOWN ? start + SHOWN : n;
    while (end > start && end < n && ((unsigned char)text[end] & 0xC0) == 0x80)
        end--;
    mdp_text_add(out, "'%s%.*s%s'", start ? "..." : "", (int)(end - start), text + start,
                 end < n ? "..." : "");
}

/* Of long values the part around the first difference. */
static void say_values(struct mdp_text *out, const char *what, const char *made, const char *now)
{
    size_t same = 0;

    while (made[same] && made[same] == now[same])
        same++;
    size_t start = same > BEFORE ? same - BEFORE : 0;
    mdp_text_add(out, "with %s ", what);
    add_part(out, made, start);
    mdp_text_add(out, ", this command has ");
    add_part(out, now, start);
}

/* Behind the value that begins at text[at]: strings and lists whole, else up to what ends it. */
static size_t value_end(const char *text, size_t at)
{
    if (text[at] == '"' || text[at] == '[') {
        size_t n = strcspn(text + at + 1, text[at] == '"' ? "\"" : "]");
        return at + 1 + n + (text[at + 1 + n] != '\0');
    }
    return at + strcspn(text + at, ",}");
}

/* A value without the quotes of JSON. */
static void add_word(struct mdp_text *out, const char *text, size_t at)
{
    size_t n = value_end(text, at) - at;
    bool quoted = n > 1 && text[at] == '"';

    mdp_text_add(out, "'%.*s'", (int)(quoted ? n - 2 : n), text + at + quoted);
}

/* Of two maps in JSON, as this program writes them (`"key": value, `), the first key whose value is another. */
static void say_maps(struct mdp_text *out, const char *what, const char *made, const char *now)
{
    size_t key = 0, length = 0, value = 0;

    for (size_t i = 0; made[i] && made[i] == now[i]; i++) {
        size_t n = made[i] == '"' ? strcspn(made + i + 1, "\"") : 0;
        if (made[i] != '"' || strncmp(made + i, now + i, n + 4) != 0)
            continue;
        if (strncmp(made + i + n + 1, "\": ", 3) == 0) {
            key = i + 1;
            length = n;
            value = i + n + 4;
        }
        i += n + 1;
    }
    mdp_text_add(out, "with %s", what);
    size_t end = value ? value_end(made, value) : 0;
    if (!value || strncmp(made + value, now + value, end + 1 - value) == 0)
        return; /* keys of another version: there is nothing to compare */
    mdp_text_add(out, ": %.*s ", (int)length, made + key);
    add_word(out, made, value);
    mdp_text_add(out, ", this command has ");
    add_word(out, now, value);
}

static void say_digests(struct mdp_text *out, const char *what, const char *made, const char *now)
{
    mdp_text_add(out, "with other %s (SHA-256 %.*s..., this command's %.*s...)", what, DIGITS,
                 *made ? made : "of none", DIGITS, *now ? now : "of none");
}

/* Prompt sets are told apart by their bytes and called by their names. */
static void say_prompts(struct mdp_text *out, const struct mdp_facts *made, const struct mdp_facts *now)
{
    const char *old = mdp_facts_find(made, MDP_STORE_ATTR_PROMPT_SET),
               *asked = mdp_facts_find(now, MDP_STORE_ATTR_PROMPT_SET);

    old = old ? old : "";
    asked = asked ? asked : "";
    if (*old && strcmp(old, asked) == 0)
        mdp_text_add(out, "with another text of prompt set '%.100s' (--prompts)", old);
    else if (*old && *asked)
        mdp_text_add(out, "with prompt set '%.100s', this command has '%.100s' (--prompts)", old, asked);
    else if (*old)
        mdp_text_add(out, "with prompt set '%.100s', this command has none (--prompts)", old);
    else
        mdp_text_add(out, "without prompts, this command has prompt set '%.100s'", asked);
}

bool mdp_run_facts_differ(const struct mdp_facts *made, const struct mdp_facts *now, bool finished,
                          struct mdp_text *out)
{
    for (size_t i = 0; i < FACT_COUNT; i++) {
        const char *old = mdp_facts_find(made, compared[i].key),
                   *asked = mdp_facts_find(now, compared[i].key);
        old = old ? old : "";
        asked = asked ? asked : "";
        if (compared[i].sort == ELSEWHERE || strcmp(old, asked) == 0 || (finished && compared[i].work_only))
            continue;
        if (compared[i].sort == PROMPTS)
            say_prompts(out, made, now);
        else if (compared[i].sort == MAP)
            say_maps(out, compared[i].what, old, asked);
        else if (compared[i].sort == DIGEST)
            say_digests(out, compared[i].what, old, asked);
        else
            say_values(out, compared[i].what, old, asked);
        return true;
    }
    return false;
}
