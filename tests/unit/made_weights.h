/* SPDX-License-Identifier: BSD-3-Clause */
/* Small weight files for the tests of towers, made in memory: safetensors of random float32 values. */
#ifndef TESTS_UNIT_MADE_WEIGHTS_H
#define TESTS_UNIT_MADE_WEIGHTS_H

#include "unit/unit.h"

#include "base/text.h"
#include "extract/weights/weights.h"

/* What was put so far. */
struct made {
    struct mdp_text header, data;
    unsigned state;
};

/* [rows, columns], or [rows] with columns 0; values from -0.3 to 0.7. */
static void put(struct made *m, size_t rows, size_t columns, const char *format, ...) MDP_PRINTF(4, 5);
static void put(struct made *m, size_t rows, size_t columns, const char *format, ...)
{
    const size_t n = rows * (columns ? columns : 1);
    char name[128], shape[64];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    if (columns)
        snprintf(shape, sizeof shape, "%zu,%zu", rows, columns);
    else
        snprintf(shape, sizeof shape, "%zu", rows);
    mdp_text_add(&m->header, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                 m->header.n ? "," : "{", name, shape, m->data.n, m->data.n + 4 * n);
    for (size_t i = 0; i < n; i++) {
        m->state = m->state * 1664525u + 1013904223u;
        const float value = (float)(m->state >> 8) / (float)(1 << 24) - 0.3f;
        mdp_text_add_bytes(&m->data, &value, sizeof value);
    }
}

/* The file into `file`, which stays as long as the weights do. */
static struct mdp_weights *made_weights(struct made *m, struct mdp_text *file)
{
    struct mdp_weights *weights = NULL;
    struct mdp_error err = MDP_ERROR_INIT;

    mdp_text_add(&m->header, "}");
    const uint64_t size = m->header.n;
    mdp_text_add_bytes(file, &size, sizeof size);
    mdp_text_add_bytes(file, m->header.at, m->header.n);
    mdp_text_add_bytes(file, m->data.at, m->data.n);
    assert_ok(mdp_text_status(file, &err), err);
    assert_ok(mdp_weights_parse((const unsigned char *)file->at, file->n, "made", &weights, &err), err);
    mdp_text_release(&m->header);
    mdp_text_release(&m->data);
    return weights;
}

#endif
