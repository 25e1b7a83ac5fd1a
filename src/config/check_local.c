/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the options of local answers mean together. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/check.h"
#include "config/problem.h"

static struct config_place place_of(const struct node *map, const char *key)
{
	const struct node *v = node_find(map, key);
	return v != NULL ? v->place : map != NULL ? map->place : (struct config_place){ 0 };
}

/* RFC 6052 2.2: "The prefixes can only have one of the following lengths: 32, 40, 48, 56, 64,
   or 96", and "Bits 64 to 71 of the address are reserved ... MUST be set to zero". */
static void check_dns64(const struct config *c, const struct node *root,
                        struct config_problems *problems)
{
	static const uint8_t lengths[] = { 32, 40, 48, 56, 64, 96 };
	const struct config_prefixes *p = &c->dns64.prefix;
	struct config_place place = place_of(node_find(root, "dns64"), "prefix");
	if (p->n != 1) {
		problem_error(problems, place,
		              "dns64.prefix: write one prefix, such as [\"64:ff9b::/96\"]");
		return;
	}
	bool is_length = memchr(lengths, p->at[0].length, sizeof lengths) != NULL;
	if (p->at[0].addr.is_v4 || !is_length)
		problem_error(
			problems, place,
			"dns64.prefix: write an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits (RFC 6052)");
	else if (p->at[0].addr.bytes[8] != 0)
		problem_error(
			problems, place,
			"dns64.prefix: bits 64 to 71 must be zero (RFC 6052 2.2); write another prefix");
}

static void check_exclusions(const struct config *c, struct config_problems *problems)
{
	const struct config_prefixes *v4 = &c->dns64.exclude_ipv4;
	for (unsigned i = 0; i < v4->n; i++) {
		if (!v4->at[i].addr.is_v4)
			problem_error(
				problems, v4->places[i],
				"dns64.exclude-ipv4: this is an IPv6 prefix; write IPv4 prefixes here, IPv6 ones in dns64.exclude");
	}
}

struct zone_entry {
	const struct config_local_zone *zone;
	unsigned i;
};

static int compare_zones(const void *a, const void *b)
{
	const struct zone_entry *x = a, *y = b;
	int d = name_compare(x->zone->zone.wire, y->zone->zone.wire);
	return d != 0 ? d : (x->i > y->i) - (x->i < y->i);
}

static void check_zone(const struct config_local_zone *z, const struct node *node,
                       struct config_problems *problems)
{
	bool is_void = strcmp(z->type, "nxdomain") == 0 || strcmp(z->type, "resolve") == 0;
	if (is_void && (z->records.n > 0 || z->file != NULL))
		problem_warning(problems, place_of(node, "type"),
		                "local.zones[].type: a zone of type %s has no use for records",
		                z->type);
	if (strcmp(z->type, "redirect") == 0 && z->records.n == 0 && z->file == NULL)
		problem_warning(
			problems, place_of(node, "type"),
			"local.zones[].type: redirect without records gives empty answers; add 'records: [\"@ A 192.0.2.1\"]'");
}

static int check_zones(const struct config *c, const struct check_nodes *nodes,
                       struct config_problems *problems)
{
	const struct config_zones *zs = &c->local.zones;
	struct zone_entry *sorted = calloc(zs->n + 1U, sizeof *sorted);
	char text[NAME_TEXT_MAX];
	unsigned n = 0;
	if (sorted == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < zs->n; i++) {
		check_zone(&zs->at[i], nodes->zones[i], problems);
		if (zs->at[i].zone.len > 0)
			sorted[n++] = (struct zone_entry){ &zs->at[i], i };
	}
	if (n > 1)
		qsort(sorted, n, sizeof *sorted, compare_zones);
	for (unsigned i = 1; i < n; i++) {
		if (!name_equal(sorted[i].zone->zone.wire, sorted[i - 1].zone->zone.wire))
			continue;
		name_to_text(sorted[i].zone->zone.wire, text);
		problem_error(
			problems, place_of(nodes->zones[sorted[i].i], "zone"),
			"local.zones[].zone: %.200s stands here a second time, the first is in line %u; put all of it into one entry",
			text, sorted[i - 1].zone->place.line);
	}
	free(sorted);
	return 0;
}

int check_local(const struct config *c, const struct check_nodes *nodes,
                struct config_problems *problems)
{
	check_dns64(c, nodes->root, problems);
	check_exclusions(c, problems);
	return check_zones(c, nodes, problems);
}
