/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scenario/script.h - what a scenario file says.
 *
 * What:      README.md in this folder describes the format. script_read() gives all that stands
 *            in a file, or all the problems in it at once, each with its line.
 * Not here:  playing it -> play.c; making and signing zones -> zone.c, sign.c.
 * Threads:   any; a script is changed by its player only (how often a rule was used).
 * Memory:    a script owns everything it points to.
 * Limits:    1 MiB, 100,000 lines of 4095 bytes and 64 words; 100 problems are kept.
 * Standards: RFC 1035 5 (records in zone file form)
 * Tests:     tests/fuzz/scenario_fuzz.c, tests/scenario/selftest/
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "dns/name.h"

enum {
	SCRIPT_MAX_BYTES = 1 << 20,
	SCRIPT_MAX_LINES = 100000,
	SCRIPT_LINE_BYTES = 4096,
	SCRIPT_MAX_WORDS = 64,
	SCRIPT_MAX_PROBLEMS = 100,
	SCRIPT_MAX_TIMES = 48,
	SCRIPT_ANY_TTL = 2000000001, /* the line gave none: it is not compared */
	SCRIPT_ZONE_TTL_S = 3600,
};

#define SCRIPT_FOREVER UINT64_MAX

struct script_record {
	struct script_record *next;
	unsigned line;
	uint8_t section; /* SECTION_ANSWER and so on */
	uint16_t type;
	uint32_t ttl_s;
	uint16_t rdata_len;
	const uint8_t *owner, *rdata;
	const char *ds_key; /* DS @LABEL: made from that key */
	uint8_t ds_digest;
};

enum script_role {
	ROLE_CSK, /* signs everything, SEP flag set */
	ROLE_KSK,
	ROLE_ZSK
};

struct script_key {
	struct script_key *next;
	const char *label;
	unsigned line;
	uint8_t algorithm;
	enum script_role role;
	void *made; /* the player's */
};

/* How a zone uses a key. */
enum script_use {
	USE_SIGNS,   /* published, and signs */
	USE_IS_SEEN, /* published only */
	USE_HIDDEN,  /* signs, but is not in the DNSKEY set */
	USE_REVOKED, /* RFC 5011: published with the REVOKE flag, and signs the DNSKEY set */
};
struct script_key_use {
	struct script_key_use *next;
	unsigned line;
	const char *label;
	enum script_use use;
};

enum script_flaw_kind {
	FLAW_CORRUPT,  /* signatures that do not verify */
	FLAW_UNSIGNED, /* no signature */
};
struct script_flaw {
	struct script_flaw *next;
	enum script_flaw_kind kind;
	struct name name;
	uint16_t type;
};

struct script_zone {
	struct script_zone *next;
	unsigned line;
	struct name name;
	const char *label;
	uint64_t from_ns;
	struct script_record *records, **records_end;
	bool is_signed, is_nsec3, is_opt_out;
	uint16_t iterations;
	uint8_t salt_len;
	uint8_t salt[64];
	int64_t begins_s, expires_s; /* of signatures, from the scenario's start */
	struct script_key_use *keys, **keys_end;
	struct script_flaw *flaws;
	unsigned n_trap_keys, n_trap_sigs; /* KeyTrap: false keys of one tag, false signatures */
	void *made;                        /* the player's */
};

enum script_action {
	ACTION_SERVE,       /* from the server's zones */
	ACTION_SILENT,      /* nothing comes */
	ACTION_REPLY,       /* the records of the rule */
	ACTION_REFUSE,      /* port unreachable, connection refused */
	ACTION_UNREACHABLE, /* no route */
	ACTION_RESET,       /* the connection breaks instead of the response */
	ACTION_GARBAGE,     /* bytes that are no message behind the id */
};

/* What is wrong with a response. */
enum {
	WRONG_ID = 1,
	WRONG_PORT = 2,
	WRONG_ADDRESS = 4,
	WRONG_QUESTION = 8,
	WRONG_COOKIE = 16,
};

struct script_rule {
	struct script_rule *next;
	unsigned line;
	struct name name; /* len 0: any */
	bool is_below;    /* *.NAME: below it */
	uint16_t type;    /* 0: any */
	bool needs_udp, needs_tcp, needs_edns, needs_plain, needs_do, needs_rd;
	uint64_t from_ns, until_ns;
	unsigned first, skip; /* hits: 0 is no bound */
	enum script_action action;
	uint8_t rcode;
	uint16_t flags;
	bool without_opt, without_question, is_truncated, is_stripped, is_lower_case;
	uint8_t wrong;
	unsigned n_forged; /* datagrams with guessed ids, sent before the response */
	uint64_t delay_ns;
	struct script_record *records, **records_end;
	unsigned n_hits; /* the player's */
};

struct script_server {
	struct script_server *next;
	unsigned line;
	struct addr addrs[8];
	unsigned n_addrs;
	uint64_t delay_ns;
	bool has_cookies;
	struct script_serves {
		struct script_serves *next;
		const char *label;
		unsigned line;
	} * serves;
	struct script_rule *rules, **rules_end;
};

enum script_when {
	WHEN_THEN,  /* when all that is under way has ended */
	WHEN_AT,    /* from the start */
	WHEN_AFTER, /* from the beginning of the step before */
};

enum script_step_kind {
	STEP_ASK,
	STEP_EXPECT,
	STEP_FLUSH,
	STEP_CLOCK,
	STEP_DISTRUST,
	STEP_WAIT,
};

enum script_tri {
	TRI_ANY,
	TRI_YES,
	TRI_NO
};

struct script_ask {
	struct name name;
	uint16_t type;
	bool is_do, is_cd, is_ad, is_tcp, without_edns, without_rd;
	uint16_t udp_size;
	struct addr client;
	/* what it gets */
	unsigned gets_line; /* 0: nothing is said of it */
	bool gets_nothing;
	uint8_t rcode;
	enum script_tri ad, aa, tc, sigs;
	int ede; /* -1: whatever, -2: none */
	const char *ede_text;
	uint64_t within_ns, not_before_ns;
	bool has_section[3];
	struct script_record *records, **records_end;
};

struct script_expect {
	unsigned min, max;
	bool in_all; /* since the start; else since the last question */
	bool has_addr;
	struct addr addr;
	bool has_name, is_tcp, is_udp;
	struct name name;
	uint16_t type; /* 0: any */
	unsigned n_times;
	uint64_t times_ns[SCRIPT_MAX_TIMES];
};

struct script_step {
	struct script_step *next;
	unsigned line;
	enum script_when when;
	uint64_t time_ns;
	enum script_step_kind kind;
	struct script_ask ask;
	struct script_expect expect;
	struct name flush;
	bool flush_below;
	struct name distrust; /* a negative trust anchor (RFC 7646) */
	uint64_t distrust_ns;
	int64_t shift_s; /* of the clock */
};

struct script_hint {
	struct script_hint *next;
	struct name name;
	struct addr addrs[8];
	unsigned n_addrs;
};

struct script_anchor {
	struct script_anchor *next;
	unsigned line;
	struct name zone;
	const char *key;
};

struct script_problem {
	unsigned line;
	char text[200];
};

struct script {
	char *config; /* YAML */
	size_t config_bytes;
	unsigned config_line;
	uint64_t seed;
	struct script_key *keys, **keys_end;
	struct script_anchor *anchors;
	bool follows_anchors; /* RFC 5011 */
	struct script_hint *hints, **hints_end;
	struct script_zone *zones, **zones_end;
	struct script_server *servers, **servers_end;
	struct script_step *steps, **steps_end;
	struct script_problem problems[SCRIPT_MAX_PROBLEMS];
	unsigned n_problems; /* may be more than are kept */
	unsigned n_lines;
	struct script_piece *memory;
};

/* NULL: out of memory, or over SCRIPT_MAX_BYTES. Look at n_problems. */
struct script *script_read(const char *text, size_t n);
void script_free(struct script *s);

/* ---- for those that find more problems later ---- */

void script_problem(struct script *s, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void *script_alloc(struct script *s, size_t n); /* zeroed; freed with the script */
struct script_key *script_find_key(const struct script *s, const char *label);
