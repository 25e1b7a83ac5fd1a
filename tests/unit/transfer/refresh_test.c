/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/refresh.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "layers.h"
#include "letters.h"
#include "transfer/query.h"
#include "transfer/zone_file.h"

/* A primary in a thread: what it says to SOA (UDP and TCP), IXFR and AXFR, in letters. */
struct primary {
	int udp, tcp, stop;
	pthread_t thread;
	struct endpoint at;
	const char *soa, *ixfr, *axfr; /* "": the connection is closed; '|' begins a message */
	unsigned rcode_of_ixfr;
	bool is_endless; /* AXFR never ends */
	const struct tsig_key *key;
	unsigned n_queries;
};

static struct primary p;
/* Held while the primary answers: between two refreshes the test changes what it says. */
static pthread_mutex_t answering = PTHREAD_MUTEX_INITIALIZER;
static char folder[64], zones[80], layers_folder[80], path[96];
static struct name zone;

static int socket_at(int type, uint16_t *port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(*port) };
	socklen_t n = sizeof sa;
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	*port = ntohs(sa.sin_port);
	return fd;
}

static void send_stream(int fd, struct letters *m, size_t n)
{
	uint8_t length[2];
	store16(length, (uint16_t)n);
	(void)!write(fd, length, 2);
	(void)!write(fd, m->bytes, n);
}

/* One answer: all messages over a stream, the first one over UDP. */
static void answer(int fd, uint8_t *query, size_t n, const struct sockaddr *to, socklen_t n_to)
{
	struct tsig_server s = { 0 };
	struct letters m;
	size_t n_query = n;
	p.n_queries++;
	must(tsig_take(query, &n_query, &s.query) == 0);
	tsig_server_check(&s, query, n_query, p.key);
	uint16_t type = load16(query + DNS_HEADER_BYTES + zone.len);
	const char *in = type == DNS_SOA ? p.soa : type == DNS_IXFR ? p.ixfr : p.axfr;
	if (*in == 0)
		return;
	letters_begin(&m, load16(query));
	if (type == DNS_IXFR)
		m.bytes[3] |= (uint8_t)p.rcode_of_ixfr;
	for (;; in++) {
		if (*in != '|' && *in != 0) {
			letters_add(&m, *in);
			continue;
		}
		size_t size = m.n;
		must(tsig_server_sign(&s, m.bytes, &size, sizeof m.bytes) == 0);
		if (to != NULL)
			(void)!sendto(fd, m.bytes, size, 0, to, n_to);
		else
			send_stream(fd, &m, size);
		if (*in == 0 || to != NULL)
			break;
		letters_begin(&m, load16(query));
	}
	while (p.is_endless && type == DNS_AXFR) {
		uint8_t more[2000];
		struct pollfd stop = { .fd = p.stop, .events = POLLIN };
		letters_begin(&m, load16(query));
		for (int i = 0; i < 100; i++)
			letters_add(&m, 'a');
		store16(more, (uint16_t)m.n);
		if (send(fd, more, 2, MSG_NOSIGNAL) < 0 || poll(&stop, 1, 0) > 0)
			return;
		(void)!send(fd, m.bytes, m.n, MSG_NOSIGNAL);
	}
}

static void serve_stream(int fd)
{
	uint8_t query[600];
	size_t n = 0;
	for (;;) {
		ssize_t k = read(fd, query + n, sizeof query - n);
		if (k <= 0)
			break;
		n += (size_t)k;
		if (n < 2 || n < 2U + load16(query))
			continue;
		answer(fd, query + 2, n - 2, NULL, 0);
		break; /* one question a connection is enough here */
	}
	close(fd);
}

static void *run(void *arg)
{
	(void)arg;
	struct pollfd fds[] = { { .fd = p.udp, .events = POLLIN },
		                { .fd = p.tcp, .events = POLLIN },
		                { .fd = p.stop, .events = POLLIN } };
	while (poll(fds, 3, -1) > 0 && fds[2].revents == 0) {
		uint8_t query[600];
		struct sockaddr_storage from;
		socklen_t n_from = sizeof from;
		pthread_mutex_lock(&answering);
		if (fds[0].revents != 0) {
			ssize_t n = recvfrom(p.udp, query, sizeof query, 0,
			                     (struct sockaddr *)&from, &n_from);
			if (n > 0)
				answer(p.udp, query, (size_t)n, (struct sockaddr *)&from, n_from);
		}
		if (fds[1].revents != 0)
			serve_stream(accept(p.tcp, NULL, NULL));
		pthread_mutex_unlock(&answering);
	}
	return NULL;
}

static void start(void)
{
	uint16_t port = 0;
	p.tcp = socket_at(SOCK_STREAM, &port);
	p.udp = socket_at(SOCK_DGRAM, &port);
	p.stop = eventfd(0, EFD_CLOEXEC);
	p.at = (struct endpoint){ .addr = addr_v4(INADDR_LOOPBACK), .port = port };
	assert_int_equal(listen(p.tcp, 5), 0);
	assert_int_equal(pthread_create(&p.thread, NULL, run, NULL), 0);
}

static void stop(void)
{
	uint64_t one = 1;
	assert_int_equal(write(p.stop, &one, sizeof one), sizeof one);
	pthread_join(p.thread, NULL);
	close(p.udp);
	close(p.tcp);
	close(p.stop);
	memset(&p, 0, sizeof p);
}

static void expect_zone(uint32_t serial, const char *names)
{
	struct zone_reader r;
	char all[64];
	assert_int_equal(zone_reader_open(&r, path, &zone), 0);
	assert_int_equal(r.numbers.serial, serial);
	zone_reader_close(&r);
	layers_letters(path, all, sizeof all);
	assert_string_equal(all, names);
}

/* Until the primary has said all it has to say. */
static void wait_for_primary(void)
{
	pthread_mutex_lock(&answering);
	pthread_mutex_unlock(&answering);
}

static struct refresh_result refresh(const struct tsig_key *key)
{
	struct refresh_result r;
	struct refresh_plan plan = {
		.zone = zone,
		.path = path,
		.primaries = &p.at,
		.n_primaries = 1,
		.key = key,
		.max_bytes = 20000,
		.stop_fd = -1,
	};
	wait_for_primary();
	refresh_run(&plan, &r);
	wait_for_primary();
	return r;
}

/* Rows: what the primary says, in order, and what is here then. */
static const struct {
	const char *why, *soa, *ixfr, *axfr;
	enum refresh_outcome outcome;
	bool is_delta;
	uint32_t serial;
	const char *names;
} rows[] = {
	{ "the first one", "1", "", "1|ab|1", REFRESH_NEW, false, 1, "ab" },
	{ "the same", "1", "", "", REFRESH_CURRENT, false, 1, "ab" },
	{ "a delta", "2", "21a2c2", "", REFRESH_NEW, true, 2, "bc" },
	{ "two steps", "4", "42b3d3d4e|4", "", REFRESH_NEW, true, 4, "ce" },
	{ "a whole zone as delta", "5", "5|xyz|5", "", REFRESH_NEW, false, 5, "xyz" },
	{ "older", "3", "", "3a3", REFRESH_FAILED, false, 5, "xyz" },
	{ "a delta that does not fit", "6", "65a6b6", "6|bc|6", REFRESH_NEW, false, 6, "bc" },
	{ "added twice", "7", "767b7", "7|bd|7", REFRESH_NEW, false, 7, "bd" },
	{ "cut off, both", "8", "87b8", "8|ab", REFRESH_FAILED, false, 7, "bd" },
	{ "closed at once", "8", "", "8a8", REFRESH_NEW, false, 8, "a" },
	{ "out of the zone", "9", "", "9!ab9", REFRESH_NEW, false, 9, "ab" },
	{ "round the corner is older", "0", "", "0a0", REFRESH_FAILED, false, 9, "ab" },
};

static void rows_follow_each_other(void **state)
{
	(void)state;
	start();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		p.soa = rows[i].soa;
		p.ixfr = rows[i].ixfr;
		p.axfr = rows[i].axfr;
		struct refresh_result r = refresh(NULL);
		if (r.outcome != rows[i].outcome || r.is_delta != rows[i].is_delta)
			fail_msg("%s: %d (%s)", rows[i].why, (int)r.outcome, r.why);
		assert_true(r.outcome == REFRESH_FAILED || r.soa.serial == rows[i].serial);
		expect_zone(rows[i].serial, rows[i].names);
	}
	stop();
}

static void a_refusal_of_ixfr_is_not_the_end(void **state)
{
	(void)state;
	start();
	unlink(path);
	p.soa = "1";
	p.axfr = "1a1";
	p.ixfr = "1";
	assert_int_equal(refresh(NULL).outcome, REFRESH_NEW);
	p.soa = "2";
	p.axfr = "2b2";
	p.ixfr = "2";
	p.rcode_of_ixfr = RCODE_NOTIMP;
	struct refresh_result r = refresh(NULL);
	assert_int_equal(r.outcome, REFRESH_NEW);
	assert_non_null(strstr(r.why, "NOTIMP"));
	expect_zone(2, "b");
	stop();
}

/* The newest layer is cut off, or is not there. */
static void what_is_damaged_comes_whole(void **state)
{
	(void)state;
	start();
	unlink(path);
	p.soa = "1";
	p.axfr = "1abc1";
	assert_int_equal(refresh(NULL).outcome, REFRESH_NEW);
	for (unsigned i = 0; i < 2; i++) {
		char text[LAYERS_HEAD_MAX], layer[PATH_MAX];
		size_t n;
		struct layers_head h;
		int fd = open(path, O_RDONLY);
		assert_int_equal(layers_head_read(fd, text, &n, &h), 0);
		close(fd);
		assert_int_equal(layers_path(path, h.names[h.n - 1], layer, sizeof layer), 0);
		assert_int_equal(i == 0 ? truncate(layer, 30) : unlink(layer), 0);
		p.soa = i == 0 ? "2" : "3";
		p.ixfr = i == 0 ? "21a2x2" : "32b3y3";
		p.axfr = i == 0 ? "2bcx2" : "3cxy3";
		struct refresh_result r = refresh(NULL);
		assert_int_equal(r.outcome, REFRESH_NEW);
		assert_false(r.is_delta);
		assert_string_equal(r.why, i == 0 ? "the copy here is damaged"
		                                  : "the copy here lacks a layer");
		expect_zone(2 + i, i == 0 ? "bcx" : "cxy");
	}
	stop();
}

static void keys_must_agree(void **state)
{
	(void)state;
	struct tsig_key ours, theirs;
	assert_int_equal(tsig_key_init(&ours, &zone, "hmac-sha512", "c2VjcmV0"), 0);
	assert_int_equal(tsig_key_init(&theirs, &zone, "hmac-sha512", "b3RoZXI="), 0);
	start();
	unlink(path);
	p.soa = "1";
	p.axfr = "1|a|b|1";
	p.ixfr = "";
	p.key = &ours;
	struct refresh_result r = refresh(&ours);
	assert_int_equal(r.outcome, REFRESH_NEW);
	expect_zone(1, "ab");
	p.soa = "2";
	p.axfr = "2|c|2";
	p.key = &theirs;
	r = refresh(&ours);
	assert_int_equal(r.outcome, REFRESH_FAILED);
	assert_non_null(strstr(r.why, "signature"));
	p.key = NULL;
	r = refresh(&ours);
	assert_int_equal(r.outcome, REFRESH_FAILED);
	assert_non_null(strstr(r.why, "BADKEY"));
	expect_zone(1, "ab");
	stop();
	tsig_key_done(&ours);
	tsig_key_done(&theirs);
}

static void endless_ones_are_ended(void **state)
{
	(void)state;
	start();
	unlink(path);
	p.soa = "1";
	p.axfr = "1a";
	p.ixfr = "";
	p.is_endless = true;
	struct refresh_result r = refresh(NULL);
	assert_int_equal(r.outcome, REFRESH_FAILED);
	assert_non_null(strstr(r.why, "max-zone-size"));
	assert_int_equal(access(path, F_OK), -1);
	stop();
}

static void nobody_there_is_told(void **state)
{
	(void)state;
	struct endpoint nobody = { .addr = addr_v4(INADDR_LOOPBACK), .port = 1 };
	start();
	p.at = nobody;
	struct refresh_result r = refresh(NULL);
	assert_int_equal(r.outcome, REFRESH_FAILED);
	assert_non_null(strstr(r.why, "127.0.0.1@1"));
	stop();
}

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/refresh_test.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(zones, sizeof zones, "%s/zones", folder);
	snprintf(layers_folder, sizeof layers_folder, "%s/layers", folder);
	assert_int_equal(mkdir(zones, 0700), 0);
	snprintf(path, sizeof path, "%s/zone", zones);
	return name_from_text("rpz", 3, &zone);
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	/* Nothing else was left behind but layers that wait until nobody can be reading them. */
	unsigned unfinished = layers_folder_remove(layers_folder);
	return unfinished != 0 || rmdir(zones) != 0 || rmdir(folder) != 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_follow_each_other),
		cmocka_unit_test(a_refusal_of_ixfr_is_not_the_end),
		cmocka_unit_test(what_is_damaged_comes_whole),
		cmocka_unit_test(keys_must_agree),
		cmocka_unit_test(endless_ones_are_ended),
		cmocka_unit_test(nobody_there_is_told),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
