/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is read comes back the same when written, and nothing in it breaks out of a header line. */
#include "fetch/validators.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_line(const char *text)
{
	for (; *text != 0; text++)
		must((unsigned char)*text >= ' ' && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char text[VALIDATORS_MAX_BYTES];
	struct validators v, again;
	if (validators_parse((const char *)data, n, &v) != 0)
		return 0;
	check_line(v.url);
	check_line(v.etag);
	check_line(v.modified);
	must(strlen(v.sha256) == SHA256_HEX);
	size_t length = validators_format(&v, text);
	must(validators_parse(text, length, &again) == 0);
	must(strcmp(v.url, again.url) == 0 && strcmp(v.etag, again.etag) == 0);
	must(strcmp(v.modified, again.modified) == 0 && strcmp(v.sha256, again.sha256) == 0);
	must(v.bytes == again.bytes && v.fetched_s == again.fetched_s);
	return 0;
}
