/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A captured frame: the first byte chooses the link type. What is found lies inside the frame.
 */
#include <pcap/dlt.h>

#include "replay/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const int links[] = { DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW,
		                     DLT_NULL,   DLT_LOOP,      DLT_IPV4,       DLT_PPP };
	struct packet p;
	if (n == 0)
		return 0;
	int link = links[data[0] % ARRAY_LEN(links)];
	enum packet_got got = packet_read(link, data + 1, n - 1, &p);
	must(got <= PACKET_LINK && (got == PACKET_LINK) == (link == DLT_PPP));
	if (got == PACKET_OK)
		must(p.payload >= data + 1 && p.n <= (size_t)(data + n - p.payload));
	return 0;
}
