/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * io/http.h - what all who use libcurl share: URLs, addresses that are known, what is always set.
 *
 * What:      parts of a URL; the lines of a list for libcurl; addresses that our own resolver has
 *            found, so that libcurl asks nobody; options of every request.
 * Not here:  downloads -> fetch/request.h; webhooks -> alerts/sender.h
 * Threads:   pure, but for what the caller's handles are.
 * Memory:    lists are the caller's: curl_slist_free_all().
 * Cost:      some allocations of libcurl's.
 * Limits:    hosts of 255 bytes; HTTP_MAX_ADDRS addresses, more are left out. TLS 1.2 and above.
 * Standards: RFC 3986 3
 * Tests:     tests/unit/io/http_test.c
 */
#pragma once

#include <curl/curl.h>

#include "base/addr.h"

enum {
	HTTP_MAX_ADDRS = 16
};

struct http_url {
	char scheme[8], host[256], port[8]; /* an IPv6 address in brackets */
};

/* False: it is no URL, or a part is too long. The port is that of the scheme if none is written. */
bool http_split(const char *url, struct http_url *ret);
bool http_is_same_server(const char *a, const char *b);
/* Is the host an address? */
bool http_is_address(const struct http_url *url);

/* False: out of memory, and the list is as it was. */
bool http_add_line(struct curl_slist **list, const char *line);
/* For CURLOPT_RESOLVE: forget what was known of the host, and know these. False: out of memory. */
bool http_add_addresses(struct curl_slist **list, const struct http_url *url,
                        const struct addr *addrs, unsigned n);

/* Borrowed until the request has ended. */
struct http_request {
	const char *url;
	char *error;                          /* CURL_ERROR_SIZE bytes */
	struct curl_slist *headers, *resolve; /* resolve: http_add_addresses() */
	const char *proxy, *ca_file;          /* NULL: none; those of the system */
};
/* Redirects are not followed: they are the caller's to judge. */
void http_set_options(CURL *c, const struct http_request *r);
