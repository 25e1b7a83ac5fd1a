/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire.h"

#include <errno.h>
#include <string.h>

enum {
	OPTION_COOKIE = 10,
	OPT_DO = 0x8000,
	POINTER_MAX = 0x3fff,
};

/* ---- reading ---- */

static void read_options(const uint8_t *p, size_t n, struct wire_question *ret)
{
	while (n >= 4) {
		size_t len = load16(p + 2);
		if (len > n - 4)
			return;
		if (load16(p) == OPTION_COOKIE && len <= sizeof ret->cookie) {
			memcpy(ret->cookie, p + 4, len);
			ret->cookie_bytes = (uint8_t)len;
		}
		p += 4 + len;
		n -= 4 + len;
	}
}

int wire_read_question(const uint8_t *bytes, size_t n, struct wire_question *ret)
{
	*ret = (struct wire_question){ .udp_size = 512 };
	if (n < DNS_HEADER_BYTES || load16(bytes + 4) != 1)
		return -EBADMSG;
	size_t len = name_check(bytes + DNS_HEADER_BYTES, n - DNS_HEADER_BYTES);
	size_t at = DNS_HEADER_BYTES + len + 4;
	if (len == 0 || at > n)
		return -EBADMSG;
	ret->id = load16(bytes);
	ret->flags = load16(bytes + 2);
	memcpy(ret->as_sent, bytes + DNS_HEADER_BYTES, len);
	name_set(&ret->name, ret->as_sent);
	ret->type = load16(bytes + at - 4);
	if (load16(bytes + 10) == 0)
		return at == n ? 0 : -EBADMSG;
	if (n - at < 11 || bytes[at] != 0 || load16(bytes + at + 1) != DNS_OPT)
		return -EBADMSG;
	ret->has_edns = true;
	ret->udp_size = load16(bytes + at + 3) < 512 ? 512 : load16(bytes + at + 3);
	ret->is_do = (load16(bytes + at + 7) & OPT_DO) != 0;
	if (at + 11 + load16(bytes + at + 9) != n)
		return -EBADMSG;
	read_options(bytes + at + 11, n - at - 11, ret);
	return 0;
}

/* ---- writing ---- */

static void put(struct wire *w, const void *bytes, size_t n)
{
	if (w->is_over || n > sizeof w->bytes - w->n) {
		w->is_over = true;
		return;
	}
	memcpy(w->bytes + w->n, bytes, n);
	w->n += n;
}

static void put16(struct wire *w, uint16_t x)
{
	uint8_t b[2];
	store16(b, x);
	put(w, b, 2);
}

static void put_name(struct wire *w, const uint8_t *name)
{
	for (; *name != 0; name += *name + 1) {
		for (unsigned i = 0; i < w->n_names; i++) {
			if (name_equal(w->names[i].name, name)) {
				put16(w, (uint16_t)(0xc000 | w->names[i].at));
				return;
			}
		}
		if (w->n_names < WIRE_MAX_NAMES && w->n <= POINTER_MAX) {
			w->names[w->n_names].name = name;
			w->names[w->n_names++].at = (uint16_t)w->n;
		}
		put(w, name, *name + 1U);
	}
	put(w, "", 1);
}

void wire_start(struct wire *w, uint16_t id, const uint8_t *question, uint16_t type)
{
	w->n = DNS_HEADER_BYTES;
	w->is_over = false;
	w->n_names = 0;
	memset(w->counts, 0, sizeof w->counts);
	memset(w->bytes, 0, DNS_HEADER_BYTES);
	store16(w->bytes, id);
	if (question == NULL)
		return;
	w->counts[0] = 1;
	put_name(w, question);
	put16(w, type);
	put16(w, DNS_CLASS_IN);
}

void wire_add(struct wire *w, int section, const uint8_t *owner, uint16_t type, uint32_t ttl_s,
              const uint8_t *data, size_t n)
{
	put_name(w, owner);
	put16(w, type);
	put16(w, DNS_CLASS_IN);
	put16(w, (uint16_t)(ttl_s >> 16));
	put16(w, (uint16_t)ttl_s);
	put16(w, (uint16_t)n);
	put(w, data, n);
	w->counts[1 + section]++;
}

void wire_add_opt(struct wire *w, uint16_t udp_size, unsigned rcode, bool is_do,
                  const uint8_t *cookie, size_t cookie_bytes)
{
	put(w, "", 1);
	put16(w, DNS_OPT);
	put16(w, udp_size);
	put16(w, (uint16_t)(rcode >> 4 << 8));
	put16(w, is_do ? OPT_DO : 0);
	put16(w, (uint16_t)(cookie_bytes > 0 ? 4 + cookie_bytes : 0));
	if (cookie_bytes > 0) {
		put16(w, OPTION_COOKIE);
		put16(w, (uint16_t)cookie_bytes);
		put(w, cookie, cookie_bytes);
	}
	w->counts[3]++;
}

void wire_finish(struct wire *w, uint16_t flags, unsigned rcode)
{
	store16(w->bytes + 2, (uint16_t)(flags | FLAG_QR | (rcode & 0xf)));
	for (int i = 0; i < 4; i++)
		store16(w->bytes + 4 + 2 * i, w->counts[i]);
}
