/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/snapshot.h"
#include "world.h"

static void a_name_keeps_its_number(void **state)
{
	(void)state;
	char name[32];
	uint16_t first = slot_of_list("first");
	assert_int_not_equal(slot_of_list("second"), first);
	assert_int_equal(slot_of_list("first"), first);
	for (unsigned i = 0; i < POLICY_MAX_LISTS; i++) {
		snprintf(name, sizeof name, "list.%u", i);
		uint16_t slot = slot_of_list(name);
		assert_true(slot == POLICY_NO_LIST || slot < POLICY_MAX_LISTS);
	}
	assert_int_equal(slot_of_list("one too many"), POLICY_NO_LIST);
	assert_int_equal(slot_of_list("first"), first);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_name_keeps_its_number) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
