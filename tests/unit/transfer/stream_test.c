/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/stream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

static int ends[2];
static struct stream *s;

static void open_with(uint64_t limit_ms, int stop_fd, const char *first, size_t n)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
	                 0);
	assert_int_equal(stream_adopt(ends[0], (const uint8_t *)first, n, stop_fd,
	                              clock_mono_ns() + limit_ms * NS_PER_MS, &s),
	                 0);
}

static void done(void)
{
	stream_close(s);
	close(ends[1]);
}

static void messages_are_framed(void **state)
{
	(void)state;
	uint8_t *msg;
	size_t n;
	open_with(5000, -1, "\0\14abcdefgh", 10);
	assert_int_equal(write(ends[1], "ijkl\0\15MNOPQRSTUVWXY\0\3", 21), 21);
	assert_int_equal(stream_receive(s, &msg, &n), 0);
	assert_int_equal(n, 12);
	assert_memory_equal(msg, "abcdefghijkl", 12);
	assert_int_equal(stream_receive(s, &msg, &n), 0);
	assert_int_equal(n, 13);
	assert_memory_equal(msg, "MNOPQRSTUVWXY", 13);
	assert_int_equal(stream_receive(s, &msg, &n), -EBADMSG); /* shorter than a header */
	uint8_t back[64];
	assert_int_equal(stream_send(s, (const uint8_t *)"hello", 5), 0);
	assert_int_equal(read(ends[1], back, sizeof back), 7);
	assert_memory_equal(back, "\0\5hello", 7);
	done();
}

static void ends_are_told(void **state)
{
	(void)state;
	uint8_t *msg;
	size_t n;
	open_with(5000, -1, "", 0);
	assert_int_equal(write(ends[1], "\0\14abc", 5), 5);
	shutdown(ends[1], SHUT_WR);
	assert_int_equal(stream_receive(s, &msg, &n), -ENODATA);
	done();
	open_with(50, -1, "", 0);
	assert_int_equal(stream_receive(s, &msg, &n), -ETIMEDOUT);
	done();
	int stop = eventfd(1, EFD_CLOEXEC);
	open_with(5000, stop, "", 0);
	assert_int_equal(stream_receive(s, &msg, &n), -ECANCELED);
	done();
	close(stop);
}

static void writers_wait_no_longer_than_said(void **state)
{
	(void)state;
	static uint8_t big[DNS_MAX_MESSAGE];
	int e = 0;
	open_with(200, -1, "", 0);
	for (int i = 0; i < 100 && e == 0; i++)
		e = stream_send(s, big, sizeof big); /* nobody reads */
	assert_int_equal(e, -ETIMEDOUT);
	done();
}

static void nobody_there(void **state)
{
	(void)state;
	const char *why;
	struct stream_plan plan = { .to = { .addr = addr_v4(INADDR_LOOPBACK), .port = 1 },
		                    .stop_fd = -1,
		                    .deadline_ns = clock_mono_ns() + NS_PER_S };
	assert_int_equal(stream_open(&plan, &s, &why), -ECONNREFUSED);
	uint8_t query[DNS_HEADER_BYTES] = { 0 };
	static uint8_t answer[DNS_MAX_MESSAGE];
	size_t n;
	assert_int_equal(stream_ask_udp(&plan, query, sizeof query, answer, &n), -ECONNREFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_framed),
		cmocka_unit_test(ends_are_told),
		cmocka_unit_test(writers_wait_no_longer_than_said),
		cmocka_unit_test(nobody_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
