/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/facts.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

mdp_status mdp_facts_add(struct mdp_facts *facts, const char *key, const char *value, struct mdp_error *err)
{
    mdp_status st = mdp_grow(&facts->at, &facts->capacity, facts->n + 1, sizeof *facts->at, err);

    assert(!mdp_facts_find(facts, key));
    if (st != MDP_OK)
        return st;
    struct mdp_run_fact fact = {.key = mdp_copy_string(key, err, &st),
                                .value = mdp_copy_string(value, err, &st)};
    if (st == MDP_OK) {
        facts->at[facts->n++] = fact;
    } else {
        free(fact.key);
        free(fact.value);
    }
    return st;
}

const char *mdp_facts_find(const struct mdp_facts *facts, const char *key)
{
    for (size_t i = 0; i < facts->n; i++)
        if (strcmp(facts->at[i].key, key) == 0)
            return facts->at[i].value;
    return NULL;
}

void mdp_facts_release(struct mdp_facts *facts)
{
    for (size_t i = 0; i < facts->n; i++) {
        free(facts->at[i].key);
        free(facts->at[i].value);
    }
    free(facts->at);
    *facts = (struct mdp_facts){0};
}

static void add_escaped(struct mdp_text *out, const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c == '\\')
            mdp_text_add(out, "\\\\");
        else if (*c == '\n')
            mdp_text_add(out, "\\n");
        else if (*c == '\t')
            mdp_text_add(out, "\\t");
        else
            mdp_text_add_bytes(out, c, 1);
}

mdp_status mdp_facts_to_text(const struct mdp_facts *facts, struct mdp_text *out, struct mdp_error *err)
{
    for (size_t i = 0; i < facts->n; i++) {
        add_escaped(out, facts->at[i].key);
        mdp_text_add_bytes(out, "\t", 1);
        add_escaped(out, facts->at[i].value);
        mdp_text_add_bytes(out, "\n", 1);
    }
    return mdp_text_status(out, err);
}

/* Undoes add_escaped in place, up to `end`, and ends the string there. */
static void unescape(char *text, char *end)
{
    char *to = text;

    for (char *from = text; from < end; from++) {
        if (*from == '\\' && from + 1 < end) {
            from++;
            *to++ = (char)(*from == 'n' ? '\n' : *from == 't' ? '\t' : *from);
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

mdp_status mdp_facts_parse(const char *text, size_t n, struct mdp_facts *facts, struct mdp_error *err)
{
    struct mdp_text copy = {0};

    mdp_text_add_bytes(&copy, text, n);
    mdp_status st = mdp_text_status(&copy, err);
    char *at = copy.at;
    while (st == MDP_OK && *at) {
        char *tab = strchr(at, '\t'), *newline = strchr(at, '\n');
        if (!tab || !newline || tab > newline) {
            st = mdp_fail(err, MDP_ERR_FORMAT, "a line without a tab");
            break;
        }
        unescape(tab + 1, newline);
        unescape(at, tab);
        if (mdp_facts_find(facts, at))
            st = mdp_fail(err, MDP_ERR_FORMAT, "'%s' stands twice", at);
        else
            st = mdp_facts_add(facts, at, tab + 1, err);
        at = newline + 1;
    }
    mdp_text_release(&copy);
    return st;
}
