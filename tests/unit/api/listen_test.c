/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/api.h"

static char folder[] = "/tmp/weir-listen-XXXXXX";
static char path[64];

static bool exists(void)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

static void a_stale_socket_is_replaced(void **state)
{
	(void)state;
	struct listen_socket first, second;
	assert_int_equal(listen_open(path, &first), 0);
	close(first.fd); /* as in a crash: the file stays */
	assert_true(exists());
	assert_int_equal(listen_connect(path), -ECONNREFUSED);
	assert_int_equal(listen_open(path, &second), 0);
	int fd = listen_connect(path);
	assert_true(fd >= 0);
	close(fd);
	listen_close(&second, path);
	assert_false(exists());
}

static void a_living_one_is_left_alone(void **state)
{
	(void)state;
	struct listen_socket first, second = { .fd = -7 };
	assert_int_equal(listen_open(path, &first), 0);
	assert_int_equal(listen_open(path, &second), -EADDRINUSE);
	assert_int_equal(second.fd, -7);
	/* Also when its queue is full and nobody accepts. */
	int fds[64];
	int n = 0;
	while (n < 64 && (fds[n] = listen_connect(path)) >= 0)
		n++;
	assert_true(n < 64);
	assert_int_equal(listen_open(path, &second), -EADDRINUSE);
	while (n > 0)
		close(fds[--n]);
	listen_close(&first, path);
}

static void another_ones_is_not_removed(void **state)
{
	(void)state;
	struct listen_socket first, second;
	assert_int_equal(listen_open(path, &first), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(listen_open(path, &second), 0);
	listen_close(&first, path);
	assert_true(exists());
	listen_close(&second, path);
	assert_false(exists());
}

static void other_things_are_not_touched(void **state)
{
	(void)state;
	struct listen_socket s;
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(listen_open(path, &s), -EEXIST);
	assert_true(exists());
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(listen_open(path, &s), -EEXIST);
	assert_int_equal(unlink(path), 0);
}

static void bad_paths_are_said(void **state)
{
	(void)state;
	struct listen_socket s;
	char longer[CONTROL_PATH_MAX + 2];
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(listen_open(longer, &s), -ENAMETOOLONG);
	assert_int_equal(listen_open("", &s), -EINVAL);
	assert_int_equal(listen_open("/nonexistent/folder/socket", &s), -ENOENT);
	assert_int_equal(listen_connect("/nonexistent/folder/socket"), -ENOENT);
}

static void the_peer_is_named(void **state)
{
	(void)state;
	int pair[2];
	char who[64], uid[32];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	listen_peer(pair[0], who, sizeof who);
	snprintf(uid, sizeof uid, "%u", (unsigned)getuid());
	assert_non_null(strstr(who, uid));
	if (getuid() == 0)
		assert_string_equal(who, "root (0)");
	close(pair[0]);
	close(pair[1]);
	int pipes[2];
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	listen_peer(pipes[0], who, sizeof who);
	assert_string_equal(who, "unknown");
	close(pipes[0]);
	close(pipes[1]);
}

static int set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/control", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stale_socket_is_replaced),
		cmocka_unit_test(a_living_one_is_left_alone),
		cmocka_unit_test(another_ones_is_not_removed),
		cmocka_unit_test(other_things_are_not_touched),
		cmocka_unit_test(bad_paths_are_said),
		cmocka_unit_test(the_peer_is_named),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
