/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the options of alerts and incidents mean together. */
#include <string.h>

#include "config/check.h"
#include "config/problem.h"
#include "io/tls.h"

struct alert_checker {
	const struct config *c;
	const struct check_nodes *nodes;
	struct config_problems *problems;
};

static struct config_place place_of(const struct node *map, const char *key)
{
	const struct node *v = node_find(map, key);
	return v != NULL ? v->place : map->place;
}

static bool is_given(const char *text)
{
	return text != NULL && *text != 0;
}

static void check_name(const struct alert_checker *k, unsigned i, const struct node *node)
{
	const struct config_alerts *all = &k->c->alerts;
	for (unsigned j = 0; j < i && all->at[i].name != NULL; j++) {
		if (all->at[j].name == NULL || strcmp(all->at[j].name, all->at[i].name) != 0)
			continue;
		problem_error(
			k->problems, place_of(node, "name"),
			"alerts[].name: '%s' is the name of the destination in line %u already; give it another",
			all->at[i].name, all->at[j].place.line);
		return;
	}
}

/* Keys that mean something to webhooks only, or to TLS only. */
static void check_keys(const struct alert_checker *k, const struct config_alert *a,
                       const struct node *node, const struct config_target *t)
{
	bool is_web = t->kind == CONFIG_TARGET_HTTP || t->kind == CONFIG_TARGET_HTTPS;
	bool has_tls = t->kind == CONFIG_TARGET_TLS;
	const struct {
		const char *key;
		bool is_bad;
		const char *belongs;
	} keys[] = {
		{ "headers", a->headers.n > 0 && !is_web, "webhooks (https://)" },
		{ "header-file", a->header_file != NULL && !is_web, "webhooks (https://)" },
		{ "secret", is_given(a->secret) && !is_web, "webhooks (https://)" },
		{ "secret-file", a->secret_file != NULL && !is_web, "webhooks (https://)" },
		{ "proxy", is_given(a->proxy) && !is_web, "webhooks (https://)" },
		{ "tls-name", a->tls_name.len > 0 && !has_tls, "syslog over TLS (tls://)" },
		{ "tls-pins", a->tls_pins.n > 0 && !has_tls, "syslog over TLS (tls://)" },
		{ "tls-certificate",
		  a->tls_certificate != NULL && !has_tls && t->kind != CONFIG_TARGET_HTTPS,
		  "https:// and tls://" },
		{ "ca", a->ca != NULL && !has_tls && t->kind != CONFIG_TARGET_HTTPS,
		  "https:// and tls://" },
		{ "format",
		  !is_web && (strcmp(a->format, "slack") == 0 || strcmp(a->format, "splunk") == 0),
		  "webhooks (https://), when it is slack or splunk" },
	};
	for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
		if (keys[i].is_bad)
			problem_error(k->problems, place_of(node, keys[i].key),
			              "alerts[].%s is of %s; remove it", keys[i].key,
			              keys[i].belongs);
	}
}

static void check_values(const struct alert_checker *k, const struct config_alert *a,
                         const struct node *node)
{
	struct tls_pin pin;
	if (is_given(a->secret) && a->secret_file != NULL)
		problem_error(k->problems, place_of(node, "secret"),
		              "alerts[]: write one of 'secret' and 'secret-file'");
	if ((a->tls_certificate == NULL) != (a->tls_key == NULL))
		problem_error(
			k->problems,
			place_of(node, a->tls_key == NULL ? "tls-certificate" : "tls-key"),
			"alerts[]: a certificate is of use with its key only; write tls-certificate and tls-key");
	for (unsigned i = 0; i < a->tls_pins.n; i++) {
		const char *text = a->tls_pins.at[i];
		if (i >= TLS_MAX_PINS || tls_pin_from_text(text, strlen(text), &pin) != 0)
			problem_error(
				k->problems, a->tls_pins.places[i],
				"alerts[].tls-pins: write at most %d SHA-256 hashes in base64, of 44 characters",
				TLS_MAX_PINS);
	}
	for (unsigned i = 0; i < a->headers.n; i++) {
		const char *text = a->headers.at[i];
		const char *colon = strchr(text, ':');
		if (colon == NULL || colon == text || strpbrk(text, "\r\n") != NULL)
			problem_error(k->problems, a->headers.places[i],
			              "alerts[].headers: write \"Name: value\"");
	}
}

static void check_destination(const struct alert_checker *k, unsigned i, const struct node *node)
{
	const struct config_alert *a = &k->c->alerts.at[i];
	struct config_target t;
	const char *why;
	char quoted[PROBLEM_QUOTE_MAX];
	check_name(k, i, node);
	check_values(k, a, node);
	if (a->to == NULL)
		return; /* that has been said */
	if (config_target_from_text(a->to, &t, &why) != 0) {
		problem_error(k->problems, place_of(node, "to"), "alerts[].to: %s: %s",
		              problem_quote(a->to, strlen(a->to), quoted), why);
		return;
	}
	check_keys(k, a, node, &t);
	if (t.kind == CONFIG_TARGET_HTTP)
		problem_warning(
			k->problems, place_of(node, "to"),
			"alerts[].to: whoever is on the way to %s can read alerts and change them; use https://",
			t.host);
}

static void check_scores(const struct alert_checker *k)
{
	const struct config_incidents *s = &k->c->incidents;
	const struct node *map = node_find(k->nodes->root, "incidents");
	if (map != NULL && s->infected < s->suspicious)
		problem_error(
			k->problems, place_of(map, "infected"),
			"incidents.infected: %u is less than incidents.suspicious, which is %u; a client is suspicious first",
			s->infected, s->suspicious);
}

/* Alerts of incidents need something that says which names are bad. */
static void check_evidence(const struct alert_checker *k)
{
	bool has_evidence = k->c->lists.n == 0 || !k->c->incidents.enable;
	for (unsigned i = 0; i < k->c->lists.n; i++)
		has_evidence |= strcmp(k->c->lists.at[i].category, "none") != 0;
	for (unsigned i = 0; i < k->c->groups.n; i++)
		has_evidence |= strcmp(k->c->groups.at[i].default_action, "deny") == 0;
	if (k->c->alerts.n > 0 && !has_evidence)
		problem_warning(
			k->problems, k->c->alerts.at[0].place,
			"alerts: no list has a category, so nothing that lists block counts as evidence of an infected machine; add 'category: malware' or c2 to those that name malware");
}

void check_alerts(const struct config *c, const struct check_nodes *nodes,
                  struct config_problems *problems)
{
	const struct alert_checker k = { c, nodes, problems };
	for (unsigned i = 0; i < c->alerts.n; i++)
		check_destination(&k, i, nodes->alerts[i]);
	check_scores(&k);
	check_evidence(&k);
}
