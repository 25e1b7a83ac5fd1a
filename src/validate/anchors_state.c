/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "validate/anchors_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "validate/anchors_read.h"

static const char head[] =
	"; The DNSSEC trust anchors as this server has seen them change (RFC 5011). Rewritten by\n"
	"; weir. To begin anew from the configuration: stop weir, and remove this file.\n"
	";\n"
	"; pending: seen, trusted from `until` on. valid. missing: not published at present, but\n"
	"; trusted. revoked, removed: never trusted again. seen: a DS record whose key stands here.\n"
	";\n";

/* Indexed by enum anchor_state; START is never written. */
static const char *const state_names[] = {
	"start", "pending", "valid", "missing", "revoked", "removed", "seen",
};

const char *anchor_state_text(enum anchor_state state)
{
	return state_names[state];
}

const char *state_time_text(uint64_t wall_s, char ret_text[STATE_TIME_MAX])
{
	struct tm tm;
	time_t t = (time_t)(wall_s < 253402300799 ? wall_s : 253402300799); /* the year 9999 */
	must(gmtime_r(&t, &tm) != NULL);
	must(strftime(ret_text, STATE_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
	return ret_text;
}

int state_time_read(const char *text, size_t n, uint64_t *ret_wall_s)
{
	char copy[STATE_TIME_MAX], again[STATE_TIME_MAX];
	struct tm tm = { 0 };
	if (n != sizeof "2026-11-23T02:00:00Z" - 1)
		return -EINVAL;
	memcpy(copy, text, n);
	copy[n] = 0;
	char *end = strptime(copy, "%Y-%m-%dT%H:%M:%SZ", &tm);
	time_t t = end != NULL && *end == 0 ? timegm(&tm) : -1;
	/* strptime() takes blanks, and days that a month has not. */
	if (t < 0 || strcmp(state_time_text((uint64_t)t, again), copy) != 0)
		return -EINVAL;
	*ret_wall_s = (uint64_t)t;
	return 0;
}

/* ---- writing keys ---- */

static void write_base64(FILE *f, const uint8_t *data, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t x = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
		             (left > 2 ? data[i + 2] : 0);
		fputc(digits[x >> 18], f);
		fputc(digits[x >> 12 & 63], f);
		fputc(left > 1 ? digits[x >> 6 & 63] : '=', f);
		fputc(left > 2 ? digits[x & 63] : '=', f);
	}
}

static void write_name(FILE *f, const uint8_t *wire)
{
	char text[NAME_TEXT_MAX];
	name_to_text(wire, text);
	fprintf(f, "%s%s", text, name_is_root(wire) ? "" : ".");
}

static void write_key(FILE *f, const struct tracked_zone *z, const struct tracked_key *k)
{
	char time[STATE_TIME_MAX];
	const uint8_t *d = k->rdata;
	write_name(f, z->name.wire);
	fprintf(f, " %d IN ", ANCHORS_TTL_S);
	if (k->type == DNS_DS) {
		fprintf(f, "DS %u %u %u ", load16(d), d[2], d[3]);
		for (unsigned i = 4; i < k->rdata_len; i++)
			fprintf(f, "%02X", d[i]);
	} else {
		fprintf(f, "DNSKEY %u %u %u ", load16(d), d[2], d[3]);
		write_base64(f, d + 4, k->rdata_len - 4U);
	}
	fprintf(f, " ; state=%s since=%s", state_names[k->state],
	        state_time_text(k->since_s, time));
	if (k->until_s != 0)
		fprintf(f, " until=%s", state_time_text(k->until_s, time));
	fprintf(f, "%s tag=%d\n", k->is_configured ? " configured" : "",
	        anchors_tag(k->type, d, k->rdata_len));
}

static int finish(FILE *f, int e, char **text, const size_t *n, char **ret_text, size_t *ret_n)
{
	bool is_bad = f == NULL || ferror(f) != 0;
	if (f != NULL && fclose(f) != 0)
		is_bad = true;
	if (e == 0 && is_bad)
		e = -ENOMEM;
	if (e != 0) {
		free(*text);
		return e;
	}
	*ret_text = *text;
	*ret_n = *n;
	return 0;
}

int state_write_zones(const struct tracked_zone *const *zones, unsigned n_zones, char **ret_text,
                      size_t *ret_n)
{
	char *text = NULL;
	size_t n = 0;
	unsigned n_keys = 0;
	FILE *f = open_memstream(&text, &n);
	if (f == NULL)
		return -ENOMEM;
	fputs(head, f);
	for (unsigned i = 0; i < n_zones; i++) {
		for (unsigned k = 0; k < zones[i]->n; k++)
			write_key(f, zones[i], &zones[i]->keys[k]);
		n_keys += zones[i]->n;
	}
	fprintf(f, "; end, %u record%s\n", n_keys, n_keys == 1 ? "" : "s");
	return finish(f, 0, &text, &n, ret_text, ret_n);
}

/* ---- reading keys ---- */

struct reading {
	struct tracked_zone *zones[ANCHOR_ZONES_MAX];
	unsigned n_zones, n_keys;
	char *why;
	bool is_bad;
};

static void say(struct reading *r, unsigned line, const char *why)
{
	if (!r->is_bad)
		snprintf(r->why, STATE_WHY_MAX, "line %u: %s", line, why);
	r->is_bad = true;
}

static void tell(void *arg, unsigned line, const char *why)
{
	say(arg, line, why);
}

static int state_from_text(const char *text, size_t n, enum anchor_state *ret)
{
	for (unsigned i = ANCHOR_PENDING; i < ARRAY_LEN(state_names); i++) {
		if (strlen(state_names[i]) != n || memcmp(state_names[i], text, n) != 0)
			continue;
		*ret = (enum anchor_state)i;
		return 0;
	}
	return -EINVAL;
}

/* "key=" at the word: its value, or NULL. */
static const char *value_of(const char *word, size_t n, const char *key, size_t *ret_n)
{
	size_t k = strlen(key);
	if (n <= k || memcmp(word, key, k) != 0 || word[k] != '=')
		return NULL;
	*ret_n = n - k - 1;
	return word + k + 1;
}

static const char *read_word(const char *word, size_t n, struct tracked_key *k)
{
	const char *v;
	size_t n_value;
	if (n == sizeof "configured" - 1 && memcmp(word, "configured", n) == 0)
		k->is_configured = true;
	else if ((v = value_of(word, n, "state", &n_value)) != NULL)
		return state_from_text(v, n_value, &k->state) == 0 ? NULL : "no such state";
	else if ((v = value_of(word, n, "since", &n_value)) != NULL)
		return state_time_read(v, n_value, &k->since_s) == 0 ? NULL : "no time: since";
	else if ((v = value_of(word, n, "until", &n_value)) != NULL)
		return state_time_read(v, n_value, &k->until_s) == 0 ? NULL : "no time: until";
	else if (value_of(word, n, "tag", &n_value) == NULL) /* for people */
		return "a word that is not known behind the record";
	return NULL;
}

/* What stands behind a record. */
static const char *read_comment(const struct anchors_line *line, struct tracked_key *k)
{
	const char *at = line->comment, *end = at + line->comment_len;
	*k = (struct tracked_key){ .state = ANCHOR_START, .type = line->rr.type };
	while (at < end) {
		const char *blank = memchr(at, ' ', (size_t)(end - at));
		const char *stop = blank != NULL ? blank : end;
		const char *trouble = stop > at ? read_word(at, (size_t)(stop - at), k) : NULL;
		if (trouble != NULL)
			return trouble;
		at = stop + 1;
	}
	if (k->state == ANCHOR_START || k->since_s == 0)
		return "state or since is missing";
	bool is_ds_state = k->state == ANCHOR_SEEN;
	if ((is_ds_state && k->type != DNS_DS) ||
	    (k->type == DNS_DS && !is_ds_state && k->state != ANCHOR_VALID))
		return "a state that this record cannot have";
	bool has_end = k->state == ANCHOR_PENDING || k->state == ANCHOR_REVOKED;
	if ((k->until_s != 0) != has_end)
		return has_end ? "until is missing" : "an until that this state has not";
	return NULL;
}

static struct tracked_zone *zone_for(struct reading *r, const uint8_t *owner)
{
	for (unsigned i = 0; i < r->n_zones; i++)
		if (name_equal(r->zones[i]->name.wire, owner))
			return r->zones[i];
	struct tracked_zone *z = r->n_zones < ANCHOR_ZONES_MAX ? calloc(1, sizeof *z) : NULL;
	if (z == NULL)
		return NULL;
	name_set(&z->name, owner);
	r->zones[r->n_zones++] = z;
	return z;
}

static int take(void *arg, const struct anchors_line *line)
{
	struct reading *r = arg;
	const struct answer_rr *rr = &line->rr;
	struct tracked_key said;
	const char *trouble = anchors_record_trouble(rr->type, rr->rdata, rr->rdata_len);
	if (trouble == NULL)
		trouble = read_comment(line, &said);
	if (trouble == NULL && r->is_bad)
		return 0;
	struct tracked_zone *z = trouble == NULL ? zone_for(r, rr->owner) : NULL;
	if (trouble == NULL && z == NULL)
		trouble = "too many zones";
	if (trouble == NULL && track_find(z, rr->type, rr->rdata, rr->rdata_len) != NULL)
		trouble = "the same record a second time";
	struct tracked_key *k = trouble == NULL ? track_add(z, rr->type, rr->rdata, rr->rdata_len,
	                                                    said.state, said.since_s)
	                                        : NULL;
	if (trouble == NULL && k == NULL)
		trouble = "too many keys of one zone";
	if (trouble != NULL) {
		say(r, line->number, trouble);
		return 0;
	}
	k->until_s = said.until_s;
	k->is_configured = said.is_configured;
	r->n_keys++;
	return 0;
}

/* The last line says how many records there must be: the file is whole. */
static void check_end(struct reading *r, const char *text, size_t n)
{
	char want[64];
	int n_want = snprintf(want, sizeof want, "; end, %u record%s\n", r->n_keys,
	                      r->n_keys == 1 ? "" : "s");
	if (!r->is_bad &&
	    (n < (size_t)n_want || memcmp(text + n - n_want, want, (size_t)n_want) != 0)) {
		snprintf(r->why, STATE_WHY_MAX, "the last line is not \"; end, %u record%s\"",
		         r->n_keys, r->n_keys == 1 ? "" : "s");
		r->is_bad = true;
	}
}

int state_read_zones(const char *text, size_t n, struct tracked_zone **ret_zones, unsigned *ret_n,
                     char ret_why[STATE_WHY_MAX])
{
	char why[STATE_WHY_MAX];
	struct reading r = { .why = why };
	int e = anchors_scan(text, n, take, tell, &r);
	if (e == 0) {
		check_end(&r, text, n);
		e = r.is_bad ? -EBADMSG : 0;
	}
	if (e == 0) {
		memcpy(ret_zones, r.zones, r.n_zones * sizeof *ret_zones);
		*ret_n = r.n_zones;
		return 0;
	}
	for (unsigned i = 0; i < r.n_zones; i++) {
		track_done(r.zones[i]);
		free(r.zones[i]);
	}
	if (e == -EBADMSG)
		memcpy(ret_why, why, sizeof why);
	return e;
}
