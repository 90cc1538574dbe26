/* SPDX-License-Identifier: BSD-3-Clause */
/* Deflated bytes, as ZIP files and gzip files hold them. inflate.c is the one file that knows zlib. */
#ifndef MDP_BASE_INFLATE_H
#define MDP_BASE_INFLATE_H

#include "base/text.h"
#include "medprobe/status.h"

#include <stddef.h>
#include <stdint.h>

enum mdp_deflate_form { MDP_DEFLATE_RAW /* ZIP */, MDP_DEFLATE_GZIP };

/* Takes n unpacked bytes; a failure ends the unpacking and is passed on. */
typedef mdp_status mdp_inflate_sink(void *context, const void *bytes, size_t n, struct mdp_error *err);

/* Gives what bytes[n] unpack to, in pieces; what stands behind the end of the stream is left. Bytes that are no such
   stream, or end too early, are MDP_ERR_FORMAT: "<what>: cannot be unpacked after 7 bytes (...)". */
mdp_status mdp_inflate(enum mdp_deflate_form form, const unsigned char *bytes, size_t n, const char *what,
                       mdp_inflate_sink *sink, void *context, struct mdp_error *err);

/* CRC-32 of all bytes so far, the first call with 0. */
uint32_t mdp_crc32(uint32_t crc, const void *bytes, size_t n);

/* The bytes of a file, unpacked when it is gzip (its first two bytes say so), added to `out`; at most `most` bytes
   before and after (MDP_ERR_LIMIT). */
mdp_status mdp_gzip_read(const char *path, size_t most, struct mdp_text *out, struct mdp_error *err);

#endif
