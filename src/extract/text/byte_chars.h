/* SPDX-License-Identifier: BSD-3-Clause */
/* The characters that stand for bytes in byte-level BPE (bytes_to_unicode of OpenAI's GPT-2, encoder.py). */
#ifndef MDP_EXTRACT_BYTE_CHARS_H
#define MDP_EXTRACT_BYTE_CHARS_H

#include <stdint.h>

/* The printable ones of Latin-1 as they are, the others in their order from U+0100 on. */
uint32_t mdp_byte_char(unsigned byte);

#endif
