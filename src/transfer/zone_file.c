/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/zone_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/disk.h"

enum {
	COMMENT_LINES_MAX = 100,
	FILE_MODE = 0640,
};

/* ---- reading ---- */

static int next_of_layers(struct zone_reader *r)
{
	const char *line;
	size_t n = 0;
	int e = zone_reader_reach(r);
	if (e != 0)
		return e;
	e = layers_next(r->layers, &line, &n, NULL);
	if (e != 1)
		return e;
	if (n + 1 > r->room) {
		char *more = realloc(r->line, 2 * (n + 1));
		if (more == NULL)
			return -ENOMEM;
		r->line = more;
		r->room = 2 * (n + 1);
	}
	memcpy(r->line, line, n);
	r->line[n] = 0;
	r->n = n;
	return 1;
}

int zone_reader_reach(struct zone_reader *r)
{
	return r->has_head && r->layers == NULL ? layers_open(r->path, &r->head, &r->layers) : 0;
}

int zone_reader_next(struct zone_reader *r)
{
	if (r->has_head)
		return next_of_layers(r);
	errno = 0;
	ssize_t n = getline(&r->line, &r->room, r->file);
	if (n < 0)
		return ferror(r->file) != 0 ? -EIO : errno == ENOMEM ? -ENOMEM : 0;
	if (r->line[n - 1] != '\n' || n > RECORD_LINE_MAX)
		return ferror(r->file) != 0 ? -EIO : -EBADMSG; /* cut off */
	r->line[--n] = 0;
	r->n = (size_t)n;
	return 1;
}

static int read_soa(struct zone_reader *r, const struct name *zone)
{
	struct record_text *t;
	struct rr rr;
	int e = record_text_new(&t);
	if (e != 0)
		return e;
	e = record_from_line(t, r->line, r->n, &rr);
	if (e == 0 && (rr.type != DNS_SOA || (zone != NULL && !name_equal(rr.owner, zone->wire))))
		e = -EBADMSG;
	if (e == 0)
		e = record_soa_read(rr.rdata, rr.rdata_len, &r->numbers);
	record_text_free(t);
	if (e == 0) {
		r->soa = strndup(r->line, r->n);
		r->n_soa = r->n;
		e = r->soa == NULL ? -ENOMEM : 0;
	}
	return e;
}

static int look_for_layers(struct zone_reader *r, const char *path)
{
	char text[LAYERS_HEAD_MAX];
	size_t n;
	int e = layers_head_read(fileno(r->file), text, &n, &r->head);
	r->has_head = e == 0;
	if (e != 0)
		return e == -ENOENT ? 0 : e;
	r->path = strdup(path);
	return r->path == NULL ? -ENOMEM : 0;
}

int zone_reader_open(struct zone_reader *r, const char *path, const struct name *zone)
{
	*r = (struct zone_reader){ 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	r->file = fdopen(fd, "r");
	if (r->file == NULL) {
		int e = -errno;
		close(fd);
		return e;
	}
	int e = -EBADMSG;
	for (int i = 0; i < COMMENT_LINES_MAX; i++) {
		int got = zone_reader_next(r);
		e = got == 0 ? -EBADMSG : got < 0 ? got : 0;
		if (e != 0 || r->line[0] != ';')
			break;
		e = -EBADMSG;
	}
	if (e == 0)
		e = read_soa(r, zone);
	if (e == 0)
		e = look_for_layers(r, path);
	if (e != 0)
		zone_reader_close(r);
	return e;
}

void zone_reader_close(struct zone_reader *r)
{
	if (r->file != NULL)
		fclose(r->file);
	layers_close(r->layers);
	free(r->line);
	free(r->soa);
	free(r->path);
	*r = (struct zone_reader){ 0 };
}

/* ---- writing ---- */

int zone_writer_open(struct zone_writer *w, const char *path, const char *comment, const char *soa)
{
	*w = (struct zone_writer){ 0 };
	const char *slash = strrchr(path, '/');
	size_t n = slash != NULL ? (size_t)(slash - path) + 1 : 0;
	if (snprintf(w->path, sizeof w->path, "%s", path) >= (int)sizeof w->path)
		return -ENAMETOOLONG;
	snprintf(w->new_path, sizeof w->new_path, "%.*s.%s.new", (int)n, path, path + n);
	int fd =
		open(w->new_path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return -errno;
	w->file = fdopen(fd, "w");
	if (w->file == NULL) {
		int e = -errno;
		close(fd);
		unlink(w->new_path);
		return e;
	}
	fprintf(w->file, "; %s\n", comment);
	if (soa != NULL)
		fprintf(w->file, "%s\n", soa);
	return 0;
}

int zone_writer_add(void *writer, const char *line, size_t n)
{
	struct zone_writer *w = writer;
	w->n_records++;
	w->n_bytes += n + 1;
	if (w->max_bytes != 0 && w->n_bytes > w->max_bytes)
		return -EFBIG;
	errno = 0;
	if (fwrite(line, 1, n, w->file) != n || putc_unlocked('\n', w->file) == EOF)
		return errno != 0 ? -errno : -EIO;
	return 0;
}

int zone_writer_commit(struct zone_writer *w)
{
	errno = 0;
	int e = 0;
	if (fflush(w->file) != 0 || ferror(w->file) != 0 || fsync(fileno(w->file)) != 0)
		e = errno != 0 ? -errno : -EIO;
	if (fclose(w->file) != 0 && e == 0)
		e = -errno;
	w->file = NULL;
	if (e == 0 && rename(w->new_path, w->path) != 0)
		e = -errno;
	if (e != 0)
		unlink(w->new_path);
	return e == 0 ? disk_sync_folder(w->path) : e;
}

void zone_writer_abandon(struct zone_writer *w)
{
	if (w->file == NULL)
		return;
	fclose(w->file);
	unlink(w->new_path);
	w->file = NULL;
}

/* ---- both at once ---- */

static int compare(const char *a, size_t na, const char *b, size_t nb)
{
	int c = memcmp(a, b, na < nb ? na : nb);
	return c != 0 ? c : (na > nb) - (na < nb);
}

int zone_file_apply(struct zone_reader *old, const struct delta *d,
                    int (*add)(void *arg, const char *line, size_t n), void *arg)
{
	size_t i = 0;
	int got = zone_reader_next(old), e = 0;
	while (e == 0 && got >= 0 && (got == 1 || i < d->n_lines)) {
		const struct delta_line *l = i < d->n_lines ? &d->lines[i] : NULL;
		int order = l == NULL  ? -1
		            : got == 0 ? 1
		                       : compare(old->line, old->n, delta_text(d, i), l->n);
		if (order < 0) {
			e = add(arg, old->line, old->n);
		} else if (order == 0) {
			e = l->is_add ? -ESTALE : 0; /* it is there already */
			i++;
		} else {
			e = l->is_add ? add(arg, delta_text(d, i), l->n) : -ESTALE;
			i++;
		}
		if (e == 0 && order <= 0)
			got = zone_reader_next(old);
	}
	return e != 0 ? e : got < 0 ? got : 0;
}

int zone_file_compare(struct zone_reader *before, struct zone_reader *now, struct delta *ret)
{
	int a = zone_reader_next(before), b = zone_reader_next(now), e = 0;
	while (e == 0 && a >= 0 && b >= 0 && (a == 1 || b == 1)) {
		int order = a == 0   ? 1
		            : b == 0 ? -1
		                     : compare(before->line, before->n, now->line, now->n);
		if (order < 0)
			e = delta_add(ret, false, before->line, before->n);
		else if (order > 0)
			e = delta_add(ret, true, now->line, now->n);
		if (e == 0 && order <= 0)
			a = zone_reader_next(before);
		if (e == 0 && order >= 0)
			b = zone_reader_next(now);
	}
	if (e == 0)
		e = a < 0 ? a : b < 0 ? b : 0;
	return e == 0 ? delta_seal(ret) : e;
}
