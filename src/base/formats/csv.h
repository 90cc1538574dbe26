/* SPDX-License-Identifier: BSD-3-Clause */
/* CSV as RFC 4180 has it: commas, quotes, line breaks inside quoted fields, LF or CRLF, UTF-8 with or without
   a byte-order mark. Spaces belong to a field. The first row names the columns; every row has as many fields.
   Lines without any character are skipped. libcsv (csv.c is the one file that knows it) cuts the fields.

   Refused, with file and line: bytes that are not UTF-8, NUL, a quote that does not close or stands inside an
   unquoted field, a row with another number of fields, a column named twice. */
#ifndef MDP_BASE_CSV_H
#define MDP_BASE_CSV_H

#include "base/text.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    MDP_CSV_MAX_COLUMNS = 16384,
    MDP_CSV_MAX_FIELDS = 100 * 1000 * 1000, /* of a file: rows times columns */
};

struct mdp_csv;

/* Reads a whole file, checked as the head of this file says. Errors name file, line and column. */
mdp_status mdp_csv_read(const char *path, struct mdp_csv **csv, struct mdp_error *err);
/* `name` stands for the file in messages. */
mdp_status mdp_csv_parse(const char *bytes, size_t n, const char *name, struct mdp_csv **csv,
                         struct mdp_error *err);
void mdp_csv_free(struct mdp_csv *csv);

size_t mdp_csv_row_count(const struct mdp_csv *csv); /* without the first */
/* Columns that the first line names; every row has a field for each. */
size_t mdp_csv_column_count(const struct mdp_csv *csv);
const char *mdp_csv_header(const struct mdp_csv *csv, size_t column); /* "" for a column without a name */
const char *mdp_csv_field(const struct mdp_csv *csv, size_t row, size_t column); /* "" when blank */
size_t mdp_csv_line(const struct mdp_csv *csv, size_t row); /* where the row begins, 1-based */

/* Whether there is a column of this name, and its number. */
bool mdp_csv_find(const struct mdp_csv *csv, const char *name, size_t *column);
/* As mdp_csv_find; without it an error that names the file and the columns that exist. */
mdp_status mdp_csv_get(const struct mdp_csv *csv, const char *name, size_t *column, struct mdp_error *err);

/* Fails with MDP_ERR_FORMAT: "<file>: line <n>, column '<name>': <message>". */
mdp_status mdp_csv_fail(const struct mdp_csv *csv, size_t row, size_t column, struct mdp_error *err,
                        const char *format, ...) MDP_PRINTF(5, 6);

/* Writing: `text` as one field, in quotes where it must be. */
void mdp_text_add_csv(struct mdp_text *out, const char *text);

/* The whole of `text` as a finite decimal number ("-1.5e3"; no spaces, no hexadecimal, no "inf"). */
bool mdp_csv_number(const char *text, double *value);

#endif
