/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/sightings.h"

#include "rig.h"

enum {
	CLIENTS = 100,
};

static void types_count_once_a_name_and_for_a_minute(void **state)
{
	(void)state;
	struct sightings *s;
	assert_int_equal(sightings_new(CLIENTS, &s), 0);
	assert_null(sightings_find(s, 7));
	struct sighting *g = sightings_take(s, 7, 100);
	assert_ptr_equal(sightings_find(s, 7), g);
	assert_int_equal(sighting_types(g, 100), 0);
	assert_true(sighting_note(g, 0, 1, 100));
	assert_false(sighting_note(g, 1, 1, 101)); /* another type of the same name */
	assert_true(sighting_note(g, 0, 3, 102));
	assert_true(sighting_note(g, 15, 5, 103));
	assert_int_equal(sighting_types(g, 103), 2);
	assert_int_equal(sighting_names(g, 103), 3);
	assert_int_equal(sighting_types(g, 100 + SIGHTING_WINDOW_S), 0);
	assert_true(sighting_note(g, 2, 1, 100 + SIGHTING_WINDOW_S));
	assert_int_equal(sighting_types(g, 100 + SIGHTING_WINDOW_S), 1);
	sightings_free(s);
}

static void a_tool_is_remembered_longer(void **state)
{
	(void)state;
	struct sightings *s;
	uint32_t tool, age_s;
	assert_int_equal(sightings_new(CLIENTS, &s), 0);
	struct sighting *g = sightings_take(s, 7, 100);
	assert_false(sighting_tool(g, 100, &tool, &age_s));
	sighting_note_tool(g, 3, 100);
	assert_true(sighting_tool(g, 100 + SIGHTING_TOOL_S - 1, &tool, &age_s));
	assert_int_equal(tool, 3);
	assert_int_equal(age_s, SIGHTING_TOOL_S - 1);
	assert_false(sighting_tool(g, 100 + SIGHTING_TOOL_S, &tool, &age_s));
	sightings_free(s);
}

/* Others take places where no tool was seen first; the memory stays what it was. */
static void windows_go_before_tools(void **state)
{
	(void)state;
	struct sightings *s;
	uint32_t tool, age_s;
	unsigned left = 0;
	assert_int_equal(sightings_new(CLIENTS, &s), 0);
	size_t bytes = sightings_bytes(s);
	for (uint64_t key = 1; key <= 50; key++)
		sighting_note_tool(sightings_take(s, key * 0x9e3779b97f4a7c15ULL, 100), 1, 100);
	for (uint64_t key = 1000; key < 20000; key++)
		sighting_note(sightings_take(s, key * 0x9e3779b97f4a7c15ULL, 110), 0, 1, 110);
	for (uint64_t key = 1; key <= 50; key++) {
		const struct sighting *g = sightings_find(s, key * 0x9e3779b97f4a7c15ULL);
		left += g != NULL && sighting_tool(g, 120, &tool, &age_s);
	}
	assert_int_equal(left, 50);
	assert_int_equal(sightings_bytes(s), bytes);
	sightings_free(s);
}

static void ten_thousand_clients_take_little(void **state)
{
	(void)state;
	struct sightings *s;
	assert_int_equal(sightings_new(10000, &s), 0);
	assert_true(sightings_bytes(s) < 3U << 20);
	sightings_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_count_once_a_name_and_for_a_minute),
		cmocka_unit_test(a_tool_is_remembered_longer),
		cmocka_unit_test(windows_go_before_tools),
		cmocka_unit_test(ten_thousand_clients_take_little),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
