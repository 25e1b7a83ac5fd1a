/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay/packet.h - from a captured frame to what UDP or TCP carries.
 *
 * What:      Ethernet with VLAN tags, Linux cooked captures (both versions), BSD loopback, raw IP;
 *            IPv4, IPv6 with extension headers; UDP, TCP.
 * Not here:  files of captures -> read_pcap.c (libpcap); DNS -> message.c.
 * Threads:   pure.
 * Memory:    never allocates; the payload is borrowed from the frame.
 * Cost:      some ns.
 * Limits:    8 tags and extension headers; fragments are not put together.
 * Standards: RFC 791 3.1, RFC 8200 3 and 4, RFC 768, RFC 9293 3.1, IEEE 802.1Q
 * Tests:     tests/unit/replay/packet_test.c, tests/fuzz/replay_packet_fuzz.c
 */
#pragma once

#include "base/addr.h"

struct packet {
	struct endpoint from, to;
	bool is_tcp;
	const uint8_t *payload;
	size_t n;
};

enum packet_got {
	PACKET_OK,
	PACKET_OTHER,    /* neither UDP nor TCP */
	PACKET_DAMAGED,  /* cut off */
	PACKET_FRAGMENT, /* not the whole of a datagram */
	PACKET_LINK,     /* a link type that is not known */
};

/* `link` is one of pcap's DLT_ numbers. *ret is written with PACKET_OK only. */
enum packet_got packet_read(int link, const uint8_t *bytes, size_t n, struct packet *ret);
