/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"

static bool has_left_root;

/* Permitted and effective capabilities become exactly `keep` (n of them). */
static int set_capabilities(const cap_value_t *keep, int n)
{
	cap_t caps = cap_init();
	int e = caps == NULL ? -errno : 0;
	if (e == 0 && n > 0 &&
	    (cap_set_flag(caps, CAP_PERMITTED, n, keep, CAP_SET) != 0 ||
	     cap_set_flag(caps, CAP_EFFECTIVE, n, keep, CAP_SET) != 0))
		e = -errno;
	if (e == 0 && cap_set_proc(caps) != 0)
		e = -errno;
	if (caps != NULL)
		cap_free(caps);
	return e;
}

int privileges_leave_root(const char *name)
{
	static const cap_value_t until_open[] = { CAP_NET_BIND_SERVICE, CAP_NET_ADMIN };
	if (name == NULL || *name == 0 || geteuid() != 0)
		return 0;
	struct passwd *user = getpwnam(name); /* NOLINT(concurrency-mt-unsafe): one thread yet */
	if (user == NULL) {
		log_error("server.user: there is no user %s", name);
		return -ENOENT;
	}
	int e = 0;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || initgroups(name, user->pw_gid) != 0 ||
	    setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
		e = -errno;
	if (e == 0)
		e = set_capabilities(until_open, ARRAY_LEN(until_open));
	if (e != 0)
		log_error("cannot become user %s: %s", name, strerror(-e));
	has_left_root = e == 0;
	return e;
}

int privileges_drop(bool with_net_admin)
{
	static const cap_value_t net_admin[] = { CAP_NET_ADMIN };
	if (!has_left_root)
		return 0;
	int e = set_capabilities(net_admin, with_net_admin ? 1 : 0);
	if (e == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		e = -errno;
	if (e != 0)
		log_error("cannot give up the last privileges: %s", strerror(-e));
	return e;
}
