/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What it costs to put the addresses of answers into sets of nftables: an answer whose address is
 * new, in transactions of 1 to 256, and one whose address is known. In a namespace of its own.
 *
 *     ninja -C build tests/bench/firewall_bench && build/tests/bench/firewall_bench
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "dns/message.h"
#include "firewall/firewall.h"

enum {
	ANSWERS = 16384,
	NAMES = 1024, /* different addresses that are asked for again and again */
};

static const char bytes[] = "\0\1\201\200\0\1\0\1\0\0\0\0\1a\0\0\1\0\1"
			    "\300\14\0\1\0\1\0\0\1\54\0\4\12\0\0\0";

static double give(struct firewall_writer *w, const struct addr *client, unsigned batch,
                   unsigned first, unsigned different, uint64_t now_ms)
{
	uint8_t message[sizeof bytes];
	uint64_t start_ns = clock_mono_ns();
	memcpy(message, bytes, sizeof bytes);
	for (unsigned i = 0; i < ANSWERS; i++) {
		store32(message + sizeof bytes - 5, 10U << 24 | (first + i % different));
		firewall_add(w, client, message, sizeof bytes - 1, now_ms);
		if (i % batch == batch - 1)
			firewall_flush(w);
	}
	firewall_flush(w);
	return (double)(clock_mono_ns() - start_ns) / ANSWERS / 1000;
}

int main(void)
{
	static const char *const sets[] = { "one", "pair" };
	struct addr client = addr_v4(0x0a000001);
	if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return perror("unshare"), 1;
	FILE *nft = popen("nft -f -", "w");
	fputs("add table inet wt\nadd set inet wt one { type ipv4_addr; flags timeout; }\n"
	      "add set inet wt pair { type ipv4_addr . ipv4_addr; flags timeout; }\n",
	      nft);
	if (pclose(nft) != 0)
		return 1;
	for (unsigned s = 0; s < ARRAY_LEN(sets); s++) {
		const struct firewall_plan plan = { .table = "inet wt",
			                            .set_v4 = sets[s],
			                            .timeout_min_s = 60 };
		struct firewall *f;
		struct firewall_writer *w;
		must(firewall_new(&plan, &f) == 0 && firewall_writer_new(f, &w) == 0);
		unsigned first = 0;
		for (unsigned batch = 1; batch <= 256; batch *= 4, first += ANSWERS)
			printf("set %-4s  new, %3u a transaction: %6.2f us an answer\n", sets[s],
			       batch, give(w, &client, batch, first, ANSWERS, 1000));
		give(w, &client, 32, first, NAMES, 1000);
		printf("set %-4s  known:                   %6.3f us an answer\n", sets[s],
		       give(w, &client, 32, first, NAMES, 2000));
		struct firewall_counts c = { 0 };
		firewall_count(w, &c);
		printf("          added %lu, known %lu, failed %lu\n", (unsigned long)c.added,
		       (unsigned long)c.known, (unsigned long)c.failed);
		firewall_writer_free(w);
		firewall_free(f);
	}
	return 0;
}
