/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/registered.h"

#include <idn2.h>
#include <libpsl.h>
#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* argv: the list that the table was made of, and an .xz file with a name in the fourth column, if there is one. */
static const char *list_path, *names_path;

static void registered_domains(void **state)
{
	(void)state;
	static const struct {
		const char *why, *name, *expected; /* NULL: none */
	} rows[] = {
		{ "the root", ".", NULL },
		{ "a top-level domain", "com", NULL },
		{ "itself", "example.com", "example.com" },
		{ "below", "a.b.example.com", "example.com" },
		{ "a suffix of two labels", "co.uk", NULL },
		{ "below it", "www.example.co.uk", "example.co.uk" },
		{ "*.ck", "a.b.co.ck", "b.co.ck" },
		{ "!www.ck", "a.www.ck", "www.ck" },
		{ "others than registries", "x.user.github.io", "user.github.io" },
		{ "above a suffix, and none", "amazonaws.com.cn", "amazonaws.com.cn" },
		{ "a gap in the tree of suffixes", "y.compute.amazonaws.com.cn", NULL },
		{ "below the gap's end", "a.x.y.compute.amazonaws.com.cn",
		  "x.y.compute.amazonaws.com.cn" },
		{ "a top-level domain nobody knows", "a.printer.lan", "printer.lan" },
		{ "by itself", "lan", NULL },
		{ "an IDN suffix", "www.xn--bcher-kva.xn--55qx5d.cn",
		  "xn--bcher-kva.xn--55qx5d.cn" },
		{ "a dot in a label is none", "a\\.co.uk", "a\\.co.uk" },
		{ "bytes of any kind", "\\000.\\255\\032.com", "\\255\\032.com" },
		{ "more labels than suffixes have", "a.b.c.d.e.f.g.h.i.j.k.l.example.co.uk",
		  "example.co.uk" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct name name, expected;
		assert_int_equal(name_from_text(rows[i].name, strlen(rows[i].name), &name), 0);
		const uint8_t *got = name_registered(name.wire);
		if (rows[i].expected == NULL) {
			if (got != NULL)
				fail_msg("%s: something", rows[i].why);
			continue;
		}
		assert_int_equal(
			name_from_text(rows[i].expected, strlen(rows[i].expected), &expected), 0);
		if (got == NULL || !name_equal(got, expected.wire))
			fail_msg("%s", rows[i].why);
		/* A part of the name that was given. */
		assert_ptr_equal(got, name.wire + name.len - expected.len);
	}
}

static void the_longest_name(void **state)
{
	(void)state;
	struct name name;
	memset(name.wire, 0, sizeof name.wire);
	for (unsigned i = 0; i < 127; i++) {
		name.wire[2 * i] = 1;
		name.wire[2 * i + 1] = 'a';
	}
	const uint8_t *got = name_registered(name.wire);
	assert_ptr_equal(got, name.wire + 250);
}

static void suffixes(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum name_suffix suffix;
	} rows[] = {
		{ ".", NAME_SUFFIX_NONE },
		{ "com", NAME_SUFFIX_REGISTRY },
		{ "co.uk", NAME_SUFFIX_REGISTRY },
		{ "example.com", NAME_SUFFIX_NONE },
		{ "example.co.uk", NAME_SUFFIX_NONE },
		{ "anything.ck", NAME_SUFFIX_REGISTRY },
		{ "www.ck", NAME_SUFFIX_NONE },
		{ "github.io", NAME_SUFFIX_PRIVATE },
		{ "lan", NAME_SUFFIX_UNKNOWN },
		{ "a.b.c.d.e.f.com", NAME_SUFFIX_NONE },
		{ "\\001.com", NAME_SUFFIX_NONE },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct name name;
		assert_int_equal(name_from_text(rows[i].name, strlen(rows[i].name), &name), 0);
		if (name_suffix(name.wire) != rows[i].suffix)
			fail_msg("%s: %d", rows[i].name, name_suffix(name.wire));
	}
}

/* ---- beside libpsl, with the same list ---- */

static psl_ctx_t *psl;
static unsigned n_compared;

static enum name_suffix suffix_of(const char *text)
{
	if (psl_is_public_suffix2(psl, text, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE))
		return NAME_SUFFIX_REGISTRY;
	if (psl_is_public_suffix2(psl, text, PSL_TYPE_PRIVATE | PSL_TYPE_NO_STAR_RULE))
		return NAME_SUFFIX_PRIVATE;
	return strchr(text, '.') == NULL ? NAME_SUFFIX_UNKNOWN : NAME_SUFFIX_NONE;
}

static void compare(const char *text)
{
	struct name name;
	char got[NAME_TEXT_MAX] = "";
	if (name_from_text(text, strlen(text), &name) != 0)
		return;
	const uint8_t *registered = name_registered(name.wire);
	const char *expected = psl_registrable_domain(psl, text);
	if (registered != NULL)
		name_to_text(registered, got);
	if (strcmp(got, expected != NULL ? expected : "") != 0)
		fail_msg("%s: '%s', libpsl says '%s'", text, got, expected != NULL ? expected : "");
	if (name_suffix(name.wire) != suffix_of(text))
		fail_msg("%s: %d, libpsl says %d", text, name_suffix(name.wire), suffix_of(text));
	n_compared++;
}

/* The rule, what is below it, beside it, above it. */
static void compare_around(const char *rule)
{
	static const struct {
		const char *before, *after;
	} around[] = {
		{ "", "" },     { "a.", "" }, { "b.a.", "" },  { "www.", "" },     { "c.b.a.", "" },
		{ "", "x" },    { "x", "" },  { "a.x", "" },   { "a.", "x" },      { "", ".com" },
		{ "", ".lan" }, { "*.", "" }, { "city.", "" }, { "a.", ".co.uk" },
	};
	char text[512];
	for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
		snprintf(text, sizeof text, "%s%s%s", around[i].before, rule, around[i].after);
		compare(text);
	}
	for (const char *dot = strchr(rule, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
		compare(dot + 1);
		snprintf(text, sizeof text, "zz.%s", dot + 1);
		compare(text);
	}
	compare(rule + 1);
}

static void all_rules_beside_libpsl(void **state)
{
	(void)state;
	char line[1024];
	FILE *f = fopen(list_path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL) {
		char *ascii, *rule = line;
		line[strcspn(line, " \t\n")] = 0;
		if (line[0] == 0 || strncmp(line, "//", 2) == 0)
			continue;
		rule += *rule == '!';
		rule += strncmp(rule, "*.", 2) == 0 ? 2 : 0;
		assert_int_equal(idn2_to_ascii_8z(rule, &ascii, IDN2_NONTRANSITIONAL), IDN2_OK);
		compare_around(ascii);
		idn2_free(ascii);
	}
	fclose(f);
	assert_true(n_compared > 100000);
}

/* The whole of an .xz file as text; the caller's. */
static char *unpacked(FILE *f)
{
	static uint8_t in[1 << 16];
	size_t room = 1 << 20, n = 0;
	char *text = malloc(room + 1);
	lzma_stream z = LZMA_STREAM_INIT;
	lzma_ret status = lzma_stream_decoder(&z, UINT64_MAX, 0);
	while (status == LZMA_OK) {
		if (z.avail_in == 0) {
			z.next_in = in;
			z.avail_in = fread(in, 1, sizeof in, f);
		}
		if (n == room)
			text = realloc(text, (room *= 2) + 1);
		assert_non_null(text);
		z.next_out = (uint8_t *)text + n;
		z.avail_out = room - n;
		status = lzma_code(&z, z.avail_in > 0 ? LZMA_RUN : LZMA_FINISH);
		n = room - z.avail_out;
	}
	assert_int_equal(status, LZMA_STREAM_END);
	lzma_end(&z);
	text[n] = 0;
	return text;
}

static void real_names_beside_libpsl(void **state)
{
	(void)state;
	FILE *f = names_path != NULL ? fopen(names_path, "re") : NULL;
	if (f == NULL)
		skip();
	char *text = unpacked(f), *rest = text;
	n_compared = 0;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		char *column = NULL;
		for (unsigned i = 0; i < 4; i++)
			column = strsep(&line, "\t");
		/* libpsl is asked for names as people write them. */
		if (column != NULL && column[0] != 0 && column[0] != '.' &&
		    strspn(column, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == strlen(column) &&
		    column[strlen(column) - 1] != '.')
			compare(column);
	}
	free(text);
	fclose(f);
	assert_true(n_compared > 10000);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registered_domains),
		cmocka_unit_test(the_longest_name),
		cmocka_unit_test(suffixes),
		cmocka_unit_test(all_rules_beside_libpsl),
		cmocka_unit_test(real_names_beside_libpsl),
	};
	if (argc < 2)
		return 2;
	list_path = argv[1];
	names_path = argc > 2 ? argv[2] : NULL;
	psl = psl_load_file(list_path);
	int e = psl != NULL ? cmocka_run_group_tests(tests, NULL, NULL) : 2;
	psl_free(psl);
	return e;
}
