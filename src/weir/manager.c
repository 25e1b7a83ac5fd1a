/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/manager.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

void manager_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET"); /* NOLINT(concurrency-mt-unsafe): read only */
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	if (path == NULL || strlen(path) >= sizeof sa.sun_path)
		return;
	memcpy(sa.sun_path, path, strlen(path));
	if (sa.sun_path[0] == '@')
		sa.sun_path[0] = 0;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (fd >= 0) {
		if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&sa, n) < 0)
			log_warning("the service manager could not be told: %s", strerror(errno));
		close(fd);
	}
}
