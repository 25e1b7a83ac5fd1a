/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/adblock_rule.h"

#include <xxhash.h>

#include "dns/text.h"
#include "feeds/listname.h"

/* Up to `mark`, which is taken off too. */
static struct word take_until(struct word *rest, char mark)
{
	const char *at = rest->n > 0 ? memchr(rest->p, mark, rest->n) : NULL;
	struct word w = { rest->p, at != NULL ? (size_t)(at - rest->p) : rest->n };
	size_t gone = at != NULL ? w.n + 1 : w.n;
	rest->p += gone;
	rest->n -= gone;
	return w;
}

/* ---- modifiers ---- */

static enum feeds_skip flag(bool *ret, bool has_value)
{
	*ret = true;
	return has_value ? FEEDS_SKIP_MODIFIER : FEEDS_SKIP_NONE;
}

/* "A|AAAA": questions of these types; "~A|~AAAA": of all but these. */
static enum feeds_skip read_types(struct word value, struct adblock_rule *rule)
{
	struct policy_data *d = &rule->data;
	if (d->n_types > 0)
		return FEEDS_SKIP_DNSTYPE;
	do {
		struct word w = take_until(&value, '|');
		char text[16];
		uint16_t type;
		bool is_not = w.n > 0 && *w.p == '~';
		w.p += is_not;
		w.n -= is_not;
		if (d->n_types == POLICY_PATTERN_TYPES || w.n == 0 || w.n >= sizeof text ||
		    (d->n_types > 0 && is_not != d->types_are_not))
			return FEEDS_SKIP_DNSTYPE;
		memcpy(text, w.p, w.n);
		text[w.n] = 0;
		if (dns_type_from_text(text, &type) != 0)
			return FEEDS_SKIP_DNSTYPE;
		d->types_are_not = is_not;
		store16(rule->types + 2UL * d->n_types++, type);
	} while (value.n > 0);
	d->types = rule->types;
	return FEEDS_SKIP_NONE;
}

static enum feeds_skip read_modifier(struct word name, bool has_value, struct word value,
                                     struct adblock_rule *rule)
{
	bool is_all;
	if (word_is(&name, "important"))
		return flag(&rule->is_important, has_value);
	if (word_is(&name, "badfilter"))
		return flag(&rule->is_badfilter, has_value);
	/* The whole site, as a page and with all its parts: that is what blocking a name does. */
	if (word_is(&name, "all"))
		return flag(&is_all, has_value);
	if (word_is(&name, "document") || word_is(&name, "doc"))
		return flag(&rule->is_page, has_value);
	if (word_is(&name, "dnsrewrite")) {
		rule->has_rewrite = true;
		rule->rewrite = value;
		return FEEDS_SKIP_NONE;
	}
	if (word_is(&name, "denyallow")) {
		rule->denyallow = value;
		return value.n > 0 ? FEEDS_SKIP_NONE : FEEDS_SKIP_DENYALLOW;
	}
	if (word_is(&name, "client") || word_is(&name, "ctag"))
		return FEEDS_SKIP_CLIENT;
	if (word_is(&name, "dnstype"))
		return read_types(value, rule);
	return FEEDS_SKIP_MODIFIER;
}

enum feeds_skip adblock_read_modifiers(struct word text, struct adblock_rule *rule)
{
	enum feeds_skip why = FEEDS_SKIP_NONE;
	unsigned n = 0;
	do {
		/* A comma in a value is written "\,": only in $client, which is skipped anyway. */
		struct word modifier = take_until(&text, ',');
		if (++n > ADBLOCK_MODIFIERS_MAX)
			return FEEDS_SKIP_MODIFIER;
		modifier = scan_trim(modifier.p, modifier.n);
		struct word value = modifier;
		struct word name = take_until(&value, '=');
		bool has_value = name.n < modifier.n;
		enum feeds_skip bad = read_modifier(name, has_value, value, rule);
		if (why == FEEDS_SKIP_NONE || bad == FEEDS_SKIP_CLIENT || bad == FEEDS_SKIP_DNSTYPE)
			why = bad != FEEDS_SKIP_NONE ? bad : why;
		if (!word_is(&modifier, "badfilter"))
			rule->text_hash =
				XXH3_64bits_withSeed(modifier.p, modifier.n, rule->text_hash);
	} while (text.n > 0);
	/* An exception for pages switches a browser's blocker off there: names stay as they are. */
	if (why == FEEDS_SKIP_NONE && rule->is_page && rule->is_exception)
		why = FEEDS_SKIP_MODIFIER;
	return why;
}

/* ---- $dnsrewrite ---- */

static enum feeds_skip to_action(struct adblock_rule *rule, enum policy_action action)
{
	rule->action = action;
	return FEEDS_SKIP_NONE;
}

static enum feeds_skip to_address(struct adblock_rule *rule, struct word value)
{
	if (addr_from_text(value.p, value.n, &rule->addr) != 0)
		return FEEDS_SKIP_REWRITE;
	rule->data.addrs = &rule->addr;
	rule->data.n_addrs = 1;
	return to_action(rule, POLICY_ADDRESS);
}

static enum feeds_skip to_name(struct adblock_rule *rule, struct word value)
{
	if (listname_read(value.p, value.n, &rule->target) != FEEDS_SKIP_NONE)
		return FEEDS_SKIP_REWRITE;
	rule->data.target = rule->target.wire;
	return to_action(rule, POLICY_REDIRECT);
}

static enum feeds_skip to_rcode(struct adblock_rule *rule, struct word rcode)
{
	if (word_is(&rcode, "NXDOMAIN"))
		return to_action(rule, POLICY_NXDOMAIN);
	if (word_is(&rcode, "REFUSED"))
		return to_action(rule, POLICY_REFUSED);
	if (word_is(&rcode, "NOERROR"))
		return to_action(rule, POLICY_NODATA);
	return FEEDS_SKIP_REWRITE; /* SERVFAIL: no policy action */
}

enum feeds_skip adblock_read_rewrite(struct adblock_rule *rule)
{
	struct word rest = rule->rewrite;
	if (rest.n == 0)
		return FEEDS_SKIP_REWRITE;
	if (memchr(rest.p, ';', rest.n) == NULL) { /* the short forms */
		if (to_rcode(rule, rest) == FEEDS_SKIP_NONE ||
		    to_address(rule, rest) == FEEDS_SKIP_NONE)
			return FEEDS_SKIP_NONE;
		/* A keyword in capitals is not a name to point to. */
		if (memchr(rest.p, '.', rest.n) == NULL)
			return FEEDS_SKIP_REWRITE;
		return to_name(rule, rest);
	}
	struct word rcode = take_until(&rest, ';');
	struct word type = take_until(&rest, ';');
	if (rest.n == 0)
		return type.n == 0 ? to_rcode(rule, rcode) : FEEDS_SKIP_REWRITE;
	if (!word_is(&rcode, "NOERROR"))
		return FEEDS_SKIP_REWRITE;
	enum feeds_skip why = FEEDS_SKIP_REWRITE;
	if (word_is(&type, "CNAME"))
		why = to_name(rule, rest);
	else if (word_is(&type, "A") || word_is(&type, "AAAA"))
		why = to_address(rule, rest);
	if (why == FEEDS_SKIP_NONE && rule->action == POLICY_ADDRESS &&
	    rule->addr.is_v4 != word_is(&type, "A"))
		why = FEEDS_SKIP_REWRITE;
	return why;
}

void adblock_types(const struct adblock_rule *rule, struct type_set *ret)
{
	*ret = (struct type_set){ .is_not = rule->data.n_types == 0 || rule->data.types_are_not };
	for (unsigned i = 0; i < rule->data.n_types; i++)
		ret->types[ret->n++] = load16(rule->types + 2UL * i);
}

void adblock_set_types(struct adblock_rule *rule, const struct type_set *types)
{
	rule->data.types = rule->types;
	rule->data.n_types = types->n;
	rule->data.types_are_not = types->is_not && types->n > 0;
	for (unsigned i = 0; i < types->n; i++)
		store16(rule->types + 2UL * i, types->types[i]);
}
