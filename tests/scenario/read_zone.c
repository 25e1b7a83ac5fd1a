/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys and zones. */
#include <stdlib.h>
#include <string.h>

#include "reader.h"

enum {
	SIGNED_SINCE_S = 86400,
	SIGNED_FOR_S = 60 * 86400,
	TRAP_MAX = 100
};

static const struct {
	const char *word;
	uint8_t number;
} algorithms[] = { { "rsasha1", 5 },   { "rsasha256", 8 }, { "rsasha512", 10 },
	           { "ecdsa256", 13 }, { "ecdsa384", 14 }, { "ed25519", 15 },
	           { "ed448", 16 },    { "private", 253 }, { "unassigned", 99 } };

static bool take_algorithm(struct reader *r, uint8_t *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		if (reader_take(r, algorithms[i].word)) {
			*ret = algorithms[i].number;
			return true;
		}
	}
	return false;
}

static struct script_key *add_key(struct reader *r, const char *label)
{
	struct script_key *k = script_alloc(r->s, sizeof *k);
	k->label = reader_copy(r, label);
	k->line = r->line;
	k->algorithm = 13;
	*r->s->keys_end = k;
	r->s->keys_end = &k->next;
	return k;
}

void read_key(struct reader *r)
{
	const char *label = reader_word(r);
	if (label == NULL || script_find_key(r->s, label) != NULL) {
		reader_problem(r, "a key needs a name of its own");
		return;
	}
	struct script_key *k = add_key(r, label);
	while (r->at < r->n_words) {
		if (take_algorithm(r, &k->algorithm))
			continue;
		if (reader_take(r, "ksk"))
			k->role = ROLE_KSK;
		else if (reader_take(r, "zsk"))
			k->role = ROLE_ZSK;
		else if (reader_take(r, "csk"))
			k->role = ROLE_CSK;
		else
			break;
	}
}

/* ---- what a zone's line says of signing ---- */

static void use_keys(struct reader *r, enum script_use use)
{
	unsigned n = 0;
	while (r->at < r->n_words && r->words[r->at][0] == '@') {
		struct script_key_use *u = script_alloc(r->s, sizeof *u);
		u->line = r->line;
		u->label = reader_copy(r, reader_word(r) + 1);
		u->use = use;
		*r->zone->keys_end = u;
		r->zone->keys_end = &u->next;
		n++;
	}
	if (n == 0)
		reader_problem(r, "keys are written as @NAME");
	r->zone->is_signed = true;
}

/* Without a word about keys: one of its own, called as the zone. */
static void use_own_key(struct reader *r)
{
	struct script_zone *z = r->zone;
	char label[NAME_TEXT_MAX];
	uint8_t algorithm = 13;
	bool is_given = take_algorithm(r, &algorithm);
	name_to_text(z->name.wire, label);
	struct script_key *k = script_find_key(r->s, label);
	if (k == NULL) {
		k = add_key(r, label);
		k->algorithm = algorithm;
	} else if (is_given && k->algorithm != algorithm) {
		reader_problem(r, "key '%s' has another algorithm", label);
	}
	struct script_key_use *u = script_alloc(r->s, sizeof *u);
	u->line = r->line;
	u->label = k->label;
	*z->keys_end = u;
	z->keys_end = &u->next;
	z->is_signed = true;
}

static void read_salt(struct reader *r)
{
	const char *word = reader_word(r);
	struct script_zone *z = r->zone;
	size_t n = word != NULL ? strlen(word) : 1;
	if (n % 2 != 0 || n / 2 > sizeof z->salt || strspn(word, "0123456789abcdefABCDEF") != n) {
		reader_problem(r, "a salt is written in hexadecimal digits");
		return;
	}
	for (size_t i = 0; i < n / 2; i++) {
		char pair[3] = { word[2 * i], word[2 * i + 1], 0 };
		z->salt[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	z->salt_len = (uint8_t)(n / 2);
}

static void read_flaw(struct reader *r, enum script_flaw_kind kind)
{
	struct script_flaw *f = script_alloc(r->s, sizeof *f);
	f->kind = kind;
	if (!reader_name(r, &f->name) || !reader_type(r, &f->type))
		return;
	f->next = r->zone->flaws;
	r->zone->flaws = f;
}

static void read_option(struct reader *r)
{
	struct script_zone *z = r->zone;
	unsigned x;
	if (reader_take(r, "signed"))
		use_own_key(r);
	else if (reader_take(r, "keys"))
		use_keys(r, USE_SIGNS);
	else if (reader_take(r, "publish"))
		use_keys(r, USE_IS_SEEN);
	else if (reader_take(r, "hidden"))
		use_keys(r, USE_HIDDEN);
	else if (reader_take(r, "revoked"))
		use_keys(r, USE_REVOKED);
	else if (reader_take(r, "nsec3"))
		z->is_nsec3 = true;
	else if (reader_take(r, "opt-out"))
		z->is_opt_out = z->is_nsec3 = true;
	else if (reader_take(r, "iterations") && reader_number(r, 65535, &x))
		z->iterations = (uint16_t)x;
	else if (reader_take(r, "salt"))
		read_salt(r);
	else if (reader_take(r, "begins"))
		reader_signed_time(r, &z->begins_s);
	else if (reader_take(r, "expires"))
		reader_signed_time(r, &z->expires_s);
	else if (reader_take(r, "corrupt"))
		read_flaw(r, FLAW_CORRUPT);
	else if (reader_take(r, "unsigned"))
		read_flaw(r, FLAW_UNSIGNED);
	else if (reader_take(r, "trap")) {
		if (reader_number(r, TRAP_MAX, &z->n_trap_keys))
			reader_number(r, TRAP_MAX, &z->n_trap_sigs);
	} else if (r->at < r->n_words)
		reader_problem(r, "a zone has no '%s'", r->words[r->at]);
}

void read_zone_options(struct reader *r)
{
	while (r->at < r->n_words)
		read_option(r);
}

void read_zone(struct reader *r)
{
	struct script_zone *z = script_alloc(r->s, sizeof *z);
	z->line = r->line;
	z->records_end = &z->records;
	z->keys_end = &z->keys;
	r->zone = z;
	r->block = IN_ZONE;
	const char *label = r->at < r->n_words ? r->words[r->at] : "";
	if (!reader_name(r, &z->name))
		return;
	z->label = reader_copy(r, label);
	if (reader_take(r, "as") && r->at < r->n_words)
		z->label = reader_copy(r, reader_word(r));
	if (reader_take(r, "from") && !reader_time(r, &z->from_ns))
		return;
	z->begins_s = (int64_t)(z->from_ns / 1000000000) - SIGNED_SINCE_S;
	z->expires_s = (int64_t)(z->from_ns / 1000000000) + SIGNED_FOR_S;
	read_zone_options(r);
	*r->s->zones_end = z;
	r->s->zones_end = &z->next;
}

void read_zone_line(struct reader *r)
{
	struct script_zone *z = r->zone;
	if (reader_take(r, "with")) {
		read_zone_options(r);
		return;
	}
	struct script_record *rr = reader_record(r, r->raw, z->name.wire, SCRIPT_ZONE_TTL_S);
	if (rr == NULL)
		return;
	if (!name_is_within(rr->owner, z->name.wire)) {
		reader_problem(r, "this name is not in the zone");
		return;
	}
	*z->records_end = rr;
	z->records_end = &rr->next;
}
