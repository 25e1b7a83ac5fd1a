/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/refresh.h - one look at a zone's primaries: is there something newer? Then fetch it.
 *
 * What:      for each primary in turn, until one answers: its SOA; if that is newer than the copy
 *            here, IXFR; if that fails in any way but for the network, AXFR. The new version
 *            stands on the disk, whole, before this returns.
 *
 *                STATE/zones/NAME  (transfer/zone_layers.h)
 *
 * Not here:  when to look -> transfer/secondary.c.
 * Threads:   one thread a call; it blocks. Calls for different files may run at once.
 * Memory:    1 MiB; a whole zone SORTER_BYTES more; a delta at most DELTA_MAX_BYTES more.
 * Cost:      a delta: its records, each looked up in the zone. A whole zone is sorted.
 * Limits:    max_bytes of messages and of the file; REFRESH_MAX_RECORDS; REFRESH_MAX_S.
 * Standards: RFC 1995, 5936, 1982, 8945, 9103
 * Tests:     tests/unit/transfer/refresh_test.c, tests/system/transfer_test.py
 */
#pragma once

#include "base/addr.h"
#include "io/tls.h"
#include "transfer/record.h"
#include "transfer/tsig.h"

enum {
	REFRESH_MAX_S = 3600,
	REFRESH_MAX_RECORDS = 200 << 20,
	REFRESH_WHY_MAX = 400,
};

struct refresh_plan {
	struct name zone;
	const char *path; /* of the zone's file; beside it the next version is written */
	const struct endpoint *primaries;
	unsigned n_primaries;
	unsigned first;                           /* which of them is asked first */
	const struct tsig_key *key;               /* NULL: nothing is signed */
	const struct tls_client *tls;             /* NULL: in clear text */
	const struct addr *source_v4, *source_v6; /* NULL: the kernel chooses */
	uint64_t max_bytes;
	int stop_fd;
	bool is_first; /* since the start: what is here is read against its checksums */
};

enum refresh_outcome {
	REFRESH_FAILED,
	REFRESH_CURRENT, /* nothing is newer */
	REFRESH_NEW,     /* there is a new file */
};

struct refresh_result {
	enum refresh_outcome outcome;
	struct record_soa soa; /* not with FAILED */
	bool is_delta;
	uint64_t n_records, n_bytes; /* received */
	uint64_t n_foreign, n_bad;   /* left out: not in the zone; damaged */
	uint64_t n_lines;            /* in the file now, the SOA aside */
	struct endpoint primary;     /* who answered */
	char why[REFRESH_WHY_MAX];   /* FAILED, or what went wrong on the way; may be "" */
};

void refresh_run(const struct refresh_plan *plan, struct refresh_result *ret);
