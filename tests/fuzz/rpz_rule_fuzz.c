/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as records of one owner of a policy zone, and the rule as records again.
 *
 * The first byte is the number of labels of the owner that are the apex; then an owner in wire form,
 * then records: type (2 bytes), TTL (4), length (1), data.
 *
 * Properties: a rule is a legal one; what rpz_rule_write() makes of it gives the same rule again;
 * the order of the records of data does not matter.
 */
#include <errno.h>
#include <string.h>

#include "feeds/rpz_owner.h"
#include "feeds/rpz_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct rpz_owner one, again;
static struct name apex;
static bool has_started;

static void check(const struct rpz_trigger *t, const struct policy_rule *rule)
{
	must(rule->own_match == t->match + 1 && rule->data != NULL);
	if (t->is_prefix) {
		struct addr masked = addr_masked(&t->prefix.addr, t->prefix.length);
		must(t->prefix.length > 0 && addr_equal(&masked, &t->prefix.addr));
	} else {
		must(name_check(t->name.wire, t->name.len) == t->name.len);
		must(rule->scope == t->scope && t->scope != POLICY_SCOPE_TREE);
	}
	must((rule->data->target != NULL) == (rule->action == POLICY_REDIRECT));
	must((rule->data->records_bytes > 0) == (rule->action == POLICY_RECORDS));
	must(rule->data->records_bytes <= RPZ_OWNER_BYTES);
}

static int take(void *arg, const struct rpz_record *r)
{
	static char text[RPZ_RECORD_TEXT_MAX];
	(void)arg;
	must(rpz_record_text(r, text) < RPZ_RECORD_TEXT_MAX);
	if (!has_started)
		must(rpz_owner_start(&again, r->owner, apex.wire) == FEEDS_SKIP_NONE);
	has_started = true;
	must(rpz_owner_add(&again, r->type, r->ttl_s, r->data, r->n) == FEEDS_SKIP_NONE);
	return 0;
}

static void check_again(const struct policy_rule *rule)
{
	struct policy_rule back;
	struct feeds_rule r = { .rule = *rule };
	if (one.trigger.is_prefix)
		r.prefix = &one.trigger.prefix;
	else
		r.name = &one.trigger.name;
	has_started = false;
	int e = rpz_rule_write(&r, apex.wire, 1, take, NULL);
	/* IPv4 written as IPv6 is written shorter; the old passthru may be a longer name. */
	must(e == 0 && has_started && rpz_owner_finish(&again, &back));
	must(back.action == rule->action && back.scope == rule->scope);
	must(back.own_match == rule->own_match && !again.trigger.is_odd);
	must(again.trigger.is_prefix == one.trigger.is_prefix);
	if (one.trigger.is_prefix)
		must(addr_equal(&again.trigger.prefix.addr, &one.trigger.prefix.addr) &&
		     again.trigger.prefix.length == one.trigger.prefix.length);
	else
		must(name_equal(again.trigger.name.wire, one.trigger.name.wire));
	must(back.data->records_bytes == rule->data->records_bytes);
	must(rule->data->records_bytes == 0 ||
	     memcmp(back.data->records, rule->data->records, rule->data->records_bytes) == 0);
	must(rule->data->target == NULL || name_equal(back.data->target, rule->data->target));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct policy_rule rule;
	size_t owner_n = n > 1 ? name_check(data + 1, n - 1) : 0;
	if (owner_n == 0)
		return 0;
	unsigned labels = name_labels(data + 1);
	unsigned of_apex = data[0] < labels ? data[0] : labels;
	name_set(&apex, name_skip(data + 1, labels - of_apex));
	if (rpz_owner_start(&one, data + 1, apex.wire) != FEEDS_SKIP_NONE)
		return 0;
	for (size_t at = 1 + owner_n; at + 7 <= n;) {
		const uint8_t *p = data + at;
		size_t len = p[6] <= n - at - 7 ? p[6] : n - at - 7;
		uint32_t ttl_s =
			(uint32_t)p[2] << 24 | (uint32_t)p[3] << 16 | (uint32_t)p[4] << 8 | p[5];
		(void)rpz_owner_add(&one, (uint16_t)(p[0] << 8 | p[1]), ttl_s, p + 7, len);
		at += 7 + len;
	}
	if (!rpz_owner_finish(&one, &rule))
		return 0;
	check(&one.trigger, &rule);
	check_again(&rule);
	return 0;
}
