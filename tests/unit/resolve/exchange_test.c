/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets, batches and matching, against plain sockets that send what a row says. */
#include "resolve/exchange.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rcu.h"

enum {
	SCRATCH_BYTES = 4 * 2048 + 1024
};

static struct loop *loop;
static struct exchange *x;
static struct endpoint server;
static int server_fd, other_fd;
static uint8_t scratch[SCRATCH_BYTES];
static unsigned n_answered, n_failed, n_doubted[EXCHANGE_N_DOUBTS];
static int last_error;
static uint16_t last_flags;
static struct name name;

static void answered(struct ask *a, struct message *m, bool over_tcp)
{
	(void)a;
	(void)over_tcp;
	n_answered++;
	last_flags = m->flags;
}

static void doubted(struct ask *a, enum exchange_doubt why)
{
	(void)a;
	n_doubted[why]++;
}

static void failed(struct ask *a, int error)
{
	(void)a;
	n_failed++;
	last_error = error;
}

static int open_server(struct endpoint *ret)
{
	struct sockaddr_storage ss;
	socklen_t n;
	struct endpoint e = { .addr = addr_v4(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	n = endpoint_to_sockaddr(&e, &ss);
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, n), 0);
	n = sizeof ss;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &n), 0);
	endpoint_from_sockaddr((struct sockaddr *)&ss, ret);
	return fd;
}

static struct exchange *make_exchange(unsigned n_sockets)
{
	struct exchange *made;
	const struct exchange_config config = { .loop = loop,
		                                .n_sockets = n_sockets,
		                                .max_asks = 512,
		                                .scratch = scratch,
		                                .scratch_bytes = sizeof scratch,
		                                .answered = answered,
		                                .doubted = doubted,
		                                .failed = failed };
	assert_int_equal(exchange_new(&config, &made), 0);
	return made;
}

static int set_up(void **state)
{
	(void)state;
	struct endpoint unused;
	assert_int_equal(loop_new(&loop), 0);
	x = make_exchange(4);
	server_fd = open_server(&server);
	other_fd = open_server(&unused);
	n_answered = n_failed = 0;
	memset(n_doubted, 0, sizeof n_doubted);
	server_table_init();
	server_table_reset();
	last_error = 0;
	assert_int_equal(name_from_text("www.example.test", 16, &name), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	exchange_free(x);
	loop_free(loop);
	close(server_fd);
	close(other_fd);
	return 0;
}

static struct ask make_ask(void)
{
	return (struct ask){ .name = name.wire,
		             .type = DNS_A,
		             .server = server,
		             .server_tag = server_tag(&server) };
}

/* The question as the server got it; from where. */
static size_t receive(uint8_t *ret, struct sockaddr_in *ret_from)
{
	socklen_t n = sizeof *ret_from;
	ssize_t k = recvfrom(server_fd, ret, 512, 0, (struct sockaddr *)ret_from, &n);
	return k > 0 ? (size_t)k : 0;
}

static void respond(int fd, const uint8_t *bytes, size_t n, const struct sockaddr_in *to)
{
	assert_int_equal(sendto(fd, bytes, n, 0, (const struct sockaddr *)to, sizeof *to), n);
	loop_turn(loop, 20);
}

static void test_matching(void **state)
{
	(void)state;
	struct ask a = make_ask();
	uint8_t q[512];
	uint8_t bad[4096];
	struct sockaddr_in from;
	assert_int_equal(exchange_send(x, &a), 0);
	exchange_flush(x);
	size_t n = receive(q, &from);
	assert_int_equal(n, 12 + 18 + 4);
	assert_int_equal(load16(q), a.id);
	respond(server_fd, q, n, &from); /* no response: QR is missing */
	q[2] |= 0x80;
	memcpy(bad, q, n);
	bad[1] ^= 1;
	respond(server_fd, bad, n, &from); /* another id */
	memcpy(bad, q, n);
	bad[13] ^= 1;
	respond(server_fd, bad, n, &from); /* another name */
	memcpy(bad, q, n);
	bad[n - 3] ^= 1;
	respond(server_fd, bad, n, &from); /* another type */
	memcpy(bad, q, n);
	bad[n - 1] ^= 1;
	respond(server_fd, bad, n, &from); /* another class */
	memcpy(bad, q, n);
	bad[2] |= 0x08;
	respond(server_fd, bad, n, &from); /* another opcode */
	exchange_cancel(x, &a);            /* ten of them would send it to TCP */
	assert_int_equal(exchange_send(x, &a), 0);
	exchange_flush(x);
	assert_int_equal(receive(q, &from), n);
	q[2] |= 0x80;
	respond(server_fd, q, 11, &from); /* no header */
	respond(server_fd, q, 20, &from); /* half a question */
	respond(other_fd, q, n, &from);   /* from another port */
	memcpy(bad, q, n);
	bad[5] = 0;
	respond(server_fd, bad, 12, &from); /* no question, and no FORMERR either */
	assert_int_equal(n_answered, 0);
	assert_int_equal(exchange_counts(x)->dropped, 10);
	for (int i = 13; i < 16; i++)
		q[i] = (uint8_t)(q[i] & ~0x20); /* case does not matter */
	respond(server_fd, q, n, &from);
	assert_int_equal(n_answered, 1);
	assert_null(a.socket);
	respond(server_fd, q, n, &from); /* nobody waits any more */
	assert_int_equal(n_answered, 1);
	assert_int_equal(exchange_counts(x)->dropped, 11);
}

static void test_bare_formerr(void **state)
{
	(void)state;
	struct ask a = make_ask();
	uint8_t q[512];
	struct sockaddr_in from;
	assert_int_equal(exchange_send(x, &a), 0);
	exchange_flush(x);
	assert_true(receive(q, &from) > 0);
	q[2] |= 0x80;
	q[3] = RCODE_FORMERR;
	q[5] = 0;
	respond(server_fd, q, 12, &from);
	assert_int_equal(n_answered, 1);
}

static void test_too_large(void **state)
{
	(void)state;
	struct ask a = make_ask();
	uint8_t q[4096];
	struct sockaddr_in from;
	assert_int_equal(exchange_send(x, &a), 0);
	exchange_flush(x);
	assert_true(receive(q, &from) > 0);
	q[2] |= 0x80;
	respond(server_fd, q, 3000, &from);
	assert_int_equal(n_answered, 1);
	assert_true((last_flags & FLAG_TC) != 0);
}

static void test_cancelled(void **state)
{
	(void)state;
	struct ask a = make_ask();
	uint8_t q[512];
	struct sockaddr_in from;
	assert_int_equal(exchange_send(x, &a), 0);
	exchange_flush(x);
	size_t n = receive(q, &from);
	exchange_cancel(x, &a);
	exchange_cancel(x, &a);
	q[2] |= 0x80;
	respond(server_fd, q, n, &from);
	assert_int_equal(n_answered, 0);
}

/* Ids differ, and a batch of more than fits into one system call arrives whole. */
static void test_batch(void **state)
{
	(void)state;
	static struct ask asks[150];
	static bool seen[65536];
	uint8_t q[512];
	struct sockaddr_in from;
	unsigned n_ids = 0;
	unsigned n_ports = 0;
	uint16_t last_port = 0;
	for (unsigned i = 0; i < ARRAY_LEN(asks); i++) {
		asks[i] = make_ask();
		asks[i].type = (uint16_t)(1 + i);
		assert_int_equal(exchange_send(x, &asks[i]), 0);
	}
	exchange_flush(x);
	for (unsigned i = 0; i < ARRAY_LEN(asks); i++) {
		size_t n = receive(q, &from);
		assert_true(n > 0);
		n_ids += seen[load16(q)] ? 0 : 1;
		seen[load16(q)] = true;
		n_ports += from.sin_port != last_port ? 1 : 0;
		last_port = from.sin_port;
		q[2] |= 0x80;
		respond(server_fd, q, n, &from);
	}
	assert_in_range(n_ids, 145, 150);
	assert_in_range(n_ports, 1, 3); /* one a batch */
	assert_int_equal(n_answered, ARRAY_LEN(asks));
}

/* The same question of the same server is one packet, whoever and how many ask it. */
static void test_shared(void **state)
{
	(void)state;
	static struct ask asks[20];
	uint8_t q[512];
	struct sockaddr_in from;
	for (unsigned i = 0; i < ARRAY_LEN(asks); i++) {
		asks[i] = make_ask();
		assert_int_equal(exchange_send(x, &asks[i]), 0);
	}
	exchange_flush(x);
	size_t n = receive(q, &from);
	assert_true(n > 0);
	uint8_t none[512];
	struct sockaddr_in nobody;
	assert_int_equal(receive(none, &nobody), 0);
	exchange_cancel(x, &asks[0]); /* whose packet it is: another one takes it over */
	exchange_cancel(x, &asks[7]);
	q[2] |= 0x80;
	respond(server_fd, q, n, &from);
	assert_int_equal(n_answered, 18);
	assert_int_equal(exchange_counts(x)->out, 1);
	assert_int_equal(exchange_counts(x)->joined, 19);
	/* After a timeout the next one sends again, and the old packet may still be answered. */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(exchange_send(x, &asks[i]), 0);
	exchange_flush(x);
	n = receive(q, &from);
	exchange_timed_out(x, &asks[1]);
	assert_int_equal(exchange_send(x, &asks[1]), 0);
	exchange_flush(x);
	uint8_t again[512];
	assert_int_equal(receive(again, &nobody), n);
	q[2] |= 0x80;
	respond(server_fd, q, n, &from);
	assert_int_equal(n_answered, 20);
	again[2] |= 0x80;
	respond(server_fd, again, n, &nobody);
	assert_int_equal(n_answered, 21);
}

/* Over many turns all ports of the pool are used; none is a fixed one. */
static void test_ports(void **state)
{
	(void)state;
	uint16_t ports[64];
	unsigned n_ports = 0;
	uint8_t q[512];
	struct sockaddr_in from;
	for (int turn = 0; turn < 64; turn++) {
		struct ask a = make_ask();
		assert_int_equal(exchange_send(x, &a), 0);
		exchange_flush(x);
		assert_true(receive(q, &from) > 0);
		exchange_cancel(x, &a);
		unsigned k = 0;
		while (k < n_ports && ports[k] != from.sin_port)
			k++;
		if (k == n_ports)
			ports[n_ports++] = from.sin_port;
	}
	assert_in_range(n_ports, 3, 4);
}

static void test_socket_is_replaced(void **state)
{
	(void)state;
	uint16_t ports[64];
	unsigned n_ports = 0;
	uint8_t q[512];
	struct sockaddr_in from;
	for (int turn = 0; turn < 40000 && n_ports < 6; turn++) {
		struct ask a = make_ask();
		assert_int_equal(exchange_send(x, &a), 0);
		exchange_flush(x);
		assert_true(receive(q, &from) > 0);
		exchange_cancel(x, &a);
		unsigned k = 0;
		while (k < n_ports && ports[k] != from.sin_port)
			k++;
		if (k == n_ports)
			ports[n_ports++] = from.sin_port;
	}
	assert_int_equal(n_ports, 6); /* of a pool of four */
}

/* Chi-square of 16 classes: above 60 once in ten million times. */
static bool is_even(const unsigned counts[16], unsigned n)
{
	double sum = 0;
	double expected = n / 16.0;
	for (int i = 0; i < 16; i++)
		sum += (counts[i] - expected) * (counts[i] - expected) / expected;
	return sum < 60;
}

/* What a forger has to guess, measured: ids, ports, the case of every letter. */
static void test_entropy(void **state)
{
	enum {
		POOLS = 24,
		SENT = 128
	};
	(void)state;
	unsigned high[16] = { 0 };
	unsigned low[16] = { 0 };
	unsigned ports[16] = { 0 };
	unsigned n_upper[13] = { 0 };
	uint8_t q[512];
	struct sockaddr_in from;
	for (int pool = 0; pool < POOLS; pool++) {
		exchange_free(x);
		x = make_exchange(64);
		for (int i = 0; i < SENT; i++) {
			struct ask a = make_ask();
			proof_prepare(&a.proof, &server, NULL, 1, true, false);
			assert_int_equal(exchange_send(x, &a), 0);
			exchange_flush(x);
			assert_true(receive(q, &from) > 0);
			exchange_cancel(x, &a);
			high[q[0] >> 4]++;
			low[q[1] & 15]++;
			ports[(ntohs(from.sin_port) - 1024) * 16 / (65536 - 1024)]++;
			for (int k = 0; k < 3; k++)
				n_upper[k] += (q[13 + k] & 0x20) == 0 ? 1 : 0;
			for (int k = 3; k < 10; k++)
				n_upper[k] += (q[14 + k] & 0x20) == 0 ? 1 : 0;
		}
	}
	unsigned n = POOLS * SENT;
	assert_true(is_even(high, n));
	assert_true(is_even(low, n));
	/* Half of all packets leave by a port that one before had: each port counts about twice. */
	for (int i = 0; i < 16; i++)
		assert_in_range(ports[i], n / 32, n / 10);
	for (int k = 0; k < 10; k++)
		assert_in_range(n_upper[k], n * 2 / 5, n * 3 / 5);
}

static void test_unsendable(void **state)
{
	(void)state;
	struct ask a = make_ask();
	a.server.addr = addr_v4(INADDR_BROADCAST); /* needs a permission that the socket lacks */
	assert_int_equal(exchange_send(x, &a), 0);
	assert_int_equal(n_failed, 0); /* not from inside */
	exchange_flush(x);
	assert_int_equal(n_failed, 1);
	assert_true(last_error < 0);
	assert_null(a.socket);
}

/* Each of a full batch that the kernel will not take is told so. */
static void test_unsendable_batch(void **state)
{
	(void)state;
	static struct ask asks[EXCHANGE_BATCH];
	for (unsigned i = 0; i < ARRAY_LEN(asks); i++) {
		asks[i] = make_ask();
		asks[i].type = (uint16_t)(1 + i);
		asks[i].server.addr = addr_v4(INADDR_BROADCAST);
		assert_int_equal(exchange_send(x, &asks[i]), 0);
	}
	exchange_flush(x);
	assert_int_equal(n_failed, ARRAY_LEN(asks));
}

static void test_refused_connection(void **state)
{
	(void)state;
	struct ask a = make_ask(); /* nobody listens there on TCP */
	int e = exchange_send_stream(x, &a);
	for (int i = 0; i < 20 && e == 0 && n_failed == 0; i++)
		loop_turn(loop, 5);
	assert_true(e == -ECONNREFUSED || last_error == -ECONNREFUSED);
	assert_null(a.stream);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		ROW(test_matching),
		ROW(test_bare_formerr),
		ROW(test_too_large),
		ROW(test_cancelled),
		ROW(test_batch),
		ROW(test_ports),
		ROW(test_shared),
		ROW(test_entropy),
		ROW(test_socket_is_replaced),
		ROW(test_unsendable),
		ROW(test_unsendable_batch),
		ROW(test_refused_connection),
	};
	rcu_thread_start();
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_thread_stop();
	return result;
}
