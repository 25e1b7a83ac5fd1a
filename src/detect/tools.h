/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/tools.h - the names that known tunnels and backdoors ask for; inside detect/.
 *
 * What:      tells from one name (and its type) which tool wrote it. Each form is as the
 *            tool's sources, its protocol document or published analyses have it, and each is recognised
 *            by several marks that must all hold: constant labels, lengths, an encoding, and in what it decodes to
 *            versions, types and lengths that fit to the byte. docs/detection.md has the list.
 * Not here:  what several names tell together -> tunnel.c; how much a name carries -> leak.c.
 * Threads:   pure.
 * Memory:    the stack, some hundred bytes.
 * Cost:      some 50 ns for an ordinary name; under a us for one that looks like a tool's.
 * Limits:    case is gone (names are lower case): what base64 and base58 carry is not decoded.
 * Standards: none
 * Tests:     tests/unit/detect/tools_test.c, tests/fuzz/tools_fuzz.c
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
#define TOOLS(X) \
	X(IODINE, "iodine") \
	X(DNS2TCP, "dns2tcp") \
	X(DNSCAT2, "dnscat2") \
	X(DNSTT, "dnstt") \
	X(EXFILTRATOR, "DNSExfiltrator") \
	X(COBALT, "Cobalt Strike") \
	X(SLIVER, "Sliver") \
	X(GODOH, "goDoH") \
	X(DNSCAPY, "DNScapy") \
	X(TUNS, "TUNS")
/* clang-format on */

enum tool {
#define X(id, text) TOOL_##id,
	TOOLS(X)
#undef X
	N_TOOLS
};

enum tool_sureness {
	TOOL_NO,
	TOOL_PERHAPS, /* ordinary names look so too: means something where the tool is known to be */
	TOOL_LIKELY,  /* ... hardly ever: two such names are sure */
	TOOL_SURE,
};

struct tool_match {
	enum tool_sureness sureness;
	enum tool tool;
	const char *what; /* static: "its version request" */
};

const char *tool_name(enum tool t);

/* lower: a name in wire form, lower case. The surest match; sureness TOOL_NO: none. */
void tools_match(const uint8_t *lower, uint16_t type, struct tool_match *ret);
