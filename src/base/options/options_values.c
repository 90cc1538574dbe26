/* SPDX-License-Identifier: BSD-3-Clause */
/* From a text to a target: every kind of option, and what is allowed. */
#include "base/memory.h"
#include "base/options/options_internal.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mdp_status mdp_arguments_keep(struct mdp_arguments *args, char *text, struct mdp_error *err)
{
    mdp_status st =
        mdp_grow(&args->owned, &args->owned_capacity, args->n_owned + 1, sizeof *args->owned, err);

    if (st == MDP_OK)
        args->owned[args->n_owned++] = text;
    else
        free(text);
    return st;
}

/* A copy of text[n] that the arguments own; NULL: *st says why. */
static char *own_copy(struct mdp_option_parser *p, const char *text, size_t n, mdp_status *st)
{
    char *copy = mdp_new_array(n + 1, 1, p->err, st);

    if (!copy)
        return NULL;
    memcpy(copy, text, n);
    *st = mdp_arguments_keep(p->args, copy, p->err);
    return *st == MDP_OK ? copy : NULL;
}

static mdp_status bad_value(const struct mdp_option_parser *p, const struct mdp_option *o, const char *text,
                            const char *allowed)
{
    return mdp_fail(p->err, MDP_ERR_USAGE, "--%s: '%s' is not %s", o->name, text, allowed);
}

/* MDP_OK when `text` is one of the row's choices, or the row has none. */
static mdp_status check_choice(const struct mdp_option_parser *p, const struct mdp_option *o,
                               const char *text)
{
    struct mdp_text allowed = {0};
    mdp_status st = MDP_OK;

    for (size_t i = 0; o->choices && o->choices[i]; i++) {
        if (strcmp(o->choices[i], text) == 0)
            goto out;
        mdp_text_add(&allowed, "%s%s", i ? ", " : "one of ", o->choices[i]);
    }
    if (o->choices)
        st = bad_value(p, o, text, allowed.failed ? "allowed" : allowed.at);
out:
    mdp_text_release(&allowed);
    return st;
}

mdp_status mdp_option_add_entry(struct mdp_option_parser *p, const struct mdp_option *o, const char *text,
                                size_t n)
{
    struct mdp_list *list = mdp_option_entries(o);
    mdp_status st = MDP_OK;
    size_t capacity = list->n;
    char *copy = own_copy(p, text, n, &st);

    if (copy)
        st = check_choice(p, o, copy);
    if (st == MDP_OK)
        st = mdp_grow(&list->at, &capacity, list->n + 1, sizeof *list->at, p->err);
    if (st == MDP_OK)
        list->at[list->n++] = copy;
    return st;
}

static mdp_status set_size(const struct mdp_option_parser *p, const struct mdp_option *o, const char *text)
{
    char *end = NULL;
    char allowed[96];
    size_t most = o->most ? o->most : SIZE_MAX;

    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && !*end && !errno && value >= o->least && value <= most) {
        *o->size = (size_t)value;
        return MDP_OK;
    }
    if (o->most)
        snprintf(allowed, sizeof allowed, "a whole number from %zu to %zu", o->least, o->most);
    else
        snprintf(allowed, sizeof allowed, "a whole number of at least %zu", o->least);
    return bad_value(p, o, text, allowed);
}

static mdp_status set_number(const struct mdp_option_parser *p, const struct mdp_option *o, const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if (end == text || *end || !isfinite(value))
        return bad_value(p, o, text, "a finite number");
    *o->number = value;
    return MDP_OK;
}

static mdp_status set_string(struct mdp_option_parser *p, const struct mdp_option *o, const char *text)
{
    mdp_status st = MDP_OK;

    if (!*text) /* "--weights $W" without a W: never meant, and found out late if taken */
        return mdp_fail(p->err, MDP_ERR_USAGE, "--%s: is empty, expected %s", o->name, o->argument);
    st = check_choice(p, o, text);
    char *copy = st == MDP_OK ? own_copy(p, text, strlen(text), &st) : NULL;
    if (copy)
        *o->string = copy;
    return st;
}

static mdp_status set_list(struct mdp_option_parser *p, const struct mdp_option *o, const char *text)
{
    mdp_status st = MDP_OK;

    mdp_list_release(o->list);
    for (const char *from = text; st == MDP_OK; from += 1) {
        size_t n = strcspn(from, ",");
        if (n == 0)
            return bad_value(p, o, text, "a list like A,B,C");
        st = mdp_option_add_entry(p, o, from, n);
        from += n;
        if (!*from)
            break;
    }
    return st;
}

static mdp_status set_each(struct mdp_option_parser *p, const struct mdp_option *o, const char *text)
{
    if (!*text)
        return mdp_fail(p->err, MDP_ERR_USAGE, "--%s: is empty, expected %s", o->name, o->argument);
    return mdp_option_add_entry(p, o, text, strlen(text));
}

mdp_status mdp_option_set(struct mdp_option_parser *p, const struct mdp_option *o, const char *text)
{
    if (o->string)
        return set_string(p, o, text);
    if (o->size)
        return set_size(p, o, text);
    if (o->number)
        return set_number(p, o, text);
    if (o->list)
        return set_list(p, o, text);
    if (o->each)
        return set_each(p, o, text);
    *o->flag = true;
    return MDP_OK;
}

const char *mdp_operand_name(const struct mdp_usage *usage, size_t i)
{
    const char *name = usage->operands[0];

    for (size_t j = 1; j <= i && j < MDP_MOST_NAMED_OPERANDS && usage->operands[j]; j++)
        name = usage->operands[j];
    return name;
}

/* One operand more than there may be. */
static mdp_status too_many(const struct mdp_option_parser *p, const char *text)
{
    if (p->last && p->last->list) /* --shots 1 2 4 */
        return mdp_fail(p->err, MDP_ERR_USAGE,
                        "'%s' is one argument too many (--%s takes one word: a list is written A,B,C)", text,
                        p->last->name);
    return mdp_fail(p->err, MDP_ERR_USAGE, "'%s' is one argument too many (usage: medprobe %s %s)", text,
                    p->usage->command, p->usage->synopsis);
}

mdp_status mdp_option_add_operand(struct mdp_option_parser *p, const char *text)
{
    struct mdp_arguments *args = p->args;
    size_t capacity = args->n;

    if (args->n >= p->usage->most_operands)
        return too_many(p, text);
    if (!*text)
        return mdp_fail(p->err, MDP_ERR_USAGE, "argument %zu is empty, expected %s", args->n + 1,
                        mdp_operand_name(p->usage, args->n));
    mdp_status st = mdp_grow(&args->operands, &capacity, args->n + 1, sizeof *args->operands, p->err);
    if (st != MDP_OK)
        return st;
    char *copy = own_copy(p, text, strlen(text), &st);
    if (copy)
        args->operands[args->n++] = copy;
    return st;
}
