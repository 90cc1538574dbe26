/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/formats/inflate.h"

#include "base/file.h"
#include "base/memory.h"

#include <stdlib.h>
#include <zlib.h>

enum { PIECE = 1 << 16 };

uint32_t mdp_crc32(uint32_t crc, const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    uLong sum = crc;

    for (size_t done = 0, m = 0; done < n; done += m) {
        m = n - done < PIECE ? n - done : PIECE;
        sum = crc32(sum, at + done, (uInt)m);
    }
    return (uint32_t)sum;
}

mdp_status mdp_inflate(enum mdp_deflate_form form, const unsigned char *bytes, size_t n, const char *what,
                       mdp_inflate_sink *sink, void *context, struct mdp_error *err)
{
    z_stream z = {0};
    mdp_status st = MDP_OK;
    size_t at = 0, given = 0;
    int result = Z_OK;
    unsigned char *piece = mdp_new_array(PIECE, 1, err, &st); /* [PIECE] */

    if (!piece)
        return st;
    /* raw: no header of its own; 16 more bits: a gzip header and nothing else */
    if (inflateInit2(&z, form == MDP_DEFLATE_RAW ? -MAX_WBITS : MAX_WBITS + 16) != Z_OK) {
        free(piece);
        return mdp_fail(err, MDP_ERR_MEMORY, "out of memory for inflate");
    }
    while (st == MDP_OK && result == Z_OK) {
        size_t m = n - at < PIECE ? n - at : PIECE;
        z.next_in = (Bytef *)(uintptr_t)(bytes + at);
        z.avail_in = (uInt)m;
        z.next_out = piece;
        z.avail_out = PIECE;
        result = inflate(&z, Z_NO_FLUSH);
        at += m - z.avail_in;
        if (result != Z_OK && result != Z_STREAM_END)
            st = mdp_fail(err, MDP_ERR_FORMAT, "%s: cannot be unpacked after %zu bytes (%s)", what, given,
                          z.msg ? z.msg : "it ends too early");
        else if (z.avail_out < PIECE)
            st = sink(context, piece, PIECE - z.avail_out, err);
        given += PIECE - z.avail_out;
    }
    inflateEnd(&z);
    free(piece);
    return st;
}

struct bounded {
    struct mdp_text *out;
    const char *path;
    size_t most;
};

static mdp_status add_bounded(void *context, const void *bytes, size_t n, struct mdp_error *err)
{
    struct bounded *b = context;

    if (b->out->n + n > b->most)
        return mdp_fail(err, MDP_ERR_LIMIT, "%s: unpacks to more than %zu bytes", b->path, b->most);
    mdp_text_add_bytes(b->out, bytes, n);
    return mdp_text_status(b->out, err);
}

mdp_status mdp_gzip_read(const char *path, size_t most, struct mdp_text *out, struct mdp_error *err)
{
    char *bytes = NULL;
    size_t n = 0;
    struct bounded b = {.out = out, .path = path, .most = most};
    mdp_status st = mdp_file_read(path, most, &bytes, &n, err);

    if (st != MDP_OK)
        return st;
    const unsigned char *packed = (const unsigned char *)bytes;
    if (n > 1 && packed[0] == 0x1f && packed[1] == 0x8b)
        st = mdp_inflate(MDP_DEFLATE_GZIP, packed, n, path, add_bounded, &b, err);
    else
        st = add_bounded(&b, bytes, n, err);
    free(bytes);
    return st;
}
