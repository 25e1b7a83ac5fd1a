/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk.h"
#include "io/layers.h"
#include "transfer/serial.h"
#include "transfer/zone_layers.h"

enum {
	PATH_ROOM = 4400,
	FIRST_LINE_MAX = 64,
	SCAN_MAX = 4096, /* files looked at in a folder */
};

void journal_zone_path(const char *folder, char *ret, size_t room)
{
	snprintf(ret, room, "%s/zone", folder);
}

static void step_path(const char *folder, uint32_t from, uint32_t to, char *ret, size_t room)
{
	snprintf(ret, room, "%s/%" PRIu32 "-%" PRIu32 ".delta", folder, from, to);
}

/* ---- what is there ---- */

struct found {
	uint32_t from, to;
	uint64_t bytes;
};

/* A serial and what stands behind it; NULL: there is none. */
static const char *read_serial(const char *p, uint32_t *ret)
{
	char *end;
	if (*p < '0' || *p > '9')
		return NULL;
	unsigned long x = strtoul(p, &end, 10);
	if (x > UINT32_MAX)
		return NULL;
	*ret = (uint32_t)x;
	return end;
}

static bool read_name(const char *name, struct found *ret)
{
	const char *p = read_serial(name, &ret->from);
	if (p == NULL || *p != '-')
		return false;
	p = read_serial(p + 1, &ret->to);
	return p != NULL && strcmp(p, ".delta") == 0;
}

/* "; FROM TO": which step the file is. */
static bool read_head(const char *line, const struct found *f)
{
	uint32_t from, to;
	if (strncmp(line, "; ", 2) != 0)
		return false;
	const char *p = read_serial(line + 2, &from);
	if (p == NULL || *p != ' ')
		return false;
	return read_serial(p + 1, &to) != NULL && from == f->from && to == f->to;
}

/* All steps in the folder, in no order. */
static unsigned list_steps(const char *folder, struct found *ret, unsigned max)
{
	unsigned n = 0;
	struct stat st;
	DIR *d = opendir(folder);
	if (d == NULL)
		return 0;
	for (struct dirent *e; n < max && (e = readdir(d)) != NULL;) {
		if (!read_name(e->d_name, &ret[n]))
			continue;
		ret[n].bytes = fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0
		                       ? (uint64_t)st.st_size
		                       : 0;
		n++;
	}
	closedir(d);
	return n;
}

/* The step that leads to `to`; NULL: none. */
static const struct found *step_to(const struct found *all, unsigned n, uint32_t to)
{
	for (unsigned i = 0; i < n; i++) {
		if (all[i].to == to)
			return &all[i];
	}
	return NULL;
}

/* Keep what leads to `serial` without a gap, the newest first, as far as there is room. */
static void prune(const char *folder, uint32_t serial, uint64_t zone_bytes)
{
	struct found *all = calloc(SCAN_MAX, sizeof *all);
	bool keep[SCAN_MAX] = { false };
	char path[PATH_ROOM];
	uint64_t bytes = 0, most = zone_bytes / 2;
	if (all == NULL)
		return;
	if (most < JOURNAL_MIN_BYTES)
		most = JOURNAL_MIN_BYTES;
	unsigned n = list_steps(folder, all, SCAN_MAX);
	const struct found *f = step_to(all, n, serial);
	for (unsigned i = 0; f != NULL && i < JOURNAL_MAX_STEPS; i++) {
		bytes += f->bytes;
		if (bytes > most || keep[f - all])
			break;
		keep[f - all] = true;
		f = step_to(all, n, f->from);
	}
	for (unsigned i = 0; i < n; i++) {
		if (keep[i])
			continue;
		step_path(folder, all[i].from, all[i].to, path, sizeof path);
		unlink(path);
	}
	free(all);
}

/* A head's layers; false: it cannot be told which they are. */
static bool add_layers(const char *path, uint64_t **names, size_t *n)
{
	char text[LAYERS_HEAD_MAX];
	struct layers_head h;
	size_t length;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR;
	int e = layers_head_read(fd, text, &length, &h);
	close(fd);
	if (e != 0)
		return e == -ENOENT;
	uint64_t *more = reallocarray(*names, *n + LAYERS_MAX, sizeof *more);
	if (more == NULL)
		return false;
	memcpy(more + *n, h.names, h.n * sizeof *more);
	*names = more;
	*n += h.n;
	return true;
}

/* All published zones have their layers in one folder, beside their own. */
static void prune_layers(const char *folder)
{
	char up[PATH_ROOM], path[2 * PATH_ROOM];
	uint64_t *names = NULL;
	size_t n = 0;
	bool is_sure = true;
	snprintf(up, sizeof up, "%s/..", folder);
	snprintf(path, sizeof path, "%s/layers", up);
	DIR *d = access(path, F_OK) == 0 ? opendir(up) : NULL;
	if (d == NULL)
		return;
	errno = 0;
	for (struct dirent *e; is_sure && (e = readdir(d)) != NULL; errno = 0) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s/zone", up, e->d_name);
		is_sure = add_layers(path, &names, &n);
	}
	is_sure = is_sure && errno == 0;
	closedir(d);
	snprintf(path, sizeof path, "%s/layers", up);
	if (is_sure)
		(void)layers_prune(path, names, n, LAYERS_GRACE_S);
	free(names);
}

/* ---- a new version ---- */

static uint32_t next_serial(bool has_old, uint32_t old, uint32_t now_s)
{
	if (!has_old)
		return now_s != 0 ? now_s : 1;
	uint32_t next = serial_is_newer(now_s, old) ? now_s : old + 1;
	return next != 0 ? next : 1;
}

static void soa_line(const struct journal_terms *t, uint32_t serial, char *ret, size_t room)
{
	char zone[NAME_TEXT_MAX];
	name_to_text(t->zone->wire, zone);
	snprintf(ret, room,
	         "%s.\t%" PRIu32 "\tSOA\tlocalhost. hostmaster.localhost. %" PRIu32 " %" PRIu32
	         " %" PRIu32 " %" PRIu32 " %" PRIu32,
	         zone, t->ttl_s, serial, t->refresh_s, t->retry_s, t->expire_s, t->ttl_s);
}

static int write_step(const struct journal_terms *t, const struct zone_reader *old, const char *soa,
                      uint32_t serial, const struct delta *d)
{
	char path[PATH_ROOM], comment[FIRST_LINE_MAX];
	struct zone_writer w;
	step_path(t->folder, old->numbers.serial, serial, path, sizeof path);
	snprintf(comment, sizeof comment, "%" PRIu32 " %" PRIu32, old->numbers.serial, serial);
	int e = zone_writer_open(&w, path, comment, old->soa);
	if (e == 0)
		e = zone_writer_add(&w, soa, strlen(soa));
	for (int pass = 0; pass < 2; pass++) { /* what goes, then what comes */
		for (size_t i = 0; i < d->n_lines && e == 0; i++) {
			if (d->lines[i].is_add != (pass == 1))
				continue;
			putc_unlocked(pass == 1 ? '+' : '-', w.file);
			e = zone_writer_add(&w, delta_text(d, i), d->lines[i].n);
		}
	}
	if (e == 0)
		e = zone_writer_commit(&w);
	zone_writer_abandon(&w);
	return e;
}

/*
 * Between the version that stands and the one written beside it. 1: they differ; 0: they do not. A
 * delta that is too large is no step: followers get the whole zone.
 */
static int compare(const struct journal_terms *t, const char *new_path, struct zone_reader *old,
                   const char *soa, uint32_t serial)
{
	struct zone_reader now;
	struct delta d = { 0 };
	int e = zone_reader_open(&now, new_path, t->zone);
	if (e != 0)
		return e;
	e = zone_file_compare(old, &now, &d);
	zone_reader_close(&now);
	if (e == 0 && d.n_lines > 0) {
		e = write_step(t, old, soa, serial, &d);
		e = e == 0 ? 1 : e;
	} else if (e == -EFBIG || e == -EBADMSG) { /* or the old one is damaged */
		e = 1;
	}
	delta_done(&d);
	return e;
}

/* Flush what was written, so that it can be read before it is renamed. */
static int flush(struct zone_writer *w)
{
	errno = 0;
	return fflush(w->file) == 0 ? 0 : errno != 0 ? -errno : -EIO;
}

static void describe(const struct journal_terms *t, uint32_t serial, char *ret_comment,
                     size_t comment_room, char *ret_soa, size_t soa_room)
{
	char zone[NAME_TEXT_MAX];
	name_to_text(t->zone->wire, zone);
	snprintf(ret_comment, comment_room, "zone %s, published by weir", zone);
	soa_line(t, serial, ret_soa, soa_room);
}

int journal_commit(const struct journal_terms *t, struct sorter *lines, uint32_t *ret_serial)
{
	char path[PATH_ROOM], soa[2 * NAME_TEXT_MAX], comment[NAME_TEXT_MAX + 64];
	struct zone_reader old = { 0 };
	struct zone_writer w;
	if (mkdir(t->folder, 0750) != 0 && errno != EEXIST)
		return -errno;
	journal_zone_path(t->folder, path, sizeof path);
	int e = zone_reader_open(&old, path, t->zone);
	/* What is damaged is begun anew; what cannot be read now must not be: serials only go up. */
	if (e != 0 && e != -ENOENT && e != -EBADMSG)
		return e;
	bool has_old = e == 0;
	int reached = has_old ? zone_reader_reach(&old) : 0;
	if (reached != 0 && reached != -ENOENT && reached != -EBADMSG) {
		zone_reader_close(&old);
		return reached;
	}
	uint32_t serial = next_serial(has_old, old.numbers.serial, t->now_s);
	describe(t, serial, comment, sizeof comment, soa, sizeof soa);
	e = zone_writer_open(&w, path, comment, soa);
	if (e == 0) {
		e = sorter_finish(lines, zone_writer_add, &w);
		if (e == 0)
			e = flush(&w);
		if (e == 0)
			e = has_old && reached == 0 ? compare(t, w.new_path, &old, soa, serial) : 1;
		if (e == 1) {
			e = zone_writer_commit(&w);
			e = e == 0 ? 1 : e;
		}
		zone_writer_abandon(&w);
	}
	if (e >= 0)
		*ret_serial = e == 1 ? serial : old.numbers.serial;
	if (e == 1) {
		prune(t->folder, serial, w.n_bytes);
		prune_layers(t->folder);
	}
	zone_reader_close(&old);
	return e;
}

int journal_change(const struct journal_terms *t, const struct delta *d, uint32_t *ret_serial)
{
	char path[PATH_ROOM], soa[2 * NAME_TEXT_MAX], comment[NAME_TEXT_MAX + 64];
	struct zone_reader old;
	uint64_t records;
	journal_zone_path(t->folder, path, sizeof path);
	int e = zone_reader_open(&old, path, t->zone);
	if (e != 0)
		return e;
	uint32_t serial = old.numbers.serial;
	if (d->n_lines > 0) {
		serial = next_serial(true, serial, t->now_s);
		describe(t, serial, comment, sizeof comment, soa, sizeof soa);
		const struct zone_layers_terms terms = {
			.path = path, .zone = t->zone, .comment = comment, .soa = soa
		};
		e = write_step(t, &old, soa, serial, d);
		if (e == 0)
			e = zone_layers_change(&terms, old.numbers.serial, d, &records);
		if (e == 0) {
			prune(t->folder, serial, old.head.bytes);
			prune_layers(t->folder);
		}
	}
	zone_reader_close(&old);
	if (e != 0)
		return e;
	*ret_serial = serial;
	return d->n_lines > 0;
}

/* ---- reading steps ---- */

static int open_step(const char *folder, const struct found *f, struct journal_step *ret)
{
	char path[PATH_ROOM], line[FIRST_LINE_MAX];
	step_path(folder, f->from, f->to, path, sizeof path);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return -errno;
	if (fgets(line, sizeof line, file) == NULL || !read_head(line, f)) {
		fclose(file);
		return -ENOENT;
	}
	*ret = (struct journal_step){ .file = file, .from = f->from, .to = f->to };
	return 0;
}

int journal_open_steps(const char *folder, uint32_t from, uint32_t to, struct journal_step *ret,
                       unsigned max, unsigned *ret_n)
{
	struct found *all = calloc(SCAN_MAX, sizeof *all);
	unsigned n = 0;
	if (all == NULL)
		return -ENOMEM;
	unsigned n_all = list_steps(folder, all, SCAN_MAX);
	int e = 0;
	/* From the end to the beginning: to each version one step leads. */
	while (e == 0 && to != from) {
		const struct found *f = n < max ? step_to(all, n_all, to) : NULL;
		e = f == NULL ? -ENOENT : open_step(folder, f, &ret[n]);
		if (e == 0) {
			to = f->from;
			n++;
		}
	}
	free(all);
	if (e != 0) {
		journal_close_steps(ret, n);
		return e;
	}
	for (unsigned i = 0; i < n / 2; i++) {
		struct journal_step s = ret[i];
		ret[i] = ret[n - 1 - i];
		ret[n - 1 - i] = s;
	}
	*ret_n = n;
	return 0;
}

void journal_close_steps(struct journal_step *steps, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fclose(steps[i].file);
}
