/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "local/table.h"

enum {
	EMPTY_ZONE_TTL_S = 10800, /* RFC 6303 3 */
	SHARED_SPACE_FIRST = 64,  /* 100.64.0.0/10 is 64 reverse zones (RFC 7793) */
	SHARED_SPACE_LAST = 127,
};

static struct name name_of(const char *text)
{
	struct name n;
	must(name_from_text(text, strlen(text), &n) == 0);
	return n;
}

/* RFC 6303 3: "@ 10800 IN SOA @ nobody.invalid. 1 3600 1200 604800 10800", "@ IN NS @". */
static int add_empty_zone(struct local *l, struct local_node *node, const struct name *zone)
{
	static const uint8_t rest[] = "\6nobody\7invalid\0\0\0\0\1\0\0\x0e\x10\0\0\x04\xb0"
				      "\0\x09\x3a\x80\0\0\x2a\x30";
	uint8_t soa[NAME_MAX_BYTES + sizeof rest];
	memcpy(soa, zone->wire, zone->len);
	memcpy(soa + zone->len, rest, sizeof rest - 1);
	int e = local_table_add(&l->table, node, DNS_SOA, EMPTY_ZONE_TTL_S, soa,
	                        (uint16_t)(zone->len + sizeof rest - 1));
	return e != 0 ? e
	              : local_table_add(&l->table, node, DNS_NS, EMPTY_ZONE_TTL_S, zone->wire,
	                                zone->len);
}

static bool is_forwarded(const struct config *c, const uint8_t *zone)
{
	for (unsigned i = 0; i < c->resolver.forwards.n; i++) {
		if (name_equal(c->resolver.forwards.at[i].zone.wire, zone))
			return true;
	}
	return false;
}

/* The operator's word on a name comes before ours. */
static int add_zone(struct local *l, const struct config *c, const char *text, enum local_type type,
                    const char *what)
{
	struct name zone = name_of(text);
	if (is_forwarded(c, zone.wire))
		return 0;
	struct local_node *node = local_table_node(&l->table, name_hash(zone.wire), zone.wire);
	if (node == NULL)
		return -ENOMEM;
	if (node->type != ZONE_NONE)
		return 0;
	int source = local_add_source(l, what);
	if (source < 0)
		return source;
	node->type = (uint8_t)type;
	node->source = (uint16_t)source;
	l->n_zones++;
	return add_empty_zone(l, node, &zone);
}

static int add_shared_space(struct local *l, const struct config *c)
{
	int e = 0;
	for (int i = SHARED_SPACE_FIRST; i <= SHARED_SPACE_LAST && e == 0; i++) {
		char text[] = "???.100.in-addr.arpa";
		size_t n = 0;
		if (i >= 100)
			text[n++] = '1';
		text[n++] = (char)('0' + i / 10 % 10);
		text[n++] = (char)('0' + i % 10);
		memcpy(text + n, ".100.in-addr.arpa", sizeof ".100.in-addr.arpa");
		e = add_zone(l, c, text, ZONE_STATIC, "reverse zone of 100.64.0.0/10 (RFC 7793)");
	}
	return e;
}

/* Records of built-in zones; a zone that is not there (switched off, or the operator's) has none. */
static int add_record(struct local *l, const char *zone_text, const char *owner_text, uint16_t type,
                      const void *rdata, size_t n)
{
	struct name zone = name_of(zone_text);
	struct name owner = name_of(owner_text);
	const struct local_node *top = local_table_find(&l->table, name_hash(zone.wire), zone.wire);
	/* Only the built-in zones have a SOA already. */
	if (top == NULL || !local_table_has_type(&l->table, top, DNS_SOA))
		return 0;
	uint16_t source = top->source;
	struct local_node *node = local_table_node(&l->table, name_hash(owner.wire), owner.wire);
	if (node == NULL)
		return -ENOMEM;
	if (node->source == 0)
		node->source = source;
	return local_table_add(&l->table, node, type, EMPTY_ZONE_TTL_S, rdata, (uint16_t)n);
}

static int add_records(struct local *l)
{
	static const uint8_t v4[] = { 127, 0, 0, 1 };
	static const uint8_t v6[16] = { [15] = 1 };
	static const uint8_t well_known[2][4] = { { 192, 0, 0, 170 }, { 192, 0, 0, 171 } };
	static const char one[] =
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa";
	const struct name host = name_of("localhost"), only = name_of("ipv4only.arpa");
	int e = add_record(l, "localhost", "localhost", DNS_A, v4, sizeof v4);
	if (e == 0)
		e = add_record(l, "localhost", "localhost", DNS_AAAA, v6, sizeof v6);
	if (e == 0)
		e = add_record(l, "127.in-addr.arpa", "1.0.0.127.in-addr.arpa", DNS_PTR, host.wire,
		               host.len);
	if (e == 0)
		e = add_record(l, one, one, DNS_PTR, host.wire, host.len);
	for (int i = 0; i < 2 && e == 0; i++)
		e = add_record(l, "ipv4only.arpa", "ipv4only.arpa", DNS_A, well_known[i], 4);
	if (e == 0)
		e = add_record(l, "170.0.0.192.in-addr.arpa", "170.0.0.192.in-addr.arpa", DNS_PTR,
		               only.wire, only.len);
	if (e == 0)
		e = add_record(l, "171.0.0.192.in-addr.arpa", "171.0.0.192.in-addr.arpa", DNS_PTR,
		               only.wire, only.len);
	return e;
}

int local_add_builtin(struct local *l, const struct config *c)
{
	const struct {
		const char *zone, *what;
		enum local_type type;
		bool is_on;
	} zones[] = {
	/* clang-format off */
#define BUILTIN(zone, type, option, what) { zone, what, ZONE_##type, c->local.option },
#include "local/builtin.def"
		/* clang-format on */
	};
	int e = 0;
	for (size_t i = 0; i < ARRAY_LEN(zones) && e == 0; i++) {
		if (zones[i].is_on)
			e = add_zone(l, c, zones[i].zone, zones[i].type, zones[i].what);
	}
	if (e == 0 && c->local.private_reverse)
		e = add_shared_space(l, c);
	return e == 0 ? add_records(l) : e;
}

/*
 * RFC 5782 2.3: DNS blocklists answer within 127.0.0.0/8, and never with 127.0.0.1. Only those of
 * known lists: a name that merely looks like a question to one can be made up by anybody.
 */
int local_add_blocklists(struct local *l)
{
	static const char *const zones[] = {
		"spamhaus.org",        "spamhaus.net",
		"surbl.org",           "uribl.com",
		"spamcop.net",         "barracudacentral.org",
		"mailspike.net",       "dnswl.org",
		"senderscore.com",     "uceprotect.net",
		"backscatterer.org",   "abuseat.org",
		"surriel.com",         "s5h.net",
		"spfbl.net",           "nordspam.com",
		"sorbs.net",           "manitu.net",
		"dronebl.org",         "efnetrbl.org",
		"invaluement.com",     "abusix.zone",
		"junkemailfilter.com", "gbudb.net",
		"rspamd.com",          "fmb.la",
		"0spam.org",           "wpbl.info",
	};
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		struct name n = name_of(zones[i]);
		struct local_node *node = local_table_node(&l->exempt, name_hash(n.wire), n.wire);
		if (node == NULL)
			return -ENOMEM;
		node->type = ZONE_STATIC;
	}
	return 0;
}
