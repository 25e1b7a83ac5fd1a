/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes as a zone file and as a hosts file of local data.
 *
 * Properties: what is read can be found again under its own name, with the type it has; the filter
 * never stands in its way; data of a zone lies within it; what is told is one line of printable text.
 */
#include "local/local.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const uint8_t zone[] = "\3lan";

static void say(void *arg, const char *line)
{
	unsigned *n_told = arg;
	must(++*n_told <= LOCAL_MAX_TOLD + 1);
	must(strlen(line) < LOCAL_LINE_MAX);
	for (const char *p = line; *p != 0; p++)
		must(*p >= ' ' && *p < 127);
}

static bool has_alias(const struct local *l, const struct local_node *node)
{
	return local_table_has_type(&l->table, node, DNS_CNAME);
}

static void check_node(const struct local *l, const struct local_node *node, bool is_zone)
{
	struct name name;
	struct name_hashes h;
	struct local_record it = { 0 };
	unsigned n = 0;
	name_set(&name, local_table_name(&l->table, node));
	must(name_check(name.wire, name.len) == name.len);
	name_hash_all(name.wire, &h);
	must(h.h[0] == node->hash);
	must(local_table_find(&l->table, h.h[0], name.wire) == node);
	must(!is_zone || name_is_within(name.wire, zone));
	while (local_next(l, node, DNS_ANY, &it)) {
		struct local_found f;
		struct local_alias alias;
		must(local_may_know(l, &h));
		/* DS at the top of a zone is its parent's. */
		bool is_hidden = it.type == DNS_DS && node->type != ZONE_NONE;
		enum local_outcome o = local_find(l, name.wire, &h, it.type, true, &f, &alias);
		must(is_hidden || (o == LOCAL_DATA && f.node == node));
		must(!has_alias(l, node) || node->n_rrs == 1 || node->type != ZONE_NONE);
		if (it.type == DNS_PTR || it.type == DNS_CNAME)
			must(name_check(it.rdata, it.rdata_len) == it.rdata_len);
		must(++n <= LOCAL_MAX_AT_NAME);
	}
	must(n == node->n_rrs);
}

static void check(const uint8_t *data, size_t n, bool is_zone)
{
	static const char yaml[] =
		"local: {special-names: false, mdns: false, private-reverse: false, "
		"doh-canary: false, zones: [{zone: lan}]}";
	struct config *c = NULL;
	struct config_problems problems = { 0 };
	unsigned n_told = 0;
	const struct local_listener listener = { .say = say, .arg = &n_told };
	char path[] = "/tmp/weir-fuzz-XXXXXX";
	struct local *l = NULL;
	must(config_load_text("fuzz", yaml, sizeof yaml - 1, &c, &problems) == 0);
	int fd = mkstemp(path);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
	must(f != NULL && (n == 0 || fwrite(data, n, 1, f) == 1) && fclose(f) == 0);
	if (is_zone)
		c->local.zones.at[0].file = path;
	else
		c->local.hosts = path;
	must(local_new(c, &listener, &l) == 0);
	remove(path);
	for (size_t i = 0; i < l->table.n_nodes; i++)
		check_node(l, &l->table.nodes[i], is_zone);
	local_free(l);
	config_problems_done(&problems);
	config_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool has_key;
	if (!has_key) {
		const struct siphash_key key = { .k0 = 3, .k1 = 4 };
		name_set_hash_key(&key);
		has_key = true;
	}
	if (n > 16384)
		return 0;
	check(data, n, true);
	check(data, n, false);
	return 0;
}
