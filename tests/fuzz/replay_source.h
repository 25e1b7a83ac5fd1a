/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a recording.
 *
 * Properties: it ends; every question has a valid name and a type, and no more aliases and addresses
 * than there is room for; what fails says why.
 */
#pragma once

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "replay/replay.h"

static inline void check_item(const struct replay_item *i, size_t n_bytes)
{
	must(i->name.len > 0 && name_check(i->name.wire, i->name.len) == i->name.len);
	must(i->n_aliases <= REPLAY_ALIASES_MAX && i->n_addrs <= REPLAY_ADDRS_MAX);
	must(i->n_server_names <= REPLAY_SERVERS_MAX && i->n_server_addrs <= REPLAY_SERVERS_MAX);
	for (unsigned k = 0; k < i->n_aliases; k++)
		must(name_check(i->aliases[k].wire, i->aliases[k].len) == i->aliases[k].len);
	must(memchr(i->rule, 0, sizeof i->rule) != NULL);
	must(n_bytes > 0);
}

static inline void replay_bytes(const uint8_t *data, size_t n, enum replay_format format)
{
	static struct replay_item item;
	struct replay_source *s;
	char path[64], why[REPLAY_WHY_MAX] = "";
	int fd = memfd_create("replay_fuzz", MFD_CLOEXEC);
	must(fd >= 0);
	must(write(fd, data, n) == (ssize_t)n);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (replay_open(path, format, &s, why) == 0) {
		enum replay_got got;
		size_t n_items = 0;
		while ((got = replay_next(s, &item)) == REPLAY_ITEM) {
			check_item(&item, n);
			must(++n_items <= n || n == 0);
		}
		must(got == REPLAY_END || replay_error(s)[0] != 0);
		replay_close(s);
	} else {
		must(why[0] != 0);
	}
	close(fd);
}
