/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/notifier.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "transfer/query.h"
#include "transfer/request.h"

static struct loop *loop;
static struct name zone;
static struct tsig_key key;
static int fd;
static struct endpoint to;

static int set_up(void **state)
{
	(void)state;
	struct sockaddr_in sa = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof sa;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	to = (struct endpoint){ .addr = addr_v4(INADDR_LOOPBACK), .port = ntohs(sa.sin_port) };
	assert_int_equal(name_from_text("rpz", 3, &zone), 0);
	assert_int_equal(tsig_key_init(&key, &zone, "hmac-sha256", "c2VjcmV0"), 0);
	return loop_new(&loop);
}

static int tear_down(void **state)
{
	(void)state;
	close(fd);
	tsig_key_done(&key);
	loop_free(loop);
	return 0;
}

/* The next NOTIFY, answered with rcode (-1: not at all). Its serial; 0: none came. */
static uint32_t hear(int rcode, const struct tsig_key *k, unsigned turns)
{
	uint8_t msg[QUERY_MAX], out[QUERY_MAX];
	struct sockaddr_storage from;
	struct request r;
	for (unsigned i = 0; i < turns; i++) {
		socklen_t n_from = sizeof from;
		loop_turn(loop, 20);
		ssize_t n = recvfrom(fd, msg, sizeof msg, 0, (struct sockaddr *)&from, &n_from);
		if (n < 0)
			continue;
		assert_int_equal(request_read(&r, msg, (size_t)n), 0);
		assert_true(r.is_notify && r.has_serial);
		tsig_server_check(&r.tsig, r.bytes, r.n, k);
		size_t n_out = request_answer(&r, out, rcode >= 0 ? (unsigned)rcode : 0);
		assert_int_equal(tsig_server_sign(&r.tsig, out, &n_out, sizeof out), 0);
		if (rcode >= 0)
			(void)!sendto(fd, out, n_out, 0, (struct sockaddr *)&from, n_from);
		loop_turn(loop, 20);
		return r.serial;
	}
	return 0;
}

static void notify_is_repeated_until_heard(void **state)
{
	(void)state;
	struct notifier *n;
	assert_int_equal(notifier_new(loop, &zone, &to, NULL, &n), 0);
	assert_int_equal(hear(0, NULL, 5), 0); /* nothing to say */
	notifier_tell(n, 7);
	assert_int_equal(hear(-1, NULL, 50), 7);
	assert_false(notifier_is_heard(n));
	assert_int_equal(hear(RCODE_REFUSED, NULL, 100), 7); /* after a second */
	assert_false(notifier_is_heard(n));
	notifier_tell(n, 8); /* a newer one at once */
	assert_int_equal(hear(0, NULL, 20), 8);
	assert_true(notifier_is_heard(n));
	assert_int_equal(hear(0, NULL, 80), 0);
	notifier_free(n);
}

static void signed_answers_only_count(void **state)
{
	(void)state;
	struct notifier *n;
	assert_int_equal(notifier_new(loop, &zone, &to, &key, &n), 0);
	notifier_tell(n, 7);
	assert_int_equal(hear(0, NULL, 50), 7); /* it says that it does not know the key */
	assert_false(notifier_is_heard(n));
	assert_int_equal(hear(0, &key, 100), 7);
	assert_true(notifier_is_heard(n));
	notifier_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(notify_is_repeated_until_heard, set_up, tear_down),
		cmocka_unit_test_setup_teardown(signed_answers_only_count, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
