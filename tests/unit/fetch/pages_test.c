/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define U1 "11111111-1111-4111-8111-111111111111"
#define U2 "22222222-2222-4222-8222-222222222222"

/* One answer, and what follows: the next URL (NULL: the end), or the complaint. */
struct step {
	const char *answer, *next, *why;
	const char *kept;       /* the beginnings of the lines, each with a LF behind; NULL: none */
	const char *added_last; /* NULL: not said */
};

static char kept[4096];

static int keep(void *arg, const char *line, size_t n)
{
	(void)arg;
	size_t at = strlen(kept);
	assert_int_equal(line[n - 1], '\n');
	assert_true(at + n < sizeof kept);
	memcpy(kept + at, line, n);
	kept[at + n] = 0;
	return 0;
}

static int look(void *arg)
{
	(void)arg;
	return 0;
}

static char position[PAGES_POSITION_MAX + 1];

static void play_after(enum fetch_kind kind, const char *url, const char *collection,
                       const char *after, const struct step *steps)
{
	struct pages *p;
	struct collection *contents;
	assert_int_equal(collection_new(&contents), 0);
	struct pages_plan plan = {
		.kind = kind,
		.url = url,
		.collection = collection,
		.after = after,
		.contents = contents,
		.look = look,
		.keep = keep,
	};
	assert_int_equal(pages_new(&plan, &p), 0);
	assert_string_equal(pages_url(p), url);
	for (; steps->answer != NULL; steps++) {
		struct pages_said said = {
			.added_last = steps->added_last != NULL ? steps->added_last : "",
			.date = steps->added_last != NULL ? steps->added_last : "",
		};
		kept[0] = 0;
		const char *why = pages_take(p, steps->answer, strlen(steps->answer), &said);
		if (steps->why != NULL) {
			assert_non_null(why);
			assert_string_equal(why, steps->why);
			break;
		}
		if (why != NULL)
			fail_msg("%s: %s", steps->answer, why);
		assert_string_equal(kept, steps->kept != NULL ? steps->kept : "");
		if (steps->next == NULL)
			assert_null(pages_url(p));
		else
			assert_string_equal(pages_url(p), steps->next);
	}
	snprintf(position, sizeof position, "%s", pages_position(p));
	pages_free(p);
	collection_free(contents);
}

static void play(enum fetch_kind kind, const char *url, const char *collection,
                 const struct step *steps)
{
	play_after(kind, url, collection, "", steps);
}

static void test_taxii(void **state)
{
	static const struct step all[] = {
		{ "{\"title\":\"x\",\"default\":\"/api1/\",\"api_roots\":[\"/api1/\"]}",
		  "https://t.example:8443/api1/collections/", NULL, NULL, NULL },
		{ "{\"collections\":[{\"id\":\"0\",\"title\":\"no\"},{\"id\":\"" U1
		  "\",\"title\":\"Bad Names\","
		  "\"can_read\":true}]}",
		  "https://t.example:8443/api1/collections/" U1 "/objects/?limit=5000", NULL, NULL,
		  NULL },
		{ "{\"more\":true,\"next\":\"a=b&c\",\"objects\":[{}]}",
		  "https://t.example:8443/api1/collections/" U1
		  "/objects/?limit=5000&next=a%3Db%26c",
		  NULL, NULL, NULL },
		{ "{\"objects\":[{\"type\":\"identity\",\"id\":\"x\"},"
		  "{\"type\":\"indicator\",\"id\":\"indicator--1\","
		  "\"modified\":\"1970-01-01T00:00:01.5Z\","
		  "\"valid_until\":\"1970-01-02T00:00:00Z\"},"
		  "{\"type\":\"indicator\",\"id\":\"a b\",\"revoked\":true}]}",
		  NULL, NULL,
		  "{\"weir\":\"indicator--1 1500000000 86400\",\"type\":\"indicator\","
		  "\"id\":\"indicator--1\",\"modified\":\"1970-01-01T00:00:01.5Z\","
		  "\"valid_until\":\"1970-01-02T00:00:00Z\"}\n"
		  "{\"weir\":\"hash-8044f8a624582c4c 0 1\",\"type\":\"indicator\",\"id\":\"a "
		  "b\",\"revoked\":true}\n",
		  NULL },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	static const struct step from_root[] = {
		{ "{\"title\":\"r\",\"versions\":[\"application/taxii+json;version=2.1\"],"
		  "\"max_content_length\":1}",
		  "https://t.example/api1/collections/", NULL, NULL, NULL },
		{ "{\"collections\":[]}", NULL, "has no such collection", NULL, NULL },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	static const struct step from_collections[] = {
		{ "{\"collections\":[{\"id\":\"" U1 "\",\"can_read\":false}]}", NULL,
		  "says that the collection may not be read", NULL, NULL },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	static const struct step elsewhere[] = {
		{ "{\"api_roots\":[\"https://u.example/r\"]}", "https://u.example/r/collections/",
		  NULL, NULL, NULL },
		{ "{\"collections\":[{\"id\":\"" U1 "\"}]}",
		  "https://u.example/r/collections/" U1 "/objects/?limit=5000", NULL, NULL, NULL },
		{ "{\"more\":true,\"objects\":[]}", NULL, "has more, but does not say where", NULL,
		  NULL },
		{ NULL, NULL, NULL, NULL, NULL },
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
		  "https://m.example/feed/" U1 ".json", NULL, NULL, NULL },
		{ "{\"Event\":{\"Attribute\":[]}}", "https://m.example/feed/" U2 ".json", NULL,
		  "{\"weir\":\"" U1 " 5610621455033164402 0\",\"Event\":{\"Attribute\":[]}}\n",
		  NULL },
		{ "{\"Event\":{}}", NULL, NULL,
		  "{\"weir\":\"" U2 " 1389868326933519382 0\",\"Event\":{}}\n", NULL },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	static const struct step escape[] = {
		{ "{\"../../../../../etc/passwd\":{}}", NULL, "names an event that is no UUID",
		  NULL, NULL },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	static const struct step no_event[] = {
		{ "{\"" U1 "\":{}}", "https://m.example/feed/" U1 ".json", NULL, NULL, NULL },
		{ "{\"error\":1}", NULL, "is not an event of MISP", NULL, NULL },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	(void)state;
	play(FETCH_MISP, "https://m.example/feed/manifest.json", NULL, all);
	play(FETCH_MISP, "https://m.example/feed/manifest.json", NULL, escape);
	play(FETCH_MISP, "https://m.example/feed/manifest.json", NULL, no_event);
}

#define OBJECTS "https://t.example/r/collections/" U1 "/objects/?limit=5000"

/* What comes after a time; servers that give no `next`, and such that give no time. */
static void test_positions(void **state)
{
	(void)state;
	static const char collections[] = "{\"collections\":[{\"id\":\"" U1 "\"}]}";
	static const char more[] = "{\"more\":true,\"objects\":[{\"type\":\"x\"}]}";
	static const struct step after[] = {
		{ collections, OBJECTS "&added_after=2026-11-28T08%3A00%3A00.1Z", NULL, NULL,
		  NULL },
		{ "{\"more\":true,\"next\":\"2\"}",
		  OBJECTS "&added_after=2026-11-28T08%3A00%3A00.1Z&next=2", NULL, NULL, NULL },
		{ "{}", NULL, NULL, NULL, NULL },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	play_after(FETCH_TAXII, "https://t.example/r/collections/", U1, "2026-11-28T08:00:00.1Z",
	           after);
	assert_string_equal(position, "2026-11-28T08:00:00.1Z");
	static const struct step by_time[] = {
		{ collections, OBJECTS, NULL, NULL, NULL },
		{ more, OBJECTS "&added_after=2026-11-28T09%3A00%3A00Z", NULL, NULL,
		  "2026-11-28T09:00:00Z" },
		{ more, NULL, "leads to itself", NULL, "2026-11-28T09:00:00Z" },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	play(FETCH_TAXII, "https://t.example/r/collections/", U1, by_time);
	assert_string_equal(position, "2026-11-28T09:00:00Z");
	static const struct step no_time[] = {
		{ collections, OBJECTS, NULL, NULL, NULL },
		{ "{\"objects\":[{\"type\":\"x\"}]}", NULL, NULL, NULL, "yesterday\"" },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	play_after(FETCH_TAXII, "https://t.example/r/collections/", U1, "", no_time);
	assert_string_equal(position, "");
}

static void test_misp_server(void **state)
{
	(void)state;
	static const char date[] = "Thu, 01 Jan 1970 01:00:00 GMT";
	static const struct step all[] = {
		{ "{\"response\":{\"Attribute\":[{\"uuid\":\"" U1 "\",\"timestamp\":\"7\"},"
		  "{\"uuid\":\"" U2 "\",\"timestamp\":8,\"to_ids\":\"0\"}]}}",
		  NULL, NULL,
		  "{\"weir\":\"" U1 " 7 0\",\"uuid\":\"" U1 "\",\"timestamp\":\"7\"}\n"
		  "{\"weir\":\"" U2 " 8 1\",\"uuid\":\"" U2 "\",\"timestamp\":8,"
		  "\"to_ids\":\"0\"}\n",
		  date },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	play(FETCH_MISP_SERVER, "https://m.example/attributes/restSearch", NULL, all);
	assert_string_equal(position, "3540");
	static const struct step nothing[] = {
		{ "{\"response\":[]}", NULL, NULL, NULL, NULL },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	play(FETCH_MISP_SERVER, "https://m.example/attributes/restSearch", NULL, nothing);
	assert_string_equal(position, "");
	static const struct step nonsense[] = {
		{ "{\"errors\":1}", NULL, "is not what a MISP server says", NULL, NULL },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	play(FETCH_MISP_SERVER, "https://m.example/attributes/restSearch", NULL, nonsense);
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
			                { NULL, NULL, NULL, NULL, NULL } };
		play(FETCH_TAXII, "https://t.example/taxii2/", "c", steps);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taxii),     cmocka_unit_test(test_misp),
		cmocka_unit_test(test_positions), cmocka_unit_test(test_misp_server),
		cmocka_unit_test(test_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
