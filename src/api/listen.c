/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/api.h"

enum {
	BACKLOG = 16,
	SOCKET_MODE = 0660, /* the service's own user and group may give orders */
};

static int address_of(const char *path, struct sockaddr_un *ret)
{
	size_t n = strlen(path);
	if (n == 0)
		return -EINVAL;
	if (n > CONTROL_PATH_MAX)
		return -ENAMETOOLONG;
	memset(ret, 0, sizeof *ret);
	ret->sun_family = AF_UNIX;
	memcpy(ret->sun_path, path, n);
	return 0;
}

int listen_connect(const char *path)
{
	struct sockaddr_un address;
	int rc = address_of(path, &address);
	if (rc != 0)
		return rc;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

/* Remove what stands in the way if it is a socket that nobody answers on. */
static int remove_stale(const char *path)
{
	struct stat st;
	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	int fd = listen_connect(path);
	if (fd >= 0)
		close(fd);
	/* EAGAIN: somebody listens whose queue is full. */
	if (fd >= 0 || fd == -EAGAIN)
		return -EADDRINUSE;
	if (fd != -ECONNREFUSED)
		return fd;
	return unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
}

static int bind_and_listen(int fd, const struct sockaddr_un *address)
{
	/* The file is born with the mode of the socket less the umask: never too open, and opened
	 * to the group afterwards. */
	if (fchmod(fd, SOCKET_MODE) != 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)address, sizeof *address) != 0)
		return -errno;
	if (chmod(address->sun_path, SOCKET_MODE) != 0 || listen(fd, BACKLOG) != 0) {
		int rc = -errno;
		unlink(address->sun_path);
		return rc;
	}
	return 0;
}

/* A descriptor of the folder that the path lies in. */
static int open_folder(const char *path)
{
	char folder[CONTROL_PATH_MAX + 1];
	snprintf(folder, sizeof folder, "%s", path);
	char *slash = strrchr(folder, '/');
	if (slash == NULL)
		snprintf(folder, sizeof folder, ".");
	else
		slash[slash == folder ? 1 : 0] = '\0';
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

static int open_locked(const char *path, struct listen_socket *ret)
{
	struct sockaddr_un address;
	int rc = address_of(path, &address);
	if (rc != 0)
		return rc;
	rc = remove_stale(path);
	if (rc != 0)
		return rc;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	struct stat st;
	rc = bind_and_listen(fd, &address);
	if (rc == 0 && lstat(path, &st) != 0)
		rc = -errno;
	if (rc != 0) {
		close(fd);
		return rc;
	}
	*ret = (struct listen_socket){ .fd = fd, .dev = st.st_dev, .ino = st.st_ino };
	return 0;
}

int listen_open(const char *path, struct listen_socket *ret)
{
	if (strlen(path) > CONTROL_PATH_MAX)
		return -ENAMETOOLONG;
	int folder = open_folder(path);
	if (folder < 0)
		return folder;
	/* Of two servers that start at once over a stale socket, the second must not remove what
	 * the first has just made. Gone with the descriptor. */
	int rc = flock(folder, LOCK_EX) == 0 ? open_locked(path, ret) : -errno;
	close(folder);
	return rc;
}

void listen_close(struct listen_socket *s, const char *path)
{
	struct stat st;
	if (lstat(path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(path);
	close(s->fd);
	s->fd = -1;
}

/*
 * The user's name from /etc/passwd itself: the name service may lead to a directory over the
 * network, which would hold up the housekeeping thread, and would be resolved through us.
 */
static int user_name(uid_t uid, char *ret_name, size_t n)
{
	FILE *f = fopen("/etc/passwd", "re");
	if (f == NULL)
		return -errno;
	char buf[2048];
	struct passwd entry, *found = NULL;
	int rc = -ENOENT;
	while (rc == -ENOENT && fgetpwent_r(f, &entry, buf, sizeof buf, &found) == 0) {
		if (found->pw_uid == uid) {
			snprintf(ret_name, n, "%s", found->pw_name);
			rc = 0;
		}
	}
	fclose(f);
	return rc;
}

void listen_peer(int fd, char *ret_who, size_t n)
{
	struct ucred peer;
	socklen_t size = sizeof peer;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
		snprintf(ret_who, n, "unknown");
		return;
	}
	char name[40];
	if (user_name(peer.uid, name, sizeof name) == 0)
		snprintf(ret_who, n, "%s (%u)", name, (unsigned)peer.uid);
	else
		snprintf(ret_who, n, "uid %u", (unsigned)peer.uid);
}
