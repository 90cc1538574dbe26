/* SPDX-License-Identifier: BSD-3-Clause */
#include "medprobe/status.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *text;
} status_words[] = {
#define STATUS_ROW(name, text) {#name, text},
    MDP_STATUS_LIST(STATUS_ROW)
#undef STATUS_ROW
};

enum { STATUS_COUNT = sizeof status_words / sizeof status_words[0] };

/* A message that did not fit ends in "..." and not in the middle of a UTF-8 sequence. */
static void mark_cut(char *message, size_t size)
{
    size_t end = size - 4;

    while (end > 0 && ((unsigned char)message[end] & 0xC0) == 0x80)
        end--;
    memcpy(message + end, "...", 4);
}

static void put_message(struct mdp_error *err, mdp_status status, const char *text)
{
    err->status = status;
    size_t n = strlen(text);
    if (n < sizeof err->message) {
        memcpy(err->message, text, n + 1);
    } else {
        memcpy(err->message, text, sizeof err->message);
        mark_cut(err->message, sizeof err->message);
    }
}

mdp_status mdp_fail(struct mdp_error *err, mdp_status status, const char *format, ...)
{
    char text[2 * sizeof err->message];
    va_list args;

    assert(status != MDP_OK);
    if (!err)
        return status;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put_message(err, status, text);
    return status;
}

mdp_status mdp_fail_errno(struct mdp_error *err, mdp_status status, const char *format, ...)
{
    char text[2 * sizeof err->message];
    char reason[128] = "unknown error";
    int number = errno;
    va_list args;

    assert(status != MDP_OK);
    if (!err)
        return status;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (strerror_r(number, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", number);
    if (n >= 0 && (size_t)n < sizeof text)
        snprintf(text + n, sizeof text - (size_t)n, ": %s", reason);
    put_message(err, status, text);
    return status;
}

mdp_status mdp_fail_at(struct mdp_error *err, mdp_status status, const char *format, ...)
{
    char text[2 * sizeof err->message];
    va_list args;

    assert(status != MDP_OK);
    if (!err)
        return status;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof text)
        snprintf(text + n, sizeof text - (size_t)n, ": %s", err->message);
    put_message(err, status, text);
    return status;
}

const char *mdp_status_name(mdp_status status)
{
    return (unsigned)status < STATUS_COUNT ? status_words[status].name : "unknown";
}

const char *mdp_status_text(mdp_status status)
{
    return (unsigned)status < STATUS_COUNT ? status_words[status].text : "unknown";
}

const char *mdp_version(void)
{
    return MDP_VERSION;
}
