/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/must.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static _Atomic uint64_t bugs;

_Noreturn void must_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "weir: bug: %s:%d: must(%s)\n", file, line, what);
	abort();
}

void bug_seen(const char *file, int line, const char *what, _Atomic bool *said)
{
	atomic_fetch_add_explicit(&bugs, 1, memory_order_relaxed);
	if (!atomic_exchange_explicit(said, true, memory_order_relaxed))
		log_error("bug: %s:%d: %s; this query is given up", file, line, what);
#ifdef WEIR_ABORT_ON_BUG
	abort();
#endif
}

uint64_t bug_count(void)
{
	return atomic_load_explicit(&bugs, memory_order_relaxed);
}
