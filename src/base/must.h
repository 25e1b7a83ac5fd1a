/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base/must.h - how a bug shows itself, and the few compiler words used everywhere.
 *
 * What:      must() for our bugs outside the packet path (aborts); bug_if() for our bugs on
 *            the packet path (aborts in test builds, otherwise is counted, logged once per
 *            place, and costs that query only).
 * Not here:  errors of the world (input, I/O, memory): those are int 0 / -errno.
 * Threads:   any thread.
 * Memory:    none.
 * Cost:      one predicted branch.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MUST_USE                      __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a)             __attribute__((format(printf, f, a)))
#define LIKELY(c)                     __builtin_expect(!!(c), 1)
#define UNLIKELY(c)                   __builtin_expect(!!(c), 0)
#define ARRAY_LEN(a)                  (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))

#define must(cond) (LIKELY(cond) ? (void)0 : must_failed(__FILE__, __LINE__, #cond))
_Noreturn void must_failed(const char *file, int line, const char *what);

/* True if cond is true, which it never should be: the caller gives up this query. */
#define bug_if(cond)                                         \
	(UNLIKELY(cond) && __extension__({                   \
		 static _Atomic bool said;                   \
		 bug_seen(__FILE__, __LINE__, #cond, &said); \
		 true;                                       \
	 }))
void bug_seen(const char *file, int line, const char *what, _Atomic bool *said);

/* How many bug_if() fired since the start. */
uint64_t bug_count(void);
