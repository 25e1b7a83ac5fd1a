/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file of the copy of the root zone: read at the start, and again when it has changed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/disk.h"
#include "base/log.h"
#include "resolve/resolve.h"
#include "resolve/root_copy.h"

enum {
	LOOK_EVERY_S = 30,
	FILE_MAX_BYTES = 256 << 20,
};

/* The file as it was when it was looked at last. */
static struct {
	char *path; /* NULL: none is configured */
	uint64_t look_at_s;
	struct timespec modified;
	off_t n_bytes;
	ino_t inode;
	bool is_known, is_missing, was_expired;
} seen;

static void forget(void)
{
	free(seen.path);
	memset(&seen, 0, sizeof seen);
	root_copy_publish(NULL);
}

static void read_copy(const struct stat *st)
{
	char why[ROOT_COPY_WHY_MAX] = "";
	struct root_copy *c = NULL;
	char *text = NULL;
	size_t n;
	int e = disk_read(seen.path, FILE_MAX_BYTES, &text, &n);
	if (e == 0)
		e = root_copy_read(seen.path, text, n, (uint64_t)st->st_mtim.tv_sec, &c, why);
	free(text);
	if (e != 0) {
		log_warning("the copy of the root zone is not used: %s%s%s; %s",
		            why[0] != 0 ? why : seen.path, why[0] != 0 ? "" : ": ",
		            why[0] != 0 ? "" : strerror(-e),
		            root_copy_current() != NULL ? "the one before it stays in force"
		                                        : "the root servers are asked");
		return;
	}
	log_info("the root zone is answered from %s: serial %u, %u records, %s", seen.path,
	         root_copy_serial(c), root_copy_n_records(c),
	         root_copy_has_digest(c) ? "its digest is right" : "it has no digest");
	seen.was_expired = false;
	root_copy_publish(c);
}

static void look(void)
{
	struct stat st;
	if (stat(seen.path, &st) != 0) {
		if (!seen.is_missing)
			log_warning("the copy of the root zone cannot be read: %s: %s", seen.path,
			            strerror(errno));
		seen.is_missing = true;
		return;
	}
	seen.is_missing = false;
	if (seen.is_known && st.st_mtim.tv_sec == seen.modified.tv_sec &&
	    st.st_mtim.tv_nsec == seen.modified.tv_nsec && st.st_size == seen.n_bytes &&
	    st.st_ino == seen.inode)
		return;
	seen.is_known = true;
	seen.modified = st.st_mtim;
	seen.n_bytes = st.st_size;
	seen.inode = st.st_ino;
	read_copy(&st);
}

static void tell_expiry(uint64_t now_s)
{
	const struct root_copy *c = root_copy_current();
	if (c == NULL || seen.was_expired || !root_copy_is_expired(c, now_s))
		return;
	seen.was_expired = true;
	log_warning(
		"the copy of the root zone in %s has expired (serial %u): the root servers are asked",
		seen.path, root_copy_serial(c));
}

void resolve_root_zone_tick(const char *path, uint64_t now_s)
{
	if (path == NULL || *path == 0) {
		if (seen.path != NULL)
			forget();
		return;
	}
	if (seen.path == NULL || strcmp(seen.path, path) != 0) {
		forget();
		seen.path = strdup(path);
		must(seen.path != NULL);
	}
	tell_expiry(now_s);
	if (now_s < seen.look_at_s)
		return;
	seen.look_at_s = now_s + LOOK_EVERY_S;
	look();
}

void resolve_root_zone_stop(void)
{
	forget();
}
