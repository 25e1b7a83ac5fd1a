/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk.h"

static bool is_name(const char *n)
{
	size_t len = strlen(n);
	return len > 0 && len <= FETCH_NAME_MAX && n[0] != '.' && strchr(n, '/') == NULL;
}

static bool path_to(char ret[PLACE_PATH_MAX], const char *folder, const char *before,
                    const char *name, const char *after)
{
	int n = snprintf(ret, PLACE_PATH_MAX, "%s/%s%s%s", folder, before, name, after);
	return n > 0 && n < PLACE_PATH_MAX;
}

int place_of(const char *state_dir, const char *name, struct place *ret)
{
	if (!is_name(name))
		return -EINVAL;
	if (!path_to(ret->folder, state_dir, "", "feeds", "") ||
	    !path_to(ret->file, ret->folder, "", name, "") ||
	    !path_to(ret->beside, ret->folder, ".", name, ".new") ||
	    !path_to(ret->part, ret->folder, ".", name, ".part") ||
	    !path_to(ret->meta, ret->folder, ".", name, ".meta"))
		return -ENAMETOOLONG;
	return 0;
}

int place_open_part(const struct place *p)
{
	if (mkdir(p->folder, 0750) != 0 && errno != EEXIST)
		return -errno;
	int fd = open(p->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	return fd < 0 ? -errno : fd;
}

int place_begin(const struct place *p)
{
	if (mkdir(p->folder, 0750) != 0 && errno != EEXIST)
		return -errno;
	int fd = open(p->beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	return fd < 0 ? -errno : fd;
}

/* `beside` is free at this point: the version has been renamed away from it. */
int place_note(const struct place *p, const struct validators *v)
{
	char text[VALIDATORS_MAX_BYTES];
	size_t n = validators_format(v, text);
	int fd = open(p->beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	ssize_t written = write(fd, text, n);
	int e = written < 0 ? -errno : (size_t)written < n ? -ENOSPC : 0;
	if (e == 0 && fsync(fd) != 0)
		e = -errno;
	close(fd);
	if (e == 0 && rename(p->beside, p->meta) != 0)
		e = -errno;
	if (e != 0)
		(void)unlink(p->beside);
	return e;
}

int place_finish(const struct place *p, int fd, const struct validators *v)
{
	int e = fsync(fd) != 0 ? -errno : 0;
	if (close(fd) != 0 && e == 0)
		e = -errno;
	if (e == 0 && rename(p->beside, p->file) != 0)
		e = -errno;
	if (e != 0) {
		(void)unlink(p->beside);
		return e;
	}
	/* Were it to fail here: what is remembered belongs to another file, and is not used. */
	e = place_note(p, v);
	int synced = disk_sync_folder(p->file);
	return e != 0 ? e : synced;
}

void place_give_up(const struct place *p, int fd)
{
	if (fd >= 0)
		close(fd);
	(void)unlink(p->beside);
}

int place_known(const struct place *p, struct validators *ret)
{
	char text[VALIDATORS_MAX_BYTES];
	struct validators v;
	struct stat st;
	int fd = open(p->meta, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -ENOENT;
	ssize_t n = read(fd, text, sizeof text);
	close(fd);
	if (n <= 0 || validators_parse(text, (size_t)n, &v) != 0)
		return -ENOENT;
	if (stat(p->file, &st) != 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != v.bytes)
		return -ENOENT;
	*ret = v;
	return 0;
}

/* "NAME", ".NAME.meta", ".NAME.new" -> is NAME one of the sources? */
static bool is_wanted(const char *file, const struct fetch_sources *sources)
{
	static const char *const ends[] = { ".meta", ".new", ".part" };
	size_t n = strlen(file);
	if (file[0] == '.') {
		const char *end = strrchr(file, '.');
		if (strcmp(end, ends[0]) != 0 && strcmp(end, ends[1]) != 0 &&
		    strcmp(end, ends[2]) != 0)
			return false;
		n = (size_t)(end - ++file);
	}
	for (unsigned i = 0; i < sources->n; i++) {
		const char *name = sources->at[i].name;
		if (strlen(name) == n && memcmp(name, file, n) == 0)
			return true;
	}
	return false;
}

void place_prune(const char *state_dir, const struct fetch_sources *sources)
{
	char path[PLACE_PATH_MAX];
	if (!path_to(path, state_dir, "", "feeds", ""))
		return;
	DIR *d = opendir(path);
	if (d == NULL)
		return;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (!is_wanted(e->d_name, sources))
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
}
