/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening, closing, and who is sent away at once; what is answered: tests/system/publish_tls_test.py. */
#include "transfer/tls_door.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rcu.h"

static int socket_at(struct endpoint *at, bool is_listening)
{
	struct sockaddr_storage sa;
	socklen_t n = endpoint_to_sockaddr(at, &sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	if (is_listening)
		assert_int_equal(listen(fd, 1), 0);
	n = sizeof sa;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	endpoint_from_sockaddr((struct sockaddr *)&sa, at);
	return fd;
}

static void an_address_in_use_is_told(void **state)
{
	(void)state;
	struct endpoint at[2] = { { addr_v4(0x7f000001), 0 }, { addr_v4(0x7f000001), 0 } };
	struct responder home = { 0 };
	struct tls_door *d;
	int free_one = socket_at(&at[0], false), taken = socket_at(&at[1], true);
	close(free_one);
	assert_int_equal(tls_door_open(at, 2, &home, -1, &d), -EADDRINUSE);
	close(taken);
	/* The first one was closed again. */
	assert_int_equal(tls_door_open(at, 2, &home, -1, &d), 0);
	tls_door_free(d);
	tls_door_free(NULL);
}

/* Nothing is published: nobody is let in, and it ends when it shall. */
static void strangers_are_sent_away(void **state)
{
	(void)state;
	struct endpoint at = { addr_v4(0x7f000001), 0 };
	struct responder home = { 0 };
	struct sockaddr_storage sa;
	struct tls_door *d;
	char byte;
	close(socket_at(&at, false));
	int stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_int_equal(tls_door_open(&at, 1, &home, stop, &d), 0);
	assert_int_equal(tls_door_start(d), 0);
	assert_int_equal(tls_door_start(d), 0);
	for (int i = 0; i < 3; i++) {
		socklen_t n = endpoint_to_sockaddr(&at, &sa);
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(fd, (struct sockaddr *)&sa, n), 0);
		assert_int_equal(recv(fd, &byte, 1, 0), 0);
		close(fd);
	}
	assert_int_equal(eventfd_write(stop, 1), 0);
	tls_door_free(d);
	close(stop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_in_use_is_told),
		cmocka_unit_test(strangers_are_sent_away),
	};
	rcu_thread_start();
	int e = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_thread_stop();
	return e;
}
