#include "cmocka_all.h"

#include <string.h>

#include "products/products.h"
#include "wire/bay_wire.h"

static void each_product_is_found_by_its_own_name(void **state)
{
    (void)state;
    for (size_t i = 0; products[i] != NULL; i++)
        assert_ptr_equal(product_find(products[i]->name), products[i]);
    assert_non_null(product_find("softhsm"));
    assert_null(product_find("unheard-of"));
    assert_null(product_find(""));
}

static void each_product_fits_the_messages(void **state)
{
    (void)state;
    for (size_t i = 0; products[i] != NULL; i++) {
        assert_in_range(strlen(products[i]->name), 1, PRODUCT_SIZE - 1);
        assert_non_null(products[i]->title);
        assert_non_null(products[i]->module);
    }
}

static void each_pin_policy_can_be_kept(void **state)
{
    (void)state;
    for (size_t i = 0; products[i] != NULL; i++) {
        const struct product *p = products[i];
        assert_true(p->pin_min >= 6 && p->pin_min <= p->pin_max);
        assert_true(strlen(p->pin_alphabet) >= 10);
        for (const char *c = p->pin_alphabet; *c; c++) {
            assert_null(strchr(c + 1, *c));    /* none twice: it would come up twice as often */
            assert_null(strchr("0Oo1Il", *c)); /* what a letter's reader mistakes */
        }
    }
}

static void each_so_pin_is_long_enough(void **state)
{
    (void)state;
    for (size_t i = 0; products[i] != NULL; i++)
        assert_true(products[i]->so_length >= 16 && products[i]->so_length <= 64);
}

static void each_product_makes_some_known_key(void **state)
{
    (void)state;
    for (size_t i = 0; products[i] != NULL; i++) {
        assert_int_not_equal(products[i]->key_types, 0);
        assert_int_equal(products[i]->key_types & ~((1u << KEY_TYPE_COUNT) - 2), 0);
    }
}

static void every_verb_has_a_deadline(void **state)
{
    (void)state;
    for (size_t i = 0; products[i] != NULL; i++) {
#define V(VERB, name, deadline, changes) assert_in_range(products[i]->deadlines.deadline, 1000, 600000);
        BAY_VERBS(V)
#undef V
        assert_in_range(products[i]->settle_ms, 0, 60000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_product_is_found_by_its_own_name),
        cmocka_unit_test(each_product_fits_the_messages),
        cmocka_unit_test(each_pin_policy_can_be_kept),
        cmocka_unit_test(each_so_pin_is_long_enough),
        cmocka_unit_test(each_product_makes_some_known_key),
        cmocka_unit_test(every_verb_has_a_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
