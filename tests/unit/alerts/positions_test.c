/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "alerts/positions.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct positions sample = {
	.generation = 7,
	.next = 120,
	.put = 119,
	.lost = 2,
	.at = { { "siem", 118, 100, 3, 1 }, { "hook", 120, 119, 0, 0 } },
	.n = 2,
};

static void assert_same(const struct positions *a, const struct positions *b)
{
	assert_int_equal(a->next, b->next);
	assert_int_equal(a->put, b->put);
	assert_int_equal(a->lost, b->lost);
	assert_int_equal(a->n, b->n);
	for (unsigned i = 0; i < a->n; i++) {
		assert_string_equal(a->at[i].name, b->at[i].name);
		assert_int_equal(a->at[i].next, b->at[i].next);
		assert_int_equal(a->at[i].sent, b->at[i].sent);
		assert_int_equal(a->at[i].lost, b->at[i].lost);
		assert_int_equal(a->at[i].refused, b->at[i].refused);
	}
}

static void a_slot_says_what_was_put(void **state)
{
	static char bytes[POSITIONS_BYTES];
	struct positions p;
	(void)state;
	assert_int_equal(positions_slot(&sample, bytes), 0);
	assert_true(positions_parse(bytes, sizeof bytes, &p));
	assert_same(&p, &sample);
}

static void a_torn_slot_leaves_the_other(void **state)
{
	static char bytes[POSITIONS_BYTES];
	struct positions p, newer = sample;
	(void)state;
	newer.generation++;
	newer.next = 130;
	assert_int_equal(positions_slot(&sample, bytes), 0);
	assert_int_equal(positions_slot(&newer, bytes + POSITIONS_SLOT), 0);
	assert_true(positions_parse(bytes, sizeof bytes, &p));
	assert_int_equal(p.next, 130);
	bytes[POSITIONS_SLOT + 30] ^= 1;
	assert_true(positions_parse(bytes, sizeof bytes, &p));
	assert_int_equal(p.next, 120);
	bytes[30] ^= 1;
	assert_false(positions_parse(bytes, sizeof bytes, &p));
	assert_int_equal(p.n, 0);
	assert_false(positions_parse("", 0, &p));
}

static void the_file_remembers(void **state)
{
	char path[] = "/tmp/weir-positions-test-XXXXXX";
	struct positions p, q;
	(void)state;
	close(mkstemp(path));
	int fd = positions_open(path, &p);
	assert_true(fd >= 0);
	assert_int_equal(p.n, 0);
	for (unsigned i = 1; i <= 5; i++) {
		p = sample;
		p.generation = i;
		p.next = 100 + i;
		assert_int_equal(positions_save(fd, &p), 0);
		close(fd);
		fd = positions_open(path, &q);
		assert_true(fd >= 0);
		assert_same(&q, &p);
	}
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slot_says_what_was_put),
		cmocka_unit_test(a_torn_slot_leaves_the_other),
		cmocka_unit_test(the_file_remembers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
