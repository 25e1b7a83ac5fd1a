/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/send.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "folder.h"
#include "transfer/journal.h"
#include "transfer/query.h"
#include "transfer/receive.h"

static struct name zone;
static struct tsig_key key;

static void commit(unsigned from, unsigned to, uint32_t *ret_serial)
{
	const struct journal_terms t = { .folder = folder, .zone = &zone, .ttl_s = 60, .now_s = 1 };
	struct sorter *s;
	char line[64];
	assert_int_equal(sorter_new(folder, &s), 0);
	for (unsigned i = from; i < to; i++) {
		int n = snprintf(line, sizeof line, "n%u.example.rpz.\t60\tCNAME\t.", i);
		assert_int_equal(sorter_add(s, line, (size_t)n), 0);
	}
	assert_int_equal(journal_commit(&t, s, ret_serial), 1);
	sorter_free(s);
}

/* What the receiver counted. */
struct got {
	unsigned n_added, n_deleted;
};

static int take(void *arg, enum receive_event event, const struct rr *rr)
{
	struct got *g = arg;
	g->n_added += event == RECEIVE_ADD;
	g->n_deleted += event == RECEIVE_DELETE;
	if (event == RECEIVE_ADD)
		assert_true(rr->type == DNS_CNAME && name_is_within(rr->owner, zone.wire));
	return 0;
}

struct side {
	struct stream *s;
	struct request r;
	struct send_result result;
	int error;
};

static void *send_it(void *arg)
{
	struct side *x = arg;
	x->error = send_zone(x->s, &x->r, folder, &x->result);
	stream_finish(x->s);
	return NULL;
}

/* One transfer through a pair of sockets. */
static struct side transfer(uint16_t type, uint32_t serial, const struct tsig_key *k,
                            struct got *got, struct receive *r)
{
	static uint8_t scratch[RECEIVE_SCRATCH_BYTES];
	uint8_t query[QUERY_MAX], *msg;
	const char *why = "";
	struct side x = { 0 };
	struct tsig_client c;
	struct stream *s;
	pthread_t thread;
	int ends[2], e = 0;
	size_t n = query_write(query, 5, 0, &zone, type, serial);
	uint64_t end_ns = clock_mono_ns() + 10 * NS_PER_S;
	tsig_client_init(&c, k);
	assert_int_equal(tsig_client_sign(&c, query, &n, sizeof query), 0);
	assert_int_equal(request_read(&x.r, query, n), 0);
	tsig_server_check(&x.r.tsig, x.r.bytes, x.r.n, k);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
	                 0);
	assert_int_equal(stream_adopt(ends[0], NULL, 0, -1, end_ns, &x.s), 0);
	assert_int_equal(stream_adopt(ends[1], NULL, 0, -1, end_ns, &s), 0);
	assert_int_equal(pthread_create(&thread, NULL, send_it, &x), 0);
	const struct receive_plan plan = {
		.zone = &zone,
		.type = type,
		.id = 5,
		.has_serial = serial != 0,
		.serial = serial,
		.max_bytes = 10 << 20,
		.max_records = 100000,
		.take = take,
		.arg = got,
	};
	receive_init(r, &plan);
	*got = (struct got){ 0 };
	while (e == 0) {
		e = stream_receive(s, &msg, &n);
		if (e == 0)
			e = tsig_client_check(&c, msg, &n, &why);
		if (e == 0)
			e = receive_message(r, msg, n, scratch);
	}
	if (e != 1)
		fail_msg("%d: %s%s", e, why, r->why);
	assert_true(tsig_client_end(&c));
	tsig_client_done(&c);
	stream_close(s);
	pthread_join(thread, NULL);
	r->plan = NULL;
	assert_int_equal(x.error, 0);
	return x;
}

static void zones_and_steps_are_sent(void **state)
{
	(void)state;
	const struct tsig_key *keys[] = { NULL, &key };
	uint32_t first, second, last;
	struct receive r;
	struct got got;
	commit(0, 5000, &first);
	commit(10, 5020, &second);
	commit(20, 5020, &last);
	for (int i = 0; i < 2; i++) {
		struct side x = transfer(DNS_AXFR, 0, keys[i], &got, &r);
		assert_int_equal(got.n_added, 5000);
		assert_false(x.result.is_delta);
		assert_true(x.result.n_messages > 1);
		x = transfer(DNS_IXFR, first, keys[i], &got, &r);
		assert_true(x.result.is_delta && r.is_delta);
		assert_int_equal(got.n_added, 20);
		assert_int_equal(got.n_deleted, 20);
		assert_int_equal(x.result.serial, last);
		x = transfer(DNS_IXFR, second, keys[i], &got, &r);
		assert_int_equal(got.n_added, 0);
		assert_int_equal(got.n_deleted, 10);
		(void)transfer(DNS_IXFR, last, keys[i], &got, &r);
		assert_true(r.is_current);
		/* Of a version nobody knows: the whole zone. */
		x = transfer(DNS_IXFR, first - 1, keys[i], &got, &r);
		assert_false(x.result.is_delta);
		assert_int_equal(got.n_added, 5000);
	}
}

static void a_zone_without_a_version_fails(void **state)
{
	(void)state;
	uint8_t query[QUERY_MAX], *msg;
	struct side x = { 0 };
	struct stream *s;
	int ends[2];
	size_t n = query_write(query, 5, 0, &zone, DNS_AXFR, 0);
	uint64_t end_ns = clock_mono_ns() + NS_PER_S;
	assert_int_equal(request_read(&x.r, query, n), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
	                 0);
	assert_int_equal(stream_adopt(ends[0], NULL, 0, -1, end_ns, &x.s), 0);
	assert_int_equal(stream_adopt(ends[1], NULL, 0, -1, end_ns, &s), 0);
	assert_int_equal(send_zone(x.s, &x.r, folder, &x.result), -ENOENT);
	assert_int_equal(stream_receive(s, &msg, &n), 0);
	assert_int_equal(msg[3] & 0xf, RCODE_SERVFAIL);
	stream_close(s);
	stream_close(x.s);
}

static int set_up(void **state)
{
	assert_int_equal(name_from_text("rpz", 3, &zone), 0);
	assert_int_equal(tsig_key_init(&key, &zone, "hmac-sha256", "c2VjcmV0"), 0);
	return folder_make(state);
}

static int tear_down(void **state)
{
	tsig_key_done(&key);
	return folder_remove(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(zones_and_steps_are_sent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_zone_without_a_version_fails, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
