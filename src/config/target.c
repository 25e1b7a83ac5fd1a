/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where alerts go, as text. */
#include <errno.h>
#include <string.h>

#include "config/config.h"

static const struct scheme {
	const char *text;
	enum config_target_kind kind;
	uint16_t port;
} schemes[] = {
	{ "https://", CONFIG_TARGET_HTTPS, 443 }, { "http://", CONFIG_TARGET_HTTP, 80 },
	{ "udp://", CONFIG_TARGET_UDP, 514 },     { "tcp://", CONFIG_TARGET_TCP, 514 },
	{ "tls://", CONFIG_TARGET_TLS, 6514 },
};

/* 0: no port. */
static unsigned port_from_text(const char *text, size_t n)
{
	unsigned port = 0;
	if (n == 0 || n > 5)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	return port <= UINT16_MAX ? port : 0;
}

static bool is_host(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!is_letter && !(c >= '0' && c <= '9') && strchr(".-_:", c) == NULL)
			return false;
	}
	return n > 0;
}

/* What stands between "//" and the first slash. */
static int take_authority(const char *at, size_t n, struct config_target *t, const char **ret_why)
{
	const char *host = at, *end = at + n, *rest;
	size_t host_bytes;
	*ret_why = "write a host behind the '//'";
	if (n > 0 && *at == '[') {
		const char *close = memchr(at, ']', n);
		if (close == NULL)
			return -EINVAL;
		host++;
		host_bytes = (size_t)(close - host);
		rest = close + 1;
	} else {
		const char *colon = memchr(at, ':', n);
		rest = colon != NULL ? colon : end;
		host_bytes = (size_t)(rest - at);
	}
	if (host_bytes >= sizeof t->host || !is_host(host, host_bytes))
		return -EINVAL;
	if (rest < end) {
		unsigned port =
			*rest == ':' ? port_from_text(rest + 1, (size_t)(end - rest - 1)) : 0;
		*ret_why =
			"write a port from 1 to 65535 behind the ':'; IPv6 addresses need brackets";
		if (port == 0)
			return -EINVAL;
		t->port = (uint16_t)port;
	}
	memcpy(t->host, host, host_bytes);
	t->host[host_bytes] = 0;
	return 0;
}

int config_target_from_text(const char *text, struct config_target *ret, const char **ret_why)
{
	struct config_target t;
	size_t i = 0;
	*ret_why = "begin with https://, udp://, tcp:// or tls://";
	while (i < ARRAY_LEN(schemes) &&
	       strncasecmp(text, schemes[i].text, strlen(schemes[i].text)) != 0)
		i++;
	if (i == ARRAY_LEN(schemes))
		return -EINVAL;
	t.kind = schemes[i].kind;
	t.port = schemes[i].port;
	const char *at = text + strlen(schemes[i].text);
	size_t n = strcspn(at, "/?#");
	for (const char *c = text; *c != 0; c++) {
		*ret_why = "it has blanks or control characters";
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return -EINVAL;
	}
	*ret_why = "write names and passwords into headers or header-file, not before the host";
	if (memchr(at, '@', n) != NULL)
		return -EINVAL;
	bool is_web = t.kind == CONFIG_TARGET_HTTP || t.kind == CONFIG_TARGET_HTTPS;
	*ret_why = "nothing may stand behind host and port";
	if (!is_web && at[n] != 0 && strcmp(at + n, "/") != 0)
		return -EINVAL;
	int e = take_authority(at, n, &t, ret_why);
	if (e == 0) {
		*ret = t;
		*ret_why = NULL;
	}
	return e;
}
