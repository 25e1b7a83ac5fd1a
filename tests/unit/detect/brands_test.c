/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/brands.h"

#include "rig.h"

static struct brands *known;

static int make(void **state)
{
	(void)state;
	return brands_new(&known);
}

static int drop(void **state)
{
	(void)state;
	brands_free(known);
	return 0;
}

static bool is_label(const struct brand *b, const char *label)
{
	return b != NULL && b->n == strlen(label) && memcmp(b->label, label, b->n) == 0;
}

static const struct brand *near(const char *text)
{
	struct brands_text t;
	brands_text(&t, text, strlen(text));
	return brands_near(known, &t, 0, t.n);
}

static bool has_domain(const struct brands *b, const char *text)
{
	struct brands_text t;
	brands_text(&t, text, strlen(text));
	return brands_have_domain(b, &t, 0, t.n);
}

static void the_list_has_what_it_should(void **state)
{
	(void)state;
	struct brands_text t;
	assert_in_range(brands_count(known), 1000, BRANDS_MAX);
	assert_true(brands_bytes(known) < 4 << 20);
	brands_text(&t, "www.paypal.com", 14);
	assert_true(is_label(brands_find(known, &t, 4, 6), "paypal"));
	assert_null(brands_find(known, &t, 4, 5));
	assert_null(brands_find(known, &t, 3, 7));
	assert_true(brands_have_domain(known, &t, 4, 10));
	assert_false(brands_have_domain(known, &t, 0, 14));
	assert_false(has_domain(known, "paypal.example"));
	assert_true(has_domain(known, "login.microsoftonline.com") ||
	            has_domain(known, "microsoftonline.com"));
	for (unsigned i = 0; i < brands_count(known); i++) {
		const struct brand *b = brands_at(known, i);
		char domain[NAME_TEXT_MAX];
		struct name name;
		assert_in_range(b->n, 3, 63);
		snprintf(domain, sizeof domain, "%.*s", b->n_domain, b->domain);
		assert_int_equal(name_from_text(domain, strlen(domain), &name), 0);
		assert_true(has_domain(known, domain));
	}
}

static void labels_an_edit_away(void **state)
{
	(void)state;
	static const struct {
		const char *text, *label;
	} rows[] = {
		{ "microsofts", "microsoft" }, { "icrosoft", "microsoft" },
		{ "microsot", "microsoft" },   { "micrpsoft", "microsoft" },
		{ "micorsoft", "microsoft" },  { "wmicrosoft", "microsoft" },
		{ "imcrosoft", "microsoft" },  { "microsotf", "microsoft" },
		{ "microssoft", "microsoft" }, { "micosfot", NULL },
		{ "microsoft", NULL },         { "paypol", NULL }, /* too short */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct brand *b = near(rows[i].text);
		if (rows[i].label == NULL)
			assert_null(b);
		else
			assert_true(is_label(b, rows[i].label));
	}
}

/* The distance, from the definition. */
static unsigned distance(const char *a, const char *b)
{
	unsigned d[16][16], n = (unsigned)strlen(a), m = (unsigned)strlen(b);
	for (unsigned i = 0; i <= n; i++) {
		for (unsigned k = 0; k <= m; k++) {
			if (i == 0 || k == 0) {
				d[i][k] = i + k;
				continue;
			}
			unsigned best = d[i - 1][k - 1] + (a[i - 1] != b[k - 1]);
			if (d[i - 1][k] + 1 < best)
				best = d[i - 1][k] + 1;
			if (d[i][k - 1] + 1 < best)
				best = d[i][k - 1] + 1;
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
			    d[i - 2][k - 2] + 1 < best)
				best = d[i - 2][k - 2] + 1;
			d[i][k] = best;
		}
	}
	return d[n][m];
}

static void one_edit_is_what_it_is(void **state)
{
	(void)state;
	/* All texts of up to five letters of two kinds. */
	char a[8], b[8];
	for (unsigned i = 0; i < 1 << 6; i++) {
		for (unsigned k = 0; k < 1 << 6; k++) {
			unsigned n = 0, m = 0;
			for (unsigned bits = i + 1; bits > 1; bits /= 2)
				a[n++] = bits % 2 ? 'a' : 'b';
			for (unsigned bits = k + 1; bits > 1; bits /= 2)
				b[m++] = bits % 2 ? 'a' : 'b';
			a[n] = b[m] = 0;
			assert_int_equal(brands_is_one_edit(a, n, b, m), distance(a, b) == 1);
		}
	}
}

static void words_that_happen_to_be_alike(void **state)
{
	(void)state;
	struct brands_text t;
	brands_text(&t, "openal", 6);
	assert_true(brands_except(known, &t, 0, 6));
	brands_text(&t, "paypai", 6);
	assert_false(brands_except(known, &t, 0, 6));
}

static void words_of_imitators(void **state)
{
	(void)state;
	assert_int_equal(brands_word("login", 5), BRAND_WORD_STRONG);
	assert_int_equal(brands_word("shop", 4), BRAND_WORD_WEAK);
	assert_int_equal(brands_word("com", 3), BRAND_WORD_SUFFIX);
	assert_int_equal(brands_word("zzz", 3), BRAND_WORD_NONE);
	assert_int_equal(brands_word("", 0), BRAND_WORD_NONE);
	/* One letter beside a word is no word. */
	for (char c = 'a'; c <= 'z'; c++) {
		char text[] = "f ";
		text[1] = c;
		bool is_word = c == 'r';
		assert_int_equal(brands_word(text, 2) != BRAND_WORD_NONE, is_word);
	}
}

static void the_operators_own(void **state)
{
	(void)state;
	struct config *c = rig_config(
		"detect:\n  lookalike.domains: [Example-Bank.co.uk, intranet.acme.example]\n");
	struct brands *own;
	struct brands_text t;
	assert_int_equal(brands_new_own(&c->detect.lookalike_domains, &own), 0);
	assert_int_equal(brands_count(own), 2);
	brands_text(&t, "example-bank", 12);
	const struct brand *b = brands_find(own, &t, 0, 12);
	assert_true(is_label(b, "example-bank"));
	assert_true(b->is_own);
	assert_memory_equal(b->domain, "example-bank.co.uk", b->n_domain);
	brands_text(&t, "acme", 4);
	assert_true(is_label(brands_find(own, &t, 0, 4), "acme"));
	assert_true(has_domain(own, "intranet.acme.example"));
	brands_text(&t, "exmaple-bank", 12);
	assert_true(is_label(brands_near(own, &t, 0, 12), "example-bank"));
	brands_free(own);
	config_free(c);
}

static void texts_are_cut_off(void **state)
{
	(void)state;
	char text[400];
	struct brands_text t;
	memset(text, 'a', sizeof text);
	brands_text(&t, text, sizeof text);
	assert_int_equal(t.n, BRANDS_TEXT_MAX);
	assert_null(brands_find(known, &t, 0, t.n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_has_what_it_should),
		cmocka_unit_test(labels_an_edit_away),
		cmocka_unit_test(one_edit_is_what_it_is),
		cmocka_unit_test(words_that_happen_to_be_alike),
		cmocka_unit_test(words_of_imitators),
		cmocka_unit_test(the_operators_own),
		cmocka_unit_test(texts_are_cut_off),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
