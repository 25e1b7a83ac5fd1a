/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A snapshot from the text of a configuration, and what it says as text. */
#pragma once

#include "local/local.h"

/* The lines that were told come one after the other into snapshot_told, each with a line end. */
extern char snapshot_told[8192];

struct local *snapshot_of(const char *yaml);
/* The same with a hosts or zone file: its path stands where yaml has "%s". */
struct local *snapshot_with_file(const char *yaml, const char *text);

/*
 * "UNKNOWN", "NODATA zone.", "NXDOMAIN zone.", "DATA 192.0.2.1 ...", "ALIAS target",
 * "SYNTHESIS", "REFUSED", "DROP". Borrowed until the next call.
 */
const char *snapshot_ask(const struct local *l, const char *name, uint16_t type, bool with_dns64);

int snapshot_start(void **state); /* of a group of tests: the hash key, RCU */
int snapshot_stop(void **state);
