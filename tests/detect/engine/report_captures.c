/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each capture of tunnels and malware through the engine, at its own pace, among what other clients and the
 * same one ask for: how much had got out when it was seen, slowed down, stopped, and in all.
 *
 * What counts as out: the bytes of different names, as the packets showed them (in lower case, with the
 * attacker's domain), as the tests with a real iodine count. All domains of an attacker have one server.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "capture.h"
#include "packed.h"
#include "reports.h"
#include "traffic.h"

enum {
	SET_BITS = 17,
	BACKGROUND_CLIENTS = 50,
	TOOL_BYTES_MAX = 1000, /* the bar */
	WARM_S = 600,
};

#define GAP_S 30.0 /* between two sites of one client */

enum stage {
	SEEN,
	SLOWED,
	STOPPED,
	STAGES
};

/* Names by hash; a number each. */
struct set {
	struct {
		uint64_t key;
		uint32_t value;
	} at[1 << SET_BITS];
};

static struct replay {
	const struct capture *capture;
	struct benign *benign;
	struct set sent, payload;
	unsigned packets, n_all, n_refused, n_blocked, innocent_asked, innocent_hurt;
	uint64_t bytes, all_bytes;       /* of different names: out; in the capture */
	uint64_t data, all_data;         /* DNSExfiltrator: characters of the file */
	double stage_s[STAGES], first_s; /* -1: never */
	uint64_t stage_bytes[STAGES];
	struct found_by by;
	double now_s;
} r;

/* The place of a name; *ret_is_new. */
static uint32_t *place_in(struct set *s, uint64_t key, bool *ret_is_new)
{
	for (uint64_t i = key >> 7;; i++) {
		uint64_t at = i & ((1 << SET_BITS) - 1);
		*ret_is_new = s->at[at].key == 0;
		if (*ret_is_new)
			s->at[at].key = key;
		if (s->at[at].key == key)
			return &s->at[at].value;
	}
}

static bool is_number(const uint8_t *label)
{
	for (unsigned i = 1; i <= label[0]; i++) {
		if (label[i] < '0' || label[i] > '9')
			return false;
	}
	return label[0] > 0;
}

/* DNSExfiltrator: "12.DATA.DATA.example.org"; what is shown of DATA. */
static uint32_t data_in(const uint8_t *name, const uint8_t *full)
{
	unsigned labels = name_labels(full), n = name_labels(name);
	uint32_t sum = 0;
	if (!is_number(full))
		return 0; /* "init" */
	for (unsigned i = n == labels ? 1 : 0; i + 2 < n; i++)
		sum += *name_skip(name, i);
	return sum;
}

static bool is_attack(const struct engine_question *q)
{
	return q->tag != TRAFFIC_TAG;
}

/* ---- what happens ---- */

static void on_packet(void *arg, const struct engine_question *q, const uint8_t *zone,
                      const uint8_t *name, uint64_t now_ns)
{
	bool is_new;
	(void)arg;
	(void)now_ns;
	if (!is_attack(q) || !capture_is_attack(r.capture, zone))
		return;
	r.packets++;
	place_in(&r.sent, name_hash(name), &is_new);
	r.bytes += is_new ? name_len(name) : 0;
	uint32_t *shown = place_in(&r.payload, name_hash(q->name.wire), &is_new);
	uint32_t data = data_in(name, q->name.wire);
	if (data > *shown) {
		r.data += data - *shown;
		*shown = data;
	}
}

static void reach(enum stage s, uint64_t now_ns)
{
	if (r.stage_s[s] >= 0)
		return;
	r.stage_s[s] = (double)now_ns / 1e9 - r.first_s;
	r.stage_bytes[s] = r.bytes;
}

static void on_found(void *arg, const struct engine_question *q, const struct detect_findings *f,
                     uint64_t now_ns)
{
	(void)arg;
	if (!is_attack(q))
		return;
	found_by_add(&r.by, f, DETECT_ALERT);
	for (unsigned i = 0; i < f->n; i++) {
		if (f->at[i].action >= DETECT_ALERT)
			reach(SEEN, now_ns);
		if (f->at[i].action >= DETECT_THROTTLE)
			reach(SLOWED, now_ns);
		if (f->at[i].action == DETECT_BLOCK)
			reach(STOPPED, now_ns);
	}
}

static void on_ended(void *arg, const struct engine_question *q, enum engine_end end,
                     uint64_t now_ns)
{
	(void)arg;
	(void)now_ns;
	bool is_hurt =
		end == ENGINE_REFUSED || end == ENGINE_BLOCKED || end == ENGINE_ANSWER_BLOCKED;
	if (!is_attack(q)) {
		r.innocent_asked++;
		r.innocent_hurt += is_hurt;
		return;
	}
	r.n_refused += end == ENGINE_REFUSED;
	r.n_blocked += end == ENGINE_BLOCKED || end == ENGINE_ANSWER_BLOCKED;
}

static uint64_t provider(void *arg, const uint8_t *registered)
{
	(void)arg;
	return capture_is_attack(r.capture, registered) ? 1 : benign_provider(r.benign, registered);
}

/* ---- one capture ---- */

static void count_all(const struct capture *c)
{
	static struct set all;
	bool is_new;
	memset(&all, 0, sizeof all);
	for (unsigned i = 0; i < c->n; i++) {
		const uint8_t *name = c->at[i].name.wire;
		if (!c->at[i].is_attack)
			continue;
		r.n_all++;
		place_in(&all, name_hash(name), &is_new);
		r.all_bytes += is_new ? name_len(name) : 0;
		r.all_data += is_new ? data_in(name, name) : 0;
	}
}

static void replay(const struct capture *c, struct benign *b, const struct options *o)
{
	static const struct engine_watcher watcher = { .packet = on_packet,
		                                       .found = on_found,
		                                       .ended = on_ended };
	static struct truth truth;
	struct engine_plan plan = {
		.seed = o->seed, .watcher = &watcher, .learn_s = ENGINE_LEARNS, .provider = provider
	};
	struct traffic traffic;
	struct addr client = addr_v4(0x0a090001);
	memset(&r, 0, sizeof r);
	r = (struct replay){ .capture = c, .benign = b, .stage_s = { -1, -1, -1 }, .first_s = -1 };
	count_all(c);
	engine_start(&plan);
	traffic_init(&traffic, b, o->seed, BACKGROUND_CLIENTS, GAP_S, &client);
	for (unsigned i = 0; i < c->n; i++) {
		const struct packet *p = &c->at[i];
		struct engine_question q = { .client = addr_v4(0x0a090001 + p->client),
			                     .name = p->name,
			                     .type = p->type,
			                     .now_ns = (uint64_t)((p->at_s + WARM_S) * 1e9),
			                     .tag = p->is_attack ? i : TRAFFIC_TAG };
		traffic_until(&traffic, p->at_s + WARM_S);
		if (p->is_attack && r.first_s < 0)
			r.first_s = p->at_s + WARM_S;
		packet_truth(p, &truth);
		engine_ask(&q, &truth);
	}
	engine_wait((uint64_t)(WARM_S + (c->n > 0 ? c->at[c->n - 1].at_s : 0) + 10) * NS_PER_S);
	engine_stop();
}

/* ---- tables ---- */

static void print_stage(enum stage s)
{
	if (r.stage_s[s] < 0)
		printf(" %8s %6s", "-", "-");
	else
		printf(" %7.1fs %6llu", r.stage_s[s], (unsigned long long)r.stage_bytes[s]);
}

static void print_row(const struct capture *c)
{
	char by[256];
	printf("%-46.46s %6u %8llu %7llu", c->name, r.n_all, (unsigned long long)r.all_bytes,
	       (unsigned long long)r.bytes);
	for (unsigned s = 0; s < STAGES; s++)
		print_stage((enum stage)s);
	unsigned file = 0;
	const char *size = strstr(c->name, "FLSIZE-");
	if (size != NULL) {
		file = (unsigned)strtoul(size + 7, NULL, 10);
		printf(" %5u/%-5u %4.0f%%", (unsigned)(file * r.data / (r.all_data + !r.all_data)),
		       file, 100.0 * (double)r.data / (double)(r.all_data + !r.all_data));
	}
	printf("  %s\n", found_by_text(&r.by, by, sizeof by));
}

struct summary {
	uint64_t bytes[4096];
	unsigned n, n_over, n_stopped, n_seen, n_innocent, n_hurt;
};

static int compare_bytes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void print_summary(const char *set, struct summary *s)
{
	if (s->n == 0)
		return;
	qsort(s->bytes, s->n, sizeof s->bytes[0], compare_bytes);
	printf("%s: %u captures, bytes out: median %llu, most %llu; over %u bytes: %u; seen %u, "
	       "stopped %u. Other questions: %u, of which not answered %u\n\n",
	       set, s->n, (unsigned long long)s->bytes[s->n / 2],
	       (unsigned long long)s->bytes[s->n - 1], TOOL_BYTES_MAX, s->n_over, s->n_seen,
	       s->n_stopped, s->n_innocent, s->n_hurt);
}

static unsigned run_set(const char *title, struct captures *all, struct benign *b,
                        const struct options *o)
{
	static struct summary s;
	memset(&s, 0, sizeof s);
	printf("%s\n%-46s %6s %8s %7s %8s %6s %8s %6s %8s %6s  by\n", title, "capture", "asked",
	       "bytes", "out", "seen", "bytes", "slowed", "bytes", "stopped", "bytes");
	for (unsigned i = 0; i < all->n; i++) {
		replay(&all->at[i], b, o);
		print_row(&all->at[i]);
		fflush(stdout);
		s.bytes[s.n++] = r.bytes;
		s.n_over += r.bytes > TOOL_BYTES_MAX;
		s.n_seen += r.stage_s[SEEN] >= 0;
		s.n_stopped += r.stage_s[STOPPED] >= 0;
		s.n_innocent += r.innocent_asked;
		s.n_hurt += r.innocent_hurt;
	}
	print_summary(title, &s);
	return s.n_over;
}

int report_captures(const struct options *o)
{
	static const struct {
		const char *title, *file;
		bool is_fast; /* the bar holds for it */
	} sets[] = {
		{ "tools", "tools.tsv.xz", true },
		{ "dnsexfiltrator", "dnsexfiltrator.tsv.xz", true },
		{ "malware", "malware.tsv.xz", false },
		{ "names of tools", "netrack_names.csv.xz", true },
	};
	static struct benign b;
	unsigned n_over = 0;
	benign_read(&b, o->folder);
	for (unsigned i = 0; i < ARRAY_LEN(sets); i++) {
		struct captures c;
		if (o->only != NULL && strcmp(o->only, sets[i].title) != 0)
			continue;
		if (strstr(sets[i].file, ".csv") != NULL)
			captures_read_names(&c, o->folder, sets[i].file);
		else
			captures_read(&c, o->folder, sets[i].file);
		unsigned over = run_set(sets[i].title, &c, &b, o);
		n_over += sets[i].is_fast ? over : 0;
		captures_free(&c);
	}
	benign_free(&b);
	printf("captures of fast tools over %u bytes: %u\n", TOOL_BYTES_MAX, n_over);
	return n_over > 0;
}
