/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections over TCP: shared, pipelined, broken, and servers that mean harm. */
#include "resolve/stream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rcu.h"
#include "stream_server.h"

enum {
	SCRATCH_BYTES = 4 * DNS_MAX_MESSAGE + 1024,
	MANY = 2000,
	HELD_MAX = 64
};

static struct loop *loop;
static struct exchange *x;
static struct stream_server server;
static uint8_t scratch[SCRATCH_BYTES];
static unsigned n_answered, n_failed;
static int last_error;
static const char *last_why;
static struct name name;
static struct ask asks[MANY];
static void (*on_answer)(struct ask *a);

static void answered(struct ask *a, struct message *m, bool over_tcp)
{
	assert_true(over_tcp);
	assert_int_equal(m->id, a->id);
	n_answered++;
	if (on_answer != NULL)
		on_answer(a);
}

static void failed(struct ask *a, int error)
{
	n_failed++;
	last_error = error;
	last_why = a->why;
}

/* ---- what the server does ---- */

static struct {
	struct peer *peer;
	uint8_t query[256];
	size_t n;
} held[HELD_MAX];
static unsigned n_held;

static void do_answer(struct peer *p, const uint8_t *q, size_t n)
{
	peer_answer(p, q, n);
}

static void do_nothing(struct peer *p, const uint8_t *q, size_t n)
{
	(void)p;
	(void)q;
	(void)n;
}

static void do_hold(struct peer *p, const uint8_t *q, size_t n)
{
	assert_in_range(n_held, 0, HELD_MAX - 1);
	assert_in_range(n, 12, sizeof held[0].query);
	held[n_held].peer = p;
	memcpy(held[n_held].query, q, n);
	held[n_held++].n = n;
}

static void do_answer_and_close(struct peer *p, const uint8_t *q, size_t n)
{
	peer_answer(p, q, n);
	peer_close(p);
}

static void do_close(struct peer *p, const uint8_t *q, size_t n)
{
	(void)q;
	(void)n;
	peer_close(p);
}

static void do_short_length(struct peer *p, const uint8_t *q, size_t n)
{
	(void)q;
	(void)n;
	peer_send(p, "\0\013abcdefghijk", 13);
}

static void do_begin_long(struct peer *p, const uint8_t *q, size_t n)
{
	(void)n;
	uint8_t head[4] = { 0xff, 0xff, q[0], q[1] };
	peer_send(p, head, sizeof head);
}

static void do_wrong_question(struct peer *p, const uint8_t *q, size_t n)
{
	uint8_t other[256];
	memcpy(other, q, n);
	other[DNS_HEADER_BYTES + 1] ^= 1;
	peer_answer(p, other, n);
}

static void do_strays(struct peer *p, const uint8_t *q, size_t n)
{
	uint8_t other[256];
	memcpy(other, q, n);
	for (int i = 1; i <= STREAM_STRAYS + 1; i++) {
		store16(other, (uint16_t)(load16(q) + i));
		peer_answer(p, other, n);
	}
}

static void do_many_small(struct peer *p, const uint8_t *q, size_t n)
{
	uint8_t whole[2 + 256];
	store16(whole, (uint16_t)n);
	memcpy(whole + 2, q, n);
	whole[4] |= 0x80;
	for (size_t i = 0; i < n + 2; i++)
		peer_send(p, whole + i, 1);
}

static uint16_t keepalive_ds; /* tenths of a second */

static void do_keepalive(struct peer *p, const uint8_t *q, size_t n)
{
	uint8_t m[256];
	/* OPT with a foreign option of one byte, then keepalive. */
	static const uint8_t opt[] = { 0,  0, 41, 4, 0xd0, 0, 0, 0,  0, 0,
		                       11, 0, 3,  0, 1,    9, 0, 11, 0, 2 };
	size_t question = DNS_HEADER_BYTES + name.len + 4U;
	(void)n;
	memcpy(m, q, question);
	memcpy(m + question, opt, sizeof opt);
	store16(m + question + 20, keepalive_ds);
	m[2] |= 0x80;
	m[11] = 1;
	peer_send_message(p, m, question + 22);
}

/* ---- rows ---- */

static int set_up_for(uint32_t connect_ms)
{
	assert_int_equal(loop_new(&loop), 0);
	const struct exchange_config config = { .loop = loop,
		                                .n_sockets = 4,
		                                .max_asks = 512,
		                                .connect_ms = connect_ms,
		                                .scratch = scratch,
		                                .scratch_bytes = sizeof scratch,
		                                .answered = answered,
		                                .failed = failed };
	assert_int_equal(exchange_new(&config, &x), 0);
	server = (struct stream_server){ .asked = do_answer };
	stream_server_start(&server, loop, "127.0.0.1", 0);
	n_answered = n_failed = n_held = 0;
	last_error = 0;
	last_why = NULL;
	on_answer = NULL;
	memset(asks, 0, sizeof asks);
	assert_int_equal(name_from_text("www.example.test", 16, &name), 0);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	return set_up_for(100);
}

/* Where hundreds connect, however slow the machine. */
static int set_up_patient(void **state)
{
	(void)state;
	return set_up_for(10000);
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		exchange_cancel(x, &asks[i]);
	exchange_free(x);
	stream_server_stop(&server);
	loop_free(loop);
	return 0;
}

static int begin_ask(unsigned i)
{
	asks[i] = (struct ask){
		.name = name.wire, .type = DNS_A, .server = server.at, .with_edns = true
	};
	return exchange_send_stream(x, &asks[i]);
}

/* Until so many are answered or failed; at most half a second. */
static void turn_until(unsigned n)
{
	for (int i = 0; i < 500 && n_answered + n_failed < n; i++) {
		exchange_flush(x);
		loop_turn(loop, 1);
	}
	exchange_flush(x);
}

static void turn_for(uint64_t ms)
{
	uint64_t end_ns = clock_mono_ns() + ms * NS_PER_MS;
	while (clock_mono_ns() < end_ns) {
		exchange_flush(x);
		loop_turn(loop, 1);
	}
}

static uint64_t get(const _Atomic uint64_t *c)
{
	return atomic_load(c);
}

static void test_reused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(begin_ask(i), 0);
		turn_until(i + 1);
	}
	assert_int_equal(n_answered, 5);
	assert_int_equal(server.n_accepted, 1);
	assert_int_equal(get(&exchange_counts(x)->connections), 1);
	assert_int_equal(get(&exchange_counts(x)->reused), 4);
	/* RFC 7828 3.2.1: the client asks for keepalive, without a value. No padding in the clear. */
	size_t question = DNS_HEADER_BYTES + name.len + 4;
	assert_int_equal(server.last_bytes, question + 11 + 4);
	assert_memory_equal(server.last + question + 9, "\0\4\0\13\0\0", 6);
}

static void test_out_of_order(void **state)
{
	(void)state;
	server.asked = do_hold;
	for (unsigned i = 0; i < HELD_MAX; i++)
		assert_int_equal(begin_ask(i), 0);
	for (int i = 0; i < 500 && n_held < HELD_MAX; i++)
		turn_for(1);
	assert_int_equal(n_held, HELD_MAX);
	assert_int_equal(n_answered, 0);
	while (n_held > 0) {
		n_held--;
		peer_answer(held[n_held].peer, held[n_held].query, held[n_held].n);
	}
	turn_until(HELD_MAX);
	assert_int_equal(n_answered, HELD_MAX);
	assert_int_equal(server.n_accepted, 1);
}

static void test_bounded(void **state)
{
	(void)state;
	unsigned room = STREAM_ASKS * STREAMS_PER_SERVER;
	server.asked = do_nothing;
	for (unsigned i = 0; i < room; i++)
		assert_int_equal(begin_ask(i), 0);
	assert_int_equal(begin_ask(room), -EAGAIN);
	turn_for(30);
	for (int i = 0; i < 500 && server.n_queries < room; i++)
		turn_for(1);
	assert_int_equal(server.n_accepted, STREAMS_PER_SERVER);
	assert_int_equal(server.n_queries, room);
	exchange_cancel(x, &asks[0]);
	assert_int_equal(n_failed + n_answered, 0);
}

/* An idle connection may be closed by the server at any time: nobody is to notice. */
static void test_closed_while_idle(void **state)
{
	(void)state;
	server.asked = do_answer_and_close;
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(begin_ask(i), 0);
		turn_until(i + 1);
		turn_for(3);
	}
	assert_int_equal(n_answered, 4);
	assert_int_equal(n_failed, 0);
	assert_int_equal(server.n_accepted, 4);
}

/* The same just when the next question was sent. */
static void test_closed_while_asked(void **state)
{
	(void)state;
	assert_int_equal(begin_ask(0), 0);
	turn_until(1);
	server.asked = do_answer;
	assert_int_equal(begin_ask(1), 0);
	peer_close(server.peers);
	turn_until(2);
	assert_int_equal(n_answered, 2);
	assert_int_equal(n_failed, 0);
	assert_int_equal(server.n_accepted, 2);
}

static void test_one_question_a_connection(void **state)
{
	(void)state;
	server.asked = do_answer_and_close;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(begin_ask(i), 0);
	turn_until(10);
	assert_int_equal(n_answered, 10);
	assert_int_equal(server.n_accepted, 10);
	/* It is remembered: no more of them are lost. */
	for (unsigned i = 10; i < 20; i++)
		assert_int_equal(begin_ask(i), 0);
	turn_until(20);
	assert_int_equal(n_answered, 20);
	assert_int_equal(server.n_accepted, 20);
}

static void test_broken_without_answer(void **state)
{
	(void)state;
	server.asked = do_close;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(begin_ask(i), 0);
	turn_until(3);
	assert_int_equal(n_failed, 3);
	assert_int_equal(last_error, -ECONNRESET);
	assert_int_equal(server.n_accepted, 1);
}

/* Answers something, then breaks, each time: the others are tried twice more and no further. */
static void test_retries_end(void **state)
{
	(void)state;
	server.asked = do_answer;
	assert_int_equal(begin_ask(0), 0);
	turn_until(1);
	server.asked = do_close;
	assert_int_equal(begin_ask(1), 0);
	turn_until(2);
	assert_int_equal(n_failed, 1);
	assert_int_equal(server.n_accepted, 2);
}

static void test_drops_by_drops(void **state)
{
	(void)state;
	server.asked = do_many_small;
	assert_int_equal(begin_ask(0), 0);
	assert_int_equal(begin_ask(1), 0);
	turn_until(2);
	assert_int_equal(n_answered, 2);
}

/* Whoever waits gives up at his own time, and the connection goes with the last of them. */
static void test_never_ending_response(void **state)
{
	(void)state;
	server.asked = do_begin_long;
	assert_int_equal(begin_ask(0), 0);
	turn_for(10);
	for (int i = 0; i < 5; i++) {
		peer_send(server.peers, "x", 1);
		turn_for(2);
	}
	assert_int_equal(server.n_open, 1);
	exchange_cancel(x, &asks[0]);
	turn_for(5);
	assert_int_equal(server.n_open, 0);
	assert_int_equal(n_answered + n_failed, 0);
	server.asked = do_answer;
	assert_int_equal(begin_ask(1), 0);
	turn_until(1);
	assert_int_equal(n_answered, 1);
	assert_int_equal(server.n_accepted, 2);
}

/* One slow name does not cost the others their connection; its late answer is dropped. */
static void test_late_answer(void **state)
{
	(void)state;
	server.asked = do_hold;
	assert_int_equal(begin_ask(0), 0);
	turn_for(5);
	server.asked = do_answer;
	assert_int_equal(begin_ask(1), 0);
	turn_until(1);
	exchange_cancel(x, &asks[0]);
	peer_answer(held[0].peer, held[0].query, held[0].n);
	turn_for(5);
	assert_int_equal(begin_ask(2), 0);
	turn_until(2);
	assert_int_equal(n_answered, 2);
	assert_int_equal(server.n_accepted, 1);
	assert_int_equal(get(&exchange_counts(x)->dropped), 1);
}

static void test_nonsense(void **state)
{
	(void)state;
	static const struct {
		const char *why;
		void (*asked)(struct peer *p, const uint8_t *q, size_t n);
		unsigned n_open;
	} rows[] = {
		{ "a length shorter than a header", do_short_length, 0 },
		{ "ids that nobody asked with", do_strays, 0 },
		{ "the answer to another question", do_wrong_question, 1 },
	};
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		server.asked = rows[i].asked;
		assert_int_equal(begin_ask(i), 0);
		turn_until(i + 1);
		turn_for(3);
		if (n_failed != i + 1 || last_error != -EBADMSG || server.n_open != rows[i].n_open)
			fail_msg("%s: %u failed, %d, %u open", rows[i].why, n_failed, last_error,
			         server.n_open);
	}
}

/* What comes unasked does not keep an idle connection open. */
static void test_idle_chatter(void **state)
{
	(void)state;
	server.asked = do_keepalive;
	keepalive_ds = 6;
	assert_int_equal(begin_ask(0), 0);
	turn_until(1);
	for (int i = 0; i < 14; i++) {
		turn_for(10);
		if (!server.peers->is_gone)
			peer_send(server.peers, i == 0 ? "\1" : "x", 1);
	}
	assert_int_equal(server.n_open, 0);
}

static void test_keepalive(void **state)
{
	(void)state;
	static const struct {
		const char *why;
		uint16_t keepalive_ds;
		bool is_open; /* after 150 ms */
	} rows[] = {
		{ "0: close it now", 0, false },       { "half a second is our margin", 5, false },
		{ "600 ms are 100 for us", 6, false }, { "a minute", 600, true },
		{ "more than we want", 65535, true },
	};
	server.asked = do_keepalive;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		keepalive_ds = rows[i].keepalive_ds;
		assert_int_equal(begin_ask(i), 0);
		turn_until(i + 1);
		assert_int_equal(n_answered, i + 1);
		unsigned turns = i < 2 ? 5 : i == 2 ? 150 : 20; /* of a millisecond and more */
		for (unsigned k = 0; k < turns && server.n_open > 0; k++)
			turn_for(1);
		if ((server.n_open == 1) != rows[i].is_open)
			fail_msg("%s: %u open", rows[i].why, server.n_open);
	}
}

/* A backlog that is full: the kernel drops what comes, as a far firewall does. */
static void test_no_connection(void **state)
{
	(void)state;
	struct sockaddr_storage ss;
	int fds[8];
	struct endpoint e = { .addr = addr_v4(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t n = endpoint_to_sockaddr(&e, &ss);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, n), 0);
	assert_int_equal(listen(fd, 0), 0);
	n = sizeof ss;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &n), 0);
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		assert_int_equal(connect(fds[i], (struct sockaddr *)&ss, n), -1);
	}
	endpoint_from_sockaddr((struct sockaddr *)&ss, &e);
	asks[0] = (struct ask){ .name = name.wire, .type = DNS_A, .server = e };
	loop_turn(loop, 0);
	assert_int_equal(exchange_send_stream(x, &asks[0]), 0);
	turn_until(1);
	assert_int_equal(n_failed, 1);
	assert_int_equal(last_error, -ETIMEDOUT);
	assert_string_equal(last_why, "no connection in time");
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	close(fd);
}

static void cancel_the_others(struct ask *a)
{
	for (unsigned i = 0; i < 40; i++) {
		if (&asks[i] != a)
			exchange_cancel(x, &asks[i]);
	}
	on_answer = NULL;
	assert_int_equal(begin_ask(50), 0);
}

static void test_cancelled_from_inside(void **state)
{
	(void)state;
	on_answer = cancel_the_others;
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(begin_ask(i), 0);
	turn_until(2);
	turn_for(5);
	assert_int_equal(n_answered, 2);
	assert_int_equal(server.n_accepted, 1);
}

/* The connection that was idle longest makes room; without an idle one there is none. */
static void test_worker_limit(void **state)
{
	(void)state;
	static struct stream_server others[STREAMS_MAX];
	struct rlimit files = { 4096, 4096 };
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		skip();
	for (unsigned i = 0; i < STREAMS_MAX; i++) {
		char addr[32];
		snprintf(addr, sizeof addr, "127.77.%u.%u", i / 200, i % 200 + 1);
		others[i] = (struct stream_server){ .asked = do_nothing };
		stream_server_start(&others[i], loop, addr, server.at.port);
	}
	assert_int_equal(begin_ask(0), 0);
	turn_until(1); /* idle from now on */
	for (unsigned i = 0; i < STREAMS_MAX; i++) {
		asks[i + 1] =
			(struct ask){ .name = name.wire, .type = DNS_A, .server = others[i].at };
		assert_int_equal(exchange_send_stream(x, &asks[i + 1]), 0);
	}
	for (int i = 0; i < 100 && server.n_open > 0; i++)
		turn_for(1);
	assert_int_equal(server.n_open, 0);
	assert_int_equal(begin_ask(STREAMS_MAX + 1), -EAGAIN);
	for (unsigned i = 0; i < MANY; i++)
		exchange_cancel(x, &asks[i]);
	for (unsigned i = 0; i < STREAMS_MAX; i++)
		stream_server_stop(&others[i]);
}

static void test_large_response(void **state)
{
	(void)state;
	static uint8_t large[DNS_MAX_MESSAGE];
	server.asked = do_hold;
	assert_int_equal(begin_ask(0), 0);
	turn_for(5);
	memset(large, 0, sizeof large);
	memcpy(large, held[0].query, DNS_HEADER_BYTES + name.len + 4U);
	large[2] |= 0x80;
	large[11] = 0;
	peer_send_message(held[0].peer, large, sizeof large);
	turn_until(1);
	assert_int_equal(n_answered, 1);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		ROW(test_reused),
		ROW(test_out_of_order),
		ROW(test_bounded),
		ROW(test_closed_while_idle),
		ROW(test_closed_while_asked),
		ROW(test_one_question_a_connection),
		ROW(test_broken_without_answer),
		ROW(test_retries_end),
		ROW(test_drops_by_drops),
		ROW(test_never_ending_response),
		ROW(test_late_answer),
		ROW(test_nonsense),
		ROW(test_idle_chatter),
		ROW(test_keepalive),
		ROW(test_no_connection),
		ROW(test_cancelled_from_inside),
		cmocka_unit_test_setup_teardown(test_worker_limit, set_up_patient, tear_down),
		ROW(test_large_response),
	};
	rcu_thread_start();
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_thread_stop();
	return result;
}
