/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay/source.h"

#include <errno.h>

#include "file.h"

static struct replay_item item;

/* One question as text: "name type client outcome rcode aliases addresses". */
static void describe(char *to, size_t n)
{
	static const char *const outcomes[] = { "?", "passed", "blocked" };
	char name[NAME_TEXT_MAX], client[ADDR_TEXT_MAX] = "-";
	name_to_text(item.name.wire, name);
	if (item.has_client)
		addr_to_text(&item.client, client);
	int at = snprintf(to, n, "%s %u %s %s", name, item.type, client, outcomes[item.outcome]);
	if (item.has_rcode)
		at += snprintf(to + at, n - (size_t)at, " rcode=%u", item.rcode);
	for (unsigned i = 0; i < item.n_aliases; i++) {
		name_to_text(item.aliases[i].wire, name);
		at += snprintf(to + at, n - (size_t)at, " >%s", name);
	}
	for (unsigned i = 0; i < item.n_addrs; i++) {
		addr_to_text(&item.addrs[i], client);
		at += snprintf(to + at, n - (size_t)at, " =%s", client);
	}
	for (unsigned i = 0; i < item.n_server_names; i++) {
		name_to_text(item.server_names[i].wire, name);
		at += snprintf(to + at, n - (size_t)at, " @%s", name);
	}
	if (item.rule[0] != 0)
		snprintf(to + at, n - (size_t)at, " (%s)", item.rule);
}

struct expected {
	enum replay_format format;
	const char *items[8];
	uint64_t skips[REPLAY_N_SKIPS];
	bool fails;
};

static void check(const char *why, const void *bytes, size_t n, const struct expected *e)
{
	const struct file f = file_of(bytes, n);
	struct replay_source *s;
	char reason[REPLAY_WHY_MAX], text[4096];
	enum replay_got got;
	unsigned k = 0;
	if (replay_open(f.path, REPLAY_AUTO, &s, reason) != 0)
		fail_msg("%s: %s", why, reason);
	assert_int_equal(replay_format_of(s), e->format);
	while ((got = replay_next(s, &item)) == REPLAY_ITEM) {
		describe(text, sizeof text);
		if (k == ARRAY_LEN(e->items) || e->items[k] == NULL ||
		    strcmp(text, e->items[k]) != 0)
			fail_msg("%s: %u is %s", why, k, text);
		k++;
	}
	assert_int_equal(got, e->fails ? REPLAY_FAILED : REPLAY_END);
	if (k < ARRAY_LEN(e->items) && e->items[k] != NULL)
		fail_msg("%s: %s is missing", why, e->items[k]);
	for (unsigned i = 0; i < REPLAY_N_SKIPS; i++) {
		uint64_t first;
		if (replay_skipped(s, i, &first) != e->skips[i])
			fail_msg("%s: %u skipped %u", why, (unsigned)replay_skipped(s, i, &first),
			         i);
	}
	replay_close(s);
	file_done(&f);
}

static void check_text(const char *why, const char *text, const struct expected *e)
{
	check(why, text, strlen(text), e);
}

static void logs_of_bind(void **state)
{
	(void)state;
	check_text("BIND",
	           "28-Nov-2026 06:59:59.000 general: info: running\n"
	           "28-Nov-2026 07:00:00.000 queries: info: client @0x7f0c 192.0.2.7#53124 "
	           "(WWW.Example): query: WWW.Example IN A +E(0)K (192.0.2.53)\n"
	           "queries: info: client 2001:db8::7#1 (x.example): view in: query: x.example IN "
	           "TYPE65 - (::1)\n"
	           "client 192.0.2.7#1 (version.bind): query: version.bind CH TXT + (::1)\n"
	           "client 192.0.2.7#1 (a..b): query: a..b IN A + (::1)\n"
	           "client 192.0.2.7#1: query: y.example IN MX\n",
	           &(struct expected){
			   .format = REPLAY_BIND,
			   .items = { "www.example 1 192.0.2.7 ?", "x.example 65 2001:db8::7 ?",
	                              "y.example 15 192.0.2.7 ?" },
			   .skips = { [REPLAY_SKIP_OTHER] = 2, [REPLAY_SKIP_NAME] = 1 } });
}

static void logs_of_unbound(void **state)
{
	(void)state;
	check_text(
		"Unbound",
		"[1795849200] unbound[123:0] info: start of service (unbound 1.17.1).\n"
		"[1795849200] unbound[123:0] info: 192.0.2.7 www.example. A IN\n"
		"[1795849200] unbound[123:0] info: 192.0.2.7 www.example. A IN NOERROR 0.01 0 45\n"
		"Nov 28 07:00:00 host unbound[1]: [1:0] reply: ::1 b.example. AAAA IN NXDOMAIN 0 "
		"1 9\n"
		"[1795849200] unbound[123:0] query: 192.0.2.8 c.example. A IN\n"
		"[1795849200] unbound[123:0] query: 192.0.2.8 c.example. A IN\n",
		&(struct expected){ .format = REPLAY_UNBOUND,
	                            .items = { "www.example 1 192.0.2.7 passed rcode=0",
	                                       "b.example 28 ::1 passed rcode=3",
	                                       "c.example 1 192.0.2.8 ?",
	                                       "c.example 1 192.0.2.8 ?" },
	                            .skips = { [REPLAY_SKIP_OTHER] = 1 } });
}

static void logs_of_dnsmasq(void **state)
{
	(void)state;
	check_text("dnsmasq",
	           "Nov 28 07:00:00 dnsmasq[1]: started, version 2.89\n"
	           "Nov 28 07:00:00 dnsmasq[1]: query[A] www.example from 192.0.2.7\n"
	           "Nov 28 07:00:00 dnsmasq[1]: forwarded www.example to 192.0.2.53\n"
	           "Nov 28 07:00:00 dnsmasq[1]: reply www.example is <CNAME>\n"
	           "Nov 28 07:00:00 dnsmasq[1]: reply cdn.example is <CNAME>\n"
	           "Nov 28 07:00:00 dnsmasq[1]: reply edge.example is 192.0.2.80\n"
	           "Nov 28 07:00:00 dnsmasq[1]: reply edge.example is 192.0.2.81\n"
	           "Nov 28 07:00:00 dnsmasq[1]: reply other.example is 192.0.2.99\n"
	           "Nov 28 07:00:01 dnsmasq[1]: 45 192.0.2.8/40000 query[type=65] ad.example from "
	           "192.0.2.8\n"
	           "Nov 28 07:00:01 dnsmasq[1]: 45 192.0.2.8/40000 gravity blocked ad.example is "
	           "0.0.0.0\n"
	           "Nov 28 07:00:02 dnsmasq[1]: query[AAAA] no.example from ::1\n"
	           "Nov 28 07:00:02 dnsmasq[1]: cached no.example is NXDOMAIN\n",
	           &(struct expected){
			   .format = REPLAY_DNSMASQ,
			   .items = { "www.example 1 192.0.2.7 passed rcode=0 >cdn.example "
	                              ">edge.example =192.0.2.80 =192.0.2.81",
	                              "ad.example 65 192.0.2.8 blocked",
	                              "no.example 28 ::1 passed rcode=3" },
			   .skips = { [REPLAY_SKIP_OTHER] = 1 } });
}

static void our_own_events(void **state)
{
	(void)state;
	check_text(
		"events",
		"{\"@timestamp\":\"2026-11-22T23:01:57.123456Z\",\"client\":{\"ip\":\"192.0.2.7\"},"
		"\"dns\":{\"question\":{\"name\":\"www.example\",\"type\":\"A\",\"class\":\"IN\"},"
		"\"response_code\":\"NOERROR\",\"answers\":[{\"name\":\"www.example\",\"type\":"
		"\"CNAME\",\"ttl\":300,\"data\":\"cdn.example\"},{\"name\":\"cdn.example\",\"type\":"
		"\"A\",\"ttl\":60,\"data\":\"192.0.2.80\"}]},\"weir\":{\"cached\":false,"
		"\"name_servers\":[\"ns.example\"]}}\n"
		"{\"dns\":{\"question\":{\"type\":\"AAAA\",\"name\":\"a\\\\046b.example\"},"
		"\"answers\":[{\"data\":\"::1\",\"type\":\"AAAA\"}]},\"weir\":{\"verdict\":"
		"\"nxdomain\",\"trigger\":\"alias\",\"list\":\"bad\",\"rule\":\"evil.example\","
		"\"matched\":\"x.evil.example\"},\"client\":{\"ip\":\"::1\"}}\n"
		"{\"event\":{\"kind\":\"metric\"},\"weir\":{\"lost\":7}}\n"
		"{\"dns\":{\"question\":{\"name\":\"h.example\",\"type\":\"HTTPS\"},\"answers\":["
		"{\"type\":\"HTTPS\",\"data\":\"1 . alpn=h2 ipv4hint=192.0.2.1,192.0.2.2 "
		"ipv6hint=2001:db8::1\"}]}}\n"
		"{\"dns\":{\"question\":{\"name\":\"a..b\",\"type\":\"A\"}}}\n"
		"{\"dns\":{\"quest\n",
		&(struct expected){
			.format = REPLAY_EVENTS,
			.items = { "www.example 1 192.0.2.7 passed rcode=0 >cdn.example "
	                           "=192.0.2.80 @ns.example",
	                           "a\\046b.example 28 ::1 blocked >x.evil.example (list bad: rule "
	                           "evil.example)",
	                           "h.example 65 - passed =192.0.2.1 =192.0.2.2 =2001:db8::1" },
			.skips = { [REPLAY_SKIP_OTHER] = 1,
	                           [REPLAY_SKIP_NAME] = 1,
	                           [REPLAY_SKIP_DAMAGED] = 1 } });
}

static void the_time_of_an_event(void **state)
{
	static const char text[] = "{\"@timestamp\":\"2024-02-29T23:59:58.5Z\",\"dns\":"
				   "{\"question\":{\"name\":\"a\",\"type\":\"A\"}}}\n";
	const struct file f = file_of(text, strlen(text));
	struct replay_source *s;
	char why[REPLAY_WHY_MAX];
	(void)state;
	assert_int_equal(replay_open(f.path, REPLAY_EVENTS, &s, why), 0);
	assert_int_equal(replay_next(s, &item), REPLAY_ITEM);
	assert_int_equal(item.wall_ns / 1000000000, 1709251198);
	replay_close(s);
	file_done(&f);
}

/* ---- dnstap ---- */

static const uint8_t query[] = "\0\7\1\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1";
static const uint8_t response[] = "\0\7\201\200\0\1\0\2\0\0\0\0\3www\7example\0\0\1\0\1"
				  "\300\14\0\5\0\1\0\0\0\74\0\6\3cdn\300\20"
				  "\3cdn\300\20\0\1\0\1\0\0\0\74\0\4\300\0\2\120";
/* With an OPT record and EDE 15. */
static const uint8_t blocked[] = "\0\10\201\203\0\1\0\0\0\0\0\1\3www\7example\0\0\1\0\1"
				 "\0\0\51\4\320\0\0\0\0\0\6\0\17\0\2\0\17";

struct frames {
	uint8_t bytes[4096];
	size_t n;
};

static void put_control(struct frames *f, uint32_t type)
{
	store32(f->bytes + f->n, 0);
	store32(f->bytes + f->n + 4, 4);
	store32(f->bytes + f->n + 8, type);
	f->n += 12;
}

static void put_message(struct frames *f, unsigned type, const uint8_t *message, size_t n)
{
	uint8_t *frame = f->bytes + f->n, *p = frame + 4;
	*p++ = 15 << 3; /* Dnstap.type = MESSAGE */
	*p++ = 1;
	*p++ = 14 << 3 | 2; /* Dnstap.message */
	uint8_t *length = p++;
	uint8_t *inner = p;
	*p++ = 1 << 3; /* Message.type */
	*p++ = (uint8_t)type;
	*p++ = 4 << 3 | 2; /* query_address */
	*p++ = 4;
	memcpy(p, "\300\0\2\7", 4);
	p += 4;
	*p++ = 6 << 3; /* query_port */
	*p++ = 77;
	*p++ = 9 << 3 | 5; /* query_time_nsec */
	memset(p, 0, 4);
	p += 4;
	*p++ = (uint8_t)((type == 5 ? 10 : 14) << 3 | 2);
	*p++ = (uint8_t)n;
	memcpy(p, message, n);
	p += n;
	*length = (uint8_t)(p - inner);
	assert_true(p - inner < 128);
	store32(frame, (uint32_t)(p - frame - 4));
	f->n = (size_t)(p - f->bytes);
}

static void frames_of_dnstap(void **state)
{
	(void)state;
	struct frames f = { .n = 0 };
	put_control(&f, 2);
	put_message(&f, 5, query, sizeof query - 1);
	put_message(&f, 6, response, sizeof response - 1);
	put_message(&f, 1, query, sizeof query - 1); /* AUTH_QUERY */
	put_message(&f, 6, blocked, sizeof blocked - 1);
	put_message(&f, 5, query, sizeof query - 1);
	put_message(&f, 5, query, 14);
	size_t before_stop = f.n;
	put_control(&f, 3);
	struct expected e = {
		.format = REPLAY_DNSTAP,
		.items = { "www.example 1 192.0.2.7 passed rcode=0 >cdn.example =192.0.2.80",
		           "www.example 1 192.0.2.7 blocked rcode=3", "www.example 1 192.0.2.7 ?" },
		.skips = { [REPLAY_SKIP_OTHER] = 1, [REPLAY_SKIP_DAMAGED] = 1 },
	};
	check("dnstap", f.bytes, f.n, &e);
	e.fails = true;
	e.skips[REPLAY_SKIP_DAMAGED] = 0;
	check("dnstap, cut off", f.bytes, before_stop - 5, &e);
}

static void what_is_no_recording_is_refused(void **state)
{
	static const char text[] = "hello\nworld\n";
	const struct file f = file_of(text, strlen(text));
	struct replay_source *s;
	char why[REPLAY_WHY_MAX];
	(void)state;
	assert_int_equal(replay_open(f.path, REPLAY_AUTO, &s, why), -EILSEQ);
	assert_int_equal(replay_open(f.path, REPLAY_DNSTAP, &s, why), -EBADMSG);
	assert_int_equal(replay_open(f.path, REPLAY_PCAP, &s, why), -EBADMSG);
	assert_int_equal(replay_open("/nowhere/at/all", REPLAY_AUTO, &s, why), -ENOENT);
	file_done(&f);
	check_text("an empty file", "", &(struct expected){ .format = REPLAY_EVENTS });
	enum replay_format format;
	assert_int_equal(replay_format_from_text("dnstap", &format), 0);
	assert_int_equal(format, REPLAY_DNSTAP);
	assert_int_equal(replay_format_from_text("tcpdump", &format), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logs_of_bind),
		cmocka_unit_test(logs_of_unbound),
		cmocka_unit_test(logs_of_dnsmasq),
		cmocka_unit_test(our_own_events),
		cmocka_unit_test(the_time_of_an_event),
		cmocka_unit_test(frames_of_dnstap),
		cmocka_unit_test(what_is_no_recording_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
