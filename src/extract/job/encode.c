/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/job/encode.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/try.h"
#include "base/utf8.h"
#include "extract/preprocess/phash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

mdp_status mdp_encoder_init(struct mdp_encoder *e, size_t threads, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    e->rooms = mdp_new_array(threads, sizeof *e->rooms, err, &st);
    e->threads = e->rooms ? threads : 0;
    for (size_t i = 0; i < e->threads && st == MDP_OK; i++)
        st = mdp_model_room_init(&e->rooms[i], e->model, err);
    return st;
}

void mdp_encoder_release(struct mdp_encoder *e)
{
    for (size_t i = 0; i < e->threads; i++)
        mdp_model_room_release(&e->rooms[i]);
    free(e->rooms);
    *e = (struct mdp_encoder){0};
}

static void note_file(const char *path, struct mdp_record *record)
{
    struct stat info = {0};

    if (stat(path, &info) != 0)
        return;
    record->file_size = (uint64_t)info.st_size;
    record->file_time = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
}

static mdp_status encode_picture(const struct mdp_encoder *e, const struct mdp_picture *picture,
                                 size_t worker, struct mdp_record *record, struct mdp_error *err)
{
    record->orientation = picture->orientation;
    TRY(mdp_phash(picture, &record->phash, err));
    return mdp_model_embed_picture(e->model, picture, &e->rooms[worker], record->embedding, &record->norm,
                                   err);
}

/* Every message begins with the path. */
static mdp_status encode_file(const struct mdp_encoder *e, const char *path, size_t worker,
                              struct mdp_record *record, struct mdp_error *err)
{
    struct mdp_picture picture = {0};
    char *bytes = NULL;
    size_t n = 0;

    note_file(path, record); /* before it is read: a change in between is seen on resuming */
    mdp_status st = mdp_file_read(path, e->limits.bytes, &bytes, &n, err);
    if (st == MDP_OK) {
        mdp_sha256_of(bytes, n, record->sha256);
        st = mdp_picture_decode((const unsigned char *)bytes, n, path, &e->limits, &picture, err);
    }
    if (st == MDP_OK) {
        st = encode_picture(e, &picture, worker, record, err);
        if (st != MDP_OK)
            mdp_fail_at(err, st, "%s", path);
    }
    mdp_picture_release(&picture);
    free(bytes);
    return st;
}

/* The message without the path of this machine before it, cut to its place, but not inside a UTF-8 sequence. */
static void keep_reason(const char *message, const char *path, char out[MDP_REASON_SIZE])
{
    size_t before = strlen(path) + strlen(": ");
    const char *reason =
        strncmp(message, path, strlen(path)) == 0 && strlen(message) > before ? message + before : message;
    size_t n = mdp_utf8_valid(reason, strnlen(reason, MDP_REASON_SIZE - 1));

    memcpy(out, reason, n);
    out[n] = '\0';
}

mdp_status mdp_encode(const struct mdp_encoder *e, size_t row, size_t worker, struct mdp_record *record,
                      struct mdp_error *err)
{
    struct mdp_error inner = MDP_ERROR_INIT;
    struct mdp_text path = {0};

    *record = (struct mdp_record){.row = row, .embedding = record->embedding};
    mdp_status st = mdp_manifest_locate(e->manifest, row, &path, err);
    if (st == MDP_OK) {
        st = encode_file(e, path.at, worker, record, &inner);
        if (st != MDP_OK && st != MDP_ERR_MEMORY && e->skip_errors) {
            record->failed = true;
            keep_reason(inner.message, path.at, record->reason);
            st = MDP_OK;
        } else if (st != MDP_OK) {
            mdp_fail(err, st,
                     "%s (line %zu of %s: mend it and run again, or --skip-errors goes on without it)",
                     inner.message, mdp_manifest_line(e->manifest, row), e->manifest->file);
        }
    }
    mdp_text_release(&path);
    return st;
}

mdp_status mdp_encode_unchanged(const struct mdp_encoder *e, const struct mdp_record *record,
                                struct mdp_error *err)
{
    struct mdp_record now = {0};
    struct mdp_text path = {0};
    uint8_t digest[MDP_SHA256_SIZE];
    mdp_status st = mdp_manifest_locate(e->manifest, record->row, &path, err);

    if (st == MDP_OK) {
        note_file(path.at, &now);
        if (now.file_size != record->file_size || now.file_time != record->file_time || now.file_time == 0) {
            st = mdp_sha256_of_file(path.at, digest, err);
            if (st == MDP_OK && memcmp(digest, record->sha256, sizeof digest) != 0)
                st = mdp_fail(err, MDP_ERR_VALUE,
                              "%s: has changed since it was read (line %zu of %s; --force starts anew)",
                              path.at, mdp_manifest_line(e->manifest, record->row), e->manifest->file);
        }
    }
    mdp_text_release(&path);
    return st;
}
