/* SPDX-License-Identifier: BSD-3-Clause */
/* Which keys the project file, medprobe.yaml, may have: the options of every command that reads it. A command that shall
   read it, too, gives its names here, calls mdp_project_keys in its struct mdp_usage, and has a row in project.c. */
#ifndef MDP_CMD_PROJECT_H
#define MDP_CMD_PROJECT_H

#include "base/options/options.h"

/* The names of a command's options into keys[]; returns how many there are. */
size_t mdp_extract_keys(const char *keys[MDP_MOST_OPTIONS]);
size_t mdp_probe_keys(const char *keys[MDP_MOST_OPTIONS]);
size_t mdp_report_keys(const char *keys[MDP_MOST_OPTIONS]);

/* All of them, some twice; returns how many there are. */
size_t mdp_project_keys(const char *keys[MDP_MOST_PROJECT_KEYS]);

#endif
