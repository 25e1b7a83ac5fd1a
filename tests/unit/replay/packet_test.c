/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay/packet.h"

#include <pcap/dlt.h>

#include "file.h"

/* Hexadecimal with blanks; "." stands for four zero bytes. */
static size_t bytes_of(const char *text, uint8_t *ret)
{
	size_t n = 0;
	for (const char *p = text; *p != 0;) {
		unsigned byte;
		if (*p == ' ') {
			p++;
		} else if (*p == '.') {
			memset(ret + n, 0, 4);
			n += 4;
			p++;
		} else {
			assert_int_equal(sscanf(p, "%2x", &byte), 1);
			ret[n++] = (uint8_t)byte;
			p += 2;
		}
	}
	return n;
}

#define ETHER "020202020202 040404040404 "
#define V4    "4500 0020 0000 0000 4011 0000 c0000201 c0000235 "
#define V4TCP "4500 002a 0000 0000 4006 0000 c0000201 c0000235 "
#define UDP   "9c40 0035 000c 0000 61626364 "
#define TCP   "9c40 0035 . . 5018 0000 0000 0000 6162 "
#define V6    "60000000 000c 11 40 20010db8...20010db8.. 00000035 "
#define V6EXT "60000000 0014 00 40 20010db8...20010db8.. 00000035 1100 0000 . "

static void payloads_are_found(void **state)
{
	static const struct {
		const char *why;
		int link;
		const char *bytes;
		enum packet_got got;
		size_t n;
		bool is_tcp;
	} rows[] = {
		{ "Ethernet", DLT_EN10MB, ETHER "0800" V4 UDP "ffff", PACKET_OK, 4, false },
		{ "a tag", DLT_EN10MB, ETHER "8100 0005 0800" V4 UDP, PACKET_OK, 4, false },
		{ "two tags", DLT_EN10MB, ETHER "88a8 0005 8100 0006 86dd" V6 UDP, PACKET_OK, 4,
		  false },
		{ "tags without end", DLT_EN10MB,
		  ETHER
		  "8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 8100 "
		  "0001 8100 0001 0800" V4 UDP,
		  PACKET_DAMAGED, 0, false },
		{ "ARP", DLT_EN10MB, ETHER "0806 0001", PACKET_OTHER, 0, false },
		{ "cooked", DLT_LINUX_SLL, "0000 0001 0006 . . 0800" V4 UDP, PACKET_OK, 4, false },
		{ "cooked 2", DLT_LINUX_SLL2, "86dd 0000 . . . . " V6 UDP, PACKET_OK, 4, false },
		{ "raw", DLT_RAW, V4TCP TCP, PACKET_OK, 2, true },
		{ "loopback", DLT_NULL, "02000000" V4 UDP, PACKET_OK, 4, false },
		{ "an extension header", DLT_RAW, V6EXT UDP, PACKET_OK, 4, false },
		{ "a fragment", DLT_RAW, "4500 0020 0000 2000 4011 0000 c0000201 c0000235 " UDP,
		  PACKET_FRAGMENT, 0, false },
		{ "do not fragment is none", DLT_RAW,
		  "4500 0020 0000 4000 4011 0000 c0000201 c0000235 " UDP, PACKET_OK, 4, false },
		{ "ICMP", DLT_RAW, "4500 0020 0000 0000 4001 0000 c0000201 c0000235 " UDP,
		  PACKET_OTHER, 0, false },
		{ "a short header", DLT_RAW, "4400 0020 0000 0000 4011 0000 c0000201 c0000235 " UDP,
		  PACKET_DAMAGED, 0, false },
		{ "cut off", DLT_RAW, V4 "9c40 0035 000c", PACKET_DAMAGED, 0, false },
		{ "cut payload", DLT_RAW, V4 "9c40 0035 000c 0000 6162", PACKET_OK, 2, false },
		{ "nothing", DLT_EN10MB, "", PACKET_DAMAGED, 0, false },
		{ "a link that nobody knows", DLT_PPP, V4 UDP, PACKET_LINK, 0, false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t bytes[256];
		struct packet p;
		size_t n = bytes_of(rows[i].bytes, bytes);
		enum packet_got got = packet_read(rows[i].link, bytes, n, &p);
		if (got != rows[i].got)
			fail_msg("%s: %d", rows[i].why, got);
		if (got != PACKET_OK)
			continue;
		if (p.n != rows[i].n || p.is_tcp != rows[i].is_tcp ||
		    memcmp(p.payload, "ab", 2) != 0)
			fail_msg("%s: %zu bytes", rows[i].why, p.n);
		assert_int_equal(p.from.port, 40000);
		assert_int_equal(p.to.port, 53);
		assert_int_equal(p.to.addr.bytes[15], 0x35);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(payloads_are_found) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
