/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words: names, types, addresses, numbers, times, records. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "dns/message.h"
#include "dns/text.h"
#include "reader.h"

enum {
	TIME_MAX_MS_DAYS = 3660
};

static char *next(struct reader *r, const char *what)
{
	char *word = reader_word(r);
	if (word == NULL)
		reader_problem(r, "%s is missing", what);
	return word;
}

bool reader_name(struct reader *r, struct name *ret)
{
	const char *word = next(r, "a name");
	if (word == NULL)
		return false;
	if (name_from_text(word, strlen(word), ret) != 0) {
		reader_problem(r, "'%s' is no name", word);
		return false;
	}
	return true;
}

bool reader_type(struct reader *r, uint16_t *ret)
{
	const char *word = next(r, "a type");
	if (word == NULL)
		return false;
	if (dns_type_from_text(word, ret) != 0) {
		reader_problem(r, "'%s' is no type", word);
		return false;
	}
	return true;
}

bool reader_addr(struct reader *r, struct addr *ret)
{
	const char *word = next(r, "an address");
	if (word == NULL)
		return false;
	if (addr_from_text(word, strlen(word), ret) != 0) {
		reader_problem(r, "'%s' is no address", word);
		return false;
	}
	return true;
}

bool reader_number(struct reader *r, unsigned max, unsigned *ret)
{
	const char *word = next(r, "a number");
	if (word == NULL)
		return false;
	char *end;
	unsigned long x = strtoul(word, &end, 10);
	if (*word < '0' || *word > '9' || *end != 0 || strlen(word) > 10 || x > max) {
		reader_problem(r, "'%s' is no number up to %u", word, max);
		return false;
	}
	*ret = (unsigned)x;
	return true;
}

static bool time_of(struct reader *r, const char *word, uint64_t *ret_ms)
{
	if (config_duration_from_text(word, strlen(word), ret_ms) == 0 &&
	    *ret_ms <= TIME_MAX_MS_DAYS * 86400000ULL)
		return true;
	reader_problem(r, "'%s' is no time like 200ms, 5s, 1h30m or 30d", word);
	return false;
}

bool reader_time(struct reader *r, uint64_t *ret_ns)
{
	uint64_t ms;
	const char *word = next(r, "a time");
	if (word == NULL || !time_of(r, word + (*word == '+'), &ms))
		return false;
	*ret_ns = ms * 1000000;
	return true;
}

bool reader_signed_time(struct reader *r, int64_t *ret_s)
{
	uint64_t ms;
	const char *word = next(r, "a time");
	if (word == NULL || !time_of(r, word + (*word == '+' || *word == '-'), &ms))
		return false;
	*ret_s = (int64_t)(ms / 1000) * (*word == '-' ? -1 : 1);
	return true;
}

int reader_rcode(const char *word)
{
	for (int i = 0; i < 24; i++) {
		if (strcmp(dns_rcode_text((unsigned)i), word) == 0)
			return i;
	}
	return -1;
}

/* ---- records ---- */

/* "NAME [TTL] DS @KEY [DIGEST]": the player makes it from the key. Where DS stands; 0: not so. */
static size_t find_ds(struct reader *r, const char *text, struct script_record *rr)
{
	char copy[SCRIPT_LINE_BYTES], *save = NULL;
	memcpy(copy, text, strlen(text) + 1);
	size_t at = 0;
	bool is_ds = false;
	for (char *w = strtok_r(copy, " \t\r", &save); w != NULL;
	     w = strtok_r(NULL, " \t\r", &save)) {
		if (is_ds && w[0] == '@' && w[1] != 0)
			rr->ds_key = reader_copy(r, w + 1);
		else if (rr->ds_key != NULL)
			rr->ds_digest = (uint8_t)strtoul(w, NULL, 10);
		is_ds = w != copy && rr->ds_key == NULL && strcmp(w, "DS") == 0;
		if (is_ds)
			at = (size_t)(w - copy);
	}
	return rr->ds_key != NULL ? at : 0;
}

static void take_scanned(struct reader *r, const zs_scanner_t *z, struct script_record *rr)
{
	uint8_t *owner = script_alloc(r->s, NAME_MAX_BYTES);
	name_copy_lower(owner, z->r_owner);
	rr->owner = owner;
	rr->type = z->r_type;
	rr->ttl_s = z->r_ttl;
	rr->rdata_len = (uint16_t)z->r_data_length;
	uint8_t *rdata = script_alloc(r->s, z->r_data_length + 1U);
	memcpy(rdata, z->r_data, z->r_data_length);
	rr->rdata = rdata;
}

struct script_record *reader_record(struct reader *r, const char *text, const uint8_t *origin,
                                    uint32_t default_ttl_s)
{
	char line[SCRIPT_LINE_BYTES + 80];
	struct script_record *rr = script_alloc(r->s, sizeof *rr);
	zs_scanner_t *z = r->scanner;
	text += strspn(text, " \t");
	rr->line = r->line;
	rr->ds_digest = 2;
	r->at = r->n_words;
	size_t n = strlen(text);
	memcpy(line, text, n + 1);
	size_t ds = find_ds(r, text, rr);
	if (ds != 0)
		n = ds + (size_t)snprintf(line + ds, sizeof line - ds, "DS 1 13 2 %064d", 0);
	line[n++] = '\n';
	z->default_ttl = default_ttl_s;
	z->zone_origin_length = (uint32_t)name_len(origin);
	memcpy(z->zone_origin, origin, name_len(origin));
	if (zs_set_input_string(z, line, n) != 0 || zs_parse_record(z) != 0 ||
	    z->state != ZS_STATE_DATA) {
		reader_problem(r, "no record: %s",
		               z->error.code != 0 ? zs_strerror(z->error.code) : "nothing is here");
		zs_deinit(z);
		must(zs_init(z, ".", 1, 1) == 0);
		return NULL;
	}
	take_scanned(r, z, rr);
	return rr;
}

bool reader_section(struct reader *r, struct script_record ***end, bool *ret_has_section)
{
	static const char *const names[] = { "answer", "authority", "additional" };
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (!reader_take(r, names[i]))
			continue;
		if (ret_has_section != NULL)
			ret_has_section[i] = true;
		if (ret_has_section != NULL && reader_take(r, "none"))
			return true;
		const char *text = strstr(r->raw, names[i]) + strlen(names[i]);
		struct script_record *rr =
			reader_record(r, text, (const uint8_t *)"", SCRIPT_ANY_TTL);
		if (rr == NULL)
			return true;
		rr->section = (uint8_t)i;
		**end = rr;
		*end = &rr->next;
		return true;
	}
	return false;
}
