/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch/fetch.h - the front door of downloads: lists that come over HTTPS.
 *
 * What:      one thread asks each source on its schedule whether there is a newer version and
 *            puts it into the state folder, whole or not at all:
 *
 *                STATE/feeds/NAME        what was downloaded last; the list's file (feeds/feeds.h)
 *                STATE/feeds/.NAME.new   a download under way
 *                STATE/feeds/.NAME.part  objects of TAXII and MISP that came so far (gather.h)
 *                STATE/feeds/.NAME.meta  ETag, Last-Modified, when (validators.h)
 *
 *            It never looks a name up by itself: the main thread is asked to (FETCH_ASK), so that
 *            Weir's own resolver does it, and what policy says does not matter.
 *            What is in the file is not judged here, but that it is the file: its signature, its
 *            checksum, that it is no web page, that it is whole.
 * Not here:  reading lists, judging versions -> feeds/feeds.h; the main thread's part ->
 *            weir/fetching.h.
 * Threads:   fetch_start() and the calls below: the main thread. The fetching thread calls
 *            plan.wake only.
 * Memory:    heap; some 100 KiB for each download under way, of which there are FETCH_PARALLEL.
 * Cost:      nothing on the path of questions.
 * Limits:    the numbers below; each source's own of bytes and time.
 * Standards: RFC 9110 13 (conditional requests), 10.2.3 (Retry-After)
 * Tests:     tests/unit/fetch/, tests/system/fetch_test.py
 */
#pragma once

#include "base/addr.h"
#include "base/must.h"

enum {
	FETCH_NAME_MAX = 63,
	FETCH_URL_MAX = 2048,
	FETCH_MAX_MIRRORS = 16,
	FETCH_MAX_HEADERS = 32,
	FETCH_MAX_ADDRS = 16,
	FETCH_PARALLEL = 4, /* downloads at the same time; others wait for their turn */
	FETCH_WHY_MAX = 800,
};

enum fetch_kind {
	FETCH_FILE = 0,
	FETCH_TAXII,       /* the URL is of a TAXII 2.1 server, API root or its collections */
	FETCH_MISP,        /* the URL is of a feed's manifest.json */
	FETCH_MISP_SERVER, /* the URL is of a server's attributes/restSearch */
};

/* One list. Everything is borrowed during the call that takes it. */
struct fetch_source {
	const char *name;                        /* [a-zA-Z0-9._-], at most FETCH_NAME_MAX */
	const char *urls[1 + FETCH_MAX_MIRRORS]; /* tried in this order */
	unsigned n_urls;
	enum fetch_kind kind;
	const char *collection; /* TAXII: an id or a title */
	uint32_t refresh_s, timeout_s;
	uint32_t full_refresh_s; /* TAXII, MISP server: when to ask for everything again */
	uint64_t max_bytes;
	const char *proxy; /* NULL: none */
	const char *headers[FETCH_MAX_HEADERS];
	unsigned n_headers;
	const char *header_file;   /* NULL: none */
	const char *ca_file;       /* NULL: the system's */
	const char *minisign_key;  /* base64; NULL: no signature is needed */
	const char *signature_url; /* NULL: that of the list, and .minisig behind it */
	const char *sha256_url;    /* NULL: no checksum is needed */
};

/* What became of a source. Wall clock times; 0: never. */
struct fetch_status {
	char name[FETCH_NAME_MAX + 1];
	char url[FETCH_URL_MAX]; /* that was asked last */
	uint64_t tried_s;        /* the last attempt */
	uint64_t fetched_s;      /* the last that the server answered well: new, or unchanged */
	uint64_t changed_s;      /* when the version came that we have */
	uint64_t next_s;
	uint64_t bytes;      /* of the version that we have */
	unsigned n_failures; /* since the last success */
	bool is_running;
	char why[FETCH_WHY_MAX]; /* the last failure; "" after a success */
};

enum fetch_news_kind {
	FETCH_ASK,    /* what are the addresses of `host`? fetch_resolved() with the token */
	FETCH_STATUS, /* `status` has changed */
};

struct fetch_news {
	struct fetch_news *next;
	enum fetch_news_kind kind;
	bool has_new_version; /* STATUS: the file was replaced; the lists should be read again */
	bool is_failure;      /* STATUS: an attempt has just failed */
	uint64_t token;       /* ASK */
	char host[256];       /* ASK */
	struct fetch_status status;
};

struct fetch;

struct fetch_plan {
	const char *state_dir;
	void (*wake)(void *arg); /* there is news; called on the fetching thread */
	void *arg;
};

/* Start the thread; it has nothing to do yet. 0 or -errno. */
MUST_USE int fetch_start(const struct fetch_plan *plan, struct fetch **ret);
/* Downloads under way are given up. NULL is fine. Blocks for some milliseconds. */
void fetch_stop(struct fetch *f);

/*
 * These sources from now on, all others are forgotten with their files. One that is as it was
 * keeps its schedule; a changed one is asked at once. 0 or -ENOMEM.
 */
MUST_USE int fetch_configure(struct fetch *f, const struct fetch_source *sources, unsigned n);
/* Fetch now, whatever the schedule says; NULL: all. 0 or -ENOMEM. */
MUST_USE int fetch_update(struct fetch *f, const char *name);
/* The answer to FETCH_ASK; n 0: there are none. */
void fetch_resolved(struct fetch *f, uint64_t token, const struct addr *addrs, unsigned n);

/* News so far, the oldest first, NULL if there is none; free each with free(). */
struct fetch_news *fetch_take_news(struct fetch *f);
