/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/workfile.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"
#include "extract/job/run_facts.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char magic[16] = "medprobe work/1\n";

enum {
    FACTS_AT = sizeof magic + 4, /* magic, length of the facts */
    FACTS_MOST = 16 << 20,       /* bytes */
    CHECK_SIZE = 16,             /* bytes of a SHA-256 kept as checksum */
    ROW_DIGEST = 8,              /* bytes of the SHA-256 of a row of the manifest */
    SYNC_SECONDS = 5,
};

/* Where things stand in a record (docs/FORMATS.md). */
enum {
    ROW_AT = 0,
    FAILED_AT = 8,
    ORIENTATION_AT = 9,
    SHA256_AT = 16,
    PHASH_AT = 48,
    FILE_SIZE_AT = 56,
    FILE_TIME_AT = 64,
    ROW_DIGEST_AT = 72,
    NORM_AT = 80,
    PAYLOAD_AT = 88, /* the embedding, or the reason of a failure; behind it the checksum */
};

struct mdp_workfile {
    int fd;
    char *path;
    const struct mdp_manifest *manifest;
    size_t width;            /* D */
    size_t header;           /* bytes before the first record */
    size_t record;           /* bytes of one */
    size_t rows;             /* records */
    uint8_t run[CHECK_SIZE]; /* digest of the facts it was begun with: goes into every checksum */
    bool same_manifest;      /* these name the manifest at hand */
    unsigned char *buffer;   /* [record] */
    time_t synced;
};

/* --- little-endian numbers --- */

static void put(unsigned char *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *from, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

static void put_float(unsigned char *to, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    put(to, bits, sizeof bits);
}

static float get_float(const unsigned char *from)
{
    uint32_t bits = (uint32_t)get(from, sizeof bits);
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* --- records --- */

static size_t payload_size(size_t width)
{
    size_t bytes = width * sizeof(float);

    return ((bytes > MDP_REASON_SIZE ? bytes : MDP_REASON_SIZE) + 7) & ~(size_t)7;
}

static mdp_status checksum(const struct mdp_workfile *work, const unsigned char *record,
                           uint8_t out[CHECK_SIZE], struct mdp_error *err)
{
    struct mdp_sha256 *hash = NULL;
    uint8_t digest[MDP_SHA256_SIZE];
    mdp_status st = mdp_sha256_new(&hash, err);

    if (st != MDP_OK)
        return st;
    mdp_sha256_add(hash, work->run, sizeof work->run);
    mdp_sha256_add(hash, record, work->record - CHECK_SIZE);
    mdp_sha256_final(hash, digest);
    memcpy(out, digest, CHECK_SIZE);
    return MDP_OK;
}

static mdp_status pack(struct mdp_workfile *work, const struct mdp_record *r, struct mdp_error *err)
{
    unsigned char *to = work->buffer;
    uint8_t digest[MDP_SHA256_SIZE];

    memset(to, 0, work->record);
    put(to + ROW_AT, r->row, 8);
    to[FAILED_AT] = r->failed;
    to[ORIENTATION_AT] = r->orientation;
    memcpy(to + SHA256_AT, r->sha256, MDP_SHA256_SIZE);
    put(to + PHASH_AT, r->phash, 8);
    put(to + FILE_SIZE_AT, r->file_size, 8);
    put(to + FILE_TIME_AT, (uint64_t)r->file_time, 8);
    TRY(mdp_manifest_row_sha256(work->manifest, r->row, digest, err));
    memcpy(to + ROW_DIGEST_AT, digest, ROW_DIGEST);
    put_float(to + NORM_AT, r->norm);
    if (r->failed)
        memcpy(to + PAYLOAD_AT, r->reason, strnlen(r->reason, MDP_REASON_SIZE - 1));
    else
        for (size_t i = 0; i < work->width; i++)
            put_float(to + PAYLOAD_AT + i * sizeof(float), r->embedding[i]);
    return checksum(work, to, to + work->record - CHECK_SIZE, err);
}

static void unpack(const struct mdp_workfile *work, const unsigned char *from, struct mdp_record *r)
{
    r->row = (size_t)get(from + ROW_AT, 8);
    r->failed = from[FAILED_AT] != 0;
    r->orientation = from[ORIENTATION_AT];
    memcpy(r->sha256, from + SHA256_AT, MDP_SHA256_SIZE);
    r->phash = get(from + PHASH_AT, 8);
    r->file_size = get(from + FILE_SIZE_AT, 8);
    r->file_time = (int64_t)get(from + FILE_TIME_AT, 8);
    r->norm = get_float(from + NORM_AT);
    r->reason[0] = '\0';
    if (r->failed)
        memcpy(r->reason, from + PAYLOAD_AT, MDP_REASON_SIZE);
    for (size_t i = 0; !r->failed && i < work->width; i++)
        r->embedding[i] = get_float(from + PAYLOAD_AT + i * sizeof(float));
    r->reason[MDP_REASON_SIZE - 1] = '\0';
}

/* --- reading and writing at a place --- */

static off_t place_of(const struct mdp_workfile *work, size_t row)
{
    return (off_t)(work->header + row * work->record);
}

/* Up to n bytes; *got tells how many there were. */
static mdp_status read_at(const struct mdp_workfile *work, off_t at, void *bytes, size_t n, size_t *got,
                          struct mdp_error *err)
{
    *got = 0;
    while (*got < n) {
        ssize_t r = pread(work->fd, (char *)bytes + *got, n - *got, at + (off_t)*got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot read", work->path);
        if (r == 0)
            break;
        *got += (size_t)r;
    }
    return MDP_OK;
}

static mdp_status write_at(const struct mdp_workfile *work, off_t at, const void *bytes, size_t n,
                           struct mdp_error *err)
{
    size_t done = 0;

    while (done < n) {
        ssize_t w = pwrite(work->fd, (const char *)bytes + done, n - done, at + (off_t)done);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot write", work->path);
        done += (size_t)w;
    }
    return MDP_OK;
}

mdp_status mdp_workfile_sync(struct mdp_workfile *work, struct mdp_error *err)
{
    work->synced = time(NULL);
    return fsync(work->fd) ? mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot sync", work->path) : MDP_OK;
}

mdp_status mdp_workfile_cut(struct mdp_workfile *work, size_t rows, struct mdp_error *err)
{
    if (ftruncate(work->fd, place_of(work, rows)) != 0)
        return mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot be cut", work->path);
    work->rows = rows;
    return MDP_OK;
}

/* --- opening --- */

/* Locks the file that has this name now: between open and lock another run may have finished and deleted it.
 */
static mdp_status open_locked(struct mdp_workfile *work, struct mdp_error *err)
{
    struct stat mine, named;

    for (int attempt = 0; attempt < 10; attempt++) {
        work->fd = open(work->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
        if (work->fd < 0 || fstat(work->fd, &mine) != 0)
            return mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot write", work->path);
        if (!S_ISREG(mine.st_mode))
            return mdp_fail(err, MDP_ERR_IO, "%s: is no regular file", work->path);
        /* File systems without locks: the run goes on without one. */
        if (flock(work->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
            return mdp_fail(err, MDP_ERR_IO,
                            "%s: another run is writing it (wait for it, or give another -o)", work->path);
        if (stat(work->path, &named) == 0 && named.st_ino == mine.st_ino && named.st_dev == mine.st_dev)
            return MDP_OK;
        close(work->fd);
        work->fd = -1;
    }
    return mdp_fail(err, MDP_ERR_IO, "%s: is being replaced by other runs", work->path);
}

/* The header of this run: magic, length, facts, checksum. */
static mdp_status make_header(const struct mdp_facts *facts, struct mdp_text *header, struct mdp_error *err)
{
    struct mdp_text text = {0};
    unsigned char length[4];
    uint8_t digest[MDP_SHA256_SIZE];
    mdp_status st = mdp_facts_to_text(facts, &text, err);

    assert(text.n <= FACTS_MOST);
    put(length, text.n, sizeof length);
    mdp_text_add_bytes(header, magic, sizeof magic);
    mdp_text_add_bytes(header, length, sizeof length);
    mdp_text_add_bytes(header, text.at, text.n);
    if (st == MDP_OK)
        st = mdp_text_status(header, err);
    if (st == MDP_OK) {
        mdp_sha256_of(header->at, header->n, digest);
        mdp_text_add_bytes(header, digest, CHECK_SIZE);
        st = mdp_text_status(header, err);
    }
    mdp_text_release(&text);
    return st;
}

/* Facts of the file that is there. *whole is false for a header that was cut while it was written. */
static mdp_status read_header(struct mdp_workfile *work, struct mdp_facts *facts, bool *whole,
                              struct mdp_error *err)
{
    unsigned char head[FACTS_AT] = {0};
    uint8_t digest[MDP_SHA256_SIZE];
    size_t got = 0, length;
    mdp_status st = read_at(work, 0, head, sizeof head, &got, err);

    *whole = false;
    if (st != MDP_OK)
        return st;
    if (memcmp(head, magic, got < sizeof magic ? got : sizeof magic) != 0)
        return mdp_fail(err, MDP_ERR_FORMAT,
                        "%s: is no work file of medprobe (move it away, or give another -o)", work->path);
    length = (size_t)get(head + sizeof magic, 4);
    if (got < sizeof head || length > FACTS_MOST)
        return MDP_OK;
    size_t all = FACTS_AT + length + CHECK_SIZE;
    char *bytes = mdp_new_array(all, 1, err, &st);
    if (bytes)
        st = read_at(work, 0, bytes, all, &got, err);
    if (st == MDP_OK && got == all) {
        mdp_sha256_of(bytes, all - CHECK_SIZE, digest);
        *whole = memcmp(digest, bytes + all - CHECK_SIZE, CHECK_SIZE) == 0;
        memcpy(work->run, digest, CHECK_SIZE);
    }
    if (st == MDP_OK && *whole)
        st = mdp_facts_parse(bytes + FACTS_AT, length, facts, err);
    work->header = all;
    free(bytes);
    return st;
}

static mdp_status compare(struct mdp_workfile *work, const struct mdp_facts *found,
                          const struct mdp_facts *expected, struct mdp_error *err)
{
    struct mdp_text text = {0};
    const char *manifest = mdp_facts_find(found, "manifest_sha256"),
               *now = mdp_facts_find(expected, "manifest_sha256");
    mdp_status st = MDP_OK;

    work->same_manifest = manifest && now && strcmp(manifest, now) == 0;
    if (mdp_run_facts_differ(found, expected, false, &text)) {
        st = mdp_text_status(&text, err);
        if (st == MDP_OK)
            st = mdp_fail(err, MDP_ERR_VALUE,
                          "%s: was begun %s (the same options go on with it, --force starts anew)",
                          work->path, text.at);
    }
    mdp_text_release(&text);
    return st;
}

static mdp_status start_anew(struct mdp_workfile *work, const struct mdp_text *header, struct mdp_error *err)
{
    work->header = 0;
    mdp_status st = mdp_workfile_cut(work, 0, err);

    work->header = header->n;
    work->same_manifest = true;
    memcpy(work->run, header->at + header->n - CHECK_SIZE, CHECK_SIZE);
    if (st == MDP_OK)
        st = write_at(work, 0, header->at, header->n, err);
    if (st == MDP_OK)
        st = mdp_workfile_sync(work, err);
    return st;
}

/* Whether the record in the buffer is whole, and the one of `row`. */
static mdp_status read_whole(struct mdp_workfile *work, size_t row, bool *whole, struct mdp_error *err)
{
    uint8_t check[CHECK_SIZE];
    size_t got = 0;

    *whole = false;
    TRY(read_at(work, place_of(work, row), work->buffer, work->record, &got, err));
    if (got < work->record || get(work->buffer, 8) != row)
        return MDP_OK;
    TRY(checksum(work, work->buffer, check, err));
    *whole = memcmp(check, work->buffer + work->record - CHECK_SIZE, CHECK_SIZE) == 0;
    return MDP_OK;
}

/* The record in the buffer must be of the row as the manifest has it now. One that could not be used is tried again anyway,
   so that its row may have been mended. */
static mdp_status check_row(struct mdp_workfile *work, size_t row, struct mdp_error *err)
{
    const struct mdp_manifest *m = work->manifest;
    uint8_t digest[MDP_SHA256_SIZE];

    if (row >= m->n)
        return mdp_fail(err, MDP_ERR_VALUE,
                        "%s: has pictures of more rows than the %zu of %s (use the table and --limit as they "
                        "were, or --force to start anew)",
                        work->path, m->n, m->file);
    TRY(mdp_manifest_row_sha256(m, row, digest, err));
    if (work->buffer[FAILED_AT] || memcmp(digest, work->buffer + ROW_DIGEST_AT, ROW_DIGEST) == 0)
        return MDP_OK;
    return mdp_fail(
        err, MDP_ERR_VALUE,
        "%s: was begun with another table: line %zu of %s (id '%.100s') differs (use the table as "
        "it was, or --force to start anew)",
        work->path, mdp_manifest_line(m, row), m->file, m->ids[row]);
}

/* Counts the whole records and drops what follows them. All of them must be of the manifest's rows; what the manifest says
   of rows behind them is no record's business. */
static mdp_status find_end(struct mdp_workfile *work, struct mdp_error *err)
{
    size_t row = 0;
    bool whole = true;

    for (;; row++) {
        TRY(read_whole(work, row, &whole, err));
        if (!whole)
            return mdp_workfile_cut(work, row, err);
        TRY(check_row(work, row, err));
    }
}

/* Whether there is not one record: then nothing is lost by starting anew, whatever run had begun. */
static mdp_status holds_nothing(struct mdp_workfile *work, bool *empty, struct mdp_error *err)
{
    const size_t least = PAYLOAD_AT + payload_size(1) + CHECK_SIZE; /* a record of any run */
    char *bytes = NULL;
    size_t got = 0;
    mdp_status st = MDP_OK;

    bytes = mdp_new_array(least, 1, err, &st);
    if (bytes)
        st = read_at(work, (off_t)work->header, bytes, least, &got, err);
    *empty = st == MDP_OK && got < least;
    free(bytes);
    return st;
}

static mdp_status take_up(struct mdp_workfile *work, const struct mdp_facts *facts, bool anew,
                          struct mdp_error *err)
{
    struct mdp_facts found = {0};
    struct mdp_text header = {0};
    bool whole = false;
    mdp_status st = make_header(facts, &header, err);

    if (st == MDP_OK)
        st = read_header(work, &found, &whole, err);
    bool empty = false;
    if (st == MDP_OK && whole)
        st = holds_nothing(work, &empty, err);
    if (st == MDP_OK && (anew || !whole || empty)) {
        st = start_anew(work, &header, err);
    } else if (st == MDP_OK) {
        st = compare(work, &found, facts, err);
        if (st == MDP_OK)
            st = find_end(work, err);
    }
    mdp_facts_release(&found);
    mdp_text_release(&header);
    return st;
}

mdp_status mdp_workfile_open(const char *path, const struct mdp_facts *facts,
                             const struct mdp_manifest *manifest, size_t width, bool anew,
                             struct mdp_workfile **out, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_workfile *work = mdp_new_array(1, sizeof *work, err, &st);

    *out = NULL;
    if (!work)
        return st;
    *work = (struct mdp_workfile){.fd = -1, .manifest = manifest, .width = width};
    work->record = PAYLOAD_AT + payload_size(width) + CHECK_SIZE;
    work->path = mdp_copy_string(path, err, &st);
    if (st == MDP_OK)
        work->buffer = mdp_new_array(work->record, 1, err, &st);
    if (st == MDP_OK)
        st = open_locked(work, err);
    if (st == MDP_OK)
        st = take_up(work, facts, anew, err);
    if (st == MDP_OK)
        *out = work;
    else
        mdp_workfile_close(work);
    return st;
}

/* --- use --- */

bool mdp_workfile_same_manifest(const struct mdp_workfile *work)
{
    return work->same_manifest;
}

size_t mdp_workfile_count(const struct mdp_workfile *work)
{
    return work->rows;
}

mdp_status mdp_workfile_append(struct mdp_workfile *work, const struct mdp_record *record,
                               struct mdp_error *err)
{
    assert(record->row == work->rows);
    mdp_status st = pack(work, record, err);
    if (st == MDP_OK)
        st = write_at(work, place_of(work, work->rows), work->buffer, work->record, err);
    if (st != MDP_OK) {
        mdp_workfile_cut(work, work->rows, NULL);
        return st;
    }
    work->rows++;
    return time(NULL) - work->synced >= SYNC_SECONDS ? mdp_workfile_sync(work, err) : MDP_OK;
}

mdp_status mdp_workfile_read(struct mdp_workfile *work, size_t row, struct mdp_record *record,
                             struct mdp_error *err)
{
    size_t got = 0;

    assert(row < work->rows);
    mdp_status st = read_at(work, place_of(work, row), work->buffer, work->record, &got, err);
    if (st == MDP_OK && got < work->record)
        st = mdp_fail(err, MDP_ERR_IO, "%s: record %zu has gone", work->path, row);
    if (st == MDP_OK)
        unpack(work, work->buffer, record);
    return st;
}

mdp_status mdp_workfile_sha256(const struct mdp_workfile *work, size_t row, uint8_t sha256[MDP_SHA256_SIZE],
                               bool *failed, struct mdp_error *err)
{
    unsigned char start[SHA256_AT + MDP_SHA256_SIZE];
    size_t got = 0;

    assert(row < work->rows);
    TRY(read_at(work, place_of(work, row), start, sizeof start, &got, err));
    if (got < sizeof start)
        return mdp_fail(err, MDP_ERR_IO, "%s: record %zu has gone", work->path, row);
    *failed = start[FAILED_AT] != 0;
    memcpy(sha256, start + SHA256_AT, MDP_SHA256_SIZE);
    return MDP_OK;
}

void mdp_workfile_close(struct mdp_workfile *work)
{
    if (!work)
        return;
    if (work->fd >= 0)
        close(work->fd);
    free(work->buffer);
    free(work->path);
    free(work);
}

mdp_status mdp_workfile_remove(struct mdp_workfile *work, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    if (unlink(work->path) != 0)
        st = mdp_fail_errno(err, MDP_ERR_IO, "%s: cannot be deleted", work->path);
    mdp_workfile_close(work);
    return st;
}
