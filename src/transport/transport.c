/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/transport.h"

#include <errno.h>
#include <stdlib.h>

static void turn_end(struct turn_hook *h)
{
	struct transport *t = CONTAINER_OF(h, struct transport, hook);
	for (unsigned i = 0; i < t->n_udp; i++)
		udp_flush(t->udp[i]);
	tcp_bury(t);
	serve_turn_end(t->serve);
}

int transport_open(struct loop *loop, struct serve *serve, const struct endpoint *listen,
                   unsigned n_listen, const struct transport_limits *limits, struct transport **ret,
                   unsigned *ret_failed)
{
	struct transport *t = calloc(1, sizeof *t);
	if (t == NULL)
		return -ENOMEM;
	t->loop = loop;
	t->serve = serve;
	t->limits = *limits;
	t->hook.run = turn_end;
	t->udp = calloc(n_listen, sizeof(struct udp_socket *));
	t->tcp = calloc(n_listen, sizeof(struct tcp_listener *));
	int e = t->udp == NULL || t->tcp == NULL ? -ENOMEM : 0;
	for (unsigned i = 0; i < n_listen && e == 0; i++) {
		*ret_failed = i;
		e = udp_open(t, &listen[i], &t->udp[t->n_udp]);
		if (e == 0) {
			t->n_udp++;
			e = tcp_open(t, &listen[i], &t->tcp[t->n_tcp]);
		}
		if (e == 0)
			t->n_tcp++;
	}
	if (e != 0) {
		transport_free(t);
		return e;
	}
	loop_add_hook(loop, &t->hook);
	*ret = t;
	return 0;
}

void transport_stop(struct transport *t)
{
	for (unsigned i = 0; i < t->n_udp; i++)
		udp_stop(t->udp[i]);
	for (unsigned i = 0; i < t->n_tcp; i++)
		tcp_stop(t->tcp[i]);
}

void transport_free(struct transport *t)
{
	if (t == NULL)
		return;
	tcp_close_all(t);
	tcp_bury(t);
	for (unsigned i = 0; i < t->n_udp; i++)
		udp_close(t->udp[i]);
	for (unsigned i = 0; i < t->n_tcp; i++)
		tcp_close(t->tcp[i]);
	free(t->udp);
	free(t->tcp);
	free(t);
}
