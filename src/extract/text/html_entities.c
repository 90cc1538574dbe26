/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/html_entities.h"

#include "base/memory.h"
#include "base/try.h"

#include <stdbool.h>
#include <string.h>

/* Without the & before it; a name that needs no semicolon stands there twice. */
struct entity {
    const char *name;
    uint32_t c[3]; /* 1 to 3 characters, then 0 */
};

#include "extract/text/html_entities.inc"

enum { LONGEST_NAME = 32, LONGEST_STRICT = 24, LAST = 0x10FFFF };

static const uint32_t lost = 0xFFFD;

/* --- names --- */

static int compare(const uint32_t text[], size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t c = (unsigned char)name[i];
        if (text[i] != c)
            return text[i] < c ? -1 : 1;
    }
    return name[n] ? -1 : 0;
}

/* The entity whose whole name is text[n], or NULL. */
static const struct entity *find(const struct entity *table, size_t n_table, const uint32_t text[], size_t n)
{
    size_t low = 0, high = n_table;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(text, n, table[middle].name);
        if (order == 0)
            return &table[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static mdp_status add_entity(struct mdp_chars *out, const struct entity *entity, struct mdp_error *err)
{
    for (size_t i = 0; i < MDP_COUNT(entity->c) && entity->c[i]; i++)
        TRY(mdp_chars_add(out, entity->c[i], err));
    return MDP_OK;
}

static mdp_status add_chars(struct mdp_chars *out, const uint32_t text[], size_t n, struct mdp_error *err)
{
    for (size_t i = 0; i < n; i++)
        TRY(mdp_chars_add(out, text[i], err));
    return MDP_OK;
}

/* --- numbers --- */

static int digit_value(uint32_t c, bool hex)
{
    if (c >= '0' && c <= '9')
        return (int)(c - '0');
    if (hex && c >= 'a' && c <= 'f')
        return (int)(c - 'a') + 10;
    return hex && c >= 'A' && c <= 'F' ? (int)(c - 'A') + 10 : -1;
}

/* Reads "#123" or "#x1f" at text[n] into *number, which stays past the last character once it is: the length read, 0 when
   there are no digits. */
static size_t read_number(const uint32_t text[], size_t n, uint32_t *number)
{
    bool hex = n > 1 && (text[1] == 'x' || text[1] == 'X');
    size_t first = hex ? 2 : 1, i = first;

    *number = 0;
    for (; i < n && digit_value(text[i], hex) >= 0; i++) {
        *number = *number * (hex ? 16 : 10) + (uint32_t)digit_value(text[i], hex);
        if (*number > LAST)
            *number = LAST + 1;
    }
    return i > first ? i : 0;
}

/* What a number means: *c, or nothing when false. */
static bool number_char(uint32_t number, uint32_t *c)
{
    *c = number;
    for (size_t i = 0; i < MDP_COUNT(mended); i++)
        if (mended[i].number == number) {
            *c = mended[i].c;
            return true;
        }
    if (number > LAST || (number >= 0xD800 && number <= 0xDFFF))
        *c = lost;
    for (size_t i = 0; i < MDP_COUNT(dropped); i++)
        if (dropped[i] == number)
            return false;
    return true;
}

/* --- as a browser --- */

static bool is_name_char(uint32_t c)
{
    return c != '\t' && c != '\n' && c != '\f' && c != ' ' && c != '<' && c != '&' && c != '#' && c != ';';
}

/* The reference behind the & before text[n], its length into *used; 0: there is none. */
static mdp_status add_reference(struct mdp_chars *out, const uint32_t text[], size_t n, size_t *used,
                                struct mdp_error *err)
{
    uint32_t number = 0, c = 0;

    *used = 0;
    if (n > 0 && text[0] == '#') {
        *used = read_number(text, n, &number);
        if (*used == 0)
            return MDP_OK;
        *used += *used < n && text[*used] == ';';
        return number_char(number, &c) ? mdp_chars_add(out, c, err) : MDP_OK;
    }
    while (*used < n && *used < LONGEST_NAME && is_name_char(text[*used]))
        ++*used;
    if (*used == 0)
        return MDP_OK;
    *used += *used < n && text[*used] == ';';
    for (size_t m = *used; m > 1; m--) {
        const struct entity *entity = find(entities, MDP_COUNT(entities), text, m);
        if (!entity)
            continue;
        TRY(add_entity(out, entity, err));
        return add_chars(out, text + m, *used - m, err);
    }
    TRY(mdp_chars_add(out, '&', err));
    return add_chars(out, text, *used, err);
}

/* --- with semicolon --- */

static bool is_strict_char(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Likewise; what is no entity stays. */
static mdp_status add_strict(struct mdp_chars *out, const uint32_t text[], size_t n, size_t *used,
                             struct mdp_error *err)
{
    const size_t first = n > 0 && text[0] == '#';
    uint32_t number = 0, c = 0;
    size_t m = first;

    *used = 0;
    while (m < n && m - first < LONGEST_STRICT && is_strict_char(text[m]))
        m++;
    if (m == first || m == n || text[m] != ';')
        return MDP_OK;
    if (first) {
        if (read_number(text, n, &number) != m)
            return MDP_OK;
        bool any = number_char(number, &c);
        if (any && c == ';')
            return MDP_OK;
        *used = m + 1;
        return any ? mdp_chars_add(out, c, err) : MDP_OK;
    }
    const struct entity *entity = find(entities, MDP_COUNT(entities), text, m + 1);
    if (!entity)
        entity = find(capitals, MDP_COUNT(capitals), text, m + 1);
    if (!entity)
        return MDP_OK;
    *used = m + 1;
    return add_entity(out, entity, err);
}

typedef mdp_status adder(struct mdp_chars *out, const uint32_t text[], size_t n, size_t *used,
                         struct mdp_error *err);

static mdp_status unescape(const struct mdp_chars *in, struct mdp_chars *out, adder *add,
                           struct mdp_error *err)
{
    size_t used = 0;

    out->n = 0;
    for (size_t i = 0; i < in->n; i += 1 + used) {
        used = 0;
        if (in->at[i] == '&')
            TRY(add(out, in->at + i + 1, in->n - i - 1, &used, err));
        if (used == 0)
            TRY(mdp_chars_add(out, in->at[i], err));
    }
    return MDP_OK;
}

mdp_status mdp_html_unescape(const struct mdp_chars *in, struct mdp_chars *out, struct mdp_error *err)
{
    return unescape(in, out, add_reference, err);
}

mdp_status mdp_html_unescape_strict(const struct mdp_chars *in, struct mdp_chars *out, struct mdp_error *err)
{
    return unescape(in, out, add_strict, err);
}
