/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "events/sink.h"

static struct sink *open_it(const char *path)
{
	struct events_config config = { .path = path };
	struct sink *s = NULL;
	assert_int_equal(sink_open(&config, &s), 0);
	assert_ptr_equal(s->kind, &sink_stream);
	return s;
}

/* Make fd the standard output while the sink is opened. */
static struct sink *open_as_stdout(int fd)
{
	fflush(stdout);
	int saved = dup(STDOUT_FILENO);
	assert_true(saved >= 0);
	dup2(fd, STDOUT_FILENO);
	struct events_config config = { .path = "-" };
	struct sink *s = NULL;
	int e = sink_open(&config, &s);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	assert_int_equal(e, 0);
	return s;
}

/* Write until it takes no more: that must come at once, and not block. */
static size_t fill(struct sink *s)
{
	static char lines[1 << 20];
	size_t taken = 0;
	struct timespec from;
	struct timespec to;
	memset(lines, 'x', sizeof lines);
	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_int_equal(s->kind->write(s, lines, sizeof lines, &taken), -EAGAIN);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true(to.tv_sec - from.tv_sec < 5);
	return taken;
}

static void drain(int fd, size_t n)
{
	static char bytes[65536];
	while (n > 0) {
		ssize_t k = read(fd, bytes, n < sizeof bytes ? n : sizeof bytes);
		assert_true(k > 0);
		n -= (size_t)k;
	}
}

static void check_stall(int reader, int writer)
{
	char got[5] = { 0 };
	size_t taken = 0;
	int flags = fcntl(writer, F_GETFL);
	struct sink *s = open_as_stdout(writer);
	assert_int_equal(fcntl(writer, F_GETFL), flags); /* the shell's own end stays blocking */
	size_t n = fill(s);
	assert_true(n > 0);
	drain(reader, n);
	assert_int_equal(s->kind->write(s, "{1}\n", 4, &taken), 0);
	assert_int_equal(taken, 4);
	assert_int_equal(read(reader, got, 4), 4);
	assert_string_equal(got, "{1}\n");
	close(reader);
	assert_int_equal(s->kind->write(s, "{2}\n", 4, &taken), -EPIPE);
	s->kind->close(s);
	close(writer);
}

static void test_pipe_that_stalls(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	check_stall(ends[0], ends[1]);
}

/* Standard output is a socket under systemd. */
static void test_socket_that_stalls(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	check_stall(ends[0], ends[1]);
}

static void test_stdout_is_a_file(void **state)
{
	(void)state;
	char path[] = "/tmp/weir-stream-test-XXXXXX";
	char got[16] = { 0 };
	size_t taken;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "before\n", 7), 7);
	struct sink *s = open_as_stdout(fd);
	assert_int_equal(s->kind->write(s, "{1}\n", 4, &taken), 0);
	assert_int_equal(s->kind->reopen(s), 0); /* must not empty or replace it */
	s->kind->close(s);
	assert_int_equal(pread(fd, got, sizeof got - 1, 0), 11);
	assert_string_equal(got, "before\n{1}\n");
	close(fd);
	unlink(path);
}

static void test_named_pipe(void **state)
{
	(void)state;
	char folder[] = "/tmp/weir-stream-test-XXXXXX";
	char path[64];
	char got[5] = { 0 };
	size_t taken;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	struct sink *s = open_it(path); /* no reader yet: opening does not wait for one */
	int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	assert_int_equal(s->kind->write(s, "{1}\n", 4, &taken), 0);
	assert_int_equal(read(reader, got, 4), 4);
	fill(s);
	s->kind->close(s);
	close(reader);
	unlink(path);
	rmdir(folder);
}

static void test_devices(void **state)
{
	(void)state;
	size_t taken = 1;
	struct sink *s = open_it("/dev/null");
	assert_int_equal(s->kind->write(s, "{1}\n", 4, &taken), 0);
	assert_int_equal(taken, 4);
	s->kind->close(s);
	s = open_it("/dev/full");
	assert_int_equal(s->kind->write(s, "{1}\n", 4, &taken), -ENOSPC);
	assert_int_equal(taken, 0);
	s->kind->close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipe_that_stalls), cmocka_unit_test(test_socket_that_stalls),
		cmocka_unit_test(test_stdout_is_a_file), cmocka_unit_test(test_named_pipe),
		cmocka_unit_test(test_devices),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
