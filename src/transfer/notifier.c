/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/notifier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "dns/text.h"
#include "transfer/query.h"

struct notifier {
	struct loop *loop;
	const struct name *zone;
	const struct tsig_key *key;
	struct endpoint to;
	struct watcher watcher; /* fd -1: nothing is awaited */
	struct timer again;
	struct tsig_client signature;
	uint32_t serial;
	uint16_t id;
	unsigned n_tries; /* of this version */
	bool is_heard;
};

static void hang_up(struct notifier *n)
{
	if (n->watcher.fd < 0)
		return;
	loop_remove(n->loop, &n->watcher);
	close(n->watcher.fd);
	n->watcher.fd = -1;
	tsig_client_done(&n->signature);
}

static int open_socket(struct notifier *n)
{
	struct sockaddr_storage sa;
	socklen_t bytes = endpoint_to_sockaddr(&n->to, &sa);
	int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int e = connect(fd, (struct sockaddr *)&sa, bytes) != 0 ? -errno : 0;
	n->watcher.fd = fd;
	if (e == 0)
		e = loop_add(n->loop, &n->watcher, EPOLLIN);
	if (e != 0) {
		close(fd);
		n->watcher.fd = -1;
	}
	return e;
}

static void send_one(struct timer *t)
{
	struct notifier *n = CONTAINER_OF(t, struct notifier, again);
	uint8_t msg[QUERY_MAX];
	unsigned shift = n->n_tries < 6 ? n->n_tries : 6;
	unsigned wait_s = 1U << shift;
	hang_up(n);
	n->id = random_u16();
	n->n_tries++;
	size_t bytes =
		query_write(msg, n->id, QUERY_OPCODE_NOTIFY | FLAG_AA, n->zone, DNS_SOA, n->serial);
	tsig_client_init(&n->signature, n->key);
	int e = tsig_client_sign(&n->signature, msg, &bytes, sizeof msg);
	if (e == 0)
		e = open_socket(n);
	if (e == 0 && send(n->watcher.fd, msg, bytes, MSG_NOSIGNAL) < 0)
		e = -errno;
	if (e != 0)
		log_debug("NOTIFY cannot be sent: %s", strerrordesc_np(-e));
	if (wait_s > NOTIFIER_LAST_S)
		wait_s = NOTIFIER_LAST_S;
	timer_set(n->loop, t, clock_mono_ns() + wait_s * NS_PER_S);
}

/* True when it is an answer to what was sent last. */
static bool read_one(struct notifier *n, unsigned *ret_rcode)
{
	uint8_t msg[QUERY_MAX];
	const char *why;
	ssize_t k = recv(n->watcher.fd, msg, sizeof msg, MSG_DONTWAIT);
	if (k < DNS_HEADER_BYTES || load16(msg) != n->id || (msg[2] & 0x80) == 0)
		return false;
	size_t bytes = (size_t)k;
	if (tsig_client_check(&n->signature, msg, &bytes, &why) != 0)
		return false;
	*ret_rcode = msg[3] & 0x0f;
	return true;
}

static void answered(struct watcher *w, uint32_t events)
{
	struct notifier *n = CONTAINER_OF(w, struct notifier, watcher);
	char text[ADDR_TEXT_MAX], zone[NAME_TEXT_MAX];
	unsigned rcode = 0;
	(void)events;
	if (!read_one(n, &rcode))
		return; /* the timer sends it again */
	if (rcode == 0) {
		n->is_heard = true;
		timer_cancel(n->loop, &n->again);
	} else if (n->n_tries == 1) {
		endpoint_to_text(&n->to, text);
		name_to_text(n->zone->wire, zone);
		log_warning("zone %s: the follower %s answers NOTIFY with %s; it is told again",
		            zone, text, dns_rcode_text(rcode));
	}
	hang_up(n);
}

int notifier_new(struct loop *loop, const struct name *zone, const struct endpoint *to,
                 const struct tsig_key *key, struct notifier **ret)
{
	struct notifier *n = calloc(1, sizeof *n);
	if (n == NULL)
		return -ENOMEM;
	n->loop = loop;
	n->zone = zone;
	n->key = key;
	n->to = *to;
	n->watcher = (struct watcher){ .fd = -1, .ready = answered };
	n->again.fire = send_one;
	*ret = n;
	return 0;
}

void notifier_free(struct notifier *n)
{
	if (n == NULL)
		return;
	hang_up(n);
	timer_cancel(n->loop, &n->again);
	free(n);
}

void notifier_tell(struct notifier *n, uint32_t serial)
{
	n->serial = serial;
	n->n_tries = 0;
	n->is_heard = false;
	timer_set(n->loop, &n->again, clock_mono_ns());
}

bool notifier_is_heard(const struct notifier *n)
{
	return n->is_heard;
}
