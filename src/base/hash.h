/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-256 by OpenSSL, which uses the CPU's own instructions. */
#ifndef MDP_BASE_HASH_H
#define MDP_BASE_HASH_H

#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MDP_SHA256_SIZE = 32, MDP_SHA256_HEX = 65 };

struct mdp_sha256; /* a running digest */

/* Begins a digest; mdp_sha256_final or mdp_sha256_free ends it. */
mdp_status mdp_sha256_new(struct mdp_sha256 **hash, struct mdp_error *err);
void mdp_sha256_add(struct mdp_sha256 *hash, const void *bytes, size_t n);
/* Ends the digest and frees it. */
void mdp_sha256_final(struct mdp_sha256 *hash, uint8_t digest[MDP_SHA256_SIZE]);
void mdp_sha256_free(struct mdp_sha256 *hash);

/* Of bytes[n]. */
void mdp_sha256_of(const void *bytes, size_t n, uint8_t digest[MDP_SHA256_SIZE]);
/* Of a regular file's bytes. */
mdp_status mdp_sha256_of_file(const char *path, uint8_t digest[MDP_SHA256_SIZE], struct mdp_error *err);

/* 64 lower-case hexadecimal digits and a NUL. */
void mdp_sha256_hex(const uint8_t digest[MDP_SHA256_SIZE], char hex[MDP_SHA256_HEX]);
/* Whether these are its digits, or its first ones where fewer are `known`. */
bool mdp_sha256_fits(const char *hex, const char *known);

#endif
