/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch/request.h - one HTTP request, with its redirects, from the look-up of the host to the
 *                   last byte.
 *
 * What:      the host's addresses are asked of Weir, given to libcurl (CURLOPT_RESOLVE), and the
 *            body goes into a file or into memory. Redirects are followed here, each with a
 *            look-up of its own; never from https to http. Every request ends by `done`, within
 *            its time.
 * Not here:  what is done with the answer -> fetch/job.h
 * Threads:   the fetching thread.
 * Memory:    heap; libcurl's buffers (some 50 KiB), bodies in memory up to max_bytes.
 * Cost:      never blocks but on writes to the file.
 * Limits:    max_bytes (before and behind decompression), timeout_ms, REQUEST_HEADERS_MAX bytes of
 *            headers, REQUEST_REDIRECTS, a minute without a byte.
 * Standards: RFC 9110
 * Tests:     tests/system/fetch_test.py
 */
#pragma once

#include <openssl/evp.h>

#include "fetch/fetch.h"
#include "fetch/sniff.h"
#include "fetch/source.h"
#include "fetch/validators.h"
#include "io/http.h"

enum {
	REQUEST_HEADERS_MAX = 64 * 1024,
	REQUEST_REDIRECTS = 5,
	REQUEST_STALL_S = 60,
	REQUEST_CONNECT_S = 30,
};

struct request;

/* All requests share one. */
struct net {
	CURLM *multi;
	/* Ask for a host's addresses; request_resolved() follows. */
	void (*ask)(void *arg, uint64_t token, const char *host);
	void *arg;
	uint64_t last_token;
	struct request *first; /* all under way */
};

struct request_plan {
	const struct fetch_source *source; /* proxy, ca, headers; outlives the request */
	const struct curl_slist *secrets;  /* lines of the header-file; outlives the request */
	const char *url;                   /* copied */
	const char *accept;                /* NULL: anything */
	const char *body;                  /* JSON to send along (POST); NULL: GET; outlives it */
	const char *etag, *modified;       /* to be sent along; "" or NULL: none */
	bool no_cache;                     /* past caches on the way */
	int fd;                            /* where the body goes; -1: into memory */
	uint64_t max_bytes;
	uint32_t timeout_ms;
	void (*done)(struct request *r); /* may free the request */
	void *arg;
};

struct request {
	struct request_plan plan;
	/* the outcome; only `why` means anything unless it is "" */
	char why[FETCH_WHY_MAX]; /* no answer, or not a whole one: why */
	long status;             /* 200, 304, 404, ... */
	char etag[VALIDATOR_MAX], modified[VALIDATOR_MAX], content_type[128];
	char more[VALIDATOR_MAX]; /* X-TAXII-Date-Added-Last */
	char date[64];
	uint32_t retry_after_s;
	uint64_t bytes;              /* of the body */
	char head[SNIFF_BYTES];      /* its beginning */
	char *body;                  /* in memory: bytes long and a NUL behind */
	char sha256[SHA256_HEX + 1]; /* of the body */

	/* its own */
	struct net *net;
	struct request *prev, *next;
	CURL *easy;
	struct curl_slist *header_list, *resolve_list;
	EVP_MD_CTX *digest;
	char url[FETCH_URL_MAX]; /* now asked */
	struct http_url peer;    /* whose addresses are needed */
	uint64_t token;          /* of the question under way; 0: none */
	uint64_t deadline_ns;
	uint64_t n_headers;
	unsigned n_redirects;
	bool is_added;               /* to net->multi */
	char error[CURL_ERROR_SIZE]; /* libcurl's words */
	size_t room;                 /* of body */
};

/* Begin. `done` comes later, never from inside. 0 or -ENOMEM. */
MUST_USE int request_start(struct net *n, const struct request_plan *plan, struct request **ret);
/* Give up, if it is not done yet, and free. NULL is fine. */
void request_free(struct request *r);

/* An answer to net.ask(). */
void request_resolved(struct net *n, uint64_t token, const struct addr *addrs, unsigned n_addrs);
/* libcurl says that a transfer has ended. */
void request_ended(struct request *r, CURLcode code);
/* End what is over its time. Returns the next deadline, UINT64_MAX when there is none. */
uint64_t requests_expire(struct net *n, uint64_t now_ns);
