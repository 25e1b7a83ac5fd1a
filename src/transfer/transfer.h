/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/transfer.h - the front door: policy zones from other servers, and for them.
 *
 * What:      a list with `primaries:` is a zone that is followed: asked for when its SOA record
 *            says so and when a primary sends NOTIFY, fetched by IXFR or AXFR, kept as
 *            STATE/zones/NAME (in layers: transfer/zone_layers.h), which the list then reads. Whoever owns the loop is
 *            told that there is something new to load.
 *
 *                NOTIFY -> worker: transfer_zones() -> mark, loop_wake(main)
 *                timer, mark -> thread: refresh_run() -> loop_wake(main) -> updated()
 *
 *            An entry of `publish:` is a zone that Weir has to give: the rules of a list, or the
 *            operator's edits, as a policy zone; sent by AXFR and IXFR on the listeners of all
 *            questions, with NOTIFY to those who follow.
 *
 *                policy changes -> thread: new version -> NOTIFY
 *                AXFR, IXFR -> worker -> connection to a thread: send_zone()
 *
 * Not here:  what the records mean -> feeds/format_rpz.c; loading -> weir/loader.h.
 * Threads:   the housekeeping thread, registered with base/rcu.h, calls everything here. Transfers
 *            run on threads of their own, TRANSFER_MAX_JOBS at once.
 * Memory:    some KiB a zone; what a transfer takes: transfer/refresh.h.
 * Cost:      nothing on the path of clients' questions.
 * Limits:    CONFIG_MAX_LISTS zones.
 * Standards: RFC 1034 4.3.5 (SOA timers), 1982, 1995, 1996, 5936, 8945, 9103
 * Tests:     tests/system/transfer_test.py
 */
#pragma once

#include "config/config.h"
#include "feeds/feeds.h"
#include "io/loop.h"
#include "serve/serve.h"

enum {
	TRANSFER_MAX_JOBS = 16,
	TRANSFER_ERROR_MAX = 400,
};

struct transfer;

struct transfer_plan {
	struct loop *loop;
	void (*updated)(void *arg, const char *list); /* this list's file is a new one */
	void *arg;
	const struct endpoint *tls_listen; /* borrowed; of publish-tls */
	unsigned n_tls_listen;
};

/* Opens sockets: while they may be opened. 0 or -errno. */
MUST_USE int transfer_new(const struct transfer_plan *plan, struct transfer **ret);
/* At the start, and with every configuration that comes into force; feeds: its lists, copied. 0 or
   -errno, which is logged; then the zones of before are followed still. */
MUST_USE int transfer_configure(struct transfer *t, const struct config *c,
                                const struct feeds_list *feeds, unsigned n_feeds);
/* Before a configuration goes: its lists are read by nobody when this returns. Milliseconds. */
void transfer_pause(struct transfer *t);
/* Lists were read anew: what is published of them may have changed. */
void transfer_reloaded(struct transfer *t);
/* The main loop was woken. */
void transfer_woken(struct transfer *t);
/* Ends transfers and their threads; the workers must be gone. NULL is fine. */
void transfer_free(struct transfer *t);

/* What workers call; the same as long as t lives. */
const struct serve_zones *transfer_zones(const struct transfer *t);

/* The path of the file of a list with primaries: STATE/zones/NAME. False: it does not fit. */
bool transfer_path(const char *state, const char *list, char *ret, size_t room);

/* How a zone stands. Text is borrowed until the next call of anything here. Times: wall clock. */
struct transfer_view {
	const char *list;
	const struct name *zone;
	bool has_version;
	uint32_t serial;
	uint64_t last_check_s;   /* 0: not yet */
	uint64_t last_success_s; /* when a primary answered; 0: never */
	uint64_t next_check_s;
	bool is_expired, is_busy;
	const char *error; /* of the last check; "": it was good */
};
unsigned transfer_n_zones(const struct transfer *t);
void transfer_view(const struct transfer *t, unsigned i, struct transfer_view *ret);

/* How a zone that is published stands. */
struct transfer_published {
	const struct name *zone;
	const char *source; /* the list; "": the edits */
	bool has_version;
	uint32_t serial;
	unsigned n_followers, n_heard; /* that are told; that have acknowledged the last version */
	const char *error;             /* why there is no newer version; "" */
};
/* The i-th; false: there are not so many, or t is NULL. Borrowed within the turn. */
bool transfer_published_view(const struct transfer *t, unsigned i, struct transfer_published *ret);

/* The zone of this list; false: it has none, or t is NULL. */
bool transfer_find(const struct transfer *t, const char *list, struct transfer_view *ret);
/* Check now, whatever the timers say; NULL: all. -ENOENT: no such list. */
MUST_USE int transfer_check_now(struct transfer *t, const char *list);
