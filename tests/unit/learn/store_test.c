/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "learn/store.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "names.h"

static int see(struct learn_store *s, const char *name, uint16_t type, uint32_t client, uint64_t at)
{
	const struct learn_seen seen = {
		.name = wire(name), .type = type, .client = client, .wall_s = at
	};
	return store_add(s, &seen);
}

/* "www.example name 2 clients A" and so on, a line each. */
static const char *proposed(const struct learn_store *s)
{
	static const char kinds[] = {
		[LEARN_NAME] = '=', [LEARN_DOMAIN] = '*', [LEARN_REVIEW] = '?'
	};
	static char text[8192];
	struct learn_proposal *p;
	unsigned n;
	size_t at = 0;
	assert_int_equal(learn_propose(s, &p, &n), 0);
	text[0] = 0;
	for (unsigned i = 0; i < n; i++) {
		char name[NAME_TEXT_MAX];
		name_to_text(p[i].name.wire, name);
		at += (size_t)snprintf(text + at, sizeof text - at, "%c%s %u/%u %u-%u|",
		                       kinds[p[i].kind], name, p[i].n_names, p[i].n_clients,
		                       (unsigned)p[i].first_s, (unsigned)p[i].last_s);
	}
	free(p);
	return text;
}

static void names_are_kept_with_what_was_seen(void **state)
{
	(void)state;
	struct learn_store *s;
	assert_int_equal(store_new("cell", 5, &s), 0);
	assert_int_equal(see(s, "www.example.com", 1, 7, 10), 0);
	assert_int_equal(see(s, "www.example.com", 28, 8, 12), 0);
	assert_int_equal(see(s, "www.example.com", 28, 8, 14), 0);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(see(s, "a.example.net", (uint16_t)(i + 1), i, 20 + i), 0);
	assert_string_equal(proposed(s), "=www.example.com 1/2 10-14|=a.example.net 1/16 20-119|");
	assert_int_equal(s->names[0].n_types, 2);
	assert_int_equal(s->names[1].n_types, LEARN_TYPES_MAX);
	learn_store_free(s);
}

static void a_domain_goes_with_many_names_and_is_reviewed_with_too_many(void **state)
{
	(void)state;
	struct learn_store *s;
	char name[64];
	assert_int_equal(store_new("cell", 0, &s), 0);
	see(s, "one.other.co.uk", 1, 1, 1);
	for (unsigned i = 0; i < LEARN_GENERALISE_NAMES - 1; i++) {
		snprintf(name, sizeof name, "h%u.shop.co.uk", i);
		see(s, name, 1, 1, 2);
	}
	assert_null(strchr(proposed(s), '*'));
	see(s, "deep.x.shop.co.uk", 1, 2, 3);
	assert_string_equal(proposed(s), "=one.other.co.uk 1/1 1-1|*shop.co.uk 8/1 2-3|");
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(name, sizeof name, "t%u.shop.co.uk", i);
		assert_int_equal(see(s, name, 16, 1, 4), 0);
	}
	assert_string_equal(proposed(s), "=one.other.co.uk 1/1 1-1|?shop.co.uk 65/0 2-4|");
	assert_int_equal(s->n_names, 1);
	assert_int_equal(s->domains[1].n_examples, LEARN_EXAMPLES_MAX);
	assert_true(s->domains[1].n_more > 99000);
	learn_store_free(s);
}

static void registered_domains(void **state)
{
	static const struct {
		const char *name, *registered;
	} rows[] = {
		{ "a.b.example.com", "example.com" },
		{ "example.com", "example.com" },
		{ "a.b.example.co.uk", "example.co.uk" },
		{ "co.uk", "co.uk" },
		{ "user.github.io", "user.github.io" },
		{ "x.user.github.io", "user.github.io" },
		{ "host.corp", "host.corp" },
		{ "com", "com" },
		{ ".", "." },
		{ "a\\.b.c\\000d.example.com", "example.com" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct name n;
		char text[NAME_TEXT_MAX];
		store_registered(wire(rows[i].name), &n);
		name_to_text(n.wire, text);
		if (strcmp(text, rows[i].registered) != 0)
			fail_msg("%s: %s", rows[i].name, text);
	}
}

static void the_number_of_names_is_limited(void **state)
{
	(void)state;
	struct learn_store *s;
	char name[64];
	assert_int_equal(store_new("cell", 0, &s), 0);
	for (unsigned i = 0; i < LEARN_NAMES_MAX + 10; i++) {
		snprintf(name, sizeof name, "www.d%u.com", i);
		assert_int_equal(see(s, name, 1, 1, 4), i < LEARN_NAMES_MAX ? 0 : -ENOSPC);
	}
	assert_int_equal(s->n_refused, 10);
	assert_int_equal(see(s, "www.d7.com", 1, 1, 9), 0);
	learn_store_free(s);
}

static void the_file_gives_back_what_was_saved(void **state)
{
	(void)state;
	struct learn_store *s, *again;
	char folder[] = "/tmp/weir-learn-XXXXXX", path[128], before[8192], why[LEARN_WHY_MAX],
	     name[64];
	assert_non_null(mkdtemp(folder));
	assert_int_equal(learn_load(folder, "cell", &s, why), -ENOENT);
	assert_int_equal(store_new("cell", 99, &s), 0);
	const uint8_t *aliases[] = { wire("cdn.example.net"), wire("a\\000b.example.net") };
	const struct learn_seen seen = { .name = wire("www.example.com"),
		                         .type = 65,
		                         .client = 4000000000,
		                         .wall_s = 100,
		                         .aliases = aliases,
		                         .n_aliases = 2 };
	assert_int_equal(store_add(s, &seen), 0);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "t%u.tunnel.org", i);
		see(s, name, 16, 1, 50 + i);
	}
	snprintf(before, sizeof before, "%s", proposed(s));
	assert_int_equal(store_save(s, folder), 0);
	learn_store_free(s);
	assert_int_equal(learn_load(folder, "cell", &again, why), 0);
	assert_string_equal(proposed(again), before);
	assert_int_equal(again->since_s, 99);
	assert_int_equal(again->names[0].n_aliases, 2);
	assert_int_equal(again->names[0].clients[0], 4000000000);
	assert_int_equal(again->names[0].types[0], 65);
	see(again, "more.tunnel.org", 1, 1, 300); /* still in review */
	assert_int_equal(again->n_names, 1);
	learn_store_free(again);
	assert_int_equal(learn_is_enforced(folder, "cell"), 0);
	assert_int_equal(learn_enforce(folder, "cell", true), 0);
	assert_int_equal(learn_is_enforced(folder, "cell"), 1);
	assert_int_equal(learn_enforce(folder, "cell", false), 0);
	assert_int_equal(learn_enforce(folder, "cell", false), 0);
	assert_int_equal(learn_is_enforced(folder, "cell"), 0);
	assert_int_equal(learn_is_enforced(NULL, "cell"), 0);
	snprintf(path, sizeof path, "%s/learn/cell.json", folder);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof path, "%s/learn", folder);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void bad_files_are_told(void **state)
{
	static const char *const rows[] = {
		"", "{", "[]", "{}", "{\"names\":[]}", "{\"names\":3,\"review\":[]}"
	};
	(void)state;
	struct learn_store *s;
	char why[LEARN_WHY_MAX];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		why[0] = 0;
		assert_int_equal(store_read("g", rows[i], strlen(rows[i]), &s, why), -EBADMSG);
		assert_true(why[0] != 0);
	}
	/* One bad entry does not lose the others. */
	static const char text[] =
		"{\"names\":[{\"name\":\"a..b\"},{\"name\":\"x.example.com\"},7],"
		"\"review\":[{\"domain\":3},{\"domain\":\"d.org\"},"
		"{\"domain\":\"d.org\"}]}";
	assert_int_equal(store_read("g", text, strlen(text), &s, why), 0);
	assert_string_equal(proposed(s), "=x.example.com 1/0 0-0|?d.org 0/0 0-0|");
	assert_int_equal(s->n_refused, 4);
	learn_store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_kept_with_what_was_seen),
		cmocka_unit_test(a_domain_goes_with_many_names_and_is_reviewed_with_too_many),
		cmocka_unit_test(registered_domains),
		cmocka_unit_test(the_number_of_names_is_limited),
		cmocka_unit_test(the_file_gives_back_what_was_saved),
		cmocka_unit_test(bad_files_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
