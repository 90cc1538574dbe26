/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/eval_input.h"

#include "base/exchange/patients.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

mdp_status mdp_eval_files_open(const char *predictions, const struct mdp_store_info *info,
                               struct mdp_eval_files *files, struct mdp_error *err)
{
    size_t n_patients = 0;

    *files = (struct mdp_eval_files){0};
    mdp_status st = mdp_path_stem(&files->dataset, info->path, err);
    if (st == MDP_OK)
        st = mdp_predictions_reader_open(predictions, info, &files->reader, err);
    if (st == MDP_OK)
        files->facts = mdp_predictions_reader_facts(files->reader);
    if (st == MDP_OK && info->patient_ids && files->facts->by_patient)
        st = mdp_patients_number(info, true, &files->patients, &n_patients, err);
    if (st != MDP_OK) {
        mdp_eval_files_close(files);
        return st;
    }
    files->input = (struct mdp_eval_input){
        .source = {.n = mdp_predictions_reader_count(files->reader),
                   .get = mdp_predictions_reader_at,
                   .context = files->reader},
        .n_rows = info->n,
        .labels = info->labels,
        .patients = files->patients,
        .n_classes = info->n_classes,
        .class_names = info->class_names,
        .model = info->model,
        .pretrained = info->pretrained,
        .dataset = files->dataset.at,
    };
    return MDP_OK;
}

void mdp_eval_files_close(struct mdp_eval_files *files)
{
    mdp_predictions_reader_close(files->reader);
    free(files->patients);
    mdp_text_release(&files->dataset);
    *files = (struct mdp_eval_files){0};
}
