/* SPDX-License-Identifier: BSD-3-Clause */
/* Allocation with checked sizes. Every block is released with free(). */
#ifndef MDP_BASE_MEMORY_H
#define MDP_BASE_MEMORY_H

#include "medprobe/status.h"

#include <stdbool.h>
#include <stddef.h>

#define MDP_ALIGNMENT 64 /* bytes; one cache line, one AVX-512 register */

/* Elements of an array (not of a pointer). */
#define MDP_COUNT(array) (sizeof(array) / sizeof(array)[0])

/* a * b and a + b into *out; false when they pass SIZE_MAX (*out is then undefined). */
MDP_MUST_USE bool mdp_mul_size(size_t a, size_t b, size_t *out);
MDP_MUST_USE bool mdp_add_size(size_t a, size_t b, size_t *out);

/* n elements of `size` bytes, zeroed, aligned to MDP_ALIGNMENT; never NULL on success, not even for n = 0.
   On failure returns NULL, writes the message and sets *st to MDP_ERR_MEMORY; on success *st is left alone.
 */
void *mdp_new_array(size_t n, size_t size, struct mdp_error *err, mdp_status *st);

/* Grows *array (capacity *capacity elements of `size` bytes, malloc family) so that it holds at least `need`.
 */
MDP_MUST_USE mdp_status mdp_grow(void *array_pointer, size_t *capacity, size_t need, size_t size,
                                 struct mdp_error *err);

/* A copy of a string; as mdp_new_array on failure. */
char *mdp_copy_string(const char *text, struct mdp_error *err, mdp_status *st);

#endif
