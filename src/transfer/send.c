/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/send.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "dns/text.h"
#include "transfer/journal.h"
#include "transfer/serial.h"

enum {
	ZONE_AT = DNS_HEADER_BYTES, /* the question's name, which all owners end with */
	RR_FIXED_BYTES = 10,
	PATH_ROOM = 4400,
	TRIES = 5,
};

struct sending {
	struct stream *s;
	struct request *r;
	struct record_text *text;
	struct send_result *result;
	size_t n;       /* of the message */
	unsigned count; /* records in it */
	uint8_t message[DNS_MAX_MESSAGE];
};

static void begin(struct sending *g, unsigned rcode)
{
	g->n = request_answer(g->r, g->message, rcode);
	g->count = 0;
}

static int flush(struct sending *g)
{
	store16(g->message + 6, (uint16_t)g->count);
	int e = tsig_server_sign(&g->r->tsig, g->message, &g->n, sizeof g->message);
	if (e == 0)
		e = stream_send(g->s, g->message, g->n);
	g->result->n_messages++;
	g->result->n_bytes += g->n;
	begin(g, 0);
	return e;
}

/* Owners are written with a pointer to the zone's name in the question. */
static int add(struct sending *g, const struct rr *rr)
{
	size_t n_owner = name_len(rr->owner);
	if (!name_is_within(rr->owner, g->r->zone.wire))
		return 0;
	size_t n_front = n_owner - g->r->zone.len;
	size_t need = n_front + 2 + RR_FIXED_BYTES + rr->rdata_len;
	if (g->count > 0 && g->n + need > SEND_MESSAGE_BYTES) {
		int e = flush(g);
		if (e != 0)
			return e;
	}
	if (g->n + need > DNS_MAX_MESSAGE - TSIG_ROOM)
		return 0;
	uint8_t *p = g->message + g->n;
	memcpy(p, rr->owner, n_front);
	p += n_front;
	store16(p, 0xc000 | ZONE_AT);
	store16(p + 2, rr->type);
	store16(p + 4, DNS_CLASS_IN);
	store32(p + 6, rr->ttl_s);
	store16(p + 10, rr->rdata_len);
	memcpy(p + 12, rr->rdata, rr->rdata_len);
	g->n += need;
	g->count++;
	g->result->n_records++;
	return 0;
}

static int add_line(struct sending *g, const char *line, size_t n)
{
	struct rr rr;
	int e = record_from_line(g->text, line, n, &rr);
	return e == 0 ? add(g, &rr) : e;
}

static int send_whole(struct sending *g, struct zone_reader *zone)
{
	int got = 1, e = add_line(g, zone->soa, zone->n_soa);
	while (e == 0 && (got = zone_reader_next(zone)) == 1)
		e = add_line(g, zone->line, zone->n);
	if (e == 0 && got < 0)
		e = got;
	return e == 0 ? add_line(g, zone->soa, zone->n_soa) : e;
}

/* A step's file: two SOA lines, then what goes, then what comes. */
static int send_step(struct sending *g, FILE *file)
{
	char *line = NULL, *soa = NULL;
	size_t room = 0;
	unsigned n_lines = 0;
	bool has_second = false;
	int e = 0;
	for (ssize_t n; e == 0 && (n = getline(&line, &room, file)) > 0; n_lines++) {
		if (line[n - 1] == '\n')
			line[--n] = 0;
		if (n_lines == 0) {
			e = add_line(g, line, (size_t)n);
		} else if (n_lines == 1) {
			soa = strdup(line);
			e = soa == NULL ? -ENOMEM : 0;
		} else {
			if (line[0] == '+' && !has_second) {
				has_second = true;
				e = add_line(g, soa, strlen(soa));
			}
			if (e == 0)
				e = add_line(g, line + 1, (size_t)n - 1);
		}
	}
	if (e == 0 && (ferror(file) != 0 || soa == NULL))
		e = -EIO;
	if (e == 0 && !has_second)
		e = add_line(g, soa, strlen(soa));
	free(soa);
	free(line);
	return e;
}

static int send_steps(struct sending *g, struct zone_reader *zone, struct journal_step *steps,
                      unsigned n)
{
	int e = add_line(g, zone->soa, zone->n_soa);
	for (unsigned i = 0; i < n && e == 0; i++)
		e = send_step(g, steps[i].file);
	return e == 0 ? add_line(g, zone->soa, zone->n_soa) : e;
}

static int send_answer(struct sending *g, struct zone_reader *zone, const char *folder)
{
	struct journal_step steps[JOURNAL_MAX_STEPS];
	const struct request *r = g->r;
	unsigned n = 0;
	uint32_t serial = zone->numbers.serial;
	if (r->type == DNS_SOA || (r->type == DNS_IXFR && !serial_is_newer(serial, r->serial)))
		return add_line(g, zone->soa, zone->n_soa);
	if (r->type == DNS_IXFR &&
	    journal_open_steps(folder, r->serial, serial, steps, JOURNAL_MAX_STEPS, &n) == 0) {
		g->result->is_delta = true;
		int e = send_steps(g, zone, steps, n);
		journal_close_steps(steps, n);
		return e;
	}
	return send_whole(g, zone);
}

/* Its layers too: those of a version that is replaced meanwhile may go. */
static int open_zone(struct zone_reader *ret, const char *path, const struct name *zone)
{
	int e = -ENOENT;
	for (int i = 0; e == -ENOENT && i < TRIES; i++) {
		e = zone_reader_open(ret, path, zone);
		if (e != 0)
			return e;
		e = zone_reader_reach(ret);
		if (e != 0)
			zone_reader_close(ret);
	}
	return e;
}

int send_zone(struct stream *s, struct request *r, const char *folder, struct send_result *ret)
{
	char path[PATH_ROOM];
	struct zone_reader zone;
	struct sending *g = calloc(1, sizeof *g);
	if (g == NULL)
		return -ENOMEM;
	*ret = (struct send_result){ 0 };
	g->s = s;
	g->r = r;
	g->result = ret;
	int e = record_text_new(&g->text);
	journal_zone_path(folder, path, sizeof path);
	if (e == 0)
		e = open_zone(&zone, path, &r->zone);
	if (e == 0) {
		ret->serial = zone.numbers.serial;
		begin(g, 0);
		e = send_answer(g, &zone, folder);
		if (e == 0)
			e = flush(g);
		zone_reader_close(&zone);
	} else {
		begin(g, RCODE_SERVFAIL);
		int sent = flush(g);
		e = sent != 0 ? sent : e;
	}
	record_text_free(g->text);
	free(g);
	return e;
}

void send_tell(const struct name *zone, const struct addr *client, bool is_tls, int error,
               const struct send_result *result)
{
	char to[ADDR_TEXT_MAX], name[NAME_TEXT_MAX];
	addr_to_text(client, to);
	name_to_text(zone->wire, name);
	if (error == 0)
		log_info("zone %s: %s has got version %" PRIu32 "%s%s: %" PRIu64
		         " records in %" PRIu64 " messages",
		         name, to, result->serial, result->is_delta ? ", what changed" : "",
		         is_tls ? ", over TLS" : "", result->n_records, result->n_messages);
	else if (error != -ECANCELED)
		log_warning("zone %s: the transfer to %s ended early: %s", name, to,
		            strerrordesc_np(-error));
}
