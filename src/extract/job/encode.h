/* SPDX-License-Identifier: BSD-3-Clause */
/* One picture to one record of the work file: bytes, SHA-256, decode, perceptual hash, pipeline, tower, unit
   length. What several threads share is read only; every thread has its own working memory. */
#ifndef MDP_EXTRACT_ENCODE_H
#define MDP_EXTRACT_ENCODE_H

#include "extract/input/picture.h"
#include "extract/job/manifest.h"
#include "extract/job/workfile.h"
#include "extract/model/model.h"
#include "medprobe/status.h"

#include <stdbool.h>

struct mdp_encoder {
    const struct mdp_manifest *manifest;
    const struct mdp_model *model;
    struct mdp_picture_limits limits;
    bool skip_errors; /* a picture that cannot be used gives a record that says so, not an error */
    /* private */
    size_t threads;
    struct mdp_model_room *rooms; /* [threads] */
};

/* Fills the private part. */
mdp_status mdp_encoder_init(struct mdp_encoder *encoder, size_t threads, struct mdp_error *err);
void mdp_encoder_release(struct mdp_encoder *encoder);

/* The record of a row; record->embedding is the caller's. */
mdp_status mdp_encode(const struct mdp_encoder *encoder, size_t row, size_t worker, struct mdp_record *record,
                      struct mdp_error *err);

/* Whether the picture of a row is still the one of its record: by size and time, and where these differ by
   its bytes. One that has changed or gone is an error that names it. */
mdp_status mdp_encode_unchanged(const struct mdp_encoder *encoder, const struct mdp_record *record,
                                struct mdp_error *err);

#endif
