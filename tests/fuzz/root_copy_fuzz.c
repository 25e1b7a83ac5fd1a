/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A question (its name's length, its type, the name), then text as the root zone. Whatever is read
   answers with messages that can be read, at any size of the buffer. */
#include "resolve/root_copy.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void ask(const struct root_copy *c, const uint8_t *name, uint16_t type)
{
	static uint8_t bytes[DNS_MAX_MESSAGE], small[512], scratch[4 * DNS_MAX_MESSAGE + 1024];
	struct message m;
	struct rr rr;
	size_t n = root_copy_answer(c, name, type, bytes, sizeof bytes);
	size_t n_small = root_copy_answer(c, name, type, small, sizeof small);
	must(n_small == 0 || (n_small == n && memcmp(small, bytes, n) == 0));
	if (n == 0)
		return;
	must(message_open(bytes, n, scratch, sizeof scratch, &m) == 0);
	must((m.flags & FLAG_QR) != 0 && name_equal(m.question_lower, name));
	int e;
	/* Data of some types may be nonsense that the zone file gave as \# bytes. */
	while ((e = message_next(&m, &rr)) == 1)
		must(rr.class == DNS_CLASS_IN);
	must(e == 0 || e == -EBADMSG || e == -ENOBUFS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct name name;
	struct root_copy *c;
	char why[ROOT_COPY_WHY_MAX];
	if (n < 3 || n - 3 < data[0] || name_check(data + 3, data[0]) != data[0] || data[0] == 0)
		return 0;
	name_set(&name, data + 3);
	uint16_t type = (uint16_t)(data[1] << 8 | data[2]);
	size_t at = 3U + data[0];
	int e = root_copy_read("zone", (const char *)data + at, n - at, 1, &c, why);
	must(e == 0 || e == -EBADMSG || e == -ENOMEM);
	must((e == 0) == (why[0] == 0) || e == -ENOMEM);
	if (e != 0)
		return 0;
	ask(c, name.wire, type);
	ask(c, name.wire, DNS_A);
	ask(c, name.wire, DNS_DS);
	root_copy_free(c);
	return 0;
}
