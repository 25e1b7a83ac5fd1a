/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A server's response to www.example.test A, asked of the servers of example.test, of test, or
 * of a forwarder: read, classified, put into the cache and read out of it again.
 *
 * Input: one byte (who was asked), two of flags, six of record counts, the records.
 */
#include "resolve/response.h"

#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const uint8_t question[] = {
	3,   'w', 'w', 'w', 7,   'e', 'x', 'a', 'm',   'p', 'l',
	'e', 4,   't', 'e', 's', 't', 0,   0,   DNS_A, 0,   DNS_CLASS_IN
};

static struct response *response;
static struct cache *cache;
static struct forwards *forwards, *everything;
static uint8_t *buf;

static void make_once(void)
{
	struct endpoint to = { .port = 53 };
	struct resolve_forward from = { .to = &to, .n_to = 1 };
	if (response != NULL)
		return;
	rcu_thread_start();
	must(name_from_text("private.test", 12, &from.zone) == 0);
	must(forwards_new(&from, 1, &forwards) == 0);
	must(name_from_text(".", 1, &from.zone) == 0);
	must(forwards_new(&from, 1, &everything) == 0);
	must(cache_new(1 << 20, &cache) == 0);
	response = malloc(sizeof *response);
	buf = malloc(DNS_MAX_MESSAGE);
	must(response != NULL && buf != NULL);
}

/* Nothing of another zone is kept, served or asked. */
static void check_bounds(const struct response_question *q)
{
	const struct response *w = response;
	bool is_answer = w->kind <= RESPONSE_NODATA;
	must(w->n_aliases <= ANSWER_MAX_HOPS);
	must(w->n_kept <= ARRAY_LEN(w->kept));
	for (unsigned i = 0; is_answer && i < w->n_kept; i++) {
		const uint8_t *owner = w->kept[i].owner;
		must(name_check(owner, NAME_MAX_BYTES) > 0);
		must(q->forward != NULL || name_is_within(owner, q->zone));
		must(q->forward != NULL || forward_find(q->forwards, owner) == NULL);
	}
	if (is_answer)
		must(w->ttl_s <= CACHE_TTL_MAX_S);
	if (w->kind == RESPONSE_NXDOMAIN || w->kind == RESPONSE_NODATA)
		must(w->ttl_s <= CACHE_TTL_NEGATIVE_MAX_S);
	if (w->kind == RESPONSE_ALIAS)
		must(w->n_aliases > 0 && !name_equal(w->target, q->name));
	if (w->kind == RESPONSE_BAD || w->kind == RESPONSE_LAME)
		must(w->why != NULL);
	if (w->kind != RESPONSE_REFERRAL)
		return;
	must(q->forward == NULL);
	must(name_is_within(w->cut_zone, q->zone) && !name_equal(w->cut_zone, q->zone));
	must(name_is_within(q->name, w->cut_zone));
	must(w->n_servers > 0 && w->n_servers <= CUT_MAX_SERVERS);
	for (unsigned i = 0; i < w->n_servers; i++)
		must(w->servers[i].n_addrs == 0 || name_is_within(w->servers[i].name, q->zone));
}

static void check_cache(const struct response_question *q)
{
	struct response *w = response;
	struct answer *a;
	if (w->kind != RESPONSE_ANSWER && w->kind != RESPONSE_NXDOMAIN &&
	    w->kind != RESPONSE_NODATA)
		return;
	unsigned n_kept = w->n_kept;
	const struct answer_plan plan = { .name = q->name,
		                          .hash = name_hash(q->name),
		                          .type = q->type,
		                          .rcode = w->rcode,
		                          .now_s = 100,
		                          .ttl_s = w->ttl_s,
		                          .rrs = w->kept,
		                          .n_rrs = n_kept };
	if (answer_new(&plan, &a) != 0)
		return;
	must(response_from_answer(w, a, 100, buf) == 0);
	must(w->n_kept == n_kept);
	cache_put_answer(cache, a);
	must(w->ttl_s == 0 || cache_find_answer(cache, plan.hash, q->name, q->type) == a);
	cache_flush(cache, q->name, true);
	rcu_quiet();
	rcu_flush();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t msg[DNS_MAX_MESSAGE];
	struct message m;
	make_once();
	if (n < 9 || n > 32768)
		return 0;
	memset(msg, 0, 4);
	memcpy(msg + 2, data + 1, 2);
	msg[2] |= 0x80;
	msg[4] = 0;
	msg[5] = 1;
	memcpy(msg + 6, data + 3, 6);
	memcpy(msg + DNS_HEADER_BYTES, question, sizeof question);
	memcpy(msg + DNS_HEADER_BYTES + sizeof question, data + 9, n - 9);
	size_t bytes = DNS_HEADER_BYTES + sizeof question + n - 9;
	must(message_open(msg, bytes, response->scratch, RESPONSE_SCRATCH_BYTES, &m) == 0);
	bool is_forward = (data[0] & 3) == 2;
	const struct response_question q = { .name = question,
		                             .type = (data[0] & 4) != 0 ? DNS_ANY : DNS_A,
		                             .zone = question + (is_forward           ? 17
		                                                 : (data[0] & 1) != 0 ? 12
		                                                                      : 4),
		                             .forwards = is_forward ? everything : forwards,
		                             .forward = is_forward ? &everything->zones[0] : NULL };
	response_read(response, &m, &q);
	check_bounds(&q);
	check_cache(&q);
	return 0;
}
