/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api/listen.h - the Unix socket: made, found stale, removed; and who is at the other end.
 *
 * What:      binding the control socket without ever taking a living server's away, and the
 *            name of the user who connected.
 * Not here:  what is said on it -> control.c.
 * Threads:   any; no state.
 * Memory:    never allocates.
 * Limits:    CONTROL_PATH_MAX.
 * Tests:     tests/unit/api/listen_test.c
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/must.h"

struct listen_socket {
	int fd;
	dev_t dev; /* of the socket's file, so that only our own is removed */
	ino_t ino;
};

/* See control_new() for the errors. The socket does not block and has mode 0660. */
MUST_USE int listen_open(const char *path, struct listen_socket *ret);
/* Close it, and remove the file unless somebody else's stands there by now. */
void listen_close(struct listen_socket *s, const char *path);

/* Connect to a server's socket. The descriptor does not block. Returns it or -errno. */
int listen_connect(const char *path);

/* "alice (1000)" of the process at the other end. ret_who: n bytes, NUL-terminated. */
void listen_peer(int fd, char *ret_who, size_t n);
