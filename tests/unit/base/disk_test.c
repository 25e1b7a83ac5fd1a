/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], path[80], beside[96], elsewhere[96];

static int start(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/weir-disk-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/file", folder);
	snprintf(beside, sizeof beside, "%s.new", path);
	snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", folder);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	unlink(path);
	unlink(beside);
	unlink(elsewhere);
	return rmdir(folder);
}

static void holds(const char *expected)
{
	char *text;
	size_t n;
	assert_int_equal(disk_read(path, 100, &text, &n), 0);
	assert_int_equal(n, strlen(expected));
	assert_string_equal(text, expected);
	free(text);
}

static void saved_and_read(void **state)
{
	(void)state;
	struct stat st;
	assert_int_equal(disk_save(path, "one", 3, 0640), 0);
	holds("one");
	assert_int_equal(disk_save(path, "", 0, 0600), 0);
	holds("");
	assert_int_equal(disk_save(path, "two\n", 4, 0600), 0);
	holds("two\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(beside, &st), -1);
}

static void piece_by_piece(void **state)
{
	(void)state;
	struct stat st;
	int fd = disk_create_beside(path, 0600);
	assert_true(fd >= 0);
	assert_int_equal(disk_write(fd, "ab", 2), 0);
	assert_int_equal(disk_write(fd, "c", 1), 0);
	assert_int_equal(disk_replace(fd, path), 0);
	holds("abc");
	fd = disk_create_beside(path, 0600);
	assert_true(fd >= 0);
	assert_int_equal(disk_write(fd, "x", 1), 0);
	disk_abandon(fd, path);
	holds("abc");
	assert_int_equal(stat(beside, &st), -1);
	assert_int_equal(disk_sync_folder(path), 0);
	assert_int_equal(disk_sync_folder("/nonexistent/file"), -ENOENT);
}

static void what_is_not_read(void **state)
{
	(void)state;
	char *text;
	size_t n;
	assert_int_equal(disk_read(path, 100, &text, &n), -ENOENT);
	assert_int_equal(disk_read(folder, 100, &text, &n), -EISDIR);
	assert_int_equal(disk_save(path, "12345", 5, 0600), 0);
	assert_int_equal(disk_read(path, 4, &text, &n), -EFBIG);
	assert_int_equal(disk_read(path, 5, &text, &n), 0);
	free(text);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(disk_read(path, 100, &text, &n), -EINVAL); /* and at once */
}

static void the_old_one_stands(void **state)
{
	(void)state;
	struct stat st;
	char longest[5000];
	assert_int_equal(disk_save(path, "old", 3, 0600), 0);
	assert_int_equal(mkdir(beside, 0700), 0);
	assert_int_equal(disk_save(path, "new", 3, 0600), -EISDIR);
	holds("old");
	rmdir(beside);
	/* A link planted there is not followed. */
	assert_int_equal(symlink(elsewhere, beside), 0);
	assert_int_equal(disk_save(path, "new", 3, 0600), -ELOOP);
	assert_int_equal(stat(elsewhere, &st), -1);
	holds("old");
	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = 0;
	assert_int_equal(disk_save(longest, "new", 3, 0600), -ENAMETOOLONG);
}

/* A large file that is brought to the disk and let go of in pieces is whole; a dropped one is gone. */
static void large_files(void **state)
{
	(void)state;
	enum {
		PIECES = 5
	};
	static char piece[DISK_PIECE], found[DISK_PIECE];
	struct stat st;
	int fd = disk_create_beside(path, 0600);
	assert_true(fd >= 0);
	for (int i = 0; i < PIECES; i++) {
		memset(piece, 'a' + i, sizeof piece);
		assert_int_equal(disk_write(fd, piece, sizeof piece), 0);
		disk_settle(fd, (off_t)i * DISK_PIECE, sizeof piece);
		disk_forget(fd, (off_t)i * DISK_PIECE, sizeof piece);
	}
	assert_int_equal(disk_replace(fd, path), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < PIECES; i++) {
		memset(piece, 'a' + i, sizeof piece);
		assert_int_equal(read(fd, found, sizeof found), sizeof found);
		assert_memory_equal(found, piece, sizeof found);
	}
	const void *mapped =
		mmap(NULL, (PIECES - 1) * DISK_PIECE + 1, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(mapped != MAP_FAILED);
	disk_unmap(mapped, (PIECES - 1) * DISK_PIECE + 1);
	assert_int_equal(msync((void *)(uintptr_t)mapped, 1, MS_ASYNC), -1); /* nothing is there */
	disk_drop(fd); /* it has a name: it stays as it is */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, (off_t)PIECES * DISK_PIECE);
	for (int is_writable = 0; is_writable < 2; is_writable++) {
		assert_int_equal(disk_save(path, piece, sizeof piece, 0600), 0);
		fd = open(path, (is_writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
		assert_int_equal(unlink(path), 0);
		disk_drop(fd);
		assert_int_equal(fstat(fd, &st), -1);
		assert_int_equal(errno, EBADF);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(saved_and_read, start, stop),
		cmocka_unit_test_setup_teardown(piece_by_piece, start, stop),
		cmocka_unit_test_setup_teardown(what_is_not_read, start, stop),
		cmocka_unit_test_setup_teardown(the_old_one_stands, start, stop),
		cmocka_unit_test_setup_teardown(large_files, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
