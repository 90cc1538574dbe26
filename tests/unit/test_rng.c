/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: the random stream that draws are made of. A change of any number here changes every published
   draw. */
#include "unit/unit.h"

#include "base/numbers/rng.h"

#include <math.h>

static void philox_gives_the_published_vectors(void **state)
{
    /* Random123's known-answer file, philox4x32 with 10 rounds. */
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint32_t out[4];
        mdp_philox4x32(known[i].counter, known[i].key, out);
        assert_memory_equal(out, known[i].out, sizeof out);
    }
}

static void a_stream_is_its_blocks_in_order(void **state)
{
    struct mdp_rng rng;
    uint32_t expected[4], counter[4] = {0, 0, 16, MDP_RNG_RESAMPLE}, key[2] = {7, 1};

    (void)state;
    mdp_rng_init(&rng, 7 | (uint64_t)1 << 32, 16, MDP_RNG_RESAMPLE);
    for (uint32_t block = 0; block < 5; block++) {
        counter[0] = block;
        mdp_philox4x32(counter, key, expected);
        for (int i = 0; i < 4; i++)
            assert_int_equal(mdp_rng_u32(&rng), expected[i]);
    }
    rng.counter[0] = UINT32_MAX; /* the block number carries */
    mdp_rng_u32(&rng);
    assert_int_equal(rng.counter[0], 0);
    assert_int_equal(rng.counter[1], 1);
}

static void streams_of_different_names_differ(void **state)
{
    struct mdp_rng a, b, c, d;

    (void)state;
    mdp_rng_init(&a, 1, 1, MDP_RNG_DRAW);
    mdp_rng_init(&b, 2, 1, MDP_RNG_DRAW);
    mdp_rng_init(&c, 1, 2, MDP_RNG_DRAW);
    mdp_rng_init(&d, 1, 1, MDP_RNG_RESAMPLE);
    uint64_t x = mdp_rng_u64(&a);
    assert_true(x != mdp_rng_u64(&b));
    assert_true(x != mdp_rng_u64(&c));
    assert_true(x != mdp_rng_u64(&d));
}

/* chi^2 over cells; bound: mean + 6 standard deviations of chi^2 with cells - 1 degrees of freedom. Fault
   once planted: j = below(i) in the shuffle (Sattolo's cycles) leaves half of the orders out. */
static void assert_uniform(const size_t counts[], size_t cells, size_t total)
{
    double expected = (double)total / (double)cells, chi2 = 0.0, df = (double)cells - 1.0;

    for (size_t i = 0; i < cells; i++)
        chi2 += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    assert_true(chi2 < df + 6.0 * sqrt(2.0 * df));
}

static void below_is_uniform_and_in_range(void **state)
{
    struct mdp_rng rng;
    size_t counts[7] = {0};

    (void)state;
    mdp_rng_init(&rng, 3, 0, 99);
    for (int i = 0; i < 70000; i++)
        counts[mdp_rng_below(&rng, 7)]++;
    assert_uniform(counts, 7, 70000);
    for (int i = 0; i < 100; i++)
        assert_int_equal(mdp_rng_below(&rng, 1), 0);
    /* just above 2^63 nearly half of the numbers are refused; below stays in range */
    uint64_t n = ((uint64_t)1 << 63) + 1;
    for (int i = 0; i < 1000; i++)
        assert_true(mdp_rng_below(&rng, n) < n);
}

static void every_order_is_equally_likely(void **state)
{
    struct mdp_rng rng;
    size_t counts[24] = {0};

    (void)state;
    mdp_rng_init(&rng, 4, 0, 99);
    for (int i = 0; i < 48000; i++) {
        size_t items[4] = {0, 1, 2, 3}, order = 0;
        mdp_rng_shuffle(&rng, items, 4);
        for (size_t a = 0; a < 4; a++) {
            size_t smaller = 0;
            for (size_t b = a + 1; b < 4; b++)
                smaller += items[b] < items[a];
            order = order * (4 - a) + smaller;
        }
        counts[order]++;
    }
    assert_uniform(counts, 24, 48000);
    mdp_rng_shuffle(&rng, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_vectors),
        cmocka_unit_test(a_stream_is_its_blocks_in_order),
        cmocka_unit_test(streams_of_different_names_differ),
        cmocka_unit_test(below_is_uniform_and_in_range),
        cmocka_unit_test(every_order_is_equally_likely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
