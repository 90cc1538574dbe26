/* SPDX-License-Identifier: BSD-3-Clause */
/* medprobe models list: what is known by name, as a table or JSON. */
#include "base/config_files.h"
#include "base/formats/json.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/try.h"
#include "cmd/models_common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- a card as JSON --- */

/* A size that 0 says is not known. */
static void put_known_size(struct mdp_json_writer *w, const char *key, size_t n)
{
    if (n)
        mdp_json_put_size(w, key, n);
    else
        mdp_json_put_null(w, key);
}

const char *mdp_models_sha256(const struct mdp_model_file *file)
{
    return file->member ? file->member_sha256 : file->sha256;
}

static mdp_status put_file(const struct mdp_model_card *card, const struct mdp_model_file *f,
                           struct mdp_json_writer *w, size_t *present, struct mdp_error *err)
{
    enum mdp_file_state state = MDP_FILE_ABSENT;
    struct mdp_text path = {0};
    char own[MDP_SHA256_HEX];
    mdp_status st = mdp_model_file_state(card, f, true, &path, &state, own, err);

    if (st == MDP_OK) {
        *present += state != MDP_FILE_ABSENT;
        mdp_json_begin(w, NULL, '{', NULL);
        mdp_json_put_text(w, "role", f->role);
        mdp_json_put_text(w, "name", f->name);
        mdp_json_put_text(w, "path", path.at);
        mdp_json_put_bool(w, "present", state != MDP_FILE_ABSENT);
        mdp_json_put_text(w, "url", f->url);
        mdp_json_put_text(w, "sha256", mdp_models_sha256(f));
        put_known_size(w, "size", f->size);
        mdp_json_put_text(w, "note", f->note);
        mdp_json_end(w, NULL);
    }
    mdp_text_release(&path);
    return st;
}

static void put_aliases(const struct mdp_model_card *card, struct mdp_json_writer *w)
{
    mdp_json_begin(w, "aliases", '[', NULL);
    for (size_t i = 0; card->aliases && i < card->aliases->n; i++)
        mdp_json_put_text(w, NULL, card->aliases->values[i]->scalar);
    mdp_json_end(w, NULL);
}

/* Sizes of the picture that the tower takes; null for a model of texts. */
static void put_picture(const struct mdp_model_card *card, struct mdp_json_writer *w)
{
    struct mdp_image_sizes s;

    if (!mdp_models_picture(card, &s)) {
        mdp_json_put_null(w, "picture");
        return;
    }
    mdp_json_begin(w, "picture", '{', NULL);
    mdp_json_put_size(w, "width", s.width);
    mdp_json_put_size(w, "height", s.height);
    mdp_json_put_size(w, "channels", s.channels);
    mdp_json_end(w, NULL);
}

/* How it scores pictures by texts; null for a model of pictures. */
static void put_scores(const struct mdp_model_card *card, struct mdp_json_writer *w)
{
    const bool scores = card->image && card->text;

    mdp_json_put_text(w, "similarity", scores ? mdp_similarity_names[card->similarity.kind] : NULL);
    mdp_json_put_text(w, "ensemble", scores ? mdp_ensemble_names[card->zero_shot.ensemble] : NULL);
    mdp_json_put_text(w, "prompts", scores ? card->zero_shot.prompts : NULL);
}

mdp_status mdp_models_card_to_json(const struct mdp_model_card *card, struct mdp_text *out, size_t *present,
                                   struct mdp_error *err)
{
    struct mdp_json_writer w = {.out = out};

    *present = 0;
    mdp_json_begin(&w, NULL, '{', NULL);
    mdp_json_put_text(&w, "name", card->name);
    mdp_json_put_text(&w, "title", card->title);
    put_aliases(card, &w);
    mdp_json_put_text(&w, "family", card->family);
    put_known_size(&w, "parameters", card->parameters);
    put_picture(card, &w);
    mdp_json_put_size(&w, "embedding_width", card->embedding_width);
    put_scores(card, &w);
    mdp_json_put_text(&w, "licence", card->licence);
    mdp_json_put_text(&w, "licence_note", card->licence_note);
    mdp_json_put_text(&w, "source", card->source);
    mdp_json_put_text(&w, "card", card->path);
    mdp_json_begin(&w, "files", '[', "\n  ");
    for (size_t i = 0; i < card->n_files; i++)
        TRY(put_file(card, &card->files[i], &w, present, err));
    mdp_json_end(&w, NULL);
    mdp_json_end(&w, NULL);
    return mdp_text_status(out, err);
}

/* --- the table --- */

enum { COLUMNS = 8, CELL = 64, LINE = 100 };

enum column { NAME, FAMILY, PARAMETERS, PICTURE, WIDTH, FILES, LICENCE, SOURCE };

/* Heads, the most that a column takes, and whether it holds numbers; the last takes what is left of the line. */
static const struct {
    const char *head;
    int most;
    bool right;
} columns[COLUMNS] = {
    [NAME] = {"name", 40, false},       [FAMILY] = {"family", 12, false}, [PARAMETERS] = {"param.", 9, true},
    [PICTURE] = {"picture", 9, true},   [WIDTH] = {"width", 5, true},     [FILES] = {"files", 7, false},
    [LICENCE] = {"licence", 16, false}, [SOURCE] = {"from", LINE, false}};

struct row {
    char cells[COLUMNS][CELL];
};

struct table {
    struct row *rows;
    size_t n, capacity;
    struct mdp_text json; /* of all cards, where JSON is wanted */
};

/* "https://github.com/openai/CLIP" -> "github.com/openai/CLIP" */
static const char *without_scheme(const char *url)
{
    const char *at = strstr(url, "://");

    return at ? at + 3 : url;
}

/* Text in a cell: printable, and cut to its column. */
static void put(char cell[CELL], const char *text)
{
    struct mdp_text safe = {0};

    mdp_text_add_printable(&safe, text ? text : "");
    snprintf(cell, CELL, "%s", safe.failed || !safe.at ? "" : safe.at);
    mdp_text_release(&safe);
}

static void fill_row(const struct mdp_model_card *card, size_t present, struct row *row)
{
    struct mdp_image_sizes s;

    put(row->cells[NAME], card->name);
    put(row->cells[FAMILY], card->family);
    if (card->parameters)
        snprintf(row->cells[PARAMETERS], CELL, "%.1f M", (double)card->parameters / 1e6);
    if (mdp_models_picture(card, &s) && s.width == s.height)
        snprintf(row->cells[PICTURE], CELL, "%zu", s.width);
    else if (mdp_models_picture(card, &s))
        snprintf(row->cells[PICTURE], CELL, "%zux%zu", s.width, s.height);
    else
        put(row->cells[PICTURE], "texts");
    snprintf(row->cells[WIDTH], CELL, "%zu", card->embedding_width);
    snprintf(row->cells[FILES], CELL, "%zu of %zu", present, card->n_files);
    put(row->cells[LICENCE], card->licence);
    put(row->cells[SOURCE], card->source ? without_scheme(card->source) : "");
}

/* One model as a row, or as an element of the JSON. */
static mdp_status add_model(const char *name, bool json, struct table *t, struct mdp_error *err)
{
    struct mdp_model_card card;
    struct mdp_text entry = {0};
    size_t present = 0;

    TRY(mdp_model_card_read(name, &card, err));
    mdp_status st = mdp_models_card_to_json(&card, &entry, &present, err);
    if (st == MDP_OK && json)
        mdp_text_add(&t->json, "%s%s", t->json.n > 1 ? ",\n" : "", entry.at);
    else if (st == MDP_OK)
        st = mdp_grow(&t->rows, &t->capacity, t->n + 1, sizeof *t->rows, err);
    if (st == MDP_OK && !json) {
        t->rows[t->n] = (struct row){0};
        fill_row(&card, present, &t->rows[t->n++]);
    }
    mdp_text_release(&entry);
    mdp_model_card_release(&card);
    return st;
}

static int wider(int width, const char *cell)
{
    int n = (int)strlen(cell);

    return n > width ? n : width;
}

/* As wide as its widest cell and its head, at most what it may be; the last column: what is left. */
static void measure(const struct table *t, int widths[COLUMNS])
{
    int left = LINE;

    for (int c = 0; c < COLUMNS; c++) {
        widths[c] = (int)strlen(columns[c].head);
        for (size_t i = 0; i < t->n; i++)
            widths[c] = wider(widths[c], t->rows[i].cells[c]);
        widths[c] = widths[c] > columns[c].most ? columns[c].most : widths[c];
        widths[c] = widths[c] > left ? left : widths[c];
        left = left > widths[c] + 2 ? left - widths[c] - 2 : 0;
    }
}

static void print_line(const struct row *row, const int widths[COLUMNS])
{
    struct mdp_text line = {0};

    for (int c = 0; c < COLUMNS; c++) {
        const char *cell = row ? row->cells[c] : columns[c].head;
        const bool cut = strlen(cell) > (size_t)widths[c] && widths[c] > 2;
        mdp_text_add(&line, columns[c].right ? "%s%*.*s" : "%s%-*.*s", c ? "  " : "",
                     cut ? widths[c] - 2 : widths[c], cut ? widths[c] - 2 : widths[c], cell);
        mdp_text_add(&line, "%s", cut ? ".." : "");
    }
    while (line.n && line.at[line.n - 1] == ' ')
        line.at[--line.n] = '\0';
    if (!line.failed)
        printf("%s\n", line.at);
    mdp_text_release(&line);
}

static void print_table(const struct table *t)
{
    int widths[COLUMNS];

    measure(t, widths);
    print_line(NULL, widths);
    for (size_t i = 0; i < t->n; i++)
        print_line(&t->rows[i], widths);
}

/* --- the subcommand --- */

mdp_status mdp_models_list(int argc, char **argv, int *exit_code, struct mdp_error *err)
{
    bool json = false;
    const struct mdp_option options[] = {
        {.name = "json", .flag = &json, .help = "print JSON instead of a table"}};
    const struct mdp_usage usage = {
        .command = "models list",
        .synopsis = "[options]",
        .summary = "Lists the models that are known by name, and whether their files are here.",
        .example = "medprobe models list"};
    struct mdp_common common = {0};
    struct mdp_arguments args = {0};
    struct mdp_names names = {0};
    struct table table = {0};
    mdp_status st = MDP_OK;

    (void)exit_code;
    OR_OUT(mdp_options_parse(&usage, options, 1, argc, argv, &common, &args, err));
    if (args.help)
        goto out;
    OR_OUT(mdp_config_names(&mdp_config_models, &names, err));
    mdp_text_add(&table.json, "[");
    for (size_t i = 0; i < names.n; i++)
        if (add_model(names.at[i], json, &table, err) != MDP_OK)
            mdp_log(&common.log, MDP_LOG_WARN, "%s", err->message); /* one bad card hides no other */
    mdp_text_add(&table.json, "]");
    if (json)
        st = mdp_models_print_json(&table.json, err);
    else
        print_table(&table);
out:
    free(table.rows);
    mdp_text_release(&table.json);
    mdp_names_release(&names);
    mdp_arguments_release(&args);
    return st;
}
