/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	LINE = 64,
	HUGE = 2 << 20, /* most machines'; with others it is only a hint that is of no use */
};

void *pages_zeroed(size_t n)
{
	size_t unit = n >= HUGE ? HUGE : LINE;
	if (n > PTRDIFF_MAX) /* no object is larger */
		return NULL;
	size_t whole = (n + LINE - 1) / LINE * LINE;
	void *at = NULL;
	if (posix_memalign(&at, unit, whole > 0 ? whole : LINE) != 0)
		return NULL;
	if (unit == HUGE)
		(void)madvise(at, whole / HUGE * HUGE, MADV_HUGEPAGE);
	memset(at, 0, whole);
	return at;
}
