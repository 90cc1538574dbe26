/* SPDX-License-Identifier: BSD-3-Clause */
/* Files: read by memory map, written under a temporary name, synced and renamed. Named pipes, sockets,
   devices and folders are refused, never waited for. */
#ifndef MDP_BASE_FILE_H
#define MDP_BASE_FILE_H

#include "base/text.h"
#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A regular file mapped for reading; {0} is empty and may be released. */
struct mdp_map {
    const unsigned char *bytes; /* [n]; not NULL after success, not even for an empty file */
    size_t n;                   /* bytes */
};

/* Maps a file. Errors: it is not there, cannot be read, or is a folder, pipe or device; *map is then empty. */
mdp_status mdp_map_open(const char *path, struct mdp_map *map, struct mdp_error *err);
/* The first `n` bytes need not stay in memory: they are read again when looked at. */
void mdp_map_forget(const struct mdp_map *map, size_t n);
void mdp_map_close(struct mdp_map *map);

/* The whole of a regular file of at most `limit` bytes, plus a NUL that is not counted, in a block for
 * free(). */
mdp_status mdp_file_read(const char *path, size_t limit, char **bytes, size_t *n, struct mdp_error *err);

/* A file that appears under its name only when it is complete. */
struct mdp_atomic {
    FILE *file;      /* open for writing, binary */
    char *path;      /* the final name */
    char *temporary; /* where it is written: "<path>.tmp" */
};

/* Opens the temporary file beside `path`; one that is there is replaced. Errors: a folder that is not there or not
   writable. */
mdp_status mdp_atomic_create(const char *path, struct mdp_atomic *out, struct mdp_error *err);
MDP_MUST_USE mdp_status mdp_atomic_commit(struct mdp_atomic *out,
                                          struct mdp_error *err); /* sync, rename, sync the folder */
void mdp_atomic_release(struct mdp_atomic *out);                  /* removes what was not committed */

/* `bytes[n]` to `path`, as above. */
MDP_MUST_USE mdp_status mdp_file_write(const char *path, const void *bytes, size_t n, struct mdp_error *err);

/* What `text` holds to folder/name, as above; the folders on the way are made. A text that failed is the error. */
MDP_MUST_USE mdp_status mdp_file_write_text(const char *folder, const char *name, const struct mdp_text *text,
                                            struct mdp_error *err);

/* Sync a file already written by somebody else under `temporary`, then rename it to `path`. */
MDP_MUST_USE mdp_status mdp_file_commit(const char *temporary, const char *path, struct mdp_error *err);

/* Links are followed; a link to nothing does not exist. */
bool mdp_path_exists(const char *path);
bool mdp_path_is_folder(const char *path);

/* Makes `path` and the folders above it; it may exist. */
mdp_status mdp_path_make_folders(const char *path, struct mdp_error *err);

/* "folder/name", or `name` alone when it is absolute or the folder is empty. The result replaces what `out`
 * held. */
mdp_status mdp_path_join(struct mdp_text *out, const char *folder, const char *name, struct mdp_error *err);

/* The folder part of a path ("." without one) and its last component. */
mdp_status mdp_path_folder(struct mdp_text *out, const char *path, struct mdp_error *err);
const char *mdp_path_base(const char *path);
/* Appends the last component without its ending: "data" of "x/data.h5". */
mdp_status mdp_path_stem(struct mdp_text *out, const char *path, struct mdp_error *err);

#endif
