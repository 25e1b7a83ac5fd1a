/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a configuration to a snapshot, and which one is in force. */
#include "local/local.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "local/table.h"

enum {
	FILTER_BITS_MIN = 8192,
	FILTER_BITS_MAX = 1 << 24, /* 2 MiB */
	FILTER_BITS_A_NAME = 32,   /* one name in sixteen passes wrongly at the most */
	SOURCES_MAX = UINT16_MAX,
	DDR_TTL_S = 300,
};

static struct local *_Atomic current;

static_assert(offsetof(struct local, filter) == 0, "local_may_know() looks there");

const struct local *local_current(void)
{
	return atomic_load_explicit(&current, memory_order_acquire);
}

void local_free(struct local *l)
{
	if (l == NULL)
		return;
	local_table_free(&l->table);
	local_table_free(&l->exempt);
	for (unsigned i = 0; i < l->n_sources; i++)
		free(l->sources[i]);
	free(l->sources);
	free((uint64_t *)l->filter.bits);
	free(l->dns64.exclude);
	free(l->dns64.exclude_v4);
	free(l);
}

static void release(void *object)
{
	local_free(object);
}

void local_publish(struct local *l)
{
	struct local *old = atomic_exchange_explicit(&current, l, memory_order_acq_rel);
	if (old != NULL)
		rcu_retire(old, release);
	rcu_flush();
}

void local_count(const struct local *l, struct local_counts *ret)
{
	*ret = (struct local_counts){ .zones = l->n_zones,
		                      .names = (unsigned)l->table.n_nodes,
		                      .records = (unsigned)l->table.n_rrs };
}

int local_add_source(struct local *l, const char *text)
{
	if (l->n_sources >= SOURCES_MAX)
		return -ENOSPC;
	char **sources = reallocarray(l->sources, l->n_sources + 1U, sizeof *sources);
	if (sources == NULL)
		return -ENOMEM;
	l->sources = sources;
	sources[l->n_sources] = strndup(text, LOCAL_SOURCE_MAX - 1);
	return sources[l->n_sources] != NULL ? (int)l->n_sources++ : -ENOMEM;
}

/* ---- the operator's zones ---- */

static enum local_type type_from_text(const char *text)
{
	static const char *const names[] = {
		[ZONE_STATIC] = "static",     [ZONE_TRANSPARENT] = "transparent",
		[ZONE_REDIRECT] = "redirect", [ZONE_TYPETRANSPARENT] = "typetransparent",
		[ZONE_REFUSE] = "refuse",     [ZONE_DROP] = "drop",
		[ZONE_NXDOMAIN] = "nxdomain", [ZONE_NODATA] = "nodata",
		[ZONE_RESOLVE] = "resolve",
	};
	for (size_t i = 1; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i], text) == 0)
			return (enum local_type)i;
	}
	must(!"options.def has a type of zone that is not known here");
	return ZONE_NONE;
}

static int add_zone(struct local *l, const struct config_local_zone *z)
{
	char name[NAME_TEXT_MAX], what[LOCAL_SOURCE_MAX];
	struct local_node *node =
		local_table_node(&l->table, name_hash(z->zone.wire), z->zone.wire);
	if (node == NULL)
		return -ENOMEM;
	name_to_text(z->zone.wire, name);
	snprintf(what, sizeof what, "zone %.250s (%s)", name, z->type);
	int source = local_add_source(l, what);
	if (source < 0)
		return source;
	node->type = (uint8_t)type_from_text(z->type);
	node->source = (uint16_t)source;
	l->n_zones++;
	return 0;
}

/* A forward zone below one of ours is taken out of it; elsewhere it needs no mention. */
static int add_forward(struct local *l, const struct name *zone)
{
	struct name_hashes h;
	const uint8_t *at = zone->wire;
	bool is_covered = false;
	if (name_is_root(zone->wire))
		return 0;
	name_hash_all(zone->wire, &h);
	for (unsigned i = 0; i <= h.n; i++, at += *at + 1) {
		const struct local_node *n = local_table_find(&l->table, h.h[i], at);
		if (n == NULL || n->type == ZONE_NONE)
			continue;
		if (i == 0)
			return 0; /* the operator's own zone */
		is_covered = true;
	}
	if (!is_covered)
		return 0;
	struct local_node *node = local_table_node(&l->table, h.h[0], zone->wire);
	if (node == NULL)
		return -ENOMEM;
	node->type = ZONE_RESOLVE;
	return 0;
}

/* The lines of `records`, as if they were a file; their numbers are then those of the entries. */
static char *join_lines(const struct config_texts *t, const char *before, size_t *ret_n)
{
	size_t n = 0, n_before = strlen(before);
	for (unsigned i = 0; i < t->n; i++)
		n += n_before + strlen(t->at[i]) + 1;
	char *text = malloc(n + 1), *p = text;
	for (unsigned i = 0; i < t->n && text != NULL; i++) {
		p = mempcpy(p, before, n_before);
		p = mempcpy(p, t->at[i], strlen(t->at[i]));
		*p++ = '\n';
	}
	*ret_n = n;
	return text;
}

static int read_lines(struct local *l, const struct config_texts *t, const char *before,
                      const struct local_text *as)
{
	struct local_text text = *as;
	if (t->n == 0)
		return 0;
	char *joined = join_lines(t, before, &text.n);
	if (joined == NULL)
		return -ENOMEM;
	text.text = joined;
	int e = local_read_zone(l, &text);
	free(joined);
	return e;
}

static int read_records(struct local *l, const struct config_local_zone *z,
                        const struct local_listener *listener)
{
	char name[NAME_TEXT_MAX], what[LOCAL_SOURCE_MAX];
	const struct local_node *top =
		local_table_find(&l->table, name_hash(z->zone.wire), z->zone.wire);
	must(top != NULL);
	name_to_text(z->zone.wire, name);
	snprintf(what, sizeof what, "local.zones, zone %.200s, records", name);
	struct local_text t = {
		.path = what, .zone = z->zone.wire, .source = top->source, .listener = listener
	};
	int e = read_lines(l, &z->records, "", &t);
	if (e == 0 && z->file != NULL) {
		t.path = z->file;
		e = local_read_zone(l, &t);
	}
	return e;
}

static int read_hosts_file(struct local *l, const char *path, const struct local_listener *listener)
{
	char what[LOCAL_SOURCE_MAX];
	if (path == NULL)
		return 0;
	snprintf(what, sizeof what, "hosts file %.280s", path);
	int source = local_add_source(l, what);
	if (source < 0)
		return source;
	struct local_text t = { .path = path, .source = (uint16_t)source, .listener = listener };
	return local_read_hosts(l, &t);
}

/* RFC 9462 4: the encrypted resolvers that this one names as its equals. */
static int read_ddr(struct local *l, const struct config_texts *lines,
                    const struct local_listener *listener)
{
	static const uint8_t zone[] = "\x08resolver\4arpa";
	char before[40];
	if (lines->n == 0)
		return 0;
	int source = local_add_source(l, "local.ddr: resolvers designated (RFC 9462)");
	if (source < 0)
		return source;
	snprintf(before, sizeof before, "_dns %d SVCB ", DDR_TTL_S);
	struct local_text t = {
		.path = "local.ddr", .zone = zone, .source = (uint16_t)source, .listener = listener
	};
	return read_lines(l, lines, before, &t);
}

/* ---- finishing ---- */

/* So that clients may keep a denial (RFC 2308 5), where the operator gave no SOA. */
static int add_missing_soa(struct local *l)
{
	static const uint8_t rest[] = "\6nobody\7invalid\0\0\0\0\1\0\0\x0e\x10\0\0\x04\xb0"
				      "\0\x09\x3a\x80";
	uint8_t soa[2 * NAME_MAX_BYTES];
	int e = 0;
	for (size_t i = 0; i < l->table.n_nodes && e == 0; i++) {
		struct local_node *n = &l->table.nodes[i];
		bool denies = n->type == ZONE_STATIC || n->type == ZONE_NXDOMAIN ||
		              n->type == ZONE_NODATA;
		if (!denies || local_table_has_type(&l->table, n, DNS_SOA) ||
		    local_table_has_type(&l->table, n, DNS_CNAME))
			continue;
		const uint8_t *name = local_table_name(&l->table, n);
		size_t len = name_len(name);
		uint8_t *p = mempcpy(mempcpy(soa, name, len), rest, sizeof rest - 1);
		store32(p, l->ttl_s);
		e = local_table_add(&l->table, n, DNS_SOA, l->ttl_s, soa, (uint16_t)(p + 4 - soa));
	}
	return e;
}

/*
 * Names between a name with records and the top of its zone exist too (RFC 8020 2), and the name
 * that a wildcard hangs on is what the search for it looks for.
 */
static int add_empty_names(struct local *l)
{
	size_t n = l->table.n_nodes;
	for (size_t i = 0; i < n; i++) {
		struct name name;
		struct name_hashes h;
		if (l->table.nodes[i].n_rrs == 0)
			continue;
		name_set(&name, local_table_name(&l->table, &l->table.nodes[i]));
		name_hash_all(name.wire, &h);
		unsigned top = name.wire[0] == 1 && name.wire[1] == '*' ? 2 : 0;
		const uint8_t *at = name.wire;
		for (unsigned k = 0; k <= h.n; k++, at += *at + 1) {
			const struct local_node *node = local_table_find(&l->table, h.h[k], at);
			if (node != NULL && node->type != ZONE_NONE) {
				top = k;
				break;
			}
		}
		at = name.wire;
		for (unsigned k = 0; k < top && k <= h.n; k++, at += *at + 1) {
			if (local_table_node(&l->table, h.h[k], at) == NULL)
				return -ENOMEM;
		}
	}
	return 0;
}

static void filter_add(uint64_t *bits, struct local_filter *f, const uint8_t *name)
{
	unsigned labels = name_labels(name);
	if (labels == 0) {
		f->is_open = true;
		return;
	}
	uint64_t hash = name_hash(name_skip(name, labels < 2 ? 0 : labels - 2));
	bits[(hash & f->mask) / 64] |= (uint64_t)1 << (hash & 63);
}

/* By the last two labels of everything we know, so that www.example.com costs two bits. */
static int make_filter(struct local *l)
{
	static const uint8_t ptr[] = "\3ip6\4arpa"; /* of what DNS64 makes up */
	size_t n_bits = FILTER_BITS_MIN;
	while (n_bits < l->table.n_nodes * FILTER_BITS_A_NAME && n_bits < FILTER_BITS_MAX)
		n_bits *= 2;
	uint64_t *bits = calloc(n_bits / 64, sizeof *bits);
	if (bits == NULL)
		return -ENOMEM;
	l->filter.bits = bits;
	l->filter.mask = n_bits - 1;
	for (size_t i = 0; i < l->table.n_nodes; i++)
		filter_add(bits, &l->filter, local_table_name(&l->table, &l->table.nodes[i]));
	filter_add(bits, &l->filter, ptr);
	return 0;
}

static int copy_prefixes(const struct config_prefixes *from, struct addr_prefix **ret, unsigned *n)
{
	*ret = calloc(from->n + 1U, sizeof **ret);
	if (*ret == NULL)
		return -ENOMEM;
	if (from->n > 0)
		memcpy(*ret, from->at, from->n * sizeof **ret);
	*n = from->n;
	return 0;
}

static int set_dns64(struct local *l, const struct config_dns64 *c)
{
	static const uint8_t well_known[12] = { 0, 0x64, 0xff, 0x9b };
	struct local_dns64 *d = &l->dns64;
	if (c->prefix.n > 0) {
		memcpy(d->prefix, c->prefix.at[0].addr.bytes, 16);
		d->length = c->prefix.at[0].length;
		d->is_well_known =
			d->length == 96 && memcmp(d->prefix, well_known, sizeof well_known) == 0;
	}
	int e = copy_prefixes(&c->exclude, &d->exclude, &d->n_exclude);
	return e != 0 ? e : copy_prefixes(&c->exclude_ipv4, &d->exclude_v4, &d->n_exclude_v4);
}

static int set_exempt(struct local *l, const struct config_rebinding *c)
{
	int e = local_add_blocklists(l);
	for (unsigned i = 0; i < c->allow.n && e == 0; i++) {
		const uint8_t *name = c->allow.at[i].wire;
		struct local_node *node = local_table_node(&l->exempt, name_hash(name), name);
		if (node == NULL)
			return -ENOMEM;
		node->type = ZONE_NONE;
	}
	return e;
}

static int fill(struct local *l, const struct config *c, const struct local_listener *listener)
{
	int e = local_add_source(l, "") < 0 ? -ENOMEM : 0; /* index 0: none */
	for (unsigned i = 0; i < c->local.zones.n && e == 0; i++)
		e = add_zone(l, &c->local.zones.at[i]);
	if (e == 0)
		e = local_add_builtin(l, c);
	for (unsigned i = 0; i < c->resolver.forwards.n && e == 0; i++)
		e = add_forward(l, &c->resolver.forwards.at[i].zone);
	for (unsigned i = 0; i < c->local.zones.n && e == 0; i++)
		e = read_records(l, &c->local.zones.at[i], listener);
	if (e == 0)
		e = read_hosts_file(l, c->local.hosts, listener);
	if (e == 0)
		e = read_ddr(l, &c->local.ddr, listener);
	if (e == 0)
		e = add_missing_soa(l);
	if (e == 0)
		e = add_empty_names(l);
	if (e == 0)
		e = set_dns64(l, &c->dns64);
	if (e == 0)
		e = set_exempt(l, &c->rebinding);
	return e == 0 ? make_filter(l) : e;
}

int local_new(const struct config *c, const struct local_listener *listener, struct local **ret)
{
	struct local *l = calloc(1, sizeof *l);
	if (l == NULL)
		return -ENOMEM;
	l->ttl_s = c->local.ttl_s;
	int e = fill(l, c, listener);
	if (e != 0) {
		local_free(l);
		return e;
	}
	*ret = l;
	return 0;
}
