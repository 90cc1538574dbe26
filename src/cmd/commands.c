/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/commands.h"

static const struct mdp_command rows[] = {
    {"extract", "reads pictures and prompts through a model; writes a store", mdp_cmd_extract, true},
    {"init", "looks at a folder and writes medprobe.yaml and, if needed, manifest.csv", mdp_cmd_init, false},
    {"probe", "store -> few-shot episodes, probes, statistics, report", mdp_cmd_probe, true},
    {"eval", "scores given predictions, or applies a saved probe to another store", mdp_cmd_eval, false},
    {"report", "one or many runs -> HTML, Markdown, CSV, LaTeX, figures", mdp_cmd_report, true},
    {"doctor", "looks at this machine and says what to do about each problem", mdp_cmd_doctor, false},
    {"models", "list, show, pull, check models; inspect weight files", mdp_cmd_models, false},
    {"version", "version, compiler, flags, library versions", mdp_cmd_version, false},
};

const struct mdp_command_table mdp_commands = {
    .program = "medprobe",
    .summary = "few-shot linear probes on frozen medical image-text encoders; research use only",
    .rows = rows,
    .n = sizeof rows / sizeof rows[0],
};
