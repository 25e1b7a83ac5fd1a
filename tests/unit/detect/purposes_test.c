/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/purposes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"

#define KEY_1024                                                                                   \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFC" \
	"jxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9" \
	"tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"

static void purposes_are_known_by_their_grammar(void **state)
{
	(void)state;
	static const struct {
		const char *text, *purpose;
	} rows[] = {
		{ "v=spf1 ip4:192.0.2.0/24 include:_spf.example.com -all", "SPF" },
		{ "v=spf1 include:u1234567.wl.sendgrid.net exists:%{i}._spf.example.com ~all",
		  "SPF" },
		{ "v=spf1 "
		  "dGhpcyBpcyBub3QgYSBtZWNoYW5pc20gYnV0IHNvbWV0aGluZyB0aGF0IHdhcyBlbmNvZGVkIGFzIGJhc2U2NA",
		  NULL },
		{ "v=DMARC1; p=reject; rua=mailto:a@example.com; ruf=mailto:b@example.com; pct=100",
		  "DMARC" },
		{ "v=STSv1; id=20240101000000Z;", "MTA-STS" },
		{ "v=TLSRPTv1; rua=mailto:tls@example.com", "TLS reports" },
		{ "v=BIMI1; l=https://example.com/logo.svg; a=", "BIMI" },
		{ "v=DKIM1; k=rsa; p=" KEY_1024, "DKIM" },
		{ "k=rsa; t=s; p=" KEY_1024, "DKIM" },
		{ "p=" KEY_1024, "DKIM" },
		{ "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "DKIM" },
		{ "v=DKIM1; p=", "DKIM" },
		{ "v=DKIM1; k=rsa; "
		  "p=dGhpcyBpcyBub3QgYSBrZXkgYnV0IHNvbWV0aGluZyB0aGF0IHdhcyBlbmNvZGVkIGFzIGJhc2U2NA",
		  NULL },
		{ "google-site-verification=0123456789abcdefghijklmnopqrstuvwxyzABCDEFG",
		  "a token" },
		{ "MS=ms12345678", "a token" },
		{ "atlassian-domain-verification="
		  "yDhDDx1jTSOqHHpKB1CDTHVV7Lh+0I9kYpO4t6hJSi9cN2Wa0AUWxjG3rJGc6XzS",
		  "a token" },
		{ "docusign=05958488-4752-4ef2-95eb-aa7ba8a3bd0e", "a token" },
		{ "gfj9XxkyT3pLxJzbn6bUyCdsyRzhRzGVfvPmTEhFUgc", "a token" }, /* ACME */
		{ "path=/printers/office", "a token" },                       /* DNS-SD */
		{ "hello, world: this is a text", NULL },
		{ "", "nothing" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *p = purpose_of((const uint8_t *)rows[i].text, strlen(rows[i].text));
		const char *expected = rows[i].purpose;
		if ((p == NULL) != (expected == NULL) || (p != NULL && strcmp(p, expected) != 0))
			fail_msg("%s: %s", rows[i].text, p != NULL ? p : "not known");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(purposes_are_known_by_their_grammar),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
