/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/dispatch.h"

#include "base/names.h"
#include "base/text.h"
#include "cmd/print.h"

#include <assert.h>
#include <string.h>

enum { MOST_COMMANDS = 64 };

const struct mdp_command *mdp_command_find(const struct mdp_command_table *table, const char *name)
{
    for (size_t i = 0; i < table->n; i++)
        if (strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    return NULL;
}

/* The listing, as --help prints it. */
static void help_page(const struct mdp_command_table *table, struct mdp_text *out)
{
    bool any = false;

    mdp_text_add(out, "usage: %s COMMAND [options]\n       %s COMMAND --help\n\n%s\n\ncommands:\n",
                 table->program, table->program, table->summary);
    for (size_t i = 0; i < table->n; i++)
        mdp_text_add(out, "  %-10s %s\n", table->rows[i].name, table->rows[i].summary);
    for (size_t i = 0; i < table->n; i++)
        if (table->rows[i].short_name) {
            mdp_text_add(out, "%s%s", any ? ", " : "\nprograms of their own, too: ", table->rows[i].name);
            any = true;
        }
    mdp_text_add(out, "%s", any ? "\n" : "");
    if (table->example)
        mdp_text_add(out, "\nexample:\n%s\n", table->example);
}

static mdp_status print_help(const struct mdp_command_table *table, struct mdp_error *err)
{
    struct mdp_text page = {0};

    help_page(table, &page);
    mdp_status st = mdp_print_text(&page, err);
    mdp_text_release(&page);
    return st;
}

static mdp_status no_command(const struct mdp_command_table *table, const char *name, struct mdp_error *err)
{
    const char *names[MOST_COMMANDS];
    const char *above = strchr(table->program, ' '); /* " models" */

    assert(table->n <= MOST_COMMANDS);
    for (size_t i = 0; i < table->n; i++)
        names[i] = table->rows[i].name;
    if (name)
        return mdp_fail(err, MDP_ERR_USAGE, "no command '%s%s%s' (%s)", above ? above + 1 : "",
                        above ? " " : "", name, mdp_name_hint(name, names, table->n).text);
    return mdp_fail(err, MDP_ERR_USAGE, "a command is missing (%s; %s --help says what they do)",
                    mdp_name_hint("", names, table->n).text, table->program);
}

mdp_status mdp_dispatch(const struct mdp_command_table *table, int *argc, char ***argv,
                        const struct mdp_command **command, struct mdp_error *err)
{
    static char help_word[] = "--help";
    char **words = *argv + 1;

    *command = NULL;
    if (*argc < 2)
        return no_command(table, NULL, err);
    bool help =
        strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0 || strcmp(words[0], "help") == 0;
    if (help && *argc == 2)
        return print_help(table, err);
    if (help) { /* "help NAME" is "NAME --help" */
        words[0] = words[1];
        words[1] = help_word;
    }
    *command = mdp_command_find(table, words[0]);
    if (!*command)
        return no_command(table, words[0], err);
    *argc -= 1;
    *argv += 1;
    return MDP_OK;
}
