/* SPDX-License-Identifier: BSD-3-Clause */
/* Elements of one tensor: walked in row-major order, converted, hashed. Tensors are little-endian, as the
   machines we run on. */
#include "base/memory.h"
#include "extract/weights/weights.h"

#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "weight files are mapped as they are: little-endian machines only"
#endif

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
#define DTYPE_ROW(id, torch, safetensors, size) {torch, size},
    MDP_DTYPE_LIST(DTYPE_ROW)
#undef DTYPE_ROW
};

const char *mdp_dtype_name(enum mdp_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t mdp_dtype_size(enum mdp_dtype dtype)
{
    return dtypes[dtype].size;
}

void mdp_shape_to_text(size_t rank, const size_t shape[], struct mdp_text *out)
{
    mdp_text_add(out, "[");
    for (size_t d = 0; d < rank; d++)
        mdp_text_add(out, "%s%zu", d ? ", " : "", shape[d]);
    mdp_text_add(out, "]");
}

/* --- rows: runs of elements with one distance --- */

struct rows {
    const struct mdp_tensor *tensor;
    size_t index[MDP_MAX_RANK]; /* of the row; the last dimension stays 0 */
    const unsigned char *at;    /* its first element */
    size_t n;                   /* elements */
    size_t step;                /* bytes from one to the next */
    bool done;
};

static void first_row(const struct mdp_tensor *t, struct rows *r)
{
    size_t size = mdp_dtype_size(t->dtype);

    *r = (struct rows){.tensor = t, .at = t->bytes, .n = t->count, .step = size, .done = t->count == 0};
    if (!t->contiguous) {
        r->n = t->shape[t->rank - 1];
        r->step = t->stride[t->rank - 1] * size;
    }
}

static void next_row(struct rows *r)
{
    const struct mdp_tensor *t = r->tensor;

    r->done = true;
    if (t->contiguous)
        return;
    for (size_t d = t->rank - 1; d-- > 0;) {
        size_t step = t->stride[d] * mdp_dtype_size(t->dtype);
        if (++r->index[d] < t->shape[d]) {
            r->at += step;
            r->done = false;
            return;
        }
        r->at -= step * (t->shape[d] - 1);
        r->index[d] = 0;
    }
}

/* --- conversion --- */

static float float_of_bits(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A float of `exponent_bits` and `mantissa_bits` below its sign; infinities and NaN as IEEE 754 has them. */
static float widen(uint32_t bits, unsigned exponent_bits, unsigned mantissa_bits)
{
    const uint32_t top = (1u << exponent_bits) - 1;
    uint32_t sign = bits >> (exponent_bits + mantissa_bits) << 31;
    uint32_t exponent = bits >> mantissa_bits & top;
    uint32_t mantissa = (bits & ((1u << mantissa_bits) - 1)) << (23 - mantissa_bits);

    if (exponent == top)
        return float_of_bits(sign | 0x7F800000u | mantissa);
    if (exponent == 0) {
        if (mantissa == 0)
            return float_of_bits(sign);
        /* Subnormal: shifted until the leading one is the implied one. */
        for (exponent = 1; !(mantissa & 0x00800000u); exponent--)
            mantissa <<= 1;
        mantissa &= 0x007FFFFFu;
    }
    /* exponent may have gone below 0; the sum below is right modulo 2^32. */
    return float_of_bits(sign | (exponent + 127u - (top >> 1)) << 23 | mantissa);
}

/* float8_e4m3fn has no infinities; its largest exponent holds numbers, and NaN where the mantissa is all ones. */
static float widen_e4m3(uint8_t bits)
{
    if ((bits & 0x7F) == 0x7F)
        return float_of_bits((uint32_t)(bits & 0x80) << 24 | 0x7FC00000u);
    if ((bits & 0x78) == 0x78)
        return (bits & 0x80 ? -256.0f : 256.0f) * (1.0f + (float)(bits & 7) / 8.0f);
    return widen(bits, 4, 3);
}

/* One row of elements of C type `type`, `value` being one of them, to out[n]. */
#define CONVERT(type, expression)                                                                            \
    for (size_t i = 0; i < n; i++, at += step) {                                                             \
        type value;                                                                                          \
        memcpy(&value, at, sizeof value);                                                                    \
        out[i] = (float)(expression);                                                                        \
    }                                                                                                        \
    break

static void convert_row(enum mdp_dtype dtype, const unsigned char *at, size_t n, size_t step, float *out)
{
    switch (dtype) {
    case MDP_F32:
        CONVERT(float, value);
    case MDP_F64:
        CONVERT(double, value);
    case MDP_F16:
        CONVERT(uint16_t, widen(value, 5, 10));
    case MDP_BF16:
        CONVERT(uint16_t, float_of_bits((uint32_t)value << 16));
    case MDP_F8_E4M3:
        CONVERT(uint8_t, widen_e4m3(value));
    case MDP_F8_E5M2:
        CONVERT(uint8_t, widen(value, 5, 2));
    case MDP_I64:
        CONVERT(int64_t, value);
    case MDP_I32:
        CONVERT(int32_t, value);
    case MDP_I16:
        CONVERT(int16_t, value);
    case MDP_I8:
        CONVERT(int8_t, value);
    case MDP_U8:
        CONVERT(uint8_t, value);
    case MDP_U16:
        CONVERT(uint16_t, value);
    case MDP_U32:
        CONVERT(uint32_t, value);
    case MDP_U64:
        CONVERT(uint64_t, value);
    case MDP_BOOL:
        CONVERT(uint8_t, value != 0);
    }
}

void mdp_tensor_to_f32(const struct mdp_tensor *tensor, float *out)
{
    struct rows r;

    if (tensor->contiguous && tensor->dtype == MDP_F32) {
        if (tensor->count)
            memcpy(out, tensor->bytes, tensor->count * sizeof *out);
        return;
    }
    for (first_row(tensor, &r); !r.done; next_row(&r)) {
        convert_row(tensor->dtype, r.at, r.n, r.step, out);
        out += r.n;
    }
}

/* --- digest --- */

enum { GATHER = 1 << 16 }; /* bytes */

static void hash_rows(const struct mdp_tensor *t, unsigned char *buffer, struct mdp_sha256 *hash)
{
    size_t size = mdp_dtype_size(t->dtype), filled = 0;
    struct rows r;

    for (first_row(t, &r); !r.done; next_row(&r)) {
        const unsigned char *at = r.at;
        for (size_t i = 0; i < r.n; i++, at += r.step) {
            memcpy(buffer + filled, at, size);
            filled += size;
            if (filled == GATHER) {
                mdp_sha256_add(hash, buffer, filled);
                filled = 0;
            }
        }
    }
    mdp_sha256_add(hash, buffer, filled);
}

mdp_status mdp_tensor_sha256(const struct mdp_tensor *tensor, uint8_t digest[MDP_SHA256_SIZE],
                             struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct mdp_sha256 *hash = NULL;
    unsigned char *buffer = NULL;

    st = mdp_sha256_new(&hash, err);
    if (st != MDP_OK)
        return st;
    if (tensor->contiguous) {
        mdp_sha256_add(hash, tensor->bytes, tensor->count * mdp_dtype_size(tensor->dtype));
    } else {
        buffer = mdp_new_array(GATHER, 1, err, &st);
        if (buffer)
            hash_rows(tensor, buffer, hash);
    }
    if (st == MDP_OK)
        mdp_sha256_final(hash, digest);
    else
        mdp_sha256_free(hash);
    free(buffer);
    return st;
}
