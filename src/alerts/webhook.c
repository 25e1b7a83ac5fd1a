/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An alert as the body of a POST, over HTTPS. */
#include <errno.h>
#include <gnutls/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/sender.h"
#include "base/clock.h"
#include "base/disk.h"
#include "io/http.h"

enum {
	SECRET_FILE_MAX = 64 * 1024,
	POLL_MS = 1000,
	MAC_BYTES = 32,
	BODY_KEPT = 120, /* of a response, to be told */
};

struct sender {
	const struct sender_plan *plan;
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers, *resolve;
	char error[CURL_ERROR_SIZE];
	char body[BODY_KEPT + 1];
	size_t body_bytes, n_kept;
};

void send_fail(struct send_result *ret, enum send_outcome outcome, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(ret->why, sizeof ret->why, format, args);
	va_end(args);
	for (char *c = ret->why; *c != 0; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	ret->outcome = outcome;
}

int sender_sign(const char *secret, size_t n_secret, uint64_t now_s, const char *body,
                char ret[SENDER_SIGNATURE_MAX])
{
	uint8_t mac[MAC_BYTES];
	char stamp[32];
	gnutls_hmac_hd_t h;
	if (gnutls_hmac_init(&h, GNUTLS_MAC_SHA256, secret, n_secret) != 0)
		return -EIO;
	int n = snprintf(stamp, sizeof stamp, "%llu.", (unsigned long long)now_s);
	bool is_bad =
		gnutls_hmac(h, stamp, (size_t)n) != 0 || gnutls_hmac(h, body, strlen(body)) != 0;
	gnutls_hmac_deinit(h, mac);
	if (is_bad)
		return -EIO;
	n = snprintf(ret, SENDER_SIGNATURE_MAX, "t=%llu,v1=", (unsigned long long)now_s);
	for (size_t i = 0; i < sizeof mac; i++)
		n += snprintf(ret + n, SENDER_SIGNATURE_MAX - (size_t)n, "%02x", mac[i]);
	return 0;
}

/* ---- what is sent ---- */

/* The lines of header-file; read each time, so that a new key needs no reload. */
static bool add_file(struct curl_slist **list, const char *path, struct send_result *ret)
{
	char *text, *rest;
	size_t n;
	bool is_good = true;
	int e = disk_read(path, SECRET_FILE_MAX, &text, &n);
	if (e != 0) {
		send_fail(ret, SEND_FAILED, "header-file cannot be read: %s", strerrordesc_np(-e));
		return false;
	}
	char *line = strtok_r(text, "\r\n", &rest);
	for (; line != NULL && is_good; line = strtok_r(NULL, "\r\n", &rest)) {
		if (line[0] == '#' || line[strspn(line, " \t")] == 0)
			continue;
		is_good = strchr(line, ':') != NULL && line[0] != ':' && http_add_line(list, line);
		if (!is_good)
			send_fail(ret, SEND_FAILED, "header-file has a line that is no header");
	}
	free(text);
	return is_good;
}

/* Sign with the configured secret, or the one in the file without its line end. */
static bool add_signature(struct sender *s, const char *body, struct send_result *ret)
{
	char signature[SENDER_SIGNATURE_MAX], line[SENDER_SIGNATURE_MAX + 32];
	char *from_file = NULL;
	const char *secret = s->plan->secret;
	size_t n = secret != NULL ? strlen(secret) : 0;
	if (s->plan->secret_file != NULL) {
		int e = disk_read(s->plan->secret_file, SECRET_FILE_MAX, &from_file, &n);
		if (e != 0) {
			send_fail(ret, SEND_FAILED, "secret-file cannot be read: %s",
			          strerrordesc_np(-e));
			return false;
		}
		while (n > 0 && (from_file[n - 1] == '\n' || from_file[n - 1] == '\r'))
			n--;
		secret = from_file;
	}
	if (n == 0) {
		free(from_file);
		if (s->plan->secret_file == NULL)
			return true;
		send_fail(ret, SEND_FAILED, "secret-file is empty");
		return false;
	}
	int e = sender_sign(secret, n, clock_wall_ns() / NS_PER_S, body, signature);
	free(from_file);
	if (e == 0)
		snprintf(line, sizeof line, "Weir-Signature: %s", signature);
	if (e == 0 && http_add_line(&s->headers, line))
		return true;
	send_fail(ret, SEND_FAILED, "the body cannot be signed");
	return false;
}

static bool make_headers(struct sender *s, const json_t *ecs, const char *body,
                         struct send_result *ret)
{
	char line[96];
	const char *id = json_string_value(json_object_get(json_object_get(ecs, "event"), "id"));
	curl_slist_free_all(s->headers);
	s->headers = NULL;
	snprintf(line, sizeof line, "Weir-Alert-Id: %.64s", id != NULL ? id : "");
	bool is_good = http_add_line(&s->headers, s->plan->format == RENDER_CEF
	                                                  ? "Content-Type: text/plain"
	                                                  : "Content-Type: application/json") &&
	               http_add_line(&s->headers, line) &&
	               http_add_line(&s->headers, "Expect:"); /* no round trip for a KiB */
	for (unsigned i = 0; i < s->plan->n_headers && is_good; i++)
		is_good = http_add_line(&s->headers, s->plan->headers[i]);
	if (!is_good)
		send_fail(ret, SEND_FAILED, "out of memory");
	return is_good &&
	       (s->plan->header_file == NULL || add_file(&s->headers, s->plan->header_file, ret)) &&
	       add_signature(s, body, ret);
}

/* Weir's own resolver knows the host that is connected to: of the URL, or the proxy. */
static bool look_up(struct sender *s, struct send_result *ret)
{
	const char *url = s->plan->proxy != NULL ? s->plan->proxy : s->plan->url;
	struct addr addrs[ALERTS_MAX_ADDRS];
	struct http_url peer;
	curl_slist_free_all(s->resolve);
	s->resolve = NULL;
	if (!http_split(url, &peer)) {
		send_fail(ret, SEND_FAILED, "%.100s is no URL", url);
		return false;
	}
	if (http_is_address(&peer))
		return true;
	unsigned n = s->plan->resolve(s->plan->arg, peer.host, addrs);
	if (n == 0) {
		send_fail(ret, SEND_FAILED,
		          "%.200s has no address, or nobody could be asked for it", peer.host);
		return false;
	}
	return http_add_addresses(&s->resolve, &peer, addrs, n);
}

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
	struct sender *s = arg;
	size_t n = size * count;
	s->body_bytes += n;
	for (size_t i = 0; i < n && s->n_kept < BODY_KEPT; i++)
		s->body[s->n_kept++] = data[i];
	return s->body_bytes <= SENDER_RESPONSE_MAX ? n : 0;
}

static void set_options(struct sender *s, const char *body)
{
	const struct sender_plan *p = s->plan;
	CURL *c = s->easy;
	const struct http_request http = { .url = p->url,
		                           .error = s->error,
		                           .headers = s->headers,
		                           .resolve = s->resolve,
		                           .proxy = p->proxy,
		                           .ca_file = p->ca };
	http_set_options(c, &http);
	if (p->certificate != NULL) {
		curl_easy_setopt(c, CURLOPT_SSLCERT, p->certificate);
		curl_easy_setopt(c, CURLOPT_SSLKEY, p->key);
	}
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)p->timeout_ms);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, body);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
}

/* ---- what comes back ---- */

/* Run it until it ends, or until it is time to stop. */
static CURLcode run(struct sender *s)
{
	int n_running = 1, n_left;
	CURLcode code = CURLE_ABORTED_BY_CALLBACK;
	if (curl_multi_add_handle(s->multi, s->easy) != CURLM_OK)
		return CURLE_OUT_OF_MEMORY;
	while (n_running > 0) {
		struct curl_waitfd stop = { .fd = s->plan->stop_fd, .events = CURL_WAIT_POLLIN };
		if (curl_multi_perform(s->multi, &n_running) != CURLM_OK)
			break;
		if (n_running > 0)
			(void)curl_multi_poll(s->multi, &stop, 1, POLL_MS, NULL);
		if (stop.revents != 0)
			break;
	}
	for (CURLMsg *m; (m = curl_multi_info_read(s->multi, &n_left)) != NULL;) {
		if (m->msg == CURLMSG_DONE)
			code = m->data.result;
	}
	curl_multi_remove_handle(s->multi, s->easy);
	return code;
}

/* The receiver understood, and does not like what is in it: trying again will not help. */
static bool is_refusal(long status)
{
	return status == 400 || status == 413 || status == 415 || status == 422;
}

static void judge(struct sender *s, CURLcode code, struct send_result *ret)
{
	long status = 0;
	curl_off_t after = 0;
	s->body[s->n_kept] = 0;
	if (code != CURLE_OK) {
		send_fail(ret, SEND_FAILED, "%s",
		          s->body_bytes > SENDER_RESPONSE_MAX ? "the response does not end"
		          : code == CURLE_ABORTED_BY_CALLBACK ? "stopped"
		          : s->error[0] != 0                  ? s->error
		                                              : curl_easy_strerror(code));
		return;
	}
	curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &after);
	if (status >= 200 && status < 300) {
		ret->outcome = SEND_DONE;
		return;
	}
	ret->retry_s = after > 0 && after < SENDER_RETRY_MAX_S ? (unsigned)after
	               : after > 0                             ? SENDER_RETRY_MAX_S
	                                                       : 0;
	if (status >= 300 && status < 400) {
		char *to = NULL;
		curl_easy_getinfo(s->easy, CURLINFO_REDIRECT_URL, &to);
		send_fail(
			ret, SEND_FAILED,
			"status %ld: redirects are not followed; write the URL it leads to: %.100s",
			status, to != NULL ? to : "none");
		return;
	}
	send_fail(ret, is_refusal(status) ? SEND_REFUSED : SEND_FAILED, "status %ld: %s", status,
	          s->body);
}

static void webhook_send(struct sender *s, const json_t *ecs, const char *line,
                         struct send_result *ret)
{
	char *body = render_body(s->plan->format, ecs, line);
	s->error[0] = 0;
	s->body_bytes = s->n_kept = 0;
	if (body == NULL)
		send_fail(ret, SEND_FAILED, "out of memory");
	else if (look_up(s, ret) && make_headers(s, ecs, body, ret)) {
		set_options(s, body);
		judge(s, run(s), ret);
	}
	free(body);
}

static bool webhook_is_well(struct sender *s)
{
	(void)s; /* a status of 200 is a receipt */
	return true;
}

static void webhook_close(struct sender *s)
{
	curl_easy_cleanup(s->easy);
	curl_multi_cleanup(s->multi);
	curl_slist_free_all(s->headers);
	curl_slist_free_all(s->resolve);
	free(s);
}

static int webhook_open(const struct sender_plan *plan, struct sender **ret)
{
	struct sender *s = calloc(1, sizeof *s);
	if (s == NULL)
		return -ENOMEM;
	s->plan = plan;
	s->multi = curl_multi_init();
	s->easy = curl_easy_init();
	if (s->multi == NULL || s->easy == NULL) {
		webhook_close(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

const struct sender_kind sender_webhook = {
	.open = webhook_open,
	.send = webhook_send,
	.is_well = webhook_is_well,
	.close = webhook_close,
};
