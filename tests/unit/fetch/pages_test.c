/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define U1 "11111111-1111-4111-8111-111111111111"
#define U2 "22222222-2222-4222-8222-222222222222"

/* One answer, and what follows: the next URL (NULL: the end), or the complaint. */
struct step {
	const char *answer, *next, *why;
	int is_kept;
};

static void play(enum fetch_kind kind, const char *url, const char *collection,
                 const struct step *steps)
{
	struct pages *p;
	bool is_kept;
	assert_int_equal(pages_new(kind, url, collection, &p), 0);
	assert_string_equal(pages_url(p), url);
	for (; steps->answer != NULL; steps++) {
		const char *why = pages_take(p, steps->answer, strlen(steps->answer), &is_kept);
		if (steps->why != NULL) {
			assert_non_null(why);
			assert_string_equal(why, steps->why);
			break;
		}
		if (why != NULL)
			fail_msg("%s: %s", steps->answer, why);
		assert_int_equal(is_kept, steps->is_kept);
		if (steps->next == NULL)
			assert_null(pages_url(p));
		else
			assert_string_equal(pages_url(p), steps->next);
	}
	pages_free(p);
}

static void test_taxii(void **state)
{
	static const struct step all[] = {
		{ "{\"title\":\"x\",\"default\":\"/api1/\",\"api_roots\":[\"/api1/\"]}",
		  "https://t.example:8443/api1/collections/", NULL, 0 },
		{ "{\"collections\":[{\"id\":\"0\",\"title\":\"no\"},{\"id\":\"" U1
		  "\",\"title\":\"Bad Names\","
		  "\"can_read\":true}]}",
		  "https://t.example:8443/api1/collections/" U1 "/objects/?limit=5000", NULL, 0 },
		{ "{\"more\":true,\"next\":\"a=b&c\",\"objects\":[{}]}",
		  "https://t.example:8443/api1/collections/" U1
		  "/objects/?limit=5000&next=a%3Db%26c",
		  NULL, 1 },
		{ "{\"objects\":[{}]}", NULL, NULL, 1 },
		{ NULL, NULL, NULL, 0 },
	};
	static const struct step from_root[] = {
		{ "{\"title\":\"r\",\"versions\":[\"application/taxii+json;version=2.1\"],"
		  "\"max_content_length\":1}",
		  "https://t.example/api1/collections/", NULL, 0 },
		{ "{\"collections\":[]}", NULL, "has no such collection", 0 },
		{ NULL, NULL, NULL, 0 },
	};
	static const struct step from_collections[] = {
		{ "{\"collections\":[{\"id\":\"" U1 "\",\"can_read\":false}]}", NULL,
		  "says that the collection may not be read", 0 },
		{ NULL, NULL, NULL, 0 },
	};
	static const struct step elsewhere[] = {
		{ "{\"api_roots\":[\"https://u.example/r\"]}", "https://u.example/r/collections/",
		  NULL, 0 },
		{ "{\"collections\":[{\"id\":\"" U1 "\"}]}",
		  "https://u.example/r/collections/" U1 "/objects/?limit=5000", NULL, 0 },
		{ "{\"more\":true,\"objects\":[]}", NULL, "has more, but does not say where", 0 },
		{ NULL, NULL, NULL, 0 },
	};
	(void)state;
	play(FETCH_TAXII, "https://t.example:8443/taxii2/", "bad names", all);
	play(FETCH_TAXII, "https://t.example/api1/", U1, from_root);
	play(FETCH_TAXII, "https://t.example/api1/collections/", U1, from_collections);
	play(FETCH_TAXII, "https://t.example/taxii2/", U1, elsewhere);
}

static void test_misp(void **state)
{
	static const struct step all[] = {
		{ "{\"" U1 "\":{\"info\":\"x\"},\"" U2 "\":{}}",
		  "https://m.example/feed/" U1 ".json", NULL, 0 },
		{ "{\"Event\":{\"Attribute\":[]}}", "https://m.example/feed/" U2 ".json", NULL, 1 },
		{ "{\"Event\":{}}", NULL, NULL, 1 },
		{ NULL, NULL, NULL, 0 },
	};
	static const struct step escape[] = {
		{ "{\"../../../../../etc/passwd\":{}}", NULL, "names an event that is no UUID", 0 },
		{ NULL, NULL, NULL, 0 },
	};
	static const struct step no_event[] = {
		{ "{\"" U1 "\":{}}", "https://m.example/feed/" U1 ".json", NULL, 0 },
		{ "{\"error\":1}", NULL, "is not an event of MISP", 0 },
		{ NULL, NULL, NULL, 0 },
	};
	(void)state;
	play(FETCH_MISP, "https://m.example/feed/manifest.json", NULL, all);
	play(FETCH_MISP, "https://m.example/feed/manifest.json", NULL, escape);
	play(FETCH_MISP, "https://m.example/feed/manifest.json", NULL, no_event);
}

static void test_nonsense(void **state)
{
	static const struct {
		const char *answer, *why;
	} rows[] = {
		{ "<html>", "is not JSON" },
		{ "", "is not JSON" },
		{ "[]", "is not what a TAXII server says" },
		{ "{}", "is not what a TAXII server says" },
		{ "{\"default\":\"\"}", "names no API root" },
		{ "{\"default\":\"/a b/\"}", "names no API root" },
		{ "{\"collections\":[{\"id\":\"../x\",\"title\":\"c\"}]}", "has no usable URL" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct step steps[] = { { rows[i].answer, NULL, rows[i].why, 0 },
			                { NULL, NULL, NULL, 0 } };
		play(FETCH_TAXII, "https://t.example/taxii2/", "c", steps);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taxii),
		cmocka_unit_test(test_misp),
		cmocka_unit_test(test_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
