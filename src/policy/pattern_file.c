/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/pattern_file.c - a set of patterns to a file and back.
 *
 * Tests:     tests/unit/policy/pattern_set_test.c, tests/fuzz/pattern_set_fuzz.c
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/disk.h"
#include "policy/pattern_set.h"

enum {
	FILE_VERSION = 1,
};

static const uint8_t magic[8] = { 'W', 'E', 'I', 'R', 'P', 'A', 'T', '\n' };

struct file_header {
	uint8_t magic[8];
	uint32_t version;
	uint32_t n_lists;
	uint64_t rules_bytes, database_bytes;
	uint64_t checksum; /* of the header with 0 here, and of all behind it */
};

struct pieces {
	struct file_header h;
	char (*lists)[POLICY_LIST_NAME_MAX + 1];
	uint8_t *rules, *database;
};

static uint64_t seal(const struct pieces *f)
{
	struct file_header h = f->h;
	h.checksum = 0;
	uint64_t sum = XXH3_64bits(&h, sizeof h);
	sum = XXH3_64bits_withSeed(f->lists, h.n_lists * sizeof *f->lists, sum);
	sum = XXH3_64bits_withSeed(f->rules, h.rules_bytes, sum);
	return XXH3_64bits_withSeed(f->database, h.database_bytes, sum);
}

int policy_pattern_set_write(const struct policy_pattern_set *s, const char *path)
{
	size_t n = 0;
	struct pieces f = { .lists = s->lists, .rules = s->bytes };
	int e = patterns_serialise(s->patterns, &f.database, &n);
	if (e != 0)
		return e;
	f.h = (struct file_header){
		.version = FILE_VERSION,
		.n_lists = s->n_lists,
		.rules_bytes = s->n_bytes,
		.database_bytes = n,
	};
	memcpy(f.h.magic, magic, sizeof magic);
	f.h.checksum = seal(&f);
	int fd = disk_create_beside(path, 0600);
	e = fd < 0 ? fd : disk_write(fd, &f.h, sizeof f.h);
	if (e == 0)
		e = disk_write(fd, f.lists, s->n_lists * sizeof *f.lists);
	if (e == 0)
		e = disk_write(fd, f.rules, s->n_bytes);
	if (e == 0)
		e = disk_write(fd, f.database, n);
	if (e == 0)
		e = disk_replace(fd, path);
	else if (fd >= 0)
		disk_abandon(fd, path);
	free(f.database);
	return e;
}

/* n bytes and a NUL behind them, or NULL. */
static void *read_piece(int fd, size_t n, int *e)
{
	uint8_t *bytes = *e == 0 ? calloc(n + 1, 1) : NULL;
	if (*e == 0 && bytes == NULL)
		*e = -ENOMEM;
	for (size_t at = 0; *e == 0 && at < n;) {
		ssize_t got = read(fd, bytes + at, n - at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			*e = got < 0 ? -errno : -EBADMSG;
		else
			at += (size_t)got;
	}
	return bytes;
}

static bool header_is_good(const struct file_header *h, off_t size)
{
	return memcmp(h->magic, magic, sizeof magic) == 0 && h->version == FILE_VERSION &&
	       h->n_lists <= POLICY_MAX_LISTS && h->rules_bytes <= PATTERN_RULES_BYTES &&
	       h->database_bytes <= PATTERNS_DATABASE_MAX &&
	       sizeof *h + h->n_lists * (uint64_t)(POLICY_LIST_NAME_MAX + 1) + h->rules_bytes +
	                       h->database_bytes ==
	               (uint64_t)size;
}

static int read_pieces(int fd, struct pieces *f)
{
	struct stat st;
	int e = 0;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    read(fd, &f->h, sizeof f->h) != (ssize_t)sizeof f->h ||
	    !header_is_good(&f->h, st.st_size))
		return -EBADMSG;
	f->lists = read_piece(fd, f->h.n_lists * sizeof *f->lists, &e);
	f->rules = read_piece(fd, f->h.rules_bytes, &e);
	f->database = read_piece(fd, f->h.database_bytes, &e);
	if (e != 0)
		return e;
	for (uint32_t i = 0; i < f->h.n_lists; i++) {
		if (f->lists[i][POLICY_LIST_NAME_MAX] != 0)
			return -EBADMSG;
	}
	return seal(f) == f->h.checksum ? 0 : -EBADMSG;
}

/* A set whose database is of elsewhere. Only what was good then is good now. */
static int build_anew(struct policy_pattern_set *s)
{
	struct pattern_dropped *faults = calloc(s->n + 1U, sizeof *faults);
	char why[POLICY_PATTERN_WHY_MAX];
	int e = faults == NULL ? -ENOMEM : 0;
	for (uint32_t i = 0; e == 0 && i < s->n; i++) {
		if (s->rules[i].is_dropped)
			faults[i].fault = POLICY_PATTERN_BUDGET;
		else if (policy_pattern_check(s->rules[i].regex, why) != POLICY_PATTERN_GOOD)
			e = -EBADMSG;
	}
	if (e == 0)
		e = pattern_set_build(s, faults);
	for (uint32_t i = 0; e == 0 && i < s->n; i++) {
		if (faults[i].fault != POLICY_PATTERN_GOOD && !s->rules[i].is_dropped)
			e = -EBADMSG; /* the lists are to be read again, and what is missing told */
	}
	free(faults);
	return e == 0 && s->patterns == NULL ? -EBADMSG : e;
}

int policy_pattern_set_read(const char *path, uint64_t key, struct policy_pattern_set **ret)
{
	struct pieces f = { .lists = NULL };
	struct policy_pattern_set *s = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : -EBADMSG;
	int e = read_pieces(fd, &f);
	close(fd);
	if (e == 0)
		e = pattern_set_new(f.lists, f.h.n_lists, f.rules, f.h.rules_bytes, &s);
	if (e == 0)
		e = key != 0 && key != s->key ? -EBADMSG : 0;
	if (e == 0) {
		e = patterns_new(f.database, f.h.database_bytes, &s->patterns);
		if (e == -EBADMSG)
			e = build_anew(s);
	}
	if (s == NULL) {
		free(f.lists);
		free(f.rules);
	}
	free(f.database);
	if (e != 0) {
		policy_pattern_set_put(s);
		return e;
	}
	*ret = s;
	return 0;
}
