/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a MaxMind database, and addresses looked up in it: nothing crashes, and the same address is
 * the same owner's.
 */
#include "detect/owners.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
const char *__lsan_default_suppressions(void);

/* The library forgets some kB of the metadata of a damaged file that it refuses. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t addresses[][16] = {
		{ 192, 0, 2, 1 },
		{ 198, 51, 100, 7 },
		{ 60, 0, 7, 1 },
		{ 255, 255, 255, 255 },
		{ 0x20, 1, 0x0d, 0xb8, 0, 1 },
		{ 0x20, 2, 192, 0, 2, 1 },
		{ 0 },
	};
	char path[64];
	struct owners *o = NULL;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	must(fd >= 0 && write(fd, data, n) == (ssize_t)n);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int e = owners_open(path, &o);
	close(fd);
	must(e == 0 || e == -EBADMSG);
	for (size_t i = 0; e == 0 && i < sizeof addresses / sizeof addresses[0]; i++) {
		for (int is_v4 = 0; is_v4 < 2; is_v4++)
			must(owners_number(o, addresses[i], is_v4 != 0) ==
			     owners_number(o, addresses[i], is_v4 != 0));
	}
	owners_free(o);
	return 0;
}
