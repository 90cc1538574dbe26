/* SPDX-License-Identifier: BSD-3-Clause */
/* ZIP files in memory, ZIP64 included: where each entry's bytes lie, and unpacking of one entry
   (PKWARE APPNOTE 6.3; docs/adr/0003-zip.md says why this is our own). Private to src/extract. */
#ifndef MDP_EXTRACT_ZIP_H
#define MDP_EXTRACT_ZIP_H

#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MDP_ZIP_MAX_ENTRIES = 1 << 20, MDP_ZIP_MAX_NAME = 1024 };

struct mdp_zip_entry {
    char *name;   /* bytes as written; names with a NUL are refused */
    size_t begin; /* of its packed bytes in the file; begin + packed_size is inside the file */
    size_t packed_size;
    size_t size;     /* unpacked; equal to packed_size when `stored` */
    unsigned method; /* 0 stored, 8 deflate */
    bool encrypted;
    bool stored; /* neither compressed nor encrypted */
    uint32_t crc;
};

struct mdp_zip {
    struct mdp_zip_entry *entries; /* [n] sorted by name */
    size_t n;
    const unsigned char *bytes; /* the file, [size]; not owned */
    size_t size;
};

/* Reads the directory of the ZIP file in bytes[n], which must outlive it. Refuses two entries of one name,
   entries that reach outside the file, local headers that name another entry, archives of several disks. */
mdp_status mdp_zip_parse(const unsigned char *bytes, size_t n, struct mdp_zip *zip, struct mdp_error *err);
void mdp_zip_release(struct mdp_zip *zip);

/* The entry of this name, or NULL. */
const struct mdp_zip_entry *mdp_zip_find(const struct mdp_zip *zip, const char *name);

/* Gives the unpacked bytes of an entry to `sink` in pieces. Refuses encryption, methods other than stored and
   deflate, more or fewer bytes than the entry says, and a wrong CRC. */
typedef mdp_status mdp_zip_sink(void *context, const void *bytes, size_t n, struct mdp_error *err);
mdp_status mdp_zip_unpack(const struct mdp_zip *zip, const struct mdp_zip_entry *entry, mdp_zip_sink *sink,
                          void *context, struct mdp_error *err);

#endif
