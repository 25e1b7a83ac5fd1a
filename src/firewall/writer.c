/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A worker's writer: which elements are due, and one transaction for all of them. */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/random.h"
#include "base/siphash.h"
#include "dns/message.h"
#include "firewall/table.h"

enum {
	RECENT = 32768,
	GRACE_MS = 2000, /* an answer's last second is rounded, and the client needs a moment */
};

/* What is in a set, as far as we know. */
struct recent {
	uint64_t hash;
	uint64_t until_ms;
};

struct firewall_writer {
	struct firewall *f;
	struct mnl_socket *socket;
	struct siphash_key key;
	uint32_t epoch;
	unsigned n;
	struct {
		_Atomic uint64_t added, known, unbound, failed, batches;
	} counts;
	struct firewall_element elements[FIREWALL_BATCH];
	struct recent recent[RECENT];
	uint8_t buffer[BUFFER_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static void count(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
	                      memory_order_relaxed);
}

int firewall_writer_new(struct firewall *f, struct firewall_writer **ret)
{
	struct firewall_writer *w = calloc(1, sizeof *w);
	if (w == NULL)
		return -ENOMEM;
	w->f = f;
	random_bytes(&w->key, sizeof w->key);
	w->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (w->socket == NULL || mnl_socket_bind(w->socket, 0, MNL_SOCKET_AUTOPID) != 0) {
		int e = -errno;
		firewall_writer_free(w);
		return e;
	}
	*ret = w;
	return 0;
}

void firewall_writer_free(struct firewall_writer *w)
{
	if (w == NULL)
		return;
	if (w->socket != NULL)
		mnl_socket_close(w->socket);
	free(w);
}

static void put_addr(uint8_t *to, const struct addr *a)
{
	if (a->is_v4)
		memcpy(to, a->bytes + 12, 4);
	else
		memcpy(to, a->bytes, 16);
}

/* The key of the element; false: there is no set for it, or no pair. */
static bool make_key(struct firewall_writer *w, const struct addr *client, const struct addr *a,
                     struct firewall_element *ret)
{
	ret->family = a->is_v4 ? FAMILY_V4 : FAMILY_V6;
	uint32_t bytes =
		atomic_load_explicit(&w->f->sets[ret->family].key_bytes, memory_order_acquire);
	uint32_t one = a->is_v4 ? 4 : 16;
	if (bytes == 0)
		return false;
	if (bytes != one && client->is_v4 != a->is_v4) {
		count(&w->counts.unbound, 1);
		return false;
	}
	memset(ret->key, 0, sizeof ret->key);
	if (bytes != one)
		put_addr(ret->key, client);
	put_addr(ret->key + bytes - one, a);
	ret->key_bytes = (uint8_t)bytes;
	ret->hash = siphash13(&w->key, ret->key, bytes) | 1;
	return true;
}

/* An element of a set that was made anew is not there any more. */
static void look_at_epoch(struct firewall_writer *w)
{
	uint32_t epoch = atomic_load_explicit(&w->f->epoch, memory_order_acquire);
	if (epoch == w->epoch)
		return;
	w->epoch = epoch;
	memset(w->recent, 0, sizeof w->recent);
}

static void add_one(struct firewall_writer *w, const struct addr *client, const struct addr *a,
                    uint32_t ttl_s, uint64_t now_ms)
{
	struct firewall_element e;
	static const uint8_t unspecified[16];
	size_t at = a->is_v4 ? 12 : 0;
	if (memcmp(a->bytes + at, unspecified, 16 - at) == 0 || !make_key(w, client, a, &e))
		return; /* what a block answers with is nowhere to go */
	uint64_t ttl_ms =
		(ttl_s < FIREWALL_TIMEOUT_MAX_S ? ttl_s : FIREWALL_TIMEOUT_MAX_S) * 1000ULL;
	struct recent *r = &w->recent[e.hash / 2 % RECENT];
	bool is_there = r->hash == e.hash && r->until_ms > now_ms;
	/* Long enough: past the answer's end, and not about to go. */
	if (is_there && r->until_ms >= now_ms + ttl_ms &&
	    r->until_ms >= now_ms + w->f->timeout_min_ms / 2) {
		count(&w->counts.known, 1);
		return;
	}
	e.timeout_ms = (ttl_ms > w->f->timeout_min_ms ? ttl_ms : w->f->timeout_min_ms) + GRACE_MS;
	r->hash = e.hash;
	r->until_ms = now_ms + e.timeout_ms - GRACE_MS / 2;
	w->elements[w->n++] = e;
	if (w->n == FIREWALL_BATCH)
		firewall_flush(w);
}

void firewall_add(struct firewall_writer *w, const struct addr *client, const uint8_t *message,
                  size_t n, uint64_t now_ms)
{
	struct answer_walk it;
	struct addr a;
	uint32_t ttl_s;
	look_at_epoch(w);
	answer_walk(&it, message, n);
	while (answer_next(&it, &a, &ttl_s))
		add_one(w, client, &a, ttl_s, now_ms);
}

/* On kernels that leave an element's end as it is: one by one, out and in again. */
static int replace(struct firewall_writer *w)
{
	int first = 0;
	for (unsigned i = 0; i < w->n; i++) {
		int e = batch_send(w->f, w->socket, w->buffer, &w->elements[i], 1, BATCH_REPLACE);
		if (e == -ENOENT)
			e = batch_send(w->f, w->socket, w->buffer, &w->elements[i], 1, BATCH_ADD);
		if (first == 0)
			first = e;
	}
	return first;
}

static int send_all(struct firewall_writer *w)
{
	if (w->f->can_update)
		return batch_send(w->f, w->socket, w->buffer, w->elements, w->n, BATCH_ADD);
	int e = batch_send(w->f, w->socket, w->buffer, w->elements, w->n, BATCH_CREATE);
	return e == -EEXIST ? replace(w) : e;
}

/* They are not there: the next answer tries again. */
static void forget(struct firewall_writer *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		struct recent *r = &w->recent[w->elements[i].hash / 2 % RECENT];
		if (r->hash == w->elements[i].hash)
			r->hash = 0;
	}
}

void firewall_flush(struct firewall_writer *w)
{
	if (w->n == 0)
		return;
	int e = send_all(w);
	count(&w->counts.batches, 1);
	count(e == 0 ? &w->counts.added : &w->counts.failed, w->n);
	if (e != 0) {
		atomic_store_explicit(&w->f->error, e, memory_order_relaxed);
		forget(w);
	}
	w->n = 0;
}

void firewall_count(const struct firewall_writer *w, struct firewall_counts *ret)
{
	ret->added += atomic_load_explicit(&w->counts.added, memory_order_relaxed);
	ret->known += atomic_load_explicit(&w->counts.known, memory_order_relaxed);
	ret->unbound += atomic_load_explicit(&w->counts.unbound, memory_order_relaxed);
	ret->failed += atomic_load_explicit(&w->counts.failed, memory_order_relaxed);
	ret->batches += atomic_load_explicit(&w->counts.batches, memory_order_relaxed);
}
