/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/asking.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

enum {
	OPT_DO_FROM_END = 4 /* of the question's OPT record, which stands last and is empty */
};

void asking_put(struct asking_box *box, struct asking *a)
{
	a->next = atomic_load_explicit(&box->first, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&box->first, &a->next, a,
	                                              memory_order_release, memory_order_relaxed))
		;
}

struct asking *asking_take_all(struct asking_box *box)
{
	return atomic_exchange_explicit(&box->first, NULL, memory_order_acquire);
}

static void go_home(struct asking *a)
{
	struct loop *loop = a->home_loop; /* the box may be emptied, and a freed, at once */
	asking_put(a->home, a);
	loop_wake(loop);
}

static uint8_t *asking_buffer(struct query *q, size_t *ret_room)
{
	struct asking *a = q->transport;
	*ret_room = sizeof a->message;
	return a->message;
}

static void asking_finish(struct query *q)
{
	struct asking *a = q->transport;
	a->n = q->out_bytes;
	a->error = q->out_bytes > 0 ? 0 : -ENODATA; /* a rule dropped it */
	query_free(q);
	go_home(a);
}

static const struct origin asking_origin = {
	.name = "control",
	.protocol = EVENT_CONTROL,
	.is_stream = true,
	.buffer = asking_buffer,
	.finish = asking_finish,
};

/* ---- past cache and policy ---- */

/* The answer as a message with all its signatures, whatever validation said of it. */
static int write_message(struct asking *a, const struct answer *found)
{
	uint8_t *m = a->message;
	uint16_t counts[2];
	memset(m, 0, DNS_HEADER_BYTES);
	store16(m + 2, FLAG_QR | found->rcode);
	store16(m + 4, 1);
	memcpy(m + DNS_HEADER_BYTES, a->name.wire, a->name.len);
	size_t n = DNS_HEADER_BYTES + (size_t)a->name.len;
	store16(m + n, a->type);
	store16(m + n + 2, DNS_CLASS_IN);
	n += 4;
	uint32_t now_s = (uint32_t)(loop_now_ns(a->serve->loop) / NS_PER_S);
	int written = answer_write(found, now_s, 0, true, m + n, sizeof a->message - n, counts);
	if (written < 0)
		return written;
	store16(m + 6, counts[0]);
	store16(m + 8, counts[1]);
	a->n = n + (size_t)written;
	return 0;
}

static void direct_done(struct resolve_request *request, const struct resolve_result *r)
{
	struct asking *a = CONTAINER_OF(request, struct asking, request);
	a->error = -EIO;
	if (r->status == RESOLVE_ANSWERED && r->answer != NULL)
		a->error = write_message(a, r->answer);
	go_home(a);
}

static void ask_directly(struct serve *serve, struct asking *a)
{
	a->serve = serve;
	name_hash_all(a->name.wire, &a->hashes);
	a->request = (struct resolve_request){ .name = a->name.wire,
		                               .hashes = &a->hashes,
		                               .type = a->type,
		                               .group = 0,
		                               .is_allowed = true,
		                               .is_refresh = true,
		                               .done = direct_done };
	resolve_start(serve->resolver, &a->request);
}

void asking_run(struct serve *serve, struct asking *a)
{
	if (a->is_direct) {
		ask_directly(serve, a);
		return;
	}
	struct query *q = query_new(serve);
	if (q == NULL) {
		a->error = -ENOMEM;
		go_home(a);
		return;
	}
	q->origin = &asking_origin;
	q->transport = a;
	q->peer_bytes = 0;
	q->client = (struct endpoint){ .addr = a->client };
	q->local = (struct endpoint){ .addr = a->client };
	q->local_interface = 0;
	q->is_cut = false;
	q->in_bytes =
		(uint16_t)reply_write_query(q->in, 0, a->name.wire, a->type, true, a->is_cd, true);
	q->in[3] |= FLAG_AD; /* who asks here wants to know */
	if (!a->is_do)
		q->in[q->in_bytes - OPT_DO_FROM_END] = 0;
	serve_query(q);
}
