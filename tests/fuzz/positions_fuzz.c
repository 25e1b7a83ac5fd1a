/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The positions of destinations: whatever the file holds, what is taken from it can be written again. */
#include "alerts/positions.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "alerts/spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const char *bytes, size_t n)
{
	static char slot[POSITIONS_BYTES];
	struct positions p, again;
	if (!positions_parse(bytes, n, &p)) {
		must(p.n == 0 && p.next == 0);
		return;
	}
	must(p.n <= ALERTS_MAX && p.next <= SPOOL_SEQ_MAX);
	for (unsigned i = 0; i < p.n; i++)
		must(memchr(p.at[i].name, 0, sizeof p.at[i].name) != NULL);
	must(positions_slot(&p, slot) == 0);
	must(positions_parse(slot, sizeof slot, &again));
	must(again.n == p.n && again.next == p.next && again.generation == p.generation);
}

/* The checksum would keep a fuzzer out: what it makes is tried with the right one, too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char bytes[POSITIONS_BYTES];
	char sum[10];
	check((const char *)data, n);
	memset(bytes, 0, sizeof bytes);
	n = n < POSITIONS_SLOT - 10 ? n : POSITIONS_SLOT - 10;
	memcpy(bytes + 9, data, n);
	size_t len = strlen(bytes + 9);
	snprintf(sum, sizeof sum, "%08lx ",
	         crc32(crc32(0, NULL, 0), (const Bytef *)bytes + 9, (uInt)len));
	memcpy(bytes, sum, 9);
	check(bytes, sizeof bytes);
	return 0;
}
