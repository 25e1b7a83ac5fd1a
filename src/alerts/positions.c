/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "alerts/positions.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "alerts/spool.h"
#include "base/disk.h"

enum {
	SUM_BYTES = 9, /* eight digits and a blank */
	FILE_MODE = 0640,
};

/* A number that was never given is none. */
static uint64_t number_in(const json_t *o, const char *member)
{
	json_int_t n = json_integer_value(json_object_get(o, member));
	return n > 0 && (uint64_t)n <= SPOOL_SEQ_MAX ? (uint64_t)n : 0;
}

static void read_destinations(const json_t *list, struct positions *p)
{
	for (size_t i = 0; i < json_array_size(list) && p->n < ALERTS_MAX; i++) {
		const json_t *o = json_array_get(list, i);
		const char *name = json_string_value(json_object_get(o, "name"));
		struct position *at = &p->at[p->n];
		if (name == NULL || strlen(name) > ALERTS_NAME_MAX)
			continue;
		*at = (struct position){ .next = number_in(o, "next"),
			                 .sent = number_in(o, "sent"),
			                 .lost = number_in(o, "lost"),
			                 .refused = number_in(o, "refused") };
		memcpy(at->name, name, strlen(name) + 1);
		p->n++;
	}
}

static bool parse_slot(const char *slot, struct positions *ret)
{
	char sum[SUM_BYTES + 1];
	const char *end = memchr(slot, 0, POSITIONS_SLOT);
	if (end == NULL || end - slot <= SUM_BYTES)
		return false;
	const char *text = slot + SUM_BYTES;
	size_t n = (size_t)(end - text);
	snprintf(sum, sizeof sum, "%08" PRIx32 " ",
	         (uint32_t)crc32(crc32(0, NULL, 0), (const Bytef *)text, (uInt)n));
	if (memcmp(slot, sum, SUM_BYTES) != 0)
		return false;
	json_t *o = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(o)) {
		json_decref(o);
		return false;
	}
	*ret = (struct positions){ .generation = number_in(o, "generation"),
		                   .next = number_in(o, "next"),
		                   .put = number_in(o, "put"),
		                   .lost = number_in(o, "lost") };
	read_destinations(json_object_get(o, "destinations"), ret);
	json_decref(o);
	return true;
}

bool positions_parse(const char *bytes, size_t n, struct positions *ret)
{
	struct positions other;
	bool is_good = false;
	memset(ret, 0, sizeof *ret);
	for (size_t at = 0; at + POSITIONS_SLOT <= n && at < POSITIONS_BYTES;
	     at += POSITIONS_SLOT) {
		if (!parse_slot(bytes + at, &other) ||
		    (is_good && other.generation <= ret->generation))
			continue;
		*ret = other;
		is_good = true;
	}
	return is_good;
}

int positions_slot(const struct positions *p, char ret[POSITIONS_SLOT])
{
	json_t *list = json_array();
	for (unsigned i = 0; i < p->n; i++) {
		const struct position *at = &p->at[i];
		json_array_append_new(
			list, json_pack("{s:s, s:I, s:I, s:I, s:I}", "name", at->name, "next",
		                        (json_int_t)at->next, "sent", (json_int_t)at->sent, "lost",
		                        (json_int_t)at->lost, "refused", (json_int_t)at->refused));
	}
	json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:o}", "generation", (json_int_t)p->generation,
	                      "next", (json_int_t)p->next, "put", (json_int_t)p->put, "lost",
	                      (json_int_t)p->lost, "destinations", list);
	memset(ret, 0, POSITIONS_SLOT);
	size_t n = o != NULL ? json_dumpb(o, ret + SUM_BYTES, POSITIONS_SLOT - SUM_BYTES - 1,
	                                  JSON_COMPACT)
	                     : 0;
	json_decref(o);
	if (n == 0 || n > POSITIONS_SLOT - SUM_BYTES - 1)
		return -ENOMEM;
	char sum[SUM_BYTES + 1];
	snprintf(sum, sizeof sum, "%08" PRIx32 " ",
	         (uint32_t)crc32(crc32(0, NULL, 0), (const Bytef *)ret + SUM_BYTES, (uInt)n));
	memcpy(ret, sum, SUM_BYTES);
	return 0;
}

/* All of its room is taken now, while there is some. */
static int make_file(int fd)
{
	static const char nothing[POSITIONS_BYTES];
	if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0)
		return -errno;
	int e = disk_write(fd, nothing, sizeof nothing);
	if (e == 0 && fdatasync(fd) != 0)
		e = -errno;
	return e;
}

int positions_open(const char *path, struct positions *ret)
{
	char bytes[POSITIONS_BYTES];
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	memset(ret, 0, sizeof *ret);
	if (fd < 0)
		return -errno;
	ssize_t n = pread(fd, bytes, sizeof bytes, 0);
	if (n > 0)
		(void)positions_parse(bytes, (size_t)n, ret);
	int e = n == (ssize_t)sizeof bytes ? 0 : make_file(fd);
	if (e != 0) {
		close(fd);
		return e;
	}
	return fd;
}

int positions_save(int fd, struct positions *p)
{
	char slot[POSITIONS_SLOT];
	p->generation++;
	int e = positions_slot(p, slot);
	off_t at = p->generation % 2 == 0 ? 0 : POSITIONS_SLOT;
	for (size_t done = 0; done < sizeof slot && e == 0;) {
		ssize_t n = pwrite(fd, slot + done, sizeof slot - done, at + (off_t)done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			e = n == 0 ? -EIO : -errno;
	}
	return e;
}
