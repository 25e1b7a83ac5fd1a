/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/pattern_set.h"

#include <errno.h>
#include <xxhash.h>

#include "world.h"

static char folder[] = "/tmp/weir-pattern-set-XXXXXX";
static char path[64];

static unsigned n_dropped;
static char dropped_text[64];

static void on_dropped(void *arg, const struct policy_pattern_dropped *d)
{
	(void)arg;
	n_dropped++;
	snprintf(dropped_text, sizeof dropped_text, "%s:%u: %s", d->list_name, d->line, d->text);
	assert_true(d->why[0] != 0);
}

static void add(struct policy_patterns *b, const char *list, const char *regex, uint32_t line)
{
	const struct policy_pattern_rule r = { .text = regex, .regex = regex, .line = line };
	assert_int_equal(policy_patterns_add(b, list, &r), 0);
}

static struct policy_patterns *collect(void)
{
	struct policy_patterns *b;
	static const struct addr sink = { .bytes = { [15] = 1 } };
	const struct policy_data to_address = { .addrs = &sink, .n_addrs = 1 };
	const struct policy_data to_name = { .target = (const uint8_t *)"\6garden\4test" };
	struct policy_pattern_rule r = { .text = "||x*y^",
		                         .regex = "x.*y$",
		                         .line = 7,
		                         .is_important = true,
		                         .action = POLICY_ADDRESS,
		                         .data = &to_address,
		                         .types = { 1, 28 },
		                         .n_types = 2 };
	assert_int_equal(policy_patterns_new(&b), 0);
	add(b, "one", "^ads", 3);
	assert_int_equal(policy_patterns_add(b, "two", &r), 0);
	r = (struct policy_pattern_rule){ .text = "z",
		                          .regex = "z",
		                          .line = 9,
		                          .action = POLICY_REDIRECT,
		                          .data = &to_name,
		                          .types = { 16 },
		                          .n_types = 1,
		                          .types_are_not = true };
	assert_int_equal(policy_patterns_add(b, "one", &r), 0);
	return b;
}

static void check_rules(const struct policy_pattern_set *s)
{
	assert_int_equal(s->n, 3);
	assert_int_equal(s->n_lists, 2);
	assert_string_equal(s->lists[s->rules[0].list], "one");
	assert_string_equal(s->lists[s->rules[1].list], "two");
	assert_string_equal(s->rules[0].regex, "^ads");
	assert_int_equal(s->rules[0].shown.line, 3);
	assert_true(pattern_has_type(&s->rules[0], 0) && pattern_has_type(&s->rules[0], 99));
	const struct pattern_rule *r = &s->rules[1];
	assert_string_equal(r->shown.text, "||x*y^");
	assert_string_equal(r->regex, "x.*y$");
	assert_true(r->is_important && r->action == POLICY_ADDRESS && r->shown.line == 7);
	assert_int_equal(r->data.n_addrs, 1);
	assert_int_equal(r->data.addrs[0].bytes[15], 1);
	assert_true(pattern_has_type(r, 28) && !pattern_has_type(r, 16) && !pattern_has_type(r, 0));
	r = &s->rules[2];
	assert_true(name_equal(r->data.target, (const uint8_t *)"\6garden\4test"));
	assert_true(pattern_has_type(r, 28) && !pattern_has_type(r, 16) && !pattern_has_type(r, 0));
	assert_non_null(s->patterns);
}

static void made_written_and_read(void **state)
{
	(void)state;
	struct policy_patterns *b = collect();
	struct policy_pattern_set *s, *again;
	assert_int_equal(policy_patterns_make(b, NULL, on_dropped, NULL, &s), 0);
	assert_int_equal(n_dropped, 0);
	check_rules(s);
	uint64_t key = policy_pattern_set_key(s);
	assert_int_not_equal(key, 0);
	assert_int_equal(policy_pattern_set_read(path, key, &again), -ENOENT);
	assert_int_equal(policy_pattern_set_write(s, path), 0);
	assert_int_equal(policy_pattern_set_read(path, key + 1, &again), -EBADMSG);
	assert_int_equal(policy_pattern_set_read(path, key, &again), 0);
	check_rules(again);
	assert_int_equal(policy_pattern_set_key(again), key);
	policy_pattern_set_put(again);
	policy_pattern_set_put(s);
	/* Nothing collected: no set. */
	assert_int_equal(policy_patterns_make(b, NULL, NULL, NULL, &s), 0);
	assert_null(s);
	policy_patterns_free(b);
}

/* Any bit that flips, and any byte that is missing, is noticed. */
static void damage_is_noticed(void **state)
{
	(void)state;
	struct policy_pattern_set *s;
	FILE *f = fopen(path, "rb");
	static uint8_t bytes[65536];
	size_t n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	assert_in_range(n, 100, sizeof bytes - 1);
	for (size_t at = 0; at < n; at += at < 400 ? 1 : 97) {
		bytes[at] ^= 0x10;
		f = fopen(path, "wb");
		fwrite(bytes, 1, n, f);
		fclose(f);
		bytes[at] ^= 0x10;
		assert_int_equal(policy_pattern_set_read(path, 0, &s), -EBADMSG);
	}
	f = fopen(path, "wb");
	fwrite(bytes, 1, n - 1, f);
	fclose(f);
	assert_int_equal(policy_pattern_set_read(path, 0, &s), -EBADMSG);
}

/* Change the version in the database, and make the file's checksum right again. */
static void make_foreign(void)
{
	static uint8_t bytes[65536];
	struct {
		uint8_t magic[8];
		uint32_t version, n_lists;
		uint64_t rules_bytes, database_bytes, checksum;
	} h;
	FILE *f = fopen(path, "rb");
	size_t n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	memcpy(&h, bytes, sizeof h);
	uint8_t *lists = bytes + sizeof h, *rules = lists + h.n_lists * 64;
	uint8_t *database = rules + h.rules_bytes;
	assert_ptr_equal(database + h.database_bytes, bytes + n);
	database[4] ^= 0xff; /* behind the magic number */
	struct patterns *p;
	assert_int_equal(patterns_new(database, h.database_bytes, &p), -EBADMSG);
	h.checksum = 0;
	uint64_t sum = XXH3_64bits(&h, sizeof h);
	sum = XXH3_64bits_withSeed(lists, h.n_lists * 64, sum);
	sum = XXH3_64bits_withSeed(rules, h.rules_bytes, sum);
	h.checksum = XXH3_64bits_withSeed(database, h.database_bytes, sum);
	memcpy(bytes, &h, sizeof h);
	f = fopen(path, "wb");
	fwrite(bytes, 1, n, f);
	fclose(f);
}

/* A database of another machine: the expressions are compiled again. */
static void a_foreign_database_is_made_anew(void **state)
{
	(void)state;
	struct policy_patterns *b = collect();
	struct policy_pattern_set *s, *again;
	assert_int_equal(policy_patterns_make(b, NULL, NULL, NULL, &s), 0);
	policy_patterns_free(b);
	assert_int_equal(policy_pattern_set_write(s, path), 0);
	make_foreign();
	assert_int_equal(policy_pattern_set_read(path, policy_pattern_set_key(s), &again), 0);
	check_rules(again);
	policy_pattern_set_put(again);
	policy_pattern_set_put(s);
}

/* What does not compile is told, stays out, and is told again when nothing changed. */
static void what_is_dropped_is_told(void **state)
{
	(void)state;
	struct world w;
	struct policy_pattern_set *s, *again;
	world_start(&w);
	assert_int_equal(world_rule(&w, "nxdomain tree x"), 0);
	world_write(&w);
	struct policy_patterns *b;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(policy_patterns_new(&b), 0);
		add(b, "nxdomain", "good", 1);
		add(b, "nxdomain", "(a)\\1", 2);
		n_dropped = 0;
		assert_int_equal(policy_patterns_make(b, i > 0 ? w.opened : NULL, on_dropped, NULL,
		                                      i > 0 ? &again : &s),
		                 0);
		policy_patterns_free(b);
		assert_int_equal(n_dropped, 1);
		assert_string_equal(dropped_text, "nxdomain:2: (a)\\1");
		if (i == 0)
			assert_int_equal(policy_image_attach(w.opened, s), 0);
	}
	assert_ptr_equal(again->patterns, s->patterns); /* not compiled twice */
	assert_int_equal(policy_pattern_set_key(again), policy_pattern_set_key(s));
	policy_pattern_set_put(again);
	policy_pattern_set_put(s);
	/* Rules of an image, once more. */
	assert_int_equal(policy_patterns_new(&b), 0);
	assert_int_equal(policy_patterns_keep(b, w.opened, "nxdomain"), 0);
	assert_int_equal(policy_patterns_keep(b, w.opened, "other"), 0);
	assert_int_equal(policy_patterns_make(b, w.opened, NULL, NULL, &again), 0);
	assert_int_equal(again->n, 2);
	policy_pattern_set_put(again);
	policy_patterns_free(b);
	world_end(&w);
}

static void limits(void **state)
{
	(void)state;
	struct policy_patterns *b;
	char text[POLICY_PATTERN_MAX + 2];
	memset(text, 'a', sizeof text);
	text[POLICY_PATTERN_MAX + 1] = 0;
	struct policy_pattern_rule r = { .text = text, .regex = "a" };
	assert_int_equal(policy_patterns_new(&b), 0);
	assert_int_equal(policy_patterns_add(b, "x", &r), -EINVAL);
	r.text = "";
	assert_int_equal(policy_patterns_add(b, "x", &r), -EINVAL);
	r.text = "a";
	for (unsigned i = 0; i < PATTERNS_MAX; i++)
		assert_int_equal(policy_patterns_add(b, "x", &r), 0);
	assert_int_equal(policy_patterns_add(b, "x", &r), -E2BIG);
	policy_patterns_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_written_and_read),
		cmocka_unit_test(damage_is_noticed),
		cmocka_unit_test(a_foreign_database_is_made_anew),
		cmocka_unit_test(what_is_dropped_is_told),
		cmocka_unit_test(limits),
	};
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/set", folder);
	int n = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(folder);
	return n;
}
