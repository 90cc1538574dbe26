/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void mdp_log(const struct mdp_log *log, enum mdp_log_level level, const char *format, ...)
{
    char message[4096];
    struct mdp_text line = {0};
    va_list args;

    if (level > log->level)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    mdp_text_add(&line, "medprobe: ");
    if (log->command)
        mdp_text_add(&line, "%s: ", log->command);
    if (level == MDP_LOG_WARN)
        mdp_text_add(&line, "warning: ");
    mdp_text_add_printable(&line, message);
    mdp_text_add(&line, "\n");
    /* One write, so that lines of several programs on one terminal do not mix. */
    if (!line.failed)
        fwrite(line.at, 1, line.n, stderr);
    mdp_text_release(&line);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum { REDRAW_MS = 200, LINE_MS = 30000 };

void mdp_progress_begin(struct mdp_progress *p, const struct mdp_log *log, const char *unit, size_t total,
                        size_t begun_at)
{
    int64_t now = now_ms();

    *p = (struct mdp_progress){.log = log,
                               .unit = unit,
                               .total = total,
                               .begun_at = begun_at,
                               .start_ms = now,
                               .last_ms = now,
                               .terminal = isatty(STDERR_FILENO) == 1};
}

static void add_state(const struct mdp_progress *p, size_t done, size_t failed, int64_t now,
                      struct mdp_text *out)
{
    double seconds = (double)(now - p->start_ms) / 1000;
    double rate = seconds > 0 ? (double)(done - p->begun_at) / seconds : 0;

    mdp_text_add(out, "%zu of %zu %s, %.1f/s", done, p->total, p->unit, rate);
    if (rate > 0 && done < p->total) {
        size_t left = (size_t)((double)(p->total - done) / rate);
        mdp_text_add(out, ", %zu:%02zu:%02zu left", left / 3600, left / 60 % 60, left % 60);
    }
    if (failed)
        mdp_text_add(out, ", %zu failed", failed);
}

void mdp_progress_show(struct mdp_progress *p, size_t done, size_t failed)
{
    struct mdp_text state = {0};
    int64_t now = now_ms();

    if (p->log->level < MDP_LOG_INFO || now - p->last_ms < (p->terminal ? REDRAW_MS : LINE_MS))
        return;
    p->last_ms = now;
    add_state(p, done, failed, now, &state);
    if (p->terminal) {
        fprintf(stderr, "\rmedprobe: %s: %s\033[K", p->log->command, state.failed ? "" : state.at);
        p->drawn = true;
    } else {
        mdp_log(p->log, MDP_LOG_INFO, "%s", state.failed ? "" : state.at);
    }
    mdp_text_release(&state);
}

void mdp_progress_end(struct mdp_progress *p, size_t done, size_t failed)
{
    struct mdp_text state = {0};

    if (p->drawn)
        fprintf(stderr, "\r\033[K");
    add_state(p, done, failed, now_ms(), &state);
    mdp_log(p->log, MDP_LOG_INFO, "%s", state.failed ? "" : state.at);
    mdp_text_release(&state);
}
