/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/versions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/text.h"
#include "feeds/store.h"
#include "io/layers.h"

enum {
	PATH_ROOM = 4096 + 128
};

/* ---- text ---- */

/* "NUMBER CAME BYTES RULES HAS-SERIAL SERIAL DIGEST PROTECTED" */
static bool parse_line(const char *at, const char *end, struct feeds_version *ret)
{
	uint64_t x[8];
	for (unsigned i = 0; i < 8; i++) {
		if (!text_read_number(&at, end, i == 6 ? 16 : 10, &x[i]))
			return false;
	}
	if (at != end || x[0] == 0 || x[0] > UINT32_MAX || x[4] > 1 || x[5] > UINT32_MAX)
		return false;
	*ret = (struct feeds_version){ .number = (uint32_t)x[0],
		                       .came_s = x[1],
		                       .bytes = x[2],
		                       .rules = x[3],
		                       .has_serial = x[4] == 1,
		                       .serial = (uint32_t)x[5],
		                       .digest = x[6],
		                       .n_protected = x[7] };
	return true;
}

void versions_parse(const char *text, size_t n, struct versions *ret)
{
	const char *end = text + n;
	struct feeds_version v;
	ret->n = 0;
	while (text < end && ret->n < VERSIONS_MAX) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		if (lf == NULL)
			break; /* every line that was written ends */
		bool is_good = parse_line(text, lf, &v);
		/* Numbers rise: what does not is damage. */
		if (is_good && (ret->n == 0 || v.number > ret->at[ret->n - 1].number))
			ret->at[ret->n++] = v;
		text = lf + 1;
	}
}

size_t versions_format(const struct versions *v, char ret_text[VERSIONS_TEXT_MAX])
{
	size_t at = 0;
	for (unsigned i = 0; i < v->n; i++) {
		const struct feeds_version *x = &v->at[i];
		int n = snprintf(ret_text + at, VERSIONS_TEXT_MAX - at,
		                 "%" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %d %" PRIu32
		                 " %" PRIx64 " %" PRIu64 "\n",
		                 x->number, x->came_s, x->bytes, x->rules, x->has_serial, x->serial,
		                 x->digest, x->n_protected);
		must(n > 0 && (size_t)n < VERSIONS_TEXT_MAX - at);
		at += (size_t)n;
	}
	return at;
}

/* "NUMBER UNTIL-NEWER INODE BYTES MTIME\n" */
int versions_pin_parse(const char *text, size_t n, struct versions_pin *ret)
{
	uint64_t x[5];
	const char *at = text, *end = text + n;
	if (n == 0 || end[-1] != '\n')
		return -EBADMSG;
	end--;
	for (unsigned i = 0; i < 5; i++) {
		if (!text_read_number(&at, end, 10, &x[i]))
			return -EBADMSG;
	}
	if (at != end || x[0] == 0 || x[0] > UINT32_MAX || x[1] > 1)
		return -EBADMSG;
	*ret = (struct versions_pin){ (uint32_t)x[0], x[1] == 1, { x[2], x[3], x[4] } };
	return 0;
}

/* ---- files ---- */

bool versions_path(const char *state_dir, const char *list, const char *file, char *ret,
                   size_t room)
{
	if (state_dir == NULL || state_dir[0] == 0 || !store_is_name(list))
		return false;
	int n = snprintf(ret, room, "%s/versions/%s%s%s", state_dir, list, file[0] != 0 ? "/" : "",
	                 file);
	return n > 0 && (size_t)n < room;
}

static bool number_path(const char *state_dir, const char *list, uint32_t number, char *ret,
                        size_t room)
{
	char file[16];
	snprintf(file, sizeof file, "%" PRIu32, number);
	return versions_path(state_dir, list, file, ret, room);
}

bool versions_identify(const char *path, struct versions_identity *ret)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return false;
	*ret = (struct versions_identity){ (uint64_t)st.st_ino, (uint64_t)st.st_size,
		                           (uint64_t)st.st_mtim.tv_sec * 1000000000U +
		                                   (uint64_t)st.st_mtim.tv_nsec };
	return true;
}

bool versions_is_same(const struct versions_identity *a, const struct versions_identity *b)
{
	return a->inode == b->inode && a->bytes == b->bytes && a->mtime_ns == b->mtime_ns;
}

static bool is_absent(int e)
{
	return e == -ENOENT || e == -ENOTDIR;
}

int versions_read(const char *state_dir, const char *list, struct versions *ret)
{
	char path[PATH_ROOM];
	char *text = NULL;
	size_t n = 0;
	ret->n = 0;
	if (!versions_path(state_dir, list, "index", path, sizeof path))
		return 0;
	int e = disk_read(path, VERSIONS_TEXT_MAX, &text, &n);
	if (e != 0)
		return is_absent(e) ? 0 : e;
	versions_parse(text, n, ret);
	free(text);
	return 0;
}

static int make_folders(const char *state_dir, const char *list)
{
	char path[PATH_ROOM];
	int n = snprintf(path, sizeof path, "%s/versions", state_dir);
	if (n < 0 || (size_t)n >= sizeof path)
		return -ENAMETOOLONG;
	if (mkdir(path, 0750) != 0 && errno != EEXIST)
		return -errno;
	if (!versions_path(state_dir, list, "", path, sizeof path))
		return -ENAMETOOLONG;
	return mkdir(path, 0750) != 0 && errno != EEXIST ? -errno : 0;
}

static int save(const char *state_dir, const char *list, const char *file, const char *text,
                size_t n)
{
	char path[PATH_ROOM];
	int e = make_folders(state_dir, list);
	if (e != 0)
		return e;
	if (!versions_path(state_dir, list, file, path, sizeof path))
		return -ENAMETOOLONG;
	return disk_save(path, text, n, 0640);
}

/* Layers that some newer version has, too. */
struct seen {
	uint64_t names[VERSIONS_MAX * LAYERS_MAX];
	size_t n;
};

static bool is_seen(struct seen *s, uint64_t name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->names[i] == name)
			return true;
	}
	s->names[s->n++] = name;
	return false;
}

/* What a version takes on the disk beside newer ones; of one that cannot be read: its text. */
static uint64_t bytes_alone(const char *state_dir, const char *list, const struct feeds_version *v,
                            struct seen *seen)
{
	char path[PATH_ROOM], text[LAYERS_HEAD_MAX];
	struct layers_head h;
	size_t n;
	int fd = number_path(state_dir, list, v->number, path, sizeof path)
	                 ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
	                 : -1;
	int e = fd >= 0 ? layers_head_read(fd, text, &n, &h) : -ENOENT;
	if (fd >= 0)
		close(fd);
	if (e != 0)
		return v->bytes;
	uint64_t bytes = n, one;
	for (unsigned i = 0; i < h.n; i++) {
		if (!is_seen(seen, h.names[i]) && layers_size(path, h.names[i], &one) == 0)
			bytes += one;
	}
	return bytes;
}

/* How many of the oldest go: over the number, or over the bytes. The newest stays, and the pinned. */
static unsigned count_old(const char *state_dir, const char *list, const struct versions *v,
                          unsigned keep)
{
	struct seen seen = { .n = 0 };
	uint64_t bytes = 0;
	unsigned n_kept = 0;
	while (n_kept < v->n && n_kept < keep) {
		uint64_t one = bytes_alone(state_dir, list, &v->at[v->n - 1 - n_kept], &seen);
		bytes += n_kept > 0 ? one : 0;
		if (bytes > VERSIONS_MAX_BYTES)
			break;
		n_kept++;
	}
	return v->n - n_kept;
}

static void forget_old(const char *state_dir, const char *list, struct versions *v, unsigned keep)
{
	struct versions_pin pin = { 0 };
	char path[PATH_ROOM];
	if (versions_pinned(state_dir, list, &pin) < 0)
		return; /* one of them may be the chosen one */
	unsigned n_old = count_old(state_dir, list, v, keep > 0 ? keep : 1), to = 0;
	for (unsigned i = 0; i < v->n; i++) {
		bool stays = i >= n_old || v->at[i].number == pin.number;
		if (stays)
			v->at[to++] = v->at[i];
		else if (number_path(state_dir, list, v->at[i].number, path, sizeof path))
			(void)unlink(path);
	}
	v->n = to;
}

/*
 * Of versions of a zone that came in a burst the first and the last two are of use to who rolls back; a
 * zone whose deltas come every second would have a handful of seconds to go back otherwise.
 */
static void forget_bursts(const char *state_dir, const char *list, struct versions *v,
                          unsigned keep)
{
	char path[PATH_ROOM];
	struct versions_pin pin = { 0 };
	if (versions_pinned(state_dir, list, &pin) < 0)
		return; /* one of them may be the chosen one */
	for (unsigned i = 1; i + 2 < v->n && v->n > keep;) {
		const struct feeds_version *one = &v->at[i], *before = &v->at[i - 1];
		if (!one->has_serial || one->number == pin.number ||
		    one->came_s > before->came_s + VERSIONS_BURST_S) {
			i++;
			continue;
		}
		if (number_path(state_dir, list, one->number, path, sizeof path))
			(void)unlink(path);
		memmove(&v->at[i], &v->at[i + 1], (v->n - i - 1) * sizeof v->at[0]);
		v->n--;
	}
}

int versions_add(const struct feeds_plan *plan, const char *list, const char *path,
                 struct feeds_version *new_version)
{
	struct versions v;
	char to[PATH_ROOM], text[VERSIONS_TEXT_MAX];
	int e = versions_read(plan->state_dir, list, &v);
	if (e != 0)
		return e;
	if (v.n > 0 && v.at[v.n - 1].digest == new_version->digest) {
		new_version->number = v.at[v.n - 1].number;
		return 0;
	}
	new_version->number = v.n > 0 ? v.at[v.n - 1].number + 1 : 1;
	e = make_folders(plan->state_dir, list);
	if (e != 0)
		return e;
	if (!number_path(plan->state_dir, list, new_version->number, to, sizeof to))
		return -ENAMETOOLONG;
	/* One that a killed process left, and the index does not know. */
	if (unlink(to) != 0 && errno != ENOENT)
		return -errno;
	if (link(path, to) != 0)
		return -errno;
	if (v.n == VERSIONS_MAX)
		forget_old(plan->state_dir, list, &v, VERSIONS_MAX - 2);
	if (v.n == VERSIONS_MAX)
		return -EIO; /* the chosen one cannot be read */
	v.at[v.n++] = *new_version;
	forget_bursts(plan->state_dir, list, &v, plan->keep_versions);
	/* A kill between the two costs an old version: the index names it, and it is gone. */
	forget_old(plan->state_dir, list, &v, plan->keep_versions);
	return save(plan->state_dir, list, "index", text, versions_format(&v, text));
}

int versions_pinned(const char *state_dir, const char *list, struct versions_pin *ret)
{
	char path[PATH_ROOM];
	char *text = NULL;
	size_t n = 0;
	if (!versions_path(state_dir, list, "pin", path, sizeof path))
		return 0;
	int e = disk_read(path, 256, &text, &n);
	if (e != 0)
		return is_absent(e) || e == -EFBIG ? 0 : e;
	e = versions_pin_parse(text, n, ret);
	free(text);
	return e == 0;
}

static void identity_text(const struct versions_identity *i, char *ret, size_t room)
{
	snprintf(ret, room, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", i->inode, i->bytes,
	         i->mtime_ns);
}

int versions_is_accepted(const char *state_dir, const char *list, const char *path)
{
	char file[PATH_ROOM], now[80];
	char *text = NULL;
	size_t n = 0;
	struct versions_identity identity;
	if (!versions_path(state_dir, list, "accept", file, sizeof file))
		return 0;
	if (!versions_identify(path, &identity))
		return -errno;
	int e = disk_read(file, 256, &text, &n);
	if (e != 0)
		return is_absent(e) || e == -EFBIG ? 0 : e;
	identity_text(&identity, now, sizeof now);
	bool is_same = strcmp(now, text) == 0;
	free(text);
	return is_same;
}

static void remove_folder(const char *path)
{
	DIR *d = opendir(path);
	if (d == NULL)
		return;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (e->d_name[0] != '.')
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
	(void)rmdir(path);
}

void versions_prune(const struct feeds_plan *plan)
{
	char path[PATH_ROOM];
	int n = snprintf(path, sizeof path, "%s/versions", plan->state_dir);
	DIR *d = n > 0 && (size_t)n < sizeof path ? opendir(path) : NULL;
	if (d == NULL)
		return;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		bool is_wanted = e->d_name[0] == '.';
		for (unsigned i = 0; i < plan->n_lists && !is_wanted; i++)
			is_wanted = strcmp(plan->lists[i].spec->name, e->d_name) == 0;
		if (!is_wanted && versions_path(plan->state_dir, e->d_name, "", path, sizeof path))
			remove_folder(path);
	}
	closedir(d);
}

/* ---- what operators decide ---- */

unsigned feeds_versions(const char *state_dir, const char *list,
                        struct feeds_version ret[FEEDS_MAX_VERSIONS])
{
	struct versions v;
	struct versions_pin pin = { 0 };
	if (versions_read(state_dir, list, &v) != 0)
		return 0;
	bool has_pin = versions_pinned(state_dir, list, &pin) > 0;
	for (unsigned i = 0; i < v.n; i++) {
		ret[i] = v.at[i];
		ret[i].is_pinned = has_pin && v.at[i].number == pin.number;
	}
	return v.n;
}

int feeds_pin(const char *state_dir, const char *list, const char *path, uint32_t number,
              bool is_until_newer)
{
	struct versions v;
	struct versions_identity identity = { 0 };
	char text[128], place[80], file[PATH_ROOM];
	bool is_there = false;
	int e = versions_read(state_dir, list, &v);
	if (e != 0)
		return e;
	for (unsigned i = 0; i < v.n; i++)
		is_there = is_there || v.at[i].number == number;
	if (!is_there || !number_path(state_dir, list, number, file, sizeof file))
		return -ENOENT;
	if (access(file, R_OK) != 0)
		return -errno;
	(void)versions_identify(path, &identity);
	identity_text(&identity, place, sizeof place);
	int n = snprintf(text, sizeof text, "%" PRIu32 " %d %s", number, is_until_newer, place);
	return save(state_dir, list, "pin", text, (size_t)n);
}

int feeds_unpin(const char *state_dir, const char *list)
{
	char path[PATH_ROOM];
	if (!versions_path(state_dir, list, "pin", path, sizeof path))
		return -ENOENT;
	if (unlink(path) != 0)
		return -errno;
	return disk_sync_folder(path);
}

int feeds_accept(const char *state_dir, const char *list, const char *path)
{
	char text[80], file[PATH_ROOM];
	struct versions_identity identity;
	if (!versions_path(state_dir, list, "", file, sizeof file))
		return -ENOENT;
	if (!versions_identify(path, &identity))
		return -errno;
	identity_text(&identity, text, sizeof text);
	return save(state_dir, list, "accept", text, strlen(text));
}
