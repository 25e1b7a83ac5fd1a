/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/purposes.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/must.h"

enum {
	WORD_MAX = 64,   /* letters and digits in one piece, in what people write into records */
	TOKEN_MAX = 128, /* of a token that proves something */
	KEY_MAX = 64,
};

/* With this in front, and no long piece behind it. */
static const struct form {
	const char *prefix, *purpose;
} forms[] = {
	{ "v=spf1", "SPF" },
	{ "spf2.0/", "Sender ID" },
	{ "v=dmarc1", "DMARC" },
	{ "v=bimi1", "BIMI" },
	{ "v=stsv1", "MTA-STS" },
	{ "v=tlsrptv1", "TLS reports" },
	{ "v=mcpv1", "a service" },
	{ "v=verifydomain", "a token of ownership" },
	{ "v=pka1", "a key of OpenPGP" },
	{ "v=dkim1", "DKIM" },
	{ "dnslink=", "a link" },
	{ "o=~", "DKIM" },
	{ "o=-", "DKIM" },
	{ "_dnsaddr", "a link" },
	{ "dnsaddr=", "a link" },
	{ "forward-email", "a mail forwarder" },
	{ "openpgp4fpr:", "a key of OpenPGP" },
};

static bool begins(const uint8_t *text, size_t n, const char *prefix)
{
	size_t len = strlen(prefix);
	return n >= len && strncasecmp((const char *)text, prefix, len) == 0;
}

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_digit64(uint8_t c)
{
	return is_alnum(c) || c == '+' || c == '/' || c == '=' || c == '-' || c == '_';
}

/* Printable, and no piece of letters and digits longer than max. */
static bool is_in_words(const uint8_t *text, size_t n, size_t max)
{
	size_t piece = 0;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < 0x20 && text[i] != '\t')
			return false;
		piece = is_alnum(text[i]) || text[i] == '+' ? piece + 1 : 0;
		if (piece > max)
			return false;
	}
	return true;
}

/* ---- keys of DKIM ---- */

/* What the base64 of a public key of RSA begins with (SubjectPublicKeyInfo), 1024 to 4096 bits. */
static bool begins_key(const uint8_t *text, size_t n)
{
	static const char *const keys[] = { "MFwwDQYJKoZIhvcNAQEBBQADSw",
		                            "MHwwDQYJKoZIhvcNAQEBBQADaw",
		                            "MIGfMA0GCSqGSIb3DQEBAQUAA4GN",
		                            "MIG",
		                            "MIIB",
		                            "MIIC" };
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		size_t len = strlen(keys[i]);
		if (n >= len && memcmp(text, keys[i], len) == 0)
			return i < 3 || memmem(text, n < 64 ? n : 64, "SIb3DQEBAQUAA4", 14) != NULL;
	}
	return false;
}

/* "k=rsa; p=" and the key, whatever stands before it; the key with blanks or not. */
static bool is_dkim(const uint8_t *text, size_t n)
{
	const uint8_t *p = NULL;
	size_t at = 0;
	for (size_t i = 0; i + 2 <= n && p == NULL; i++) {
		if (text[i] == 'p' && (i == 0 || text[i - 1] == ' ' || text[i - 1] == ';')) {
			at = i + 1;
			while (at < n && text[at] == ' ')
				at++;
			if (at < n && text[at] == '=')
				p = text + at + 1;
		}
	}
	const uint8_t *key = p != NULL ? p : text;
	while (key < text + n && (*key == ' ' || *key == '"'))
		key++;
	size_t left = (size_t)(text + n - key), len = 0;
	if (p != NULL && !is_in_words(text, at, WORD_MAX))
		return false;
	while (len < left && (is_digit64(key[len]) || key[len] == ' ' || key[len] == '"' ||
	                      key[len] == '\\' || key[len] == '\t'))
		len++;
	bool is_ed25519 = p != NULL && len <= 46;
	return (is_ed25519 || begins_key(key, left)) &&
	       is_in_words(key + len, left - len, WORD_MAX);
}

/* ---- tokens ---- */

/* NAME=TOKEN or NAME:TOKEN and nothing else, or a token alone: too short to carry much. */
static bool is_token(const uint8_t *text, size_t n)
{
	size_t key = 0;
	while (key < n && key <= KEY_MAX &&
	       (is_alnum(text[key]) || text[key] == '-' || text[key] == '_' || text[key] == '.'))
		key++;
	if (key == n)
		return n <= TOKEN_MAX;
	if (key == 0 || key > KEY_MAX || (text[key] != '=' && text[key] != ':'))
		return false;
	size_t at = key + 1;
	while (at < n && text[at] == ' ')
		at++;
	if (n - at > TOKEN_MAX)
		return false;
	for (; at < n; at++) {
		if (!is_digit64(text[at]) && text[at] != '.' && text[at] != ':')
			return false;
	}
	return true;
}

const char *purpose_of(const uint8_t *text, size_t n)
{
	if (n == 0)
		return "nothing";
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (begins(text, n, forms[i].prefix) && is_in_words(text, n, WORD_MAX))
			return forms[i].purpose;
	}
	if (begins(text, n, "v=dkim1") || begins(text, n, "k=") || begins(text, n, "p=") ||
	    begins(text, n, "t=") || begins(text, n, "h=") || begins(text, n, "g=") ||
	    begins_key(text, n))
		return is_dkim(text, n) ? "DKIM" : NULL;
	return is_token(text, n) ? "a token" : NULL;
}
