/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/manager.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/weir-manager-XXXXXX";

/* A socket as a service manager opens it: a path, or a name in the abstract space. */
static void test_told(void **state)
{
	(void)state;
	for (int is_abstract = 0; is_abstract < 2; is_abstract++) {
		char name[100], got[64] = "";
		struct sockaddr_un sa = { .sun_family = AF_UNIX };
		int n = snprintf(name, sizeof name, "%s%s/socket", is_abstract ? "@" : "", folder);
		memcpy(sa.sun_path, name, (size_t)n);
		if (is_abstract)
			sa.sun_path[0] = 0;
		int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		assert_true(fd >= 0);
		socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n);
		assert_int_equal(bind(fd, (struct sockaddr *)&sa, size), 0);
		assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
		manager_notify("READY=1");
		assert_int_equal(recv(fd, got, sizeof got - 1, MSG_DONTWAIT), 7);
		assert_string_equal(got, "READY=1");
		close(fd);
		if (!is_abstract)
			unlink(name);
	}
}

static void test_nobody(void **state)
{
	char longer[200];
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	manager_notify("READY=1");
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	setenv("NOTIFY_SOCKET", longer, 1);
	manager_notify("READY=1");
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	manager_notify("READY=1"); /* said in the log */
	unsetenv("NOTIFY_SOCKET");
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_nobody),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
