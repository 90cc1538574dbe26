/* SPDX-License-Identifier: BSD-3-Clause */
/* Well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef MDP_BASE_UTF8_H
#define MDP_BASE_UTF8_H

#include <stddef.h>

/* Bytes at the start of `text[n]` that are well-formed; n when all of them are. */
size_t mdp_utf8_valid(const char *text, size_t n);

#endif
