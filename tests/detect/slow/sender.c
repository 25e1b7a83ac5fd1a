/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sender.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/rcu.h"

enum {
	NAME_TEXT = 512,
	NAME_CHARS = 240,
	LABEL_CHARS = 62,
	WORDS_A_LABEL = 5,
	RATE = 60, /* bytes an hour that are meant to get out at most */
	CAREFUL_S = 600,
};

#define NS_PER_H (3600 * NS_PER_S)
/* Weir writes letters in a case of its own: of the six bits of a digit 52/64 x 5 + 12/64 x 6 arrive. */
#define BASE64_SHARE (332.0 / 384)

const char *const encoding_names[ENCODINGS] = { "hex", "base32", "base64", "words", "ipv6" };

static char words[WORDS][16];

static char settings[PATH_MAX + 64];

void world_read(const char *source)
{
	char path[PATH_MAX], line[256];
	unsigned n = 0;
	snprintf(path, sizeof path, "%s/tools/train/host_labels.txt", source);
	snprintf(settings, sizeof settings, "detect: {dga.model: '%s/conf/models/dga.model'}\n",
	         source);
	FILE *f = fopen(path, "r");
	while (f != NULL && n < WORDS && fgets(line, sizeof line, f) != NULL) {
		if (line[0] != '#' && sscanf(line, "%15s", words[n]) == 1)
			n++;
	}
	if (f != NULL)
		fclose(f);
	if (n == WORDS)
		return;
	fprintf(stderr, "%s: no file of %d words\n", path, WORDS);
	exit(2);
}

/* ---- the world ---- */

void world_start(struct world *w)
{
	struct config *c = NULL;
	struct config_problems problems = { 0 };
	*w = (struct world){ .now_ns = NS_PER_S };
	if (config_load_text("slow", settings, strlen(settings), &c, &problems) != 0 ||
	    detect_new(c, &w->d) != 0) {
		config_problems_print(&problems, stderr);
		fprintf(stderr, "detectors do not start\n");
		exit(2);
	}
	config_free(c);
	config_problems_done(&problems);
}

void world_stop(struct world *w)
{
	detect_free(w->d);
	rcu_quiet();
}

static void answer(struct world *w, const struct detect_question *q, const struct name *name)
{
	uint8_t data[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	uint64_t dice = q->now_ns * 0x9e3779b97f4a7c15U;
	memcpy(data + 8, &dice, 8);
	if (q->type == DNS_A)
		memcpy(data, (uint8_t[4]){ 203, 0, 113, 7 }, 4);
	struct rr rr = { .owner = name->wire,
		         .rdata = data,
		         .type = q->type,
		         .class = 1,
		         .rdata_len = q->type == DNS_A ? 4 : 16,
		         .ttl_s = 0,
		         .section = SECTION_ANSWER };
	struct detect_answer a = { .client = q->client,
		                   .question = q->question,
		                   .type = q->type,
		                   .rrs = &rr,
		                   .n_rrs = q->type == DNS_A || q->type == DNS_AAAA,
		                   .zone = q->zone,
		                   .now_ns = q->now_ns };
	struct detect_result r;
	detect_answer(w->d, &a, &r);
}

bool world_ask(struct world *w, const struct addr *client, const char *name,
               const struct servers *s, uint16_t type)
{
	struct name n, zone;
	if (name_from_text(name, strlen(name), &n) != 0 ||
	    name_from_text(s->zone, strlen(s->zone), &zone) != 0) {
		fprintf(stderr, "%s is no name\n", name);
		exit(2);
	}
	struct addr server = addr_v4(s->address);
	struct detect_question q = {
		.client = client,
		.question = n.wire,
		.name = n.wire,
		.type = type,
		.sent_type = type,
		.is_first = true,
		.zone = { .name = zone.wire, .servers_hash = s->hash, .server = &server },
		.now_ns = w->now_ns
	};
	struct detect_result r;
	w->asked++;
	detect_question(w->d, &q, &r);
	if (r.outcome == DETECT_WAIT) {
		q.now_ns += (r.wait_ms + 1) * NS_PER_MS;
		detect_question(w->d, &q, &r);
	}
	w->throttled += r.outcome == DETECT_WAIT || r.outcome == DETECT_REFUSED;
	w->blocked += r.outcome == DETECT_BLOCKED;
	if (r.outcome != DETECT_PASS)
		return false;
	w->passed++;
	answer(w, &q, &n);
	return true;
}

/* ---- bytes as labels ---- */

static unsigned bits_at(const uint8_t *data, unsigned size, unsigned at, unsigned n)
{
	unsigned value = 0;
	for (unsigned i = at; i < at + n; i++)
		value = value << 1 | (i < size * 8 ? data[i / 8] >> (7 - i % 8) & 1U : 0);
	return value;
}

static size_t put_digits(char *to, const char *alphabet, unsigned bits, const uint8_t *data,
                         unsigned size)
{
	size_t n = 0, in_label = 0;
	for (unsigned at = 0; at < size * 8; at += bits) {
		if (in_label++ == LABEL_CHARS) {
			to[n++] = '.';
			in_label = 1;
		}
		to[n++] = alphabet[bits_at(data, size, at, bits)];
	}
	return n;
}

static size_t put_words(char *to, const uint8_t *data, unsigned size)
{
	size_t n = 0;
	for (unsigned at = 0, i = 0; at < size * 8; at += 7, i++) {
		if (i > 0)
			to[n++] = i % WORDS_A_LABEL == 0 ? '.' : '-';
		const char *word = words[bits_at(data, size, at, 7)];
		size_t len = strnlen(word, sizeof words[0]);
		memcpy(to + n, word, len);
		n += len;
	}
	return n;
}

static size_t put_address(char *to, const uint8_t *data, unsigned size)
{
	size_t n = 0;
	for (unsigned i = 0; i < size; i += 2) {
		if (i > 0)
			to[n++] = i % 16 == 0 ? '.' : '-';
		n += (size_t)snprintf(to + n, NAME_TEXT - n, "%02x%02x", data[i], data[i + 1]);
	}
	return n;
}

static void encode(enum encoding e, const uint8_t *data, unsigned size, char *to)
{
	size_t n = 0;
	switch (e) {
	case AS_HEX:
		n = put_digits(to, "0123456789abcdef", 4, data, size);
		break;
	case AS_BASE32:
		n = put_digits(to, "abcdefghijklmnopqrstuvwxyz234567", 5, data, size);
		break;
	case AS_BASE64:
		n = put_digits(to,
		               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
		               6, data, size);
		break;
	case AS_WORDS:
		n = put_words(to, data, size);
		break;
	default:
		n = put_address(to, data, size);
	}
	to[n] = 0;
}

/* ---- a sender ---- */

static uint64_t dice(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15U;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

void sender_init(struct sender *s, const struct cell *c, const struct addr *client,
                 unsigned first_domain)
{
	*s = (struct sender){ .cell = *c,
		              .client = *client,
		              .first_domain = first_domain,
		              .seed = first_domain + 1,
		              .next_ns = NS_PER_S,
		              .blocked_h = -1 };
}

static void fill(struct sender *s, uint8_t *chunk)
{
	for (unsigned i = 0; i < s->cell.size; i++)
		chunk[i] = (uint8_t)dice(&s->seed);
}

static void note_arrival(struct sender *s, const struct world *w, size_t name_bytes)
{
	double hours = (double)w->now_ns / (double)NS_PER_H;
	double bytes = s->cell.size * (s->cell.encoding == AS_BASE64 ? BASE64_SHARE : 1);
	s->payload += bytes;
	s->name_bytes += name_bytes;
	if (hours < HOURS_MAX)
		s->by_hour[(unsigned)hours] += bytes;
	double over = s->payload - RATE * hours;
	if (over > s->burst)
		s->burst = over;
}

void sender_turn(struct sender *s, struct world *w)
{
	char name[NAME_TEXT], zone[64];
	unsigned slot = s->n_waiting < WINDOW ? s->n_waiting : s->at++ % WINDOW;
	unsigned domain = s->first_domain + (unsigned)(dice(&s->seed) % s->cell.domains);
	bool is_new = slot == s->n_waiting;
	if (s->cell.zone != NULL && s->cell.domains > 1)
		snprintf(zone, sizeof zone, "%u.%s", domain % 16, s->cell.zone);
	else if (s->cell.zone != NULL)
		snprintf(zone, sizeof zone, "%s", s->cell.zone);
	else
		snprintf(zone, sizeof zone, "cell%u.test", domain);
	s->n_waiting += is_new;
	do { /* long words may not fit: other data, then */
		if (is_new)
			fill(s, s->waiting[slot]);
		encode(s->cell.encoding, s->waiting[slot], s->cell.size, name);
	} while (is_new && strlen(name) + strlen(zone) > NAME_CHARS);
	size_t n = strlen(name);
	snprintf(name + n, sizeof name - n, ".%s", zone);
	unsigned server = s->cell.is_shared ? s->first_domain : domain;
	struct servers at = { zone, 0x1000 + server, 0xc6000000 + server * 256 };
	uint64_t blocked = w->blocked;
	bool has_arrived =
		world_ask(w, &s->client, name, &at, s->cell.encoding == AS_IPV6 ? DNS_AAAA : DNS_A);
	if (has_arrived) {
		memmove(s->waiting[slot], s->waiting[--s->n_waiting], SIZE_MAX_BYTES);
		note_arrival(s, w, strlen(name) + 2);
	} else if (w->blocked > blocked && s->blocked_h < 0) {
		s->blocked_h = (double)w->now_ns / (double)NS_PER_H;
	}
	double wait_s = s->cell.spacing_s;
	if (s->cell.is_careful && !has_arrived)
		wait_s = CAREFUL_S;
	s->next_ns += (uint64_t)(wait_s * (double)NS_PER_S);
}

void senders_run(struct sender *s, unsigned n, struct world *w, double hours)
{
	uint64_t end_ns = w->now_ns + (uint64_t)(hours * (double)NS_PER_H);
	for (;;) {
		struct sender *next = &s[0];
		for (unsigned i = 1; i < n; i++) {
			if (s[i].next_ns < next->next_ns)
				next = &s[i];
		}
		if (next->next_ns >= end_ns)
			break;
		w->now_ns = next->next_ns;
		sender_turn(next, w);
	}
	w->now_ns = end_ns;
}

double sender_rate(const struct sender *s, unsigned from_h, unsigned to_h)
{
	double sum = 0;
	for (unsigned h = from_h; h < to_h; h++)
		sum += s->by_hour[h];
	return sum / (to_h - from_h);
}
