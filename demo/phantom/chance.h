/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers that look random and are the same on every machine: a hash of (seed, stream, counter), integers and
   the four operations only. A stream never depends on how many numbers another stream has drawn, so patient
   17 looks the same in a set of 20 and in a set of 20,000.

   Two draws never stand in the arguments of one call: C leaves their order to the compiler. */
#ifndef PHANTOM_CHANCE_H
#define PHANTOM_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t key, counter;
};

/* The bits of one (key, counter): the finaliser of SplitMix64 (Steele, Lea and Flood 2014). */
uint64_t chance_hash(uint64_t key, uint64_t counter);

struct chance chance_stream(uint64_t seed, uint64_t stream, uint64_t a, uint64_t b);
uint64_t chance_next(struct chance *c);
double chance_unit(struct chance *c);                        /* uniform in [0, 1) */
double chance_between(struct chance *c, double a, double b); /* uniform in [a, b) */
double chance_bell(struct chance *c);                        /* mean 0, variance 1, within +-2 sqrt(3) */
size_t chance_below(struct chance *c, size_t n);             /* 0 .. n-1 */
bool chance_yes(struct chance *c, double probability);

/* Smooth noise: values in [-1, 1] at the points of a lattice, blended between them. */
enum { LATTICE = 64 };
struct lattice {
    float at[LATTICE][LATTICE];
};

void lattice_fill(struct lattice *l, uint64_t key);
/* At (x, y) in cells; the lattice repeats. */
double lattice_at(const struct lattice *l, double x, double y);

#endif
