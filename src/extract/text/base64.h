/* SPDX-License-Identifier: BSD-3-Clause */
/* Base64 (RFC 4648, with its padding). */
#ifndef MDP_EXTRACT_BASE64_H
#define MDP_EXTRACT_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* `text` into bytes, which has room for strlen(text); *n of them are used. False for anything else than base64. */
bool mdp_base64_decode(const char *text, unsigned char bytes[], size_t *n);

#endif
