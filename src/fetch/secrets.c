/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int read_file(const char *path, char *ret_text, size_t room, size_t *ret_n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, ret_text, room);
	int e = n < 0 ? -errno : (size_t)n == room ? -EFBIG : 0;
	close(fd);
	if (e == 0)
		*ret_n = (size_t)n;
	return e;
}

static bool is_header(const char *line, size_t n)
{
	static const char never[] = " \t\r\n\"(),/;<=>?@[\\]{}";
	const char *colon = memchr(line, ':', n);
	if (colon == NULL || colon == line || memchr(line, 0, n) != NULL)
		return false;
	for (const char *c = line; c < colon; c++) {
		if (strchr(never, *c) != NULL)
			return false;
	}
	return true;
}

static int take_line(char *line, size_t n, struct curl_slist **list)
{
	while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	line[n] = 0;
	if (n == 0 || line[0] == '#')
		return 0;
	if (!is_header(line, n))
		return -EBADMSG;
	struct curl_slist *more = curl_slist_append(*list, line);
	if (more == NULL)
		return -ENOMEM;
	*list = more;
	return 0;
}

int secrets_read(const char *path, struct curl_slist **ret, char *ret_why, size_t room)
{
	char text[SECRETS_MAX_BYTES + 1];
	size_t n = 0, at = 0;
	unsigned n_line = 0, n_headers = 0;
	struct curl_slist *list = NULL;
	*ret = NULL;
	if (path == NULL)
		return 0;
	int e = read_file(path, text, SECRETS_MAX_BYTES, &n);
	if (e != 0) {
		snprintf(ret_why, room, "the header-file %.200s cannot be read: %s", path,
		         strerrordesc_np(-e));
		return e;
	}
	while (at < n && e == 0) {
		char *lf = memchr(text + at, '\n', n - at);
		size_t len = lf != NULL ? (size_t)(lf - (text + at)) : n - at;
		n_line++;
		e = take_line(text + at, len, &list);
		at += len + 1;
		if (list != NULL && ++n_headers > 8 * FETCH_MAX_HEADERS)
			e = -EBADMSG;
	}
	explicit_bzero(text, sizeof text);
	if (e == 0) {
		*ret = list;
		return 0;
	}
	curl_slist_free_all(list);
	snprintf(ret_why, room, "the header-file %.200s: line %u is no \"NAME: VALUE\"", path,
	         n_line);
	return e;
}
