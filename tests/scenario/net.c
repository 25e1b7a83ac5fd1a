/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dns/text.h"
#include "respond.h"

enum {
	PRINT_MAX = 60
};

/* Something on its way to the resolver. */
struct delivery {
	struct delivery *next;
	uint64_t at_ns, serial;
	enum {
		TO_SOCKET,
		TO_STREAM,
		CONNECTED,
		STREAM_ENDS,
		SOCKET_FAILS
	} kind;
	int error;
	struct endpoint from;
	size_t n;
	uint8_t bytes[];
};

/* What came on a connection and is no whole message yet. */
struct conversation {
	struct conversation *next;
	uint64_t serial;
	size_t n;
	uint8_t bytes[2 + DNS_MAX_MESSAGE];
};

static struct {
	struct script *script;
	struct delivery *first, *last;
	struct conversation *conversations;
	struct net_packet *packets;
	unsigned n_packets;
	const char *trouble;
} net;

void net_start(struct script *s)
{
	net.script = s;
	net.packets = calloc(NET_MAX_PACKETS, sizeof *net.packets);
	must(net.packets != NULL);
}

unsigned net_n_packets(void)
{
	return net.n_packets;
}

const struct net_packet *net_packet(unsigned i)
{
	return &net.packets[i];
}

const char *net_trouble(void)
{
	return net.trouble;
}

void net_print(FILE *out, unsigned first)
{
	char name[NAME_TEXT_MAX], type[DNS_TYPE_TEXT_MAX], to[ADDR_TEXT_MAX];
	for (unsigned i = first; i < net.n_packets; i++) {
		const struct net_packet *p = &net.packets[i];
		if (i - first == PRINT_MAX) {
			fprintf(out, "      and %u more\n", net.n_packets - i);
			return;
		}
		addr_to_text(&p->to, to);
		name_to_text(p->name.wire, name);
		fprintf(out, "      %9.3fs  %-15s %s %s %s%s%s%s%s: %s\n",
		        (double)p->at_ns / (double)NS_PER_S, to, p->is_tcp ? "tcp" : "udp", name,
		        dns_type_text(p->type, type), p->has_edns ? "" : " plain",
		        p->is_do ? " do" : "", p->has_rd ? " rd" : "",
		        p->has_cookie ? " cookie" : "", p->what);
	}
}

/* ---- what is under way ---- */

static struct delivery *post(const struct kernel_socket *s, uint64_t at_ns, size_t n)
{
	struct delivery *d = calloc(1, sizeof *d + n);
	must(d != NULL);
	d->at_ns = at_ns;
	d->serial = kernel_serial(s);
	d->n = n;
	if (net.last != NULL && net.last->at_ns <= at_ns) {
		net.last->next = d;
		net.last = d;
		return d;
	}
	struct delivery **at = &net.first;
	while (*at != NULL && (*at)->at_ns <= at_ns)
		at = &(*at)->next;
	d->next = *at;
	*at = d;
	if (d->next == NULL)
		net.last = d;
	return d;
}

static uint64_t next_ns(void)
{
	return net.first != NULL ? net.first->at_ns : SCRIPT_FOREVER;
}

static void deliver_one(struct delivery *d)
{
	struct kernel_socket *s = kernel_socket_of(d->serial);
	if (s == NULL)
		return;
	switch (d->kind) {
	case TO_SOCKET:
		kernel_receive(s, &d->from, d->bytes, d->n);
		break;
	case TO_STREAM:
		kernel_receive_stream(s, d->bytes, d->n);
		break;
	case CONNECTED:
		kernel_connected(s, d->error);
		break;
	case STREAM_ENDS:
		kernel_end_stream(s, d->error);
		break;
	case SOCKET_FAILS:
		kernel_fail(s, d->error);
		break;
	}
}

static void deliver(uint64_t now_ns)
{
	while (net.first != NULL && net.first->at_ns <= now_ns) {
		struct delivery *d = net.first;
		net.first = d->next;
		if (net.first == NULL)
			net.last = NULL;
		deliver_one(d);
		free(d);
	}
}

/* ---- packets ---- */

static struct net_packet *log_packet(const struct endpoint *to, const struct wire_question *q,
                                     bool is_tcp)
{
	static struct net_packet spare;
	if (net.n_packets == NET_MAX_PACKETS) {
		net.trouble = "too many packets";
		return &spare;
	}
	struct net_packet *p = &net.packets[net.n_packets++];
	*p = (struct net_packet){ .at_ns = kernel_now_ns(),
		                  .to = to->addr,
		                  .name = q->name,
		                  .type = q->type,
		                  .is_tcp = is_tcp,
		                  .has_edns = q->has_edns,
		                  .is_do = q->is_do,
		                  .has_cookie = q->cookie_bytes > 0,
		                  .has_rd = (q->flags & FLAG_RD) != 0,
		                  .what = "nobody is there" };
	return p;
}

static struct endpoint sender_of(const struct endpoint *to, uint8_t wrong)
{
	struct endpoint from = *to;
	if ((wrong & WRONG_PORT) != 0)
		from.port ^= 1;
	if ((wrong & WRONG_ADDRESS) != 0)
		from.addr.bytes[15] ^= 1;
	return from;
}

static void post_datagram(const struct kernel_socket *s, const struct endpoint *from,
                          uint64_t at_ns, const struct wire *w)
{
	struct delivery *d = post(s, at_ns, w->n);
	d->kind = TO_SOCKET;
	d->from = *from;
	memcpy(d->bytes, w->bytes, w->n);
}

/* An attacker who knows address, port and question, and guesses the rest. */
static void post_forged(const struct kernel_socket *s, const struct endpoint *to,
                        const struct wire_question *q, const struct script_rule *rule)
{
	static struct wire w;
	struct wire_question guess = *q;
	guess.cookie_bytes = 0;
	memcpy(guess.as_sent, q->name.wire, q->name.len); /* he does not know its case */
	for (unsigned i = 0; i < rule->n_forged; i++) {
		guess.id = (uint16_t)(rule->n_forged > 65535 ? i : kernel_random_u32());
		respond_rule(rule, &guess, &w);
		post_datagram(s, to, kernel_now_ns() + 1, &w);
	}
}

static void post_response(const struct kernel_socket *s, const struct endpoint *to, bool is_tcp,
                          uint64_t at_ns, const struct script_rule *rule, const struct wire *w)
{
	uint8_t wrong = rule != NULL ? rule->wrong : 0;
	if (!is_tcp) {
		struct endpoint from = sender_of(to, wrong);
		post_datagram(s, &from, at_ns, w);
		return;
	}
	struct delivery *d = post(s, at_ns, w->n + 2);
	d->kind = TO_STREAM;
	store16(d->bytes, (uint16_t)w->n);
	memcpy(d->bytes + 2, w->bytes, w->n);
}

static void end_stream(const struct kernel_socket *s, uint64_t at_ns)
{
	struct delivery *d = post(s, at_ns, 0);
	d->kind = STREAM_ENDS;
	d->error = -ECONNRESET;
}

/* 0, or -errno that the sender sees. */
static int take_packet(struct kernel_socket *s, const struct endpoint *to, bool is_tcp,
                       const uint8_t *bytes, size_t n)
{
	static struct wire w;
	struct wire_question q;
	if (wire_read_question(bytes, n, &q) != 0) {
		net.trouble = "the resolver sent something that is no question";
		return 0;
	}
	struct net_packet *p = log_packet(to, &q, is_tcp);
	struct script_server *v = respond_server(net.script, &to->addr);
	if (v == NULL)
		return 0;
	struct script_rule *rule = respond_find_rule(v, &q, is_tcp, kernel_now_ns());
	enum script_action action = rule != NULL ? rule->action : ACTION_SERVE;
	uint64_t at_ns = kernel_now_ns() + v->delay_ns;
	if (rule != NULL && rule->delay_ns > 0)
		at_ns = kernel_now_ns() + rule->delay_ns;
	p->what = respond_what(action);
	if (action == ACTION_UNREACHABLE)
		return -ENETUNREACH;
	if (action == ACTION_RESET && is_tcp)
		end_stream(s, at_ns);
	if (action == ACTION_SILENT || action == ACTION_REFUSE || action == ACTION_RESET)
		return 0;
	if (rule != NULL && rule->n_forged > 0 && !is_tcp)
		post_forged(s, to, &q, rule);
	p->what = respond(net.script, v, rule, &q, is_tcp, kernel_now_ns(), &w);
	post_response(s, to, is_tcp, at_ns, rule, &w);
	return 0;
}

static int take_datagram(struct kernel_socket *s, const struct endpoint *from,
                         const struct endpoint *to, const uint8_t *bytes, size_t n)
{
	(void)from;
	return take_packet(s, to, false, bytes, n);
}

/* ---- connections ---- */

static int take_connect(struct kernel_socket *s, const struct endpoint *to)
{
	struct script_server *v = respond_server(net.script, &to->addr);
	enum script_action action =
		v != NULL ? respond_to_connect(v, kernel_now_ns()) : ACTION_SILENT;
	if (action != ACTION_SERVE) {
		/* The question does not get through, but a packet it is. */
		const struct wire_question none = { .name = { .len = 1 } };
		log_packet(to, &none, true)->what = respond_what(action);
	}
	if (action == ACTION_UNREACHABLE)
		return -ENETUNREACH;
	if (action == ACTION_SILENT)
		return 0;
	struct delivery *d = post(s, kernel_now_ns() + v->delay_ns, 0);
	d->kind = CONNECTED;
	d->error = action == ACTION_REFUSE ? -ECONNREFUSED : 0;
	return 0;
}

static struct conversation *conversation_of(const struct kernel_socket *s)
{
	struct conversation *c = net.conversations;
	while (c != NULL && c->serial != kernel_serial(s))
		c = c->next;
	if (c != NULL)
		return c;
	c = calloc(1, sizeof *c);
	must(c != NULL);
	c->serial = kernel_serial(s);
	c->next = net.conversations;
	net.conversations = c;
	return c;
}

static void take_stream(struct kernel_socket *s, const struct endpoint *to, const uint8_t *bytes,
                        size_t n)
{
	struct conversation *c = conversation_of(s);
	while (n > 0) {
		size_t room = sizeof c->bytes - c->n;
		size_t k = n < room ? n : room;
		memcpy(c->bytes + c->n, bytes, k);
		c->n += k;
		bytes += k;
		n -= k;
		while (c->n >= 2 && c->n >= 2U + load16(c->bytes)) {
			size_t len = load16(c->bytes);
			take_packet(s, to, true, c->bytes + 2, len);
			c->n -= 2 + len;
			memmove(c->bytes, c->bytes + 2 + len, c->n);
		}
	}
}

static const struct kernel_net calls = {
	.datagram = take_datagram,
	.connect = take_connect,
	.stream = take_stream,
	.next_ns = next_ns,
	.deliver = deliver,
};

const struct kernel_net *net_calls(void)
{
	return &calls;
}
