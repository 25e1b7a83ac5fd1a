/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "letters.h"

#include <string.h>

void letters_begin(struct letters *m, uint16_t id)
{
	memset(m->bytes, 0, DNS_HEADER_BYTES);
	store16(m->bytes, id);
	store16(m->bytes + 2, FLAG_QR | FLAG_AA);
	m->n = DNS_HEADER_BYTES;
	m->n_records = 0;
}

static void put(struct letters *m, const void *p, size_t n)
{
	memcpy(m->bytes + m->n, p, n);
	m->n += n;
}

void letters_add(struct letters *m, char c)
{
	uint8_t head[] = "\1x\3rpz\0\0\1\0\1\0\0\0\5\0\4\300\0\2\1";
	uint8_t soa[] = "\3rpz\0\0\6\0\1\0\0\0\5\0\26\0\0\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1";
	uint8_t foreign[] = "\1x\3com\0\0\1\0\1\0\0\0\5\0\4\300\0\2\1";
	if (c >= '0' && c <= '9') {
		soa[20] = (uint8_t)(c - '0');
		put(m, soa, sizeof soa - 1);
	} else if (c == '!') {
		put(m, foreign, sizeof foreign - 1);
	} else {
		head[1] = (uint8_t)c;
		put(m, head, sizeof head - 1);
	}
	store16(m->bytes + 6, ++m->n_records);
}
