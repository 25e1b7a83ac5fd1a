/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

static const struct row {
	const char *why, *text;
	int e;
	enum config_target_kind kind;
	const char *host;
	uint16_t port;
} rows[] = {
	{ "a webhook", "https://h.example/a?b=c", 0, CONFIG_TARGET_HTTPS, "h.example", 443 },
	{ "its port", "https://h.example:8088/x", 0, CONFIG_TARGET_HTTPS, "h.example", 8088 },
	{ "in clear text", "http://h", 0, CONFIG_TARGET_HTTP, "h", 80 },
	{ "syslog", "udp://h", 0, CONFIG_TARGET_UDP, "h", 514 },
	{ "a stream", "tcp://192.0.2.1:601", 0, CONFIG_TARGET_TCP, "192.0.2.1", 601 },
	{ "over TLS", "TLS://[2001:db8::1]", 0, CONFIG_TARGET_TLS, "2001:db8::1", 6514 },
	{ "with a port", "tls://[::1]:7/", 0, CONFIG_TARGET_TLS, "::1", 7 },
	{ "another scheme", "ftp://h", -EINVAL, 0, "begin with", 0 },
	{ "no scheme", "h:514", -EINVAL, 0, "begin with", 0 },
	{ "no host", "https:///x", -EINVAL, 0, "write a host", 0 },
	{ "no host but a port", "tcp://:1", -EINVAL, 0, "write a host", 0 },
	{ "no port behind the colon", "tcp://h:", -EINVAL, 0, "write a port", 0 },
	{ "port 0", "tcp://h:0", -EINVAL, 0, "write a port", 0 },
	{ "port 65536", "tcp://h:65536", -EINVAL, 0, "write a port", 0 },
	{ "an address without brackets", "tcp://2001:db8::1", -EINVAL, 0, "write a port", 0 },
	{ "an open bracket", "tcp://[::1", -EINVAL, 0, "write a host", 0 },
	{ "a password", "https://a:b@h/", -EINVAL, 0, "write names and passwords", 0 },
	{ "a path", "tcp://h/x", -EINVAL, 0, "nothing may stand", 0 },
	{ "a blank", "https://h/a b", -EINVAL, 0, "it has blanks", 0 },
	{ "a line end", "https://h/a\nb", -EINVAL, 0, "it has blanks", 0 },
	{ "letters of elsewhere", "tcp://h\xc3\xa4", -EINVAL, 0, "write a host", 0 },
};

static void targets_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct config_target t;
		const char *why = NULL;
		int e = config_target_from_text(r->text, &t, &why);
		if (e != r->e)
			fail_msg("%s: %d", r->why, e);
		if (e != 0 && strncmp(why, r->host, strlen(r->host)) != 0)
			fail_msg("%s: %s", r->why, why);
		if (e == 0 && (t.kind != r->kind || t.port != r->port ||
		               strcmp(t.host, r->host) != 0 || why != NULL))
			fail_msg("%s: %d %s %u", r->why, t.kind, t.host, t.port);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
