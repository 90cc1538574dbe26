/* SPDX-License-Identifier: BSD-3-Clause */
#include "chance.h"

uint64_t chance_hash(uint64_t key, uint64_t counter)
{
    uint64_t z = key + (counter + 1) * 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct chance chance_stream(uint64_t seed, uint64_t stream, uint64_t a, uint64_t b)
{
    uint64_t key = chance_hash(chance_hash(chance_hash(chance_hash(seed, stream), a), b), 0);

    return (struct chance){.key = key};
}

uint64_t chance_next(struct chance *c)
{
    return chance_hash(c->key, c->counter++);
}

double chance_unit(struct chance *c)
{
    return (double)(chance_next(c) >> 11) * 0x1p-53;
}

double chance_between(struct chance *c, double a, double b)
{
    return a + (b - a) * chance_unit(c);
}

/* The sum of four uniforms, centred and scaled: close enough to a normal, without a logarithm. */
double chance_bell(struct chance *c)
{
    double sum = 0;

    for (int i = 0; i < 4; i++)
        sum += chance_unit(c);
    return (sum - 2) * 1.7320508075688772;
}

size_t chance_below(struct chance *c, size_t n)
{
    return (size_t)(chance_unit(c) * (double)n);
}

bool chance_yes(struct chance *c, double probability)
{
    return chance_unit(c) < probability;
}

void lattice_fill(struct lattice *l, uint64_t key)
{
    for (size_t y = 0; y < LATTICE; y++)
        for (size_t x = 0; x < LATTICE; x++)
            l->at[y][x] = (float)((double)(chance_hash(key, y * LATTICE + x) >> 40) * 0x1p-23 - 1);
}

double lattice_at(const struct lattice *l, double x, double y)
{
    /* The shift keeps the numbers positive, so that the cast rounds down. */
    x += 16 * LATTICE;
    y += 16 * LATTICE;
    size_t i = (size_t)x, j = (size_t)y;
    double u = x - (double)i, v = y - (double)j;
    size_t i0 = i % LATTICE, i1 = (i + 1) % LATTICE, j0 = j % LATTICE, j1 = (j + 1) % LATTICE;

    u = u * u * (3 - 2 * u);
    v = v * v * (3 - 2 * v);
    double top = (double)l->at[j0][i0] + u * (double)(l->at[j0][i1] - l->at[j0][i0]);
    double bottom = (double)l->at[j1][i0] + u * (double)(l->at[j1][i1] - l->at[j1][i0]);
    return top + v * (bottom - top);
}
