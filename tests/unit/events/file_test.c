/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "events/sink.h"

static char folder[64];
static char path[128];

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/weir-file-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/events.json", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	char name[160];
	unlink(path);
	for (unsigned i = 1; i < 10; i++) {
		snprintf(name, sizeof name, "%s.%u", path, i);
		unlink(name);
	}
	return rmdir(folder);
}

static struct sink *open_it(uint64_t max_bytes, unsigned keep)
{
	struct events_config config = { .path = path, .max_bytes = max_bytes, .keep = keep };
	struct sink *s = NULL;
	assert_int_equal(sink_open(&config, &s), 0);
	assert_ptr_equal(s->kind, &sink_file);
	return s;
}

static size_t give(struct sink *s, const char *lines, int expected)
{
	size_t taken = 12345;
	assert_int_equal(s->kind->write(s, lines, strlen(lines), &taken), expected);
	return taken;
}

static void expect(unsigned number, const char *content)
{
	char name[160];
	char bytes[4096] = { 0 };
	snprintf(name, sizeof name, number == 0 ? "%s" : "%s.%u", path, number);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (content == NULL) {
		assert_int_equal(fd, -1);
		return;
	}
	assert_true(fd >= 0);
	assert_true(read(fd, bytes, sizeof bytes - 1) >= 0);
	close(fd);
	assert_string_equal(bytes, content);
}

static void write_file(const char *content, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, n), n);
	close(fd);
}

static void test_appends(void **state)
{
	(void)state;
	struct stat st;
	write_file("{old}\n", 6);
	struct sink *s = open_it(0, 0);
	assert_int_equal(give(s, "{a}\n{b}\n", 0), 8);
	s->kind->close(s);
	expect(0, "{old}\n{a}\n{b}\n");
	unlink(path);
	s = open_it(0, 0);
	s->kind->close(s);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07, 0); /* not for others to read */
}

static void test_mends_what_a_crash_left(void **state)
{
	(void)state;
	write_file("{whole}\n{cut", 12);
	struct sink *s = open_it(0, 0);
	give(s, "{next}\n", 0);
	s->kind->close(s);
	expect(0, "{whole}\n{next}\n");
	write_file("{cut", 4); /* the very first line */
	s = open_it(0, 0);
	give(s, "{next}\n", 0);
	s->kind->close(s);
	expect(0, "{next}\n");
}

/* A big file without lines is somebody else's: nothing of it is cut off. */
static void test_does_not_cut_foreign_files(void **state)
{
	(void)state;
	enum {
		BYTES = 400 * 1024
	};
	char *bytes = malloc(BYTES);
	struct stat st;
	assert_non_null(bytes);
	memset(bytes, 'x', BYTES);
	write_file(bytes, BYTES);
	free(bytes);
	struct sink *s = open_it(0, 0);
	give(s, "{next}\n", 0);
	s->kind->close(s);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, BYTES + 1 + 7);
}

static void test_rotates(void **state)
{
	(void)state;
	struct sink *s = open_it(12, 2);
	assert_int_equal(give(s, "{1}\n{2}\n{3}\n", 0), 12);
	expect(0, "{1}\n{2}\n{3}\n");
	expect(1, NULL);
	give(s, "{4}\n", 0);
	expect(0, "{4}\n");
	expect(1, "{1}\n{2}\n{3}\n");
	/* One batch may fill several files; lines are never cut in two. */
	give(s, "{5}\n{6}\n{7}\n{8}\n{9}\n", 0);
	expect(0, "{7}\n{8}\n{9}\n");
	expect(1, "{4}\n{5}\n{6}\n");
	expect(2, "{1}\n{2}\n{3}\n");
	give(s, "{a line longer than the cap}\n{x}\n", 0);
	expect(0, "{x}\n");
	expect(1, "{a line longer than the cap}\n");
	expect(2, "{7}\n{8}\n{9}\n");
	expect(3, NULL);
	assert_int_equal(s->rotations, 4);
	s->kind->close(s);
}

static void test_keeps_none(void **state)
{
	(void)state;
	struct sink *s = open_it(8, 0);
	give(s, "{1}\n{2}\n{3}\n", 0);
	expect(0, "{3}\n");
	expect(1, NULL);
	s->kind->close(s);
}

static void test_reopens(void **state)
{
	(void)state;
	char moved[160];
	struct sink *s = open_it(0, 3);
	give(s, "{1}\n", 0);
	snprintf(moved, sizeof moved, "%s.1", path); /* as logrotate does */
	assert_int_equal(rename(path, moved), 0);
	give(s, "{2}\n", 0);
	assert_int_equal(s->kind->reopen(s), 0);
	give(s, "{3}\n", 0);
	expect(1, "{1}\n{2}\n");
	expect(0, "{3}\n");
	assert_int_equal(truncate(path, 0), 0); /* as its copytruncate does */
	give(s, "{4}\n", 0);
	expect(0, "{4}\n");
	s->kind->close(s);
}

/* The size limit of a process stands for a full disk: it too takes a part of a write. */
static void test_full_leaves_whole_lines(void **state)
{
	(void)state;
	struct rlimit before;
	struct sink *s = open_it(0, 0);
	getrlimit(RLIMIT_FSIZE, &before);
	struct rlimit tight = { .rlim_cur = 10, .rlim_max = before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &tight);
	assert_int_equal(give(s, "{1}\n{2}\n{3}\n{4}\n", -EFBIG), 8);
	expect(0, "{1}\n{2}\n");
	assert_int_equal(give(s, "{3}\n", -EFBIG), 0);
	expect(0, "{1}\n{2}\n");
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(give(s, "{3}\n{4}\n", 0), 8);
	expect(0, "{1}\n{2}\n{3}\n{4}\n");
	s->kind->close(s);
}

/* A real full disk, where the test may mount one: 64 KiB. */
static void test_full_disk(void **state)
{
	(void)state;
	char line[512];
	if (mount("weir-test", folder, "tmpfs", 0, "size=64k") != 0) {
		print_message("skipped: no right to mount a tmpfs\n");
		skip();
	}
	struct sink *s = open_it(0, 0);
	memset(line, 'x', sizeof line);
	line[499] = '\n';
	line[500] = 0;
	size_t taken = 500;
	unsigned n = 0;
	int e = 0;
	while (e == 0 && n < 1000) {
		e = s->kind->write(s, line, 500, &taken);
		n++;
	}
	struct stat st;
	assert_int_equal(fstat(s->fd, &st), 0);
	off_t size = st.st_size;
	int umount_error = 0;
	assert_int_equal(ftruncate(s->fd, 0), 0);
	int e_after = s->kind->write(s, line, 500, &taken);
	s->kind->close(s);
	umount_error = umount(folder);
	assert_int_equal(umount_error, 0);
	assert_int_equal(e, -ENOSPC);
	assert_int_equal(size % 500, 0);
	assert_true(size > 60000);
	assert_int_equal(e_after, 0);
}

/* Killed while it writes and rotates: every file has whole lines, after mending the last. */
static void test_kill_9(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 8; round++) {
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			struct sink *s = open_it(5000, 3);
			for (unsigned i = 0;; i++) {
				char lines[900];
				size_t taken;
				int n = snprintf(lines, sizeof lines, "{%0*u}\n{%u}\n",
				                 (int)(i % 700) + 1, i, i);
				if (s->kind->write(s, lines, (size_t)n, &taken) != 0)
					_exit(1);
			}
		}
		usleep(3000 + 1700 * round);
		kill(child, SIGKILL);
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		struct sink *s = open_it(5000, 3);
		s->kind->close(s);
		for (unsigned number = 0; number <= 3; number++) {
			char name[160];
			char line[2048];
			snprintf(name, sizeof name, number == 0 ? "%s" : "%s.%u", path, number);
			FILE *f = fopen(name, "re");
			if (f == NULL)
				continue;
			while (fgets(line, sizeof line, f) != NULL) {
				size_t n = strlen(line);
				assert_true(line[0] == '{' && n > 2);
				assert_string_equal(line + n - 2, "}\n");
			}
			fclose(f);
		}
	}
}

static void test_cannot_open(void **state)
{
	(void)state;
	struct sink *s = NULL;
	struct events_config config = { .path = "/nonexistent/events.json" };
	assert_int_equal(sink_open(&config, &s), -ENOENT);
	assert_null(s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_appends),
		T(test_mends_what_a_crash_left),
		T(test_does_not_cut_foreign_files),
		T(test_rotates),
		T(test_keeps_none),
		T(test_reopens),
		T(test_full_leaves_whole_lines),
		T(test_full_disk),
		T(test_kill_9),
		cmocka_unit_test(test_cannot_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
