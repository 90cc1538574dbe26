/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/text/charsmap.h"

#include "base/memory.h"
#include "base/try.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A unit of the array. A child of place p by byte c is at p ^ offset ^ c and has the label c; units that hold a value have bit
   31, so that no byte is their label. */
enum { LABELS = 256 };

static size_t offset_of(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & (1u << 9)) >> 6);
}

static bool has_value(uint32_t unit)
{
    return unit >> 8 & 1;
}

static uint32_t value_of(uint32_t unit)
{
    return unit & 0x7FFFFFFFu;
}

static uint32_t read_u32(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static mdp_status check(const struct mdp_charsmap *map, struct mdp_error *err)
{
    for (size_t i = 0; i < map->n_units; i++) {
        const size_t next = i ^ offset_of(map->units[i]);
        if (i > 0 && map->units[i] >> 31)
            continue;
        if ((next | (LABELS - 1)) >= map->n_units)
            return mdp_fail(err, MDP_ERR_FORMAT, "table of characters: unit %zu leads to %zu of %zu", i, next,
                            map->n_units);
        if (has_value(map->units[i]) && value_of(map->units[next]) >= map->n_texts)
            return mdp_fail(err, MDP_ERR_FORMAT,
                            "table of characters: unit %zu names byte %u of %zu bytes of replacements", i,
                            value_of(map->units[next]), map->n_texts);
    }
    return MDP_OK;
}

static mdp_status copy(struct mdp_charsmap *map, const unsigned char *bytes, size_t n, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    const size_t size = n > 4 ? read_u32(bytes) : 0;

    if (n <= 4 || size % 4 != 0 || size == 0 || size >= n - 4)
        return mdp_fail(err, MDP_ERR_FORMAT, "table of characters: %zu bytes, of which %zu are its array", n,
                        size);
    if (bytes[n - 1] != 0)
        return mdp_fail(err, MDP_ERR_FORMAT, "table of characters: its last replacement does not end");
    map->n_units = size / 4;
    map->n_texts = n - 4 - size;
    map->units = mdp_new_array(map->n_units, sizeof *map->units, err, &st);
    map->texts = mdp_new_array(map->n_texts, 1, err, &st);
    TRY(st);
    for (size_t i = 0; i < map->n_units; i++)
        map->units[i] = read_u32(bytes + 4 + 4 * i);
    memcpy(map->texts, bytes + 4 + size, map->n_texts);
    return check(map, err);
}

mdp_status mdp_charsmap_init(struct mdp_charsmap *map, const void *bytes, size_t n, struct mdp_error *err)
{
    *map = (struct mdp_charsmap){0};
    mdp_status st = n > 0 ? copy(map, bytes, n, err) : MDP_OK;

    if (st != MDP_OK)
        mdp_charsmap_release(map);
    return st;
}

void mdp_charsmap_release(struct mdp_charsmap *map)
{
    free(map->units);
    free(map->texts);
    *map = (struct mdp_charsmap){0};
}

const char *mdp_charsmap_shortest(const struct mdp_charsmap *map, const char *text, size_t n)
{
    size_t at = map->units ? offset_of(map->units[0]) : 0;

    for (size_t i = 0; i < n && map->units; i++) {
        const unsigned char label = (unsigned char)text[i];
        const uint32_t unit = map->units[at ^ label];
        if ((unit & (1u << 31 | 0xFF)) != label)
            break;
        at ^= label ^ offset_of(unit);
        if (has_value(unit))
            return map->texts + value_of(map->units[at]);
    }
    return NULL;
}
