/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each name of the ordinary sets through the engine, once, in an order of chance, by 500 clients that each
 * ask for 500 new names a day (A and AAAA; small sets take a day), with nothing of it in any cache and each
 * domain new: what detectors say of names that nobody should hear of.
 *
 * Answers are those that were recorded, where they were; else an address of the domain's own. Names of the
 * provider's set lack their domains: those of lists and vendors that can be told from their
 * last labels get theirs, others one of OpenDNS's popular domains, the same one for the same last label.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "benign.h"
#include "dns/registered.h"
#include "packed.h"
#include "reports.h"

enum {
	CLIENTS = 500,
	NAMES_A_DAY = 500, /* of one client */
	FIELDS = 4,
	SHOWN = 5,
};

#define THROTTLED_MAX 1e-4

enum form {
	FORM_NAME,  /* the name is in that column */
	FORM_LABEL, /* split, label, suffix, resolved */
	FORM_HOST,  /* a name without its domain */
};

static const struct names_set {
	const char *title, *file;
	char separator;
	enum form form;
	unsigned column;
} sets[] = {
	{ "responses", NULL, '\t', FORM_NAME, 0 },
	{ "isp names", "benign/isp_names_20k.csv.xz", ',', FORM_HOST, 0 },
	{ "telemetry", "benign/telemetry_hosts.tsv.xz", '\t', FORM_NAME, 1 },
	{ "china", "benign/china_domains.txt.xz", '\n', FORM_NAME, 0 },
	{ "registered", "benign/registered_domains.tsv.xz", '\t', FORM_LABEL, 0 },
	{ "opendns top", "benign/opendns-top-domains.txt.xz", '\n', FORM_NAME, 0 },
	{ "opendns random", "benign/opendns-random-domains.txt.xz", '\n', FORM_NAME, 0 },
	{ "alexa 2013", "benign/alexa_100k_2013.csv.xz", ',', FORM_NAME, 1 },
	{ "services", "benign/brands.tsv.xz", '\t', FORM_NAME, 1 },
	{ "advertising", "feeds/hagezi-2025-12/domains_light.txt.xz", '\n', FORM_NAME, 0 },
	{ "trackers 2022", "feeds/hagezi3p-2022-07/easylist.domains.txt.xz", '\n', FORM_NAME, 0 },
	{ "maltrail's known", "malware/maltrail_whitelist.txt", '\n', FORM_NAME, 0 },
};

struct wanted {
	struct site site;
	bool is_dead;
};

static struct run {
	struct benign benign;
	struct wanted *at;
	unsigned n;
	uint8_t *bytes;
	char *domains; /* OpenDNS's, lines of 64 */
	unsigned n_domains;
	uint64_t found[N_DETECTORS][DETECT_CONFIDENCES];
	unsigned n_held, n_refused, n_blocked, n_alerted, shown;
	bool is_held, is_refused, is_blocked, is_alerted; /* of the name at work */
	const uint8_t *name;
} r;

/* ---- what happens ---- */

static void on_found(void *arg, const struct engine_question *q, const struct detect_findings *f,
                     uint64_t now_ns)
{
	char text[NAME_TEXT_MAX];
	(void)arg;
	(void)now_ns;
	for (unsigned i = 0; i < f->n; i++) {
		const struct detect_finding *one = &f->at[i];
		r.is_alerted |= one->action == DETECT_ALERT;
		if (one->action < DETECT_THROTTLE || r.shown++ >= SHOWN)
			continue;
		name_to_text(q->name.wire, text);
		printf("    %s: %s: %s %s: %s\n", text, config_action_name(one->action),
		       config_detector(one->detector)->name,
		       config_confidence_name(one->confidence), one->text);
	}
}

static void on_ended(void *arg, const struct engine_question *q, enum engine_end end,
                     uint64_t now_ns)
{
	(void)arg;
	(void)q;
	(void)now_ns;
	r.is_refused |= end == ENGINE_REFUSED;
	r.is_blocked |= end == ENGINE_BLOCKED || end == ENGINE_ANSWER_BLOCKED;
}

static void on_held(void *arg, const struct engine_question *q, uint64_t now_ns)
{
	(void)arg;
	(void)q;
	(void)now_ns;
	r.is_held = true;
}

/* ---- reading ---- */

/* What lists and vendors are known by, when the domain is gone: label, and the domain. */
static const char *const suffixes[][2] = {
	{ "zen", "spamhaus.org" },
	{ "sbl", "spamhaus.org" },
	{ "xbl", "spamhaus.org" },
	{ "dbl", "spamhaus.org" },
	{ "pbl", "spamhaus.org" },
	{ "cbl", "abuseat.org" },
	{ "multi", "surbl.org" },
	{ "asn", "cymru.com" },
	{ "origin", "asn.cymru.com" },
	{ "bl", "spamcop.net" },
	{ "ix", "dnsbl.manitu.net" },
	{ "avqs", "mcafee.com" },
	{ "avts", "mcafee.com" },
	{ "gti", "mcafee.com" },
	{ "elb", "amazonaws.com" },
	{ "compute", "amazonaws.com" },
	{ "clients6", "google.com" },
	{ "clients", "google.com" },
	{ "safeframe", "googlesyndication.com" },
	{ "l", "google.com" },
	{ "g", "akamai.net" },
	{ "cloudapp", "azure.com" },
	{ "data", "microsoft.com" },
	{ "teams", "microsoft.com" },
	{ "local", "samba-office.net" },
};

static const char *domain_for(const char *host)
{
	const char *dot = strrchr(host, '.'), *last = dot != NULL ? dot + 1 : host;
	for (unsigned i = 0; i < ARRAY_LEN(suffixes); i++) {
		if (strcmp(last, suffixes[i][0]) == 0)
			return suffixes[i][1];
	}
	uint64_t h = 5381;
	for (const char *at = last; *at != 0; at++)
		h = h * 33 + (uint8_t)*at;
	return r.domains + (size_t)(h % r.n_domains) * 64;
}

static void add_name(const char *text, bool is_dead)
{
	struct name name;
	if (strncmp(text, "*.", 2) == 0)
		text += 2;
	if (name_from_text(text, strlen(text), &name) != 0)
		return;
	const uint8_t *registered = name_registered(name.wire);
	if (registered == NULL)
		return;
	uint8_t *at = malloc(name.len);
	if (at == NULL)
		die("no memory", text);
	memcpy(at, name.wire, name.len);
	r.at[r.n++] = (struct wanted){ .site = { .name = at,
		                                 .registered = at + (registered - name.wire),
		                                 .answers = "",
		                                 .type = DNS_A },
		                       .is_dead = is_dead };
}

static void add_line(const struct names_set *s, char *line)
{
	char text[1024];
	const char *f[FIELDS] = { "", "", "", "" };
	line[strcspn(line, "\r")] = 0;
	if (line[0] == '#' || line[0] == '!')
		return;
	for (unsigned i = 0; i < FIELDS && line != NULL; i++) {
		f[i] = line;
		line = strchr(line, s->separator);
		if (line != NULL)
			*line++ = 0;
	}
	if (s->form == FORM_LABEL)
		snprintf(text, sizeof text, "%s.%s", f[1], f[2]);
	else if (s->form == FORM_HOST)
		snprintf(text, sizeof text, "%s.%s", f[0], domain_for(f[0]));
	else
		snprintf(text, sizeof text, "%s", f[s->column]);
	add_name(text, s->form == FORM_LABEL && f[3][0] == '0');
}

static void read_set(const struct names_set *s, const char *folder)
{
	char path[4096];
	size_t n, room = 1;
	r.n = 0;
	if (s->file == NULL) {
		r.at = calloc(r.benign.n, sizeof *r.at);
		for (unsigned i = 0; r.at != NULL && i < r.benign.n; i++)
			r.at[r.n++].site = r.benign.at[i];
		return;
	}
	snprintf(path, sizeof path, "%s/%s", folder, s->file);
	char *text = read_packed(path, &n);
	for (size_t i = 0; i < n; i++)
		room += text[i] == '\n';
	r.at = calloc(room, sizeof *r.at);
	if (r.at == NULL)
		die("no memory", path);
	for (char *at = text, *end; at < text + n; at = end + 1) {
		end = memchr(at, '\n', (size_t)(text + n - at));
		end = end == NULL ? text + n : end;
		*end = 0;
		add_line(s, at);
	}
	free(text);
}

static void free_set(const struct names_set *s)
{
	for (unsigned i = 0; s->file != NULL && i < r.n; i++)
		free((uint8_t *)r.at[i].site.name);
	free(r.at);
}

static void read_domains(const char *folder)
{
	char path[4096];
	size_t n;
	snprintf(path, sizeof path, "%s/benign/opendns-top-domains.txt.xz", folder);
	char *text = read_packed(path, &n), *save = NULL;
	r.domains = calloc(n / 3 + 1, 64);
	if (r.domains == NULL)
		die("no memory", path);
	for (char *at = strtok_r(text, "\n", &save); at != NULL; at = strtok_r(NULL, "\n", &save))
		snprintf(r.domains + (size_t)r.n_domains++ * 64, 64, "%s", at);
	free(text);
}

/* ---- asking ---- */

static void truth_of(const struct wanted *w, uint16_t type, struct truth *ret)
{
	if (w->site.answers[0] != 0 || w->site.rcode != 0) {
		benign_truth(&w->site, type, ret);
		return;
	}
	truth_init(ret, w->is_dead ? RCODE_NXDOMAIN : RCODE_NOERROR);
	ret->is_domain_missing = w->is_dead;
	uint64_t h = name_hash(w->site.name);
	if (type == DNS_A && !w->is_dead)
		truth_add(ret, w->site.name, DNS_A, 300, (uint8_t *)&h, 4);
}

static void ask(const struct wanted *w, unsigned client, uint64_t now_ns)
{
	static const uint16_t types[] = { DNS_A, DNS_AAAA };
	static struct truth truth;
	uint64_t before[N_DETECTORS][DETECT_CONFIDENCES];
	struct engine_question q = { .client = addr_v4(0x0a000001 + client), .now_ns = now_ns };
	r.is_held = r.is_refused = r.is_blocked = r.is_alerted = false;
	for (unsigned d = 0; d < N_DETECTORS; d++)
		for (unsigned c = 0; c < DETECT_CONFIDENCES; c++)
			before[d][c] = engine_found(d, c);
	name_set(&q.name, w->site.name);
	for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
		q.type = types[i];
		truth_of(w, q.type, &truth);
		engine_ask(&q, &truth);
	}
	for (unsigned d = 0; d < N_DETECTORS; d++)
		for (unsigned c = 0; c < DETECT_CONFIDENCES; c++)
			r.found[d][c] += engine_found(d, c) != before[d][c];
	r.n_held += r.is_held;
	r.n_refused += r.is_refused;
	r.n_blocked += r.is_blocked;
	r.n_alerted += r.is_alerted;
}

static void shuffle(uint64_t seed)
{
	for (unsigned i = r.n; i > 1; i--) {
		unsigned k = dice_below(&seed, i);
		struct wanted w = r.at[k];
		r.at[k] = r.at[i - 1];
		r.at[i - 1] = w;
	}
}

static void report(const struct names_set *s)
{
	printf("%-17s %8u %8u %8u %9.1e %8u %8u ", s->title, r.n, r.n_held, r.n_refused,
	       (double)r.n_refused / (double)(r.n + !r.n), r.n_blocked, r.n_alerted);
	for (unsigned d = 0; d < N_DETECTORS; d++)
		for (unsigned c = 0; c < DETECT_CONFIDENCES; c++)
			if (r.found[d][c] > 0)
				printf(" %s.%s %.1e", config_detector(d)->name,
				       config_confidence_name(c), (double)r.found[d][c] / r.n);
	printf("\n");
	fflush(stdout);
}

/* A bound is broken. */
static bool run_set(const struct names_set *s, const struct options *o)
{
	static const struct engine_watcher watcher = { .found = on_found,
		                                       .ended = on_ended,
		                                       .held = on_held };
	struct engine_plan plan = { .seed = o->seed,
		                    .watcher = &watcher,
		                    .learn_s = 0,
		                    .provider = benign_provider,
		                    .provider_arg = &r.benign };
	unsigned clients = o->clients > 0 ? o->clients : CLIENTS;
	read_set(s, o->folder);
	shuffle(o->seed);
	memset(r.found, 0, sizeof r.found);
	r.n_held = r.n_refused = r.n_blocked = r.n_alerted = r.shown = 0;
	double days = (double)r.n / clients / NAMES_A_DAY;
	if (days < 1)
		days = 1;
	engine_start(&plan);
	for (unsigned i = 0; i < r.n; i++) {
		uint64_t now_ns = (uint64_t)((double)i / r.n * days * 86400e9);
		engine_wait(now_ns);
		ask(&r.at[i], i % clients, now_ns);
	}
	engine_wait((uint64_t)(days * 86400e9) + 10 * NS_PER_S);
	report(s);
	bool is_bad = r.n_blocked > 0 || (double)r.n_refused > THROTTLED_MAX * r.n;
	engine_stop();
	free_set(s);
	return is_bad;
}

int report_names(const struct options *o)
{
	unsigned n_bad = 0;
	benign_read(&r.benign, o->folder);
	read_domains(o->folder);
	printf("names: %u clients, %u new names a day each, none in the cache; shares of names\n"
	       "%-17s %8s %8s %8s %9s %8s %8s  found\n",
	       o->clients > 0 ? o->clients : CLIENTS, NAMES_A_DAY, "set", "names", "held",
	       "throttled", "share", "blocked", "alerted");
	for (unsigned i = 0; i < ARRAY_LEN(sets); i++) {
		if (o->only == NULL || strcmp(o->only, sets[i].title) == 0)
			n_bad += run_set(&sets[i], o);
	}
	free(r.domains);
	benign_free(&r.benign);
	printf("sets with a block, or with more than %.0e throttled: %u\n", THROTTLED_MAX, n_bad);
	return n_bad > 0;
}
