/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/hash.h"

#include "base/file.h"
#include "base/memory.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct mdp_sha256 {
    EVP_MD_CTX *context;
};

mdp_status mdp_sha256_new(struct mdp_sha256 **hash, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *hash = mdp_new_array(1, sizeof **hash, err, &st);
    if (!*hash)
        return st;
    (*hash)->context = EVP_MD_CTX_new();
    if (!(*hash)->context || EVP_DigestInit_ex((*hash)->context, EVP_sha256(), NULL) != 1) {
        mdp_sha256_free(*hash);
        *hash = NULL;
        return mdp_fail(err, MDP_ERR_UNSUPPORTED, "the OpenSSL library offers no SHA-256");
    }
    return MDP_OK;
}

void mdp_sha256_add(struct mdp_sha256 *hash, const void *bytes, size_t n)
{
    int ok = EVP_DigestUpdate(hash->context, bytes, n);

    assert(ok == 1); /* cannot fail on an initialised SHA-256 context */
    (void)ok;
}

void mdp_sha256_final(struct mdp_sha256 *hash, uint8_t digest[MDP_SHA256_SIZE])
{
    int ok = EVP_DigestFinal_ex(hash->context, digest, NULL);

    assert(ok == 1);
    (void)ok;
    mdp_sha256_free(hash);
}

void mdp_sha256_free(struct mdp_sha256 *hash)
{
    if (!hash)
        return;
    EVP_MD_CTX_free(hash->context);
    free(hash);
}

void mdp_sha256_of(const void *bytes, size_t n, uint8_t digest[MDP_SHA256_SIZE])
{
    SHA256(bytes, n, digest);
}

/* Pages that were hashed are given back: a checkpoint of gigabytes shall not count as memory of the run. */
static void hash_map(struct mdp_sha256 *hash, const struct mdp_map *map)
{
    enum { STEP = 8 << 20 }; /* bytes; whole pages */

    for (size_t from = 0; from < map->n; from += STEP) {
        size_t n = map->n - from < STEP ? map->n - from : STEP;
        mdp_sha256_add(hash, map->bytes + from, n);
        madvise((void *)(uintptr_t)(map->bytes + from), n, MADV_DONTNEED);
    }
}

mdp_status mdp_sha256_of_file(const char *path, uint8_t digest[MDP_SHA256_SIZE], struct mdp_error *err)
{
    struct mdp_map map = {0};
    struct mdp_sha256 *hash = NULL;
    mdp_status st = mdp_map_open(path, &map, err);

    if (st == MDP_OK)
        st = mdp_sha256_new(&hash, err);
    if (st == MDP_OK) {
        hash_map(hash, &map);
        mdp_sha256_final(hash, digest);
    }
    mdp_map_close(&map);
    return st;
}

void mdp_sha256_hex(const uint8_t digest[MDP_SHA256_SIZE], char hex[MDP_SHA256_HEX])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < MDP_SHA256_SIZE; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[MDP_SHA256_HEX - 1] = '\0';
}

bool mdp_sha256_fits(const char *hex, const char *known)
{
    return strncmp(hex, known, strlen(known)) == 0;
}
