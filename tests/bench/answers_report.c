/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * answers_report CLIENTS HOURS <ANSWERS: what the detectors say of answers that were recorded.
 *
 * ANSWERS: lines of time, rcode, type, name, bytes, answers; the latter TYPE/TTL/VALUE joined by
 * bars, where VALUE is an address, a name, or len=N: so many random bytes. All names of a registered
 * domain are asked for by the same of the clients, spread over so many hours (0: at the times of
 * the lines). Each registered domain has servers of its own. Prints the first findings, and how many
 * there are by detector and confidence: of answers, and of (client, registered domain).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rcu.h"
#include "detect/detect.h"
#include "dns/registered.h"
#include "dns/text.h"

enum {
	LINE_MAX_BYTES = 1 << 20,
	ROOM = 1 << 17,
	COLUMNS = 6,
	SHOWN_MAX = 12, /* of a detector and confidence */
	SUBJECTS = 1 << 22,
};

struct report {
	struct detect *d;
	unsigned clients;
	double hours;
	uint64_t n, step_ns;
	uint64_t found[N_DETECTORS][DETECT_CONFIDENCES], subjects[N_DETECTORS][DETECT_CONFIDENCES];
	uint64_t cost_ns;
	uint8_t seen[SUBJECTS]; /* by hash of detector, confidence and registered domain */
};

/* One answer, laid out. */
struct recorded {
	struct name name;
	struct rr rrs[DETECT_RECORDS_MAX];
	uint8_t room[ROOM];
	size_t used;
	struct addr client, private_addr;
	struct detect_answer a;
};

static unsigned split(char *line, char **columns, unsigned max, char by)
{
	unsigned n = 0;
	for (char *p = line; p != NULL && n < max;) {
		columns[n++] = p;
		p = strchr(p, by);
		if (p != NULL)
			*p++ = 0;
	}
	return n;
}

static size_t fill_rdata(uint16_t type, char *value, uint8_t *ret)
{
	static uint32_t dice = 1;
	struct addr a;
	struct name name;
	if ((type == DNS_A || type == DNS_AAAA) && addr_from_text(value, strlen(value), &a) == 0) {
		size_t n = type == DNS_A ? 4 : 16;
		memcpy(ret, a.bytes + 16 - n, n);
		return n;
	}
	if (strncmp(value, "len=", 4) == 0) {
		size_t n = strtoul(value + 4, NULL, 10) % 65000;
		for (size_t i = 0; i < n; i++) {
			dice = dice * 1664525 + 1013904223;
			ret[i] = (uint8_t)(dice >> 24);
		}
		for (size_t i = 0; type == DNS_TXT && i < n; i += 256)
			ret[i] = (uint8_t)(n - i - 1 < 255 ? n - i - 1 : 255);
		return n;
	}
	size_t at = type == DNS_MX ? 2 : type == DNS_SRV ? 6 : 0;
	if (type == DNS_A || type == DNS_AAAA || name_from_text(value, strlen(value), &name) != 0)
		return 0;
	memset(ret, 0, at);
	memcpy(ret + at, name.wire, name.len);
	return at + name.len;
}

static void add_record(struct recorded *r, char *text)
{
	char *parts[3];
	uint16_t type;
	if (r->a.n_rrs == DETECT_RECORDS_MAX || split(text, parts, 3, '/') < 3 ||
	    dns_type_from_text(parts[0], &type) != 0 || r->used + 65536 > ROOM)
		return;
	uint8_t *rdata = r->room + r->used;
	size_t n = fill_rdata(type, parts[2], rdata);
	if (n == 0)
		return;
	if (type == DNS_A || type == DNS_AAAA) {
		struct addr a = n == 4 ? addr_from_bytes4(rdata) : addr_from_bytes16(rdata);
		if (addr_is_private(&a) || (a.is_v4 && a.bytes[12] == 0)) {
			r->private_addr = a;
			r->a.private_addr = &r->private_addr;
		}
	}
	r->rrs[r->a.n_rrs++] = (struct rr){ .owner = r->name.wire,
		                            .rdata = rdata,
		                            .type = type,
		                            .class = DNS_CLASS_IN,
		                            .rdata_len = (uint16_t)n,
		                            .ttl_s = (uint32_t)strtoul(parts[1], NULL, 10) };
	r->used += n;
}

/* Until the last alias, whose servers answered. */
static const uint8_t *last_name(const struct recorded *r)
{
	const uint8_t *name = r->name.wire;
	for (unsigned i = 0; i < r->a.n_rrs; i++) {
		if (r->rrs[i].type == DNS_CNAME && r->a.type != DNS_CNAME)
			name = r->rrs[i].rdata;
	}
	return name;
}

static struct detect_zone zone_of(const uint8_t *name)
{
	const uint8_t *registered = name_registered(name);
	return (struct detect_zone){ .name = registered != NULL ? registered : name,
		                     .servers_hash =
		                             name_hash(registered != NULL ? registered : name) };
}

static bool read_answer(struct report *p, char *line, struct recorded *r)
{
	char *columns[COLUMNS], *records[256];
	uint16_t type;
	line[strcspn(line, "\n")] = 0;
	if (split(line, columns, COLUMNS, '\t') < COLUMNS ||
	    dns_type_from_text(columns[2], &type) != 0 ||
	    name_from_text(columns[3], strlen(columns[3]), &r->name) != 0)
		return false;
	name_copy_lower(r->name.wire, r->name.wire);
	r->used = 0;
	r->a = (struct detect_answer){ .client = &r->client,
		                       .question = r->name.wire,
		                       .type = type,
		                       .rcode = (uint8_t)atoi(columns[1]),
		                       .rrs = r->rrs };
	unsigned n = split(columns[5], records, 256, '|');
	for (unsigned i = 0; i < n; i++)
		add_record(r, records[i]);
	r->a.first = zone_of(r->name.wire);
	r->a.zone = zone_of(last_name(r));
	r->client = addr_v4((uint32_t)(0x0a000000 + r->a.first.servers_hash % p->clients));
	double at_s = p->hours > 0 ? 0 : strtod(columns[0], NULL);
	r->a.now_ns = NS_PER_S + (uint64_t)(at_s * 1e9) + p->n * p->step_ns;
	p->n++;
	return true;
}

static void count(struct report *p, const struct recorded *r, const struct detect_finding *f)
{
	char text[NAME_TEXT_MAX];
	uint64_t h = (r->a.first.servers_hash + f->detector * 3 + f->confidence) *
	                     UINT64_C(0x9e3779b97f4a7c15) >>
	             42;
	p->found[f->detector][f->confidence]++;
	if (p->seen[h])
		return;
	p->seen[h] = 1;
	if (p->subjects[f->detector][f->confidence]++ >= SHOWN_MAX)
		return;
	name_to_text(r->name.wire, text);
	printf("%s %s: %s: %s", config_detector((enum detector_id)f->detector)->name,
	       f->confidence == DETECT_LOW      ? "low"
	       : f->confidence == DETECT_MEDIUM ? "medium"
	                                        : "high",
	       text, f->text);
	for (unsigned i = 0; i < f->n_evidence; i++)
		printf(" %s=%lld", f->evidence[i].name, (long long)f->evidence[i].value);
	printf(" (answer %llu)\n", (unsigned long long)p->n);
}

static int make_detect(struct report *p)
{
	static const char text[] =
		"detect: {rebinding.low: alert, payload.low: alert, addresses.low: alert, flux.low: alert, "
		"dga.enable: false}\n";
	struct config *c = NULL;
	struct config_problems problems = { 0 };
	int e = config_load_text("answers_report", text, strlen(text), &c, &problems);
	if (e == 0)
		e = detect_new(c, &p->d);
	else
		config_problems_print(&problems, stderr);
	config_problems_done(&problems);
	config_free(c);
	return e;
}

static void print_counts(const struct report *p)
{
	printf("%llu answers, %llu ns each\n", (unsigned long long)p->n,
	       (unsigned long long)(p->n > 0 ? p->cost_ns / p->n : 0));
	printf("%-12s %20s %20s %20s\n", "detector", "low: answers, domains", "medium", "high");
	for (unsigned i = 0; i < N_DETECTORS; i++) {
		printf("%-12s", config_detector((enum detector_id)i)->name);
		for (unsigned k = 0; k < DETECT_CONFIDENCES; k++)
			printf(" %12llu %7llu", (unsigned long long)p->found[i][k],
			       (unsigned long long)p->subjects[i][k]);
		printf("\n");
	}
}

int main(int argc, char **argv)
{
	static struct report p;
	static struct recorded r;
	static char line[LINE_MAX_BYTES];
	static struct detect_result result;
	if (argc != 3 || atoi(argv[1]) < 1) {
		fprintf(stderr, "usage: answers_report CLIENTS HOURS <ANSWERS\n");
		return 2;
	}
	p.clients = (unsigned)atoi(argv[1]);
	p.hours = atof(argv[2]);
	p.step_ns = (uint64_t)(p.hours * 3600e9 / 500000);
	rcu_thread_start();
	if (make_detect(&p) != 0)
		return 1;
	while (fgets(line, sizeof line, stdin) != NULL) {
		if (!read_answer(&p, line, &r))
			continue;
		uint64_t start_ns = clock_mono_ns();
		detect_answer(p.d, &r.a, &result);
		p.cost_ns += clock_mono_ns() - start_ns;
		for (unsigned i = 0; i < result.findings.n; i++)
			count(&p, &r, &result.findings.at[i]);
	}
	print_counts(&p);
	detect_free(p.d);
	rcu_thread_stop();
	return 0;
}
