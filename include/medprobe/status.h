/* SPDX-License-Identifier: BSD-3-Clause */
/* Status codes and error messages.

   A function that can fail returns mdp_status and, when it fails, writes one complete message into the
   caller's struct mdp_error: what failed, on which file, row or key, what was found, what was expected.
   The message is written where the fact is known; callers above only add where they were.

       #include <medprobe/store.h>
       #include <stdio.h>

       static struct mdp_store *open_or_say_why(const char *path)
       {
           struct mdp_error err = MDP_ERROR_INIT;
           struct mdp_store *store = NULL;

           if (mdp_store_open(path, &store, &err) != MDP_OK)
               fprintf(stderr, "%s\n", err.message);
           return store;
       }

   Wording: lower case, no full stop, one line. */
#ifndef MEDPROBE_STATUS_H
#define MEDPROBE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* One list for code, name and text. */
#define MDP_STATUS_LIST(X)                                                                                   \
    X(OK, "success")                                                                                         \
    X(ERR_USAGE, "wrong use")                                                                                \
    X(ERR_MEMORY, "out of memory")                                                                           \
    X(ERR_IO, "input or output failed")                                                                      \
    X(ERR_FORMAT, "malformed file")                                                                          \
    X(ERR_VALUE, "value not allowed")                                                                        \
    X(ERR_MISSING, "something needed is missing")                                                            \
    X(ERR_LIMIT, "a limit was passed")                                                                       \
    X(ERR_UNSUPPORTED, "not supported")                                                                      \
    X(ERR_NETWORK, "network failure")                                                                        \
    X(ERR_CHECK, "a check failed")                                                                           \
    X(ERR_INTERRUPTED, "interrupted")

typedef enum mdp_status {
#define MDP_STATUS_ENUM(name, text) MDP_##name,
    MDP_STATUS_LIST(MDP_STATUS_ENUM)
#undef MDP_STATUS_ENUM
} mdp_status;

/* A status and its sentence. Plain data: may be copied, needs no release. */
struct mdp_error {
    mdp_status status;
    char message[1024]; /* UTF-8, cut with "..." when longer */
};

#define MDP_ERROR_INIT                                                                                       \
    {                                                                                                        \
        MDP_OK, ""                                                                                           \
    }

/* MDP_MUST_USE stands where a status that nobody looks at loses data: what commits and writes a file, what allocates or
   bounds a size, what remembers a failure. Elsewhere a status may be left alone where only the message is wanted. */
#if defined(__GNUC__)
#define MDP_PRINTF(text_at, first_at) __attribute__((format(printf, text_at, first_at)))
#define MDP_MUST_USE __attribute__((warn_unused_result))
#else
#define MDP_PRINTF(text_at, first_at)
#define MDP_MUST_USE
#endif

/* Writes the message and returns `status` (never MDP_OK). `err` may be NULL: the status alone is returned. */
mdp_status mdp_fail(struct mdp_error *err, mdp_status status, const char *format, ...) MDP_PRINTF(3, 4);

/* As mdp_fail, ending in ": " and the system's text for errno. */
mdp_status mdp_fail_errno(struct mdp_error *err, mdp_status status, const char *format, ...) MDP_PRINTF(3, 4);

/* Puts "<format>: " before the message that is already there and returns `status`, the status of the failed
   call; for callers that know the file, row or key that a pure function does not know. */
mdp_status mdp_fail_at(struct mdp_error *err, mdp_status status, const char *format, ...) MDP_PRINTF(3, 4);

/* Name ("ERR_IO") and text ("input or output failed") of a status; "unknown" outside the list. */
const char *mdp_status_name(mdp_status status);
const char *mdp_status_text(mdp_status status);

/* Of the library that is linked: "1.2.3". */
const char *mdp_version(void);

#ifdef __cplusplus
}
#endif
#endif
