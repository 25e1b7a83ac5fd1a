/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "cache.h"
#include "detect/popular.h"
#include "dns/text.h"
#include "packed.h"

enum {
	FIELDS = 15,
	LOOK_AHEAD = 3000, /* lines in which the answer is */
	TYPE_PRIVATE = 65399,
	NAMES_A_SECOND = 20,
	ZONES_MAX = 16,
};

#define ANSWER_S 10.0

/* time, source, its port, destination, its port, U or T, id, qr, rcode, type, name, bytes, answers, data */
struct line {
	const char *file, *source, *id, *type, *name, *rcode, *answers;
	double at_s;
	bool is_answer;
};

static bool split(char *text, struct line *ret)
{
	char *f[FIELDS] = { NULL };
	for (unsigned i = 0; i < FIELDS && text != NULL; i++) {
		f[i] = text;
		text = strchr(text, '\t');
		if (text != NULL)
			*text++ = 0;
	}
	if (f[FIELDS - 1] == NULL)
		return false;
	*ret = (struct line){ .file = f[0],
		              .at_s = strtod(f[1], NULL),
		              .source = f[2],
		              .id = f[7],
		              .is_answer = f[8][0] == '1',
		              .rcode = f[9],
		              .type = f[10],
		              .name = f[11],
		              .answers = f[14] };
	return true;
}

static int compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int c = strcmp(x->file, y->file);
	return c != 0 ? c : (x->at_s > y->at_s) - (x->at_s < y->at_s);
}

static struct line *read_lines(char *text, size_t n, size_t *ret_n)
{
	size_t room = 1;
	for (size_t i = 0; i < n; i++)
		room += text[i] == '\n';
	struct line *lines = calloc(room, sizeof *lines);
	if (lines == NULL)
		die("no memory", "captures");
	*ret_n = 0;
	for (char *at = text, *end; at < text + n; at = end + 1) {
		end = memchr(at, '\n', (size_t)(text + n - at));
		end = end == NULL ? text + n : end;
		*end = 0;
		*ret_n += split(at, &lines[*ret_n]);
	}
	qsort(lines, *ret_n, sizeof *lines, compare_lines);
	return lines;
}

/* ---- whose it is ---- */

/* What the recorded machines asked for themselves, and few people asked for in 2013. */
static const char *const own_names[] = { "dns.google", "sfx.ms", "lencr.org" };

static const uint8_t *domain_of(const uint8_t *name)
{
	while (!name_is_root(name) && !ttls_is_registry(name_skip(name, 1)))
		name = name_skip(name, 1);
	return name;
}

static bool is_anybodys(const uint8_t *domain)
{
	struct name own;
	if (name_is_root(domain) || popular_has(domain))
		return true;
	for (unsigned i = 0; i < ARRAY_LEN(own_names); i++) {
		if (name_from_text(own_names[i], strlen(own_names[i]), &own) == 0 &&
		    name_equal(own.wire, domain))
			return true;
	}
	return name_from_text("arpa", 4, &own) == 0 && name_is_within(domain, own.wire);
}

bool capture_is_attack(const struct capture *c, const uint8_t *name)
{
	uint64_t h = name_hash(domain_of(name));
	for (unsigned i = 0; i < c->n_domains; i++) {
		if (c->domains[i] == h)
			return true;
	}
	return false;
}

static void find_attack(struct capture *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		const uint8_t *domain = domain_of(c->at[i].name.wire);
		if (!is_anybodys(domain) && !capture_is_attack(c, domain)) {
			c->domains = realloc(c->domains, (c->n_domains + 1) * sizeof *c->domains);
			if (c->domains == NULL)
				die("no memory", c->name);
			c->domains[c->n_domains++] = name_hash(domain);
		}
		c->at[i].is_attack = capture_is_attack(c, domain);
	}
}

/* ---- questions and their answers ---- */

static void find_answer(const struct line *at, const struct line *end, struct packet *ret)
{
	ret->answers = "";
	for (const struct line *l = at + 1; l < end && l < at + LOOK_AHEAD; l++) {
		if (l->at_s > at->at_s + ANSWER_S || strcmp(l->file, at->file) != 0)
			return;
		if (l->is_answer && strcmp(l->id, at->id) == 0 &&
		    strcasecmp(l->name, at->name) == 0) {
			ret->is_answered = true;
			ret->rcode = (uint8_t)strtoul(l->rcode, NULL, 10);
			ret->latency_s = l->at_s - at->at_s;
			ret->answers = l->answers;
			return;
		}
	}
}

static bool read_packet(const struct line *at, const struct line *end, struct packet *ret)
{
	*ret = (struct packet){ 0 };
	if (name_from_text(at->name, strlen(at->name), &ret->name) != 0)
		return false;
	if (strcmp(at->type, "PRIVATE") == 0)
		ret->type = TYPE_PRIVATE;
	else if (dns_type_from_text(at->type, &ret->type) != 0)
		ret->type = (uint16_t)strtoul(at->type, NULL, 10);
	find_answer(at, end, ret);
	return ret->type != 0;
}

static unsigned client_of(const char *const sources[], unsigned *n, const char *source)
{
	for (unsigned i = 0; i < *n; i++) {
		if (strcmp(sources[i], source) == 0)
			return i;
	}
	return *n;
}

/* The questions of one file: lines [at, end). */
static void read_capture(struct captures *all, const struct line *at, const struct line *end)
{
	static const char *sources[256];
	struct capture *c = &all->at[all->n++];
	double first_s = -1;
	*c = (struct capture){ .name = at->file, .at = calloc((size_t)(end - at), sizeof *c->at) };
	if (c->at == NULL)
		die("no memory", at->file);
	for (const struct line *l = at; l < end; l++) {
		if (l->is_answer)
			continue;
		if (!read_packet(l, end, &c->at[c->n])) {
			all->n_skipped++;
			continue;
		}
		struct packet *p = &c->at[c->n++];
		first_s = first_s < 0 ? l->at_s : first_s;
		p->at_s = l->at_s - first_s;
		p->client = client_of(sources, &c->n_clients, l->source);
		if (p->client == c->n_clients && c->n_clients < 256)
			sources[c->n_clients++] = l->source;
	}
	find_attack(c);
}

void captures_read(struct captures *c, const char *folder, const char *file)
{
	char path[4096];
	size_t n, n_lines;
	snprintf(path, sizeof path, "%s/tunnels/%s", folder, file);
	*c = (struct captures){ .text = read_packed(path, &n) };
	struct line *lines = read_lines(c->text, n, &n_lines);
	unsigned n_files = 0;
	for (size_t i = 0; i < n_lines; i++)
		n_files += i == 0 || strcmp(lines[i].file, lines[i - 1].file) != 0;
	c->at = calloc(n_files + 1U, sizeof *c->at);
	if (c->at == NULL)
		die("no memory", file);
	for (size_t i = 0, k; i < n_lines; i = k) {
		for (k = i; k < n_lines && strcmp(lines[k].file, lines[i].file) == 0; k++)
			;
		read_capture(c, &lines[i], &lines[k]);
	}
	free(lines);
}

/* One capture a domain that has more than a few names. */
void captures_read_names(struct captures *c, const char *folder, const char *file)
{
	static const char *const zones[] = { "hidemyself.org", "tuns.org", "example.org" };
	char path[4096];
	size_t n;
	snprintf(path, sizeof path, "%s/tunnels/%s", folder, file);
	*c = (struct captures){ .text = read_packed(path, &n),
		                .n = ARRAY_LEN(zones),
		                .at = calloc(ARRAY_LEN(zones), sizeof *c->at) };
	if (c->at == NULL)
		die("no memory", file);
	for (unsigned i = 0; i < c->n; i++)
		c->at[i] = (struct capture){ .name = zones[i], .n_clients = 1 };
	for (char *at = c->text, *end; at < c->text + n; at = end + 1) {
		end = memchr(at, '\n', (size_t)(c->text + n - at));
		end = end == NULL ? c->text + n : end;
		*end = 0;
		at += strncmp(at, "1,", 2) == 0 ? 2 : 0;
		for (unsigned i = 0; i < c->n; i++) {
			struct capture *to = &c->at[i];
			struct packet p = { .type = DNS_TXT,
				            .is_attack = true,
				            .is_answered = true,
				            .latency_s = 0.03,
				            .at_s = (double)to->n / NAMES_A_SECOND,
				            .answers = "TXT/0/len=120" };
			if (strstr(at, zones[i]) == NULL ||
			    name_from_text(at, strlen(at), &p.name) != 0)
				continue;
			if ((to->n & (to->n - 1)) == 0)
				to->at = realloc(to->at, (to->n * 2 + 1) * sizeof *to->at);
			if (to->at == NULL)
				die("no memory", file);
			to->at[to->n++] = p;
		}
	}
	for (unsigned i = 0; i < c->n; i++)
		find_attack(&c->at[i]);
}

void captures_free(struct captures *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		free(c->at[i].at);
		free(c->at[i].domains);
	}
	free(c->at);
	free(c->text);
}

void packet_truth(const struct packet *p, struct truth *ret)
{
	truth_init(ret, p->rcode);
	ret->is_lost = !p->is_answered;
	ret->latency_ms = p->is_answered ? (uint32_t)(p->latency_s * 1000) : 0;
	truth_add_text(ret, p->name.wire, p->answers);
}
