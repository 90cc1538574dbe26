/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/text.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct mdp_text *t, size_t more)
{
    size_t need = 0;

    if (t->failed)
        return false;
    if (!mdp_add_size(t->n, more, &need) || !mdp_add_size(need, 1, &need) ||
        mdp_grow(&t->at, &t->capacity, need, 1, NULL) != MDP_OK)
        t->failed = true;
    return !t->failed;
}

void mdp_text_add(struct mdp_text *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) {
        t->failed = true;
        return;
    }
    if (!make_room(t, (size_t)n))
        return;
    va_start(args, format);
    vsnprintf(t->at + t->n, (size_t)n + 1, format, args);
    va_end(args);
    t->n += (size_t)n;
}

void mdp_text_add_bytes(struct mdp_text *t, const void *bytes, size_t n)
{
    if (!make_room(t, n))
        return;
    if (n)
        memcpy(t->at + t->n, bytes, n);
    t->n += n;
    t->at[t->n] = '\0';
}

void mdp_text_clear(struct mdp_text *t)
{
    t->n = 0;
    t->failed = false;
    if (t->at)
        t->at[0] = '\0';
}

void mdp_text_release(struct mdp_text *t)
{
    free(t->at);
    *t = (struct mdp_text){0};
}

mdp_status mdp_text_status(const struct mdp_text *t, struct mdp_error *err)
{
    return t->failed ? mdp_fail(err, MDP_ERR_MEMORY, "out of memory while writing text") : MDP_OK;
}

/* Well-formed UTF-8 with its control characters escaped; those of C1 (U+0080 to U+009F) drive terminals too. */
static void add_escaped(struct mdp_text *t, const unsigned char *c, size_t n)
{
    for (const unsigned char *end = c + n; c < end; c++) {
        if (*c == '\n')
            mdp_text_add(t, "\\n");
        else if (*c == '\t')
            mdp_text_add(t, "\\t");
        else if (*c == '\r')
            mdp_text_add(t, "\\r");
        else if (*c < 0x20 || *c == 0x7F)
            mdp_text_add(t, "\\x%02x", *c);
        else if (*c == 0xC2 && c[1] < 0xA0) {
            mdp_text_add(t, "\\xc2\\x%02x", c[1]);
            c++;
        } else
            mdp_text_add_bytes(t, c, 1);
    }
}

void mdp_text_add_quoted(struct mdp_text *t, const char *text)
{
    mdp_text_add(t, "\"");
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            mdp_text_add(t, "\\%c", *c);
        else if ((unsigned char)*c < 0x20 || *c == 0x7F)
            mdp_text_add(t, "\\x%02x", (unsigned char)*c);
        else
            mdp_text_add_bytes(t, c, 1);
    }
    mdp_text_add(t, "\"");
}

void mdp_text_add_printable(struct mdp_text *t, const char *text)
{
    size_t n = strlen(text);

    while (n) {
        size_t valid = mdp_utf8_valid(text, n);
        add_escaped(t, (const unsigned char *)text, valid);
        if (valid < n)
            mdp_text_add(t, "\\x%02x", (unsigned char)text[valid++]);
        text += valid;
        n -= valid;
    }
}
