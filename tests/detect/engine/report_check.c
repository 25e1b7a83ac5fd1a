/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small sample of the other reports that needs no data: names of tests/detect/dga-sample.tsv that are ordinary, made
 * look-ups of lists, antivirus programs and hosts of contents, and made tunnels. Status 1: something ordinary was
 * throttled or blocked, or a tunnel was not stopped within 1,000 bytes of names.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "benign.h"
#include "packed.h"
#include "reports.h"
#include "storm.h"

enum {
	CLIENTS = 50,
	BYTES_MAX = 1000,
	LOOKUPS = 3000, /* of each kind, in an hour, by one client */
	PACKETS = 600,  /* of a tunnel, ten a second */
};

static struct count {
	unsigned asked, refused, blocked, alerts;
	uint64_t bytes;
} n;

static void on_packet(void *arg, const struct engine_question *q, const uint8_t *zone,
                      const uint8_t *name, uint64_t now_ns)
{
	(void)arg;
	(void)q;
	(void)now_ns;
	if (name_labels(zone) > 1)
		n.bytes += name_len(name);
}

static void on_found(void *arg, const struct engine_question *q, const struct detect_findings *f,
                     uint64_t now_ns)
{
	(void)arg;
	(void)q;
	(void)now_ns;
	for (unsigned i = 0; i < f->n; i++)
		n.alerts += f->at[i].action == DETECT_ALERT;
}

static void on_ended(void *arg, const struct engine_question *q, enum engine_end end,
                     uint64_t now_ns)
{
	(void)arg;
	(void)q;
	(void)now_ns;
	n.asked++;
	n.refused += end == ENGINE_REFUSED;
	n.blocked += end == ENGINE_BLOCKED || end == ENGINE_ANSWER_BLOCKED;
}

static const struct engine_watcher watcher = { .packet = on_packet,
	                                       .found = on_found,
	                                       .ended = on_ended };

static void start(const struct options *o)
{
	struct engine_plan plan = { .seed = o->seed,
		                    .watcher = &watcher,
		                    .learn_s = ENGINE_LEARNS };
	memset(&n, 0, sizeof n);
	engine_start(&plan);
}

static unsigned end(const char *what, bool is_good)
{
	engine_stop();
	printf("%-28s %6u asked, %5u throttled, %5u blocked, %3u alerts, %7llu bytes%s\n", what,
	       n.asked, n.refused, n.blocked, n.alerts, (unsigned long long)n.bytes,
	       is_good ? "" : "   <-- wrong");
	return is_good ? 0 : 1;
}

/* ---- what is ordinary ---- */

/* Lines "-<tab>label<tab>suffix", over a day. */
static unsigned check_names(const struct options *o)
{
	static struct truth truth;
	size_t size;
	char *text = read_packed(o->folder, &size), *save = NULL;
	uint64_t now_ns = 0;
	unsigned client = 0;
	start(o);
	for (char *at = strtok_r(text, "\n", &save); at != NULL; at = strtok_r(NULL, "\n", &save)) {
		char name[256];
		struct engine_question q = { .client = addr_v4(0x0a000001 + client++ % CLIENTS) };
		char *tab = strncmp(at, "-\t", 2) == 0 ? strchr(at + 2, '\t') : NULL;
		if (tab == NULL)
			continue;
		*tab = '.';
		snprintf(name, sizeof name, "www.%s", at + 2);
		if (name_from_text(name, strlen(name), &q.name) != 0)
			continue;
		q.now_ns = now_ns += 24 * NS_PER_S;
		engine_wait(q.now_ns);
		for (unsigned i = 0; i < 2; i++) {
			q.type = i == 0 ? DNS_A : DNS_AAAA;
			truth_init(&truth, RCODE_NOERROR);
			if (i == 0)
				truth_add_text(&truth, q.name.wire, "A/300/198.51.100.7");
			engine_ask(&q, &truth);
		}
	}
	free(text);
	return end("ordinary names", n.asked > 5000 && n.refused == 0 && n.blocked == 0);
}

static unsigned check_lookups(const struct options *o, const struct storm *s)
{
	static struct truth truth;
	uint64_t dice = o->seed;
	start(o);
	for (unsigned i = 0; i < LOOKUPS; i++) {
		struct engine_question q = { .client = addr_v4(0x0a000001),
			                     .type = s->type,
			                     .now_ns = i * (3600 * NS_PER_S / LOOKUPS) };
		storm_name(s, &dice, &q.name, &truth);
		engine_wait(q.now_ns);
		engine_ask(&q, &truth);
	}
	return end(s->name, n.refused == 0 && n.blocked == 0);
}

/* ---- what is not ---- */

static const struct storm tunnels[] = {
	{ "tunnel: base32, TXT", "%50b.%50b.t.example.org", "TXT/0/len=120", 100, DNS_TXT, NULL },
	{ "tunnel: hexadecimal, A", "%60h.%20h.data.example.net", "A/0/203.0.113.9", 100, DNS_A,
	  NULL },
	{ "tunnel: base32, NULL", "%60b.%60b.%60b.t.example.org", "10/0/len=400", 100, DNS_NULL,
	  NULL },
	{ "tunnel: short, CNAME", "%12b.x.example.org", "CNAME/0/ok.x.example.org", 100, DNS_CNAME,
	  NULL },
	{ "tunnel: does not exist", "%40a.d.muster-drop.com", "", 0, DNS_AAAA, NULL },
};

static unsigned check_tunnel(const struct options *o, const struct storm *s)
{
	static struct truth truth;
	uint64_t dice = o->seed;
	start(o);
	for (unsigned i = 0; i < PACKETS; i++) {
		struct engine_question q = { .client = addr_v4(0x0a000001),
			                     .type = s->type,
			                     .now_ns = i * 100 * NS_PER_MS };
		storm_name(s, &dice, &q.name, &truth);
		engine_wait(q.now_ns);
		engine_ask(&q, &truth);
	}
	return end(s->name, n.bytes <= BYTES_MAX && n.blocked > PACKETS / 2);
}

int report_check(const struct options *o)
{
	unsigned n_bad = check_names(o);
	for (unsigned i = 0; i < n_storms; i++)
		n_bad += check_lookups(o, &storms[i]);
	for (unsigned i = 0; i < ARRAY_LEN(tunnels); i++)
		n_bad += check_tunnel(o, &tunnels[i]);
	start(o);
	n_bad += end("memory", engine_bytes() <= 64U << 20);
	return n_bad > 0;
}
