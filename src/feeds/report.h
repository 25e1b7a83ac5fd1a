/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/report.h - counting what a list was made of.
 *
 * What:      the inside of struct feeds_report.
 * Not here:  printing it for users -> feeds.h
 * Threads:   worker-local.
 * Memory:    none; the report is the caller's.
 * Cost:      a skipped line some ns, the first FEEDS_EXAMPLES of them some hundred.
 * Limits:    FEEDS_EXAMPLES, of one reason at most half of them, so that one kind of noise
 *            does not hide the others.
 * Tests:     tests/unit/feeds/report_test.c
 */
#pragma once

#include "feeds/feeds.h"

void report_init(struct feeds_report *r, const char *list_name);
void report_reset_counts(struct feeds_report *r);
void report_skip(struct feeds_report *r, enum feeds_skip why, uint64_t line, const char *text,
                 size_t n);
bool report_is_garbage(enum feeds_skip why);
bool report_is_quiet(enum feeds_skip why);
/* Was the trouble not in the file but with the machine, so that reading it again may help? */
bool report_may_pass(const struct feeds_report *r);

/* Escape text of a file: printable ASCII stays, the rest is \xHH; cut to `room` with "...". */
size_t report_escape(const char *text, size_t n, char *ret, size_t room);

/* Set the message (printf); bytes of paths and files are escaped on the way. */
void report_say(struct feeds_report *r, const char *format, ...) PRINTF_LIKE(2, 3);
