/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/mail.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	SENDERS = 4,
	LETTERS = 2000
};

static struct mail_box box;

static void *put_letters(void *arg)
{
	for (unsigned i = 0; i < LETTERS; i++) {
		struct mail *m = calloc(1, sizeof *m);
		must(m != NULL);
		m->token = (uint64_t)(uintptr_t)arg << 32 | i;
		mail_put(&box, m);
	}
	return NULL;
}

/* Nothing is lost, and what one sender says comes in its order. */
static void test_order(void **state)
{
	pthread_t threads[SENDERS];
	uint64_t next[SENDERS] = { 0 };
	unsigned n = 0;
	(void)state;
	for (uintptr_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, put_letters, (void *)i), 0);
	while (n < SENDERS * LETTERS) {
		for (struct mail *m = mail_take_all(&box), *after; m != NULL; m = after) {
			after = m->next;
			assert_int_equal(m->token & 0xffffffff, next[m->token >> 32]++);
			mail_free(m);
			n++;
		}
	}
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	assert_null(mail_take_all(&box));
	mail_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_order) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
