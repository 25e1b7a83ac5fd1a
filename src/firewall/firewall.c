/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "firewall/firewall.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/utsname.h>

#include "base/log.h"
#include "firewall/table.h"

static int open_socket(struct mnl_socket **ret)
{
	/* The kernel answers at once; if it should not, housekeeping goes on. */
	const struct timeval patience = { .tv_sec = 2 };
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (s == NULL)
		return -errno;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) != 0) {
		int e = -errno;
		mnl_socket_close(s);
		return e;
	}
	setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	*ret = s;
	return 0;
}

static int read_table(const char *text, uint8_t *ret_family, char *ret_name)
{
	static const struct {
		const char *word;
		uint8_t family;
	} families[] = { { "inet ", NFPROTO_INET },
		         { "ip ", NFPROTO_IPV4 },
		         { "ip6 ", NFPROTO_IPV6 } };
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		size_t n = strlen(families[i].word);
		const char *name = text + n;
		if (strncmp(text, families[i].word, n) != 0)
			continue;
		if (*name == 0 || strlen(name) > FIREWALL_NAME_MAX || strchr(name, ' ') != NULL)
			return -EINVAL;
		*ret_family = families[i].family;
		memcpy(ret_name, name, strlen(name) + 1);
		return 0;
	}
	return -EINVAL;
}

bool firewall_table_is_good(const char *table)
{
	uint8_t family;
	char name[FIREWALL_NAME_MAX + 1];
	return read_table(table, &family, name) == 0;
}

/* Linux 6.12 learned to give elements another timeout. */
static bool kernel_can_update(void)
{
	struct utsname u;
	char *end;
	if (uname(&u) != 0)
		return false;
	unsigned long major = strtoul(u.release, &end, 10);
	unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	return major > 6 || (major == 6 && minor >= 12);
}

static void set_init(struct firewall_set *s, const char *name)
{
	s->told = 1;
	if (name != NULL)
		snprintf(s->name, sizeof s->name, "%s", name);
}

int firewall_new(const struct firewall_plan *plan, struct firewall **ret)
{
	struct firewall *f = calloc(1, sizeof *f);
	int e = f == NULL ? -ENOMEM : read_table(plan->table, &f->family, f->table);
	if (e == 0)
		e = open_socket(&f->socket);
	if (e != 0) {
		free(f);
		return e;
	}
	set_init(&f->sets[FAMILY_V4], plan->set_v4);
	set_init(&f->sets[FAMILY_V6], plan->set_v6);
	f->timeout_min_ms = plan->timeout_min_s * 1000ULL;
	f->can_update = !plan->replaces && kernel_can_update();
	firewall_check(f);
	*ret = f;
	return 0;
}

void firewall_free(struct firewall *f)
{
	if (f == NULL)
		return;
	mnl_socket_close(f->socket);
	free(f);
}

/* 0: the set can be filled. */
static int judge_set(unsigned family, const struct set_seen *seen)
{
	uint32_t bytes = family == FAMILY_V4 ? 4 : 16;
	if (!seen->has_timeout)
		return -EOPNOTSUPP;
	return seen->key_bytes == bytes || seen->key_bytes == 2 * bytes ? 0 : -EPROTOTYPE;
}

static void tell(const struct firewall *f, struct firewall_set *s, int e, uint32_t key_bytes)
{
	if (s->told == e)
		return;
	s->told = e;
	if (e == 0)
		log_info("firewall: set %s of table %s is filled with %s", s->name, f->table,
		         key_bytes == 8 || key_bytes == 32 ? "clients and their destinations"
		                                           : "destinations");
	else
		log_error("firewall: set %s of table %s cannot be filled: %s; it is looked for "
		          "again",
		          s->name, f->table,
		          e == -ENOENT       ? "there is no such set"
		          : e == -EOPNOTSUPP ? "it has no 'flags timeout'"
		          : e == -EPROTOTYPE ? "its key is neither an address of its family nor "
		                               "two of them"
		          : e == -EPERM      ? "this needs CAP_NET_ADMIN"
		                             : strerror(-e));
}

static void check_set(struct firewall *f, unsigned family)
{
	struct firewall_set *s = &f->sets[family];
	struct set_seen seen;
	if (s->name[0] == 0)
		return;
	int e = set_look(f, s->name, &seen);
	if (e == 0)
		e = judge_set(family, &seen);
	atomic_store_explicit(&s->key_bytes, e == 0 ? seen.key_bytes : 0, memory_order_release);
	if (e == 0 && seen.handle != s->handle) {
		s->handle = seen.handle;
		atomic_fetch_add_explicit(&f->epoch, 1, memory_order_release);
	}
	tell(f, s, e, seen.key_bytes);
}

void firewall_check(struct firewall *f)
{
	if (f == NULL)
		return;
	for (unsigned i = 0; i < FAMILIES; i++)
		check_set(f, i);
	int e = atomic_exchange_explicit(&f->error, 0, memory_order_relaxed);
	if (e != 0)
		log_error("firewall: elements were refused: %s%s", strerror(-e),
		          e == -EPERM    ? "; weir needs CAP_NET_ADMIN"
		          : e == -ENFILE ? "; a set is full"
		                         : "");
}
