/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/metrics/rows.h"

size_t mdp_rows_one_vs_rest(const struct mdp_rows *rows, size_t c, double scores[], uint8_t labels[])
{
    size_t positives = 0;

    for (size_t i = 0; i < rows->n; i++) {
        scores[i] = rows->scores[i * rows->k + c];
        labels[i] = (size_t)rows->labels[i] == c;
        positives += labels[i];
    }
    return positives;
}
