/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/clients.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

static struct clients_prefix prefix(const char *text, uint16_t group)
{
	struct clients_prefix p = { .group = group };
	assert_int_equal(addr_prefix_from_text(text, strlen(text), &p.prefix), 0);
	return p;
}

static uint16_t ask(const struct clients *c, const char *text)
{
	struct addr a;
	assert_int_equal(addr_from_text(text, strlen(text), &a), 0);
	return clients_group(c, &a);
}

static void the_longest_prefix_wins(void **state)
{
	(void)state;
	struct clients_prefix p[] = {
		prefix("10.0.0.0/8", 1),
		prefix("10.1.0.0/16", 2),
		prefix("10.1.2.3", 3),
		prefix("10.1.2.0/24", 4),
		prefix("255.255.255.255/32", 5),
		prefix("2001:db8::/32", 6),
		prefix("2001:db8:1::/48", 7),
		prefix("ffff::/16", 8),
		prefix("::1", 9),
	};
	struct clients c;
	assert_int_equal(clients_init(&c, p, ARRAY_LEN(p)), 0);
	assert_int_equal(ask(&c, "9.255.255.255"), POLICY_NO_GROUP);
	assert_int_equal(ask(&c, "10.0.0.0"), 1);
	assert_int_equal(ask(&c, "10.0.255.255"), 1);
	assert_int_equal(ask(&c, "10.1.0.0"), 2);
	assert_int_equal(ask(&c, "10.1.1.255"), 2);
	assert_int_equal(ask(&c, "10.1.2.2"), 4);
	assert_int_equal(ask(&c, "10.1.2.3"), 3);
	assert_int_equal(ask(&c, "10.1.2.4"), 4);
	assert_int_equal(ask(&c, "10.1.3.0"), 2);
	assert_int_equal(ask(&c, "10.2.0.0"), 1);
	assert_int_equal(ask(&c, "11.0.0.0"), POLICY_NO_GROUP);
	assert_int_equal(ask(&c, "255.255.255.254"), POLICY_NO_GROUP);
	assert_int_equal(ask(&c, "255.255.255.255"), 5);
	assert_int_equal(ask(&c, "2001:db8::1"), 6);
	assert_int_equal(ask(&c, "2001:db8:1::1"), 7);
	assert_int_equal(ask(&c, "2001:db9::"), POLICY_NO_GROUP);
	assert_int_equal(ask(&c, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 8);
	assert_int_equal(ask(&c, "::1"), 9);
	assert_int_equal(ask(&c, "::2"), POLICY_NO_GROUP);
	assert_int_equal(ask(&c, "::ffff:10.1.2.3"), 3); /* mapped: it is that IPv4 address */
	clients_done(&c);
}

static void whole_families(void **state)
{
	(void)state;
	struct clients_prefix p[] = { prefix("0.0.0.0/0", 1), prefix("128.0.0.0/1", 2) };
	struct clients c;
	assert_int_equal(clients_init(&c, p, 2), 0);
	assert_int_equal(ask(&c, "0.0.0.0"), 1);
	assert_int_equal(ask(&c, "127.255.255.255"), 1);
	assert_int_equal(ask(&c, "255.255.255.255"), 2);
	assert_int_equal(ask(&c, "::1"), POLICY_NO_GROUP);
	clients_done(&c);
	struct clients_prefix six = prefix("::/0", 1);
	assert_int_equal(clients_init(&c, &six, 1), 0);
	assert_int_equal(ask(&c, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 1);
	assert_int_equal(ask(&c, "::"), 1);
	assert_int_equal(ask(&c, "1.2.3.4"), POLICY_NO_GROUP);
	clients_done(&c);
	assert_int_equal(clients_init(&c, NULL, 0), 0);
	assert_int_equal(ask(&c, "1.2.3.4"), POLICY_NO_GROUP);
	clients_done(&c);
}

static void all_depths_of_ipv6(void **state)
{
	(void)state;
	struct clients_prefix p[129];
	struct clients c;
	for (unsigned i = 0; i <= 128; i++) {
		p[i] = prefix("::", 0);
		p[i].prefix.length = (uint8_t)i;
		p[i].group = (uint16_t)i;
	}
	assert_int_equal(clients_init(&c, p, 129), 0);
	assert_int_equal(ask(&c, "::"), 128);
	assert_int_equal(ask(&c, "::1"), 127);
	assert_int_equal(ask(&c, "8000::"), 0);
	clients_done(&c);
}

static void mistakes_are_refused(void **state)
{
	(void)state;
	struct clients c;
	struct clients_prefix twice[] = { prefix("10.0.0.0/8", 1), prefix("10.0.0.0/8", 2) };
	assert_int_equal(clients_init(&c, twice, 2), -EEXIST);
	struct clients_prefix hidden[] = { prefix("10.0.0.0/8", 1), prefix("10.0.0.0/8", 2) };
	hidden[1].prefix.addr.bytes[15] = 1; /* host bits make no difference */
	assert_int_equal(clients_init(&c, hidden, 2), -EEXIST);
	struct clients_prefix longer = prefix("10.0.0.0/8", 1);
	longer.prefix.length = 33;
	assert_int_equal(clients_init(&c, &longer, 1), -EINVAL);
}

/* Against the plain definition: among all that cover the address, the longest. */
static void random_prefixes_against_a_loop(void **state)
{
	(void)state;
	enum {
		N = 300
	};
	struct clients_prefix p[N], copy[N];
	struct clients c;
	unsigned n = 0;
	while (n < N) {
		bool is_new = true;
		struct addr a = addr_v4(0x0a000000 | random_below(1 << 12));
		uint8_t length = (uint8_t)(20 + random_below(13));
		p[n].prefix = (struct addr_prefix){ addr_masked(&a, length), length };
		p[n].group = (uint16_t)n;
		for (unsigned i = 0; i < n; i++)
			is_new &= p[i].prefix.length != length ||
			          !addr_equal(&p[i].prefix.addr, &p[n].prefix.addr);
		n += is_new;
	}
	memcpy(copy, p, sizeof p);
	assert_int_equal(clients_init(&c, copy, N), 0);
	for (unsigned i = 0; i < 1 << 12; i++) {
		struct addr a = addr_v4(0x0a000000 | i);
		uint16_t expected = POLICY_NO_GROUP;
		int best = -1;
		for (unsigned at = 0; at < N; at++) {
			if (addr_prefix_covers(&p[at].prefix, &a) && p[at].prefix.length > best) {
				best = p[at].prefix.length;
				expected = p[at].group;
			}
		}
		assert_int_equal(clients_group(&c, &a), expected);
	}
	clients_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_prefix_wins),
		cmocka_unit_test(whole_families),
		cmocka_unit_test(all_depths_of_ipv6),
		cmocka_unit_test(mistakes_are_refused),
		cmocka_unit_test(random_prefixes_against_a_loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
