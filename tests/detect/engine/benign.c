/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "benign.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "dns/registered.h"
#include "dns/text.h"
#include "packed.h"

enum {
	RANK_START = 10,
	CLOUDFLARE_PAIRS = 2500,
	HOME_BITS = 20,
};

/* ---- chance: splitmix64 ---- */

uint64_t dice_roll(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint32_t dice_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)(((dice_roll(state) >> 32) * n) >> 32);
}

double dice_share(uint64_t *state)
{
	return (double)(dice_roll(state) >> 11) * 0x1p-53;
}

double dice_wait(uint64_t *state, double mean)
{
	return -mean * log(1 - dice_share(state));
}

/* ---- who hosts what ---- */

struct homes {
	struct {
		uint64_t domain, provider;
	} at[1 << HOME_BITS];
};

static uint64_t *home_of(struct homes *h, uint64_t domain, bool is_new)
{
	for (uint64_t i = domain;; i++) {
		uint64_t at = i & ((1 << HOME_BITS) - 1);
		if (h->at[at].domain == domain)
			return &h->at[at].provider;
		if (h->at[at].domain == 0) {
			if (!is_new)
				return NULL;
			h->at[at].domain = domain;
			return &h->at[at].provider;
		}
	}
}

static bool is_cloudflare(uint32_t a)
{
	return a >> 19 == 0x6810 >> 3 || a >> 18 == 0x6814 >> 2 || a >> 19 == 0xac40 >> 3 ||
	       a >> 12 == 0xbc726;
}

/* 0: it has no address. */
static uint32_t first_address(const char *answers)
{
	struct addr a;
	char text[32];
	const char *at = strncmp(answers, "A/", 2) == 0 ? answers : strstr(answers, "|A/");
	at = at != NULL ? strchr(at + 3, '/') : NULL;
	if (at == NULL)
		return 0;
	snprintf(text, sizeof text, "%.*s", (int)strcspn(at + 1, "|"), at + 1);
	if (addr_from_text(text, strlen(text), &a) != 0 || !a.is_v4)
		return 0;
	return load32(a.bytes + 12);
}

static void find_home(struct benign *b, const struct site *s)
{
	uint64_t domain = name_hash(s->registered) | 1;
	uint32_t a = first_address(s->answers);
	uint64_t *home = home_of(b->homes, domain, true);
	if (*home != 0)
		return;
	*home = a == 0             ? domain
	        : is_cloudflare(a) ? 0xcf0000000 + domain % CLOUDFLARE_PAIRS
	                           : 0x10000000 + (a >> 16);
}

uint64_t benign_provider(void *arg, const uint8_t *registered)
{
	struct benign *b = arg;
	uint64_t domain = name_hash(registered) | 1;
	const uint64_t *home = home_of(b->homes, domain, false);
	return home != NULL ? *home : domain;
}

/* ---- reading ---- */

/* time, rcode, type, name, bytes, answers; false: it is no question for a name that can be asked. */
static bool read_site(struct benign *b, char *line, size_t *n_names, struct site *ret)
{
	char *field[6] = { NULL };
	struct name name;
	for (unsigned i = 0; i < 6; i++) {
		field[i] = line;
		line = line != NULL ? strchr(line, '\t') : NULL;
		if (line != NULL)
			*line++ = 0;
	}
	if (field[5] == NULL || name_from_text(field[3], strlen(field[3]), &name) != 0 ||
	    dns_type_from_text(field[2], &ret->type) != 0)
		return false;
	const uint8_t *registered = name_registered(name.wire);
	if (registered == NULL)
		return false;
	uint8_t *at = memcpy(b->names + *n_names, name.wire, name.len);
	*n_names += name.len;
	ret->name = at;
	ret->registered = at + (registered - name.wire);
	ret->rcode = (uint8_t)strtoul(field[1], NULL, 10);
	ret->answers = field[5];
	return true;
}

void benign_read_text(struct benign *b, char *text, size_t n)
{
	size_t n_names = 0, room = 1;
	for (size_t i = 0; i < n; i++)
		room += text[i] == '\n';
	*b = (struct benign){ .at = calloc(room, sizeof *b->at),
		              .names = malloc(n + 2 * room),
		              .homes = calloc(1, sizeof *b->homes),
		              .text = text };
	if (b->at == NULL || b->names == NULL || b->homes == NULL)
		die("no memory", "sites");
	for (char *line = text, *end; line < text + n; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + n - line));
		end = end == NULL ? text + n : end;
		*end = 0;
		if (!read_site(b, line, &n_names, &b->at[b->n]))
			continue;
		find_home(b, &b->at[b->n]);
		b->n++;
	}
}

static void weigh(struct benign *b)
{
	b->weights = malloc((b->n_popular + 1) * sizeof *b->weights);
	if (b->weights == NULL || b->n_popular == 0)
		die("there are no popular sites", "sites");
	for (unsigned i = 0; i < b->n_popular; i++)
		b->weights[i] = (i > 0 ? b->weights[i - 1] : 0) + 1.0 / (RANK_START + i);
}

/* The site of each domain that the list has, in its order. */
static void rank_by(struct benign *b, char *list, size_t n)
{
	struct homes *first = calloc(1, sizeof *first); /* domain -> 1 + its first site */
	struct name name;
	if (first == NULL)
		die("no memory", "sites");
	for (unsigned i = 0; i < b->n; i++) {
		uint64_t *at = home_of(first, name_hash(b->at[i].registered) | 1, true);
		if (*at == 0)
			*at = i + 1;
	}
	b->popular = malloc((b->n + 1) * sizeof *b->popular);
	for (char *line = list, *end; b->popular != NULL && line < list + n; line = end + 1) {
		end = memchr(line, '\n', (size_t)(list + n - line));
		end = end == NULL ? list + n : end;
		*end = 0;
		char *comma = strchr(line, ',');
		line = comma != NULL ? comma + 1 : line;
		line[strcspn(line, "\r")] = 0;
		if (name_from_text(line, strlen(line), &name) != 0)
			continue;
		uint64_t *at = home_of(first, name_hash(name.wire) | 1, false);
		if (at != NULL && *at != 0 && b->n_popular < b->n) {
			b->popular[b->n_popular++] = (unsigned)*at - 1;
			*at = 0;
		}
	}
	free(first);
}

void benign_read(struct benign *b, const char *folder)
{
	char path[4096];
	size_t n;
	snprintf(path, sizeof path, "%s/benign/responses.tsv.xz", folder);
	char *text = read_packed(path, &n);
	benign_read_text(b, text, n);
	snprintf(path, sizeof path, "%s/benign/alexa_100k_2013.csv.xz", folder);
	char *list = read_packed(path, &n);
	rank_by(b, list, n);
	free(list);
	weigh(b);
}

void benign_free(struct benign *b)
{
	free(b->at);
	free(b->popular);
	free(b->weights);
	free(b->homes);
	free(b->text);
	free(b->names);
}

/* ---- using it ---- */

/* The aliases stay; addresses become those of the other family, or go. */
static void to_aaaa(struct truth *t, uint16_t type)
{
	unsigned n = 0;
	for (unsigned i = 0; i < t->n; i++) {
		struct rr *r = &t->rrs[i];
		if (r->type == DNS_A && (type != DNS_AAAA || !is_cloudflare(load32(r->rdata))))
			continue;
		if (r->type == DNS_A) {
			uint8_t six[16] = { 0x26, 0x06, 0x47, 0x00, 0x30, 0x30 };
			memcpy(six + 12, r->rdata, 4);
			if (t->n_bytes + sizeof six > TRUTH_BYTES_MAX)
				continue;
			r->rdata = memcpy(t->bytes + t->n_bytes, six, sizeof six);
			t->n_bytes += sizeof six;
			r->rdata_len = sizeof six;
			r->type = DNS_AAAA;
		}
		t->rrs[n++] = *r;
	}
	t->n = n;
}

void benign_truth(const struct site *s, uint16_t type, struct truth *ret)
{
	truth_init(ret, s->rcode);
	ret->is_lost = s->rcode == RCODE_SERVFAIL;
	truth_add_text(ret, s->name, s->answers);
	if (type != s->type)
		to_aaaa(ret, type);
	ret->is_domain_missing = s->rcode == RCODE_NXDOMAIN && ret->n == 0 &&
	                         name_labels(s->name) <= name_labels(s->registered) + 1;
}

const struct site *benign_popular(const struct benign *b, uint64_t *dice)
{
	double at = dice_share(dice) * b->weights[b->n_popular - 1];
	unsigned low = 0, high = b->n_popular - 1;
	while (low < high) {
		unsigned mid = (low + high) / 2;
		if (b->weights[mid] <= at)
			low = mid + 1;
		else
			high = mid;
	}
	return &b->at[b->popular[low]];
}

const struct site *benign_any(const struct benign *b, uint64_t *dice)
{
	return &b->at[dice_below(dice, b->n)];
}
