/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- URLs ---- */

static bool take_part(CURLU *u, CURLUPart part, unsigned flags, char *ret, size_t room)
{
	char *text = NULL;
	bool is_good = curl_url_get(u, part, &text, flags) == CURLUE_OK && strlen(text) < room;
	if (is_good)
		memcpy(ret, text, strlen(text) + 1);
	curl_free(text);
	return is_good;
}

bool http_split(const char *url, struct http_url *ret)
{
	CURLU *u = curl_url();
	bool is_good =
		u != NULL &&
		curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
		take_part(u, CURLUPART_SCHEME, 0, ret->scheme, sizeof ret->scheme) &&
		take_part(u, CURLUPART_HOST, 0, ret->host, sizeof ret->host) &&
		take_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, ret->port, sizeof ret->port);
	curl_url_cleanup(u);
	return is_good;
}

bool http_is_same_server(const char *a, const char *b)
{
	struct http_url x, y;
	return http_split(a, &x) && http_split(b, &y) && strcasecmp(x.scheme, y.scheme) == 0 &&
	       strcasecmp(x.host, y.host) == 0 && strcmp(x.port, y.port) == 0;
}

bool http_is_address(const struct http_url *url)
{
	struct addr a;
	size_t n = strlen(url->host);
	bool has_brackets = n > 2 && url->host[0] == '[' && url->host[n - 1] == ']';
	return has_brackets ? addr_from_text(url->host + 1, n - 2, &a) == 0
	                    : addr_from_text(url->host, n, &a) == 0;
}

/* ---- lists ---- */

bool http_add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);
	if (more != NULL)
		*list = more;
	return more != NULL;
}

/* libcurl keeps what CURLOPT_RESOLVE says until it is told otherwise: first forget, then know. */
bool http_add_addresses(struct curl_slist **list, const struct http_url *url,
                        const struct addr *addrs, unsigned n)
{
	char line[sizeof *url + HTTP_MAX_ADDRS * (ADDR_TEXT_MAX + 3)];
	char text[ADDR_TEXT_MAX];
	snprintf(line, sizeof line, "-%s:%s", url->host, url->port);
	if (!http_add_line(list, line))
		return false;
	size_t at = (size_t)snprintf(line, sizeof line, "%s:%s:", url->host, url->port);
	for (unsigned i = 0; i < n && i < HTTP_MAX_ADDRS; i++) {
		addr_to_text(&addrs[i], text);
		at += (size_t)snprintf(line + at, sizeof line - at,
		                       addrs[i].is_v4 ? "%s%s" : "%s[%s]", i > 0 ? "," : "", text);
	}
	return http_add_line(list, line);
}

/* ---- requests ---- */

/* These, and not the system's as well: those are libcurl's folder. */
static void set_authorities(CURL *c, const struct http_request *r)
{
	curl_easy_setopt(c, CURLOPT_CAINFO, r->ca_file);
	curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	if (r->proxy != NULL) {
		curl_easy_setopt(c, CURLOPT_PROXY_CAINFO, r->ca_file);
		curl_easy_setopt(c, CURLOPT_PROXY_CAPATH, NULL);
	}
}

void http_set_options(CURL *c, const struct http_request *r)
{
	curl_easy_setopt(c, CURLOPT_URL, r->url);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, r->error);
	curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "weir/" WEIR_VERSION);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, r->headers);
	curl_easy_setopt(c, CURLOPT_RESOLVE, r->resolve);
	curl_easy_setopt(c, CURLOPT_PROXY, r->proxy != NULL ? r->proxy : "");
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (r->ca_file != NULL)
		set_authorities(c, r);
}
