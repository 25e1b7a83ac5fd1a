/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a file: plain, gzip or xz.
 *
 * Properties: it ends; text of plain files is split as a simple model of a few lines splits it;
 * no line holds an LF or a CR; what is read stays below the limit (and one buffer).
 */
#include "feeds/reader.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum {
	TEXT_MAX = 1 << 20
};

static bool is_plain(const uint8_t *data, size_t n)
{
	/* Everything that reader.c gives a meaning to begins with one of these. */
	return n == 0 || memchr("\x1f\xfd\x28"
	                        "BP7\x04\xff\xfe",
	                        data[0], 9) == NULL;
}

/* The model: the line at `at` and where the next begins. */
static size_t model_line(const uint8_t *data, size_t n, size_t at, size_t *ret_len)
{
	size_t end = at;
	while (end < n && data[end] != '\n' && data[end] != '\r')
		end++;
	*ret_len = end - at;
	if (end + 1 < n && data[end] == '\r' && data[end + 1] == '\n')
		return end + 2;
	return end < n ? end + 1 : end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char path[64];
	struct reader *r;
	const char *why, *line;
	size_t len, at = 0, expected;
	int fd = memfd_create("reader_fuzz", MFD_CLOEXEC);
	must(fd >= 0);
	must(write(fd, data, n) == (ssize_t)n);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	must(reader_open(path, TEXT_MAX, &r, &why) == 0);
	bool has_model = is_plain(data, n) && n < TEXT_MAX;
	if (n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
		at = 3;
	enum reader_got got;
	uint64_t lines = 0;
	while ((got = reader_next(r, &line, &len)) == READER_LINE || got == READER_LONG) {
		must(reader_line(r) == ++lines);
		must(len <= READER_LINE_MAX);
		must(memchr(line, '\n', len) == NULL && memchr(line, '\r', len) == NULL);
		if (!has_model)
			continue;
		size_t next = model_line(data, n, at, &expected);
		must(got == READER_LONG ? expected > READER_LINE_MAX && len <= READER_HEAD
		                        : len == expected);
		must(memcmp(line, data + at, len) == 0);
		at = next;
	}
	if (has_model)
		must(got == READER_END && at == n);
	if (got == READER_FAILED)
		must(reader_error(r, &why) < 0 && why != NULL);
	must(reader_bytes(r) <= TEXT_MAX + 2ULL * READER_LINE_MAX);
	reader_close(r);
	close(fd);
	return 0;
}
