/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config/tzfile.h - local time of a named zone, from the machine's time zone database.
 *
 * What:      the C library knows one zone a process (TZ), and lists may be for several. A zone is
 *            a file of /usr/share/zoneinfo: moments at which the offset from UTC changes, and behind
 *            the last of them a rule for ever after.
 * Not here:  hours of the week -> config/hours.h
 * Threads:   any.
 * Memory:    the file while it is read; TZFILE_MAX.
 * Cost:      reads one small file.
 * Limits:    TZFILE_MAX bytes.
 * Standards: RFC 8536 (TZif, versions 1 to 4); POSIX TZ with RFC 8536 3.3.1's hours
 * Tests:     tests/unit/config/tzfile_test.c, tests/fuzz/tzfile_fuzz.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/must.h"

enum {
	TZFILE_MAX = 64 << 10
};

/* Is this a zone's name, such as Europe/Berlin? It says nothing of whether there is such a file. */
bool tzfile_is_name(const char *name);
/*
 * Local time in a zone: tm_wday, tm_hour and tm_min (and the rest as gmtime_r() gives it of the local
 * seconds). 0; -EINVAL: no name, or no such file in the database; -EBADMSG: not a whole TZif file; -ENOMEM.
 */
MUST_USE int tzfile_local(const char *name, time_t now, struct tm *ret);
/* The same from a file's bytes: seconds east of UTC at that time. 0 or -EBADMSG. */
MUST_USE int tzfile_offset(const uint8_t *bytes, size_t n, int64_t now, int32_t *ret_offset);
