/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A resolver in a small internet of fake name servers, with a policy made by the test. */
#pragma once

#include "fake_net.h"
#include "resolve/resolve.h"

enum {
	ROOT,
	TEST,
	OTHER,
	EXAMPLE,
	TWO1,
	TWO2,
	SIX,
	FORWARDER,
	N_SERVERS
};

struct world {
	struct fake_server servers[N_SERVERS];
	struct fake_net *net;
	struct loop *loop;
	struct cache *cache;
	struct resolver *resolver;
	struct resolve_config config;
};

/* What the policy says: names cover what is below them. */
struct rules {
	bool has_server_rules;
	bool has_zones; /* the rules are those of a policy zone */
	uint32_t generation;
	uint64_t gone_group; /* no such group any more */
	const char *blocked_server, *allowed_server, *blocked_addr, *blocked_alias, *allowed_alias;
	const char *logged_server;
	unsigned n_judged;
};

extern struct world w;
extern struct rules rules;

int set_up(void **state); /* a fresh world */
int set_up_with(const struct fake_server fresh[N_SERVERS]);
int tear_down(void **state);
void remake(void); /* net and resolver, after a change of w.config */

struct asker {
	struct resolve_request request;
	struct name name;
	struct name_hashes hashes;
	unsigned n_done;
	enum resolve_status status;
	unsigned rcode, n_cuts, n_packets, n_an, n_ns;
	uint16_t ede_code;
	enum policy_trigger trigger;
	uint32_t ttl_s;
	enum security security;
	char ede_text[256], addrs[256], zone[256];
};

/* name and hashes are set; client may be NULL. */
void asker_start(struct asker *a, uint16_t type, const struct addr *client);
void start(struct asker *a, const char *name, uint16_t type, uint16_t group);
void start_allowed(struct asker *a, const char *name, uint16_t type, uint16_t group);
void turn_until(const struct asker *a); /* done */
void turn_some(void);
struct asker ask_as(const char *name, uint16_t type, uint16_t group);
struct asker ask(const char *name, uint16_t type); /* in no group */
void expect_addrs(const char *name, const char *addrs);
struct asker expect_failure(const char *name, uint16_t code, const char *text);
unsigned asked(void); /* questions that servers got */

#define ROW(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
struct CMUnitTest;
int run_rows(const struct CMUnitTest *tests, size_t n);
