/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of single characters when a text is repaired, from a table that scripts/fix-text-tables makes. */
#ifndef MDP_EXTRACT_FIX_TEXT_CHARACTERS_H
#define MDP_EXTRACT_FIX_TEXT_CHARACTERS_H

#include <stddef.h>
#include <stdint.h>

enum { MDP_ENCODINGS = 10 };

/* Tried in this order: latin-1, sloppy-windows-1252, ... "sloppy": a byte without character is the character of its
   number, and 1A is U+FFFD. */
extern const char *const mdp_encodings[MDP_ENCODINGS];

/* The byte of a character in each encoding; 0 where it is not in one (U+0000 is a byte 0 in all). */
void mdp_char_bytes(uint32_t c, uint8_t bytes[MDP_ENCODINGS]);

/* What UTF-8 leaves when it is read in such an encoding: flags. */
enum mdp_utf8_clue {
    MDP_CLUE_FIRST_OF_2 = 1,
    MDP_CLUE_FIRST_OF_3 = 2,
    MDP_CLUE_FIRST_OF_4 = 4,
    MDP_CLUE_NEXT = 8,   /* a later byte, a blank (for A0) among them */
    MDP_CLUE_STRICT = 16 /* a later byte that is no common character */
};
unsigned mdp_char_clue(uint32_t c);

/* The character of Windows-1252 for a control character 80 to 9F; 0 where it has none. */
uint32_t mdp_char_windows_1252(uint32_t c);

/* Ligatures taken apart, full and half width made usual: 1 to 3 characters, c itself mostly. */
size_t mdp_char_usual(uint32_t c, uint32_t out[3]);

#endif
