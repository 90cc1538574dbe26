/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval/report/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *mdp_table_cell(struct mdp_pool *pool, struct mdp_error *err, mdp_status *st, const char *format,
                           ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *kept = *st == MDP_OK ? mdp_pool_string(pool, text, err, st) : NULL;
    return kept ? kept : "";
}

mdp_status mdp_table_make(struct mdp_table *table, size_t rows, size_t columns, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    table->rows = rows;
    table->columns = columns;
    table->header = mdp_pool_array(table->pool, columns, sizeof *table->header, err, &st);
    if (st == MDP_OK)
        table->cells = mdp_pool_array(table->pool, rows * columns, sizeof *table->cells, err, &st);
    for (size_t i = 0; st == MDP_OK && i < rows * columns; i++)
        table->cells[i] = "";
    return st;
}

void mdp_table_drop_column(struct mdp_table *t, const char *header)
{
    size_t to = 0, column = 0;

    while (column < t->columns && strcmp(t->header[column], header) != 0)
        column++;
    if (column == t->columns)
        return;
    for (size_t j = 0, k = 0; j < t->columns; j++)
        if (j != column)
            t->header[k++] = t->header[j];
    for (size_t i = 0; i < t->rows; i++)
        for (size_t j = 0; j < t->columns; j++)
            if (j != column)
                t->cells[to++] = t->cells[i * t->columns + j];
    t->text_columns -= column < t->text_columns;
    t->columns--;
}
