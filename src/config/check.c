/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/check.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "config/problem.h"
#include "io/tls.h"

enum {
	NEAREST_TRIES = 20,
	LIST_EDE_TEXT_MAX = 127, /* POLICY_EDE_TEXT_MAX */
	LIST_MAX_TTL_USUAL_S = 5,
};

/* A name and which entry has it; sorted by name, then by entry. */
struct named {
	const char *name;
	unsigned i;
};

struct checker {
	const struct config *c;
	const struct check_nodes *nodes;
	struct config_problems *problems;
	struct named *lists; /* those that have a name */
	unsigned n_lists;
	bool *is_used; /* by a group; one a list */
	unsigned n_tries;
};

/* Where a key's value stands in an entry; the entry itself if it is not given there. */
static struct config_place place_in(const struct node *entry, const char *key)
{
	const struct node *v = node_find(entry, key);
	return v != NULL ? v->place : entry->place;
}

static struct config_place place_at(const struct checker *k, const char *section, const char *key)
{
	const struct node *map =
		section != NULL ? node_find(k->nodes->root, section) : k->nodes->root;
	const struct node *v = node_find(map, key);
	return v != NULL ? v->place : (struct config_place){ 0 };
}

/* ---- addresses ---- */

static bool is_zero(const struct addr *a)
{
	static const uint8_t zero[16];
	return memcmp(a->bytes + (a->is_v4 ? 12 : 0), zero, a->is_v4 ? 4 : 16) == 0;
}

/* Why packets cannot be sent to it or from it, or NULL. */
static const char *address_trouble(const struct addr *a)
{
	static const uint8_t broadcast[4] = { 255, 255, 255, 255 };
	if (a->is_v4 ? (a->bytes[12] & 0xf0) == 0xe0 : a->bytes[0] == 0xff)
		return "is a multicast address";
	if (a->is_v4 && memcmp(a->bytes + 12, broadcast, 4) == 0)
		return "is the broadcast address";
	if (!a->is_v4 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80)
		return "is link-local, which needs an interface and is not supported";
	return NULL;
}

static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && a->addr.is_v4 == b->addr.is_v4 &&
	       addr_equal(&a->addr, &b->addr);
}

/* Listening on all addresses takes in the machine's own. */
static bool is_behind_wildcard(const struct endpoint *e, const struct endpoint *listen)
{
	return is_zero(&listen->addr) && listen->port == e->port &&
	       listen->addr.is_v4 == e->addr.is_v4 && addr_is_loopback(&e->addr);
}

/* Each usable, none twice. */
static void check_endpoints(struct checker *k, const char *what, const struct config_endpoints *e,
                            bool may_be_zero)
{
	char text[ADDR_TEXT_MAX];
	for (unsigned i = 0; i < e->n; i++) {
		const char *trouble = address_trouble(&e->at[i].addr);
		if (trouble == NULL && !may_be_zero && is_zero(&e->at[i].addr))
			trouble = "stands for all addresses";
		endpoint_to_text(&e->at[i], text);
		if (trouble != NULL)
			problem_error(k->problems, e->places[i],
			              "%s: %s %s; write the address of one machine", what, text,
			              trouble);
		for (unsigned j = 0; j < i; j++) {
			if (!same_endpoint(&e->at[i], &e->at[j]))
				continue;
			problem_error(k->problems, e->places[i],
			              "%s: %s stands here a second time; remove it", what, text);
			break;
		}
	}
}

static void check_listen(struct checker *k)
{
	const struct node *node = node_find(node_find(k->nodes->root, "server"), "listen");
	check_endpoints(k, "server.listen", &k->c->server.listen, true);
	if (node != NULL && node->kind == NODE_LIST && node->n == 0)
		problem_error(
			k->problems, node->place,
			"server.listen: no address to answer on; write one, such as [\"127.0.0.1@53\"]");
}

enum {
	SOURCES_MAX = 16 /* of a family */
};

static void check_source_addresses(struct checker *k)
{
	const struct config_addrs *s = &k->c->resolver.source_addresses;
	unsigned n_of_family[2] = { 0, 0 };
	char text[ADDR_TEXT_MAX];
	for (unsigned i = 0; i < s->n; i++) {
		const char *trouble = address_trouble(&s->at[i]);
		if (trouble == NULL && is_zero(&s->at[i]))
			trouble = "stands for all addresses";
		addr_to_text(&s->at[i], text);
		if (trouble != NULL)
			problem_error(
				k->problems, s->places[i],
				"resolver.source-addresses: %s %s; write an address of this machine",
				text, trouble);
		if (++n_of_family[s->at[i].is_v4] == SOURCES_MAX + 1)
			problem_error(
				k->problems, s->places[i],
				"resolver.source-addresses: %s is the 17th of its family; write at most 16 IPv4 and 16 IPv6 addresses",
				text);
	}
}

static void check_resolver(struct checker *k)
{
	if (!k->c->resolver.ipv4 && !k->c->resolver.ipv6)
		problem_error(
			k->problems, place_at(k, "resolver", "ipv6"),
			"resolver: ipv4 and ipv6 are both off, so no server can be asked; switch one on");
	check_source_addresses(k);
}

/* ---- forward zones ---- */

/* A question sent to ourselves comes back to us, and round it goes. */
static void check_not_self(struct checker *k, const struct config_forward *f)
{
	const struct config_endpoints *listen = &k->c->server.listen;
	char text[ADDR_TEXT_MAX];
	for (unsigned i = 0; i < f->to.n; i++) {
		for (unsigned j = 0; j < listen->n; j++) {
			if (!same_endpoint(&f->to.at[i], &listen->at[j]) &&
			    !is_behind_wildcard(&f->to.at[i], &listen->at[j]))
				continue;
			endpoint_to_text(&f->to.at[i], text);
			problem_error(
				k->problems, f->to.places[i],
				"resolver.forward[].to: %s is this server's own listen address; write another resolver's",
				text);
		}
	}
}

static void check_pins(struct checker *k, const struct config_forward *f)
{
	char quoted[PROBLEM_QUOTE_MAX];
	struct tls_pin pin;
	for (unsigned i = 0; i < f->tls_pins.n; i++) {
		const char *text = f->tls_pins.at[i];
		if (tls_pin_from_text(text, strlen(text), &pin) != 0)
			problem_error(
				k->problems, f->tls_pins.places[i],
				"resolver.forward[].tls-pins: %s is not a SHA-256 hash in base64, which has 44 characters",
				problem_quote(text, strlen(text), quoted));
		if (i == TLS_MAX_PINS)
			problem_error(k->problems, f->tls_pins.places[i],
			              "resolver.forward[].tls-pins: more than %d; remove some",
			              TLS_MAX_PINS);
	}
}

static void check_tls(struct checker *k, const struct config_forward *f, const struct node *node)
{
	bool is_strict = strcmp(f->tls, "true") == 0;
	bool has_proof = f->tls_name.len > 0 || f->tls_pins.n > 0;
	char text[ADDR_TEXT_MAX];
	check_pins(k, f);
	if (is_strict && !has_proof)
		problem_error(
			k->problems, place_in(node, "tls"),
			"resolver.forward[].tls: true needs something that the resolver can be known by; add tls-name or tls-pins");
	if (!is_strict && (has_proof || f->tls_ca != NULL))
		problem_error(
			k->problems, place_in(node, "tls"),
			"resolver.forward[].tls: %s looks at no certificate; write 'tls: true', or remove tls-name, tls-pins and tls-ca",
			f->tls);
	if (is_strict && f->tls_ca != NULL && f->tls_name.len == 0)
		problem_error(k->problems, place_in(node, "tls-ca"),
		              "resolver.forward[].tls-ca is of use with tls-name only; add it");
	for (unsigned i = 0; i < f->to.n && strcmp(f->tls, "false") != 0; i++) {
		endpoint_to_text(&f->to.at[i], text);
		if (f->to.at[i].port == 53)
			problem_warning(
				k->problems, f->to.places[i],
				"resolver.forward[].to: %s is the port of plain DNS; DNS over TLS mostly has @853",
				text);
	}
}

static int compare_names(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int d = strcmp(x->name, y->name);
	return d != 0 ? d : (x->i > y->i) - (x->i < y->i);
}

static int check_forwards(struct checker *k)
{
	const struct config_forwards *f = &k->c->resolver.forwards;
	struct named *zones = calloc(f->n + 1U, sizeof *zones);
	char(*texts)[NAME_TEXT_MAX] = calloc(f->n + 1U, NAME_TEXT_MAX);
	unsigned n = 0;
	for (unsigned i = 0; i < f->n && zones != NULL && texts != NULL; i++) {
		check_endpoints(k, "resolver.forward[].to", &f->at[i].to, false);
		check_not_self(k, &f->at[i]);
		check_tls(k, &f->at[i], k->nodes->forwards[i]);
		if (f->at[i].zone.len == 0)
			continue;
		name_to_text(f->at[i].zone.wire, texts[i]);
		zones[n++] = (struct named){ texts[i], i };
	}
	if (n > 1)
		qsort(zones, n, sizeof *zones, compare_names);
	for (unsigned i = 1; i < n; i++) {
		if (strcmp(zones[i].name, zones[i - 1].name) == 0)
			problem_error(
				k->problems, place_in(k->nodes->forwards[zones[i].i], "zone"),
				"resolver.forward[].zone: %.100s stands here a second time, the first is in line %u; put all its servers into one entry",
				zones[i].name, f->at[zones[i - 1].i].place.line);
	}
	bool is_out = zones == NULL || texts == NULL;
	free(zones);
	free(texts);
	return is_out ? -ENOMEM : 0;
}

/* ---- lists ---- */

static void check_list_data(struct checker *k, const struct config_list *l, const struct node *node)
{
	bool is_address = strcmp(l->action, "address") == 0;
	bool is_redirect = strcmp(l->action, "redirect") == 0;
	if (is_address && l->addresses.n == 0)
		problem_error(
			k->problems, place_in(node, "action"),
			"lists[].action: address needs addresses to answer with; add 'addresses: [\"192.0.2.1\"]'");
	if (!is_address && l->addresses.n > 0)
		problem_error(
			k->problems, place_in(node, "addresses"),
			"lists[].addresses are of use with 'action: address' only, here it is %s; remove one or change the other",
			l->action);
	if (is_redirect && l->target.len == 0)
		problem_error(
			k->problems, place_in(node, "action"),
			"lists[].action: redirect needs a name to lead to; add 'target: NAME'");
	if (!is_redirect && l->target.len > 0)
		problem_error(
			k->problems, place_in(node, "target"),
			"lists[].target is of use with 'action: redirect' only, here it is %s; remove one or change the other",
			l->action);
}

/* ede 0 is none; between 4 and 15 there is nothing that says "policy". */
static void check_list_ede(struct checker *k, const struct config_list *l, const struct node *node)
{
	if (l->ede != 0 && l->ede != 4 && l->ede < 15)
		problem_error(
			k->problems, place_in(node, "ede"),
			"lists[].ede: %u does not stand for a policy; write 0, 4, or 15 to 18",
			l->ede);
	if (l->ede_text != NULL && strlen(l->ede_text) > LIST_EDE_TEXT_MAX)
		problem_error(k->problems, place_in(node, "ede-text"),
		              "lists[].ede-text: longer than %d bytes", LIST_EDE_TEXT_MAX);
}

/* Keys that mean something to policy zones only, or nothing to them, with another value than usual. */
static void check_list_rpz(struct checker *k, const struct config_list *l, const struct node *node)
{
	const struct {
		const char *key;
		bool is_usual;
	} theirs[] = {
		{ "local-data", strcmp(l->local_data, "given") == 0 },
		{ "max-ttl", l->max_ttl_s == LIST_MAX_TTL_USUAL_S },
		{ "min-ns-dots", l->min_ns_dots == 1 },
		{ "ns-wait", l->ns_wait },
		{ "break-dnssec", l->break_dnssec },
		{ "qname-as-ns", !l->qname_as_ns },
		{ "ip-as-ns", !l->ip_as_ns },
		{ "recursive-only", l->recursive_only },
		{ "soa", l->soa },
	};
	bool is_rpz = strcmp(l->format, "rpz") == 0;
	for (unsigned i = 0; !is_rpz && i < ARRAY_LEN(theirs); i++) {
		if (!theirs[i].is_usual)
			problem_warning(
				k->problems, place_in(node, theirs[i].key),
				"lists[].%s has no effect with 'format: %s'; it is of policy zones (rpz)",
				theirs[i].key, l->format);
	}
	if (is_rpz && strcmp(l->match, "name") != 0)
		problem_warning(
			k->problems, place_in(node, "match"),
			"lists[].match has no effect with 'format: rpz': its rules say what they match");
}

/* Is the word one of those in `words`, with '|' between them? */
static bool is_one_of(const char *word, const char *words)
{
	size_t n = strlen(word);
	for (const char *p = words; (p = strstr(p, word)) != NULL; p += n) {
		if ((p == words || p[-1] == '|') && (p[n] == 0 || p[n] == '|'))
			return true;
	}
	return false;
}

/* Keys that say how a file of some formats is to be read. */
static void check_list_reading(struct checker *k, const struct config_list *l,
                               const struct node *node)
{
	const struct {
		const char *key, *formats;
		bool is_usual;
	} keys[] = {
		{ "subdomains", "domains|wildcard|csv|json|stix|misp", l->subdomains },
		{ "path", "json", l->path == NULL || l->path[0] == 0 },
		{ "min-confidence", "stix", l->min_confidence == 0 },
		{ "zone", "rpz", l->zone.len == 0 },
		{ "column", "csv", strcmp(l->column, "1") == 0 },
		{ "separator", "csv", strcmp(l->separator, "comma") == 0 },
	};
	for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
		if (!keys[i].is_usual && !is_one_of(l->format, keys[i].formats))
			problem_warning(k->problems, place_in(node, keys[i].key),
			                "lists[].%s has no effect with 'format: %s'; remove it",
			                keys[i].key, l->format);
	}
}

static void check_list_format(struct checker *k, const struct config_list *l,
                              const struct node *node)
{
	bool has_addresses = is_one_of(l->format, "addresses|mmdb");
	check_list_reading(k, l, node);
	if (strcmp(l->format, "json") == 0 && (l->path == NULL || l->path[0] == 0))
		problem_error(k->problems, place_in(node, "format"),
		              "lists[].format: json needs a path: $.data[*].domain");
	if (strcmp(l->match, "answer") == 0 &&
	    !is_one_of(l->format, "addresses|mmdb|rpz|csv|json|stix|misp"))
		problem_error(
			k->problems, place_in(node, "match"),
			"lists[].match: answer compares addresses, but a list of format %s holds names; write 'format: addresses', or another match",
			l->format);
	if (strcmp(l->match, "name") == 0 && has_addresses)
		problem_error(
			k->problems, place_in(node, "format"),
			"lists[].format: addresses cannot be compared with names; add 'match: answer' or 'match: nameserver'");
	check_list_terms(k->c, l, node, k->problems);
}

static int check_lists(struct checker *k)
{
	const struct config_lists *ls = &k->c->lists;
	k->lists = calloc(ls->n + 1U, sizeof *k->lists);
	k->is_used = calloc(ls->n + 1U, sizeof *k->is_used);
	if (k->lists == NULL || k->is_used == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < ls->n; i++) {
		check_list_source(k->c, &ls->at[i], k->nodes->lists[i], k->problems);
		check_list_data(k, &ls->at[i], k->nodes->lists[i]);
		check_list_format(k, &ls->at[i], k->nodes->lists[i]);
		check_list_ede(k, &ls->at[i], k->nodes->lists[i]);
		check_list_rpz(k, &ls->at[i], k->nodes->lists[i]);
		if (ls->at[i].name != NULL)
			k->lists[k->n_lists++] = (struct named){ ls->at[i].name, i };
	}
	if (k->n_lists > 1)
		qsort(k->lists, k->n_lists, sizeof *k->lists, compare_names);
	for (unsigned i = 1; i < k->n_lists; i++) {
		if (strcmp(k->lists[i].name, k->lists[i - 1].name) == 0)
			problem_error(
				k->problems, place_in(k->nodes->lists[k->lists[i].i], "name"),
				"lists[].name: '%s' is the name of the list in line %u already; give it another",
				k->lists[i].name, ls->at[k->lists[i - 1].i].place.line);
	}
	return 0;
}

/* ---- groups ---- */

static const struct named *find_list(const struct checker *k, const char *name)
{
	struct named key = { name, 0 };
	unsigned low = 0, high = k->n_lists;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (compare_names(&k->lists[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < k->n_lists && strcmp(k->lists[low].name, name) == 0 ? &k->lists[low] : NULL;
}

static void report_unknown_list(struct checker *k, const char *name, struct config_place place)
{
	struct problem_nearest nearest = { .word = name };
	for (unsigned i = 0; i < k->n_lists && k->n_tries < NEAREST_TRIES; i++)
		problem_nearest_try(&nearest, k->lists[i].name);
	k->n_tries++;
	if (nearest.found[0] != 0)
		problem_error(k->problems, place,
		              "groups[].lists: there is no list '%s'; did you mean '%s'?", name,
		              nearest.found);
	else
		problem_error(
			k->problems, place,
			"groups[].lists: there is no list '%s'; add it below 'lists:', or remove it here",
			name);
}

/* Sets *ret_has_allow if one of the lists allows. */
static int check_group_lists(struct checker *k, const struct config_group *g, bool *ret_has_allow)
{
	unsigned n = 0;
	struct named *used = calloc(g->lists.n + 1U, sizeof *used);
	if (used == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < g->lists.n; i++) {
		const struct named *found = find_list(k, g->lists.at[i]);
		if (found == NULL) {
			report_unknown_list(k, g->lists.at[i], g->lists.places[i]);
			continue;
		}
		const struct config_list *l = &k->c->lists.at[found->i];
		k->is_used[found->i] = true;
		/* Exceptions inside an AdBlock list or a policy zone are allow rules too. */
		if (strcmp(l->action, "allow") == 0 ||
		    is_one_of(l->format, "adblock|rpz|dnsmasq|unbound"))
			*ret_has_allow = true;
		used[n++] = (struct named){ g->lists.at[i], i };
	}
	if (n > 1)
		qsort(used, n, sizeof *used, compare_names);
	for (unsigned i = 1; i < n; i++) {
		if (strcmp(used[i].name, used[i - 1].name) == 0)
			problem_error(k->problems, g->lists.places[used[i].i],
			              "groups[].lists: '%s' stands here a second time; remove it",
			              used[i].name);
	}
	free(used);
	return 0;
}

/* A client prefix, and where it came from. */
struct owned_prefix {
	const struct addr_prefix *prefix;
	unsigned group, i;
};

static int compare_prefixes(const void *a, const void *b)
{
	const struct owned_prefix *x = a, *y = b;
	int d = memcmp(x->prefix->addr.bytes, y->prefix->addr.bytes, 16);
	if (d == 0)
		d = x->prefix->addr.is_v4 - y->prefix->addr.is_v4;
	if (d == 0)
		d = x->prefix->length - y->prefix->length;
	if (d == 0)
		d = (x->group > y->group) - (x->group < y->group);
	return d != 0 ? d : (x->i > y->i) - (x->i < y->i);
}

static void report_same_prefix(struct checker *k, const struct owned_prefix *first,
                               const struct owned_prefix *again)
{
	const struct config_group *groups = k->c->groups.at;
	const struct config_group *g = &groups[first->group];
	char text[ADDR_TEXT_MAX];
	addr_prefix_to_text(again->prefix, text);
	if (first->group == again->group)
		problem_error(k->problems, groups[again->group].clients.places[again->i],
		              "groups[].clients: %s stands here a second time; remove it", text);
	else
		problem_error(
			k->problems, groups[again->group].clients.places[again->i],
			"groups[].clients: %s is in group '%s' already (line %u); a client is in one group, remove it from one of the two",
			text, g->name != NULL ? g->name : "", g->clients.places[first->i].line);
}

static int check_clients(struct checker *k)
{
	const struct config_groups *gs = &k->c->groups;
	size_t n = 0, n_all = 0;
	for (unsigned i = 0; i < gs->n; i++)
		n_all += gs->at[i].clients.n;
	struct owned_prefix *all = calloc(n_all + 1, sizeof *all);
	if (all == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < gs->n; i++) {
		const struct config_prefixes *p = &gs->at[i].clients;
		for (unsigned j = 0; j < p->n; j++) {
			all[n++] = (struct owned_prefix){ &p->at[j], i, j };
			if (p->at[j].length == 0)
				problem_warning(
					k->problems, p->places[j],
					"groups[].clients: this is everybody; an open resolver is abused for attacks, write the prefixes of your own networks");
		}
	}
	if (n > 1)
		qsort(all, n, sizeof *all, compare_prefixes);
	for (size_t i = 1; i < n; i++) {
		const struct addr_prefix *a = all[i - 1].prefix, *b = all[i].prefix;
		if (a->length == b->length && a->addr.is_v4 == b->addr.is_v4 &&
		    addr_equal(&a->addr, &b->addr))
			report_same_prefix(k, &all[i - 1], &all[i]);
	}
	free(all);
	return 0;
}

static int check_group_names(struct checker *k)
{
	const struct config_groups *gs = &k->c->groups;
	struct named *names = calloc(gs->n + 1U, sizeof *names);
	unsigned n = 0;
	if (names == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < gs->n; i++) {
		if (gs->at[i].name != NULL)
			names[n++] = (struct named){ gs->at[i].name, i };
	}
	if (n > 1)
		qsort(names, n, sizeof *names, compare_names);
	for (unsigned i = 1; i < n; i++) {
		if (strcmp(names[i].name, names[i - 1].name) == 0)
			problem_error(
				k->problems, place_in(k->nodes->groups[names[i].i], "name"),
				"groups[].name: '%s' is the name of the group in line %u already; give it another",
				names[i].name, gs->at[names[i - 1].i].place.line);
	}
	free(names);
	return 0;
}

static void check_learning(struct checker *k, unsigned i)
{
	const struct config_group *g = &k->c->groups.at[i];
	const struct config_place place = place_in(k->nodes->groups[i], "learn");
	if (g->learn_s == 0)
		return;
	if (strcmp(g->default_action, "deny") != 0)
		problem_warning(k->problems, place,
		                "groups[].learn has no effect without 'default: deny'; add it");
	if (k->c->state == NULL || k->c->state[0] == 0)
		problem_error(k->problems, place,
		              "groups[].learn needs a folder to keep what is learned: add 'state'");
}

static void check_detect(struct checker *k, const struct config_group *g)
{
	char quoted[PROBLEM_QUOTE_MAX];
	struct config_detect_rule rule;
	for (unsigned i = 0; i < g->detect.n; i++) {
		if (config_detect_rule_from_text(g->detect.at[i], &rule) == 0)
			continue;
		problem_quote(g->detect.at[i], strlen(g->detect.at[i]), quoted);
		problem_error(k->problems, g->detect.places[i],
		              "groups[].detect: %s is no such rule; write DETECTOR=ACTION or "
		              "DETECTOR.CONFIDENCE=ACTION, such as \"leak.high=alert\"",
		              quoted);
	}
}

static int check_groups(struct checker *k)
{
	const struct config_groups *gs = &k->c->groups;
	int e = check_group_names(k);
	for (unsigned i = 0; i < gs->n && e == 0; i++) {
		const struct config_group *g = &gs->at[i];
		bool has_allow = false;
		e = check_group_lists(k, g, &has_allow);
		if (strcmp(g->default_action, "deny") == 0 && !has_allow && g->learn_s == 0)
			problem_warning(
				k->problems, place_in(k->nodes->groups[i], "default"),
				"groups[].default: deny without a list of action allow stops every name; add one to 'lists'");
		check_learning(k, i);
		check_detect(k, g);
	}
	for (unsigned i = 0; i < k->c->lists.n && e == 0 && gs->n > 0; i++) {
		if (!k->is_used[i] && k->c->lists.at[i].name != NULL)
			problem_warning(
				k->problems, k->c->lists.at[i].place,
				"the list '%s' is in no group's 'lists', so it has no effect; add it to one, or remove it",
				k->c->lists.at[i].name);
	}
	return e == 0 ? check_clients(k) : e;
}

/* ---- the rest ---- */

static bool is_given(const char *text)
{
	return text != NULL && text[0] != 0;
}

static bool has_group(const struct checker *k, const char *name)
{
	for (unsigned i = 0; i < k->c->groups.n; i++) {
		const char *known = k->c->groups.at[i].name;
		if (known != NULL && strcmp(known, name) == 0)
			return true;
	}
	return false;
}

/* A table of nftables has a family and a name; the rest is looked for when running. */
static void check_firewall(struct checker *k)
{
	const struct config_firewall *f = &k->c->firewall;
	const char *name = is_given(f->table) ? strchr(f->table, ' ') : NULL;
	if (!is_given(f->table))
		return;
	if ((strncmp(f->table, "inet ", 5) != 0 && strncmp(f->table, "ip ", 3) != 0 &&
	     strncmp(f->table, "ip6 ", 4) != 0) ||
	    name[1] == 0 || strchr(name + 1, ' ') != NULL)
		problem_error(
			k->problems, place_at(k, "firewall", "table"),
			"firewall.table: write the family (inet, ip or ip6), one blank and the name: inet weir");
	if (!is_given(f->set_v4) && !is_given(f->set_v6))
		problem_error(k->problems, place_at(k, "firewall", "table"),
		              "firewall.table: no set is named; add 'set-v4' or 'set-v6'");
	for (unsigned i = 0; i < f->groups.n; i++) {
		if (!has_group(k, f->groups.at[i]))
			problem_error(k->problems, f->groups.places[i],
			              "firewall.groups: there is no group '%s'", f->groups.at[i]);
	}
}

static void check_paths(struct checker *k)
{
	struct sockaddr_un un;
	struct stat st;
	if (k->c->control != NULL && strlen(k->c->control) >= sizeof un.sun_path)
		problem_error(
			k->problems, place_at(k, NULL, "control"),
			"control: the path of a socket has at most %zu bytes, this one has %zu; choose a shorter one",
			sizeof un.sun_path - 1, strlen(k->c->control));
	if (k->c->state != NULL && stat(k->c->state, &st) == 0 && !S_ISDIR(st.st_mode))
		problem_error(
			k->problems, place_at(k, NULL, "state"),
			"state: this is not a folder; write the path of one, it is made if missing");
	if (k->c->events.all && k->c->events.file == NULL)
		problem_warning(k->problems, place_at(k, "events", "all"),
		                "events.all has no effect without 'events.file'; add it");
}

static void check_user(struct checker *k)
{
	char quoted[PROBLEM_QUOTE_MAX];
	const char *user = k->c->server.user;
	if (user != NULL && getpwnam(user) == NULL)
		problem_warning(
			k->problems, place_at(k, "server", "user"),
			"server.user: there is no user %s on this machine; make it, or write another",
			problem_quote(user, strlen(user), quoted));
}

static void check_seen(const struct checker *k)
{
	enum {
		SIZE_MIN = 1 << 20
	};
	const struct node *seen = node_find(k->nodes->root, "seen");
	if (seen != NULL && k->c->seen.size_bytes > 0 && k->c->seen.size_bytes < SIZE_MIN)
		problem_error(k->problems, place_in(seen, "size"),
		              "seen.size: write at least 1MiB, or 0 to remember nothing");
}

int check_config(const struct config *c, const struct check_nodes *nodes,
                 struct config_problems *problems)
{
	struct checker k = { .c = c, .nodes = nodes, .problems = problems };
	if (nodes->root == NULL)
		return 0;
	check_listen(&k);
	check_resolver(&k);
	check_firewall(&k);
	check_seen(&k);
	check_paths(&k);
	check_user(&k);
	check_transfer(c, nodes, problems);
	check_alerts(c, nodes, problems);
	int e = check_forwards(&k);
	if (e == 0)
		e = check_local(c, nodes, problems);
	if (e == 0)
		e = check_lists(&k);
	if (e == 0)
		e = check_groups(&k);
	free(k.lists);
	free(k.is_used);
	return e;
}
