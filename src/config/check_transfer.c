/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the options of zone transfers mean together. */
#include <string.h>

#include "config/check.h"
#include "config/problem.h"
#include "io/tls.h"

enum {
	NAME_ROOM = 100, /* of a name in a message */
};

struct transfer_checker {
	const struct config *c;
	struct config_problems *problems;
};

static struct config_place place_of(const struct node *map, const char *key)
{
	const struct node *v = node_find(map, key);
	return v != NULL ? v->place : map->place;
}

/* ---- keys ---- */

/* Letters, digits, '+' and '/', at most two '=' at the end, four at a time (RFC 4648 4). */
static bool is_base64(const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
	size_t pad = strspn(text + n, "=");
	return n > 0 && pad <= 2 && text[n + pad] == 0 && (n + pad) % 4 == 0;
}

static void check_key(const struct transfer_checker *k, unsigned i, const struct node *node)
{
	const struct config_key *key = &k->c->keys.at[i];
	char name[NAME_TEXT_MAX];
	if ((key->secret == NULL || *key->secret == 0) == (key->secret_file == NULL))
		problem_error(k->problems, node->place,
		              "keys[]: write one of 'secret' and 'secret-file'");
	else if (key->secret != NULL && *key->secret != 0 && !is_base64(key->secret))
		problem_error(k->problems, place_of(node, "secret"),
		              "keys[].secret: this is not base64; 'tsig-keygen NAME' makes one");
	for (unsigned j = 0; j < i && key->name.len > 0; j++) {
		const struct config_key *other = &k->c->keys.at[j];
		if (other->name.len == 0 || !name_equal(other->name.wire, key->name.wire))
			continue;
		name_to_text(key->name.wire, name);
		problem_error(
			k->problems, place_of(node, "name"),
			"keys[].name: %.*s is the name of the key in line %u already; give it another",
			NAME_ROOM, name, other->place.line);
		return;
	}
}

static void check_key_exists(const struct transfer_checker *k, const struct name *name,
                             const char *what, struct config_place place)
{
	char text[NAME_TEXT_MAX];
	for (unsigned i = 0; i < k->c->keys.n; i++) {
		const struct name *key = &k->c->keys.at[i].name;
		if (key->len > 0 && name_equal(key->wire, name->wire))
			return;
	}
	name_to_text(name->wire, text);
	problem_error(k->problems, place, "%s: there is no key '%.*s'; add it below 'keys:'", what,
	              NAME_ROOM, text);
}

/* ---- lists ---- */

static void check_tls(const struct transfer_checker *k, const struct config_list *l,
                      const struct node *node)
{
	bool is_strict = strcmp(l->tls, "true") == 0;
	bool has_proof = l->tls_name.len > 0 || l->tls_pins.n > 0;
	struct tls_pin pin;
	for (unsigned i = 0; i < l->tls_pins.n; i++) {
		const char *text = l->tls_pins.at[i];
		if (i >= TLS_MAX_PINS || tls_pin_from_text(text, strlen(text), &pin) != 0)
			problem_error(
				k->problems, l->tls_pins.places[i],
				"lists[].tls-pins: write at most %d SHA-256 hashes in base64, of 44 characters",
				TLS_MAX_PINS);
	}
	if (is_strict && !has_proof)
		problem_error(
			k->problems, place_of(node, "tls"),
			"lists[].tls: true needs something that the primaries can be known by; add tls-name or tls-pins");
	if ((l->tls_certificate == NULL) != (l->tls_key == NULL))
		problem_error(
			k->problems,
			place_of(node, l->tls_key == NULL ? "tls-certificate" : "tls-key"),
			"lists[]: a certificate is of use with its key only; write tls-certificate and tls-key");
	if (l->tls_certificate != NULL && strcmp(l->tls, "false") == 0)
		problem_error(k->problems, place_of(node, "tls-certificate"),
		              "lists[].tls-certificate is of use with TLS only; write 'tls: true'");
	if (!is_strict && (has_proof || l->tls_ca != NULL))
		problem_error(
			k->problems, place_of(node, "tls"),
			"lists[].tls: %s looks at no certificate; write 'tls: true', or remove tls-name, tls-pins and tls-ca",
			l->tls);
}

static void check_source(const struct transfer_checker *k, const struct config_list *l)
{
	unsigned n[2] = { 0, 0 };
	for (unsigned i = 0; i < l->transfer_source.n; i++) {
		if (++n[l->transfer_source.at[i].is_v4] == 2)
			problem_error(
				k->problems, l->transfer_source.places[i],
				"lists[].transfer-source: write at most one address of each family");
	}
}

static void check_secondary(const struct transfer_checker *k, const struct config_list *l,
                            const struct node *node)
{
	if (l->zone.len == 0)
		problem_error(
			k->problems, node->place,
			"lists[].primaries needs the name of the zone there; add 'zone: NAME'");
	if (strcmp(l->format, "rpz") != 0)
		problem_error(
			k->problems, place_of(node, "format"),
			"lists[].primaries: what is transferred is a policy zone; write 'format: rpz'");
	if (k->c->state == NULL || *k->c->state == 0)
		problem_error(
			k->problems, place_of(node, "primaries"),
			"lists[].primaries: a zone is kept in the state folder; add 'state: FOLDER' at the top");
	if (l->tsig_key.len > 0)
		check_key_exists(k, &l->tsig_key, "lists[].tsig-key", place_of(node, "tsig-key"));
	check_tls(k, l, node);
	check_source(k, l);
}

static void check_list(const struct transfer_checker *k, const struct config_list *l,
                       const struct node *node)
{
	const struct {
		const char *key;
		bool is_given; /* something else than the default */
	} keys[] = {
		{ "tsig-key", l->tsig_key.len > 0 },
		{ "tls", strcmp(l->tls, "false") != 0 },
		{ "tls-name", l->tls_name.len > 0 },
		{ "tls-pins", l->tls_pins.n > 0 },
		{ "tls-ca", l->tls_ca != NULL },
		{ "tls-certificate", l->tls_certificate != NULL },
		{ "tls-key", l->tls_key != NULL },
		{ "transfer-source", l->transfer_source.n > 0 },
		{ "expire", strcmp(l->expire, "keep") != 0 },
	};
	if (l->primaries.n > 0) {
		check_secondary(k, l, node);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (keys[i].is_given)
			problem_error(
				k->problems, place_of(node, keys[i].key),
				"lists[].%s is of use with 'primaries' only; add them or remove it",
				keys[i].key);
	}
}

/* ---- publish ---- */

static bool has_list(const struct transfer_checker *k, const char *name)
{
	for (unsigned i = 0; i < k->c->lists.n; i++) {
		if (k->c->lists.at[i].name != NULL && strcmp(k->c->lists.at[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool has_conditions(const struct transfer_checker *k, const char *name)
{
	for (unsigned i = 0; i < k->c->lists.n; i++) {
		const struct config_list *l = &k->c->lists.at[i];
		if (l->name != NULL && strcmp(l->name, name) == 0)
			return l->first_seen_s > 0 || l->tlds.n > 0;
	}
	return false;
}

/* The name is a folder's too. */
static bool is_plain(const struct name *zone)
{
	char text[NAME_TEXT_MAX];
	size_t n = name_to_text(zone->wire, text);
	return !name_is_root(zone->wire) &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == n;
}

static void check_zone(const struct transfer_checker *k, unsigned i, const struct node *node)
{
	const struct config_publication *p = &k->c->publish.at[i];
	char name[NAME_TEXT_MAX];
	if (p->zone.len == 0)
		return; /* that has been told */
	name_to_text(p->zone.wire, name);
	if (!is_plain(&p->zone))
		problem_error(k->problems, place_of(node, "zone"),
		              "publish[].zone: write a name of letters, digits, '-', '_' and '.'");
	for (unsigned j = 0; j < i; j++) {
		const struct config_publication *other = &k->c->publish.at[j];
		if (other->zone.len == 0 || !name_equal(other->zone.wire, p->zone.wire))
			continue;
		problem_error(
			k->problems, place_of(node, "zone"),
			"publish[].zone: %.*s stands here a second time, the first is in line %u; give it another name",
			NAME_ROOM, name, other->place.line);
		return;
	}
}

static void check_publication_tls(const struct transfer_checker *k,
                                  const struct config_publication *p, const struct node *node)
{
	if ((p->tls || p->tls_names.n > 0) && k->c->publish_tls.listen.n == 0)
		problem_error(
			k->problems, place_of(node, p->tls ? "tls" : "tls-names"),
			"publish[]: it can be had over TLS nowhere; add 'publish-tls: {listen: [ADDRESS@853], certificate: FILE, key: FILE}'");
	if (p->tls_names.n > 0 && k->c->publish_tls.client_ca == NULL)
		problem_error(
			k->problems, place_of(node, "tls-names"),
			"publish[].tls-names: nobody vouches for followers' certificates; add publish-tls.client-ca");
}

static void check_publication(const struct transfer_checker *k, unsigned i, const struct node *node)
{
	const struct config_publication *p = &k->c->publish.at[i];
	check_zone(k, i, node);
	if ((p->list != NULL) == p->edits)
		problem_error(k->problems, node->place,
		              "publish[]: write one of 'list: NAME' and 'edits: true'");
	else if (p->list != NULL && !has_list(k, p->list))
		problem_error(k->problems, place_of(node, "list"),
		              "publish[].list: there is no list '%s'; add it below 'lists:'",
		              p->list);
	else if (p->list != NULL && has_conditions(k, p->list))
		problem_error(k->problems, place_of(node, "list"),
		              "publish[].list: '%s' has first-seen or tlds, which a policy zone "
		              "cannot say",
		              p->list);
	if (p->allow.n == 0 && p->tsig_key.len == 0 && p->tls_names.n == 0)
		problem_error(
			k->problems, node->place,
			"publish[]: nobody may have this zone; add 'tsig-key: NAME', 'allow: [PREFIX]' or 'tls-names: [NAME]'");
	if (p->tsig_key.len > 0)
		check_key_exists(k, &p->tsig_key, "publish[].tsig-key", place_of(node, "tsig-key"));
	check_publication_tls(k, p, node);
	if (k->c->state == NULL || *k->c->state == 0)
		problem_error(
			k->problems, node->place,
			"publish[]: versions are kept in the state folder; add 'state: FOLDER' at the top");
}

static void check_publish_tls(const struct transfer_checker *k, const struct node *root)
{
	const struct config_publish_tls *t = &k->c->publish_tls;
	const struct node *node = node_find(root, "publish-tls");
	bool has_files = t->certificate != NULL && t->key != NULL;
	if (node == NULL)
		return;
	if (t->listen.n > 0 && !has_files)
		problem_error(
			k->problems, place_of(node, "listen"),
			"publish-tls.listen needs a certificate; add 'certificate: FILE' and 'key: FILE'");
	for (unsigned i = 0; i < t->listen.n; i++) {
		if (t->listen.at[i].port == 53)
			problem_error(
				k->problems, place_of(node, "listen"),
				"publish-tls.listen: port 53 is for questions in clear text; write ADDRESS@853");
	}
	if (t->listen.n == 0 && (has_files || t->client_ca != NULL))
		problem_error(k->problems, node->place,
		              "publish-tls: nothing listens; add 'listen: [ADDRESS@853]'");
}

void check_transfer(const struct config *c, const struct check_nodes *nodes,
                    struct config_problems *problems)
{
	const struct transfer_checker k = { c, problems };
	for (unsigned i = 0; i < c->keys.n; i++)
		check_key(&k, i, nodes->keys[i]);
	for (unsigned i = 0; i < c->publish.n; i++)
		check_publication(&k, i, nodes->publish[i]);
	check_publish_tls(&k, nodes->root);
	for (unsigned i = 0; i < c->lists.n; i++)
		check_list(&k, &c->lists.at[i], nodes->lists[i]);
}
