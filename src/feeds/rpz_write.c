/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/rpz_write.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A name in the making: labels are put in front of each other. */
struct draft {
	uint8_t wire[4 * NAME_MAX_BYTES]; /* what is too long is found out at the end */
	size_t n;
};

static void put_label(struct draft *d, const char *label, size_t n)
{
	d->wire[d->n++] = (uint8_t)n;
	memcpy(d->wire + d->n, label, n);
	d->n += n;
}

/* All labels of a wire name but the root. */
static void put_name(struct draft *d, const uint8_t *name)
{
	size_t n = name_len(name) - 1;
	memcpy(d->wire + d->n, name, n);
	d->n += n;
}

/* "24.0.2.0.192" */
static void put_prefix(struct draft *d, const struct addr_prefix *p)
{
	char text[RPZ_PREFIX_TEXT_MAX];
	rpz_prefix_text(p, text);
	for (const char *at = text; *at != 0;) {
		size_t n = strcspn(at, ".");
		put_label(d, at, n);
		at += n + (at[n] == '.');
	}
}

static int draft_done(struct draft *d, struct name *ret)
{
	if (d->n >= NAME_MAX_BYTES)
		return -ENAMETOOLONG;
	d->wire[d->n] = 0;
	name_set(ret, d->wire);
	return 0;
}

/* ---- owners ---- */

static const char *trigger_label(const struct feeds_rule *rule)
{
	bool is_name = rule->name != NULL;
	enum policy_match match = is_name ? POLICY_MATCH_NAME : POLICY_MATCH_ANSWER;
	if (rule->rule.own_match != 0)
		match = (enum policy_match)(rule->rule.own_match - 1);
	switch (match) {
	case POLICY_MATCH_NAME:
		return is_name ? "" : NULL;
	case POLICY_MATCH_ANSWER:
		return is_name ? NULL : "rpz-ip";
	case POLICY_MATCH_NAMESERVER:
		return is_name ? "rpz-nsdname" : "rpz-nsip";
	case POLICY_MATCH_CLIENT:
		return is_name ? NULL : "rpz-client-ip";
	}
	return NULL;
}

static int make_owner(const struct feeds_rule *rule, bool is_below, const uint8_t *apex,
                      struct name *ret)
{
	struct draft d = { .n = 0 };
	const char *trigger = trigger_label(rule);
	if (trigger == NULL || (rule->prefix != NULL && rule->prefix->length == 0))
		return -EINVAL;
	if (is_below)
		put_label(&d, "*", 1);
	if (rule->name != NULL)
		put_name(&d, rule->name->wire);
	else
		put_prefix(&d, rule->prefix);
	if (*trigger != 0)
		put_label(&d, trigger, strlen(trigger));
	put_name(&d, apex);
	return draft_done(&d, ret);
}

/* ---- what is done ---- */

/* Where the records of one owner go. */
struct out {
	const struct feeds_rule *rule;
	uint32_t ttl_s;
	int (*record)(void *arg, const struct rpz_record *r);
	void *arg;
	const uint8_t *owner;
};

static int put_record(const struct out *o, uint16_t type, const void *data, size_t n)
{
	const struct rpz_record r = {
		.owner = o->owner, .type = type, .ttl_s = o->ttl_s, .data = data, .n = (uint16_t)n
	};
	return o->record(o->arg, &r);
}

static int put_action(const struct out *o, const char *target)
{
	struct draft d = { .n = 0 };
	struct name name;
	if (*target != 0)
		put_label(&d, target, strlen(target));
	must(draft_done(&d, &name) == 0);
	return put_record(o, RPZ_TYPE_CNAME, name.wire, name.len);
}

static int put_redirect(const struct out *o)
{
	const struct policy_data *data = o->rule->rule.data;
	struct draft d = { .n = 0 };
	struct name name;
	if (data == NULL || data->target == NULL)
		return -EINVAL;
	if (data->is_target_suffix)
		put_label(&d, "*", 1);
	put_name(&d, data->target);
	int e = draft_done(&d, &name);
	return e != 0 ? e : put_record(o, RPZ_TYPE_CNAME, name.wire, name.len);
}

static int put_addresses(const struct out *o)
{
	const struct policy_data *data = o->rule->rule.data;
	int e = data == NULL || data->n_addrs == 0 ? -EINVAL : 0;
	for (unsigned i = 0; e == 0 && i < data->n_addrs; i++) {
		const struct addr *a = &data->addrs[i];
		e = a->is_v4 ? put_record(o, RPZ_TYPE_A, a->bytes + 12, 4)
		             : put_record(o, RPZ_TYPE_AAAA, a->bytes, 16);
	}
	return e;
}

static int put_records(struct out *o)
{
	const struct policy_data *data = o->rule->rule.data;
	struct policy_record item;
	size_t at = 0;
	int e = data == NULL || data->records_bytes == 0 ? -EINVAL : 0;
	while (e == 0 && at < data->records_bytes) {
		if (!policy_record_next(data, &at, &item))
			return -EINVAL;
		o->ttl_s = item.ttl_s;
		e = put_record(o, item.type, item.rdata, item.rdata_len);
	}
	return e;
}

static int put_rule(struct out *o)
{
	switch (o->rule->rule.action) {
	case POLICY_NXDOMAIN:
		return put_action(o, "");
	case POLICY_NODATA:
		return put_action(o, "*");
	case POLICY_ALLOW:
		return put_action(o, "rpz-passthru");
	case POLICY_DROP:
		return put_action(o, "rpz-drop");
	case POLICY_TRUNCATE:
		return put_action(o, "rpz-tcp-only");
	case POLICY_REDIRECT:
		return put_redirect(o);
	case POLICY_ADDRESS:
		return put_addresses(o);
	case POLICY_RECORDS:
		return put_records(o);
	case POLICY_NONE:
	case POLICY_LOG:
	case POLICY_REFUSED:
		break;
	}
	return -ENOTSUP;
}

int rpz_rule_write(const struct feeds_rule *rule, const uint8_t *apex, uint32_t ttl_s,
                   int (*record)(void *arg, const struct rpz_record *r), void *arg)
{
	struct name owner;
	const struct policy_data *data = rule->rule.data;
	enum policy_scope scope = rule->name != NULL ? rule->rule.scope : POLICY_SCOPE_EXACT;
	struct out o = {
		.rule = rule,
		.ttl_s = data != NULL && data->has_ttl ? data->ttl_s : ttl_s,
		.record = record,
		.arg = arg,
	};
	int e = 0;
	/* The root itself has no owner: that is the apex. */
	bool has_self = rule->name == NULL || !name_is_root(rule->name->wire);
	for (unsigned below = 0; e == 0 && below < 2; below++) {
		if (below == 0 ? scope == POLICY_SCOPE_BELOW || !has_self
		               : scope == POLICY_SCOPE_EXACT)
			continue;
		e = make_owner(rule, below == 1, apex, &owner);
		o.owner = owner.wire;
		if (e == 0)
			e = put_rule(&o);
	}
	return e;
}

/* ---- text ---- */

static size_t put_name_text(const uint8_t *wire, char *ret)
{
	size_t n = name_to_text(wire, ret);
	if (!name_is_root(wire))
		ret[n++] = '.';
	return n;
}

static size_t put_text(const char *text, char *ret)
{
	size_t n = strlen(text);
	memcpy(ret, text, n);
	return n;
}

size_t rpz_record_text(const struct rpz_record *r, char *ret_text)
{
	static const char hex[] = "0123456789abcdef";
	struct addr a;
	char *p = ret_text;
	p += put_name_text(r->owner, p);
	p += snprintf(p, 24, " %u IN ", r->ttl_s);
	if (r->type == RPZ_TYPE_CNAME && r->n > 0 && name_check(r->data, r->n) == r->n) {
		p += put_text("CNAME ", p);
		p += put_name_text(r->data, p);
	} else if (r->type == RPZ_TYPE_A && r->n == 4) {
		a = addr_from_bytes4(r->data);
		p += put_text("A ", p);
		p += addr_to_text(&a, p);
	} else if (r->type == RPZ_TYPE_AAAA && r->n == 16) {
		a = (struct addr){ .is_v4 = false }; /* also ::ffff:192.0.2.1 */
		memcpy(a.bytes, r->data, 16);
		p += put_text("AAAA ", p);
		p += addr_to_text(&a, p);
	} else {
		p += snprintf(p, 32, "TYPE%u \\# %u ", r->type, r->n);
		for (unsigned i = 0; i < r->n; i++) {
			*p++ = hex[r->data[i] >> 4];
			*p++ = hex[r->data[i] & 15];
		}
	}
	*p++ = '\n';
	*p = 0;
	return (size_t)(p - ret_text);
}
