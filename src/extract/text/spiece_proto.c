/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/spiece_proto.h"

#include "base/try.h"
#include "extract/text/charsmap.h"

#include <stdbool.h>
#include <stdint.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };                      /* sorts of fields */
enum { NORMALIZER_SPEC = 3, DENORMALIZER_SPEC = 5, PRECOMPILED_CHARSMAP = 2 }; /* their numbers */

struct reader {
    const unsigned char *bytes;
    size_t at, n;
};

struct field {
    uint64_t number;
    unsigned sort;
    const unsigned char *bytes; /* of a field of sort BYTES, [n] */
    size_t n;
};

static bool read_varint(struct reader *r, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && r->at < r->n; shift += 7) {
        const unsigned char byte = r->bytes[r->at++];
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool skip(struct reader *r, uint64_t n)
{
    if (n > r->n - r->at)
        return false;
    r->at += (size_t)n;
    return true;
}

static bool read_field(struct reader *r, struct field *f)
{
    uint64_t key = 0, value = 0;

    if (!read_varint(r, &key))
        return false;
    f->number = key >> 3;
    f->sort = key & 7;
    switch (f->sort) {
    case VARINT:
        return read_varint(r, &value);
    case FIXED64:
        return skip(r, 8);
    case FIXED32:
        return skip(r, 4);
    case BYTES:
        if (!read_varint(r, &value))
            return false;
        f->bytes = r->bytes + r->at;
        f->n = (size_t)value;
        return skip(r, value);
    default:
        return false;
    }
}

static mdp_status check_spec(const struct field *spec, struct mdp_error *err)
{
    struct reader r = {spec->bytes, 0, spec->n};
    struct field f = {0};

    while (r.at < r.n) {
        const size_t at = r.at;
        struct mdp_charsmap map;
        if (!read_field(&r, &f))
            return mdp_fail(err, MDP_ERR_FORMAT, "byte %zu of a normaliser is no field of a protocol buffer",
                            at);
        if (f.number != PRECOMPILED_CHARSMAP || f.sort != BYTES)
            continue;
        TRY(mdp_charsmap_init(&map, f.bytes, f.n, err));
        mdp_charsmap_release(&map);
    }
    return MDP_OK;
}

mdp_status mdp_spiece_proto_check(const char *bytes, size_t n, struct mdp_error *err)
{
    struct reader r = {(const unsigned char *)bytes, 0, n};
    struct field f = {0};

    while (r.at < r.n) {
        const size_t at = r.at;
        if (!read_field(&r, &f))
            return mdp_fail(err, MDP_ERR_FORMAT,
                            "byte %zu is no field of a protocol buffer (a SentencePiece model is one)", at);
        if ((f.number == NORMALIZER_SPEC || f.number == DENORMALIZER_SPEC) && f.sort == BYTES)
            TRY(check_spec(&f, err));
    }
    return MDP_OK;
}
