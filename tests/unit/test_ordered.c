/* SPDX-License-Identifier: BSD-3-Clause */
/* Protects: base/ordered.h: items are taken once, in order, whatever the threads and the window; an end by failure
   or by request leaves no item out. extract/preprocess/phash.h: hashes of known pictures. */
#include "unit/unit.h"

#include "base/ordered.h"
#include "extract/preprocess/phash.h"

enum { N = 500 };

struct count {
    size_t next;      /* item that must be taken next */
    size_t fail_make; /* this item fails, N: none */
    size_t fail_take;
    size_t stop_at;
    volatile sig_atomic_t stop;
};

/* Items take different times, so that they are completed out of order. */
static mdp_status make(void *context, size_t item, size_t worker, void *slot, struct mdp_error *err)
{
    const struct count *c = context;
    volatile size_t work = 0;

    (void)worker;
    for (size_t i = 0; i < item * 7919 % 1000; i++)
        work += i;
    *(size_t *)slot = item * item;
    return item == c->fail_make ? mdp_fail(err, MDP_ERR_VALUE, "item %zu", item) : MDP_OK;
}

static mdp_status take(void *context, size_t item, void *slot, struct mdp_error *err)
{
    struct count *c = context;

    if (item != c->next || *(size_t *)slot != item * item)
        return mdp_fail(err, MDP_ERR_CHECK, "item %zu came when %zu was due", item, c->next);
    if (item == c->fail_take)
        return mdp_fail(err, MDP_ERR_IO, "take %zu", item);
    c->next++;
    if (item == c->stop_at)
        c->stop = 1;
    return MDP_OK;
}

static mdp_status run(struct count *c, size_t first, size_t threads, size_t window, struct mdp_error *err)
{
    size_t slots[64];
    const struct mdp_ordered loop = {.first = first,
                                     .n = N,
                                     .threads = threads,
                                     .window = window,
                                     .slots = slots,
                                     .slot_size = sizeof *slots,
                                     .make = make,
                                     .take = take,
                                     .context = c,
                                     .stop = &c->stop};

    c->next = first;
    return mdp_ordered_run(&loop, err);
}

static void takes_all_in_order(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    for (size_t threads = 1; threads <= 8; threads++)
        for (size_t window = 1; window <= 64; window *= 4) {
            struct count c = {.fail_make = N, .fail_take = N, .stop_at = N};
            assert_ok(run(&c, threads, threads, window, &err), err);
            assert_int_equal(c.next, N);
        }
}

/* Planted: ending at the item that was begun last instead of the one that failed loses items before it. */
static void ends_behind_the_last_good_item(void **state)
{
    struct mdp_error err = MDP_ERROR_INIT;

    (void)state;
    for (size_t threads = 1; threads <= 8; threads++) {
        struct count c = {.fail_make = 123, .fail_take = N, .stop_at = N};
        assert_fails(run(&c, 0, threads, 32, &err), MDP_ERR_VALUE, err, "item 123");
        assert_int_equal(c.next, 123);
        c = (struct count){.fail_make = N, .fail_take = 77, .stop_at = N};
        assert_fails(run(&c, 0, threads, 32, &err), MDP_ERR_IO, err, "take 77");
        assert_int_equal(c.next, 77);
        c = (struct count){.fail_make = N, .fail_take = N, .stop_at = 50};
        assert_int_equal(run(&c, 0, threads, 32, &err), MDP_ERR_INTERRUPTED);
        assert_true(c.next > 50 && c.next <= 51 + 32);
    }
}

static unsigned distance(uint64_t a, uint64_t b)
{
    return (unsigned)__builtin_popcountll(a ^ b);
}

static void hashes_are_near_for_near_pictures(void **state)
{
    uint8_t grey[32 * 32], brighter[32 * 32], noisy[32 * 32], flat[32 * 32], other[32 * 32];
    uint32_t random = 12345;

    (void)state;
    for (size_t y = 0; y < 32; y++)
        for (size_t x = 0; x < 32; x++) {
            size_t i = y * 32 + x;
            random = random * 1664525 + 1013904223;
            grey[i] = (uint8_t)(20 + (x * y * 3 + x * x) % 190);
            brighter[i] = (uint8_t)(grey[i] + 20);
            noisy[i] = (uint8_t)(grey[i] + (random >> 30));
            flat[i] = 77;
            other[i] = (uint8_t)(random >> 24);
        }
    uint64_t hash = mdp_phash_of_grey(grey);
    assert_true(mdp_phash_of_grey(flat) == 0);
    assert_true(mdp_phash_of_grey(brighter) == hash); /* no bit of frequency 0 */
    assert_true(distance(mdp_phash_of_grey(noisy), hash) <= 4);
    assert_true(distance(mdp_phash_of_grey(other), hash) > 12);
    assert_int_equal(__builtin_popcountll(hash), 32); /* half of them above the median */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_all_in_order),
        cmocka_unit_test(ends_behind_the_last_good_item),
        cmocka_unit_test(hashes_are_near_for_near_pictures),
    };

    return cmocka_run_group_tests_name("ordered", tests, NULL, NULL);
}
