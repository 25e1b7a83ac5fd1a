/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/privileges.h - started as root for port 53, going on as somebody else.
 *
 * What:      privileges_leave_root() changes the user and keeps nothing of root's power but
 *            binding low ports and, until it is known whether that is needed, changing the
 *            firewall; privileges_drop() gives that up too, once the sockets are open.
 * Threads:   main thread, before any other is started (capabilities belong to threads).
 * Memory:    none.
 * Cost:      none that matters.
 * Limits:    files and folders that weir writes to must belong to the user.
 * Tests:     tests/system/privileges_test.py
 */
#pragma once

#include <stdbool.h>

#include "base/must.h"

/* name NULL or "", or not started as root: nothing is done. 0 or -errno, said in the log. */
MUST_USE int privileges_leave_root(const char *name);
/* with_net_admin: CAP_NET_ADMIN stays, for sets of nftables. */
MUST_USE int privileges_drop(bool with_net_admin);
