/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/learned.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	RATE = 480,
	HOUR = 3600,
	START = 1764000000 / HOUR * HOUR,
	LEARN = 7 * 86400,
};

static struct name named(const char *text)
{
	struct name n;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	return n;
}

static struct learned *start(void)
{
	struct learned *l;
	assert_int_equal(learned_new(&l), 0);
	learned_tick(l, RATE, LEARN, START);
	return l;
}

/* So many clients want to tell it so many bits in each of so many hours from the n-th on. */
static void use(struct learned *l, const char *domain, unsigned clients, uint32_t bits,
                unsigned from, unsigned hours)
{
	struct name name = named(domain);
	for (unsigned h = from; h < from + hours; h++) {
		learned_tick(l, RATE, LEARN, START + h * HOUR);
		struct learned_domain *d = learned_find(l, name.wire);
		if (d == NULL)
			d = learned_add(l, name.wire);
		for (unsigned i = 0; d != NULL && i < clients; i++) {
			struct addr a = addr_v4(0xc0000201 + i);
			learned_note(l, d, &a, bits);
		}
	}
	learned_tick(l, RATE, LEARN, START + (from + hours) * HOUR);
}

static uint32_t factor_of(struct learned *l, const char *domain)
{
	struct name name = named(domain);
	struct learned_domain *d = learned_find(l, name.wire);
	struct ceiling c = ceiling_of_kind(ZONE_ANYBODY);
	if (d != NULL)
		learned_raise(d, &c);
	assert_int_equal(c.servers, c.client);
	return c.servers;
}

static void three_clients_in_two_hours(void **state)
{
	(void)state;
	static const struct {
		const char *why;
		unsigned clients;
		uint32_t bits;
		unsigned hours;
		uint32_t factor;
	} rows[] = {
		{ "what the budget allows", 3, RATE / 2, 9, 1 },
		{ "ten times that", 3, 10 * RATE, 2, 32 },
		{ "in one hour only", 3, 10 * RATE, 1, 1 },
		{ "two clients", 2, 10 * RATE, 100, 1 },
		{ "one", 1, 60000, 100, 1 },
		{ "many clients", 200, 3 * RATE, 5, 8 },
		{ "as much as they can", 200, 60000, 100, LEARNED_FACTOR_MAX },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct learned *l = start();
		use(l, "app.example", rows[i].clients, rows[i].bits, 0, rows[i].hours);
		if (factor_of(l, "app.example") != rows[i].factor)
			fail_msg("%s: %u", rows[i].why, factor_of(l, "app.example"));
		learned_free(l);
	}
}

/* One that wants much more than the others gets what the others need. */
static void the_third_client_decides(void **state)
{
	(void)state;
	struct learned *l = start();
	for (unsigned h = 0; h < 50; h++) {
		use(l, "app.example", 2, 60000, h, 1);
		use(l, "app.example", 8, 2 * RATE, h, 0);
		struct name name = named("app.example");
		struct learned_domain *d = learned_find(l, name.wire);
		for (unsigned i = 2; i < 8; i++) {
			struct addr a = addr_v4(0xc0000201 + i);
			learned_note(l, d, &a, 2 * RATE);
		}
	}
	assert_int_equal(factor_of(l, "app.example"), 4);
	learned_free(l);
}

static void nothing_is_learned_afterwards(void **state)
{
	(void)state;
	struct learned *l = start();
	use(l, "app.example", 5, 4 * RATE, 0, 3);
	use(l, "app.example", 5, 30 * RATE, LEARN / HOUR + 1, 100);
	use(l, "other.example", 5, 30 * RATE, LEARN / HOUR + 101, 100);
	assert_int_equal(factor_of(l, "app.example"), 8);
	struct name other = named("other.example");
	assert_null(learned_find(l, other.wire));
	learned_free(l);
}

static void what_is_not_used_fades(void **state)
{
	(void)state;
	struct learned *l = start();
	uint32_t before = 8;
	use(l, "app.example", 5, 4 * RATE, 0, 3);
	assert_int_equal(factor_of(l, "app.example"), 8);
	for (unsigned day = 1; day < 200; day++) {
		learned_tick(l, RATE, LEARN, START + (uint64_t)day * 86400);
		uint32_t now = factor_of(l, "app.example");
		assert_true(now == before || now == before / 2);
		before = now;
	}
	assert_int_equal(before, 1);
	struct name name = named("app.example");
	assert_null(learned_find(l, name.wire));
	learned_free(l);
	/* One that is used stays. */
	l = start();
	use(l, "app.example", 5, 4 * RATE, 0, 24 * 100);
	assert_int_equal(factor_of(l, "app.example"), 8);
	learned_free(l);
}

static void the_operator_confirms_and_forgets(void **state)
{
	(void)state;
	struct learned *l = start();
	struct name name = named("app.example"), none = named("none.example");
	use(l, "app.example", 1, 5 * RATE, 0, 5);
	assert_int_equal(factor_of(l, "app.example"), 1);
	assert_int_equal(learned_confirm(l, none.wire), -ENOENT);
	assert_int_equal(learned_confirm(l, name.wire), 0);
	assert_int_equal(factor_of(l, "app.example"), 16);
	/* That was for what it had needed so far. */
	use(l, "app.example", 1, 50 * RATE, 5, 20);
	assert_int_equal(factor_of(l, "app.example"), 16);
	assert_int_equal(learned_forget(l, none.wire), -ENOENT);
	assert_int_equal(learned_forget(l, name.wire), 0);
	assert_int_equal(factor_of(l, "app.example"), 1);
	use(l, "app.example", 5, 5 * RATE, 30, 5);
	assert_int_equal(factor_of(l, "app.example"), 16);
	learned_forget_all(l);
	assert_int_equal(factor_of(l, "app.example"), 1);
	assert_int_equal(l->n, 0);
	learned_free(l);
}

static void the_table_has_an_end(void **state)
{
	(void)state;
	struct learned *l = start();
	unsigned n = 0;
	for (unsigned i = 0; i < 100000; i++) {
		char text[40];
		snprintf(text, sizeof text, "d%u.example", i);
		struct name name = named(text);
		n += learned_add(l, name.wire) != NULL;
	}
	assert_int_equal(n, LEARNED_DOMAINS_MAX);
	assert_int_equal(l->n_refused, 100000 - n);
	learned_free(l);
}

enum {
	THREADS = 4,
	ROUNDS = 50000,
	DOMAINS = 3000,
};

static struct learned *shared;

static void *work(void *arg)
{
	uint32_t dice = (uint32_t)(uintptr_t)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		char text[40];
		struct name name;
		struct addr a = addr_v4(0xc0000201 + (dice >> 8) % 20);
		struct ceiling c = ceiling_of_kind(ZONE_ANYBODY);
		dice = dice * 1103515245 + 12345;
		int n = snprintf(text, sizeof text, "d%u.example", (dice >> 12) % DOMAINS);
		assert_int_equal(name_from_text(text, (size_t)n, &name), 0);
		struct learned_domain *d = learned_find(shared, name.wire);
		if (d == NULL)
			d = learned_add(shared, name.wire);
		if (d == NULL)
			continue;
		learned_note(shared, d, &a, dice >> 16);
		learned_raise(d, &c);
	}
	return NULL;
}

/* Workers while everything is done that the housekeeping thread does. */
static void many_threads(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	char *text = NULL;
	size_t n = 0;
	shared = start();
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)(i + 1)), 0);
	for (unsigned h = 1; h < 150; h++) {
		struct learned_domain *d;
		uint32_t need;
		learned_tick(shared, RATE, LEARN, START + h * HOUR);
		for (unsigned at = 0; (d = learned_next(shared, &at)) != NULL; at++) {
			assert_true(learned_clients(d, 0, &need) <= LEARNED_CLIENTS);
			if ((at + h) % 50 == 0)
				assert_int_equal(learned_forget(shared, d->name.wire), 0);
		}
		FILE *f = open_memstream(&text, &n);
		learned_write(shared, f);
		assert_int_equal(fclose(f), 0);
		free(text);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_true(shared->n <= LEARNED_DOMAINS_MAX);
	learned_free(shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_clients_in_two_hours),
		cmocka_unit_test(the_third_client_decides),
		cmocka_unit_test(nothing_is_learned_afterwards),
		cmocka_unit_test(what_is_not_used_fades),
		cmocka_unit_test(the_operator_confirms_and_forgets),
		cmocka_unit_test(the_table_has_an_end),
		cmocka_unit_test(many_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
