/* SPDX-License-Identifier: BSD-3-Clause */
/* The work file: what `extract` has computed so far, one record a row of the manifest, in its order, only
   ever appended to. A run that was killed at any moment finds it again and goes on behind the last whole
   record; when every row has a record, one deterministic pass makes the store of it (extract/job/store_write.h).

   Layout (little-endian, docs/FORMATS.md): magic, length and text of the facts that define the run, a
   checksum; then records of one size, each with a checksum over the run's facts and the record. */
#ifndef MDP_EXTRACT_WORKFILE_H
#define MDP_EXTRACT_WORKFILE_H

#include "base/hash.h"
#include "extract/job/facts.h"
#include "extract/job/manifest.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MDP_REASON_SIZE = 512 }; /* bytes of a reason with its NUL */

/* What is known of one row. */
struct mdp_record {
    size_t row;
    bool failed;
    uint8_t sha256[MDP_SHA256_SIZE]; /* of the file's bytes */
    uint64_t phash;
    uint8_t orientation; /* EXIF, 1..8 */
    uint64_t file_size;  /* bytes; with the time it tells on resuming whether the picture was changed */
    int64_t file_time;   /* ns */
    float norm;          /* of the features, before they were made unit length */
    float *embedding; /* [D], and the picture's vectors [Q, D] behind it where it has several; the caller's */
    char reason[MDP_REASON_SIZE]; /* failed: why */
};

struct mdp_workfile;

/* Opens or makes the work file at `path` and locks it against other runs. A record that was cut or damaged
   and everything behind it is dropped. Refuses a work file of a run with other facts, and names the first
   difference; of another manifest as soon as a record is of a row that differs, and names the row: rows behind the records
   may have been mended since. One without any record is taken over. `anew` starts from nothing. A file that is no
   work file is never touched. `width`: values of a record's embedding, (1 + Q) * D. */
mdp_status mdp_workfile_open(const char *path, const struct mdp_facts *facts,
                             const struct mdp_manifest *manifest, size_t width, bool anew,
                             struct mdp_workfile **work, struct mdp_error *err);
/* Closes and keeps the file. */
void mdp_workfile_close(struct mdp_workfile *work);
/* Deletes the file; then closes. */
mdp_status mdp_workfile_remove(struct mdp_workfile *work, struct mdp_error *err);

/* Whether the run that began it had this very manifest, not only the rows that have records. */
bool mdp_workfile_same_manifest(const struct mdp_workfile *work);
size_t mdp_workfile_count(const struct mdp_workfile *work); /* records there are */
/* Record `row` of [0, count). Errors: the file cannot be read or has become shorter. */
mdp_status mdp_workfile_read(struct mdp_workfile *work, size_t row, struct mdp_record *record,
                             struct mdp_error *err);
/* Of that record the digest of the picture's bytes alone; *failed: it could not be used. Errors as above. */
mdp_status mdp_workfile_sha256(const struct mdp_workfile *work, size_t row, uint8_t sha256[MDP_SHA256_SIZE],
                               bool *failed, struct mdp_error *err);

/* The record of the next row. Reaches the disk by itself every few seconds. After a failure (disk full) the
   file holds whole records only. */
mdp_status mdp_workfile_append(struct mdp_workfile *work, const struct mdp_record *record,
                               struct mdp_error *err);
mdp_status mdp_workfile_sync(struct mdp_workfile *work, struct mdp_error *err);
/* Keeps the first `rows` records. */
mdp_status mdp_workfile_cut(struct mdp_workfile *work, size_t rows, struct mdp_error *err);

#endif
