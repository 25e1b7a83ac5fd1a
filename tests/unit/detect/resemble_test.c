/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/resemble.h"

#include <idn2.h>

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

struct row {
	const char *name;
	unsigned registered;
	enum resemblance how;
	const char *brand;
};

static void check(const struct brands *b, const struct row *row)
{
	struct name name;
	struct resembled r;
	assert_int_equal(name_from_text(row->name, strlen(row->name), &name), 0);
	resemble(b, name.wire, row->registered, &r);
	if (r.how != row->how)
		fail_msg("%s: rule %u, not %u", row->name, (unsigned)r.how, (unsigned)row->how);
	if (row->brand != NULL &&
	    (r.brand->n != strlen(row->brand) || memcmp(r.brand->label, row->brand, r.brand->n)))
		fail_msg("%s: brand %.*s, not %s", row->name, r.brand->n, r.brand->label,
		         row->brand);
}

static void names_and_what_they_imitate(void **state)
{
	(void)state;
	static const struct row rows[] = {
		/* the brand's own, and what is below it */
		{ "paypal.com", 2, RESEMBLES_NONE, NULL },
		{ "www.paypal.com", 2, RESEMBLES_NONE, NULL },
		{ "login.microsoftonline.com", 2, RESEMBLES_NONE, NULL },
		{ "amazon.co.uk", 3, RESEMBLES_NONE, NULL },
		/* nobody's */
		{ "example.org", 2, RESEMBLES_NONE, NULL },
		{ "www.some-shop.example", 2, RESEMBLES_NONE, NULL },
		{ "login.example.org", 2, RESEMBLES_NONE, NULL },
		/* another suffix */
		{ "netflix.example", 2, RESEMBLES_SUFFIX, "netflix" },
		{ "apple.example", 2, RESEMBLES_NONE, NULL }, /* a word */
		{ "login.netflix.example", 2, RESEMBLES_STRONG, "netflix" },
		/* shapes */
		{ "paypa1.example", 2, RESEMBLES_SHAPES, "paypal" },
		{ "www.rnicrosoft.example", 2, RESEMBLES_SHAPES, "microsoft" },
		{ "g00gle.example", 2, RESEMBLES_SHAPES, "google" },
		{ "openal.example", 2, RESEMBLES_NONE, NULL },
		/* edits */
		{ "facebok.example", 2, RESEMBLES_EDIT, "facebook" },
		{ "mircosoft.example", 2, RESEMBLES_EDIT, "microsoft" },
		{ "payal.example", 2, RESEMBLES_NONE, NULL },
		/* words */
		{ "paypal-login.example", 2, RESEMBLES_STRONG, "paypal" },
		{ "secure-paypal.example", 2, RESEMBLES_STRONG, "paypal" },
		{ "paypallogin.example", 2, RESEMBLES_STRONG, "paypal" },
		{ "securepaypal.example", 2, RESEMBLES_STRONG, "paypal" },
		{ "mysecurepaypal.example", 2, RESEMBLES_STRONG, "paypal" },
		{ "paypa1-login.example", 2, RESEMBLES_STRONG, "paypal" },
		{ "paypal-com.example", 2, RESEMBLES_STRONG, "paypal" },
		{ "www-paypal.example", 2, RESEMBLES_STRONG, "paypal" },
		{ "paypal-blues.example", 2, RESEMBLES_WORDS, "paypal" },
		{ "appleorchard.example", 2, RESEMBLES_NONE, NULL },
		{ "apple-login.example", 2, RESEMBLES_STRONG, "apple" },
		{ "ups-tracking.example", 2, RESEMBLES_STRONG, "ups" },
		{ "startups-tracking.example", 2, RESEMBLES_NONE, NULL },
		{ "pineapplelogin.example", 2, RESEMBLES_NONE, NULL },
		/* below somebody's domain */
		{ "paypal.com.example.org", 2, RESEMBLES_BELOW, "paypal" },
		{ "www.paypal.com.a.example.org", 2, RESEMBLES_BELOW, "paypal" },
		{ "www.amazon.co.uk.example.org", 2, RESEMBLES_BELOW, "amazon" },
		{ "paypal.com.secure-login.example", 2, RESEMBLES_BELOW_WORD, "paypal" },
		{ "paypal.com.login.example.org", 2, RESEMBLES_BELOW_WORD, "paypal" },
		{ "login.paypal.com.example.org", 2, RESEMBLES_BELOW,
		  "paypal" }, /* a search list */
		{ "paypal.com-verify.example", 2, RESEMBLES_BELOW_WORD, "paypal" },
		{ "paypal.com-abc.example", 2, RESEMBLES_BELOW, "paypal" },
		{ "paypal.account-verify.example", 2, RESEMBLES_STRONG, "paypal" },
		{ "paypal-login.example.org", 2, RESEMBLES_LEFT, "paypal" },
		{ "paypal.example.org", 2, RESEMBLES_NONE, NULL },
		{ "paypal-payments.github.io", 3, RESEMBLES_STRONG, "paypal" },
		/* the registered part is not all of it */
		{ "example.paypal-login.example.org", 2, RESEMBLES_LEFT, "paypal" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(known, &rows[i]);
}

static void letters_of_other_scripts(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "pаypal.example", 2, RESEMBLES_LETTERS, "paypal" }, /* one Cyrillic */
		{ "аррӏе.example", 2, RESEMBLES_LETTERS, "apple" },   /* all of it */
		{ "gооgle.example", 2, RESEMBLES_LETTERS, "google" },
		{ "miсrosoft-login.example", 2, RESEMBLES_LETTERS, "microsoft" },
		{ "www.pаypal.example.org", 2, RESEMBLES_LETTERS, "paypal" },
		{ "pàypal.example", 2, RESEMBLES_MARKS, "paypal" },
		{ "microsoḟt.example", 2, RESEMBLES_MARKS, "microsoft" },
		{ "fасеbok.example", 2, RESEMBLES_EDIT, "facebook" },
		{ "россияx.example", 2, RESEMBLES_MIXED, NULL },
		{ "почта.example", 2, RESEMBLES_NONE, NULL },
		{ "bücher.example", 2, RESEMBLES_NONE, NULL },
		{ "日本語.example", 2, RESEMBLES_NONE, NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct row row = rows[i];
		char *name;
		assert_int_equal(idn2_to_ascii_8z(rows[i].name, &name, IDN2_NONTRANSITIONAL),
		                 IDN2_OK);
		row.name = name;
		check(known, &row);
		idn2_free(name);
	}
}

static void the_operators_own_domains(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "acme-bank.example", 2, RESEMBLES_NONE, NULL },
		{ "vpn.acme-bank.example", 2, RESEMBLES_NONE, NULL },
		{ "acme-bank.net", 2, RESEMBLES_SUFFIX, "acme-bank" },
		{ "acme-bnak.net", 2, RESEMBLES_EDIT, "acme-bank" },
		{ "acrne-bank.net", 2, RESEMBLES_SHAPES, "acme-bank" },
		{ "vpn.acme-bank.example.evil.example", 2, RESEMBLES_BELOW, "acme-bank" },
		{ "umm-login.net", 2, RESEMBLES_STRONG, "umm" },
		{ "summit.net", 2, RESEMBLES_NONE, NULL },
	};
	struct config *c =
		rig_config("detect:\n  lookalike.domains: [acme-bank.example, umm.example]\n");
	struct brands *own;
	assert_int_equal(brands_new_own(&c->detect.lookalike_domains, &own), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(own, &rows[i]);
	brands_free(own);
	config_free(c);
}

static void odd_names(void **state)
{
	(void)state;
	struct name name;
	struct resembled r;
	char text[300] = "";
	for (unsigned i = 0; i < 120; i++)
		memcpy(text + strlen(text), "p.", 3);
	assert_int_equal(name_from_text(text, strlen(text), &name), 0);
	resemble(known, name.wire, 2, &r);
	assert_int_equal(r.how, RESEMBLES_NONE);
	resemble(known, (const uint8_t *)"\6paypal", 1, &r);
	assert_int_equal(r.how, RESEMBLES_NONE);
	resemble(known, (const uint8_t *)"\6paypal\7example", 3, &r); /* more than there are */
	assert_int_equal(r.how, RESEMBLES_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_what_they_imitate),
		cmocka_unit_test(letters_of_other_scripts),
		cmocka_unit_test(the_operators_own_domains),
		cmocka_unit_test(odd_names),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
