/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/refresh.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "dns/text.h"
#include "transfer/query.h"
#include "transfer/receive.h"
#include "transfer/sorter.h"
#include "transfer/stream.h"
#include "transfer/zone_layers.h"

enum {
	WHOLE_NICE = 10
};

/* One run. */
struct refresh {
	const struct refresh_plan *plan;
	struct refresh_result *result;
	struct stream_plan to; /* the primary being asked */
	char folder[4096];     /* of the zone's file */
	bool has_serial;
	uint32_t serial; /* of the copy here */
	struct record_text *text;
	uint8_t *scratch;
	uint8_t *udp; /* DNS_MAX_MESSAGE */
	/* one transfer */
	struct sorter *sorter; /* the whole zone */
	struct delta delta;    /* or what changes */
	bool is_delta;
	char *soa; /* the line of the new one */
	uint64_t n_bad;
};

static void say(struct refresh *f, const char *what, const char *why)
{
	char text[ADDR_TEXT_MAX];
	struct refresh_result *r = f->result;
	size_t n = strlen(r->why);
	endpoint_to_text(&f->to.to, text);
	snprintf(r->why + n, sizeof r->why - n, "%s%s: %s%s%s", n > 0 ? "; " : "", text, what,
	         what[0] != 0 ? ": " : "", why);
}

static const char *error_text(int e)
{
	switch (e) {
	case -ETIMEDOUT:
		return "no answer in time";
	case -ENODATA:
		return "the connection ended before the transfer did";
	case -EBADMSG:
		return "a message is damaged";
	case -EPROTO:
		return "TLS failed";
	case -ENOSPC:
		return "no space left on the disk";
	case -EFBIG:
		return "the zone is larger than max-zone-size";
	case -ESTALE:
		return "the delta does not fit the version here";
	default:
		return strerrordesc_np(-e);
	}
}

/* What is here cannot be gone on from. */
static bool is_copy_bad(int e)
{
	return e == -EBADMSG || e == -ENODATA;
}

static const char *copy_text(int e)
{
	return e == -EBADMSG ? "the copy here is damaged" : "the copy here lacks a layer";
}

/* ---- keeping what comes ---- */

static int take(void *arg, enum receive_event event, const struct rr *rr)
{
	struct refresh *f = arg;
	const char *line;
	size_t n;
	if (event == RECEIVE_DELTA)
		f->is_delta = true;
	if (event == RECEIVE_FULL) {
		/* Sorting a whole zone is work: answers go before it. Linux keeps the priority
		   for each thread. */
		(void)setpriority(PRIO_PROCESS, (id_t)gettid(), WHOLE_NICE);
		return sorter_new(f->folder, &f->sorter);
	}
	if (rr == NULL)
		return 0;
	int e = record_to_line(f->text, rr, &line, &n);
	if (e != 0) {
		f->n_bad++; /* one bad record loses itself only */
		return event == RECEIVE_NEW_SOA ? e : 0;
	}
	if (event == RECEIVE_NEW_SOA) {
		f->soa = strndup(line, n);
		return f->soa == NULL ? -ENOMEM : 0;
	}
	if (f->is_delta)
		return delta_add(&f->delta, event == RECEIVE_ADD, line, n);
	return sorter_add(f->sorter, line, n);
}

static void forget(struct refresh *f)
{
	sorter_free(f->sorter);
	delta_done(&f->delta);
	free(f->soa);
	f->sorter = NULL;
	f->soa = NULL;
	f->is_delta = false;
	f->n_bad = 0;
}

/* What came becomes the zone's file. */
static int keep(struct refresh *f, const struct receive *r)
{
	char comment[NAME_TEXT_MAX + 200], zone[NAME_TEXT_MAX], from[ADDR_TEXT_MAX];
	uint64_t n_lines = 0;
	const struct zone_layers_terms t = {
		.path = f->plan->path,
		.zone = &f->plan->zone,
		.comment = comment,
		.soa = f->soa,
		.max_bytes = f->plan->max_bytes,
	};
	name_to_text(f->plan->zone.wire, zone);
	endpoint_to_text(&f->to.to, from);
	snprintf(comment, sizeof comment, "zone %s, serial %" PRIu32 ", from %s; made by weir",
	         zone, r->soa.serial, from);
	int e = f->is_delta ? delta_seal(&f->delta) : 0;
	if (e == 0)
		e = f->is_delta ? zone_layers_change(&t, f->serial, &f->delta, &n_lines)
		                : zone_layers_put(&t, f->sorter, &n_lines);
	if (e != 0)
		return e;
	struct refresh_result *result = f->result;
	result->outcome = REFRESH_NEW;
	result->soa = r->soa;
	result->is_delta = f->is_delta;
	result->n_records = r->n_records;
	result->n_bytes = r->n_bytes;
	result->n_foreign = r->n_foreign;
	result->n_bad = f->n_bad;
	result->n_lines = n_lines;
	result->primary = f->to.to;
	return 0;
}

/* ---- one transfer ---- */

static void start_receive(struct refresh *f, struct receive_plan *p, struct receive *r,
                          uint16_t type)
{
	*p = (struct receive_plan){
		.zone = &f->plan->zone,
		.type = type,
		.id = random_u16(),
		.has_serial = f->has_serial,
		.serial = f->serial,
		.max_bytes = f->plan->max_bytes,
		.max_records = REFRESH_MAX_RECORDS,
		.take = take,
		.arg = f,
	};
	receive_init(r, p);
}

static size_t write_query(const struct refresh *f, const struct receive_plan *p,
                          struct tsig_client *c, uint8_t *query)
{
	size_t n = query_write(query, p->id, 0, &f->plan->zone, p->type, f->serial);
	tsig_client_init(c, f->plan->key);
	/* A key's name and ours fit: QUERY_MAX was chosen so. */
	return tsig_client_sign(c, query, &n, QUERY_MAX) == 0 ? n : 0;
}

/* One message of the answer. As receive_message(); f's `why` is set in *ret_why. */
static int take_message(struct refresh *f, struct receive *r, struct tsig_client *c, uint8_t *msg,
                        size_t n, const char **ret_why)
{
	static _Thread_local char refused[64];
	bool is_whole = n >= DNS_HEADER_BYTES;
	unsigned rcode = is_whole ? msg[3] & 0x0fU : 0;
	bool is_bare = is_whole && load16(msg + 10) == 0; /* not even a signature */
	int e = tsig_client_check(c, msg, &n, ret_why);
	if (rcode != 0 && (e == 0 || is_bare)) {
		snprintf(refused, sizeof refused, "the primary answers %s", dns_rcode_text(rcode));
		*ret_why = refused;
		return -EPROTONOSUPPORT;
	}
	if (e == -EBADMSG)
		*ret_why = "a message is damaged";
	if (e != 0)
		return e;
	e = receive_message(r, msg, n, f->scratch);
	if (e < 0)
		*ret_why = r->why;
	if (e == 1 && !tsig_client_end(c)) {
		*ret_why = "the last message is not signed";
		return -EKEYREJECTED;
	}
	return e;
}

/* SOA, IXFR or AXFR over a stream, to its end. 0 or -errno. */
static int ask_stream(struct refresh *f, struct stream *s, uint16_t type, struct receive_plan *p,
                      struct receive *r, const char **ret_why)
{
	uint8_t query[QUERY_MAX], *msg;
	struct tsig_client c;
	size_t n;
	start_receive(f, p, r, type);
	n = write_query(f, p, &c, query);
	int e = n == 0 ? -ENOBUFS : stream_send(s, query, n);
	while (e == 0) {
		e = stream_receive(s, &msg, &n);
		if (e == 0)
			e = take_message(f, r, &c, msg, n, ret_why);
	}
	tsig_client_done(&c);
	return e == 1 ? 0 : e;
}

static int transfer(struct refresh *f, uint16_t type, const char **ret_why)
{
	struct stream *s;
	struct receive_plan p;
	struct receive r;
	int e = stream_open(&f->to, &s, ret_why);
	if (e != 0)
		return e;
	e = ask_stream(f, s, type, &p, &r, ret_why);
	stream_close(s);
	if (e == 0 && r.is_current) {
		f->result->outcome = REFRESH_CURRENT;
		f->result->soa = r.soa;
		f->result->primary = f->to.to;
	} else if (e == 0) {
		e = keep(f, &r);
		if (is_copy_bad(e))
			*ret_why = copy_text(e);
	}
	forget(f);
	return e;
}

/* ---- is there something newer? ---- */

static int ask_soa_udp(struct refresh *f, struct receive *r, struct receive_plan *p,
                       const char **ret_why)
{
	uint8_t query[QUERY_MAX];
	struct tsig_client c;
	size_t n, n_answer;
	start_receive(f, p, r, DNS_SOA);
	n = write_query(f, p, &c, query);
	int e = n == 0 ? -ENOBUFS : stream_ask_udp(&f->to, query, n, f->udp, &n_answer);
	if (e == 0 && (f->udp[2] & 0x02) != 0)
		e = -EMSGSIZE; /* over TCP then */
	if (e == 0)
		e = take_message(f, r, &c, f->udp, n_answer, ret_why);
	tsig_client_done(&c);
	return e == 1 ? 0 : e == 0 ? -ENODATA : e;
}

static int ask_soa(struct refresh *f, struct receive *r, const char **ret_why)
{
	struct receive_plan p;
	struct stream *s;
	int e = -EMSGSIZE;
	if (f->to.tls == NULL)
		e = ask_soa_udp(f, r, &p, ret_why);
	if (e != -EMSGSIZE && e != -ETIMEDOUT && e != -ECONNREFUSED)
		return e;
	*ret_why = "";
	e = stream_open(&f->to, &s, ret_why);
	if (e != 0)
		return e;
	e = ask_stream(f, s, DNS_SOA, &p, r, ret_why);
	stream_close(s);
	return e;
}

/* Of the network, or ours: asking for the whole zone instead would not help. */
static bool is_hopeless(int e)
{
	return e == -ETIMEDOUT || e == -ECANCELED || e == -ECONNREFUSED || e == -EHOSTUNREACH ||
	       e == -ENETUNREACH || e == -ENOSPC || e == -ENOMEM || e == -EKEYREJECTED ||
	       e == -EROFS || e == -EACCES || e == -EIO;
}

/* 0: it answered, and the result is set. */
static int ask_primary(struct refresh *f)
{
	const char *why = "";
	struct receive r;
	int e;
	if (f->has_serial) {
		e = ask_soa(f, &r, &why);
		if (e != 0) {
			say(f, "SOA", why[0] != 0 ? why : error_text(e));
			return e;
		}
		if (r.is_current) {
			f->result->outcome = REFRESH_CURRENT;
			f->result->soa = r.soa;
			f->result->primary = f->to.to;
			return 0;
		}
		why = "";
		e = transfer(f, DNS_IXFR, &why);
		if (e == 0)
			return 0;
		say(f, "IXFR", why[0] != 0 ? why : error_text(e));
		if (is_hopeless(e))
			return e;
	}
	why = "";
	e = transfer(f, DNS_AXFR, &why);
	if (e != 0)
		say(f, "AXFR", why[0] != 0 ? why : error_text(e));
	return e;
}

/* ---- the whole ---- */

static int prepare(struct refresh *f)
{
	struct zone_reader old;
	const char *slash = strrchr(f->plan->path, '/');
	snprintf(f->folder, sizeof f->folder, "%.*s",
	         slash != NULL ? (int)(slash - f->plan->path) : 1,
	         slash != NULL ? f->plan->path : ".");
	f->scratch = malloc(RECEIVE_SCRATCH_BYTES);
	f->udp = malloc(DNS_MAX_MESSAGE);
	if (f->scratch == NULL || f->udp == NULL || record_text_new(&f->text) != 0)
		return -ENOMEM;
	/* What is damaged is as good as not there: the whole zone comes. What cannot be read now is
	   there: a primary that has gone back must not be believed meanwhile. */
	int e = zone_reader_open(&old, f->plan->path, &f->plan->zone);
	if (e == 0) {
		e = zone_layers_check(f->plan->path, f->plan->is_first);
		f->has_serial = e == 0;
		f->serial = old.numbers.serial;
		zone_reader_close(&old);
		if (is_copy_bad(e))
			snprintf(f->result->why, sizeof f->result->why, "%s", copy_text(e));
	}
	return e == -ENOENT || e == -ENOTDIR || e == -EBADMSG || e == -ENODATA ? 0 : e;
}

static void clean_up(struct refresh *f)
{
	forget(f);
	record_text_free(f->text);
	free(f->scratch);
	free(f->udp);
}

void refresh_run(const struct refresh_plan *plan, struct refresh_result *ret)
{
	struct refresh f = { .plan = plan, .result = ret };
	*ret = (struct refresh_result){ .outcome = REFRESH_FAILED };
	int e = prepare(&f);
	bool is_prepared = e == 0;
	if (e != 0)
		snprintf(ret->why, sizeof ret->why, "%.200s: %s", plan->path, strerrordesc_np(-e));
	for (unsigned i = 0; i < plan->n_primaries && is_prepared; i++) {
		const struct endpoint *to = &plan->primaries[(plan->first + i) % plan->n_primaries];
		f.to = (struct stream_plan){
			.to = *to,
			.source = to->addr.is_v4 ? plan->source_v4 : plan->source_v6,
			.tls = plan->tls,
			.stop_fd = plan->stop_fd,
			.deadline_ns = clock_mono_ns() + REFRESH_MAX_S * NS_PER_S,
		};
		e = ask_primary(&f);
		if (e == 0 || e == -ECANCELED)
			break;
	}
	clean_up(&f);
}
