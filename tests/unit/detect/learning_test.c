/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A network that learns: what it gains, and what malware that is there meanwhile gains. */
#include <errno.h>

#include "base/rcu.h"
#include "rig.h"

#define HOUR_NS (3600 * NS_PER_S)

enum {
	WALL_S = 1764000000,
	LEARN_H = 48,
	CLIENTS_MAX = 64,
};

struct network {
	struct config *c;
	struct detect *d;
	uint64_t now_ns;
	uint64_t serial;
	uint64_t passed[CLIENTS_MAX]; /* bytes, as hexadecimal digits tell them */
	uint64_t asked[CLIENTS_MAX];
};

static void start(struct network *n, const char *text)
{
	*n = (struct network){ .c = rig_config(text), .now_ns = NS_PER_S };
	assert_int_equal(detect_new(n->c, &n->d), 0);
	detect_tick(n->d, WALL_S);
}

static void stop(struct network *n)
{
	detect_free(n->d);
	config_free(n->c);
}

static uint64_t mix(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15ULL;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ULL;
	return x ^ x >> 32;
}

static void ask(struct network *n, unsigned client, const char *zone)
{
	static struct rig_packet p;
	struct detect_result r;
	char address[20], name[80];
	snprintf(address, sizeof address, "192.0.2.%u", client + 1);
	snprintf(name, sizeof name, "%016llx.%s", (unsigned long long)mix(n->serial++), zone);
	rig_packet(&p, address, name, zone, DNS_A, 100 + (uint8_t)zone[0], n->now_ns);
	detect_question(n->d, &p.q, &r);
	n->asked[client] += 8;
	if (r.outcome == DETECT_PASS)
		n->passed[client] += 8;
}

/* Each of some clients tells the domain so many names of 8 bytes an hour, for some hours. */
static void use(struct network *n, const char *zone, unsigned first, unsigned clients,
                unsigned names, unsigned hours)
{
	memset(n->asked, 0, sizeof n->asked);
	memset(n->passed, 0, sizeof n->passed);
	for (unsigned h = 0; h < hours; h++) {
		for (unsigned i = 0; i < names; i++) {
			for (unsigned k = first; k < first + clients; k++)
				ask(n, k, zone);
			n->now_ns += HOUR_NS / names;
			detect_tick(n->d, WALL_S + n->now_ns / NS_PER_S);
		}
	}
}

static const char learns[] = "detect: {dga.enable: false, leak.learn: 2d}\n";
static const char learns_not[] = "detect: {dga.enable: false}\n";

/* What a client gets through in 24 hours, after two days of the same. */
static uint64_t gain(const char *config, unsigned clients, unsigned names)
{
	static struct network n;
	start(&n, config);
	use(&n, "evil.example", 0, clients, names, LEARN_H + 1);
	use(&n, "evil.example", 0, clients, names, 24);
	uint64_t most = 0;
	for (unsigned i = 0; i < clients; i++)
		most = n.passed[i] > most ? n.passed[i] : most;
	stop(&n);
	return most;
}

static void malware_of_two_clients_gains_nothing(void **state)
{
	(void)state;
	for (unsigned clients = 1; clients <= 2; clients++) {
		uint64_t without = gain(learns_not, clients, 500);
		uint64_t with = gain(learns, clients, 500);
		assert_true(with <= without);
		assert_true(with <= 24 * 60 + 512);
	}
}

/* That of three and more gains what the highest ceiling is: nobody ever gets beyond it. */
static void malware_of_many_clients_gains_a_ceiling(void **state)
{
	(void)state;
	static const unsigned names[] = { 20, 100, 300, 350, 500, 1000 };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		uint64_t bytes = gain(learns, 3, names[i]);
		print_message("three infected clients, %u bytes an hour: %llu a day each\n",
		              names[i] * 8, (unsigned long long)bytes);
		assert_true(bytes <= (uint64_t)64 * (24 * 60 + 512));
	}
}

static void what_a_network_needs_is_granted(void **state)
{
	(void)state;
	static struct network n;
	start(&n, learns);
	/* An application that tells its vendor 400 bytes an hour, on 30 machines. */
	use(&n, "agent.example", 0, 30, 50, 12);
	use(&n, "agent.example", 0, 30, 50, 24);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(n.passed[i], n.asked[i]);
	/* Another domain has gained nothing by that. */
	use(&n, "evil.example", 0, 1, 500, 24);
	assert_true(n.passed[0] <= 24 * 60 + 512);
	struct detect_ceiling c[4];
	assert_int_equal(detect_ceilings(n.d, c, 4), 2);
	unsigned agent = c[0].factor > 1 ? 0 : 1;
	assert_true(c[agent].factor >= 8 && c[agent].factor <= 64 && c[agent].n_clients >= 3);
	assert_int_equal(c[!agent].factor, 1);
	assert_true(detect_learns_until_s(n.d) == WALL_S + 2 * 86400);
	stop(&n);
}

static void it_is_kept_and_forgotten(void **state)
{
	(void)state;
	static struct network n, again;
	char *text, why[DETECT_WHY_MAX];
	size_t size;
	start(&n, learns);
	uint64_t before = detect_ceilings_version(n.d);
	use(&n, "agent.example", 0, 30, 50, 12);
	assert_true(detect_ceilings_version(n.d) != before);
	assert_int_equal(detect_save_ceilings(n.d, &text, &size), 0);
	again = (struct network){ .c = rig_config(learns), .now_ns = n.now_ns };
	assert_int_equal(detect_new(again.c, &again.d), 0);
	assert_int_equal(detect_load_ceilings(again.d, text, size, why), 0);
	assert_string_equal(why, "");
	use(&again, "agent.example", 0, 30, 50, 24);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(again.passed[i], again.asked[i]);
	struct name name;
	assert_int_equal(name_from_text("agent.example", 13, &name), 0);
	assert_int_equal(detect_forget_ceiling(again.d, name.wire), 0);
	struct detect_ceiling c;
	assert_int_equal(detect_ceilings(again.d, &c, 1), 0);
	assert_int_equal(detect_forget_ceiling(again.d, name.wire), -ENOENT);
	assert_int_equal(detect_confirm_ceiling(again.d, name.wire), -ENOENT);
	assert_int_equal(detect_forget_ceiling(again.d, NULL), 0);
	free(text);
	stop(&n);
	stop(&again);
}

static void switched_off_it_is_not_used(void **state)
{
	(void)state;
	static struct network n;
	start(&n, learns);
	use(&n, "agent.example", 0, 30, 50, 12);
	struct config *off = rig_config(learns_not);
	assert_int_equal(detect_configure(n.d, off), 0);
	use(&n, "agent.example", 0, 30, 50, 24);
	assert_true(n.passed[0] < n.asked[0] / 2);
	assert_int_equal(detect_configure(n.d, n.c), 0);
	config_free(off);
	stop(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malware_of_two_clients_gains_nothing),
		cmocka_unit_test(malware_of_many_clients_gains_a_ceiling),
		cmocka_unit_test(what_a_network_needs_is_granted),
		cmocka_unit_test(it_is_kept_and_forgotten),
		cmocka_unit_test(switched_off_it_is_not_used),
	};
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_drain();
	rcu_thread_stop();
	return failed;
}
