/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void peer_close(struct peer *p)
{
	if (p->is_gone)
		return;
	p->is_gone = true;
	loop_remove(p->server->loop, &p->watcher);
	if (p->tls != NULL)
		gnutls_deinit(p->tls);
	close(p->watcher.fd);
	frame_done(&p->frame);
	p->server->n_open--;
}

void peer_send(struct peer *p, const void *bytes, size_t n)
{
	if (p->is_gone)
		return;
	if (p->tls != NULL)
		must(gnutls_record_send(p->tls, bytes, n) == (ssize_t)n);
	else if (send(p->watcher.fd, bytes, n, MSG_NOSIGNAL) < 0)
		peer_close(p);
}

void peer_send_message(struct peer *p, const uint8_t *message, size_t n)
{
	static uint8_t whole[2 + 65535];
	store16(whole, (uint16_t)n);
	memcpy(whole + 2, message, n);
	peer_send(p, whole, n + 2);
}

void peer_answer(struct peer *p, const uint8_t *query, size_t n)
{
	uint8_t message[600];
	must(n <= sizeof message);
	memcpy(message, query, n);
	message[2] |= 0x80;
	peer_send_message(p, message, n);
}

static void take(struct peer *p, const uint8_t *query, size_t n)
{
	struct stream_server *s = p->server;
	p->n_queries++;
	s->n_queries++;
	s->last_bytes = n;
	memcpy(s->last, query, n < sizeof s->last ? n : sizeof s->last);
	s->asked(p, query, n);
}

static ssize_t receive(struct peer *p, uint8_t *ret, size_t n)
{
	if (p->tls == NULL)
		return recv(p->watcher.fd, ret, n, MSG_DONTWAIT);
	ssize_t k = gnutls_record_recv(p->tls, ret, n);
	if (k == GNUTLS_E_AGAIN) {
		errno = EAGAIN;
		return -1;
	}
	return k < 0 ? 0 : k;
}

/* false: not yet, or never. */
static bool shake(struct peer *p)
{
	gnutls_datum_t alpn = { 0 };
	int e = gnutls_handshake(p->tls);
	if (e == GNUTLS_E_AGAIN)
		return false;
	if (e != 0) {
		p->server->n_failed_handshakes++;
		peer_close(p);
		return false;
	}
	p->is_shaken = true;
	p->server->n_resumed += gnutls_session_is_resumed(p->tls) != 0 ? 1 : 0;
	if (gnutls_alpn_get_selected_protocol(p->tls, &alpn) == 0 && alpn.size == 3 &&
	    memcmp(alpn.data, "dot", 3) == 0)
		p->server->n_alpn++;
	return true;
}

static void peer_ready(struct watcher *w, uint32_t events)
{
	(void)events;
	struct peer *p = CONTAINER_OF(w, struct peer, watcher);
	uint8_t in[16384];
	if (p->tls != NULL && !p->is_shaken && !shake(p))
		return;
	while (!p->is_gone) {
		ssize_t k = receive(p, in, sizeof in);
		if (k < 0 && errno == EAGAIN)
			return;
		if (k <= 0) {
			peer_close(p);
			return;
		}
		const uint8_t *at = in;
		const uint8_t *query;
		size_t left = (size_t)k;
		size_t n;
		while (!p->is_gone && frame_next(&p->frame, &at, &left, &query, &n) == 1)
			take(p, query, n);
	}
}

static void begin_tls(struct peer *p)
{
	struct stream_server *s = p->server;
	const gnutls_datum_t alpn = { (unsigned char *)"dot", 3 };
	must(gnutls_init(&p->tls, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) == 0);
	must(gnutls_priority_set_direct(p->tls, s->priority != NULL ? s->priority : "NORMAL",
	                                NULL) == 0);
	must(gnutls_credentials_set(p->tls, GNUTLS_CRD_CERTIFICATE, s->credentials) == 0);
	must(gnutls_alpn_set_protocols(p->tls, &alpn, 1, 0) == 0);
	if (s->ticket_key.data != NULL)
		must(gnutls_session_ticket_enable_server(p->tls, &s->ticket_key) == 0);
	gnutls_transport_set_int(p->tls, p->watcher.fd);
}

static void accept_ready(struct watcher *w, uint32_t events)
{
	(void)events;
	struct stream_server *s = CONTAINER_OF(w, struct stream_server, watcher);
	int fd;
	while ((fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct peer *p = calloc(1, sizeof *p);
		must(p != NULL);
		p->watcher = (struct watcher){ .fd = fd, .ready = peer_ready };
		p->server = s;
		p->next = s->peers;
		s->peers = p;
		s->n_accepted++;
		s->n_open++;
		if (s->credentials != NULL)
			begin_tls(p);
		must(loop_add(s->loop, &p->watcher, EPOLLIN) == 0);
	}
}

void stream_server_start(struct stream_server *s, struct loop *loop, const char *addr,
                         uint16_t port)
{
	struct sockaddr_storage ss;
	struct endpoint e = { .port = port };
	must(addr_from_text(addr, strlen(addr), &e.addr) == 0);
	socklen_t n = endpoint_to_sockaddr(&e, &ss);
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	must(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	must(bind(fd, (struct sockaddr *)&ss, n) == 0 && listen(fd, 300) == 0);
	n = sizeof ss;
	must(getsockname(fd, (struct sockaddr *)&ss, &n) == 0);
	endpoint_from_sockaddr((struct sockaddr *)&ss, &s->at);
	s->loop = loop;
	s->watcher = (struct watcher){ .fd = fd, .ready = accept_ready };
	must(loop_add(loop, &s->watcher, EPOLLIN) == 0);
}

void stream_server_stop(struct stream_server *s)
{
	while (s->peers != NULL) {
		struct peer *p = s->peers;
		s->peers = p->next;
		peer_close(p);
		free(p);
	}
	if (s->watcher.fd > 0) {
		loop_remove(s->loop, &s->watcher);
		close(s->watcher.fd);
		s->watcher.fd = 0;
	}
}
