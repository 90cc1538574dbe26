/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/project.h"

#include <assert.h>

/* What the commands call their outputs and operands in the project file. */
static size_t file_keys(const char *keys[MDP_MOST_OPTIONS])
{
    keys[0] = "store";
    keys[1] = "results";
    keys[2] = "report";
    return 3;
}

static size_t (*const readers[])(const char *keys[MDP_MOST_OPTIONS]) = {mdp_extract_keys, mdp_probe_keys,
                                                                        mdp_report_keys, file_keys};

enum { READER_COUNT = sizeof readers / sizeof readers[0] };

static_assert(READER_COUNT * MDP_MOST_OPTIONS <= MDP_MOST_PROJECT_KEYS, "room for all keys");

size_t mdp_project_keys(const char *keys[MDP_MOST_PROJECT_KEYS])
{
    size_t n = 0;

    for (size_t i = 0; i < READER_COUNT; i++)
        n += readers[i](keys + n);
    return n;
}
