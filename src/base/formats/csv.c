/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/formats/csv.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"

#include <assert.h>
#include <csv.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 30 }; /* of a table; ten million rows are less */

/* All fields stand in one block, row after row, each with its NUL. */
struct mdp_csv {
    char *name;
    struct mdp_text text;
    size_t columns;
    uint32_t
        *fields; /* [rows + 1, columns]: offset of a field from the start of its row; row 0 is the header */
    size_t n_fields, fields_capacity;
    size_t *starts; /* [rows + 1] offset of a row in `text` */
    size_t starts_capacity;
    size_t *lines; /* [rows + 1] */
    size_t lines_capacity;
    size_t n; /* rows, the header counted */
};

/* What the callbacks of libcsv share. */
struct reading {
    struct mdp_csv *csv;
    size_t line;       /* of the bytes that are being parsed */
    size_t first_line; /* of the row that is being read */
    size_t in_row;     /* fields of it so far */
    bool begun;        /* a field of the row is complete */
    bool open;         /* or one has begun, in quotes that go on on the next line */
    mdp_status st;
    struct mdp_error *err;
};

static void begin_row(struct reading *r)
{
    struct mdp_csv *csv = r->csv;

    r->begun = true;
    r->in_row = 0;
    r->st = mdp_grow(&csv->starts, &csv->starts_capacity, csv->n + 1, sizeof *csv->starts, r->err);
    if (r->st == MDP_OK)
        r->st = mdp_grow(&csv->lines, &csv->lines_capacity, csv->n + 1, sizeof *csv->lines, r->err);
    if (r->st != MDP_OK)
        return;
    csv->starts[csv->n] = csv->text.n;
    csv->lines[csv->n] = r->first_line;
}

static void add_field(void *bytes, size_t n, void *context)
{
    struct reading *r = context;
    struct mdp_csv *csv = r->csv;

    if (r->st == MDP_OK && !r->begun)
        begin_row(r);
    if (r->st != MDP_OK)
        return;
    size_t offset = csv->text.n - csv->starts[csv->n];
    if (csv->n == 0 && r->in_row == MDP_CSV_MAX_COLUMNS)
        r->st = mdp_fail(r->err, MDP_ERR_LIMIT, "%s: has more than %d columns", csv->name,
                         (int)MDP_CSV_MAX_COLUMNS);
    else if (csv->n_fields == MDP_CSV_MAX_FIELDS || offset > UINT32_MAX)
        r->st =
            mdp_fail(r->err, MDP_ERR_LIMIT, "%s: line %zu: more fields than can be read", csv->name, r->line);
    else
        r->st = mdp_grow(&csv->fields, &csv->fields_capacity, csv->n_fields + 1, sizeof *csv->fields, r->err);
    r->in_row++;
    if (r->st != MDP_OK || (csv->n && r->in_row > csv->columns))
        return; /* too many: the end of the row says how many */
    csv->fields[csv->n_fields++] = (uint32_t)offset;
    mdp_text_add_bytes(&csv->text, bytes ? bytes : "", bytes ? n : 0);
    mdp_text_add_bytes(&csv->text, "", 1);
    r->st = mdp_text_status(&csv->text, r->err);
}

static void end_row(int end, void *context)
{
    struct reading *r = context;
    struct mdp_csv *csv = r->csv;

    (void)end;
    if (r->st != MDP_OK || !r->begun)
        return;
    r->begun = r->open = false;
    if (csv->n == 0)
        csv->columns = r->in_row;
    else if (r->in_row != csv->columns)
        r->st =
            mdp_fail(r->err, MDP_ERR_FORMAT, "%s: line %zu: has %zu fields, expected %zu as in the first row",
                     csv->name, r->first_line, r->in_row, csv->columns);
    csv->n++;
    r->first_line = r->line + 1;
}

static int no_space(unsigned char c)
{
    (void)c;
    return 0;
}

/* Line by line, so that the callbacks know where they are. */
static mdp_status feed(struct reading *r, struct csv_parser *parser, const char *bytes, size_t n)
{
    const char *at = bytes, *end = bytes + n;

    r->line = r->first_line = 1;
    while (r->st == MDP_OK && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = newline ? (size_t)(newline - at) + 1 : (size_t)(end - at);
        if (csv_parse(parser, at, length, add_field, end_row, r) != length && r->st == MDP_OK)
            r->st =
                csv_error(parser) == CSV_EPARSE
                    ? mdp_fail(r->err, MDP_ERR_FORMAT,
                               "%s: line %zu: a quote inside a field (quote the field and double the quote)",
                               r->csv->name, r->line)
                    : mdp_fail(r->err, MDP_ERR_MEMORY, "%s: line %zu: %s", r->csv->name, r->line,
                               csv_strerror(csv_error(parser)));
        r->open = r->open || (r->first_line == r->line && at[0] != '\n' && at[0] != '\r');
        if (!r->begun && !r->open)
            r->first_line = r->line + 1;
        r->line++;
        at += length;
    }
    if (r->st == MDP_OK && csv_fini(parser, add_field, end_row, r) != 0)
        r->st = mdp_fail(r->err, MDP_ERR_FORMAT, "%s: line %zu: a quote opens here and never closes",
                         r->csv->name, r->first_line);
    return r->st;
}

static mdp_status check_bytes(const char *bytes, size_t n, const char *name, struct mdp_error *err)
{
    size_t valid = mdp_utf8_valid(bytes, n);
    const char *nul = n ? memchr(bytes, '\0', n) : NULL;
    size_t bad = nul && (size_t)(nul - bytes) < valid ? (size_t)(nul - bytes) : valid;
    size_t line = 1;

    if (bad == n)
        return MDP_OK;
    for (size_t i = 0; i < bad; i++)
        line += bytes[i] == '\n';
    return mdp_fail(err, MDP_ERR_FORMAT, "%s: line %zu: %s 0x%02x (expected UTF-8 text)", name, line,
                    bad == valid ? "not valid UTF-8, byte" : "byte", (unsigned char)bytes[bad]);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static mdp_status check_header(const struct mdp_csv *csv, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const char **names = mdp_new_array(csv->columns, sizeof *names, err, &st);

    if (!names)
        return st;
    for (size_t i = 0; i < csv->columns; i++)
        names[i] = mdp_csv_header(csv, i);
    qsort(names, csv->columns, sizeof *names, compare_names);
    for (size_t i = 1; i < csv->columns && st == MDP_OK; i++)
        if (names[i][0] && strcmp(names[i - 1], names[i]) == 0)
            st = mdp_fail(err, MDP_ERR_FORMAT, "%s: line %zu: two columns are named '%s'", csv->name,
                          csv->lines[0], names[i]);
    free(names);
    return st;
}

static mdp_status new_csv(const char *name, struct mdp_csv **out, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *out = mdp_new_array(1, sizeof **out, err, &st);
    if (*out)
        (*out)->name = mdp_copy_string(name, err, &st);
    return st;
}

mdp_status mdp_csv_parse(const char *bytes, size_t n, const char *name, struct mdp_csv **out,
                         struct mdp_error *err)
{
    struct csv_parser parser;
    struct reading r = {.err = err};

    *out = NULL;
    if (n >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
        bytes += 3;
        n -= 3;
    }
    mdp_status st = check_bytes(bytes, n, name, err);
    if (st == MDP_OK)
        st = new_csv(name, &r.csv, err);
    if (st == MDP_OK && csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        st = mdp_fail(err, MDP_ERR_MEMORY, "out of memory while reading %s", name);
    if (st == MDP_OK) {
        csv_set_space_func(&parser, no_space);
        csv_set_blk_size(&parser, 64 << 10);
        st = feed(&r, &parser, bytes, n);
        csv_free(&parser);
    }
    if (st == MDP_OK && r.csv->n == 0)
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: is empty, expected a first row with column names", name);
    if (st == MDP_OK)
        st = check_header(r.csv, err);
    if (st == MDP_OK)
        *out = r.csv;
    else
        mdp_csv_free(r.csv);
    return st;
}

mdp_status mdp_csv_read(const char *path, struct mdp_csv **csv, struct mdp_error *err)
{
    struct mdp_map map = {0};
    mdp_status st = mdp_map_open(path, &map, err);

    *csv = NULL;
    if (st == MDP_OK && map.n > MOST_BYTES)
        st = mdp_fail(err, MDP_ERR_LIMIT, "%s: has %zu bytes, at most %d are read", path, map.n, MOST_BYTES);
    if (st == MDP_OK)
        st = mdp_csv_parse((const char *)map.bytes, map.n, path, csv, err);
    mdp_map_close(&map);
    return st;
}

void mdp_csv_free(struct mdp_csv *csv)
{
    if (!csv)
        return;
    mdp_text_release(&csv->text);
    free(csv->fields);
    free(csv->starts);
    free(csv->lines);
    free(csv->name);
    free(csv);
}

size_t mdp_csv_row_count(const struct mdp_csv *csv)
{
    return csv->n - 1;
}

size_t mdp_csv_column_count(const struct mdp_csv *csv)
{
    return csv->columns;
}

static const char *field(const struct mdp_csv *csv, size_t row, size_t column)
{
    return csv->text.at + csv->starts[row] + csv->fields[row * csv->columns + column];
}

const char *mdp_csv_header(const struct mdp_csv *csv, size_t column)
{
    assert(column < csv->columns);
    return field(csv, 0, column);
}

const char *mdp_csv_field(const struct mdp_csv *csv, size_t row, size_t column)
{
    assert(row + 1 < csv->n && column < csv->columns);
    return field(csv, row + 1, column);
}

size_t mdp_csv_line(const struct mdp_csv *csv, size_t row)
{
    return csv->lines[row + 1];
}

bool mdp_csv_find(const struct mdp_csv *csv, const char *name, size_t *column)
{
    for (size_t i = 0; i < csv->columns; i++)
        if (strcmp(mdp_csv_header(csv, i), name) == 0) {
            *column = i;
            return true;
        }
    return false;
}

mdp_status mdp_csv_get(const struct mdp_csv *csv, const char *name, size_t *column, struct mdp_error *err)
{
    struct mdp_text list = {0};

    if (mdp_csv_find(csv, name, column))
        return MDP_OK;
    for (size_t i = 0; i < csv->columns && list.n < 400; i++)
        mdp_text_add(&list, "%s%s", i ? ", " : "", mdp_csv_header(csv, i));
    mdp_status st = mdp_text_status(&list, err);
    if (st == MDP_OK)
        st = mdp_fail(err, MDP_ERR_FORMAT, "%s: line %zu: no column '%s' (columns: %s%s)", csv->name,
                      csv->lines[0], name, list.at,
                      csv->columns == 1 && strpbrk(list.at, ";\t") ? "; fields are separated by commas" : "");
    mdp_text_release(&list);
    return st;
}

mdp_status mdp_csv_fail(const struct mdp_csv *csv, size_t row, size_t column, struct mdp_error *err,
                        const char *format, ...)
{
    char message[512];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return mdp_fail(err, MDP_ERR_FORMAT, "%s: line %zu, column '%s': %s", csv->name, mdp_csv_line(csv, row),
                    mdp_csv_header(csv, column), message);
}

bool mdp_csv_number(const char *text, double *value)
{
    char *end = NULL;

    if (!*text || text[strspn(text, "0123456789+-.eE")])
        return false;
    *value = strtod(text, &end);
    return !*end && isfinite(*value);
}

void mdp_text_add_csv(struct mdp_text *out, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        mdp_text_add(out, "%s", text);
        return;
    }
    mdp_text_add(out, "\"");
    for (; *text; text++)
        mdp_text_add(out, *text == '"' ? "\"\"" : "%c", *text);
    mdp_text_add(out, "\"");
}
