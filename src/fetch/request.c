/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/disk.h"

static void fail(struct request *r, const char *format, ...) PRINTF_LIKE(2, 3);
static void fail(struct request *r, const char *format, ...)
{
	va_list args;
	if (r->why[0] != 0)
		return; /* the first reason is the cause */
	va_start(args, format);
	vsnprintf(r->why, sizeof r->why, format, args);
	va_end(args);
	for (char *c = r->why; *c != 0; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
}

static void finish(struct request *r)
{
	if (r->is_added)
		curl_multi_remove_handle(r->net->multi, r->easy);
	r->is_added = false;
	r->token = 0;
	r->deadline_ns = UINT64_MAX;
	r->plan.done(r);
}

/* ---- what arrives ---- */

static void take_value(const char *line, size_t n, char *ret, size_t room)
{
	const char *colon = memchr(line, ':', n);
	const char *end = line + n;
	ret[0] = 0;
	if (colon == NULL)
		return;
	for (colon++; colon < end && (*colon == ' ' || *colon == '\t'); colon++)
		;
	while (end > colon && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' '))
		end--;
	size_t len = (size_t)(end - colon);
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)colon[i] < ' ' || colon[i] == 0x7f)
			return;
	}
	if (len >= room)
		return;
	memcpy(ret, colon, len);
	ret[len] = 0;
}

static bool is_header(const char *line, size_t n, const char *name)
{
	size_t len = strlen(name);
	return n > len && line[len] == ':' && strncasecmp(line, name, len) == 0;
}

static size_t take_header(char *line, size_t size, size_t count, void *arg)
{
	struct request *r = arg;
	size_t n = size * count;
	r->n_headers += n;
	if (r->n_headers > REQUEST_HEADERS_MAX) {
		fail(r, "the server sends headers without end");
		return 0;
	}
	if (is_header(line, n, "etag"))
		take_value(line, n, r->etag, sizeof r->etag);
	else if (is_header(line, n, "last-modified"))
		take_value(line, n, r->modified, sizeof r->modified);
	else if (is_header(line, n, "content-type"))
		take_value(line, n, r->content_type, sizeof r->content_type);
	else if (is_header(line, n, "x-taxii-date-added-last"))
		take_value(line, n, r->more, sizeof r->more);
	else if (is_header(line, n, "date"))
		take_value(line, n, r->date, sizeof r->date);
	return n;
}

static bool keep_in_memory(struct request *r, const char *data, size_t n)
{
	size_t need = (size_t)r->bytes + n + 1;
	if (need > r->room) {
		size_t room = need < 4096 ? 4096 : need + need / 2;
		char *body = realloc(r->body, room);
		if (body == NULL)
			return false;
		r->body = body;
		r->room = room;
	}
	memcpy(r->body + r->bytes, data, n);
	r->body[r->bytes + n] = 0;
	return true;
}

static bool keep_in_file(struct request *r, const char *data, size_t n)
{
	int e = disk_write(r->plan.fd, data, n);
	if (e != 0)
		fail(r, "the download cannot be written: %s", strerrordesc_np(-e));
	return e == 0;
}

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
	struct request *r = arg;
	size_t n = size * count;
	long status = 0;
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return n; /* what an error page says is nobody's business; its size is limited below */
	if (n > r->plan.max_bytes - r->bytes) {
		fail(r, "the answer has more than %" PRIu64 " bytes", r->plan.max_bytes);
		return 0;
	}
	if (r->bytes < sizeof r->head) {
		size_t room = sizeof r->head - (size_t)r->bytes;
		memcpy(r->head + r->bytes, data, n < room ? n : room);
	}
	bool is_kept = r->plan.fd >= 0 ? keep_in_file(r, data, n) : keep_in_memory(r, data, n);
	if (!is_kept || EVP_DigestUpdate(r->digest, data, n) != 1) {
		fail(r, "out of memory");
		return 0;
	}
	r->bytes += n;
	return n;
}

/* What is on the wire counts too: gzip of nothing may be endless. */
static int watch_size(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total,
                      curl_off_t up_now)
{
	struct request *r = arg;
	(void)up_total;
	(void)up_now;
	if ((uint64_t)now <= r->plan.max_bytes && (uint64_t)total <= r->plan.max_bytes)
		return 0;
	fail(r, "the answer has more than %" PRIu64 " bytes", r->plan.max_bytes);
	return 1;
}

/* ---- what is sent ---- */

/* Keys and passwords are for the servers that are configured, not where they lead to. */
static bool may_have_secrets(const struct request *r)
{
	const struct fetch_source *s = r->plan.source;
	for (unsigned i = 0; i < s->n_urls; i++) {
		if (http_is_same_server(r->url, s->urls[i]))
			return true;
	}
	return false;
}

static bool add_pair(struct curl_slist **list, const char *name, const char *value)
{
	char line[VALIDATOR_MAX + 64];
	if (value == NULL || value[0] == 0)
		return true;
	snprintf(line, sizeof line, "%s: %s", name, value);
	return http_add_line(list, line);
}

static bool make_headers(struct request *r)
{
	const struct fetch_source *s = r->plan.source;
	struct curl_slist *list = NULL;
	bool is_good =
		add_pair(&list, "Accept", r->plan.accept) &&
		add_pair(&list, "Content-Type", r->plan.body != NULL ? "application/json" : NULL) &&
		add_pair(&list, "If-None-Match", r->plan.etag) &&
		add_pair(&list, "If-Modified-Since", r->plan.modified) &&
		add_pair(&list, "Cache-Control", r->plan.no_cache ? "no-cache" : NULL);
	if (may_have_secrets(r)) {
		for (unsigned i = 0; i < s->n_headers; i++)
			is_good = is_good && http_add_line(&list, s->headers[i]);
		for (const struct curl_slist *x = r->plan.secrets; x != NULL; x = x->next)
			is_good = is_good && http_add_line(&list, x->data);
	}
	curl_slist_free_all(r->header_list);
	r->header_list = list;
	return is_good;
}

static void set_options(struct request *r)
{
	const struct fetch_source *s = r->plan.source;
	CURL *c = r->easy;
	uint64_t now_ns = clock_mono_ns();
	long left_ms = r->deadline_ns > now_ns ? (long)((r->deadline_ns - now_ns) / NS_PER_MS) : 1;
	const struct http_request http = { .url = r->url,
		                           .error = r->error,
		                           .headers = r->header_list,
		                           .resolve = r->resolve_list,
		                           .proxy = s->proxy,
		                           .ca_file = s->ca_file };
	http_set_options(c, &http);
	curl_easy_setopt(c, CURLOPT_PRIVATE, r);
	curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip");
	if (r->plan.body != NULL)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->plan.body);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, left_ms > 0 ? left_ms : 1);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)REQUEST_CONNECT_S);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)REQUEST_STALL_S);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, r);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, watch_size);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, r);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
}

static bool set_addresses(struct request *r, const struct addr *addrs, unsigned n)
{
	curl_slist_free_all(r->resolve_list);
	r->resolve_list = NULL;
	return http_add_addresses(&r->resolve_list, &r->peer, addrs, n);
}

static void send_now(struct request *r)
{
	r->etag[0] = r->modified[0] = r->content_type[0] = r->more[0] = r->date[0] = 0;
	r->n_headers = 0;
	r->error[0] = 0;
	if (make_headers(r)) {
		set_options(r);
		r->is_added = curl_multi_add_handle(r->net->multi, r->easy) == CURLM_OK;
	}
	if (!r->is_added)
		fail(r, "out of memory");
}

static void look_up(struct request *r)
{
	/* The host that is connected to: of the URL, or the proxy. */
	const char *proxy = r->plan.source->proxy;
	if (!http_split(proxy != NULL ? proxy : r->url, &r->peer)) {
		fail(r, "%.200s is no URL", r->url);
		return;
	}
	if (http_is_address(&r->peer)) {
		curl_slist_free_all(r->resolve_list);
		r->resolve_list = NULL;
		r->token = 0;
		send_now(r);
		return;
	}
	r->token = ++r->net->last_token;
	r->net->ask(r->net->arg, r->token, r->peer.host);
}

void request_resolved(struct net *n, uint64_t token, const struct addr *addrs, unsigned n_addrs)
{
	struct request *r = n->first;
	while (r != NULL && r->token != token)
		r = r->next;
	if (r == NULL)
		return; /* given up meanwhile */
	r->token = 0;
	if (n_addrs == 0)
		fail(r, "%s has no address, or nobody could be asked for it", r->peer.host);
	else if (!set_addresses(r, addrs, n_addrs))
		fail(r, "out of memory");
	else
		send_now(r);
	if (r->why[0] != 0)
		finish(r);
}

/* ---- the end ---- */

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* false: it has ended, see r->why. */
static bool follow(struct request *r)
{
	struct http_url from, to;
	char *url = NULL;
	curl_easy_getinfo(r->easy, CURLINFO_REDIRECT_URL, &url);
	if (url == NULL || strlen(url) >= sizeof r->url || !http_split(url, &to) ||
	    !http_split(r->url, &from)) {
		fail(r, "the server redirects to nowhere");
		return false;
	}
	if (r->n_redirects++ == REQUEST_REDIRECTS) {
		fail(r, "more than %d redirects", REQUEST_REDIRECTS);
		return false;
	}
	bool was_safe = strcasecmp(from.scheme, "https") == 0;
	bool is_safe = strcasecmp(to.scheme, "https") == 0;
	if (!is_safe && (was_safe || strcasecmp(to.scheme, "http") != 0)) {
		fail(r, "the server redirects from https to %s, which is not followed", to.scheme);
		return false;
	}
	memmove(r->url, url, strlen(url) + 1);
	curl_multi_remove_handle(r->net->multi, r->easy);
	r->is_added = false;
	look_up(r);
	return r->why[0] == 0;
}

static void take_outcome(struct request *r)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	curl_off_t after = 0;
	curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &after);
	r->retry_after_s = after > 0 ? (uint32_t)(after < UINT32_MAX ? after : UINT32_MAX) : 0;
	if (EVP_DigestFinal_ex(r->digest, digest, &n) != 1 || n * 2 != SHA256_HEX) {
		fail(r, "the checksum cannot be made");
		return;
	}
	for (unsigned i = 0; i < n; i++)
		snprintf(r->sha256 + 2 * (size_t)i, 3, "%02x", digest[i]);
}

static bool is_cut(CURLcode code)
{
	return code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING;
}

void request_ended(struct request *r, CURLcode code)
{
	if (code != CURLE_OK) {
		fail(r, "%s%s", r->error[0] != 0 ? r->error : curl_easy_strerror(code),
		     is_cut(code) && r->bytes > 0 ? "; the download was cut off" : "");
		finish(r);
		return;
	}
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &r->status);
	if (is_redirect(r->status)) {
		if (!follow(r))
			finish(r);
		return;
	}
	take_outcome(r);
	finish(r);
}

uint64_t requests_expire(struct net *n, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;
	for (struct request *r = n->first, *next; r != NULL; r = next) {
		next = r->next;
		if (r->deadline_ns > now_ns) {
			next_ns = r->deadline_ns < next_ns ? r->deadline_ns : next_ns;
			continue;
		}
		if (r->token != 0)
			fail(r, "%s could not be looked up in time", r->peer.host);
		else
			fail(r, "it took longer than %u seconds", r->plan.timeout_ms / 1000);
		finish(r);
		return now_ns; /* `done` may have changed the list: come again */
	}
	return next_ns;
}

/* ---- life ---- */

int request_start(struct net *n, const struct request_plan *plan, struct request **ret)
{
	struct request *r = calloc(1, sizeof *r);
	if (r == NULL)
		return -ENOMEM;
	r->plan = *plan;
	r->net = n;
	r->easy = curl_easy_init();
	r->digest = EVP_MD_CTX_new();
	if (r->easy == NULL || r->digest == NULL ||
	    EVP_DigestInit_ex(r->digest, EVP_sha256(), NULL) != 1 ||
	    snprintf(r->url, sizeof r->url, "%s", plan->url) >= (int)sizeof r->url) {
		request_free(r);
		return -ENOMEM;
	}
	r->deadline_ns = clock_mono_ns() + plan->timeout_ms * NS_PER_MS;
	r->next = n->first;
	if (n->first != NULL)
		n->first->prev = r;
	n->first = r;
	look_up(r);
	if (r->why[0] != 0)
		r->deadline_ns = 0; /* ends at the next requests_expire() */
	*ret = r;
	return 0;
}

void request_free(struct request *r)
{
	if (r == NULL)
		return;
	if (r->is_added)
		curl_multi_remove_handle(r->net->multi, r->easy);
	if (r->prev != NULL)
		r->prev->next = r->next;
	else if (r->net->first == r)
		r->net->first = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	curl_easy_cleanup(r->easy);
	curl_slist_free_all(r->header_list);
	curl_slist_free_all(r->resolve_list);
	EVP_MD_CTX_free(r->digest);
	free(r->body);
	free(r);
}
