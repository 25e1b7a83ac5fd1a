/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/owners.h"

#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct owners {
	MMDB_s db;
};

/* Somebody may write into the file, or cut it off, while it is mapped: a copy nobody touches. */
static int copy_file(const char *path)
{
	static char bytes[1 << 16];
	size_t all = 0;
	ssize_t n = 0;
	int from = open(path, O_RDONLY | O_CLOEXEC);
	int e = from < 0 ? -errno : 0;
	int to = e == 0 ? memfd_create("owners", MFD_CLOEXEC) : -1;
	if (e == 0 && to < 0)
		e = -errno;
	while (e == 0 && (n = read(from, bytes, sizeof bytes)) != 0) {
		if (n < 0) {
			e = errno == EINTR ? 0 : -errno;
			continue;
		}
		all += (size_t)n;
		for (ssize_t done = 0, k; e == 0 && done < n; done += k) {
			k = write(to, bytes + done, (size_t)(n - done));
			if (k < 0)
				e = -errno;
		}
		if (e == 0 && all > OWNERS_MAX_BYTES)
			e = -EFBIG;
	}
	if (from >= 0)
		close(from);
	if (e != 0 && to >= 0)
		close(to);
	return e != 0 ? e : to;
}

int owners_open(const char *path, struct owners **ret)
{
	char copy[64];
	int fd = copy_file(path);
	if (fd < 0)
		return fd;
	struct owners *o = calloc(1, sizeof *o);
	if (o == NULL) {
		close(fd);
		return -ENOMEM;
	}
	snprintf(copy, sizeof copy, "/proc/self/fd/%d", fd);
	int status = MMDB_open(copy, MMDB_MODE_MMAP, &o->db);
	close(fd);
	if (status != MMDB_SUCCESS) {
		free(o);
		return status == MMDB_OUT_OF_MEMORY_ERROR ? -ENOMEM : -EBADMSG;
	}
	*ret = o;
	return 0;
}

void owners_free(struct owners *o)
{
	if (o == NULL)
		return;
	MMDB_close(&o->db);
	free(o);
}

/* "AS64500" and "64500", too. */
static uint32_t number_of_text(const MMDB_entry_data_s *d)
{
	const char *at = d->utf8_string;
	uint32_t n = d->data_size, number = 0;
	if (n > 2 && strncasecmp(at, "AS", 2) == 0) {
		at += 2;
		n -= 2;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (at[i] < '0' || at[i] > '9' || number > UINT32_MAX / 10 - 1)
			return 0;
		number = number * 10 + (uint32_t)(at[i] - '0');
	}
	return number;
}

static uint32_t number_of(const MMDB_entry_data_s *d)
{
	if (!d->has_data)
		return 0;
	switch (d->type) {
	case MMDB_DATA_TYPE_UINT32:
		return d->uint32;
	case MMDB_DATA_TYPE_UINT16:
		return d->uint16;
	case MMDB_DATA_TYPE_UTF8_STRING:
		return number_of_text(d);
	default:
		return 0;
	}
}

uint32_t owners_number(const struct owners *o, const uint8_t *bytes, bool is_v4)
{
	static const char *const paths[][2] = {
		{ "autonomous_system_number", NULL }, /* GeoLite2, DB-IP */
		{ "asn", NULL },                      /* IPinfo */
	};
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	int error;
	if (is_v4)
		memcpy(&four.sin_addr, bytes, 4);
	else
		memcpy(&six.sin6_addr, bytes, 16);
	if (!is_v4 && o->db.metadata.ip_version == 4)
		return 0;
	MMDB_lookup_result_s found = MMDB_lookup_sockaddr(
		&o->db, is_v4 ? (struct sockaddr *)&four : (struct sockaddr *)&six, &error);
	for (unsigned i = 0; error == MMDB_SUCCESS && found.found_entry && i < 2; i++) {
		MMDB_entry_data_s d;
		uint32_t number = 0;
		if (MMDB_aget_value(&found.entry, &d, paths[i]) == MMDB_SUCCESS)
			number = number_of(&d);
		if (number != 0)
			return number;
	}
	return 0;
}
