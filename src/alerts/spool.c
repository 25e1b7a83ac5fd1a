/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "alerts/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/disk.h"

enum {
	SEGMENT_MIN = 16 * 1024,
	SEGMENT_MAX = 1024 * 1024,
	PATH_ROOM = 4200,
	FILE_MODE = 0640, /* who did what is nobody else's business */
};

static const char suffix[] = ".alerts";

struct segment {
	uint64_t first; /* the number in its name */
	uint64_t bytes; /* in whole lines */
};

/* A line that is not on the disk. */
struct waiting {
	struct waiting *next;
	uint64_t seq;
	enum alert_severity severity;
	size_t n; /* with its head and end */
	char line[];
};

struct spool {
	char *dir; /* NULL: memory only */
	uint64_t max_bytes, segment_bytes, bytes;
	struct segment segments[SPOOL_SEGMENTS_MAX];
	unsigned n_segments;
	int fd; /* of the last one; -1 */
	uint64_t next, n_bad;
	bool is_dirty, is_torn;
	int error;
	struct waiting *tail, **tail_end;
	size_t tail_bytes;
	unsigned n_tail;
};

/* ---- lines ---- */

static uint32_t checksum(const char *head, const char *rest, size_t n)
{
	uLong c = crc32(crc32(0, NULL, 0), (const Bytef *)head, 16);
	return (uint32_t)crc32(c, (const Bytef *)rest, (uInt)n);
}

size_t spool_line(uint64_t seq, enum alert_severity severity, const char *json, size_t n, char *ret)
{
	char sum[10];
	snprintf(ret, SPOOL_HEAD + 1, "%016" PRIx64 " 00000000 %u ", seq, (unsigned)severity);
	memcpy(ret + SPOOL_HEAD, json, n);
	snprintf(sum, sizeof sum, "%08" PRIx32, checksum(ret, ret + 26, n + 2));
	memcpy(ret + 17, sum, 8);
	ret[SPOOL_HEAD + n] = '\n';
	ret[SPOOL_HEAD + n + 1] = 0;
	return SPOOL_HEAD + n + 1;
}

static bool hex_from_text(const char *text, size_t n, uint64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
		                 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
		                                        : 16;
		if (digit == 16)
			return false;
		*ret = *ret << 4 | digit;
	}
	return true;
}

bool spool_parse(const char *line, size_t n, uint64_t *ret_seq, enum alert_severity *ret_severity)
{
	uint64_t seq, sum;
	if (n <= SPOOL_HEAD || n > ALERTS_LINE_MAX || line[16] != ' ' || line[25] != ' ' ||
	    line[27] != ' ' || line[26] < '0' || line[26] > '0' + ALERT_CRITICAL ||
	    !hex_from_text(line, 16, &seq) || seq > SPOOL_SEQ_MAX ||
	    !hex_from_text(line + 17, 8, &sum) || checksum(line, line + 26, n - 26) != sum)
		return false;
	*ret_seq = seq;
	*ret_severity = (enum alert_severity)(line[26] - '0');
	return true;
}

/* ---- files ---- */

static void path_of(const struct spool *s, uint64_t first, char ret[PATH_ROOM])
{
	snprintf(ret, PATH_ROOM, "%s/%016" PRIx64 "%s", s->dir, first, suffix);
}

static int compare_segments(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;
	return (x->first > y->first) - (x->first < y->first);
}

static int find_segments(struct spool *s)
{
	DIR *d = opendir(s->dir);
	if (d == NULL)
		return -errno;
	for (const struct dirent *f; (f = readdir(d)) != NULL;) {
		uint64_t first;
		if (strlen(f->d_name) == 16 + sizeof suffix - 1 &&
		    strcmp(f->d_name + 16, suffix) == 0 && hex_from_text(f->d_name, 16, &first) &&
		    first <= SPOOL_SEQ_MAX && s->n_segments < SPOOL_SEGMENTS_MAX)
			s->segments[s->n_segments++] = (struct segment){ .first = first };
	}
	closedir(d);
	qsort(s->segments, s->n_segments, sizeof s->segments[0], compare_segments);
	return 0;
}

/* Count the lines of a segment. What stands behind its last line end was never written whole. */
static int read_segment(struct spool *s, struct segment *g)
{
	char path[PATH_ROOM], *text;
	size_t n;
	path_of(s, g->first, path);
	int e = disk_read(path, 2 * SEGMENT_MAX, &text, &n);
	if (e != 0)
		return e;
	const char *at = text, *end = text + n, *newline;
	uint64_t seq;
	enum alert_severity severity;
	while (at < end && (newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		if (!spool_parse(at, (size_t)(newline - at), &seq, &severity))
			s->n_bad += newline > at; /* an empty line ends a torn one */
		else if (seq >= s->next)
			s->next = seq + 1;
		at = newline + 1;
	}
	g->bytes = (uint64_t)(at - text);
	s->is_torn = at < end;
	s->bytes += g->bytes;
	free(text);
	return 0;
}

static void drop_segment(struct spool *s, unsigned i)
{
	char path[PATH_ROOM];
	path_of(s, s->segments[i].first, path);
	(void)unlink(path); /* one that stays is found at the next start, and goes then */
	s->bytes -= s->segments[i].bytes;
	memmove(&s->segments[i], &s->segments[i + 1],
	        (s->n_segments - i - 1) * sizeof s->segments[0]);
	s->n_segments--;
}

static void close_last(struct spool *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* Go on in the newest segment: cut off what was not written whole. */
static int open_last(struct spool *s)
{
	char path[PATH_ROOM];
	const struct segment *g = &s->segments[s->n_segments - 1];
	path_of(s, g->first, path);
	s->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (s->fd < 0)
		return -errno;
	if (s->is_torn && ftruncate(s->fd, (off_t)g->bytes) == 0)
		s->is_torn = false;
	return 0;
}

static int read_all(struct spool *s)
{
	int e = mkdir(s->dir, 0750) == 0 || errno == EEXIST ? 0 : -errno;
	if (e == 0)
		e = find_segments(s);
	for (unsigned i = 0; i < s->n_segments && e == 0;) {
		s->next = s->segments[i].first > s->next ? s->segments[i].first : s->next;
		e = read_segment(s, &s->segments[i]);
		if (e == -ENOMEM)
			return e;
		if (e != 0) { /* what cannot be read is lost: its numbers are missing */
			s->n_bad++;
			drop_segment(s, i);
			s->is_torn = false;
			e = 0;
		} else {
			i++;
		}
	}
	if (e == 0 && s->n_segments > 0)
		s->error = open_last(s);
	return e;
}

int spool_open(const char *dir, uint64_t max_bytes, struct spool **ret)
{
	struct spool *s = calloc(1, sizeof *s);
	if (s == NULL)
		return -ENOMEM;
	s->fd = -1;
	s->next = 1;
	s->max_bytes = max_bytes;
	s->segment_bytes = max_bytes / 8 < SEGMENT_MIN   ? SEGMENT_MIN
	                   : max_bytes / 8 > SEGMENT_MAX ? SEGMENT_MAX
	                                                 : max_bytes / 8;
	s->tail_end = &s->tail;
	int e = 0;
	if (dir != NULL) {
		s->dir = strdup(dir);
		e = s->dir == NULL ? -ENOMEM : read_all(s);
	}
	if (e != 0) {
		spool_close(s);
		return e;
	}
	*ret = s;
	return 0;
}

static void drop_tail_first(struct spool *s)
{
	struct waiting *w = s->tail;
	s->tail = w->next;
	if (s->tail == NULL)
		s->tail_end = &s->tail;
	s->tail_bytes -= w->n;
	s->n_tail--;
	free(w);
}

void spool_close(struct spool *s)
{
	if (s == NULL)
		return;
	close_last(s);
	while (s->tail != NULL)
		drop_tail_first(s);
	free(s->dir);
	free(s);
}

/* ---- appending ---- */

static int begin_segment(struct spool *s, uint64_t first)
{
	char path[PATH_ROOM];
	close_last(s);
	if (s->n_segments == SPOOL_SEGMENTS_MAX)
		drop_segment(s, 0);
	path_of(s, first, path);
	s->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
	             FILE_MODE);
	if (s->fd < 0)
		return -errno;
	s->is_torn = false;
	if (s->n_segments == 0 || s->segments[s->n_segments - 1].first != first)
		s->n_segments++;
	s->segments[s->n_segments - 1] = (struct segment){ .first = first };
	return 0;
}

/* A whole line or nothing. */
static int write_line(struct spool *s, uint64_t seq, const char *line, size_t n)
{
	struct segment *g = s->n_segments > 0 ? &s->segments[s->n_segments - 1] : NULL;
	if (g == NULL || s->fd < 0 || g->bytes + n > s->segment_bytes || s->is_torn) {
		int e = begin_segment(s, seq);
		if (e != 0)
			return e;
		g = &s->segments[s->n_segments - 1];
	}
	int e = disk_write(s->fd, line, n);
	if (e != 0) {
		s->is_torn = ftruncate(s->fd, (off_t)g->bytes) != 0;
		return e;
	}
	g->bytes += n;
	s->bytes += n;
	s->is_dirty = true;
	while (s->bytes > s->max_bytes && s->n_segments > 1)
		drop_segment(s, 0);
	return 0;
}

static int keep_in_memory(struct spool *s, enum alert_severity severity, const char *line, size_t n)
{
	if (s->tail_bytes + n > ALERTS_TAIL_BYTES)
		return -ENOBUFS;
	struct waiting *w = malloc(sizeof *w + n);
	if (w == NULL)
		return -ENOMEM;
	*w = (struct waiting){ .seq = s->next, .severity = severity, .n = n };
	memcpy(w->line, line, n);
	*s->tail_end = w;
	s->tail_end = &w->next;
	s->tail_bytes += n;
	s->n_tail++;
	return 0;
}

int spool_append(struct spool *s, enum alert_severity severity, const char *json)
{
	char line[ALERTS_LINE_MAX + 2];
	size_t n = strlen(json);
	if (n + SPOOL_HEAD > ALERTS_LINE_MAX || strchr(json, '\n') != NULL)
		return -EMSGSIZE;
	n = spool_line(s->next, severity, json, n, line);
	/* Behind those that wait already; the order stays. */
	int e = s->dir != NULL && s->tail == NULL ? write_line(s, s->next, line, n) : -EAGAIN;
	if (e != 0 && e != -EAGAIN)
		s->error = e;
	if (e != 0)
		e = keep_in_memory(s, severity, line, n);
	if (e == 0)
		s->next++;
	return e;
}

int spool_flush(struct spool *s)
{
	int e = 0;
	if (s->dir == NULL)
		return 0;
	while (s->tail != NULL && e == 0) {
		e = write_line(s, s->tail->seq, s->tail->line, s->tail->n);
		if (e == 0)
			drop_tail_first(s);
	}
	s->error = e;
	return e;
}

/* ---- reading ---- */

static bool take(struct spool_place *p, const char *line, size_t n, uint64_t seq,
                 enum alert_severity severity, struct spool_item *ret, uint64_t *ret_lost)
{
	char *json = malloc(n - SPOOL_HEAD + 1);
	if (json == NULL)
		return false;
	memcpy(json, line + SPOOL_HEAD, n - SPOOL_HEAD);
	json[n - SPOOL_HEAD] = 0;
	*ret_lost += seq - p->seq;
	p->seq = seq + 1;
	*ret = (struct spool_item){ .seq = seq, .severity = severity, .json = json };
	return true;
}

/* The line at p->offset, and whether the number is one that is wanted. 1: it is in *ret. */
static int read_line(struct spool_place *p, enum alert_severity least, const char *line, size_t n,
                     struct spool_item *ret, uint64_t *ret_lost)
{
	uint64_t seq;
	enum alert_severity severity;
	if (!spool_parse(line, n, &seq, &severity) || seq < p->seq)
		return 0;
	if (severity < least) {
		*ret_lost += seq - p->seq;
		p->seq = seq + 1;
		return 0;
	}
	return take(p, line, n, seq, severity, ret, ret_lost) ? 1 : -ENOMEM;
}

/* 1: found; 0: nothing more in this segment. */
static int read_in(struct spool *s, const struct segment *g, struct spool_place *p,
                   enum alert_severity least, struct spool_item *ret, uint64_t *ret_lost)
{
	char path[PATH_ROOM];
	char bytes[2 * ALERTS_LINE_MAX];
	int found = 0;
	path_of(s, g->first, path);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	while (found == 0 && p->offset < g->bytes) {
		uint64_t left = g->bytes - p->offset;
		ssize_t n = pread(fd, bytes, left < sizeof bytes ? (size_t)left : sizeof bytes,
		                  (off_t)p->offset);
		if (n <= 0) {
			found = n < 0 ? -errno : 0;
			break;
		}
		const char *at = bytes, *end = bytes + n, *newline;
		while (found == 0 && at < end &&
		       (newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
			found = read_line(p, least, at, (size_t)(newline - at), ret, ret_lost);
			at = found < 0 ? at : newline + 1;
		}
		if (at == bytes && found == 0)
			at = end; /* no line of ours is so long */
		p->offset += (uint64_t)(at - bytes);
	}
	close(fd);
	return found;
}

/* The segment that p is in, or the next one. */
static unsigned find_place(const struct spool *s, struct spool_place *p)
{
	unsigned i = 0;
	while (i < s->n_segments && s->segments[i].first != p->segment)
		i++;
	if (i < s->n_segments)
		return i;
	for (i = 0; i + 1 < s->n_segments && s->segments[i + 1].first <= p->seq; i++)
		;
	p->offset = 0;
	return i;
}

int spool_read(struct spool *s, struct spool_place *p, enum alert_severity least,
               struct spool_item *ret, uint64_t *ret_lost)
{
	*ret_lost = 0;
	for (unsigned i = find_place(s, p); i < s->n_segments; i++) {
		const struct segment *g = &s->segments[i];
		if (p->segment != g->first)
			p->offset = 0;
		p->segment = g->first;
		int found = read_in(s, g, p, least, ret, ret_lost);
		if (found != 0)
			return found > 0 ? 0 : found;
	}
	for (const struct waiting *w = s->tail; w != NULL; w = w->next) {
		int found = read_line(p, least, w->line, w->n - 1, ret, ret_lost);
		if (found != 0)
			return found > 0 ? 0 : found;
	}
	if (p->seq < s->next) { /* what stood at the end is gone */
		*ret_lost += s->next - p->seq;
		p->seq = s->next;
	}
	return -ENOENT;
}

/* ---- the rest ---- */

uint64_t spool_first(const struct spool *s)
{
	return s->n_segments > 0 ? s->segments[0].first : s->tail != NULL ? s->tail->seq : s->next;
}

uint64_t spool_next(const struct spool *s)
{
	return s->next;
}

void spool_skip_to(struct spool *s, uint64_t seq)
{
	s->next = seq > s->next && seq <= SPOOL_SEQ_MAX ? seq : s->next;
}

uint64_t spool_bytes(const struct spool *s)
{
	return s->bytes;
}

uint64_t spool_n_bad(const struct spool *s)
{
	return s->n_bad;
}

void spool_trim(struct spool *s, uint64_t seq)
{
	/* The last one goes, too, when all of it was read: a quiet machine keeps no old alerts. */
	while (s->n_segments > 1 && s->segments[1].first <= seq)
		drop_segment(s, 0);
	if (s->n_segments == 1 && s->tail == NULL && s->next <= seq && s->segments[0].bytes > 0) {
		close_last(s);
		drop_segment(s, 0);
	}
	while (s->dir == NULL && s->tail != NULL && s->tail->seq < seq)
		drop_tail_first(s);
}

unsigned spool_in_memory(const struct spool *s)
{
	return s->n_tail;
}

int spool_error(const struct spool *s)
{
	return s->error;
}

int spool_dirty(struct spool *s)
{
	if (!s->is_dirty || s->fd < 0)
		return -1;
	s->is_dirty = false;
	return fcntl(s->fd, F_DUPFD_CLOEXEC, 3);
}
