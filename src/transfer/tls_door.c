/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/tls_door.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rcu.h"
#include "transfer/outgoing.h"
#include "transfer/send.h"
#include "transfer/table.h"

enum {
	FOLDER_ROOM = 4200,
	BACKLOG = 64,
	VISITOR_NICE = 10,
	NO_DESCRIPTOR_MS = 200, /* then accept() is tried again */
	COMPLAIN_EVERY_S = 60,
};

struct visitor {
	struct visitor *next;
	struct tls_door *door;
	pthread_t thread;
	int fd;
	struct addr client;
	struct tls_server *tls;
	struct stream *stream;
	_Atomic bool is_finished;
	/* What is to be sent: */
	bool has_transfer;
	struct request request;
	struct keyring *ring;
	char folder[FOLDER_ROOM];
	uint8_t answer[DNS_MAX_MESSAGE];
};

struct tls_door {
	const struct responder *home;
	int stop_fd, done_fd; /* done_fd: a visitor has gone */
	pthread_t thread;
	bool is_started;
	struct visitor *visitors; /* the door's thread */
	unsigned n_visitors;
	_Atomic unsigned n_sending;
	uint64_t complained_ns;
	unsigned n_listen;
	struct pollfd fds[]; /* those of listen, stop_fd, done_fd */
};

/* ---- one connection ---- */

static int take_transfer(void *arg, const struct request *r, const char *folder,
                         struct keyring *ring)
{
	struct visitor *v = arg;
	if (atomic_fetch_add(&v->door->n_sending, 1) >= OUTGOING_MAX_JOBS) {
		atomic_fetch_sub(&v->door->n_sending, 1);
		return -EBUSY;
	}
	v->request = *r;
	v->ring = keyring_get(ring);
	snprintf(v->folder, sizeof v->folder, "%s", folder);
	v->has_transfer = true;
	return 0;
}

static bool is_named(void *arg, const char *name)
{
	const struct visitor *v = arg;
	return tls_peer_is(stream_tls(v->stream), name);
}

static int send_it(struct visitor *v)
{
	struct send_result result = { 0 };
	int e = send_zone(v->stream, &v->request, v->folder, &result);
	send_tell(&v->request.zone, &v->client, true, e, &result);
	keyring_put(v->ring);
	v->has_transfer = false;
	atomic_fetch_sub(&v->door->n_sending, 1);
	return e == -ENOENT ? 0 : e; /* that was SERVFAIL */
}

/* No question for this place. */
static size_t refuse(const uint8_t *msg, uint8_t *out)
{
	memset(out, 0, DNS_HEADER_BYTES);
	memcpy(out, msg, 2);
	store16(out + 2, (uint16_t)(FLAG_QR | (load16(msg + 2) & 0x7900) | RCODE_REFUSED));
	return DNS_HEADER_BYTES;
}

/* The next message, and what is answered. Not 0: the end. */
static int answer_next(struct visitor *v)
{
	uint8_t *msg;
	size_t n;
	stream_set_deadline(v->stream, clock_mono_ns() + SEND_MAX_S * NS_PER_S);
	int e = stream_receive(v->stream, &msg, &n);
	if (e != 0)
		return e;
	if ((load16(msg + 2) & FLAG_QR) != 0)
		return -EBADMSG;
	const struct responder_message m = {
		.bytes = msg,
		.n = n,
		.client = v->client,
		.is_stream = true,
		.transfer = take_transfer,
		.is_named = is_named,
		.arg = v,
	};
	rcu_wake();
	size_t n_answer = responder_answer(v->door->home, &m, v->answer, sizeof v->answer);
	rcu_sleep();
	if (v->has_transfer)
		return send_it(v);
	if (n_answer == 0)
		n_answer = refuse(msg, v->answer);
	return stream_send(v->stream, v->answer, n_answer);
}

static void *visit(void *arg)
{
	struct visitor *v = arg;
	const uint64_t one = 1;
	const char *why;
	char client[ADDR_TEXT_MAX];
	int fd = v->fd;
	pthread_setname_np(pthread_self(), "weir/send");
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), VISITOR_NICE);
	rcu_thread_start();
	rcu_sleep();
	v->fd = -1;
	int e = stream_accept(fd, v->tls, v->door->stop_fd,
	                      clock_mono_ns() + STREAM_CONNECT_MS * NS_PER_MS, &v->stream, &why);
	if (e == 0) {
		while (e == 0)
			e = answer_next(v);
		stream_close(v->stream);
	} else if (e == -EKEYREJECTED || e == -EPROTO) {
		addr_to_text(&v->client, client);
		log_warning("zones over TLS: %s is not answered: %s", client, why);
	}
	rcu_wake();
	rcu_thread_stop();
	atomic_store_explicit(&v->is_finished, true, memory_order_release);
	if (write(v->door->done_fd, &one, sizeof one) < 0)
		log_debug("the door is not told: %s", strerrordesc_np(errno));
	return NULL;
}

/* ---- the door ---- */

static void free_visitor(struct visitor *v)
{
	if (v->fd >= 0)
		close(v->fd);
	tls_server_put(v->tls);
	free(v);
}

static void see_off(struct tls_door *d, bool are_all)
{
	for (struct visitor **at = &d->visitors; *at != NULL;) {
		struct visitor *v = *at;
		if (!are_all && !atomic_load_explicit(&v->is_finished, memory_order_acquire)) {
			at = &v->next;
			continue;
		}
		pthread_join(v->thread, NULL);
		*at = v->next;
		d->n_visitors--;
		free_visitor(v);
	}
}

/* Is there a zone that an address like this may have? Certificates and keys come later. */
static bool may_come(const struct table *t, const struct addr *client)
{
	for (unsigned i = 0; i < t->n_published; i++) {
		const struct table_published *p = &t->published[i];
		if (p->n_allow == 0)
			return true;
		for (unsigned k = 0; k < p->n_allow; k++) {
			if (addr_prefix_covers(&p->allow[k], client))
				return true;
		}
	}
	return false;
}

static struct tls_server *current_server(const struct addr *client)
{
	rcu_wake();
	const struct table *t = table_current();
	struct tls_server *s = t != NULL && may_come(t, client) ? tls_server_get(t->tls) : NULL;
	rcu_sleep();
	return s;
}

/* One address must not keep the others out. */
static bool has_room(struct tls_door *d, const struct addr *client)
{
	unsigned n = 0;
	char text[ADDR_TEXT_MAX];
	for (const struct visitor *v = d->visitors; v != NULL; v = v->next)
		n += addr_equal(&v->client, client);
	if (n < TLS_DOOR_MAX_EACH && d->n_visitors < TLS_DOOR_MAX)
		return true;
	uint64_t now_ns = clock_mono_ns();
	if (d->complained_ns == 0 ||
	    now_ns - d->complained_ns > COMPLAIN_EVERY_S * (uint64_t)NS_PER_S) {
		addr_to_text(client, text);
		log_warning("zones over TLS: %u connections, %u of them from %s: no more are taken",
		            d->n_visitors, n, text);
		d->complained_ns = now_ns;
	}
	return false;
}

static void let_in(struct tls_door *d, int fd, const struct sockaddr_storage *peer)
{
	struct endpoint from;
	int on = 1;
	endpoint_from_sockaddr((const struct sockaddr *)peer, &from);
	struct tls_server *tls = has_room(d, &from.addr) ? current_server(&from.addr) : NULL;
	struct visitor *v = tls != NULL ? calloc(1, sizeof *v) : NULL;
	if (v == NULL) {
		tls_server_put(tls);
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	v->door = d;
	v->fd = fd;
	v->client = from.addr;
	v->tls = tls;
	if (pthread_create(&v->thread, NULL, visit, v) != 0) {
		free_visitor(v);
		return;
	}
	v->next = d->visitors;
	d->visitors = v;
	d->n_visitors++;
}

static void accept_from(struct tls_door *d, int listening)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof peer;
	int fd = accept4(listening, (struct sockaddr *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		let_in(d, fd, &peer);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		poll(NULL, 0, NO_DESCRIPTOR_MS);
}

static void *run(void *arg)
{
	struct tls_door *d = arg;
	struct pollfd *stop = &d->fds[d->n_listen], *done = stop + 1;
	uint64_t count;
	pthread_setname_np(pthread_self(), "weir/door");
	rcu_thread_start();
	rcu_sleep();
	while (stop->revents == 0) {
		if (poll(d->fds, d->n_listen + 2, -1) < 0) /* interrupted, or out of memory */
			poll(NULL, 0, NO_DESCRIPTOR_MS);
		if (done->revents != 0 && read(done->fd, &count, sizeof count) > 0)
			see_off(d, false);
		for (unsigned i = 0; i < d->n_listen && stop->revents == 0; i++) {
			if (d->fds[i].revents != 0)
				accept_from(d, d->fds[i].fd);
		}
	}
	see_off(d, true);
	rcu_wake();
	rcu_thread_stop();
	return NULL;
}

static int listen_on(const struct endpoint *at, int *ret)
{
	struct sockaddr_storage sa;
	socklen_t n = endpoint_to_sockaddr(at, &sa);
	int on = 1;
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    (!at->addr.is_v4 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
	    bind(fd, (struct sockaddr *)&sa, n) != 0 || listen(fd, BACKLOG) != 0) {
		int e = -errno;
		close(fd);
		return e;
	}
	*ret = fd;
	return 0;
}

int tls_door_open(const struct endpoint *listen, unsigned n, const struct responder *home,
                  int stop_fd, struct tls_door **ret)
{
	char text[ADDR_TEXT_MAX];
	struct tls_door *d = calloc(1, sizeof *d + (n + 2) * sizeof d->fds[0]);
	if (d == NULL)
		return -ENOMEM;
	d->home = home;
	d->stop_fd = stop_fd;
	d->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int e = d->done_fd < 0 ? -errno : 0;
	for (; e == 0 && d->n_listen < n; d->n_listen += e == 0) {
		d->fds[d->n_listen].events = POLLIN;
		e = listen_on(&listen[d->n_listen], &d->fds[d->n_listen].fd);
		endpoint_to_text(&listen[d->n_listen], text);
		if (e != 0)
			log_error("cannot listen on %s for zone transfers over TLS: %s", text,
			          strerrordesc_np(-e));
		else
			log_info("zones are given over TLS on %s", text);
	}
	if (e != 0) {
		tls_door_free(d);
		return e;
	}
	d->fds[n] = (struct pollfd){ .fd = stop_fd, .events = POLLIN };
	d->fds[n + 1] = (struct pollfd){ .fd = d->done_fd, .events = POLLIN };
	*ret = d;
	return 0;
}

int tls_door_start(struct tls_door *d)
{
	if (d->is_started)
		return 0;
	int e = -pthread_create(&d->thread, NULL, run, d);
	d->is_started = e == 0;
	return e;
}

void tls_door_free(struct tls_door *d)
{
	if (d == NULL)
		return;
	if (d->is_started)
		pthread_join(d->thread, NULL);
	for (unsigned i = 0; i < d->n_listen; i++)
		close(d->fds[i].fd);
	if (d->done_fd >= 0)
		close(d->done_fd);
	free(d);
}
