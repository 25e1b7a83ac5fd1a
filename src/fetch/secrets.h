/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch/secrets.h - a list's header-file: lines to send along that the configuration should not
 *                   hold, such as keys and passwords.
 *
 * What:      "NAME: VALUE" a line; empty lines and lines that begin with # are passed over.
 * Threads:   pure, but for reading the file.
 * Memory:    a list for libcurl, the caller's.
 * Cost:      reads the file each time, so that a new key needs no reload.
 * Limits:    SECRETS_MAX_BYTES, FETCH_MAX_HEADERS lines.
 * Standards: RFC 9110 5.1 (names of fields)
 * Tests:     tests/unit/fetch/secrets_test.c
 */
#pragma once

#include <curl/curl.h>

#include "fetch/fetch.h"

enum {
	SECRETS_MAX_BYTES = 64 * 1024
};

/*
 * path NULL: no lines. 0; -errno of the file, -EBADMSG for a line that is none: ret_why tells,
 * without the line's text.
 */
MUST_USE int secrets_read(const char *path, struct curl_slist **ret, char *ret_why, size_t room);
