/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake_net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dns/message.h"
#include "dns/text.h"

enum {
	RECORDS_MAX = 512,
	STREAMS_MAX = 300,
	PORT_TRIES = 64,
	ALIASES_MAX = 16
};

struct record {
	struct fake_server *server;
	const struct fake_zone *zone;
	struct name owner;
	uint16_t type, rdata_len;
	uint32_t ttl_s;
	uint8_t rdata[300];
};

struct port {
	struct watcher watcher; /* UDP socket, listener or connection */
	struct fake_net *net;
	struct fake_server *server;
	enum {
		PORT_UDP,
		PORT_LISTEN,
		PORT_STREAM
	} kind;
};

struct fake_net {
	struct loop *loop;
	struct fake_server *servers;
	unsigned n;
	uint16_t port;
	struct port ports[64 + STREAMS_MAX];
	unsigned n_ports;
	unsigned n_records;
	struct record records[RECORDS_MAX];
};

struct out {
	uint8_t bytes[4096];
	size_t n;
	unsigned counts[3];
};

struct asked {
	uint16_t id, type;
	bool has_edns, has_cd;
	size_t question_bytes;
	struct name name;
	uint8_t cookie[40];
	size_t cookie_bytes;
};

/* ---- zones ---- */

static void set_name(struct name *ret, const char *text)
{
	must(name_from_text(text, strlen(text), ret) == 0);
}

/* "A:example.test" or, a bad one, "A:example.test:bad". */
static void set_rrsig(struct record *r, const char *data)
{
	char type[16];
	char signer[128];
	uint16_t covered;
	struct name n;
	must(sscanf(data, "%15[^:]:%127[^:]", type, signer) == 2);
	must(dns_type_from_text(type, &covered) == 0);
	set_name(&n, signer);
	memset(r->rdata, 0, 18);
	store16(r->rdata, covered);
	r->rdata[2] = strstr(data, ":bad") == NULL;
	memcpy(r->rdata + 18, n.wire, n.len);
	r->rdata_len = (uint16_t)(18 + n.len);
}

static void set_rdata(struct record *r, const char *data)
{
	struct addr a;
	struct name n;
	if (r->type == DNS_A || r->type == DNS_AAAA) {
		must(addr_from_text(data, strlen(data), &a) == 0);
		r->rdata_len = r->type == DNS_A ? 4 : 16;
		memcpy(r->rdata, a.bytes + 16 - r->rdata_len, r->rdata_len);
	} else if (r->type == DNS_TXT) {
		r->rdata[0] = (uint8_t)strlen(data);
		memcpy(r->rdata + 1, data, r->rdata[0]);
		r->rdata_len = (uint16_t)(r->rdata[0] + 1);
	} else if (r->type == DNS_DS || r->type == DNS_DNSKEY) {
		/* A number: DS and DNSKEY of the same number fit (fake_validate.h). */
		bool is_number = data[0] >= '0' && data[0] <= '9';
		memset(r->rdata, is_number ? (int)strtoul(data, NULL, 10) : 7, 36);
		r->rdata_len = 36;
	} else if (r->type == DNS_RRSIG) {
		set_rrsig(r, data);
	} else {
		set_name(&n, data);
		memcpy(r->rdata, n.wire, n.len);
		r->rdata_len = n.len;
	}
}

static void add_zone(struct fake_net *f, struct fake_server *s, const struct fake_zone *z)
{
	const char *at = z->records;
	while (*at != 0) {
		char owner[256];
		char type[16];
		char data[256];
		unsigned ttl_s;
		int used = 0;
		must(sscanf(at, "%255s %u %15s %255s%n", owner, &ttl_s, type, data, &used) == 4);
		must(f->n_records < RECORDS_MAX);
		struct record *r = &f->records[f->n_records++];
		r->server = s;
		r->zone = z;
		r->ttl_s = ttl_s;
		set_name(&r->owner, owner);
		must(dns_type_from_text(type, &r->type) == 0);
		set_rdata(r, data);
		at += used;
		while (*at == '\n')
			at++;
	}
}

/* ---- writing ---- */

static void put(struct out *o, const void *bytes, size_t n)
{
	must(o->n + n <= sizeof o->bytes);
	memcpy(o->bytes + o->n, bytes, n);
	o->n += n;
}

static void put_rr(struct out *o, int section, const uint8_t *owner, uint16_t type, uint32_t ttl_s,
                   const uint8_t *rdata, size_t rdata_len)
{
	uint8_t fixed[10];
	store16(fixed, type);
	store16(fixed + 2, DNS_CLASS_IN);
	store32(fixed + 4, ttl_s);
	store16(fixed + 8, (uint16_t)rdata_len);
	put(o, owner, name_len(owner));
	put(o, fixed, sizeof fixed);
	put(o, rdata, rdata_len);
	o->counts[section]++;
}

static void put_soa(struct out *o, const char *zone)
{
	struct name n;
	uint8_t rdata[2 + 20];
	memset(rdata, 0, sizeof rdata);
	rdata[21] = 60; /* minimum */
	set_name(&n, zone);
	put_rr(o, SECTION_AUTHORITY, n.wire, DNS_SOA, 300, rdata, sizeof rdata);
}

static void put_glue(struct fake_net *f, struct fake_server *s, struct out *o, const uint8_t *name)
{
	for (unsigned i = 0; i < f->n_records; i++) {
		const struct record *r = &f->records[i];
		if (r->server == s && (r->type == DNS_A || r->type == DNS_AAAA) &&
		    name_equal(r->owner.wire, name))
			put_rr(o, SECTION_ADDITIONAL, r->owner.wire, r->type, r->ttl_s, r->rdata,
			       r->rdata_len);
	}
}

/* ---- RFC 1034 4.3.2 ---- */

static bool is_served(const struct fake_server *s, const struct record *r)
{
	return r->server == s || (s->habits & FAKE_RECURSES) != 0;
}

static const struct fake_zone *find_zone(const struct fake_server *s, const uint8_t *name,
                                         uint16_t type)
{
	const struct fake_zone *best = NULL;
	size_t best_len = 0;
	for (unsigned i = 0; i < ARRAY_LEN(s->zones) && s->zones[i] != NULL; i++) {
		struct name z;
		set_name(&z, s->zones[i]->name);
		bool is_apex_ds = type == DNS_DS && name_equal(z.wire, name);
		if (name_is_within(name, z.wire) && !is_apex_ds && z.len > best_len) {
			best = s->zones[i];
			best_len = z.len;
		}
	}
	return best;
}

/* A delegation at or above the name, below the zone's apex. */
static const struct record *find_delegation(struct fake_net *f, const struct fake_server *s,
                                            const struct fake_zone *z, const uint8_t *name,
                                            uint16_t type)
{
	struct name apex;
	set_name(&apex, z->name);
	for (unsigned i = 0; i < f->n_records; i++) {
		const struct record *r = &f->records[i];
		if (r->server != s || r->zone != z || r->type != DNS_NS ||
		    name_equal(r->owner.wire, apex.wire) || !name_is_within(name, r->owner.wire))
			continue;
		if (type != DNS_DS || !name_equal(name, r->owner.wire))
			return r;
	}
	return NULL;
}

/* Records of one type at a name, with their signatures. */
static void put_signed(struct fake_net *f, const struct fake_server *s, struct out *o, int section,
                       const uint8_t *name, uint16_t type, bool with_records)
{
	for (unsigned i = 0; i < f->n_records; i++) {
		const struct record *r = &f->records[i];
		if (!is_served(s, r) || !name_equal(r->owner.wire, name))
			continue;
		bool is_signature = r->type == DNS_RRSIG && load16(r->rdata) == type &&
		                    (s->habits & FAKE_STRIPS) == 0;
		if (is_signature || (r->type == type && with_records))
			put_rr(o, section, r->owner.wire, r->type, r->ttl_s, r->rdata,
			       r->rdata_len);
	}
}

static void refer(struct fake_net *f, struct fake_server *s, struct out *o, const struct record *to)
{
	for (int pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < f->n_records; i++) {
			const struct record *r = &f->records[i];
			if (r->server != s || r->zone != to->zone || r->type != DNS_NS ||
			    !name_equal(r->owner.wire, to->owner.wire))
				continue;
			if (pass == 0)
				put_rr(o, SECTION_AUTHORITY, r->owner.wire, DNS_NS, r->ttl_s,
				       r->rdata, r->rdata_len);
			else
				put_glue(f, s, o, r->rdata);
		}
		if (pass == 0 && (s->habits & FAKE_STRIPS) == 0) {
			put_signed(f, s, o, SECTION_AUTHORITY, to->owner.wire, DNS_DS, true);
			put_signed(f, s, o, SECTION_AUTHORITY, to->owner.wire, DNS_NSEC, true);
		}
	}
}

/* The records at a name; *ret_alias: the target to go on with; *ret_exists: some are there. */
static bool put_records(struct fake_net *f, struct fake_server *s, struct out *o,
                        const uint8_t *name, uint16_t type, struct name *ret_alias,
                        bool *ret_exists)
{
	bool has_some = false;
	ret_alias->len = 0;
	for (unsigned i = 0; i < f->n_records; i++) {
		const struct record *r = &f->records[i];
		if (!is_served(s, r))
			continue;
		if (name_is_within(r->owner.wire, name))
			*ret_exists = *ret_exists || (s->habits & FAKE_NO_EMPTY_NAMES) == 0 ||
			              name_equal(r->owner.wire, name);
		if (r->type == DNS_DNAME && name_is_within(name, r->owner.wire) &&
		    !name_equal(name, r->owner.wire)) {
			put_rr(o, SECTION_ANSWER, r->owner.wire, DNS_DNAME, r->ttl_s, r->rdata,
			       r->rdata_len);
			size_t front = name_len(name) - r->owner.len;
			memcpy(ret_alias->wire, name, front);
			memcpy(ret_alias->wire + front, r->rdata, r->rdata_len);
			ret_alias->len = (uint8_t)(front + r->rdata_len);
			return false;
		}
		if (!name_equal(r->owner.wire, name))
			continue;
		if (r->type == type || type == DNS_ANY || r->type == DNS_CNAME) {
			put_rr(o, SECTION_ANSWER, r->owner.wire, r->type, r->ttl_s, r->rdata,
			       r->rdata_len);
			put_signed(f, s, o, SECTION_ANSWER, name, r->type, false);
			has_some = has_some || r->type == type || type == DNS_ANY;
			if (r->type == DNS_CNAME && type != DNS_CNAME && type != DNS_ANY)
				name_set(ret_alias, r->rdata);
		}
	}
	return has_some;
}

static unsigned resolve(struct fake_net *f, struct fake_server *s, const struct asked *q,
                        struct out *o, bool *ret_aa)
{
	struct name at = q->name;
	*ret_aa = true;
	for (int hop = 0; hop < ALIASES_MAX; hop++) {
		static const struct fake_zone all = { ".", "" };
		const struct fake_zone *z =
			(s->habits & FAKE_RECURSES) != 0 ? &all : find_zone(s, at.wire, q->type);
		if (z == NULL)
			return hop == 0 ? RCODE_REFUSED : RCODE_NOERROR;
		const struct record *cut = find_delegation(f, s, z, at.wire, q->type);
		if (cut != NULL) {
			*ret_aa = hop > 0;
			refer(f, s, o, cut);
			return RCODE_NOERROR;
		}
		struct name alias;
		bool exists = false;
		if (put_records(f, s, o, at.wire, q->type, &alias, &exists))
			return RCODE_NOERROR;
		if (alias.len == 0) {
			if ((s->habits & FAKE_NO_SOA) == 0)
				put_soa(o, z->name);
			put_signed(f, s, o, SECTION_AUTHORITY, at.wire, DNS_NSEC, true);
			return exists ? RCODE_NOERROR : RCODE_NXDOMAIN;
		}
		at = alias;
	}
	return RCODE_NOERROR; /* aliases in a circle: as far as it went */
}

/* ---- answering ---- */

static const uint8_t our_half[8] = { 'f', 'a', 'k', 'e', 'h', 'a', 'l', 'f' };

static void read_cookie(const uint8_t *msg, size_t n, struct asked *ret)
{
	uint8_t scratch[1024];
	struct message m;
	struct opt opt;
	const uint8_t *data;
	size_t bytes = 0;
	ret->cookie_bytes = 0;
	if (message_open(msg, n, scratch, sizeof scratch, &m) != 0 ||
	    message_find_opt(&m, &opt) != 0 || !opt_find(&opt, 10, &data, &bytes))
		return;
	must(bytes >= 8 && bytes <= sizeof ret->cookie);
	memcpy(ret->cookie, data, bytes);
	ret->cookie_bytes = bytes;
}

static bool has_our_half(const struct asked *q)
{
	return q->cookie_bytes == 16 && memcmp(q->cookie + 8, our_half, 8) == 0;
}

static bool read_asked(const uint8_t *msg, size_t n, struct asked *ret)
{
	if (n < DNS_HEADER_BYTES)
		return false;
	size_t len = name_check(msg + DNS_HEADER_BYTES, n - DNS_HEADER_BYTES);
	if (len == 0 || n < DNS_HEADER_BYTES + len + 4)
		return false;
	ret->id = load16(msg);
	name_set(&ret->name, msg + DNS_HEADER_BYTES);
	name_copy_lower(ret->name.wire, msg + DNS_HEADER_BYTES);
	read_cookie(msg, n, ret);
	ret->type = load16(msg + DNS_HEADER_BYTES + len);
	ret->question_bytes = len + 4;
	ret->has_edns = load16(msg + 10) > 0;
	ret->has_cd = (load16(msg + 2) & FLAG_CD) != 0;
	return true;
}

static void note(struct fake_server *s, const struct asked *q, bool over_tcp)
{
	char name[NAME_TEXT_MAX];
	char type[DNS_TYPE_TEXT_MAX];
	size_t used = strlen(s->names);
	s->n_udp += over_tcp ? 0 : 1;
	s->n_tcp += over_tcp ? 1 : 0;
	s->n_with_edns += q->has_edns ? 1 : 0;
	s->n_cookies += has_our_half(q) ? 1 : 0;
	s->n_with_cd += q->has_cd ? 1 : 0;
	s->last_name = q->name;
	s->last_type = q->type;
	name_to_text(q->name.wire, name);
	snprintf(s->names + used, sizeof s->names - used, "%s %s\n", name,
	         dns_type_text(q->type, type));
}

static void finish(struct out *o, uint16_t id, uint16_t flags, unsigned n_questions)
{
	store16(o->bytes, id);
	store16(o->bytes + 2, flags);
	store16(o->bytes + 4, (uint16_t)n_questions);
	for (int i = 0; i < 3; i++)
		store16(o->bytes + 6 + 2 * i, (uint16_t)o->counts[i]);
}

static void poison(struct out *o)
{
	static const uint8_t addr[4] = { 6, 6, 6, 6 };
	struct name n;
	struct name ns;
	set_name(&n, "www.bank.test");
	put_rr(o, SECTION_ANSWER, n.wire, DNS_A, 3600, addr, 4);
	set_name(&n, "bank.test");
	set_name(&ns, "ns.evil.test");
	put_rr(o, SECTION_AUTHORITY, n.wire, DNS_NS, 3600, ns.wire, ns.len);
	set_name(&n, "ns.bank.test");
	put_rr(o, SECTION_ADDITIONAL, n.wire, DNS_A, 3600, addr, 4);
}

/* The answer in o; false: there is none. */
static bool answer(struct fake_net *f, struct fake_server *s, const uint8_t *msg,
                   const struct asked *q, bool over_tcp, struct out *o)
{
	unsigned habits = s->habits;
	bool is_aa = true;
	memset(o, 0, sizeof *o);
	o->n = DNS_HEADER_BYTES;
	if ((habits & FAKE_DEAD) != 0 || (!over_tcp && (habits & FAKE_TCP_ONLY) != 0) ||
	    (q->has_edns && (habits & FAKE_DROPS_EDNS) != 0) ||
	    (q->type == DNS_DNSKEY && (habits & FAKE_NO_KEYS) != 0))
		return false;
	if (q->has_edns && (habits & FAKE_FORMERR_EDNS) != 0) {
		finish(o, q->id, FLAG_QR | RCODE_FORMERR, 0);
		return true;
	}
	put(o, msg + DNS_HEADER_BYTES, q->question_bytes);
	if ((habits & FAKE_LOWERS_CASE) != 0)
		name_copy_lower(o->bytes + DNS_HEADER_BYTES, msg + DNS_HEADER_BYTES);
	if ((habits & FAKE_GARBAGE) != 0) {
		memset(o->bytes + o->n, 0xc1, 40);
		o->n += 40;
		o->counts[0] = 3;
		finish(o, q->id, FLAG_QR | FLAG_AA, 1);
		return true;
	}
	unsigned rcode = RCODE_NOERROR;
	if ((habits & FAKE_REFUSES) != 0) {
		rcode = RCODE_REFUSED;
	} else if ((habits & FAKE_SERVFAIL) != 0) {
		rcode = RCODE_SERVFAIL;
	} else if ((habits & FAKE_REFERS_UP) != 0) {
		struct name ns;
		is_aa = false;
		set_name(&ns, "a.root.test");
		put_rr(o, SECTION_AUTHORITY, (const uint8_t *)"", DNS_NS, 300, ns.wire, ns.len);
	} else {
		rcode = resolve(f, s, q, o, &is_aa);
		if ((habits & FAKE_POISONS) != 0)
			poison(o);
	}
	uint16_t flags = (uint16_t)(FLAG_QR | (is_aa ? FLAG_AA : 0) | rcode);
	if ((habits & (FAKE_NOT_AA | FAKE_RECURSES)) != 0)
		flags = (uint16_t)((flags & ~FLAG_AA) | FLAG_RA);
	if (!over_tcp && (habits & FAKE_TRUNCATES) != 0) {
		memset(o->counts, 0, sizeof o->counts);
		o->n = DNS_HEADER_BYTES + q->question_bytes;
		flags |= FLAG_TC;
	}
	finish(o, q->id, flags, 1);
	if (q->has_edns) {
		uint8_t opt[11] = { 0, 0, DNS_OPT, 0x04, 0xd0 };
		bool is_cookie = (habits & FAKE_COOKIES) != 0 && q->cookie_bytes >= 8;
		if (is_cookie && !over_tcp && (habits & FAKE_WANTS_COOKIE) != 0 &&
		    !has_our_half(q)) {
			memset(o->counts, 0, sizeof o->counts);
			o->n = DNS_HEADER_BYTES + q->question_bytes;
			flags = (uint16_t)((flags & ~0xf) | (RCODE_BADCOOKIE & 0xf));
			opt[5] = RCODE_BADCOOKIE >> 4;
		}
		opt[10] = is_cookie ? 20 : 0;
		put(o, opt, sizeof opt);
		if (is_cookie) {
			static const uint8_t head[4] = { 0, 10, 0, 16 };
			put(o, head, sizeof head);
			put(o, q->cookie, 8);
			put(o, our_half, 8);
		}
		o->counts[2]++;
		finish(o, q->id, flags, 1);
	}
	return true;
}

enum {
	FORGERIES = FAKE_WRONG_ID | FAKE_WRONG_QUESTION | FAKE_WRONG_CASE | FAKE_WRONG_COOKIE |
	            FAKE_WITHOUT_COOKIE | FAKE_FLOODS | FAKE_BARE_ERROR
};

/* The last octet of the first record's address is made 6.6.6.6. */
static void forge_data(struct out *forged, const struct asked *q)
{
	size_t first = DNS_HEADER_BYTES + q->question_bytes;
	if (forged->counts[0] == 0 && forged->counts[1] == 0)
		return;
	size_t at = first + name_len(forged->bytes + first) + 10;
	memset(forged->bytes + at, 6, 4);
}

static void forge(struct fake_server *s, int fd, const struct out *o, const struct asked *q,
                  const struct sockaddr *to, socklen_t to_len)
{
	struct out forged = *o;
	unsigned n_times = 1;
	forge_data(&forged, q);
	if ((s->habits & (FAKE_WRONG_ID | FAKE_FLOODS)) != 0)
		store16(forged.bytes, (uint16_t)(q->id + 1));
	if ((s->habits & FAKE_WRONG_QUESTION) != 0)
		forged.bytes[DNS_HEADER_BYTES + 1] ^= 1;
	if ((s->habits & FAKE_WRONG_CASE) != 0)
		forged.bytes[DNS_HEADER_BYTES + 1] ^= 0x20;
	if ((s->habits & FAKE_WRONG_COOKIE) != 0)
		forged.bytes[forged.n - 16] ^= 1;
	if ((s->habits & FAKE_WITHOUT_COOKIE) != 0 && q->cookie_bytes > 0) {
		forged.n -= 20;
		store16(forged.bytes + forged.n - 2, 0);
	}
	if ((s->habits & FAKE_BARE_ERROR) != 0) {
		memset(forged.counts, 0, sizeof forged.counts);
		forged.n = DNS_HEADER_BYTES;
		finish(&forged, q->id, FLAG_QR | RCODE_FORMERR, 0);
	}
	if ((s->habits & FAKE_FLOODS) != 0)
		n_times = 100;
	while (n_times-- > 0)
		must(sendto(fd, forged.bytes, forged.n, 0, to, to_len) >= 0);
}

static void udp_ready(struct watcher *w, uint32_t events)
{
	(void)events;
	struct port *p = CONTAINER_OF(w, struct port, watcher);
	uint8_t msg[1500];
	struct sockaddr_storage from;
	static struct out o;
	for (;;) {
		socklen_t from_len = sizeof from;
		ssize_t n = recvfrom(w->fd, msg, sizeof msg, MSG_DONTWAIT, (struct sockaddr *)&from,
		                     &from_len);
		struct asked q;
		if (n < 0)
			return;
		if (!read_asked(msg, (size_t)n, &q))
			continue;
		note(p->server, &q, false);
		if (!answer(p->net, p->server, msg, &q, false, &o))
			continue;
		if ((p->server->habits & FORGERIES) != 0)
			forge(p->server, w->fd, &o, &q, (struct sockaddr *)&from, from_len);
		must(sendto(w->fd, o.bytes, o.n, 0, (struct sockaddr *)&from, from_len) >= 0);
	}
}

static struct port *new_port(struct fake_net *f, struct fake_server *s, int fd, int kind,
                             void (*ready)(struct watcher *w, uint32_t events))
{
	struct port *p = NULL;
	for (unsigned i = 0; i < ARRAY_LEN(f->ports) && p == NULL; i++) {
		if (f->ports[i].watcher.fd <= 0)
			p = &f->ports[i];
	}
	must(p != NULL);
	*p = (struct port){
		.watcher = { .fd = fd, .ready = ready }, .net = f, .server = s, .kind = kind
	};
	must(loop_add(f->loop, &p->watcher, EPOLLIN) == 0);
	return p;
}

static void close_port(struct port *p)
{
	loop_remove(p->net->loop, &p->watcher);
	close(p->watcher.fd);
	p->watcher.fd = 0;
}

static bool answer_over_tcp(struct port *p, const uint8_t *msg, size_t n)
{
	static struct out o;
	struct asked q;
	if (!read_asked(msg, n, &q))
		return false;
	note(p->server, &q, true);
	if ((p->server->habits & FAKE_NO_TCP) != 0)
		return false;
	if (answer(p->net, p->server, msg, &q, true, &o)) {
		uint8_t head[2];
		store16(head, (uint16_t)o.n);
		must(send(p->watcher.fd, head, 2, MSG_NOSIGNAL) == 2);
		must(send(p->watcher.fd, o.bytes, o.n, MSG_NOSIGNAL) == (ssize_t)o.n);
	}
	return true;
}

/* Questions come whole on loopback, perhaps several; the answer goes out in two pieces. */
static void stream_ready(struct watcher *w, uint32_t events)
{
	(void)events;
	struct port *p = CONTAINER_OF(w, struct port, watcher);
	uint8_t msg[8192];
	ssize_t n = recv(w->fd, msg, sizeof msg, MSG_DONTWAIT);
	size_t at = 0;
	while (n >= 2 && at + 2 <= (size_t)n) {
		size_t len = load16(msg + at);
		if (at + 2 + len > (size_t)n || !answer_over_tcp(p, msg + at + 2, len))
			break;
		at += 2 + len;
	}
	if (n <= 0 || at != (size_t)n)
		close_port(p);
}

static void listen_ready(struct watcher *w, uint32_t events)
{
	(void)events;
	struct port *p = CONTAINER_OF(w, struct port, watcher);
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		new_port(p->net, p->server, fd, PORT_STREAM, stream_ready);
}

/* ---- life ---- */

static int open_socket(const char *addr, uint16_t port, int type)
{
	struct sockaddr_storage ss;
	struct endpoint e = { .port = port };
	int on = 1;
	must(addr_from_text(addr, strlen(addr), &e.addr) == 0);
	socklen_t n = endpoint_to_sockaddr(&e, &ss);
	int fd = socket(e.addr.is_v4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&ss, n) != 0 ||
	    (type == SOCK_STREAM && listen(fd, STREAMS_MAX) != 0)) {
		int e2 = -errno;
		close(fd);
		return e2;
	}
	return fd;
}

static int open_servers(struct fake_net *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		struct fake_server *s = &f->servers[i];
		int udp = open_socket(s->addr, f->port, SOCK_DGRAM);
		if (udp < 0)
			return udp;
		new_port(f, s, udp, PORT_UDP, udp_ready);
		int tcp = open_socket(s->addr, f->port, SOCK_STREAM);
		if (tcp < 0)
			return tcp;
		new_port(f, s, tcp, PORT_LISTEN, listen_ready);
	}
	return 0;
}

static void close_all(struct fake_net *f)
{
	for (unsigned i = 0; i < ARRAY_LEN(f->ports); i++) {
		if (f->ports[i].watcher.fd > 0)
			close_port(&f->ports[i]);
	}
}

int fake_net_new(struct loop *loop, struct fake_server *servers, unsigned n, struct fake_net **ret)
{
	struct fake_net *f = calloc(1, sizeof *f);
	int e = -EADDRINUSE;
	must(f != NULL);
	f->loop = loop;
	f->servers = servers;
	f->n = n;
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < ARRAY_LEN(servers[i].zones); k++) {
			if (servers[i].zones[k] != NULL)
				add_zone(f, &servers[i], servers[i].zones[k]);
		}
	}
	for (int tries = 0; tries < PORT_TRIES && e == -EADDRINUSE; tries++) {
		f->port = (uint16_t)(20000 + (getpid() * 31 + tries * 977) % 40000);
		e = open_servers(f);
		if (e != 0)
			close_all(f);
	}
	if (e != 0) {
		free(f);
		return e;
	}
	*ret = f;
	return 0;
}

void fake_net_free(struct fake_net *f)
{
	close_all(f);
	free(f);
}

uint16_t fake_net_port(const struct fake_net *f)
{
	return f->port;
}

unsigned fake_net_asked(const struct fake_net *f)
{
	unsigned n = 0;
	for (unsigned i = 0; i < f->n; i++)
		n += f->servers[i].n_udp + f->servers[i].n_tcp;
	return n;
}
