/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a file of the time zone database: an offset of less than 26 hours, at any time. */
#include "config/tzfile.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const int64_t times[] = { 0,          -1,        1 << 30,  1774746000,
		                         4102444800, INT64_MAX, INT64_MIN };
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		int32_t offset = 1 << 30;
		int e = tzfile_offset(data, n, times[i], &offset);
		must(e == 0 || (e == -EBADMSG && offset == 1 << 30));
		must(e != 0 || (offset > -26 * 3600 && offset < 26 * 3600));
	}
	return 0;
}
