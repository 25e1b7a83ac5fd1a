/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nothing but the real signature is one; a checksum that is found is one. */
#include "fetch/signature.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t content[] = "nobody signed this";
	struct signature_key key = { .id = "ABCDEFGH" };
	char text[128], sum[65];
	must(signature_check(&key, (const char *)data, n, content, sizeof content) != NULL);
	if (signature_find_sum((const char *)data, n, "list.txt", sum) == 0)
		must(strlen(sum) == 64 && strspn(sum, "0123456789abcdef") == 64);
	size_t length = n < sizeof text ? n : sizeof text - 1;
	memcpy(text, data, length);
	text[length] = 0;
	if (signature_key_parse(text, &key) == 0)
		must(strlen(text) == 56);
	return 0;
}
