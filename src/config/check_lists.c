/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a list comes from: one source, and what belongs to it. */
#include <string.h>

#include "config/check.h"
#include "config/hours.h"
#include "config/problem.h"
#include "config/tzfile.h"
#include "dns/text.h"

enum {
	URL_MAX = 2000,
	STATE_MAX = 3900, /* so that state, list name and their folders fit a path */
};

static struct config_place place_of(const struct node *entry, const char *key)
{
	const struct node *v = node_find(entry, key);
	return v != NULL ? v->place : entry->place;
}

static bool has_text(const char *text)
{
	return text != NULL && text[0] != 0;
}

bool config_list_is_every(const struct config_list *l)
{
	return !has_text(l->file) && !has_text(l->url) && l->primaries.n == 0 &&
	       (l->first_seen_s > 0 || l->tlds.n > 0);
}

/* What is wrong with the URL of a download, or NULL. A signature protects it on any way. */
static const char *url_trouble(const char *url, bool is_signed)
{
	const char *host = strstr(url, "://");
	if (strlen(url) > URL_MAX)
		return "has more than 2000 bytes";
	for (const char *c = url; *c != 0; c++) {
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
			return "has a character that cannot stand in a URL; write it as %XX";
	}
	if (host == NULL ||
	    (strncasecmp(url, "https://", 8) != 0 && strncasecmp(url, "http://", 7) != 0))
		return "is not a URL to download from; write https://HOST/PATH";
	if (strncasecmp(url, "http://", 7) == 0 && !is_signed)
		return "is not protected on its way; write https://, or add a minisign-key";
	host += 3;
	size_t n = strcspn(host, "/?#");
	if (n == 0 || *host == ':')
		return "names no host; write https://HOST/PATH";
	if (memchr(host, '@', n) != NULL)
		return "holds a password; put 'Authorization: ...' into the header-file instead";
	return NULL;
}

static void check_url(const char *key, const char *url, struct config_place place, bool is_signed,
                      struct config_problems *problems)
{
	const char *trouble = url_trouble(url, is_signed);
	if (trouble != NULL)
		problem_error(problems, place, "lists[].%s: this %s", key, trouble);
}

static void check_proxy(const struct config_list *l, const struct node *node,
                        struct config_problems *problems)
{
	static const char *const schemes[] = { "http://", "https://", "socks5h://" };
	if (!has_text(l->proxy))
		return;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (strncasecmp(l->proxy, schemes[i], strlen(schemes[i])) == 0)
			return;
	}
	problem_error(
		problems, place_of(node, "proxy"),
		"lists[].proxy: write http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT");
}

/* "Name: value", RFC 9110 5.1. */
static bool is_header(const char *line)
{
	size_t n = strcspn(line, ":");
	return n > 0 && line[n] == ':' && strcspn(line, " \t\r\n\"(),/;<=>?@[\\]{}") > n;
}

static void check_download(const struct config_list *l, const struct node *node,
                           struct config_problems *problems)
{
	bool is_signed = has_text(l->minisign_key);
	check_url("url", l->url, place_of(node, "url"), is_signed, problems);
	if (has_text(l->signature_url))
		check_url("signature-url", l->signature_url, place_of(node, "signature-url"),
		          is_signed, problems);
	if (has_text(l->sha256_url))
		check_url("sha256-url", l->sha256_url, place_of(node, "sha256-url"), is_signed,
		          problems);
	/* "Ed", eight bytes of key number, the key: 42 bytes in base64. */
	if (is_signed && (strlen(l->minisign_key) != 56 || strncmp(l->minisign_key, "RW", 2) != 0))
		problem_error(
			problems, place_of(node, "minisign-key"),
			"lists[].minisign-key: write the line of 56 characters from the .pub file, RW...");
	for (unsigned i = 0; i < l->mirrors.n; i++)
		check_url("mirrors", l->mirrors.at[i], l->mirrors.places[i], is_signed, problems);
	for (unsigned i = 0; i < l->headers.n; i++) {
		if (!is_header(l->headers.at[i]))
			problem_error(problems, l->headers.places[i],
			              "lists[].headers: write \"NAME: VALUE\"");
	}
	check_proxy(l, node, problems);
}

bool config_url_ends(const char *url, const char *end)
{
	size_t n = strcspn(url, "?#"), n_end = strlen(end);
	return n > n_end && memcmp(url + n - n_end, end, n_end) == 0;
}

/* What a TAXII or MISP server has is of one format: it need not be written. */
static void imply_format(struct config_list *l, const struct node *node,
                         struct config_problems *problems)
{
	bool is_taxii = has_text(l->collection);
	bool is_misp = !is_taxii && has_text(l->url) &&
	               (config_url_ends(l->url, "/manifest.json") ||
	                config_url_ends(l->url, "/attributes/restSearch"));
	const char *format = is_taxii ? "stix" : is_misp ? "misp" : l->format;
	if (node_find(node, "format") == NULL)
		l->format = format;
	else if (strcmp(l->format, format) != 0)
		problem_error(
			problems, place_of(node, "format"),
			"lists[].format: what a %s has is of format %s; write that, or nothing",
			is_taxii ? "TAXII server" : "MISP feed or server", format);
}

void check_list_source(const struct config *c, struct config_list *l, const struct node *node,
                       struct config_problems *problems)
{
	const struct node *file = node_find(node, "file"); /* may be bad, which has been told */
	bool has_file = has_text(l->file) || (file != NULL && file->n_text > 0);
	bool has_url = has_text(l->url), has_primaries = l->primaries.n > 0;
	/* A file is often a list kept by hand: how old it may be is not for us to guess. */
	imply_format(l, node, problems);
	if (!has_url && !has_primaries && node_find(node, "max-age") == NULL)
		l->max_age_s = 0;
	if (!has_file && !has_url && !has_primaries && node_find(node, "primaries") == NULL &&
	    !config_list_is_every(l))
		problem_error(
			problems, node->place,
			"a list without 'file', 'url' or 'primaries'; add 'file:' with the path of its "
			"file, or 'url:' with the address to download it from");
	if (has_primaries && (has_file || has_url))
		problem_error(
			problems, place_of(node, "primaries"),
			"lists[].primaries: the list has a file or a url already; write one of them");
	if (has_file && has_url)
		problem_error(problems, place_of(node, "url"),
		              "lists[].url: the list has a file already; remove one of them");
	if (has_primaries && has_text(c->state) && strlen(c->state) > STATE_MAX)
		problem_error(
			problems, place_of(node, "primaries"),
			"lists[].primaries: the path of `state:` is too long to keep zones below it");
	if (!has_url)
		return;
	if (!has_text(c->state))
		problem_error(
			problems, place_of(node, "url"),
			"lists[].url: downloads need a folder to be kept in; add 'state: FOLDER'");
	else if (strlen(c->state) > STATE_MAX)
		problem_error(
			problems, place_of(node, "url"),
			"lists[].url: the path of `state:` is too long to keep downloads below it");
	check_download(l, node, problems);
}

/* ---- when and for what a list holds ---- */

static void check_types(const struct config_list *l, const struct node *node,
                        struct config_problems *problems)
{
	bool is_not = l->types.n > 0 && l->types.at[0][0] == '!';
	uint16_t type;
	if (l->types.n > CONFIG_TYPES_MAX)
		problem_error(problems, l->types.places[CONFIG_TYPES_MAX],
		              "lists[].types: more than %d types", CONFIG_TYPES_MAX);
	if (l->types.n > 0 && strcmp(l->match, "nameserver") == 0)
		problem_error(problems, place_of(node, "types"),
		              "lists[].types: name servers are compared whatever the question's "
		              "type is; use another match");
	for (unsigned i = 0; i < l->types.n; i++) {
		const char *text = l->types.at[i];
		if ((*text == '!') != is_not)
			problem_error(problems, l->types.places[i],
			              "lists[].types: write all with '!' in front, or none");
		if (dns_type_from_text(text + (*text == '!'), &type) != 0)
			problem_error(problems, l->types.places[i],
			              "lists[].types: \"%s\" is not a record type", text);
	}
}

static bool is_country(const char *text)
{
	return strlen(text) == 2 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 2;
}

static bool is_network(const char *text)
{
	size_t n = strlen(text);
	return n >= 3 && n <= 12 && strncmp(text, "AS", 2) == 0 &&
	       strspn(text + 2, "0123456789") == n - 2;
}

static void check_places(const struct config_list *l, const struct node *node,
                         struct config_problems *problems)
{
	bool is_mmdb = strcmp(l->format, "mmdb") == 0;
	for (unsigned i = 0; i < l->countries.n; i++) {
		if (!is_country(l->countries.at[i]))
			problem_error(problems, l->countries.places[i],
			              "lists[].countries: \"%s\" is not a code of two capital "
			              "letters, such as NL (no: \"NO\", with quotes)",
			              l->countries.at[i]);
	}
	for (unsigned i = 0; i < l->networks.n; i++) {
		if (!is_network(l->networks.at[i]))
			problem_error(problems, l->networks.places[i],
			              "lists[].networks: write AS and a number, such as AS64500");
	}
	if (is_mmdb && l->countries.n + l->networks.n == 0)
		problem_error(problems, place_of(node, "format"),
		              "lists[].format: of a database some part must be named; add "
		              "'countries: [XX]' or 'networks: [AS64500]'");
	if (!is_mmdb && l->countries.n + l->networks.n > 0)
		problem_error(problems,
		              place_of(node, l->countries.n > 0 ? "countries" : "networks"),
		              "lists[].%s is for databases; add 'format: mmdb'",
		              l->countries.n > 0 ? "countries" : "networks");
}

enum {
	FIRST_SEEN_MIN_S = 600, /* what the table of domains tells apart */
	TLDS_MAX = 2000,
};

static void check_timezone(const struct config_list *l, const struct node *node,
                           struct config_problems *problems)
{
	struct config_place place = place_of(node, "timezone");
	struct tm tm;
	if (!has_text(l->timezone))
		return;
	if (l->hours.n == 0)
		problem_error(problems, place, "lists[].timezone has no effect without 'hours'");
	if (tzfile_local(l->timezone, 0, &tm) != 0)
		problem_error(problems, place,
		              "lists[].timezone: \"%s\" is no time zone that this machine knows; "
		              "write one of /usr/share/zoneinfo (package tzdata), such as "
		              "Europe/Berlin",
		              l->timezone);
}

static void check_tlds(const struct config_list *l, const struct node *node,
                       struct config_problems *problems)
{
	bool is_not = l->tlds.n > 0 && l->tlds.at[0][0] == '!';
	struct name name;
	if (l->tlds.n > TLDS_MAX)
		problem_error(problems, l->tlds.places[TLDS_MAX], "lists[].tlds: more than %d",
		              TLDS_MAX);
	for (unsigned i = 0; i < l->tlds.n; i++) {
		const char *text = l->tlds.at[i] + (l->tlds.at[i][0] == '!');
		if ((l->tlds.at[i][0] == '!') != is_not)
			problem_error(problems, l->tlds.places[i],
			              "lists[].tlds: write all with '!' in front, or none");
		if (name_from_text(text, strlen(text), &name) != 0 || name_is_root(name.wire) ||
		    strchr(text, '*') != NULL)
			problem_error(
				problems, l->tlds.places[i],
				"lists[].tlds: \"%s\" is not a top-level domain or other name, "
				"such as zip, co.uk or xn--p1ai",
				text);
	}
	if (l->tlds.n > 0 && strcmp(l->match, "nameserver") == 0)
		problem_error(problems, place_of(node, "tlds"),
		              "lists[].tlds: name servers are compared whatever they are called; "
		              "use another match");
}

static void check_first_seen(const struct config *c, const struct config_list *l,
                             const struct node *node, struct config_problems *problems)
{
	struct config_place place = place_of(node, "first-seen");
	if (l->first_seen_s == 0)
		return;
	if (l->first_seen_s < FIRST_SEEN_MIN_S)
		problem_error(problems, place,
		              "lists[].first-seen: the shortest time told apart is 10m");
	if (strcmp(l->match, "nameserver") == 0)
		problem_error(problems, place,
		              "lists[].first-seen is about the question, and name servers are "
		              "compared whatever it is; use another match");
	if (!has_text(c->state))
		problem_error(problems, place,
		              "lists[].first-seen: what was seen is kept in a folder; add 'state: "
		              "FOLDER'");
	if (c->seen.size_bytes == 0)
		problem_error(
			problems, place,
			"lists[].first-seen needs the table of domains; remove 'seen.size: 0'");
}

/* A list without a source is of names, and its action is its own. */
static void check_every(const struct config_list *l, const struct node *node,
                        struct config_problems *problems)
{
	if (!config_list_is_every(l))
		return;
	if (strcmp(l->match, "name") != 0)
		problem_error(problems, place_of(node, "match"),
		              "lists[].match: a list of every name is compared with names");
	if (strcmp(l->format, "domains") != 0)
		problem_error(problems, place_of(node, "format"),
		              "lists[].format: the list has no file, url or primaries to be read");
}

void check_list_terms(const struct config *c, const struct config_list *l, const struct node *node,
                      struct config_problems *problems)
{
	struct hours hours = { 0 };
	bool is_rpz = strcmp(l->format, "rpz") == 0;
	check_types(l, node, problems);
	check_places(l, node, problems);
	for (unsigned i = 0; i < l->hours.n; i++) {
		if (hours_add(&hours, l->hours.at[i]) != 0)
			problem_error(problems, l->hours.places[i],
			              "lists[].hours: \"%s\" is not understood; write "
			              "\"Mon-Fri 08:00-18:00\"",
			              l->hours.at[i]);
	}
	check_timezone(l, node, problems);
	check_tlds(l, node, problems);
	check_first_seen(c, l, node, problems);
	check_every(l, node, problems);
	if (is_rpz && (l->first_seen_s > 0 || l->tlds.n > 0))
		problem_error(problems, place_of(node, l->first_seen_s > 0 ? "first-seen" : "tlds"),
		              "lists[].%s is not for policy zones: their rules hold for all names",
		              l->first_seen_s > 0 ? "first-seen" : "tlds");
	if (is_rpz && l->types.n > 0)
		problem_error(
			problems, place_of(node, "types"),
			"lists[].types is not for policy zones: their rules hold for all types");
}
