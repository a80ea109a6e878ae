/* edge/base/hash: the same for all edges, or for this process alone. */
#include "edge/base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* XXH3-128 of nothing and of "abc", seed 0: published values, so that edges agree for ever. */
static void stable_hashes_are_xxh3_128(void **state)
{
    (void)state;
    char hex[33] = "";
    hash_hex(hash_stable(STR("")), hex);
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
    hash_hex(hash_stable((struct str){NULL, 0}), hex);
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
    hash_hex(hash_stable(STR("abc")), hex);
    assert_string_equal(hex, "06b05ab6733a618578af5f94892f3950");
}

static void hexadecimal_has_all_digits_high_half_first(void **state)
{
    (void)state;
    char hex[33] = "";
    hash_hex((struct hash128){.high = 0x1, .low = UINT64_C(0xfedcba9876543210)}, hex);
    assert_string_equal(hex, "0000000000000001fedcba9876543210");
}

static void table_hashes_change_with_the_seed(void **state)
{
    (void)state;
    uint64_t unseeded = hash_table(STR("key"));
    assert_true(hash_table(STR("key")) == unseeded);
    assert_true(hash_table(STR("kez")) != unseeded);
    hash_seed();
    assert_true(hash_table(STR("key")) != unseeded);
    assert_true(hash_table(STR("key")) == hash_table(STR("key")));
}

static void the_version_is_three_numbers(void **state)
{
    (void)state;
    char out[16];
    const char *version = hash_version(out);
    assert_ptr_equal(version, out);
    assert_true(version[0] >= '0' && version[0] <= '9');
    assert_non_null(strchr(version, '.'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stable_hashes_are_xxh3_128),
        cmocka_unit_test(hexadecimal_has_all_digits_high_half_first),
        cmocka_unit_test(table_hashes_change_with_the_seed),
        cmocka_unit_test(the_version_is_three_numbers),
    };
    return cmocka_run_group_tests_name("base/hash", tests, NULL, NULL);
}
