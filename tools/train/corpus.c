/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "corpus.h"

#include <ctype.h>
#include <libpsl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define FAMILY(name, other, fold, kind) { name, other, fold, kind },
const struct family families[] = {
#include "families.def"
};
#undef FAMILY
const unsigned n_families = sizeof families / sizeof *families;

const char *const set_names[SETS] = {
	[SET_RANKED] = "top million",
	[SET_DEAD] = "top million, dead",
	[SET_CHINA] = "china",
	[SET_ALEXA] = "alexa 2013",
	[SET_OPENDNS] = "opendns top",
	[SET_OPENDNS_RANDOM] = "opendns random",
	[SET_TELEMETRY] = "telemetry",
	[SET_ISP] = "isp host labels",
	[SET_TYPO] = "typos",
	[SET_FAILED] = "failed in crawl",
	[SET_CONFIRMED] = "top million, confirmed",
	[SET_TWICE] = "top million, two lists",
};

static const psl_ctx_t *psl;

/* ---- files ---- */

/* Calls `line` with the fields of each line. */
typedef void (*line_fn)(struct corpus *c, char **field, unsigned n_fields);
enum {
	FIELDS_MAX = 12
};

static void read_lines(struct corpus *c, const char *folder, const char *file, char separator,
                       line_fn line)
{
	char path[4096];
	size_t n;
	snprintf(path, sizeof path, "%s/%s", folder, file);
	char *text = read_packed(path, &n);
	for (char *at = text, *end; at < text + n; at = end + 1) {
		char *field[FIELDS_MAX];
		unsigned n_fields = 0;
		end = memchr(at, '\n', (size_t)(text + n - at));
		end = end == NULL ? text + n : end;
		*end = '\0';
		if (end > at && end[-1] == '\r')
			end[-1] = '\0';
		while (n_fields < FIELDS_MAX) {
			field[n_fields++] = at;
			at = separator == '\0' ? NULL : strchr(at, separator);
			if (at == NULL)
				break;
			*at++ = '\0';
		}
		line(c, field, n_fields);
	}
	free(text);
}

/* ---- entries ---- */

void entries_add(struct entries *e, const struct entry *one)
{
	if (e->n == e->room) {
		e->room = e->room == 0 ? 4096 : e->room * 2;
		e->at = realloc(e->at, e->room * sizeof *e->at);
		if (e->at == NULL)
			die("no memory", "names");
	}
	e->at[e->n++] = *one;
}

char *keep_text(const char *text, size_t n)
{
	static char *block;
	static size_t left;
	if (left < n + 1) {
		left = 1 << 20;
		block = malloc(left);
		if (block == NULL)
			die("no memory", "names");
	}
	char *kept = block;
	memcpy(kept, text, n);
	kept[n] = '\0';
	block += n + 1;
	left -= n + 1;
	return kept;
}

static uint64_t hash_of(const char *label, const char *suffix)
{
	return XXH3_64bits_withSeed(label, strlen(label), XXH3_64bits(suffix, strlen(suffix)));
}

enum part part_of(const char *label, const char *suffix)
{
	unsigned at = (unsigned)(hash_of(label, suffix) % 10);
	return at < 7 ? PART_TRAIN : at < 8 ? PART_VALID : PART_TEST;
}

/* A set of hashes: names that were seen, names of malware. */
struct seen {
	uint64_t *place;
	size_t mask, n;
};

static bool seen_add(struct seen *s, uint64_t h, bool is_put)
{
	if (s->place == NULL) {
		s->mask = (1 << 23) - 1;
		s->place = calloc(s->mask + 1, sizeof *s->place);
		if (s->place == NULL)
			die("no memory", "names");
	}
	h += h == 0;
	size_t i = h & s->mask;
	while (s->place[i] != 0 && s->place[i] != h)
		i = (i + 1) & s->mask;
	if (s->place[i] == h)
		return true;
	if (is_put) {
		s->place[i] = h;
		if (++s->n > s->mask / 2)
			die("too many names", "names");
	}
	return false;
}

/* Of malware: names of families and command servers; listed: these, and what block lists have. */
static struct seen malware, listed, ordinary_seen[SETS], generated_seen, confirmed, twice;

static bool lower(char *text)
{
	for (char *p = text; *p != '\0'; p++) {
		*p = (char)tolower((unsigned char)*p);
		if (*p <= ' ' || *p > '~')
			return false;
	}
	return true;
}

bool split_name(const char *name, struct entry *ret)
{
	static char label[256];
	if (psl == NULL)
		psl = psl_latest(NULL);
	const char *registered = psl_registrable_domain(psl, name);
	const char *dot = registered == NULL ? NULL : strchr(registered, '.');
	if (dot == NULL || dot - registered > 63 || dot[1] == '\0')
		return false;
	snprintf(label, sizeof label, "%.*s", (int)(dot - registered), registered);
	*ret = (struct entry){ .label = label, .suffix = dot + 1 };
	return true;
}

bool entry_is_in(const struct entry *e, enum view view)
{
	return e->set == SET_RANKED &&
	       (view == VIEW_LISTED || (view == VIEW_CONFIRMED && e->is_confirmed) ||
	        (view == VIEW_TWICE && e->is_twice));
}

static void add(struct entries *to, struct entry one)
{
	size_t n_label = strlen(one.label), n_suffix = strlen(one.suffix);
	if (n_label == 0 || n_label > 63 || n_suffix > 100)
		return;
	one.part = (uint8_t)part_of(one.label, one.suffix);
	one.label = keep_text(one.label, n_label);
	one.suffix = keep_text(one.suffix, n_suffix);
	one.n_label = (uint8_t)n_label;
	one.n_suffix = (uint8_t)n_suffix;
	entries_add(to, &one);
}

static void add_ordinary(struct corpus *c, struct entry one, enum set set)
{
	uint64_t h = hash_of(one.label, one.suffix);
	if (seen_add(&listed, h, false)) {
		c->n_cleaned++;
		return;
	}
	if (seen_add(&ordinary_seen[set], h, true))
		return;
	one.set = (uint8_t)set;
	one.is_free = set == SET_CHINA || set == SET_ALEXA || set == SET_OPENDNS ||
	              set == SET_OPENDNS_RANDOM;
	one.is_confirmed = seen_add(&confirmed, h, false);
	c->n_confirmed += one.is_confirmed;
	c->n_read[set]++;
	add(&c->ordinary, one);
}

static void add_name(struct corpus *c, char *name, enum set set)
{
	struct entry one;
	if (lower(name) && split_name(name, &one))
		add_ordinary(c, one, set);
}

/* ---- generated names and malware ---- */

static int family_of(const char *name, bool is_other)
{
	for (unsigned i = 0; i < n_families; i++)
		if (strcmp(is_other ? families[i].other_name : families[i].name, name) == 0)
			return (int)i;
	return -1;
}

static void add_listed(const struct entry *one)
{
	seen_add(&listed, hash_of(one->label, one->suffix), true);
}

static void add_generated(struct corpus *c, struct entry one, int family)
{
	uint64_t h = hash_of(one.label, one.suffix);
	seen_add(&malware, h, true);
	seen_add(&listed, h, true);
	if (family < 0 || seen_add(&generated_seen, h, true))
		return;
	one.family = (uint8_t)family;
	add(&c->generated, one);
}

static void family_line(struct corpus *c, char **field, unsigned n)
{
	if (n >= 3 && lower(field[1]) && lower(field[2]))
		add_generated(c, (struct entry){ .label = field[1], .suffix = field[2] },
		              family_of(field[0], false));
}

static void maltrail_line(struct corpus *c, char **field, unsigned n)
{
	struct entry one;
	if (n >= 3 && field[1][0] != '\0' && lower(field[2]) && split_name(field[2], &one)) {
		one.is_free = true; /* MIT */
		add_generated(c, one, family_of(field[1], true));
	}
}

static void malware_line(struct corpus *c, char **field, unsigned n)
{
	struct entry one;
	(void)n;
	if (lower(field[0]) && split_name(field[0], &one))
		add_generated(c, one, -1);
}

/* The first name of a line of a block list, in any of the formats of hosts, domains and zones. */
static void feed_line(struct corpus *c, char **field, unsigned n)
{
	struct entry one;
	char *at = field[0];
	(void)c;
	(void)n;
	if (strncmp(at, "0.0.0.0 ", 8) == 0)
		at += 8;
	if (strncmp(at, "*.", 2) == 0)
		at += 2;
	at[strcspn(at, " \t")] = '\0';
	/* A host that is listed says nothing of its domain. */
	if (at[0] >= '0' && lower(at) && split_name(at, &one) &&
	    strlen(at) == strlen(one.label) + 1 + strlen(one.suffix))
		add_listed(&one);
}

/* ---- who lives with whom ---- */

/* Names at an address, those of them that are on a list, and of these, those of malware. */
struct home {
	uint64_t address;
	uint32_t n, n_listed, n_malware;
};
enum {
	HOMES = 1 << 20,
	LISTED_MIN = 2,    /* listed names that give an address a bad name */
	LISTED_SHARE = 20, /* one in so many of all that live there */
	/* Where names go that have expired or were taken away: parking, sinkholes. At hosts of pages it is one
	 * in 500 and fewer. */
	MALWARE_MIN = 5,
	MALWARE_SHARE = 100,
};
static struct home *homes;

static struct home *home_of(const char *address, size_t n)
{
	uint64_t h = XXH3_64bits(address, n) | 1;
	size_t i = h % HOMES;
	while (homes[i].address != 0 && homes[i].address != h)
		i = (i + 1) % HOMES;
	homes[i].address = h;
	return &homes[i];
}

/* Calls `fn` for each address of an answer like "CNAME/60/x.y|A/60/192.0.2.1". */
static bool each_home(char *answer, bool (*fn)(struct home *h, uint64_t name), uint64_t name)
{
	bool is_any = false;
	for (char *p = answer; p != NULL && *p != '\0';) {
		char *bar = strchr(p, '|'), *value = strrchr(p, '/');
		if (bar != NULL) {
			*bar = '\0';
			value = strrchr(p, '/');
		}
		if (strncmp(p, "A/", 2) == 0 && value != NULL)
			is_any |= fn(home_of(value + 1, strlen(value + 1)), name);
		p = bar == NULL ? NULL : bar + 1;
	}
	return is_any;
}

static bool home_count(struct home *h, uint64_t name)
{
	h->n++;
	h->n_listed += seen_add(&listed, name, false);
	h->n_malware += seen_add(&malware, name, false);
	return true;
}

static bool home_is_bad(struct home *h, uint64_t name)
{
	(void)name;
	return (h->n_listed >= LISTED_MIN && h->n_listed * LISTED_SHARE >= h->n) ||
	       (h->n_malware >= MALWARE_MIN && h->n_malware * MALWARE_SHARE >= h->n);
}

static struct seen counted;

static void homes_line(struct corpus *c, char **field, unsigned n)
{
	struct entry one;
	(void)c;
	if (n < 6 || !lower(field[3]) || !split_name(field[3], &one))
		return;
	uint64_t h = hash_of(one.label, one.suffix);
	if (!seen_add(&counted, h, true))
		each_home(field[5], home_count, h);
}

static void neighbours_line(struct corpus *c, char **field, unsigned n)
{
	struct entry one;
	(void)c;
	if (n < 6 || strstr(field[5], "A/") == NULL || !lower(field[3]) ||
	    !split_name(field[3], &one))
		return;
	uint64_t h = hash_of(one.label, one.suffix);
	if (each_home(field[5], home_is_bad, h))
		add_listed(&one);
	else
		seen_add(&confirmed, h, true);
}

/* ---- ordinary names ---- */

static void ranked_line(struct corpus *c, char **field, unsigned n)
{
	if (n >= 4 && lower(field[1]) && lower(field[2]))
		add_ordinary(c, (struct entry){ .label = field[1], .suffix = field[2] },
		             field[3][0] == '1' ? SET_RANKED : SET_DEAD);
}

static void china_line(struct corpus *c, char **field, unsigned n)
{
	(void)n;
	add_name(c, field[0], SET_CHINA);
}

static void alexa_line(struct corpus *c, char **field, unsigned n)
{
	if (n >= 2)
		add_name(c, field[1], SET_ALEXA);
}

static void opendns_line(struct corpus *c, char **field, unsigned n)
{
	(void)n;
	add_name(c, field[0], SET_OPENDNS);
}

static void random_line(struct corpus *c, char **field, unsigned n)
{
	(void)n;
	add_name(c, field[0], SET_OPENDNS_RANDOM);
}

static void telemetry_line(struct corpus *c, char **field, unsigned n)
{
	if (n >= 2)
		add_name(c, field[1], SET_TELEMETRY);
}

/* Labels of hosts whose registered domain was removed, taken as if they were registered: the last
 * one. Nothing in Weir scores them so; it is the worst that a name could look. */
static void isp_line(struct corpus *c, char **field, unsigned n)
{
	(void)n;
	if (!lower(field[0]) || strcmp(field[0], "data") == 0)
		return;
	const char *dot = strrchr(field[0], '.');
	const char *last = dot == NULL ? field[0] : dot + 1;
	add_ordinary(c, (struct entry){ .label = last, .suffix = "net" }, SET_ISP);
}

static void response_line(struct corpus *c, char **field, unsigned n)
{
	if (n >= 4 && strcmp(field[1], "3") == 0)
		add_name(c, field[3], SET_FAILED);
}

/* The crawl is of one year; who was in a list of another maker and another year was there to stay. Such names
 * are few, and a threshold needs many: none is trained with. */
static void mark_twice(struct corpus *c)
{
	static const enum set others[] = { SET_ALEXA, SET_OPENDNS, SET_OPENDNS_RANDOM, SET_CHINA };
	for (size_t i = 0; i < c->ordinary.n; i++) {
		struct entry *e = &c->ordinary.at[i];
		uint64_t h = hash_of(e->label, e->suffix);
		for (size_t k = 0; k < 4 && e->set == SET_RANKED; k++)
			e->is_twice |= seen_add(&ordinary_seen[others[k]], h, false);
		if (e->is_twice)
			seen_add(&twice, h, true);
		c->n_twice += e->is_twice;
	}
	for (size_t i = 0; i < c->ordinary.n; i++) {
		struct entry *e = &c->ordinary.at[i];
		if (e->part == PART_TRAIN && seen_add(&twice, hash_of(e->label, e->suffix), false))
			e->part = PART_HELD;
	}
}

void corpus_read(struct corpus *c, const char *folder)
{
	static const char *const lists[] = { "conficker", "cryptolocker", "matsnu",
		                             "ramdo",     "rovnix",       "tinba" };
	static const char *const feeds[] = {
		"feeds/hagezi-2025-12/wildcard_pro.plus-onlydomains.txt.xz",
		"feeds/hagezi-2025-12/domains_light.txt.xz",
		"feeds/hagezi-2025-12/wildcard_tif.mini-onlydomains.txt.xz",
		"feeds/hagezi-2025-12/rpz_popupads.txt.xz",
		"feeds/hagezi3p-2022-07/stevenblack.domains.txt.xz",
		"feeds/hagezi3p-2022-07/adguarddns.domains.txt.xz",
		"feeds/hagezi3p-2022-07/easylist.domains.txt.xz",
	};
	psl = psl_latest(NULL);
	if (psl == NULL)
		die("there is none: install the package publicsuffix", "public suffix list");
	/* Malware first: ordinary names are cleaned with it. */
	read_lines(c, folder, "dga/families.tsv.xz", '\t', family_line);
	read_lines(c, folder, "malware/maltrail_domains.tsv.xz", '\t', maltrail_line);
	read_lines(c, folder, "malware/blackbook.csv.xz", ',', malware_line);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		char file[64];
		snprintf(file, sizeof file, "dga/%s.txt.xz", lists[i]);
		read_lines(c, folder, file, '\0', malware_line);
	}
	for (size_t i = 0; i < sizeof feeds / sizeof *feeds; i++)
		read_lines(c, folder, feeds[i], '\0', feed_line);
	homes = calloc(HOMES, sizeof *homes);
	if (homes == NULL)
		die("no memory", "addresses");
	read_lines(c, folder, "benign/responses.tsv.xz", '\t', homes_line);
	read_lines(c, folder, "benign/responses.tsv.xz", '\t', neighbours_line);
	free(homes);
	read_lines(c, folder, "benign/registered_domains.tsv.xz", '\t', ranked_line);
	read_lines(c, folder, "benign/china_domains.txt.xz", '\0', china_line);
	read_lines(c, folder, "benign/alexa_100k_2013.csv.xz", ',', alexa_line);
	read_lines(c, folder, "benign/opendns-top-domains.txt.xz", '\0', opendns_line);
	read_lines(c, folder, "benign/opendns-random-domains.txt.xz", '\0', random_line);
	read_lines(c, folder, "benign/telemetry_hosts.tsv.xz", '\t', telemetry_line);
	read_lines(c, folder, "benign/isp_names_20k.csv.xz", ',', isp_line);
	read_lines(c, folder, "benign/responses.tsv.xz", '\t', response_line);
	mark_twice(c);
}
