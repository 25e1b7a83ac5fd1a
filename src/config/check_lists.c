/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a list comes from: one source, and what belongs to it. */
#include <string.h>

#include "config/check.h"
#include "config/problem.h"

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

/* What is wrong with the URL of a download, or NULL. */
static const char *url_trouble(const char *url)
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
	if (strncasecmp(url, "http://", 7) == 0)
		return "is not protected on its way; write https://";
	host += 3;
	size_t n = strcspn(host, "/?#");
	if (n == 0 || *host == ':')
		return "names no host; write https://HOST/PATH";
	if (memchr(host, '@', n) != NULL)
		return "holds a password; put 'Authorization: ...' into the header-file instead";
	return NULL;
}

static void check_url(const char *key, const char *url, struct config_place place,
                      struct config_problems *problems)
{
	const char *trouble = url_trouble(url);
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
	check_url("url", l->url, place_of(node, "url"), problems);
	for (unsigned i = 0; i < l->mirrors.n; i++)
		check_url("mirrors", l->mirrors.at[i], l->mirrors.places[i], problems);
	for (unsigned i = 0; i < l->headers.n; i++) {
		if (!is_header(l->headers.at[i]))
			problem_error(problems, l->headers.places[i],
			              "lists[].headers: write \"NAME: VALUE\"");
	}
	check_proxy(l, node, problems);
}

void check_list_source(const struct config *c, const struct config_list *l, const struct node *node,
                       struct config_problems *problems)
{
	const struct node *file = node_find(node, "file"); /* may be bad, which has been told */
	bool has_file = has_text(l->file) || (file != NULL && file->n_text > 0);
	bool has_url = has_text(l->url), has_primaries = l->primaries.n > 0;
	if (!has_file && !has_url && !has_primaries && node_find(node, "primaries") == NULL)
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
