/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/model/fetch.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECT_SECONDS = 30,
    STALL_SECONDS = 60, /* without a byte */
    MAX_REDIRECTS = 10,
    MAX_ATTEMPTS = 1000,
    WORTHWHILE = 1 << 20, /* bytes an attempt must bring not to count as a retry */
    LONGEST_PAUSE = 30,   /* s */
};

struct transfer {
    const struct mdp_fetch *what;
    CURL *curl;
    int fd;               /* of the .part file */
    struct mdp_text part; /* its name */
    size_t done;          /* bytes in it */
    size_t asked_from;    /* this attempt's first byte */
    size_t range_from;    /* as the server says it; SIZE_MAX when it does not */
    bool began;           /* the body of this attempt has begun */
    bool resumed;         /* some bytes are from an earlier attempt or run */
    struct mdp_error write_error;
};

static bool stopped(const struct transfer *t)
{
    return t->what->stop && *t->what->stop;
}

/* --- what curl calls --- */

/* "Content-Range: bytes 100-199/200" */
static size_t on_header(char *line, size_t size, size_t n, void *context)
{
    static const char name[] = "content-range: bytes ";
    struct transfer *t = context;
    char text[128];
    char *end = NULL;
    size_t length = size * n;

    if (length >= 5 && strncasecmp(line, "http/", 5) == 0)
        t->range_from = SIZE_MAX; /* of an earlier response */
    if (length >= sizeof text || length < sizeof name || strncasecmp(line, name, sizeof name - 1) != 0)
        return length;
    memcpy(text, line, length);
    text[length] = '\0';
    errno = 0;
    unsigned long long from = strtoull(text + sizeof name - 1, &end, 10);
    if (errno == 0 && *end == '-')
        t->range_from = (size_t)from;
    return length;
}

/* The first bytes of a body: the rest of the file, as asked for, or all of it. */
static mdp_status begin_body(struct transfer *t)
{
    long code = 0;

    t->began = true;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
    if (code == 206 && t->range_from == t->asked_from)
        return MDP_OK;
    if (code == 206)
        return mdp_fail(&t->write_error, MDP_ERR_NETWORK,
                        "the server sent another part of the file than was asked for");
    t->done = 0;
    t->resumed = false;
    if (ftruncate(t->fd, 0) != 0 || lseek(t->fd, 0, SEEK_SET) != 0)
        return mdp_fail_errno(&t->write_error, MDP_ERR_IO, "%s: cannot write", t->part.at);
    return MDP_OK;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
    struct transfer *t = context;
    size_t length = size * n, written = 0;

    if (!t->began && begin_body(t) != MDP_OK)
        return 0;
    if (t->what->size && length > t->what->size - t->done) {
        mdp_fail(&t->write_error, MDP_ERR_FORMAT,
                 "the server sends more than the %zu bytes that were expected", t->what->size);
        return 0;
    }
    while (written < length) {
        ssize_t k = write(t->fd, bytes + written, length - written);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            mdp_fail_errno(&t->write_error, MDP_ERR_IO, "%s: cannot write", t->part.at);
            return 0;
        }
        written += (size_t)k;
        t->done += (size_t)k;
    }
    return length;
}

static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total,
                       curl_off_t up_now)
{
    struct transfer *t = context;
    size_t whole = t->what->size;

    (void)now;
    (void)up_total;
    (void)up_now;
    if (!whole && total > 0)
        whole = (size_t)total + (t->resumed ? t->asked_from : 0);
    if (t->what->progress && t->began)
        t->what->progress(t->what->context, t->done, whole);
    return stopped(t); /* not 0 ends the transfer */
}

/* --- one attempt --- */

static CURLcode set_options(struct transfer *t, char *reason)
{
    CURL *c = t->curl;
    CURLcode code = CURLE_OK;
    char range[32];

#define SET(option, value) code = code == CURLE_OK ? curl_easy_setopt(c, option, value) : code
    SET(CURLOPT_URL, t->what->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 1L);
    SET(CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
    SET(CURLOPT_FAILONERROR, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);
    SET(CURLOPT_USERAGENT, "medprobe/" MDP_VERSION);
    SET(CURLOPT_ERRORBUFFER, reason);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, t);
    if (t->asked_from) {
        snprintf(range, sizeof range, "%zu-", t->asked_from);
        SET(CURLOPT_RANGE, range);
    }
#undef SET
    return code;
}

enum verdict { COMPLETE, TRY_AGAIN, BEGIN_ANEW, GIVE_UP };

static enum verdict judge(CURLcode code, long http)
{
    switch (code) {
    case CURLE_OK:
        return COMPLETE;
    case CURLE_HTTP_RETURNED_ERROR:
        if (http == 416)
            return BEGIN_ANEW; /* the .part file is longer than what is there now */
        return http == 408 || http == 425 || http == 429 || http == 500 || http >= 502 ? TRY_AGAIN : GIVE_UP;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_COULDNT_CONNECT:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR:
        return TRY_AGAIN;
    default:
        return GIVE_UP;
    }
}

static enum verdict describe(struct transfer *t, CURLcode code, const char *reason, struct mdp_error *err)
{
    const char *url = t->what->url;
    long http = 0;

    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &http);
    enum verdict verdict = judge(code, http);
    if (stopped(t) && verdict != COMPLETE) {
        mdp_fail(err, MDP_ERR_INTERRUPTED, "%s: interrupted (%zu bytes are kept: run it again to go on)", url,
                 t->done);
        return GIVE_UP;
    }
    if (code == CURLE_WRITE_ERROR && t->write_error.status != MDP_OK) {
        *err = t->write_error;
        mdp_fail_at(err, err->status, "%s", url);
        return err->status == MDP_ERR_NETWORK ? BEGIN_ANEW : GIVE_UP;
    }
    if (verdict == COMPLETE && t->what->size && t->done < t->what->size) {
        mdp_fail(err, MDP_ERR_NETWORK, "%s: the server sent %zu of %zu bytes", url, t->done, t->what->size);
        return TRY_AGAIN;
    }
    if (code == CURLE_HTTP_RETURNED_ERROR)
        mdp_fail(err, MDP_ERR_NETWORK, "%s: the server answered %ld%s", url, http,
                 http == 404 || http == 410 ? " (the file is no longer at this address: get it by hand)"
                                            : "");
    else if (code != CURLE_OK)
        mdp_fail(err, MDP_ERR_NETWORK, "%s: %s", url, reason[0] ? reason : curl_easy_strerror(code));
    return verdict;
}

static enum verdict attempt(struct transfer *t, struct mdp_error *err)
{
    char reason[CURL_ERROR_SIZE] = "";

    t->curl = curl_easy_init();
    if (!t->curl) {
        mdp_fail(err, MDP_ERR_MEMORY, "out of memory for a transfer");
        return GIVE_UP;
    }
    t->began = false;
    t->asked_from = t->done;
    t->resumed = t->done > 0;
    t->range_from = SIZE_MAX;
    t->write_error = (struct mdp_error)MDP_ERROR_INIT;
    CURLcode code = set_options(t, reason);
    if (code == CURLE_OK)
        code = curl_easy_perform(t->curl);
    enum verdict verdict = describe(t, code, reason, err);
    curl_easy_cleanup(t->curl);
    t->curl = NULL;
    return verdict;
}

/* --- the .part file --- */

static mdp_status open_part(struct transfer *t, struct mdp_error *err)
{
    struct stat info;

    mdp_text_add(&t->part, "%s.part", t->what->path);
    mdp_status st = mdp_text_status(&t->part, err);
    if (st != MDP_OK)
        return st;
    t->fd = open(t->part.at, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (t->fd < 0 || fstat(t->fd, &info) != 0)
        return mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot write", t->part.at);
    if (!S_ISREG(info.st_mode))
        return mdp_fail(err, MDP_ERR_IO, "%s: is no regular file", t->part.at);
    if (flock(t->fd, LOCK_EX | LOCK_NB) != 0)
        return mdp_fail(err, MDP_ERR_IO, "%s: another medprobe is fetching this file", t->part.at);
    t->done = (size_t)info.st_size;
    if (lseek(t->fd, 0, SEEK_END) < 0)
        return mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot write", t->part.at);
    return MDP_OK;
}

static mdp_status empty_part(struct transfer *t, struct mdp_error *err)
{
    t->done = 0;
    if (ftruncate(t->fd, 0) != 0 || lseek(t->fd, 0, SEEK_SET) != 0)
        return mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot write", t->part.at);
    return MDP_OK;
}

static void pause_before(size_t fruitless)
{
    time_t seconds = fruitless < 5 ? (time_t)1 << fruitless : LONGEST_PAUSE;
    const struct timespec pause = {.tv_sec = seconds};

    nanosleep(&pause, NULL);
}

/* Attempts until the server has sent everything. */
static mdp_status transfer_all(struct transfer *t, struct mdp_error *err)
{
    const struct mdp_fetch *what = t->what;
    size_t failed = 0, fruitless = 0;

    for (int attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
        size_t before = t->done;
        enum verdict verdict = attempt(t, err);
        if (verdict == COMPLETE)
            return MDP_OK;
        if (verdict == GIVE_UP)
            break;
        size_t brought = t->done > before ? t->done - before : 0;
        if (verdict == BEGIN_ANEW) {
            struct mdp_error lost = *err;
            mdp_status st = empty_part(t, err);
            if (st != MDP_OK)
                return st;
            *err = lost;
        }
        failed += brought < WORTHWHILE;
        if (failed > what->retries)
            break;
        if (what->retry)
            what->retry(what->context, err->message);
        if (brought == 0 && verdict == TRY_AGAIN)
            pause_before(fruitless++); /* a signal ends it */
    }
    if (err->status == MDP_ERR_NETWORK && t->done)
        return mdp_fail(err, MDP_ERR_NETWORK, "%.800s (%zu bytes are kept: run it again to go on)",
                        err->message, t->done);
    return err->status;
}

static mdp_status check_part(const struct transfer *t, bool *fits, char hex[MDP_SHA256_HEX],
                             struct mdp_error *err)
{
    uint8_t digest[MDP_SHA256_SIZE];
    mdp_status st = mdp_sha256_of_file(t->part.at, digest, err);

    if (st == MDP_OK) {
        mdp_sha256_hex(digest, hex);
        *fits = mdp_sha256_fits(hex, t->what->sha256);
    }
    return st;
}

static mdp_status fetch_checked(struct transfer *t, struct mdp_error *err)
{
    const struct mdp_fetch *what = t->what;
    char hex[MDP_SHA256_HEX];
    bool fits = false;

    /* A .part file that is complete already, from a run that was ended before the check. */
    if (t->done && (!what->size || t->done == what->size)) {
        mdp_status st = check_part(t, &fits, hex, err);
        if (st != MDP_OK || fits)
            return st;
    }
    if (what->size && t->done >= what->size) {
        mdp_status st = empty_part(t, err);
        if (st != MDP_OK)
            return st;
    }
    /* Twice, when the first file was put together from pieces: one of them may be of an older file. */
    for (int round = 0; round < 2; round++) {
        mdp_status st = transfer_all(t, err);
        if (st == MDP_OK)
            st = check_part(t, &fits, hex, err);
        if (st != MDP_OK || fits)
            return st;
        size_t size = t->done;
        mdp_fail(err, MDP_ERR_FORMAT,
                 "%s: the server sent %zu bytes with SHA-256 %s, expected %s (another file, or damaged on "
                 "the way: "
                 "nothing was kept)",
                 what->url, size, hex, what->sha256);
        if (!t->resumed)
            break;
        struct mdp_error kept = *err;
        st = empty_part(t, err);
        if (st != MDP_OK)
            return st;
        *err = kept;
        if (what->retry && round == 0)
            what->retry(what->context, err->message);
    }
    return err->status;
}

mdp_status mdp_fetch(const struct mdp_fetch *what, struct mdp_error *err)
{
    struct mdp_error own = MDP_ERROR_INIT;
    struct transfer t = {.what = what, .fd = -1};

    if (!err)
        err = &own;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return mdp_fail(err, MDP_ERR_NETWORK, "libcurl cannot be initialised");
    mdp_status st = open_part(&t, err);
    if (st == MDP_OK)
        st = fetch_checked(&t, err);
    if (st == MDP_OK)
        st = mdp_file_commit(t.part.at, what->path, err);
    else if (t.fd >= 0 && (st == MDP_ERR_FORMAT || t.done == 0))
        unlink(t.part.at); /* of no use to the next run */
    if (t.fd >= 0)
        close(t.fd);
    mdp_text_release(&t.part);
    curl_global_cleanup();
    return st;
}
