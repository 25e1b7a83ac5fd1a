/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/log.h"
#include "io/layers.h"

enum {
	PATH_ROOM = 4096 + 128,
	COPY_CHUNK = 1 << 20
};

static bool has_state(const struct feeds_plan *plan)
{
	return plan->state_dir != NULL && plan->state_dir[0] != 0;
}

bool store_is_name(const char *n)
{
	size_t len = strlen(n);
	return len > 0 && len <= POLICY_LIST_NAME_MAX && n[0] != '.' &&
	       strspn(n, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
	               len;
}

static bool path_in(const struct feeds_plan *plan, const char *folder, const char *before,
                    const char *name, const char *after, char *ret, size_t room)
{
	if (!has_state(plan))
		return false;
	int n = snprintf(ret, room, "%s%s/%s%s%s", plan->state_dir, folder, before, name, after);
	return n > 0 && (size_t)n < room;
}

bool store_copy_path(const struct feeds_plan *plan, const char *list_name, char *ret, size_t room)
{
	return path_in(plan, "/lists", "", list_name, "", ret, room);
}

bool store_facts_path(const struct feeds_plan *plan, const char *list_name, char *ret, size_t room)
{
	return path_in(plan, "/facts", "", list_name, "", ret, room);
}

bool store_image_path(const struct feeds_plan *plan, char *ret, size_t room)
{
	return path_in(plan, "", "", "policy.image", "", ret, room);
}

bool store_overlay_path(const struct feeds_plan *plan, char *ret, size_t room)
{
	return path_in(plan, "", "", "policy.overlay", "", ret, room);
}

/* Do the first n bytes of both files agree, and does the shorter end within a line? */
static bool is_cut_beginning(FILE *file, FILE *copy, off_t n)
{
	char a[1 << 14], b[1 << 14];
	char last = '\n';
	while (n > 0) {
		size_t want = n < (off_t)sizeof a ? (size_t)n : sizeof a;
		if (fread(a, 1, want, file) != want || fread(b, 1, want, copy) != want ||
		    memcmp(a, b, want) != 0)
			return false;
		last = a[want - 1];
		n -= (off_t)want;
	}
	int next = fgetc(copy);
	return last != '\n' && next != '\n' && next != '\r' && next != EOF;
}

int store_is_cut_short(const struct feeds_plan *plan, const char *list_name, const char *path)
{
	char copy_path[PATH_ROOM];
	struct stat mine, other;
	if (!store_copy_path(plan, list_name, copy_path, sizeof copy_path))
		return 0;
	if (stat(path, &mine) != 0)
		return -errno;
	if (stat(copy_path, &other) != 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	if (mine.st_size >= other.st_size || mine.st_size == 0)
		return 0;
	errno = 0;
	FILE *file = fopen(path, "re");
	FILE *copy = file != NULL ? fopen(copy_path, "re") : NULL;
	int is_cut = copy == NULL ? -errno : is_cut_beginning(file, copy, mine.st_size);
	if (copy != NULL && (ferror(file) != 0 || ferror(copy) != 0))
		is_cut = -EIO;
	if (file != NULL)
		fclose(file);
	if (copy != NULL)
		fclose(copy);
	return is_cut;
}

int store_prepare(const struct feeds_plan *plan)
{
	char path[PATH_ROOM];
	if (!path_in(plan, "/lists", "", "", "", path, sizeof path))
		return has_state(plan) ? -ENAMETOOLONG : 0;
	if (mkdir(plan->state_dir, 0750) != 0 && errno != EEXIST)
		return -errno;
	if (mkdir(path, 0750) != 0 && errno != EEXIST)
		return -errno;
	return 0;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* ctime cannot be set: a file whose inode was last touched before the copy was made is it. */
static bool is_current(const char *copy, const struct stat *seen)
{
	struct stat st;
	return stat(copy, &st) == 0 && st.st_size == seen->st_size &&
	       is_same_time(&st.st_mtim, &seen->st_mtim) && is_before(&seen->st_ctim, &st.st_ctim);
}

static bool is_same_file(int fd, const struct stat *seen)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == seen->st_ino &&
	       st.st_size == seen->st_size && is_same_time(&st.st_mtim, &seen->st_mtim);
}

static int copy_by_hand(int from, int to)
{
	char buf[32 * 1024];
	for (;;) {
		ssize_t n = read(from, buf, sizeof buf);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		int e = disk_write(to, buf, (size_t)n);
		if (e != 0)
			return e;
	}
}

static int copy_bytes(int from, int to, off_t size)
{
	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	off_t done = 0;
	while (done < size) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, COPY_CHUNK, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && done == 0)
			return copy_by_hand(from, to); /* other file system, old kernel, ... */
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		disk_settle(to, done, (size_t)n);
		disk_forget(to, done, (size_t)n);
		done += n;
	}
	/* Some file systems say 0 at once (a /proc file, an overlay): the size is checked later. */
	return done == 0 && size > 0 ? copy_by_hand(from, to) : 0;
}

static int write_copy(int from, const char *beside, const struct stat *seen)
{
	int to = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (to < 0)
		return -errno;
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, seen->st_mtim };
	struct stat st;
	int e = copy_bytes(from, to, seen->st_size);
	if (e == 0 &&
	    (fstat(to, &st) != 0 || st.st_size != seen->st_size || !is_same_file(from, seen)))
		e = -EAGAIN;
	if (e == 0 && futimens(to, times) != 0)
		e = -errno;
	if (e == 0 && fsync(to) != 0)
		e = -errno;
	close(to);
	return e;
}

int store_keep(const struct feeds_plan *plan, const char *list_name, const char *path,
               const struct stat *seen)
{
	char copy[PATH_ROOM], beside[PATH_ROOM];
	if (!store_copy_path(plan, list_name, copy, sizeof copy) ||
	    !path_in(plan, "/lists", ".", list_name, ".new", beside, sizeof beside))
		return -ENAMETOOLONG;
	if (is_current(copy, seen))
		return 0;
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (from < 0)
		return -errno;
	int e = is_same_file(from, seen) ? write_copy(from, beside, seen) : -EAGAIN;
	close(from);
	if (e == 0 && rename(beside, copy) != 0)
		e = -errno;
	if (e == 0)
		e = disk_sync_folder(copy);
	else
		(void)unlink(beside);
	return e;
}

static bool is_wanted(const struct feeds_plan *plan, const char *file)
{
	for (unsigned i = 0; i < plan->n_lists; i++) {
		if (strcmp(plan->lists[i].spec->name, file) == 0)
			return true;
	}
	return false;
}

void store_prune_folder(const struct feeds_plan *plan, const char *folder)
{
	char path[PATH_ROOM];
	if (!path_in(plan, folder, "", "", "", path, sizeof path))
		return;
	DIR *d = opendir(path);
	if (d == NULL)
		return;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (!is_wanted(plan, e->d_name))
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
}

void store_prune(const struct feeds_plan *plan)
{
	store_prune_folder(plan, "/lists");
}

/* ---- layers ---- */

/* What heads name. */
struct names {
	uint64_t *at;
	size_t n, room;
	bool is_unsure; /* some head could not be read */
};

static void add_names(struct names *all, const struct layers_head *h)
{
	if (all->n + h->n > all->room) {
		size_t room = 2 * (all->n + h->n);
		uint64_t *more = reallocarray(all->at, room, sizeof *more);
		if (more == NULL) {
			all->is_unsure = true;
			return;
		}
		all->at = more;
		all->room = room;
	}
	for (unsigned i = 0; i < h->n; i++)
		all->at[all->n++] = h->names[i];
}

static void look_into(struct names *all, int folder, const char *path, const char *file)
{
	(void)path;
	char text[LAYERS_HEAD_MAX];
	struct layers_head h;
	size_t n;
	int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		all->is_unsure |= errno != ENOENT;
		return;
	}
	int e = layers_head_read(fd, text, &n, &h);
	close(fd);
	if (e == 0)
		add_names(all, &h);
	else /* with a damaged head no layer is found either */
		all->is_unsure |= e != -ENOENT && e != -EISDIR && e != -EBADMSG;
}

static void look_at_folder(struct names *all, const char *path,
                           void (*look)(struct names *all, int folder, const char *path,
                                        const char *file))
{
	DIR *d = opendir(path);
	if (d == NULL) {
		all->is_unsure |= errno != ENOENT && errno != ENOTDIR;
		return;
	}
	for (struct dirent *e; (errno = 0, e = readdir(d)) != NULL;) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			look(all, dirfd(d), path, e->d_name);
	}
	all->is_unsure |= errno != 0;
	closedir(d);
}

static void look_at_inner(struct names *all, int folder, const char *path, const char *file)
{
	char inner[PATH_ROOM];
	(void)folder;
	if (snprintf(inner, sizeof inner, "%s/%s", path, file) < (int)sizeof inner)
		look_at_folder(all, inner, look_into);
	else
		all->is_unsure = true;
}

void store_prune_layers(const struct feeds_plan *plan, unsigned grace_s)
{
	static const char *const folders[] = { "/zones", "/lists", "/versions" };
	char layers[PATH_ROOM], path[PATH_ROOM];
	struct names all = { 0 };
	if (!path_in(plan, "/layers", "", "", "", layers, sizeof layers) ||
	    access(layers, F_OK) != 0)
		return;
	for (unsigned i = 0; i < 3; i++) {
		if (path_in(plan, folders[i], "", "", "", path, sizeof path))
			look_at_folder(&all, path, i == 2 ? look_at_inner : look_into);
		else
			all.is_unsure = true;
	}
	unsigned n = all.is_unsure ? 0 : layers_prune(layers, all.at, all.n, grace_s);
	if (n > 0)
		log_debug("%u layers of zones were in no version any more", n);
	free(all.at);
}
